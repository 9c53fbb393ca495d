//! The real server over a real log: what it takes, refuses, shows.
//!
//! Over 300 lines: one table of routes.
#![expect(clippy::unwrap_used, reason = "a test may fail where it is")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ripcord::config::{Config, HttpLimits, SeriesPerModel, rules_hash};
use ripcord::edge::log::{Outgoing, Partition, Topic};
use ripcord::model::{Namespace, Span};
use ripcord::shard::Shard;
use serde_json::{Value as Json, json};

use crate::common::served::{
    Answer, LIMITS, LONG, MAX_BODY_BYTES, SHARDS, Setting, World, ask, prediction,
};

fn problem(answer: &Answer) -> Json {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text);
    let problem = answer.json();
    let fields: Vec<_> = problem.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["detail", "status", "title", "type"]);
    assert_eq!(problem["status"], answer.status);
    assert!(problem["type"].as_str().unwrap().starts_with("urn:ripcord:problem:"));
    problem
}

fn keeps(schema: &str, value: &Json) {
    let path = format!("{}/schemas/{schema}.v1.json", env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> =
        schema.iter_errors(value).map(|e| format!("{e} at {}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

/// METHOD PATH, body, status, what the answer holds.
const ASKED: &[(&str, &str, u16, &str)] = &[
    ("GET /livez", "", 200, "true"),
    ("GET /readyz", "", 200, "true"),
    ("GET /metrics", "", 200, "# EOF"),
    ("GET /api/openapi.json", "", 200, "3.1"),
    ("GET /api/status", "", 200, "loopback-only"),
    ("GET /api/models", "", 200, "\"m\""),
    ("GET /api/models/m", "", 200, "proven by the registry"),
    ("GET /api/models/zz", "", 404, "known models: m"),
    ("GET /api/models/%ff", "", 400, "UTF-8"),
    ("GET /api/incidents", "", 200, "[]"),
    ("GET /api/incidents?open=maybe", "", 400, "open"),
    ("GET /api/incidents?colour=red", "", 400, "colour"),
    ("GET /api/incidents/i-1", "", 404, "begins with i-1"),
    ("GET /api/decisions?model=m&limit=3", "", 200, "[]"),
    ("GET /api/decisions?limit=-3", "", 400, "limit"),
    ("GET /api/decisions/0-1-0", "", 404, "0-1-0"),
    ("GET /api/decisions/9-1-0", "", 404, "9-1-0"),
    ("GET /api/instructions/nobody", "", 404, "never sent"),
    ("GET /api/rules", "", 200, "worse-than-reference"),
    ("GET /nothing", "", 404, "/api/openapi.json"),
    ("GET /", "", 404, "/api/openapi.json"),
    ("GET /api/telemetry", "", 405, "does not allow GET"),
    ("DELETE /api/rules", "", 405, "does not allow DELETE"),
    ("POST /api/telemetry", "", 200, "\"taken\":0"),
    ("POST /api/telemetry", "\n\n", 200, "\"taken\":0"),
    ("POST /api/telemetry", "{", 400, "line 1: not_json"),
    ("POST /api/telemetry?source=other", "{}", 404, "telemetry"),
    ("POST /api/telemetry?sauce=x", "{}", 400, "sauce"),
    ("POST /api/models/rollback", "", 400, "body"),
    ("POST /api/models/rollback", "[]", 400, "body"),
    ("POST /api/models/rollback", "{} {}", 400, "more than one"),
    ("POST /api/models/rollback", r#"{"model":"m"}"#, 400, "reason"),
    ("POST /api/models/rollback", r#"{"model":"m","reason":" "}"#, 400, "reason"),
    ("POST /api/models/rollback", r#"{"model":"","reason":"r"}"#, 400, "model"),
    ("POST /api/models/rollback", r#"{"model":"m","reason":"r","force":true}"#, 400, "force"),
    ("POST /api/models/rollback", r#"{"model":"m","reason":"r","version":"v2"}"#, 400, "version"),
    ("POST /api/models/rollback", r#"{"model":"m","reason":"r","dry_run":true}"#, 200, "v2"),
    (
        "POST /api/models/rollback",
        r#"{"model":"m","reason":"r","to":"v3","dry_run":true}"#,
        409,
        "already in production",
    ),
    (
        "POST /api/models/rollback",
        r#"{"model":"zz","reason":"r","dry_run":true}"#,
        409,
        "no model zz is known",
    ),
    ("POST /api/models/abort", r#"{"model":"m","dry_run":true}"#, 400, "dry_run"),
    ("POST /api/models/freeze", "{}", 400, "all"),
    ("POST /api/models/freeze", r#"{"model":"m","all":true}"#, 400, "either a"),
    ("POST /api/models/mode", r#"{"model":"m"}"#, 400, "mode"),
    ("POST /api/models/mode", r#"{"model":"m","mode":"panic"}"#, 400, "mode"),
    ("POST /api/models/vouch", r#"{"model":"m"}"#, 400, "version"),
    ("POST /api/models/dance", r#"{"model":"m"}"#, 404, "rollback"),
    ("POST /api/models/abort", r#"{"model":"m"}"#, 202, "/api/instructions/"),
    ("POST /api/rules", "{}", 400, "namespace"),
];

#[test]
fn every_route_answers_what_is_right_and_refuses_what_is_wrong() {
    let world = World::start(&Setting::default());
    for (asked, body, status, holds) in ASKED {
        let (method, path) = asked.split_once(' ').unwrap();
        let answer = world.send(method, path, &[], body);
        assert_eq!(answer.status, *status, "{asked} {body}: {}", answer.text);
        assert!(answer.text.contains(holds), "{asked} {body}: {}", answer.text);
        assert_eq!(answer.header("ripcord-writing"), "loopback-only");
        if *status >= 400 {
            problem(&answer);
        }
    }
}

#[test]
fn the_openapi_document_and_the_routes_are_the_same() {
    let world = World::start(&Setting::default());
    let document = world.get("/api/openapi.json").json();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            described.insert(format!("{} {path}", method.to_uppercase()));
            // An ask needs a body that is right, everything else is found or not by its name.
            let concrete = path.replace("{model}", "m").replace("{id}", "x");
            let answer = world.send(&method.to_uppercase(), &concrete, &[], "{}");
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(!answer.text.contains("no-such-path"), "{method} {path}");
            let responses = &item[method]["responses"];
            let known = responses.get(answer.status.to_string()).is_some();
            assert!(known, "{method} {path} answers {}, undescribed", answer.status);
        }
    }
    for (asked, _, status, _) in ASKED.iter().filter(|(.., status, _)| *status < 300) {
        let path = asked.split('?').next().unwrap().replace("/models/m", "/models/{model}");
        assert!(described.contains(&path), "{path} answers {status} and is not described");
    }
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference}"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references(json: &Json, out: &mut Vec<String>) {
    match json {
        Json::Object(fields) => {
            for (key, value) in fields {
                if key == "$ref" {
                    out.push(value.as_str().unwrap().to_owned());
                }
                collect_references(value, out);
            }
        }
        Json::Array(list) => list.iter().for_each(|value| collect_references(value, out)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn a_thousand_lines_at_once_are_all_on_the_log_and_what_joins_lies_together() {
    const LANES: u32 = 4;
    let world = World::start(&Setting { lanes: LANES, decides: false, ..Setting::default() });
    let (client, url) = (world.client(), format!("{}/api/telemetry", world.url));
    let posts = (0..100).map(|post| {
        let (client, url) = (client.clone(), url.clone());
        let outcome = |request: &str| {
            json!({"type": "outcome", "request": request, "model": "m", "actual": 1,
                "ts": "2024-02-01T00:01:00Z"})
            .to_string()
        };
        let lines = (0..5).flat_map(|line| {
            let id = format!("r{post}-{line}");
            [prediction(&id, 0, line, "ok"), outcome(&id)]
        });
        let body = lines.collect::<Vec<_>>().join("\n");
        tokio::time::timeout(LONG, async move { ask(client, "POST", &url, &[], &body).await })
    });
    let taken: u64 = world.runtime.block_on(async {
        let under_way: Vec<_> = posts.map(tokio::spawn).collect();
        let mut taken = 0;
        for post in under_way {
            let answer = post.await.unwrap().unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text);
            taken += answer.json()["taken"].as_u64().unwrap();
        }
        taken
    });
    assert_eq!(taken, 1000);
    let mut lane_of = BTreeMap::new();
    let mut found = 0;
    for partition in 0..LANES {
        let lane = Partition { topic: "telemetry".to_owned(), partition };
        let records = world.topics.log.scan(&lane, 0, 2000).unwrap();
        assert!(records.len() > 100, "lane {partition} has only {}", records.len());
        found += records.len();
        for record in records {
            let line: Json = serde_json::from_slice(&record.value).unwrap();
            let request = line.get("request").or(line.get("id")).unwrap().clone();
            let lane = lane_of.entry(request.to_string()).or_insert(partition);
            assert_eq!(*lane, partition, "{request} lies in two lanes");
        }
    }
    assert_eq!((found, lane_of.len()), (1000, 500));
}

#[test]
fn bad_lines_are_named_and_good_ones_taken() {
    let world = World::start(&Setting { decides: false, ..Setting::default() });
    let mut lines = vec![prediction("a", 0, 0, "ok"), String::new(), "nonsense".to_owned()];
    lines.push(prediction("b", 0, 1, "ok").replace("2024-02-01T00:00:01Z", "soon"));
    let answer = world.send("POST", "/api/telemetry", &[], &lines.join("\r\n"));
    assert_eq!(answer.status, 200);
    let taken = answer.json();
    assert_eq!((&taken["taken"], &taken["rejected_count"]), (&json!(1), &json!(2)));
    let named: Vec<_> = taken["rejected"].as_array().unwrap().iter().collect();
    assert_eq!((&named[0]["line"], &named[0]["code"]), (&json!(3), &json!("not_json")));
    assert_eq!((&named[1]["line"], &named[1]["code"]), (&json!(4), &json!("bad_time")));
    assert!(named[1]["detail"].as_str().unwrap().contains("soon"));

    let many = format!("{}\n{}", "x\n".repeat(250), prediction("c", 0, 2, "ok"));
    let taken = world.send("POST", "/api/telemetry", &[], &many).json();
    assert_eq!((&taken["taken"], &taken["rejected_count"]), (&json!(1), &json!(250)));
    assert_eq!(taken["rejected"].as_array().unwrap().len(), 100);
}

#[test]
fn a_body_over_the_limit_is_refused_wherever_it_goes() {
    let world = World::start(&Setting { decides: false, ..Setting::default() });
    let rules = format!("{:#}", json!(world.book));
    for (path, body) in [
        ("/api/telemetry", "\n"),
        ("/api/models/abort", r#"{"model":"m"}"#),
        ("/api/rules", rules.as_str()),
    ] {
        let of = |bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
        let fits = world.send("POST", path, &[], &of(MAX_BODY_BYTES));
        assert!(fits.status < 300, "{path}: {}", fits.text);
        let over = world.send("POST", path, &[], &of(MAX_BODY_BYTES + 1));
        assert_eq!(over.status, 413, "{path}: {}", over.text);
        assert!(problem(&over)["detail"].as_str().unwrap().contains("http.max_body_bytes"));
        // A body that does not say how long it is.
        let chunks = format!("{:x}\r\n{}\r\n0\r\n\r\n", MAX_BODY_BYTES + 1, of(MAX_BODY_BYTES + 1));
        let headers = "content-type: application/json\r\ntransfer-encoding: chunked";
        let said = raw(&world, &format!("POST {path} HTTP/1.1"), headers, &chunks);
        assert!(said.starts_with("HTTP/1.1 413 "), "{path}: {said}");
    }
    assert_eq!(world.get("/livez").status, 200);
}

/// Sends bytes as they are; the beginning of the answer.
fn raw(world: &World, first: &str, header: &str, body: &str) -> String {
    let host = world.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!("{first}\r\nhost: {host}\r\n{header}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // The server may have said no and gone before it took all.
    stream.write_all(body.as_bytes()).ok();
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Connections that have sent no more than this, and send no more.
fn half_sent(world: &World, n: usize, sent: &str) -> Vec<TcpStream> {
    let host = world.url.strip_prefix("http://").unwrap();
    let connect = |_| {
        let mut stream = TcpStream::connect(host).unwrap();
        // It may have had to make way already.
        stream.write_all(sent.replace("HOST", host).as_bytes()).ok();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    };
    (0..n).map(connect).collect()
}

/// All that still comes.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection that was closed on what was still being sent ends in an error.
    stream.read_to_end(&mut answer).ok();
    String::from_utf8(answer).unwrap()
}

/// A line of a head.
const JSON: &str = "content-type: application/json\r\n";

#[test]
fn slow_clients_shut_out_nobody() {
    // Longer than it takes to ask all that is asked while they hang, also on a busy machine.
    const SOON: Duration = Duration::from_secs(3);
    let limits = HttpLimits { connections: 32, requests: 8, uploads: 4, ..LIMITS };
    let limits = HttpLimits { head: SOON, body: SOON, ..limits };
    let world = World::start(&Setting { decides: false, limits, ..Setting::default() });
    let post = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nhost: HOST\r\n{JSON}content-length: 100\r\n\r\n{{")
    };
    let (order, telemetry) = (post("/api/models/rollback"), post("/api/telemetry"));
    for (slow, n, ends) in [
        ("GET /livez HTTP/1.1\r\nhost: HOST\r\nx: ", 40, ""),
        (order.as_str(), 40, "HTTP/1.1 408 "),
        (telemetry.as_str(), 4, "HTTP/1.1 408 "),
    ] {
        let streams = half_sent(&world, n, slow);
        assert_eq!(world.get("/livez").status, 200, "{slow}");
        assert_eq!(world.get("/metrics").status, 200, "{slow}");
        let asked = world.post("/api/models/rollback", &json!({"model": "m", "reason": "r"}));
        assert_eq!(asked.status, 202, "{slow}: {}", asked.text);
        if slow == telemetry {
            let busy = world.send("POST", "/api/telemetry", &[], "\n");
            assert_eq!((busy.status, busy.header("retry-after")), (503, "1"));
            assert_eq!(problem(&busy)["type"], "urn:ripcord:problem:busy");
        }
        let told: Vec<_> = streams.into_iter().map(rest).collect();
        let last = told.last().unwrap();
        assert!(last.starts_with(ends) && last.is_empty() == ends.is_empty(), "{slow}: {last}");
        // The first ones had to make way.
        assert_eq!(told[0].is_empty(), n > limits.connections || ends.is_empty(), "{}", told[0]);
    }
    let taken =
        world.wait_for("/livez", |_| world.send("POST", "/api/telemetry", &[], "\n").status == 200);
    assert_eq!(taken.status, 200);
}

#[test]
fn work_that_outlives_its_answer_keeps_its_place_and_instructions_go_past_it() {
    let lane = Partition { topic: "telemetry".to_owned(), partition: 0 };
    // With a place but no turn, a body is told so in time; without a place, at once.
    for (uploads, says) in [(2, "2 such requests"), (3, "nothing of this body was taken")] {
        let limits = HttpLimits { uploads, answer: Duration::from_secs(1), ..LIMITS };
        let world = World::start(&Setting { decides: false, limits, ..Setting::default() });
        world.shim.hold("telemetry");
        let post =
            |id: &str| world.send("POST", "/api/telemetry", &[], &prediction(id, 0, 0, "ok"));
        assert_eq!(["a", "b"].map(|id| post(id).status), [504, 504]);
        for _ in 0..3 {
            let busy = post("c");
            assert_eq!((busy.status, busy.header("retry-after")), (503, "1"), "{}", busy.text);
            assert!(busy.text.contains(says), "{}", busy.text);
        }
        let asked = world.post("/api/models/rollback", &json!({"model": "m", "reason": "r"}));
        assert_eq!(asked.status, 202, "{}", asked.text);
        world.shim.release("telemetry");
        world.wait_for("/livez", |_| post("d").status == 200);
        assert_eq!(world.topics.log.scan(&lane, 0, 10).unwrap().len(), 3, "a, b and d");
    }
}

#[test]
fn a_body_that_trickles_is_ended_long_before_its_time_is_over() {
    let limits = HttpLimits { body_grace: Duration::from_millis(100), ..LIMITS };
    let limits = HttpLimits { min_body_bytes_per_second: 1000, ..limits };
    let world = World::start(&Setting { decides: false, limits, ..Setting::default() });
    for path in ["/api/telemetry", "/api/models/rollback"] {
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: HOST\r\n{JSON}content-length: 100\r\n\r\n{{");
        let since = Instant::now();
        let told = half_sent(&world, 1, &head).into_iter().map(rest).collect::<String>();
        assert!(told.starts_with("HTTP/1.1 408 "), "{path}: {told}");
        assert!(told.contains("less than 1000 bytes a second"), "{told}");
        assert!(since.elapsed() < LONG / 2, "{:?}", since.elapsed());
    }
    // A body of 100 kB earns much more time than it needs.
    let fast = world.send("POST", "/api/telemetry", &[], &" ".repeat(100_000));
    assert_eq!(fast.status, 200, "{}", fast.text);
}

#[test]
fn a_head_that_nobody_needs_is_refused() {
    let world = World::start(&Setting { decides: false, ..Setting::default() });
    let long = world.get(&format!("/api/incidents?model={}", "x".repeat(9000)));
    assert_eq!(
        (long.status, problem(&long)["type"].as_str().unwrap()),
        (414, "urn:ripcord:problem:uri-too-long")
    );
    let header = format!("x-long: {}", "x".repeat(40_000));
    let large = world.send("GET", "/livez", &[&header], "");
    assert_eq!(large.status, 431);
    assert_eq!(problem(&large)["type"], "urn:ripcord:problem:headers-too-large");
    let said = raw(&world, "GET /livez HTTP/1.1", "host: localhost", "");
    assert!(said.starts_with("HTTP/1.1 400 "), "two hosts: {said}");
}

#[test]
fn what_the_log_cannot_take_is_not_taken() {
    let world = World::start(&Setting { decides: false, ..Setting::default() });
    let inbox = world.topics.topic(Topic::Inbox);
    let telemetry = Partition { topic: "telemetry".to_owned(), partition: 0 };
    let line = prediction("a", 0, 0, "ok");
    let rules = json!(world.book).to_string();
    let freeze = r#"{"all":true,"reason":"r"}"#;
    for (topic, path, body) in [
        ("telemetry", "/api/telemetry", line.as_str()),
        (inbox.as_str(), "/api/models/freeze", freeze),
        (inbox.as_str(), "/api/rules", rules.as_str()),
    ] {
        world.shim.on_append(topic, 0, 0);
        let key = ["idempotency-key: k"];
        let failed = world.send("POST", path, &key, body);
        assert_eq!((failed.status, failed.header("retry-after")), (503, "1"), "{}", failed.text);
        let problem = problem(&failed);
        assert_eq!(problem["type"], "urn:ripcord:problem:log-unavailable");
        assert!(problem["detail"].as_str().unwrap().contains("appending to"), "{problem}");
        assert_eq!(world.shim.waiting(), 0);
        if path == "/api/telemetry" {
            assert_eq!(world.topics.log.scan(&telemetry, 0, 10).unwrap(), []);
            let none = r#"ripcord_http_telemetry_records_total{result="taken"} 0"#;
            assert!(world.get("/metrics").text.contains(none));
        } else if path == "/api/models/freeze" {
            assert_eq!(world.get("/api/instructions/k").status, 404);
        }
        // The log is well again: the same is asked once more.
        let taken = world.send("POST", path, &key, body);
        assert!(taken.status < 300, "{path}: {}", taken.text);
        if path == "/api/rules" {
            assert_eq!(taken.json()["revision"], 1, "what was not taken has no revision");
        }
    }
    assert_eq!(world.topics.log.scan(&telemetry, 0, 10).unwrap().len(), 1);
}

#[test]
fn an_instruction_makes_the_whole_round_and_twice_is_once() {
    let world = World::start(&Setting::default());
    let freeze = |key: &str, body: &str| {
        let key = format!("idempotency-key: {key}");
        world.send("POST", "/api/models/freeze", &[&key], body)
    };
    let all = r#"{"all":true,"reason":"storm","by":"ada"}"#;
    let asked = freeze("storm-1", all);
    assert_eq!((asked.status, asked.header("location")), (202, "/api/instructions/storm-1"));
    assert_eq!(asked.json()["id"], "storm-1");
    let done = |answer: &Answer| answer.json()["state"] != "pending";
    let reply = world.wait_for("/api/instructions/storm-1", done).json();
    assert_eq!(reply["state"], "accepted", "{reply}");
    let frozen = |answer: &Answer| answer.text.contains("storm");
    world.wait_for("/api/models/m", frozen);
    let again = freeze("storm-1", all);
    assert_eq!(again.status, 202);
    assert_eq!(world.wait_for("/api/instructions/storm-1", done).json(), reply);
    for other in [
        r#"{"all":true,"reason":"another","by":"ada"}"#,
        r#"{"model":"m","reason":"storm","by":"ada"}"#,
    ] {
        let taken = freeze("storm-1", other);
        assert_eq!(taken.status, 422, "{}", taken.text);
        assert_eq!(problem(&taken)["type"], "urn:ripcord:problem:key-taken");
    }
    for key in ["", "a b", "../x", &"x".repeat(129)] {
        assert_eq!(freeze(key, all).status, 400, "{key:?}");
    }
    let refused =
        world.post("/api/models/rollback", &json!({"model": "m", "to": "v9", "reason": "r"}));
    let reply = world.wait_for(refused.header("location"), done).json();
    assert_eq!(reply["state"], "refused", "{reply}");
    assert!(reply["detail"].as_str().unwrap().contains("v9"), "{reply}");
}

/// The keys that stand on the topic of live numbers.
fn keys(world: &World) -> Vec<String> {
    let shards = (0..SHARDS).map(|shard| world.topics.partition(Topic::Status, shard));
    let latest = shards.flat_map(|partition| world.topics.log.latest(&partition, "").unwrap());
    latest.map(|record| String::from_utf8(record.key.unwrap()).unwrap()).collect()
}

#[test]
fn a_reply_can_be_fetched_in_time_and_is_forgotten_then() {
    let world = World::start(&Setting::default());
    let ask = |key: &str| {
        let header = format!("idempotency-key: {key}");
        world.send("POST", "/api/models/freeze", &[&header], r#"{"all":true,"reason":"r"}"#);
        let path = format!("/api/instructions/{key}");
        world.wait_for(&path, |answer| answer.json()["state"] == "accepted");
    };
    // Whether live numbers were published since the time was moved on.
    let published = || {
        let now = world.topics.log.now();
        let told = |shard: &Json| shard["told_at"].as_str().unwrap() >= now.to_string().as_str();
        let all = |answer: &Answer| answer.json()["shards"].as_array().unwrap().iter().all(told);
        world.wait_for("/api/status", all);
    };
    let state = |key: &str| world.get(&format!("/api/instructions/{key}"));
    let replies = || keys(&world).into_iter().filter(|key| key.starts_with("reply/")).count();
    (0..5).for_each(|n| ask(&format!("early-{n}")));
    world.later(Span::from_s(3540));
    ask("late");
    published();
    assert_eq!(state("early-0").json()["state"], "accepted");
    assert_eq!(replies(), 6 * SHARDS as usize);
    world.later(Span::from_s(120));
    // What was being published meanwhile had read the clock before; what comes next has not.
    published();
    published();
    let gone = state("early-0");
    assert_eq!(gone.status, 404, "{}", gone.text);
    assert!(problem(&gone)["detail"].as_str().unwrap().contains("more than 1 h ago"));
    assert_eq!(state("late").json()["state"], "accepted");
    assert_eq!(replies(), SHARDS as usize);
    // Asked again under an id that is forgotten: it is not done twice, and told again.
    ask("early-0");
}

#[test]
fn a_rollback_can_be_followed_from_telemetry_to_its_decisions() {
    let world = World::start(&Setting::default());
    let incident = world.rolled_back();
    keeps("incident", &incident);
    assert_eq!((&incident["version"], &incident["to"]), (&json!("v3"), &json!("v2")));
    assert_eq!(incident["trigger"], "error-rate");
    let id = incident["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/api/incidents/{}", &id[..8])).json()["id"], id);
    assert_eq!(world.get("/api/incidents?open=false").json()["incidents"], json!([]));

    let decisions = world.get(&format!("/api/decisions?incident={id}")).json();
    let decisions = decisions["decisions"].as_array().unwrap();
    assert!(!decisions.is_empty());
    for decision in decisions {
        keeps("decision", decision);
        let path = format!("/api/decisions/{}", decision["id"].as_str().unwrap());
        assert_eq!(&world.get(&path).json(), decision);
    }
    let fired = decisions.iter().find(|d| d["ruling"]["did"] == "acted").unwrap();
    assert_eq!(fired["assessment"]["verdict"], "breach");

    let told = |answer: &Answer| {
        let status = answer.json();
        status["models"]["m"]["production"] == "v2" && status["records"]["telemetry"]["read"] == 720
    };
    let status = world.wait_for("/api/status", told).json();
    keeps("status", &status);
    assert_eq!(status["shards"].as_array().unwrap().len(), SHARDS as usize);
    let v3 = &status["models"]["m"]["versions"]["v3"];
    assert_eq!(v3["quarantined"], true);
    let signals = v3["signals"].as_array().unwrap();
    let errors = signals.iter().find(|signal| signal["trigger"] == "error-rate").unwrap();
    assert!((errors["per_s"].as_f64().unwrap() - 1.0).abs() < 0.01, "{errors}");
    let sees = errors["sees"]["value"].as_f64().unwrap();
    assert!(sees > 0.1 && sees < 0.2, "{errors}");
    metrics(&world);
}

#[test]
fn a_record_that_cannot_be_read_hides_no_other() {
    let world = World::start(&Setting::default());
    let id = world.rolled_back()["id"].as_str().unwrap().to_owned();
    let mut writer = world.topics.log.writer(None).unwrap();
    for topic in [Topic::Incidents, Topic::Decisions] {
        let to = world.topics.partition(topic, 0);
        let (key, headers) = (Some(b"i-damaged".to_vec()), Vec::new());
        writer.append(vec![Outgoing { to, key, headers, value: b"{\"id\":".to_vec() }]).unwrap();
    }
    let list = world.get("/api/incidents").json();
    assert_eq!((&list["incidents"][0]["id"], &list["unreadable"]), (&json!(id), &json!(1)));
    let list = world.get("/api/decisions").json();
    assert!(!list["decisions"].as_array().unwrap().is_empty());
    assert_eq!(list["unreadable"], 1);
    assert_eq!(world.get(&format!("/api/incidents/{id}")).json()["id"], id);
    let missing = world.get("/api/incidents/i-damaged");
    assert_eq!(missing.status, 404);
    assert!(missing.text.contains("1 records of incidents cannot be read"), "{}", missing.text);
    assert_eq!(world.get("/metrics").status, 200);
}

/// The rules with one more key at a place.
fn with(rules: &Json, place: &str, key: &str) -> Json {
    let mut rules = rules.clone();
    rules.pointer_mut(place).unwrap()[key] = json!(false);
    rules
}

/// Reads the page as a scraper does, and finds on it what the status says.
fn metrics(world: &World) {
    let page = world.get("/metrics");
    assert!(page.header("content-type").starts_with("application/openmetrics-text"));
    let (mut kinds, mut seen) = (BTreeMap::new(), BTreeMap::new());
    let lines: Vec<_> = page.text.lines().collect();
    assert_eq!((lines.last(), page.text.matches("# EOF").count()), (Some(&"# EOF"), 1));
    for line in &lines[..lines.len() - 1] {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (word, name) = (words.next().unwrap(), words.next().unwrap());
            assert!(["HELP", "TYPE", "UNIT"].contains(&word), "{line}");
            if word == "TYPE" {
                let kind = words.next().unwrap();
                assert!(kinds.insert(name, kind).is_none(), "{name} is declared twice");
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        let name = series.split('{').next().unwrap();
        let labels = series.strip_prefix(name).unwrap();
        assert!(labels.is_empty() || (labels.starts_with('{') && labels.ends_with('}')), "{line}");
        let family = ["_total", "_info", "_bucket", "_count", "_sum"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        assert!(kinds.contains_key(family.unwrap_or(name)), "{name} has no type");
        let counter = kinds.get(family.unwrap_or(name)) == Some(&"counter");
        assert_eq!(counter, name.ends_with("_total"), "{line}");
        assert!(seen.insert(series, value).is_none(), "{series} is told twice");
    }
    for (series, value) in [
        (r#"ripcord_events_total{source="telemetry",result="measured"}"#, 720.0),
        (r#"ripcord_http_telemetry_records_total{result="taken"}"#, 720.0),
        (r#"ripcord_quarantined_versions{model="m"}"#, 1.0),
        (r#"ripcord_open_incidents{model="m"}"#, 1.0),
        (r#"ripcord_frozen{model="m"}"#, 0.0),
        (r#"ripcord_rollbacks_total{result="decided"}"#, 1.0),
        (r#"ripcord_rollbacks_total{result="verified"}"#, 0.0),
        (r#"ripcord_detection_delay_seconds_count{signal="error_rate"}"#, 1.0),
        (r#"ripcord_rollback_commands_total{trigger="error-rate",mode="act"}"#, 1.0),
        (r#"ripcord_rollback_duration_seconds_count{phase="switch",result="done"}"#, 1.0),
        (r#"ripcord_late_events_total{source="telemetry"}"#, 0.0),
        (r#"ripcord_triggers{model="m",signal="error_rate",verdict="breach"}"#, 1.0),
    ] {
        assert_eq!(seen.get(series), Some(&value), "{series} in\n{}", page.text);
    }
    // The names of section 4 of the field's conventions that a page with a rollback on it has.
    for name in [
        "ripcord_build_info{version=",
        "ripcord_events_total{",
        "ripcord_watermark_delay_seconds{shard=",
        "ripcord_late_events_total{",
        "ripcord_consumer_lag_records{",
        "ripcord_window_samples{",
        "ripcord_window_value_ratio{model=",
        "ripcord_verdicts_total{signal=",
        "ripcord_detection_delay_seconds_bucket{",
        "ripcord_rollback_commands_total{trigger=",
        "ripcord_rollback_duration_seconds_bucket{",
        "ripcord_rollbacks_total{result=",
        "ripcord_worker_step_duration_seconds_bucket{",
        "ripcord_quarantined_versions{",
        "ripcord_phase_duration_seconds_bucket{",
    ] {
        assert!(seen.keys().any(|series| series.starts_with(name)), "{name} in\n{}", page.text);
    }
    let starts = |start: &str| seen.keys().any(|series| series.starts_with(start));
    assert!(starts("ripcord_build_info{version="));
    let error_rate = r#"{model="m",version="v3",signal="error_rate",trigger="error-rate"}"#;
    let value = |name: &str| seen[format!("{name}{error_rate}").as_str()];
    assert!((value("ripcord_window_value_ratio") - 0.5).abs() < 0.01);
    assert!(value("ripcord_evidence") >= value("ripcord_evidence_threshold"));
}

/// A record of an incident, as decide writes it.
fn write_incident(world: &World, id: &str, generation: Option<u64>) {
    let text = include_str!("../../schemas/incident.v1.example.json");
    let mut incident: Json = serde_json::from_str(text).unwrap();
    (incident["id"], incident["generation"]) = (json!(id), json!(generation));
    let to = world.topics.partition(Topic::Incidents, 0);
    let (key, headers) = (Some(id.as_bytes().to_vec()), Vec::new());
    let record = Outgoing { to, key, headers, value: incident.to_string().into_bytes() };
    world.topics.log.writer(None).unwrap().append(vec![record]).unwrap();
}

/// The value of a series on the page of metrics.
fn series(page: &Answer, name: &str) -> Option<f64> {
    let line = page.text.lines().find(|line| line.starts_with(&format!("{name} ")))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

#[test]
fn the_page_of_metrics_is_made_once_a_second_and_reads_each_incident_once() {
    const DECIDED: &str = r#"ripcord_rollbacks_total{result="decided"}"#;
    let world = World::start(&Setting { decides: false, ..Setting::default() });
    write_incident(&world, "i-1", Some(1));
    assert_eq!(series(&world.get("/metrics"), DECIDED), Some(1.0));
    let since = Instant::now();
    write_incident(&world, "i-2", Some(1));
    let remembered = series(&world.get("/metrics"), DECIDED);
    assert!(remembered == Some(1.0) || since.elapsed() > Duration::from_secs(1), "{remembered:?}");
    let scans = || world.shim.scans(&world.topics.topic(Topic::Incidents));
    for nth in 3..50 {
        write_incident(&world, &format!("i-{nth}"), Some(1));
    }
    world.later(Span::from_s(2));
    assert_eq!(series(&world.get("/metrics"), DECIDED), Some(49.0));
    let before = scans();
    for _ in 0..10 {
        world.later(Span::from_s(2));
        assert_eq!(series(&world.get("/metrics"), DECIDED), Some(49.0));
    }
    assert_eq!(scans(), before, "nothing was new");
    // What is new in an incident replaces what was known of it.
    write_incident(&world, "i-7", None);
    world.later(Span::from_s(2));
    assert_eq!(series(&world.get("/metrics"), DECIDED), Some(48.0));
}

#[test]
fn while_a_page_is_made_others_get_the_one_before_and_wait_for_nothing() {
    let world = World::start(&Setting { decides: false, ..Setting::default() });
    assert_eq!([world.get("/readyz").status, world.get("/metrics").status], [503, 200]);
    let incidents = world.topics.topic(Topic::Incidents);
    write_incident(&world, "i-1", Some(1));
    world.shim.hold_scans(&incidents);
    world.later(Span::from_s(2));
    let (client, url) = (world.client(), format!("{}/metrics", world.url));
    let maker = world.runtime.spawn(async move { ask(client, "GET", &url, &[], "").await });
    while world.shim.held_scans() == 0 {
        std::thread::yield_now();
    }
    for _ in 0..20 {
        assert_eq!(world.get("/metrics").status, 200);
    }
    assert_eq!(world.shim.held_scans(), 1, "one maker");
    world.shim.release(&incidents);
    assert_eq!(world.runtime.block_on(maker).unwrap().status, 200);
}

#[test]
fn series_per_model_are_those_that_the_settings_want() {
    // Until the page is as wanted: the status comes a moment after the incident.
    let page = |per_model, wanted: fn(&str) -> bool| {
        let world = World::start(&Setting { per_model, ..Setting::default() });
        world.rolled_back();
        world.wait_for("/metrics", |answer| wanted(&answer.text));
    };
    const OPEN: &str = r#"ripcord_open_incidents{model="m"} 1.0"#;
    // The version that was rolled back is no longer in production; the other one has no records.
    const WITHDRAWN: &str = r#"model="m",version="v3""#;
    page(SeriesPerModel::All, |page| page.contains(OPEN) && page.contains(WITHDRAWN));
    page(SeriesPerModel::Production, |page| page.contains(OPEN) && !page.contains(WITHDRAWN));
    page(SeriesPerModel::None, |page| {
        let decided = r#"ripcord_rollbacks_total{result="decided"} 1"#;
        let all = page.contains("ripcord_open_incidents{} 1.0") && page.contains(decided);
        all && !page.contains("model=")
    });
}

#[test]
fn who_is_silent_is_not_ready_and_is_named() {
    let world = World::start(&Setting { decides: false, ..Setting::default() });
    let answer = world.get("/readyz");
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert!(
        problem(&answer)["detail"].as_str().unwrap().contains("0 from the start, 1 from the start")
    );
    assert_eq!(world.get("/livez").status, 200);
    let body = json!({"model": "m", "reason": "r", "dry_run": true});
    assert_eq!(world.post("/api/models/rollback", &body).status, 503);
    assert_eq!(world.get("/api/rules").status, 503);
    let asked = world.post("/api/models/abort", &json!({"model": "m"}));
    assert_eq!(world.get(asked.header("location")).json()["state"], "pending");
}

#[test]
fn only_decide_speaks_for_decide() {
    let world = World::start(&Setting { decides: false, ..Setting::default() });
    let write = |key: &str, value: &[u8]| {
        for shard in 0..SHARDS {
            let to = world.topics.partition(Topic::Status, shard);
            let key = Some(key.as_bytes().to_vec());
            let record = Outgoing { to, key, headers: Vec::new(), value: value.to_vec() };
            world.topics.log.writer(None).unwrap().append(vec![record]).unwrap();
        }
    };
    assert_eq!(world.get("/readyz").status, 503);
    write("status", &serde_json::to_vec(&Shard::new(0, SHARDS).status()).unwrap());
    // The answer before is remembered for a second.
    assert_eq!(world.get("/readyz").status, 503);
    world.wait_for("/readyz", |answer| answer.status == 200);
    world.later(Span::from_s(15));
    // Workers and ingest write to that topic, too.
    write("trouble/registry", b"gone");
    let answer = world.get("/readyz");
    assert_eq!(answer.status, 503);
    let detail = problem(&answer)["detail"].to_string();
    assert!(detail.contains("decide has said nothing for 1"), "{detail}");
}

#[test]
fn rules_go_into_force_under_a_higher_revision_or_not_at_all() {
    let world = World::start(&Setting::default());
    let mut book = world.book.clone();
    book.default.policy.max_rollbacks += 1;
    book.hash = rules_hash(&book);
    let good = serde_json::to_value(&book).unwrap();
    let changed = |at: &str, value: Json, hashed: bool| {
        let mut book = good.clone();
        *book.pointer_mut(at).unwrap() = value;
        if hashed && let Ok(read) = serde_json::from_value(book.clone()) {
            book["hash"] = rules_hash(&read).into();
        }
        book
    };
    let other = Namespace::new("other").unwrap();
    for (book, status, holds) in [
        (changed("/namespace", json!(other), true), 409, "other"),
        (changed("/hash", json!("00"), false), 400, "hash"),
        (changed("/default/triggers/0/bucket", json!(0), true), 400, "bucket"),
        (changed("/default/triggers/0/weight", json!(-1.0), true), 400, "weight"),
        (changed("/default/budget/false_rollbacks", json!(0.0), true), 400, "false_rollbacks"),
        (changed("/default/mode", json!("panic"), true), 400, "default.mode"),
        (with(&good, "/default/triggers/0", "enabled"), 400, "default.triggers.0.enabled"),
        (with(&good, "/default", "polcy"), 400, "unknown key default.polcy"),
        (with(&good, "", "foo"), 400, "unknown key foo"),
        (
            changed("/default/triggers/1", good["default"]["triggers"][0].clone(), true),
            400,
            "twice",
        ),
    ] {
        let answer = world.post("/api/rules", &book);
        assert_eq!(answer.status, status, "{}", answer.text);
        let detail = problem(&answer)["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(holds), "{detail}");
    }
    for (by, reason, holds) in [
        ("ada", json!(" "), "the reason is missing"),
        ("ada", json!("x".repeat(2001)), "shorten them"),
        ("ada", json!("a\u{1b}[31m"), "control characters"),
        ("a\nb", json!("r"), "control characters"),
        (&"x".repeat(201), json!("r"), "shorten them"),
    ] {
        let mut book = good.clone();
        (book["by"], book["reason"]) = (json!(by), reason);
        let answer = world.post("/api/rules", &book);
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(answer.text.contains(holds), "{}", answer.text);
    }
    let first = world.get("/api/rules").json();
    assert_eq!((&first["revision"], &first["by"]), (&json!(1), &Json::Null));
    let mut why = good.clone();
    why["reason"] = "one more".into();
    for (revision, good) in [(2, &good), (3, &why)] {
        let applied = world.post("/api/rules", good);
        assert_eq!((applied.status, &applied.json()["revision"]), (202, &json!(revision)));
    }
    let now = world.wait_for("/api/rules", |answer| answer.json()["revision"] == 3).json();
    assert_eq!((&now["by"], &now["reason"]), (&json!("api"), &json!("one more")));
    let has = |shard: &Json| shard["rules"] == json!(book.hash);
    let all = |answer: &Answer| answer.json()["shards"].as_array().unwrap().iter().all(has);
    let status = world.wait_for("/api/status", all).json();
    let wanted = json!({"revision": 3, "hash": book.hash, "by": "api", "reason": "one more"});
    assert_eq!(status["rules"], wanted);
    keeps("status", &status);
}

/// Each set of rules is impossible, as a file and as JSON, for the same reason.
#[test]
fn both_gates_refuse_the_same_rules_for_the_same_reason() {
    let world = World::start(&Setting::default());
    let good = serde_json::to_value(&world.book).unwrap();
    let trigger = |name: &str| {
        let all = good["default"]["triggers"].as_array().unwrap();
        let at = all.iter().position(|trigger| trigger["id"] == name).unwrap();
        format!("/default/triggers/{at}")
    };
    let error_rate = trigger("error-rate");
    let (drop, drift, latency) =
        (trigger("accuracy-drop"), trigger("feature-drift"), trigger("mean-latency"));
    let rule = "rules.triggers.error-rate";
    for (text, at, value) in [
        (format!("{rule}.weight = 6"), format!("{error_rate}/weight"), json!(6.0)),
        (format!("{rule}.weight = 0"), format!("{error_rate}/weight"), json!(0.0)),
        (format!("{rule}.bucket_seconds = 7"), format!("{error_rate}/bucket"), json!(7000)),
        (format!("{rule}.bucket_seconds = 0"), format!("{error_rate}/bucket"), json!(0)),
        (format!("{rule}.limit_percent = 140"), format!("{error_rate}/limit/rate"), json!(1.4)),
        (format!("{rule}.completeness = 2"), format!("{error_rate}/completeness"), json!(2.0)),
        (format!("{rule}.design_effect = 0"), format!("{error_rate}/design_effect"), json!(0.0)),
        (format!("{rule}.minimum_samples = 0"), format!("{error_rate}/minimum_samples"), json!(0)),
        (
            "rules.triggers.accuracy-drop.tolerance_points = 101".to_owned(),
            format!("{drop}/limit/baseline/points"),
            json!(1.01),
        ),
        (
            "rules.triggers.feature-drift.window_minutes = 90".to_owned(),
            format!("{drift}/statistic/window/window"),
            json!(5_400_000),
        ),
        (
            "rules.triggers.feature-drift.bins = 1000".to_owned(),
            format!("{drift}/limit/psi/bins"),
            json!(1000),
        ),
        (
            "rules.triggers.feature-drift.rule = \"e-detector\"".to_owned(),
            format!("{drift}/statistic"),
            json!("e_detector"),
        ),
        (
            "rules.triggers.mean-latency.timeout_milliseconds = 1000".to_owned(),
            format!("{latency}/limit/mean_ms/timeout"),
            json!(1000.0),
        ),
        (
            "rules.budget.false_rollbacks = 999".to_owned(),
            "/default/budget/false_rollbacks".to_owned(),
            json!(999.0),
        ),
        ("rules.budget.period_days = 0".to_owned(), "/default/budget/period".to_owned(), json!(0)),
        (
            "rules.policy.stall_after_seconds = 5000".to_owned(),
            "/default/policy/stall_after".to_owned(),
            json!(5_000_000),
        ),
        (
            "rules.policy.max_rollbacks = 0".to_owned(),
            "/default/policy/max_rollbacks".to_owned(),
            json!(0),
        ),
        (
            "rules.policy.answer_within_seconds = 600".to_owned(),
            "/default/policy/answer_within".to_owned(),
            json!(600_000),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my.toml");
        std::fs::write(&file, &text).unwrap();
        let refused = Config::load(&[file], &BTreeMap::new()).unwrap_err();
        let mut book = good.clone();
        *book.pointer_mut(&at).unwrap_or_else(|| panic!("no {at} in {good:#}")) = value;
        if let Ok(read) = serde_json::from_value(book.clone()) {
            book["hash"] = rules_hash(&read).into();
        }
        let answer = world.post("/api/rules", &book);
        assert_eq!(answer.status, 400, "{text}: {}", answer.text);
        let detail = problem(&answer)["detail"].as_str().unwrap().to_owned();
        let same = refused.problems.iter().any(|problem| detail.contains(&problem.why));
        assert!(same, "{text}:\n  {refused}\n  {detail}");
    }
    let mut stalled = good.clone();
    stalled["default"]["policy"]["stall_after"] = json!(-5000);
    stalled["hash"] = rules_hash(&serde_json::from_value(stalled.clone()).unwrap()).into();
    let answer = world.post("/api/rules", &stalled);
    assert!(answer.text.contains("default.policy.stall_after: must be between"), "{}", answer.text);
}
