//! The built-in router with real HTTP: exact shares, clean switches, and backends that misbehave.
//!
//! Over 300 lines: one world, and one claim after the other.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use crate::common::shim::Shim;
use ripcord::config::InstructionKeys;
use ripcord::edge::clock::{Stopwatch, SystemClock};
use ripcord::edge::log::Log;
use ripcord::edge::log::local::LocalLog;
use ripcord::edge::router::Routing;
use ripcord::model::{BreakerState, Command, Namespace, Proof, Span, StepResult, TargetId};
use ripcord::roles::route::{Publisher, RouteTurn};
use ripcord::router::Weight;
use ripcord::targets::router::{Router, RouterOptions, Stages};
use ripcord::targets::{Acted, Target};
use ripcord::topics::Topics;
use serde_json::{Value as Json, json};

use crate::common::routed::{self, Backend, LONG, PATIENCE, World};

/// Connections that ask at once.
const CALLERS: usize = 16;

/// The breaker opens on three failures in a row, for a short time.
const QUICK: &str = "breaker_in_a_row = 3\nbreaker_pause_milliseconds = 200";

fn backends() -> (Backend, Backend) {
    (Backend::start("v1"), Backend::start("v2"))
}

async fn spread(world: &World, n: usize, keyed: bool) -> [usize; 2] {
    let next = Arc::new(AtomicU64::new(0));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let (http, url, next) = (world.http.clone(), world.url.clone(), Arc::clone(&next));
        callers.push(tokio::spawn(async move {
            let mut counts = [0, 0];
            loop {
                let i = next.fetch_add(1, SeqCst);
                if i >= n as u64 {
                    return counts;
                }
                let key = format!("user-{i}");
                let key = keyed.then_some(key.as_str());
                let (status, version, _) = routed::predict(&http, &url, key).await;
                assert_eq!(status, 200);
                counts[usize::from(version == "v2")] += 1;
            }
        }));
    }
    let mut sums = [0, 0];
    for caller in callers {
        let counts = caller.await.unwrap();
        sums = [sums[0] + counts[0], sums[1] + counts[1]];
    }
    sums
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_are_as_asked_with_keys_and_without() {
    let (v1, v2) = backends();
    let world = World::start(&[&v1, &v2], "", "key_header = \"x-user-id\"", None).await;
    for (first, second) in [(90.0, 10.0), (75.0, 25.0), (50.0, 50.0), (0.0, 100.0)] {
        assert_eq!(world.weights(first, second).await.0, 200);
        for keyed in [false, true] {
            let n = 3000;
            let [got, _] = spread(&world, n, keyed).await;
            let share = first / 100.0;
            let sigma = (n as f64 * share * (1.0 - share)).sqrt();
            let off = (got as f64 - n as f64 * share).abs();
            assert!(off <= 3.0 * sigma, "{first}/{second}, keyed {keyed}: {got} of {n}");
        }
    }
    let mut seen = Vec::new();
    for _ in 0..5 {
        assert_eq!(world.weights(50.0, 50.0).await.0, 200);
        seen.push(world.predict(Some("alice")).await.1);
    }
    assert!(seen.iter().all(|version| *version == seen[0]), "a key stays: {seen:?}");
}

/// One caller: requests until the end, and each one's faults.
async fn calls(world: (reqwest::Client, String), switches: Arc<Switches>) -> (u64, Vec<String>) {
    let (mut n, mut faults) = (0, Vec::new());
    while !switches.over.load(SeqCst) {
        let answered = switches.answered.load(SeqCst);
        let (status, version, _) = routed::predict(&world.0, &world.1, None).await;
        let begun = switches.begun.load(SeqCst);
        n += 1;
        switches.requests.fetch_add(1, SeqCst);
        if status != 200 {
            faults.push(format!("{status}"));
        }
        // Only one PUT was in force while this request was under way.
        let wanted = if answered.is_multiple_of(2) { "v1" } else { "v2" };
        if begun == answered && version != wanted {
            faults.push(format!("{version} after the switch {answered} to {wanted}"));
        }
    }
    (n, faults)
}

#[derive(Default)]
struct Switches {
    begun: AtomicU64,
    answered: AtomicU64,
    requests: AtomicU64,
    over: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_switches_under_load_fail_nothing_and_leave_nobody_behind() {
    let (v1, v2) = backends();
    let world = World::start(&[&v1, &v2], "", "", None).await;
    let switches = Arc::new(Switches::default());
    let caller = || {
        let of = (world.http.clone(), world.url.clone());
        tokio::spawn(calls(of, Arc::clone(&switches)))
    };
    let callers: Vec<_> = (0..CALLERS).map(|_| caller()).collect();
    for switch in 1..=100 {
        switches.begun.store(switch, SeqCst);
        let v1 = if switch % 2 == 0 { 100.0 } else { 0.0 };
        assert_eq!(world.weights(v1, 100.0 - v1).await.0, 200);
        switches.answered.store(switch, SeqCst);
        let upto = switches.requests.load(SeqCst) + 40;
        while switches.requests.load(SeqCst) < upto {
            tokio::task::yield_now().await;
        }
    }
    switches.over.store(true, SeqCst);
    let (mut n, mut faults) = (0, Vec::new());
    for caller in callers {
        let (of, more) = caller.await.unwrap();
        n += of;
        faults.extend(more);
    }
    assert!(n >= 4000, "{n} requests");
    assert!(faults.is_empty(), "{} of {n}: {:?}", faults.len(), &faults[..faults.len().min(5)]);
    let (_, route) = world.route().await;
    assert_eq!(route["revision"], 100);
    println!("{n} requests over 100 switches, none failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_backend_costs_the_callers_nothing_where_another_has_a_share() {
    let (mut v1, v2) = backends();
    let world = World::start(&[&v1, &v2], "", QUICK, None).await;
    world.weights(50.0, 50.0).await;
    let at = v1.at;
    v1.kill();
    for _ in 0..40 {
        let (status, version, _) = world.predict(None).await;
        assert_eq!((status, version.as_str()), (200, "v2"));
    }
    world.until("v1", "breaker", "half-open").await;
    // All to the dead one while the other lives: refused, and nothing is changed.
    let (status, problem) = world.weights(100.0, 0.0).await;
    let _back = Backend::start_at(at, "v1");
    assert!(status == 409 || status == 200, "{problem}");
    let since = Stopwatch::start();
    while world.predict(None).await.1 != "v1" {
        assert!(since.elapsed() < PATIENCE);
    }
    world.until("v1", "breaker", "closed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_that_fails_is_left_and_tried_by_one_request() {
    let (v1, v2) = backends();
    let model = "breaker_in_a_row = 3\nbreaker_pause_milliseconds = 1000";
    let world = World::start(&[&v1, &v2], "", model, None).await;
    world.weights(50.0, 50.0).await;
    v1.told.fails.store(true, SeqCst);
    let mut statuses = Vec::new();
    while v1.told.asked.load(SeqCst) < 3 {
        statuses.push(world.predict(None).await.0);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 500).count(), 3, "{statuses:?}");
    let v1s = world.until("v1", "breaker", "open").await;
    assert_eq!((&v1s["live"]["error"], &v1s["live"]["total"]), (&json!(3), &json!(3)));
    let (status, problem) = world.weights(100.0, 0.0).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:ripcord:problem:all-down")));
    assert!(problem["detail"].as_str().unwrap().contains("v2 is up"), "{problem}");
    world.until("v1", "breaker", "half-open").await;
    // One request tries it, fails, and it is left again.
    let before = v1.told.asked.load(SeqCst);
    let failed = spread_until_open(&world).await;
    assert_eq!((failed, v1.told.asked.load(SeqCst) - before), (1, 1));
    v1.told.fails.store(false, SeqCst);
    world.until("v1", "breaker", "half-open").await;
    let since = Stopwatch::start();
    while world.predict(None).await.1 != "v1" {
        assert!(since.elapsed() < PATIENCE);
    }
    world.until("v1", "breaker", "closed").await;
    let page = world.http.get(format!("{}/metrics", world.url)).send().await.unwrap();
    let page = page.text().await.unwrap();
    let of = "model=\"m\",version=\"v1\"";
    for line in [
        format!("ripcord_router_breaker{{{of},state=\"closed\"}} 1.0"),
        format!("ripcord_router_weight_ratio{{{of}}} 0.5"),
        format!("ripcord_router_requests_total{{{of},role=\"live\",result=\"error\"}} 4"),
    ] {
        assert!(page.contains(&line), "{line} is not in\n{page}");
    }
}

/// Asks until the breaker of v1 is open again; how many failed.
async fn spread_until_open(world: &World) -> usize {
    let mut failed = 0;
    for _ in 0..20 {
        failed += usize::from(world.predict(None).await.0 != 200);
        if world.route().await.1["versions"]["v1"]["breaker"] == "open" {
            break;
        }
    }
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_one_is_asked_however_it_does_and_what_is_wrong_is_told() {
    let (mut v1, v2) = backends();
    let model = "breaker_in_a_row = 3\nanswer_milliseconds = 1500";
    let world = World::start(&[&v1, &v2], "", model, None).await;
    v1.told.fails.store(true, SeqCst);
    for _ in 0..6 {
        let (status, version, _) = world.predict(None).await;
        assert_eq!((status, version.as_str()), (500, "v1"), "as it is said, by the last one");
    }
    world.until("v1", "breaker", "open").await;
    v1.told.fails.store(false, SeqCst);
    v1.told.cuts.store(true, SeqCst);
    let (status, version, problem) = world.predict(None).await;
    assert_eq!((status, version.as_str()), (502, "v1"));
    assert_eq!(problem["type"], "urn:ripcord:problem:cut-off", "{problem}");
    v1.told.cuts.store(false, SeqCst);
    // Longer than the caller would wait: what comes is no answer of the backend's.
    v1.told.slow_ms.store(60_000, SeqCst);
    let (status, _, problem) = world.predict(None).await;
    assert_eq!((status, &problem["type"]), (504, &json!("urn:ripcord:problem:time-out")));
    v1.told.slow_ms.store(0, SeqCst);
    assert_eq!(world.predict(None).await.0, 200);
    v1.kill();
    let (status, _, problem) = world.predict(None).await;
    assert_eq!(status, 502, "{problem}");
    // v2 has no share, so it was never asked.
    assert_eq!(v2.told.asked.load(SeqCst), 0);
    let (_, route) = world.route().await;
    let live = &route["versions"]["v1"]["live"];
    assert_eq!(live["timeout"], 1, "{live}");
    assert_eq!(live["ok"], 1, "{live}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_that_says_it_is_unwell_is_left() {
    let (v1, v2) = backends();
    let model = "health_path = \"/health\"\nhealth_every_milliseconds = 20";
    let world = World::start(&[&v1, &v2], "", model, None).await;
    world.until("v2", "health", "up").await;
    world.weights(50.0, 50.0).await;
    v1.told.unwell.store(true, SeqCst);
    world.until("v1", "health", "down").await;
    assert_eq!(spread(&world, 50, false).await, [0, 50]);
    let (status, problem) = world.weights(100.0, 0.0).await;
    assert_eq!(status, 409, "{problem}");
    // The only one that is up cannot be shut by hand either.
    let route = json!({ "weights_percent": { "v1": 50, "v2": 50 }, "forced": { "v2": "open" } });
    assert_eq!(world.put(Some("*"), &route).await.0, 409);
    v1.told.unwell.store(false, SeqCst);
    world.until("v1", "health", "up").await;
    assert_eq!(world.put(Some("*"), &route).await.0, 200);
    assert_eq!(spread(&world, 50, false).await, [50, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_is_changed_only_by_who_has_read_it_and_only_once_it_is_on_the_disk() {
    let (v1, v2) = backends();
    let world = World::start(&[&v1, &v2], "", "", None).await;
    let (tag, mut route) = world.route().await;
    route["weights_percent"] = json!({ "v1": 25, "v2": 75 });
    assert_eq!(world.put(None, &route).await.0, 428);
    assert_eq!(world.put(Some("\"0-0\""), &route).await.0, 412);
    // An ETag without its quotes, or a weak one, is not valid, and was not "changed by others".
    for none in [tag.trim_matches('"').to_owned(), format!("W/{tag}"), String::new()] {
        let (status, problem) = world.put(Some(&none), &route).await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(&tag), "{problem}");
    }
    for (wrong, expected) in [
        (json!({ "weights_percent": { "v1": 50 } }), "50 %"),
        (json!({ "weights_percent": { "v9": 100 } }), "no version v9"),
        (json!({ "weights_percent": { "v1": 100 }, "wieghts": 1 }), "unknown field"),
        (json!([]), "not a route"),
    ] {
        let (status, problem) = world.put(Some(&tag), &wrong).await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    // In the way of every write.
    let blocked = world.folder.path().join("routes.json.new");
    std::fs::create_dir(&blocked).unwrap();
    let (status, problem) = world.put(Some(&tag), &route).await;
    assert_eq!((status, &problem["type"]), (507, &json!("urn:ripcord:problem:not-kept")));
    assert_eq!(world.route().await.0, tag, "nothing is changed");
    assert_eq!(spread(&world, 20, false).await, [20, 0]);
    std::fs::remove_dir(&blocked).unwrap();
    // A link in the way of the file that is written first: nothing goes through it.
    std::os::unix::fs::symlink("/dev/full", &blocked).unwrap();
    let (status, told) = world.put(Some(&tag), &route).await;
    assert_eq!((status, &told["revision"]), (200, &json!(1)));
    assert_eq!(world.put(Some(&tag), &route).await.0, 412, "the tag is used up");
    let (tag, _) = world.route().await;
    // It outlives the router, and wins over the settings.
    let folder = world.stop().await;
    let world = World::start_in(folder, &[&v1, &v2], "", "", None).await;
    assert_eq!(world.route().await.0, tag);
    let [got, _] = spread(&world, 200, false).await;
    assert!(got.abs_diff(50) <= 3, "{got} of 200");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_leaves_the_settings_once_it_has_no_share() {
    let (v1, v2) = backends();
    let world = World::start(&[&v1, &v2], "", "shadow = [\"v2\"]", None).await;
    assert_eq!(world.weights(50.0, 50.0).await.0, 200);
    let folder = world.stop().await;
    let alone = routed::config(folder.path(), &[("v1", v1.at)], "", "");
    let why = Routing::open(alone.settings.router.as_ref().unwrap(), None).err().unwrap();
    let why = why.to_string();
    assert!(why.contains("no version v2") && why.contains("routes.json"), "{why}");
    let world = World::start_in(folder, &[&v1, &v2], "", "", None).await;
    assert_eq!(world.weights(100.0, 0.0).await.0, 200);
    let world = World::start_in(world.stop().await, &[&v1], "", "", None).await;
    let (_, route) = world.route().await;
    assert_eq!(
        (&route["weights_percent"], &route["shadow"]),
        (&json!({ "v1": 100.0 }), &json!([]))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_is_never_waited_for_and_there_are_so_many_and_no_more() {
    let (v1, v2) = backends();
    let model = "shadow = [\"v2\", \"v1\"]\nshadows_at_once = 4\nanswer_milliseconds = 60000";
    let world = World::start(&[&v1, &v2], "", model, None).await;
    spread(&world, 50, false).await;
    let since = Stopwatch::start();
    while v2.told.mirrored.load(SeqCst) == 0 {
        assert!(since.elapsed() < PATIENCE);
        tokio::task::yield_now().await;
    }
    // Longer than a caller would wait: a caller that waited for the shadow would fail.
    v2.told.slow_ms.store(60_000, SeqCst);
    assert_eq!(spread(&world, 200, false).await, [200, 0]);
    let (_, route) = world.route().await;
    assert!(route["dropped"]["shadow_busy"].as_u64().unwrap() >= 190, "{route}");
    assert_eq!(route["versions"]["v1"]["live"]["ok"], 250);
    assert_eq!((v1.told.mirrored.load(SeqCst), v2.told.asked.load(SeqCst)), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_stream_through_and_too_large_ones_are_refused() {
    let (v1, v2) = backends();
    let router = "held_body_bytes = 65536\nmax_body_bytes = 20000000";
    let world = World::start(&[&v1, &v2], router, "", None).await;
    let url = format!("{}/models/m/large", world.url);
    let mebibytes = 8 << 20;
    let answer = world.http.post(&url).body(vec![1; mebibytes]).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.bytes().await.unwrap().len(), mebibytes);
    assert_eq!(v1.told.bytes.load(SeqCst), mebibytes as u64);
    // Said before the body is sent, so that it need not be.
    let head = "POST /models/m/large HTTP/1.1\r\nhost: x\r\ncontent-length: 20000001\r\n\r\n";
    let said = raw(&world, head).await;
    assert!(said.starts_with("HTTP/1.1 413") && said.contains("too-large"), "{said}");
    // As no well-meaning client would write it.
    let said = raw(&world, "GET /models/m/a/%2e%2E/health HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    // Told twice how long it is: it goes by the parts, and is passed on as one of that length.
    let twice = "POST /models/m/predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\
                 transfer-encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n";
    let said = raw(&world, twice).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.contains(r#""echo":{"a":1}"#), "{said}");
    assert_eq!(v1.told.asked.load(SeqCst), 1);
    let missing = world.http.post(format!("{}/models/n/predict", world.url)).send().await.unwrap();
    assert_eq!(missing.status(), 404);
    let health = world.http.get(format!("{}/models/m/health?x=1", world.url)).send().await.unwrap();
    assert_eq!(
        (health.status().as_u16(), &health.headers()["x-model-version"]),
        (200, &"v1".parse().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_caller_is_no_fault_of_a_version() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (v1, v2) = backends();
    let head = "POST /models/m/large HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n";
    let half = "x".repeat(100_000);
    // Enough of them to open its breaker, if they counted.
    let limits = "held_body_bytes = 1024\nbody_seconds = 1";
    let world = World::start(&[&v1, &v2], limits, "", None).await;
    let calls = (0..8).map(|_| format!("{head}{half}"));
    for call in calls {
        let said = raw(&world, &call).await;
        assert!(said.starts_with("HTTP/1.1 408") && said.contains("slow-body"), "{said}");
    }
    let (_, route) = world.route().await;
    let (v, live) = (&route["versions"]["v1"], &route["versions"]["v1"]["live"]);
    assert_eq!((&v["breaker"], &live["left"]), (&json!("closed"), &json!(8)), "{v:#}");
    assert_eq!((&live["timeout"], &live["error"]), (&json!(0), &json!(0)), "{v:#}");
    // One that is slow and in time is answered, and its time is not the version's.
    let limits = "held_body_bytes = 1024\nbody_seconds = 20";
    let world = World::start(&[&v1, &v2], limits, "", None).await;
    let at = world.url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(at).await.unwrap();
    stream.write_all(format!("{head}{half}").as_bytes()).await.unwrap();
    // It is told how long: this moment is what is tested.
    tokio::time::sleep(Duration::from_secs(2)).await;
    stream.write_all(half.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let (_, route) = world.route().await;
    let took_ms = route["versions"]["v1"]["live"]["p99_ms"].as_f64().unwrap();
    assert!(took_ms < 2000.0, "{took_ms} ms of two seconds that were the caller's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_is_answered_when_the_router_stops() {
    let (v1, v2) = backends();
    let world = World::start(&[&v1, &v2], "", "", None).await;
    v1.told.slow_ms.store(700, SeqCst);
    let (http, url) = (world.http.clone(), world.url.clone());
    let asked = tokio::spawn(async move { routed::predict(&http, &url, None).await });
    while v1.told.asked.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let (http, url) = (world.http.clone(), world.url.clone());
    world.stop().await;
    assert_eq!(asked.await.unwrap().0, 200);
    assert!(http.get(url).send().await.is_err(), "nobody new is let in");
}

/// What is answered to these bytes, as far as it comes at once.
async fn raw(world: &World, sent: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let at = world.url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(at).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let bytes = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..bytes]).into_owned()
}

fn topics(log: Arc<dyn Log>) -> Topics {
    Topics {
        log,
        namespace: Namespace::new("t").unwrap(),
        shards: 1,
        keys: InstructionKeys::default(),
    }
}

fn records(topics: &Topics) -> Vec<Json> {
    let lanes = topics.log.partitions("telemetry").unwrap().unwrap();
    let scan = |partition| {
        let at = ripcord::edge::log::Partition { topic: "telemetry".to_owned(), partition };
        topics.log.scan(&at, 0, 10_000).unwrap()
    };
    let all = (0..lanes).flat_map(scan);
    all.map(|record| serde_json::from_slice(&record.value).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_becomes_a_record_and_a_blocked_log_delays_none() {
    let (v1, v2) = backends();
    let log = LocalLog::in_memory(Arc::new(SystemClock)).unwrap();
    log.create("telemetry", 4, false).unwrap();
    let shim = Shim::new(Arc::new(log));
    let topics = topics(Arc::new(shim.clone()));
    let (queue, publisher) = {
        let source = ripcord::model::SourceId::new("telemetry").unwrap();
        Publisher::new((source, "telemetry".to_owned()), 30, Duration::ZERO)
    };
    let model = "shadow = [\"v2\"]\nfeatures = \"/features\"\nscore = \"/score\"";
    let world = World::start(&[&v1, &v2], "telemetry = \"telemetry\"", model, Some(queue)).await;
    assert_eq!(world.predict(None).await.0, 200);
    world.until_total("v2", "shadow", 1).await;
    v1.told.fails.store(true, SeqCst);
    assert_eq!(world.predict(None).await.0, 500);
    world.until_total("v2", "shadow", 2).await;
    let mut writer = topics.log.writer(None).unwrap();
    // The first append fails; what it held is written by the next.
    shim.on_append("telemetry", 0, 0);
    publisher.turn(&topics, writer.as_mut(), LONG).unwrap_err();
    assert_eq!(publisher.turn(&topics, writer.as_mut(), LONG).unwrap(), RouteTurn::Wrote(4));
    let mut told = records(&topics);
    told.sort_by_key(|record| (record["version"].to_string(), record["status"].to_string()));
    let said = |record: &Json| {
        let of = ["version", "role", "status"].map(|field| record[field].as_str().unwrap());
        of.join(" ")
    };
    let said: Vec<_> = told.iter().map(said).collect();
    assert_eq!(said, ["v1 live error", "v1 live ok", "v2 shadow ok", "v2 shadow ok"]);
    let ok = &told[1];
    assert_eq!(ok["features"], json!({ "a": 1, "b": "x" }), "what no feature can be is left out");
    assert_eq!((&ok["prediction"], &ok["score"]), (&json!("v1"), &json!(0.5)));
    assert!(
        told.iter().any(|other| other["role"] == "shadow" && other["request"] == ok["request"])
    );
    // A version that looks its inputs up itself says them in its answer.
    let model = "features = \"answer:/echo/features\"";
    let (queue, looked_up) = std::sync::mpsc::sync_channel(10);
    let other = World::start(&[&v2], "telemetry = \"telemetry\"", model, Some(queue)).await;
    assert_eq!(other.predict(None).await.0, 200);
    let record = looked_up.recv_timeout(LONG).unwrap().json();
    let record: Json = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["features"], json!({ "a": 1, "b": "x" }));
    // Every record is one that Ripcord reads.
    let source = &world.config.settings.sources[0];
    for record in &told {
        let line = record.to_string();
        let raw = ripcord::wire::telemetry::Raw::line(line.as_bytes());
        crate::common::decoded::decode(&raw, &source.topics[0], source).unwrap();
    }
    // Nobody reads the queue: it fills, the rest is dropped and counted, and no answer waits: it
    // would wait for ever.
    v1.told.fails.store(false, SeqCst);
    assert_eq!(spread(&world, 200, false).await, [200, 0]);
    assert!(world.routing.dropped().load(SeqCst) >= 170);
}

impl World {
    async fn until_total(&self, version: &str, role: &str, total: u64) {
        let since = Stopwatch::start();
        while self.route().await.1["versions"][version][role]["total"] != total {
            assert!(since.elapsed() < PATIENCE);
        }
    }
}

fn target(world: &World, stages: Option<Stages>) -> Router {
    Router::new(RouterOptions {
        target: TargetId::new("router").unwrap(),
        url: world.url.clone(),
        token: None,
        time_limit: LONG,
        probe_path: Some("/health".to_owned()),
        probes: 5,
        stages,
    })
    .unwrap()
}

/// Asks until the answer is another than unknown; the weights of v1 on the way.
async fn in_stages(world: &World, target: &mut Router, command: &Command) -> (Acted, Vec<f64>) {
    let mut weights = Vec::new();
    let since = Stopwatch::start();
    loop {
        let acted = target.act(command).await;
        let (_, route) = world.route().await;
        let left = route["weights_percent"]["v1"].as_f64().unwrap();
        if weights.last() != Some(&left) {
            weights.push(left);
        }
        if acted.outcome != StepResult::Unknown {
            return (acted, weights);
        }
        assert!(since.elapsed() < PATIENCE, "{}", acted.detail);
        spread(world, 20, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_stages_each_is_held_and_what_fails_goes_back() {
    let (v1, v2) = backends();
    let world = World::start(&[&v1, &v2], "", "breaker_in_a_row = 100000", None).await;
    let left = [50.0, 10.0].map(|percent| Weight::from_percent(percent).unwrap());
    let (left, hold) = (left.to_vec(), Span::from_ms(150));
    let mut target = target(&world, Some(Stages { left, hold, gate: 0.1, minimum: 5 }));
    v2.told.fails.store(true, SeqCst);
    let (acted, weights) =
        in_stages_failing(&world, &mut target, &command(1, "c-1", "v2", "v1")).await;
    assert_eq!(
        (acted.outcome, weights),
        (StepResult::Failed, vec![50.0, 100.0]),
        "{}",
        acted.detail
    );
    assert!(acted.detail.contains("the former weights were restored"), "{}", acted.detail);
    v2.told.fails.store(false, SeqCst);
    let go = command(2, "c-2", "v2", "v1");
    let (acted, weights) = in_stages(&world, &mut target, &go).await;
    assert_eq!(
        (acted.outcome, weights),
        (StepResult::Done, vec![50.0, 10.0, 0.0]),
        "{}",
        acted.detail
    );
    assert_eq!(target.act(&go).await.outcome, StepResult::Done);
    // A worker that begins again goes on from where it finds the weights.
    world.weights(30.0, 70.0).await;
    let (acted, weights) = in_stages(&world, &mut target, &command(3, "c-3", "v2", "v1")).await;
    assert_eq!((acted.outcome, weights), (StepResult::Done, vec![10.0, 0.0]), "{}", acted.detail);
}

/// The same, where requests may fail.
async fn in_stages_failing(
    world: &World,
    target: &mut Router,
    command: &Command,
) -> (Acted, Vec<f64>) {
    let mut weights = Vec::new();
    loop {
        let acted = target.act(command).await;
        weights.push(world.route().await.1["weights_percent"]["v1"].as_f64().unwrap());
        if acted.outcome != StepResult::Unknown {
            return (acted, weights);
        }
        for _ in 0..20 {
            world.predict(None).await;
        }
    }
}

fn command(generation: u64, id: &str, to: &str, from: &str) -> Command {
    let value = json!({
        "id": id, "namespace": "t", "incident": "i-1", "model": "m", "generation": generation,
        "target": "router", "stage": "traffic",
        "want": { "want": "production", "version": to, "instead_of": from },
        "reason": "it fails", "mode": "act", "issued_at": "2025-01-01T00:00:00Z",
        "expires_at": "2125-01-01T00:00:00Z", "reply_to": 0,
    });
    serde_json::from_value(value).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_worker_moves_the_share_once_and_refuses_what_is_over() {
    let (mut v1, v2) = backends();
    // So long that the breaker is still open when that is looked at.
    let model = "breaker_in_a_row = 3\nbreaker_pause_milliseconds = 20000";
    let world = World::start(&[&v1, &v2], "", model, None).await;
    let mut target = target(&world, None);
    let fact = target.observe().await.unwrap().remove(0);
    assert_eq!((fact.production.unwrap().as_str(), fact.generation), ("v1", 0));
    assert_eq!(fact.versions.len(), 2);
    let go = command(1, "c-1", "v2", "v1");
    for _ in 0..3 {
        let acted = target.act(&go).await;
        assert_eq!(acted.outcome, StepResult::Done, "{}", acted.detail);
    }
    assert_eq!(spread(&world, 20, false).await, [0, 20]);
    let (_, route) = world.route().await;
    assert_eq!((&route["revision"], &route["fence"]["generation"]), (&json!(1), &json!(1)));
    assert_eq!(target.fence(&go).await.unwrap().command.as_deref(), Some("c-1"));
    // The first time the public route showed it.
    let back = command(2, "c-2", "v1", "v2");
    let acted = target.act(&back).await;
    assert_eq!(
        (acted.outcome, acted.proof),
        (StepResult::Done, Some(Proof::L2)),
        "{}",
        acted.detail
    );
    let acted = target.act(&go).await;
    assert_eq!(acted.outcome, StepResult::Refused, "{}", acted.detail);
    // Another command under the same generation must know what is done under it.
    let weights = json!({ "v1": 0, "v2": 100 });
    let stranger =
        json!({ "weights_percent": weights, "fence": { "generation": 2, "command": "x" } });
    let (status, problem) = world.put(Some("*"), &stranger).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:ripcord:problem:stale-generation")));
    // A generation that no rollback could follow.
    let lie = json!({ "weights_percent": weights, "fence": { "generation": (1_u64 << 32) + 1 } });
    let (status, problem) = world.put(Some("*"), &lie).await;
    assert_eq!((status, &problem["type"]), (400, &json!("urn:ripcord:problem:bad-request")));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("4294967297, above the highest allowed, 4294967296"), "{detail}");
    // Moved by others since.
    world.weights(0.0, 100.0).await;
    let acted = target.act(&back).await;
    assert_eq!(acted.outcome, StepResult::Failed, "{}", acted.detail);
    assert!(acted.detail.contains("others have since moved it to v2 100 %"), "{}", acted.detail);
    // To one that is down: the router refuses, and nothing is done.
    world.weights(50.0, 50.0).await;
    v1.kill();
    world_until_down(&world).await;
    let fact = target.observe().await.unwrap().remove(0);
    let [v1_routed, v2_routed] = ["v1", "v2"].map(|version| fact.routes[version]);
    assert_eq!((v1_routed.share, v1_routed.breaker), (0.5, BreakerState::Open));
    assert_eq!((v2_routed.share, v2_routed.breaker), (0.5, BreakerState::Closed));
    let acted = target.act(&command(3, "c-3", "v1", "v2")).await;
    assert_eq!(acted.outcome, StepResult::Failed, "{}", acted.detail);
    assert!(acted.detail.contains("although v2 is up"), "{}", acted.detail);
    // A version without a backend; a router that is gone.
    let acted = target.act(&command(3, "c-4", "v9", "v2")).await;
    assert!(acted.detail.contains("no backend for v9"), "{}", acted.detail);
    // The rollbacks after the highest that is believed count on.
    for (generation, status) in [(0_u64, 200), (1, 200), (3000, 400)] {
        let fence = json!({ "generation": (1_u64 << 32) + generation });
        let given =
            world.put(Some("*"), &json!({ "weights_percent": weights, "fence": fence })).await;
        assert_eq!(given.0, status, "{generation}: {}", given.1);
    }
    world.stop().await;
    let acted = target.act(&command(3, "c-5", "v2", "v1")).await;
    assert_eq!(acted.outcome, StepResult::Unknown, "{}", acted.detail);
    assert!(target.observe().await.is_err());
}

async fn world_until_down(world: &World) {
    while world.route().await.1["versions"]["v1"]["breaker"] != "open" {
        world.predict(None).await;
    }
}
