//! A small Ripcord behind the real server: the log in memory, the roles in turn on one thread.
//!
//! Over 300 lines: one world, and the words that the tests say to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use reqwest::Method;
use ripcord::config::{
    AccessRole, AccessToken, Config, HttpLimits, HttpSettings, InstructionKeys, SeriesPerModel,
    rules_hash, token_hash,
};
use ripcord::edge::clock::{Clock, SystemClock, Uptime};
use ripcord::edge::log::Partition;
use ripcord::edge::log::local::LocalLog;
use ripcord::measure::{Input, Lane};
use ripcord::model::{
    LaneId, LogTime, Mapping, Mode, RuleSet, SampleRole, Source, Span, Stage, TargetId, TargetRule,
};
use ripcord::roles::decide::Decide;
use ripcord::roles::ingest::pipeline::{LanePipeline, RawRecord};
use ripcord::roles::serve::serve;
use ripcord::roles::work::Work;
use ripcord::shard::Inbox;
use ripcord::targets::registry::ShadowRegistry;
use ripcord::topics::Topics;
use ripcord::wire::telemetry::Raw;
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::shim::Shim;

pub(crate) const LONG: Duration = Duration::from_secs(30);
pub(crate) const SHARDS: u32 = 2;
pub(crate) const MAX_BODY_BYTES: usize = 200_000;
pub(crate) const LIMITS: HttpLimits = HttpLimits {
    max_body_bytes: MAX_BODY_BYTES,
    max_unpacked_bytes: 2 * MAX_BODY_BYTES,
    connections: 256,
    requests: 128,
    uploads: 128,
    head: LONG,
    body: LONG,
    body_grace: LONG,
    min_body_bytes_per_second: 1,
    answer: LONG,
};
const KEEP_REPLIES: Span = Span::from_s(3600);

const REGISTRY: &str = r#"[
  {"name": "m", "version": "v3", "is_production": true, "created_at": "2024-01-03T00:00:00Z"},
  {"name": "m", "version": "v2", "is_production": false, "created_at": "2024-01-02T00:00:00Z",
   "proven_good": true, "baseline": {"error_rate": {"value": 0.02, "n": 5000}}},
  {"name": "m", "version": "v1", "is_production": false, "created_at": "2024-01-01T00:00:00Z"}
]"#;

/// The machine's clock, put forward.
#[derive(Default)]
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> LogTime {
        SystemClock.now() + Span::from_ms(self.0.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Uptime {
        SystemClock.uptime() + Span::from_ms(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) topics: Topics,
    pub(crate) book: RuleSet,
    pub(crate) runtime: Runtime,
    /// Between everything and the log: makes it fail by script.
    pub(crate) shim: Shim,
    clock: Arc<Ahead>,
    client: reqwest::Client,
    token: Option<String>,
    stop: watch::Sender<bool>,
    stopped: Arc<AtomicBool>,
    roles: Option<JoinHandle<()>>,
}

pub(crate) struct Setting {
    /// An admin's token; `get`, `post` and `wait_for` send it.
    pub(crate) token: Option<&'static str>,
    /// Further tokens, by name and role.
    pub(crate) tokens: &'static [(&'static str, AccessRole, &'static str)],
    pub(crate) metrics_need_token: bool,
    pub(crate) per_model: SeriesPerModel,
    pub(crate) lanes: u32,
    pub(crate) decides: bool,
    pub(crate) limits: HttpLimits,
    /// How the source's records become samples.
    pub(crate) mapping: Option<Mapping>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            token: None,
            tokens: &[],
            metrics_need_token: true,
            per_model: SeriesPerModel::All,
            lanes: 1,
            decides: true,
            limits: LIMITS,
            mapping: None,
        }
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn config() -> Config {
    Config::load(&[], &BTreeMap::new()).unwrap()
}

fn book(config: &Config) -> RuleSet {
    let mut book = config.rules.clone();
    let id = TargetId::new("registry").unwrap();
    book.default.targets = vec![TargetRule { id, stage: Stage::Registry, authority: true }];
    book.default.mode = Mode::Act;
    book.hash = rules_hash(&book);
    book
}

impl World {
    pub(crate) fn start(setting: &Setting) -> Self {
        let config = config();
        let book = book(&config);
        let clock = Arc::new(Ahead::default());
        let log = LocalLog::in_memory(clock.clone()).unwrap();
        let namespace = book.namespace.clone();
        let shim = Shim::new(Arc::new(log));
        let topics = Topics {
            log: Arc::new(shim.clone()),
            namespace,
            shards: SHARDS,
            keys: InstructionKeys::default(),
        };
        topics.create(&book).unwrap();
        topics.log.create("telemetry", setting.lanes, false).unwrap();
        let mut sources = config.settings.sources;
        sources[0].topics[0].mapping.clone_from(&setting.mapping);
        let stopped = Arc::new(AtomicBool::new(false));
        let roles = setting.decides.then(|| {
            let mut roles = Roles::new(topics.clone(), &sources[0], setting.lanes);
            let stopped = Arc::clone(&stopped);
            std::thread::spawn(move || {
                while !stopped.load(Ordering::SeqCst) {
                    roles.turn();
                }
            })
        });
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let own = setting.token.map(|token| ("admin", AccessRole::Admin, token));
        let tokens = own.iter().chain(setting.tokens).map(|(name, role, token)| AccessToken {
            name: (*name).to_owned(),
            role: *role,
            hash: token_hash(token),
        });
        let settings = HttpSettings {
            listen: listener.local_addr().unwrap(),
            token: None,
            tokens: tokens.collect(),
            metrics_need_token: setting.metrics_need_token,
            per_model: setting.per_model,
            limits: setting.limits,
            keep_replies: KEEP_REPLIES,
        };
        let (stop, stops) = watch::channel(false);
        runtime.spawn(serve(topics.clone(), settings, sources, listener, stops));
        // The first one sets it; the others find it set.
        rustls::crypto::ring::default_provider().install_default().ok();
        // A connection that idles may be closed at any time, also when the next ask is on its way.
        let client = reqwest::Client::builder().no_proxy().timeout(LONG).pool_max_idle_per_host(0);
        let client = client.build().unwrap();
        let token = setting.token.map(|token| format!("authorization: Bearer {token}"));
        let world =
            Self { url, topics, book, runtime, shim, clock, client, token, stop, stopped, roles };
        if setting.decides {
            world.wait_for("/readyz", |answer| answer.status == 200);
            world.wait_for("/api/status", |answer| answer.text.contains("\"v3\""));
        }
        world
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &(impl AsRef<[u8]> + ?Sized),
    ) -> Answer {
        let (client, url) = (self.client.clone(), format!("{}{path}", self.url));
        self.runtime.block_on(ask(client, method, &url, headers, body))
    }

    /// Time passes.
    pub(crate) fn later(&self, span: Span) {
        self.clock.0.fetch_add(span.as_ms(), Ordering::SeqCst);
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.with_token("GET", path, "")
    }

    pub(crate) fn post(&self, path: &str, body: &Json) -> Answer {
        self.with_token("POST", path, &body.to_string())
    }

    fn with_token(&self, method: &str, path: &str, body: &str) -> Answer {
        let headers: Vec<&str> = self.token.iter().map(String::as_str).collect();
        self.send(method, path, &headers, body)
    }

    pub(crate) fn client(&self) -> reqwest::Client {
        self.client.clone()
    }

    /// Asks until the answer is as wanted.
    pub(crate) fn wait_for(&self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = self.get(path);
            if wanted(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < LONG, "{path} stays {}: {}", answer.status, answer.text);
        }
    }

    /// Posts minutes in which v3 fails too often, and waits until it was rolled back to v2.
    pub(crate) fn rolled_back(&self) -> Json {
        for minute in 0..12 {
            let answer = self.send("POST", "/api/telemetry", &[], &bad_minute(minute));
            assert_eq!((answer.status, &answer.json()["taken"]), (200, &json!(60)));
        }
        let switched = |answer: &Answer| {
            let incidents = answer.json();
            !incidents["incidents"][0]["switched_at"].is_null()
        };
        self.wait_for("/api/incidents", switched).json()["incidents"][0].clone()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.stop.send(true).ok();
        if let Some(roles) = self.roles.take() {
            assert!(roles.join().is_ok() || std::thread::panicking(), "a role failed");
        }
    }
}

pub(crate) async fn ask(
    client: reqwest::Client,
    method: &str,
    url: &str,
    headers: &[&str],
    body: &(impl AsRef<[u8]> + ?Sized),
) -> Answer {
    let mut request = client.request(method.parse::<Method>().unwrap(), url);
    let typed = headers.iter().any(|header| header.starts_with("content-type: "));
    if !typed && url.contains("/api/") && !url.contains("/api/telemetry") {
        request = request.header("content-type", "application/json");
    }
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let answer = request.body(body.as_ref().to_vec()).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.unwrap() }
}

pub(crate) fn prediction(id: &str, minute: u32, second: u32, status: &str) -> String {
    let ts = format!("2024-02-01T00:{minute:02}:{second:02}Z");
    json!({"type": "prediction", "id": id, "model": "m", "version": "v3", "ts": ts,
        "status": status, "prediction": 1, "role": "live"})
    .to_string()
}

fn bad_minute(minute: u32) -> String {
    let mut lines = String::new();
    for second in 0..60 {
        let status = if second % 2 == 0 { "error" } else { "ok" };
        let id = format!("p{minute}-{second}");
        writeln!(lines, "{}", prediction(&id, minute, second, status)).unwrap();
    }
    lines
}

/// Measure, decide and work, one after the other.
struct Roles {
    topics: Topics,
    decide: Decide,
    work: Work,
    lanes: Vec<(LanePipeline, i64)>,
}

impl Roles {
    fn new(topics: Topics, source: &Source, lanes: u32) -> Self {
        let mut writer = topics.log.writer(None).unwrap();
        let known = Inbox::Source {
            source: source.id.clone(),
            topics: vec!["telemetry".to_owned()],
            lanes,
            pane: source.pane,
            known: Vec::new(),
        };
        topics.publish(writer.as_mut(), None, &known).unwrap();
        let lane = |lane| {
            let id = LaneId { source: source.id.clone(), lane };
            let claim = Inbox::Claim { lane: id.clone(), epoch: 1 };
            topics.clone().publish(writer.as_mut(), None, &claim).unwrap();
            (LanePipeline::new(topics.clone(), source.clone(), Lane::new(source, id, 1)), 0)
        };
        let lanes = (0..lanes).map(lane).collect();
        let id = TargetId::new("registry").unwrap();
        let registry = ShadowRegistry::read(id.clone(), REGISTRY).unwrap();
        let work = Work::new(topics.clone(), id, Box::new(registry), Span::from_s(1)).unwrap();
        let decide = Decide::new(topics.clone()).unwrap().keep_replies(KEEP_REPLIES);
        Self { topics, decide, work, lanes }
    }

    fn turn(&mut self) {
        self.measure();
        let mut moved = false;
        loop {
            let decided = self.decide.turn(Duration::ZERO).unwrap();
            let worked = self.work.turn(Duration::ZERO).unwrap();
            if decided.idle && worked.idle {
                break;
            }
            moved = true;
        }
        if !moved {
            self.decide.turn(Duration::from_millis(20)).unwrap();
        }
        self.decide.publish_status().unwrap();
    }

    fn measure(&mut self) {
        let mut writer = self.topics.log.writer(None).unwrap();
        for (lane, (feed, next)) in (0..).zip(&mut self.lanes) {
            let partition = Partition { topic: "telemetry".to_owned(), partition: lane };
            let records = self.topics.log.scan(&partition, *next, 10_000).unwrap();
            for record in &records {
                *next = record.position + 1;
                let (headers, value) = (&*record.headers, &*record.value);
                let key = record.key.as_deref();
                let raw = Some(Raw { key, headers, ..Raw::line(value) });
                let fed = RawRecord { topic: 0, position: record.position, appended: None, raw };
                feed.take(fed, |_, _| SampleRole::Unstated);
            }
            if !records.is_empty() {
                feed.step(Input::Flush { now: self.topics.log.now() });
                writer.append(feed.frames().unwrap()).unwrap();
            }
        }
    }
}
