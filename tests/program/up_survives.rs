//! `ripcord up`, killed fifty times at random moments under a stream with a fault in it: one
//! rollback, applied once, and every record accounted for.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ripcord::edge::clock::{Clock, Stopwatch, SystemClock};
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::log::{Log, LogError, Outgoing, Partition};
use ripcord::model::{
    Command as Order, EventTime, Incident, IncidentState, Span, StepResult, Want,
};
use ripcord::shard::Status;
use serde_json::Value as Json;

/// Longer than anything takes here.
const LONG: Span = Span::from_s(60);
const LIVES: u64 = 50;
const SHARDS: u32 = 2;
const LANES: u32 = 2;
/// Event time that each life adds, in seconds, and predictions in it.
const CHUNK_S: i64 = 90;
const PREDICTIONS: i64 = 60;
const FAULT_AT: u64 = 20;

const CONFIG: &str = r#"
[log]
folder = "data"
shards = 2
telemetry_lanes = 2
[http]
listen = "127.0.0.1:0"
[ingest]
heartbeat_milliseconds = 200
idle_after_seconds = 1
[rules]
mode = "act"
[workers.registry]
path = "registry.json"
check_artifacts = false
poll_seconds = 1
"#;

const REGISTRY: &str = r#"{"schema":"ripcord.registry/1","revision":1,"models":[
  {"name":"m","version":"v2","is_production":true,"created_at":"2025-02-01T00:00:00Z"},
  {"name":"m","version":"v1","is_production":false,"proven_good":true,
   "created_at":"2025-01-01T00:00:00Z","baseline":{"error_rate":{"value":0.01,"n":50000}}}]}"#;

/// Numbers that look random and come again for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

struct World {
    folder: PathBuf,
    appended: u64,
    broken: u64,
    from: EventTime,
    next: u64,
}

impl World {
    /// A process that another test starts at this moment holds all open files until it is the new
    /// program, the lock of a log that was just closed too.
    fn open(&self) -> LocalLog {
        let watch = Stopwatch::start();
        loop {
            match LocalLog::open(&self.folder.join("data"), Arc::new(SystemClock)) {
                Err(LogError::InUse { .. }) if watch.elapsed() < LONG => {}
                opened => return opened.unwrap(),
            }
        }
    }

    fn registry(&self) -> (u64, String) {
        let text = std::fs::read_to_string(self.folder.join("registry.json")).unwrap();
        let registry: Json = serde_json::from_str(&text).unwrap();
        let models = registry["models"].as_array().unwrap().iter();
        let production: Vec<_> = models.filter(|model| model["is_production"] == true).collect();
        assert_eq!(production.len(), 1, "{registry:#}");
        let version = production[0]["version"].as_str().unwrap().to_owned();
        (registry["revision"].as_u64().unwrap(), version)
    }

    /// What users do next: the version in production answers them. Some records are broken, come
    /// twice, come late, or belong to nothing.
    fn traffic(&mut self) {
        let log = self.open();
        log.create("telemetry", LANES, false).unwrap();
        let (_, version) = self.registry();
        let chunk = self.next;
        self.next += 1;
        let start = self.from + Span::from_s(CHUNK_S * i64::try_from(chunk).unwrap());
        let ill = version == "v2" && chunk >= FAULT_AT;
        let mut records = Vec::new();
        for i in 0..PREDICTIONS {
            let ts = start + Span::from_ms(i * CHUNK_S * 1000 / PREDICTIONS);
            let status = if ill && i % 5 < 3 { "error" } else { "ok" };
            let lane = u32::try_from(i).unwrap() % LANES;
            records.push(record(lane, &prediction(&format!("{chunk}-{i}"), &version, ts, status)));
        }
        let last = start + Span::from_s(CHUNK_S);
        records.push(record(0, "broken"));
        records.push(record(0, &prediction(&format!("{chunk}-0"), &version, start, "ok")));
        let hours_ago = start - Span::from_s(7200);
        records.push(record(1, &prediction(&format!("late-{chunk}"), &version, hours_ago, "ok")));
        records.push(record(
            1,
            &format!(
                concat!(
                    r#"{{"type":"outcome","request":"nobody-{chunk}","#,
                    r#""model":"m","ts":"{last}","actual":1}}"#
                ),
                chunk = chunk,
                last = last
            ),
        ));
        self.appended += records.len() as u64;
        self.broken += 1;
        log.writer(None).unwrap().append(records).unwrap();
    }

    fn up(&self) -> Child {
        let errors = self.folder.join("errors.log");
        let errors = File::options().append(true).create(true).open(errors).unwrap();
        Command::new(env!("CARGO_BIN_EXE_ripcord"))
            .current_dir(&self.folder)
            .args(["up", "--config", "up.toml", "--json"])
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .unwrap()
    }

    /// One life that ends by request: it must end, and end well.
    fn life(&self, time: Duration) {
        let mut child = self.up();
        // Some moment of its life: nothing waits for it.
        std::thread::sleep(time);
        let watch = Stopwatch::start();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(watch.elapsed() < LONG, "it does not end: {}", self.errors());
            std::thread::yield_now();
        };
        assert!(status.success(), "{status:?}: {}", self.errors());
    }

    fn errors(&self) -> String {
        std::fs::read_to_string(self.folder.join("errors.log")).unwrap_or_default()
    }

    fn all<T: serde::de::DeserializeOwned>(&self, log: &LocalLog, kind: &str) -> Vec<T> {
        let partitions = (0..SHARDS).map(|partition| {
            let at = Partition { topic: format!("ripcord.default.{kind}"), partition };
            log.scan(&at, 0, 100_000).unwrap()
        });
        partitions.flatten().filter_map(|r| serde_json::from_slice(&r.value).ok()).collect()
    }

    fn status(&self, log: &LocalLog) -> Vec<Status> {
        let of = |partition| {
            let at = Partition { topic: "ripcord.default.status".to_owned(), partition };
            let records = log.latest(&at, "").unwrap();
            let status = records.iter().find(|r| r.key.as_deref() == Some(b"status")).unwrap();
            serde_json::from_slice(&status.value).unwrap()
        };
        (0..SHARDS).map(of).collect()
    }

    fn incident(&self, log: &LocalLog) -> Option<Incident> {
        let acted = self.all::<Incident>(log, "incidents").into_iter();
        acted.filter(|incident| incident.generation.is_some()).max_by_key(|i| i.changed_at)
    }

    /// Everything was read, and live traffic has shown the switch.
    fn settled(&self) -> bool {
        let log = self.open();
        let read = |status: &Status| status.records.values().map(|c| c.read).sum::<u64>();
        let all_read = self.status(&log).iter().all(|status| read(status) == self.appended);
        let shown = self.incident(&log).is_some_and(|i| i.mitigated_at.is_some());
        all_read && shown
    }
}

fn prediction(id: &str, version: &str, ts: EventTime, status: &str) -> String {
    format!(
        r#"{{"type":"prediction","id":"{id}","model":"m","version":"{version}","ts":"{ts}",
            "status":"{status}","prediction":1,"role":"live"}}"#
    )
}

fn record(partition: u32, value: &str) -> Outgoing {
    let to = Partition { topic: "telemetry".to_owned(), partition };
    Outgoing { to, key: None, headers: Vec::new(), value: value.into() }
}

fn world(folder: &Path) -> World {
    std::fs::write(folder.join("up.toml"), CONFIG).unwrap();
    std::fs::write(folder.join("registry.json"), REGISTRY).unwrap();
    let lives = i64::try_from(LIVES).unwrap() + 10;
    let from = EventTime::from_ms(SystemClock.now().as_ms()) - Span::from_s(CHUNK_S * lives);
    World { folder: folder.to_owned(), appended: 0, broken: 0, from, next: 0 }
}

fn seed() -> u64 {
    let given = std::env::var("RIPCORD_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| SystemClock.now().as_ms().unsigned_abs());
    println!("RIPCORD_SEED={seed}");
    seed.max(1)
}

#[test]
fn killed_fifty_times_it_rolls_back_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path());
    let mut random = Random(seed());
    for _ in 0..LIVES {
        world.traffic();
        let mut child = world.up();
        // A random moment is what is tested; nothing waits for it.
        std::thread::sleep(Duration::from_millis(20 + random.below(700)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut patience = 8;
    world.traffic();
    world.life(Duration::from_secs(2));
    while !world.settled() {
        assert!(patience > 0, "it never settles: {}", world.errors());
        patience -= 1;
        world.traffic();
        world.life(Duration::from_secs(3));
    }
    check(&world);
}

fn check(world: &World) {
    let log = world.open();
    let orders = world.all::<Order>(&log, "commands").into_iter();
    let switches: BTreeSet<_> = orders
        .filter_map(|order| match order.want {
            Want::Production { version, instead_of } => Some((order.id, version, instead_of)),
            Want::Notice { .. } => None,
        })
        .collect();
    let told = world.errors();
    assert_eq!(switches.len(), 1, "{switches:?}\n{told}");
    let (_, to, from) = switches.first().unwrap();
    assert_eq!((to.as_str(), from.as_str()), ("v1", "v2"));
    assert_eq!(world.registry(), (2, "v1".to_owned()), "{told}");

    let incident = world.incident(&log).unwrap();
    let proven = [IncidentState::Mitigated, IncidentState::Verified, IncidentState::Resolved];
    assert!(proven.contains(&incident.state), "{incident:#?}");
    assert_eq!((incident.version.as_str(), incident.generation), ("v2", Some(1)));
    assert!(
        incident.plan.iter().all(|step| step.outcome == Some(StepResult::Done)),
        "{incident:#?}"
    );
    assert!(incident.breach_from.unwrap() <= incident.decided_at.unwrap());

    for status in world.status(&log) {
        let counters = status.records.values().next().unwrap();
        assert_eq!(counters.read, counters.accounted(), "{counters:?}");
        assert_eq!(counters.read, world.appended, "{counters:?}");
        assert_eq!(counters.rejected.values().sum::<u64>(), world.broken, "{counters:?}");
        assert!(counters.late >= world.broken - 1, "{counters:?}");
        assert_eq!((status.unreadable, status.gaps), (0, 0));
    }
}
