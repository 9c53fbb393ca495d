//! Users with rights: each role works with exactly those that `topics acls` prints for it, and
//! names the one that is taken away.

use std::io::Write as _;
use std::process::{Command, Stdio};

use ripcord::config::KafkaSettings;
use ripcord::edge::log::{Log as _, Outgoing, Partition, Topic};
use ripcord::model::Span;
use ripcord::shard::Inbox;
use tempfile::TempDir;

use crate::common::skip::skipped;
use crate::common::{broker, length};
use crate::own_broker::{Broker, free_ports};
use crate::world::{Process, REGISTRY, Shape, World, absolute, until, within};

const SHAPE: Shape = Shape { lanes: 1, shards: 1 };

/// The longest that a role may take to name a right that it lacks.
const NAMED_WITHIN: Span = Span::from_s(45);

/// Each role, and the command that runs it.
const ROLES: [(&str, &[&str]); 4] = [
    ("ingest", &["ingest", "--health", "127.0.0.1:0"]),
    ("decide", &["decide", "--health", "127.0.0.1:0"]),
    ("work", &["work", "registry", "--health", "127.0.0.1:0"]),
    ("serve", &["serve"]),
];

/// A world on brokers that know users.
struct Guarded {
    world: World,
    /// Where users without a password are let in, who may do everything.
    open: String,
    /// Where the others come.
    guarded: String,
    _broker: Broker,
    _data: TempDir,
}

impl Guarded {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let [port, controller, users] = free_ports();
        let folder = data.path().join("kafka").display().to_string();
        let started = Broker::start(vec![folder, port.clone(), controller, users.clone()]);
        let (open, guarded) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{users}"));
        let settings = KafkaSettings { brokers: open.clone(), ..broker::settings() };
        let topic = broker::unique("telemetry");
        let more = "[rules.policy]\nstall_after_seconds = 10\n";
        let world = World::on(&settings, &topic, SHAPE, REGISTRY, more);
        Self { world, open, guarded, _broker: started, _data: data }
    }

    /// The commands that give a role its rights, one right a command.
    fn rights(&self, role: &str) -> Vec<Granted> {
        let user = format!("User:{role}");
        let said = self.world.run(&["topics", "acls", "--principal", &user, "--role", role]);
        let text = String::from_utf8(said.stdout).unwrap();
        text.lines().flat_map(Granted::read).collect()
    }

    /// Gives the rights, or takes them.
    fn change(&self, way: &str, rights: &[Granted]) {
        let mut child = Command::new("python3")
            .arg(absolute("tests/kafka/acls.py"))
            .arg(&self.open)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = child.stdin.take().unwrap();
        for right in rights {
            writeln!(lines, "{}", right.command.replace("--add", way)).unwrap();
        }
        drop(lines);
        assert!(child.wait().unwrap().success());
    }

    /// Starts a role as its user.
    fn start(&self, role: &str, arguments: &[&str]) -> Process {
        let environment = [
            ("RIPCORD__KAFKA__BROKERS", self.guarded.as_str()),
            ("RIPCORD__KAFKA__PROPERTIES__SECURITY__PROTOCOL", "SASL_PLAINTEXT"),
            ("RIPCORD__KAFKA__PROPERTIES__SASL__MECHANISM", "PLAIN"),
            ("RIPCORD__KAFKA__PROPERTIES__SASL__USERNAME", role),
            ("RIPCORD__KAFKA__PROPERTIES__SASL__PASSWORD", role),
        ];
        self.world.start_in(&environment, arguments)
    }

    /// A record for decide to fold, so that it has something to commit.
    fn ask_to_commit(&self) {
        let to = Partition { topic: Topic::Inbox.name(&self.world.namespace), partition: 0 };
        let value = serde_json::to_vec(&Inbox::Tick).unwrap();
        let record = Outgoing { to, key: None, headers: Vec::new(), value };
        self.world.log.writer(None).unwrap().append(vec![record]).unwrap();
    }

    /// Takes one right away, starts the role and waits until it names the right. Returns what the
    /// role said if it never does.
    fn names(&self, (role, arguments): (&str, &[&str]), right: &Granted) -> Option<String> {
        self.change("--remove --force", std::slice::from_ref(right));
        let mut process = self.start(role, arguments);
        let wanted = format!("the right {} on {}", right.operation, right.resource);
        // Reading includes asking, and a role may ask first.
        let asked = format!("the right Describe on {}", right.resource);
        if role == "decide" {
            self.ask_to_commit();
        }
        let named = within(NAMED_WITHIN, || {
            let mut said = process.said();
            if role == "serve" && process.runs() && process.said().contains("at=") {
                let pages = ["/api/status", "/api/incidents", "/api/decisions", "/api/rules"];
                let answers = pages.map(|path| process.get(path).1).concat();
                said.push_str(&answers);
            }
            (said.contains(&wanted) || said.contains(&asked)).then_some(())
        });
        let said = process.said();
        drop(process);
        self.change("--add", std::slice::from_ref(right));
        named.is_none().then(|| format!("{role} never names {wanted}: {said}"))
    }
}

/// A right, and the command that gives it.
#[derive(Debug, Clone)]
struct Granted {
    command: String,
    operation: String,
    resource: String,
}

impl Granted {
    /// Those of one line, each on its own.
    fn read(line: &str) -> Vec<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "--operation").unwrap();
        let (begin, operation) = (words[..at].join(" "), words[at + 1]);
        let each = words[at + 2..].chunks(2).map(|pair| {
            let kind = pair[0].trim_start_matches("--").replace('-', " ");
            Self {
                command: format!("{begin} --operation {operation} {} {}", pair[0], pair[1]),
                operation: operation.to_owned(),
                resource: format!("{kind} {}", pair[1]),
            }
        });
        each.collect()
    }
}

#[test]
fn each_role_works_with_exactly_its_rights_and_names_one_that_it_lacks() {
    let python = Command::new("python3").args(["-c", "import confluent_kafka"]).status();
    if !python.is_ok_and(|status| status.success()) {
        return skipped("the rights on Kafka: pip install confluent-kafka");
    }
    let mut guarded = Guarded::new();
    let rights = ROLES.map(|(role, _)| guarded.rights(role));
    guarded.change("--add", &rights.concat());
    let mut roles = ROLES.map(|(role, arguments)| guarded.start(role, arguments));
    for minute in 0..3 {
        guarded.world.minute(minute, "v3", false);
    }
    let world = &mut guarded.world;
    until("all was read", || (world.read() == Some(world.sent())).then_some(()));
    for minute in 3..6 {
        world.minute(minute, "v3", true);
    }
    until("the fault is rolled back", || {
        for role in &mut roles {
            assert!(role.runs(), "{}", role.said());
        }
        (world.registry() == (2, "v2".to_owned())).then_some(())
    });
    for (role, path) in
        [(0, "/readyz"), (1, "/readyz"), (2, "/readyz"), (3, "/api/incidents"), (3, "/readyz")]
    {
        until(&format!("{} is well: {path}", ROLES[role].0), || {
            (roles[role].get(path).0 == 200).then_some(())
        });
    }
    for role in &roles {
        assert!(!role.said().contains("refuse"), "{}", role.said());
    }
    roles.into_iter().for_each(Process::stop);

    // In the short round only those that are met in another way each: at the start, in the stream,
    // when a topic is asked about, when one is written, and by a transaction.
    let short = [
        ("ingest", "Write", "rejected"),
        ("ingest", "Write", "status"),
        ("ingest", "Read", ".ingest.telemetry"),
        ("decide", "DescribeConfigs", "state"),
        ("decide", "Write", ".decide.0"),
        ("serve", "Read", "status"),
    ];
    let (long, mut silent) = (length::whole(), Vec::new());
    for (role, rights) in ROLES.into_iter().zip(&rights) {
        for right in rights.iter().filter(|right| !is_unused(&guarded, role.0, right)) {
            let chosen = |(of, operation, end): &(&str, &str, &str)| {
                *of == role.0 && *operation == right.operation && right.resource.ends_with(end)
            };
            if long || short.iter().any(chosen) {
                println!("{}: {} on {}", role.0, right.operation, right.resource);
                silent.extend(guarded.names(role, right));
            }
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// Nobody posts telemetry here, so serve never writes any; no other worker runs; and a tick changes
/// no state that decide would write.
fn is_unused(guarded: &Guarded, role: &str, right: &Granted) -> bool {
    let posted = role == "serve" && right.resource == format!("topic {}", guarded.world.topic);
    let state = role == "decide"
        && right.operation == "Write"
        && right.resource.starts_with("topic ")
        && right.resource.ends_with(".state");
    posted || state || right.resource.ends_with(".work.notice")
}
