//! `ripcord up` as its users have it: a process, its banner, HTTP, a registry file, and a kill.
//!
//! Over 300 lines: one process and what may happen to it.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use ripcord::edge::clock::{Clock as _, Stopwatch, SystemClock};
use ripcord::model::{EventTime, Span};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

const LONG: Span = Span::from_s(60);

const CONFIG: &str = r#"
[log]
folder = "data"
shards = 2
telemetry_lanes = 1
[http]
listen = "127.0.0.1:0"
[ingest]
flush_milliseconds = 50
idle_after_seconds = 1
[rules]
mode = "MODE"
[rules.triggers.error-rate]
bucket_seconds = 10
[workers.registry]
path = "registry.json"
check_artifacts = false
poll_seconds = 1
"#;

const REGISTRY: &str = r#"{"schema":"ripcord.registry/1","revision":1,"models":[
  {"name":"m","version":"v3","is_production":true,"created_at":"2025-03-01T00:00:00Z"},
  {"name":"m","version":"v2","is_production":false,"proven_good":true,
   "created_at":"2025-02-01T00:00:00Z","baseline":{"error_rate":{"value":0.01,"n":50000}}},
  {"name":"m","version":"v1","is_production":false,"proven_good":true,
   "created_at":"2025-01-01T00:00:00Z","baseline":{"error_rate":{"value":0.01,"n":50000}}}]}"#;

/// A folder with settings and a registry, and what was sent so far.
pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) minute: i64,
    pub(super) sent: u64,
    pub(super) from: EventTime,
}

/// A process that runs, and where it answers.
pub(super) struct Up {
    pub(super) child: Child,
    banner: Vec<String>,
    pub(super) address: String,
    /// Held open: who prints into a pipe that nobody reads is ended.
    _said: BufReader<ChildStdout>,
}

impl Drop for Up {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why}: {}", self.body))
    }
}

impl World {
    pub(super) fn new(mode: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = CONFIG.replace("MODE", mode);
        std::fs::write(folder.path().join("up.toml"), config).unwrap();
        std::fs::write(folder.path().join("registry.json"), REGISTRY).unwrap();
        let hour_ago = SystemClock.now().as_ms() - 3_600_000;
        let from = EventTime::from_ms(hour_ago - hour_ago % 60_000);
        Self { folder, minute: 0, sent: 0, from }
    }

    fn up(&self) -> Up {
        Up::start(&mut ripcord(self.folder.path()))
    }

    /// A minute of answers of one version, all well or three in five errors.
    pub(super) fn minute(&mut self, up: &Up, version: &str, ill: bool) {
        let start = self.from + Span::from_s(60 * self.minute);
        let line = |second: i64| {
            let status = if ill && second % 5 < 3 { "error" } else { "ok" };
            let (id, ts) = (format!("{}-{second}", self.minute), start + Span::from_s(second));
            json!({"type": "prediction", "id": id, "model": "m", "version": version, "ts": ts,
                "status": status, "prediction": 1, "role": "live"})
            .to_string()
        };
        let body = (0..60).map(line).collect::<Vec<_>>().join("\n");
        let answer = up.ask("POST", "/api/telemetry", &body);
        assert_eq!((answer.status, &answer.json()["taken"]), (200, &json!(60)), "{}", answer.body);
        (self.minute, self.sent) = (self.minute + 1, self.sent + 60);
    }

    /// Revision and production.
    pub(super) fn registry(&self) -> (u64, String) {
        let text = std::fs::read_to_string(self.folder.path().join("registry.json")).unwrap();
        let registry: Json = serde_json::from_str(&text).unwrap();
        let models = registry["models"].as_array().unwrap().iter();
        let production: Vec<_> = models.filter(|model| model["is_production"] == true).collect();
        assert_eq!(production.len(), 1, "{registry:#}");
        let version = production[0]["version"].as_str().unwrap().to_owned();
        (registry["revision"].as_u64().unwrap(), version)
    }

    /// The model's status, once all that was sent was read and its shard has said who serves.
    fn serves(&self, up: &Up, version: &str) -> Json {
        let told = |answer: &Answer| {
            let status = answer.json();
            let read = &status["records"]["telemetry"]["read"];
            *read == self.sent && status["models"]["m"]["production"] == version
        };
        up.until("/api/status", told).json()["models"]["m"].clone()
    }
}

pub(super) fn ripcord(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ripcord"));
    command.current_dir(folder).args(["up", "--config", "up.toml"]).env_remove("RIPCORD_TOKEN");
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Whether the health check of the container image finds a ready process at an address.
fn is_healthy(address: &str) -> bool {
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/ready");
    let mut check = Command::new(check);
    check.env_remove("RIPCORD_HEALTH").env("RIPCORD__HTTP__LISTEN", address);
    check.stderr(Stdio::null()).status().unwrap().success()
}

fn ask(address: &str, method: &str, path: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (host, length) = (address, body.len());
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}");
    let kind = "content-type: application/json";
    write!(stream, "{head}\r\n{kind}\r\nconnection: close\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

impl Up {
    /// Starts it and waits until it is ready.
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut banner = Vec::new();
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended: {banner:?}");
            banner.push(line.trim_end().to_owned());
            if let Some((_, rest)) = line.split_once("listens  http://") {
                break rest.split(' ').next().unwrap().to_owned();
            }
        };
        let up = Up { child, banner, address, _said: said };
        up.until("/readyz", |answer| answer.status == 200);
        up
    }

    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        ask(&self.address, method, path, body)
    }

    /// Posts to it from another thread.
    pub(super) fn posts(&self) -> impl Fn(&str, &str) -> Answer + Send + use<> {
        let address = self.address.clone();
        move |path, body| ask(&address, "POST", path, body)
    }

    /// Asks until the answer is as wanted.
    pub(super) fn until(&self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let watch = Stopwatch::start();
        loop {
            let answer = self.ask("GET", path, "");
            if wanted(&answer) {
                return answer;
            }
            assert!(watch.elapsed() < LONG, "{path} stays {}: {}", answer.status, answer.body);
        }
    }

    /// Asks for something and follows it until it is accepted.
    fn accepted(&self, path: &str, body: &Json) -> Json {
        let asked = self.ask("POST", path, &body.to_string());
        assert_eq!(asked.status, 202, "{}", asked.body);
        let mut lines = asked.head.lines();
        let location = lines.find_map(|line| line.strip_prefix("location: ")).unwrap();
        let fate = self.until(location, |answer| answer.json()["state"] != "pending").json();
        assert_eq!(fate["state"], "accepted", "{fate}");
        fate
    }

    /// Asks it to stop, as a supervisor does, and waits until it takes no more connections.
    fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let watch = Stopwatch::start();
        while TcpStream::connect(&self.address).is_ok() {
            assert!(watch.elapsed() < LONG, "it still takes connections");
        }
    }

    /// Something of it was counted.
    fn counts(&self, series: &str) {
        let grown = |line: &str| line.strip_prefix(series).is_some_and(|count| count != " 0");
        self.until("/metrics", |answer| answer.body.lines().any(grown));
    }

    pub(super) fn incidents(&self, wanted: impl Fn(&[Json]) -> bool) -> Vec<Json> {
        let of = |answer: &Answer| answer.json()["incidents"].as_array().unwrap().clone();
        of(&self.until("/api/incidents", |answer| wanted(&of(answer))))
    }
}

#[test]
fn it_rolls_back_survives_a_kill_and_does_what_people_ask() {
    let mut world = World::new("act");
    let up = world.up();
    for said in ["watches default", "mode     act: ", "registry", "log      data", "no token"] {
        assert!(up.banner.iter().any(|line| line.contains(said)), "{said}: {:?}", up.banner);
    }
    (0..2).for_each(|_| world.minute(&up, "v3", false));
    (0..6).for_each(|_| world.minute(&up, "v3", true));
    let switched = |incidents: &[Json]| incidents.iter().any(|one| !one["switched_at"].is_null());
    let before = up.incidents(switched);
    assert_eq!((before.len(), &before[0]["trigger"]), (1, &json!("error-rate")), "{before:#?}");
    assert_eq!(world.registry(), (2, "v2".to_owned()));
    (0..2).for_each(|_| world.minute(&up, "v2", false));
    assert_eq!(world.serves(&up, "v2")["versions"]["v3"]["quarantined"], true);
    up.counts(r#"ripcord_notifications_total{channel="notice",result="done"}"#);
    up.counts(r#"ripcord_worker_step_duration_seconds_count{worker="registry",result="done"}"#);
    up.counts(r#"ripcord_phase_duration_seconds_count{phase="flush"}"#);

    assert!(is_healthy(&up.address), "a container's health check");

    // Dropping it is kill -9.
    let before_it = up.address.clone();
    drop(up);
    assert!(!is_healthy(&before_it), "nothing answers there");
    let up = world.up();
    assert!(!up.banner.iter().any(|line| line.contains("no telemetry yet")), "{:?}", up.banner);
    (0..2).for_each(|_| world.minute(&up, "v2", false));
    assert_eq!(world.serves(&up, "v2")["versions"]["v3"]["quarantined"], true);
    let mitigated = |incidents: &[Json]| incidents.iter().all(|one| !one["mitigated_at"].is_null());
    let after = up.incidents(mitigated);
    assert_eq!((after.len(), &after[0]["id"]), (1, &before[0]["id"]), "{after:#?}");
    assert_eq!(world.registry(), (2, "v2".to_owned()), "it was switched twice");

    let ask = json!({"model": "m", "to": "v1", "reason": "a person knows better"});
    let fate = up.accepted("/api/models/rollback", &ask);
    let id = fate["incident"].as_str().unwrap();
    let path = format!("/api/incidents/{id}");
    let incident = up.until(&path, |answer| !answer.json()["switched_at"].is_null()).json();
    assert_eq!((&incident["version"], &incident["to"]), (&json!("v2"), &json!("v1")));
    assert_eq!(world.registry(), (3, "v1".to_owned()));
}

#[test]
fn a_recommended_rollback_waits_for_its_approval() {
    let mut world = World::new("recommend");
    let up = world.up();
    (0..6).for_each(|_| world.minute(&up, "v3", true));
    let incidents = up.incidents(|incidents| !incidents.is_empty());
    world.serves(&up, "v3");
    assert_eq!((&incidents[0]["state"], &incidents[0]["to"]), (&json!("open"), &json!("v2")));
    assert_eq!(world.registry(), (1, "v3".to_owned()), "nobody approved it");
    up.counts(r#"ripcord_suppressed_total{reason="would_have"}"#);
    let fate = up.accepted("/api/models/approve", &json!({"model": "m", "reason": "seen"}));
    assert_eq!(fate["incident"], incidents[0]["id"]);
    up.incidents(|incidents| incidents.iter().any(|one| !one["switched_at"].is_null()));
    assert_eq!(world.registry(), (2, "v2".to_owned()));
}

#[test]
fn a_stop_waits_for_the_request_that_is_under_way() {
    /// Longer than the roles take to stop, and shorter than the time that requests are given.
    const HELD: Duration = Duration::from_secs(2);
    const LONG_WAIT: Duration = Duration::from_secs(30);
    let mut world = World::new("observe");
    let mut up = world.up();
    let line = json!({"type": "prediction", "id": "held", "model": "m", "version": "v3",
        "ts": world.from, "status": "ok", "prediction": 1, "role": "live"})
    .to_string();
    let mut stream = TcpStream::connect(&up.address).unwrap();
    stream.set_read_timeout(Some(LONG_WAIT)).unwrap();
    let (host, length) = (&up.address, line.len());
    let head = format!("POST /api/telemetry HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}");
    write!(stream, "{head}\r\nexpect: 100-continue\r\n\r\n").unwrap();
    let mut going_on = [0; 25];
    stream.read_exact(&mut going_on).unwrap();
    assert_eq!(&going_on, b"HTTP/1.1 100 Continue\r\n\r\n", "it reads the body now");

    let (first, rest) = line.split_at(length / 2);
    stream.write_all(first.as_bytes()).unwrap();
    up.terminate();
    stream.set_read_timeout(Some(HELD)).unwrap();
    let closed = stream.read(&mut [0]);
    assert_eq!(closed.unwrap_err().kind(), ErrorKind::WouldBlock, "it waits for the request");
    stream.set_read_timeout(Some(LONG_WAIT)).unwrap();
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"taken\":1"), "{answer}");
    assert!(up.child.wait().unwrap().success());

    world.sent += 1;
    world.serves(&world.up(), "v3");
}
