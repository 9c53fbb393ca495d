//! A namespace on the test's Kafka, and processes that serve it.
//!
//! Over 300 lines: one world, and the words that the tests say to it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ripcord::config::KafkaSettings;
use ripcord::edge::clock::{Clock as _, Stopwatch, SystemClock};
use ripcord::edge::log::kafka::KafkaLog;
use ripcord::edge::log::{Log as _, Outgoing, Partition, Record, Topic};
use ripcord::model::{Command as Order, EventTime, Incident, Namespace, Span, StepResult};
use ripcord::shard::{Inbox, Status};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::common::broker;

/// Longer than anything takes here, a broker's restart included.
pub const LONG: Span = Span::from_s(120);

/// Held by every pipeline; what needs the machine for itself holds it alone.
static MACHINE: RwLock<()> = RwLock::new(());

/// Waits until nobody needs the machine alone.
fn shared() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no other pipeline runs.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

pub const REGISTRY: &str = r#"{"schema":"ripcord.registry/1","revision":1,"models":[
  {"name":"m","version":"v3","is_production":true,"created_at":"2025-03-01T00:00:00Z"},
  {"name":"m","version":"v2","is_production":false,"proven_good":true,
   "created_at":"2025-02-01T00:00:00Z","baseline":{"error_rate":{"value":0.01,"n":50000}}}]}"#;

/// How many partitions of what there are.
#[derive(Clone, Copy)]
pub struct Shape {
    pub lanes: u32,
    pub shards: u32,
}

pub struct World {
    pub folder: TempDir,
    pub log: KafkaLog,
    pub namespace: Namespace,
    /// The telemetry topic.
    pub topic: String,
    pub shape: Shape,
    pub from: EventTime,
    sent: u64,
    _machine: RwLockReadGuard<'static, ()>,
}

/// A process, and what it logs. Dropping it is kill -9.
pub struct Process {
    child: Child,
    errors: PathBuf,
}

impl Process {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// What it has logged so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap()
    }

    /// What it answers by HTTP: the status and the body. It was started with an address, and says
    /// which it got.
    pub fn get(&self, path: &str) -> (u16, String) {
        let at = until("it says where it answers", || self.told("at="));
        ask(&at, "GET", path, "")
    }

    /// What it has logged behind a word like `at=`.
    pub fn told(&self, word: &str) -> Option<String> {
        let said = self.said();
        let found = said.split_whitespace().find_map(|one| one.strip_prefix(word))?;
        Some(found.trim_matches('"').to_owned())
    }

    /// The lines of a metric.
    pub fn metric(&self, name: &str) -> Vec<String> {
        let (status, page) = self.get("/metrics");
        assert_eq!(status, 200, "{page}");
        page.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Asks it to stop; it must end well.
    pub fn stop(mut self) {
        let status = self.end();
        assert!(status.success(), "{status}: {}", self.said());
    }

    /// Asks it to stop, and waits until it has.
    pub fn end(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            println!("--- {}\n{}", self.errors.display(), self.said());
        }
    }
}

/// What an address answers by HTTP: the status and the body.
pub fn ask(at: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(at).unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

impl World {
    /// Topics are made, `registry` is the registry.json, `more` follows the settings.
    pub fn new(shape: Shape, registry: &str, more: &str) -> Self {
        Self::of_topic(&broker::unique("telemetry"), shape, registry, more)
    }

    /// The same, with telemetry that may be there already.
    pub fn of_topic(topic: &str, shape: Shape, registry: &str, more: &str) -> Self {
        Self::on(&broker::settings(), topic, shape, registry, more)
    }

    /// The same, on brokers of its own.
    pub fn on(
        settings: &KafkaSettings,
        topic: &str,
        shape: Shape,
        registry: &str,
        more: &str,
    ) -> Self {
        let machine = shared();
        let (name, topic) = (broker::unique("t"), topic.to_owned());
        let folder = tempfile::tempdir().unwrap();
        let properties: Vec<_> = settings
            .properties
            .iter()
            .map(|(name, value)| format!("{name:?} = {value:?}"))
            .collect();
        let config = format!(
            "namespace = {name:?}\n[log]\nkind = \"kafka\"\nfolder = \"data\"\nshards = {}\n\
             telemetry_lanes = {}\n[kafka]\nbrokers = {:?}\n[kafka.properties]\n{}\n\
             [http]\nlisten = \"127.0.0.1:0\"\n\
             [ingest]\nflush_milliseconds = 50\nidle_after_seconds = 1\n\
             [sources.telemetry]\ntopics = [{topic:?}]\n\
             [rules.triggers.error-rate]\nbucket_seconds = 10\n\
             [workers.registry]\npath = \"registry.json\"\ncheck_artifacts = false\n\
             poll_seconds = 1\n{more}\n[rules]\nmode = \"act\"\n",
            shape.shards,
            shape.lanes,
            settings.brokers,
            properties.join("\n"),
        );
        std::fs::write(folder.path().join("my.toml"), config).unwrap();
        std::fs::write(folder.path().join("registry.json"), registry).unwrap();
        let log = KafkaLog::open(settings, Arc::new(SystemClock)).unwrap();
        let hour_ago = SystemClock.now().as_ms() - 3_600_000;
        let from = EventTime::from_ms(hour_ago - hour_ago % 60_000);
        let namespace = Namespace::new(&name).unwrap();
        let world = Self { folder, log, namespace, topic, shape, from, sent: 0, _machine: machine };
        world.run(&["topics", "create", "--telemetry"]);
        world
    }

    /// Changes a line of the settings.
    pub fn replace(&self, old: &str, new: &str) {
        let config = std::fs::read_to_string(self.path("my.toml")).unwrap();
        assert!(config.contains(old));
        std::fs::write(self.path("my.toml"), config.replace(old, new)).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ripcord"));
        command.current_dir(self.folder.path()).args(arguments).args(["--config", "my.toml"]);
        command.env_remove("RIPCORD_TOKEN").env_remove("RIPCORD_INSTRUCTION_KEYS");
        command
    }

    /// Runs a command to its end, however that is.
    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command to its end, which must be a good one.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_in(&[], arguments)
    }

    /// The same, with more in its environment.
    pub fn run_in(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let output = command.envs(environment.iter().copied()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} {}: {said}", output.status);
        output
    }

    /// Starts a process that stays.
    pub fn start(&self, arguments: &[&str]) -> Process {
        self.begin(self.command(arguments), arguments)
    }

    /// The same, with a name of its own among its like.
    pub fn start_as(&self, instance: &str, arguments: &[&str]) -> Process {
        let mut command = self.command(arguments);
        command.env("RIPCORD__KAFKA__INSTANCE", instance);
        self.begin(command, arguments)
    }

    /// The same, with more in its environment.
    pub fn start_in(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Process {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        self.begin(command, arguments)
    }

    fn begin(&self, mut command: Command, arguments: &[&str]) -> Process {
        let name = broker::unique(&arguments.join("-"));
        let errors = self.path(&format!("{name}.log"));
        let log = File::create(&errors).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Process { child, errors }
    }

    /// Revision and production.
    pub fn registry(&self) -> (u64, String) {
        let text = std::fs::read_to_string(self.path("registry.json")).unwrap();
        let registry: Json = serde_json::from_str(&text).unwrap();
        let models = registry["models"].as_array().unwrap().iter();
        let production: Vec<_> = models.filter(|model| model["is_production"] == true).collect();
        assert_eq!(production.len(), 1, "{registry:#}");
        let version = production[0]["version"].as_str().unwrap().to_owned();
        (registry["revision"].as_u64().unwrap(), version)
    }

    /// Sends lines to the lanes in turn.
    pub fn send(&mut self, lines: &[String]) {
        let lane = |index: usize| u32::try_from(index).unwrap() % self.shape.lanes;
        let records = lines.iter().enumerate().map(|(index, line)| self.line(lane(index), line));
        self.log.writer(None).unwrap().append(records.collect()).unwrap();
        self.sent += lines.len() as u64;
    }

    pub fn line(&self, lane: u32, line: &str) -> Outgoing {
        let to = Partition { topic: self.topic.clone(), partition: lane };
        Outgoing { to, key: None, headers: Vec::new(), value: line.into() }
    }

    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// A minute of answers of one version, one a second, all well or three in five errors.
    pub fn minute(&mut self, minute: i64, version: &str, ill: bool) {
        let start = self.from + Span::from_s(60 * minute);
        let line = |second| answer(&format!("{minute}-{second}"), version, start, second, ill);
        self.send(&(0..60).map(line).collect::<Vec<_>>());
    }

    /// All records of one of its topics that are committed.
    pub fn records(&self, topic: Topic) -> Vec<Record> {
        let partitions = (0..self.shape.shards)
            .map(|partition| Partition { topic: topic.name(&self.namespace), partition });
        partitions.flat_map(|at| self.log.scan(&at, 0, usize::MAX).unwrap()).collect()
    }

    pub fn values<T: serde::de::DeserializeOwned>(&self, topic: Topic) -> Vec<T> {
        let records = self.records(topic);
        records.iter().map(|record| serde_json::from_slice(&record.value).unwrap()).collect()
    }

    pub fn commands(&self) -> Vec<Order> {
        self.values(Topic::Commands)
    }

    /// The last word of each incident.
    pub fn incidents(&self) -> Vec<Incident> {
        let all = self.values::<Incident>(Topic::Incidents).into_iter();
        let last: BTreeMap<String, Incident> =
            all.map(|incident| (incident.id.to_string(), incident)).collect();
        last.into_values().collect()
    }

    /// The last word of each incident that took a version back.
    pub fn rolled_back(&self) -> Vec<Incident> {
        self.incidents().into_iter().filter(|incident| incident.to.is_some()).collect()
    }

    /// What workers answered.
    pub fn answers(&self) -> Vec<(String, StepResult)> {
        let inbox = self.values::<Inbox>(Topic::Inbox).into_iter();
        inbox
            .filter_map(|record| match record {
                Inbox::Answer(answer) => Some((answer.command.to_string(), answer.outcome)),
                _ => None,
            })
            .collect()
    }

    /// The last live numbers of each shard.
    pub fn status(&self) -> Vec<Status> {
        let of = |partition| Partition { topic: Topic::Status.name(&self.namespace), partition };
        let shards = (0..self.shape.shards).map(of);
        let status = |record: &Record| record.key.as_deref() == Some(b"status");
        shards
            .flat_map(|at| self.log.latest(&at, "").unwrap())
            .filter(status)
            .map(|record| serde_json::from_slice(&record.value).unwrap())
            .collect()
    }

    /// Telemetry read and accounted for, as the shards know it; every shard knows the same.
    pub fn read(&self) -> Option<u64> {
        let status = self.status();
        let counters: Vec<_> =
            status.iter().filter_map(|one| one.records.values().next()).collect();
        let first = counters.first()?;
        counters.iter().all(|one| one == first && one.read == one.accounted()).then_some(first.read)
    }
}

pub fn answer(id: &str, version: &str, start: EventTime, second: i64, ill: bool) -> String {
    let status = if ill && second % 5 < 3 { "error" } else { "ok" };
    let ts = start + Span::from_s(second);
    json!({"type": "prediction", "id": id, "model": "m", "version": version, "ts": ts,
        "status": status, "prediction": 1, "role": "live"})
    .to_string()
}

/// Waits for something; what it was is told if it does not come.
pub fn until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    let found = within(LONG, ask);
    found.unwrap_or_else(|| panic!("it does not come to pass that {what}"))
}

/// Waits for something for so long.
pub fn within<T>(limit: Span, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let watch = Stopwatch::start();
    loop {
        if let Some(found) = ask() {
            return Some(found);
        }
        if watch.elapsed() >= limit {
            return None;
        }
        // For a moment between two looks the roles have the processors.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

pub fn header(record: &Record, name: &str) -> String {
    let found = record.headers.iter().find(|(key, _)| key == name);
    String::from_utf8(found.unwrap_or_else(|| panic!("no header {name}")).1.clone()).unwrap()
}

pub fn absolute(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}
