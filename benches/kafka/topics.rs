//! A pipeline of its own on the bench's broker: settings, topics, and roles as processes.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ripcord::config::{GroupProtocol, KafkaSettings};
use ripcord::edge::clock::{Stopwatch, SystemClock};
use ripcord::edge::log::kafka::KafkaLog;
use ripcord::edge::log::{Log as _, Partition, Record, Topic};
use ripcord::model::{Namespace, Span};
use tempfile::TempDir;

pub const LANES: u32 = 4;
/// Longer than anything takes here.
const LONG: Span = Span::from_s(600);

/// The broker, from `tests/kafka/broker run`.
pub fn brokers() -> String {
    std::env::var("RIPCORD_TEST_BROKERS").expect("run it with benches/kafka/run")
}

pub fn settings() -> KafkaSettings {
    KafkaSettings {
        brokers: brokers(),
        instance: None,
        group_protocol: GroupProtocol::Classic,
        replication: None,
        retention: Span::from_s(30 * 24 * 3600),
        longest_work: Span::from_s(300),
        properties: Default::default(),
        secrets: Default::default(),
    }
}

pub fn unique(name: &str) -> String {
    format!("{name}-{}", &uuid::Uuid::new_v4().simple().to_string()[..8])
}

/// One namespace.
pub struct BenchTopics {
    pub folder: TempDir,
    pub log: KafkaLog,
    pub namespace: Namespace,
    pub topic: String,
}

impl BenchTopics {
    /// Makes its topics; `topic` is its telemetry, which may be there. All settings but those
    /// that name things, and those in `more`, are the defaults.
    pub fn new(topic: &str, registry: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let name = unique("bench");
        let config = format!(
            "namespace = {name:?}\n[log]\nkind = \"kafka\"\nfolder = \"data\"\nshards = 1\n\
             telemetry_lanes = {LANES}\n[kafka]\nbrokers = {:?}\n\
             [sources.telemetry]\ntopics = [{topic:?}]\n\
             [workers.registry]\npath = \"registry.json\"\ncheck_artifacts = false\n\
             [rules]\nmode = \"act\"\n{more}\n",
            brokers()
        );
        std::fs::write(folder.path().join("my.toml"), config).expect("it can be written");
        std::fs::write(folder.path().join("registry.json"), registry).expect("it can be written");
        let log = KafkaLog::open(&settings(), Arc::new(SystemClock)).expect("the broker runs");
        let namespace = Namespace::new(&name).expect("a name");
        let topics = Self { folder, log, namespace, topic: topic.to_owned() };
        let made = topics.command(&["topics", "create", "--telemetry"]).output();
        let made = made.expect("the program is there");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        topics
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ripcord"));
        command.current_dir(self.folder.path()).args(arguments).args(["--config", "my.toml"]);
        command.env_remove("RIPCORD_TOKEN");
        command
    }

    /// Starts a role in a process.
    pub fn start(&self, arguments: &[&str]) -> Process {
        let log = self.path(&format!("{}.log", arguments.join("-")));
        let errors = File::create(&log).expect("it can be written");
        let child = self.command(arguments).stdout(Stdio::null()).stderr(errors).spawn();
        Process { child: child.expect("the program is there"), log }
    }

    pub fn partition(&self, topic: Topic) -> Partition {
        Partition { topic: topic.name(&self.namespace), partition: 0 }
    }

    /// The records of one of its topics from a position on.
    pub fn records(&self, topic: Topic, from: i64) -> Vec<Record> {
        self.log.scan(&self.partition(topic), from, usize::MAX).expect("the broker answers")
    }
}

/// A role's process; dropping it ends it.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Seconds of processor time so far. Linux counts them in hundredths wherever it runs.
    pub fn cpu(&self) -> f64 {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(path).expect("needs Linux");
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| fields[index].parse::<f64>().expect("Linux tells it");
        (ticks(11) + ticks(12)) / 100.0
    }

    /// The most memory it ever held, in MiB.
    pub fn peak_mib(&self) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(path).expect("needs Linux");
        let line = text.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux tells it");
        let kib = line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok());
        kib.expect("a number") / 1024.0
    }

    /// What it has logged, for when it does not do what it should.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Waits for something.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(watch.elapsed() < LONG, "it does not come to pass that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
