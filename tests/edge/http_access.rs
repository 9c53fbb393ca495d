//! Who may ask the real server for what: tokens, roles, and the pages of strangers.

use ripcord::config::AccessRole;
use serde_json::{Value as Json, json};

use crate::common::served::{Setting, World, prediction};

/// Name, role and token of each.
const TOKENS: &[(&str, AccessRole, &str)] = &[
    ("vera", AccessRole::Viewer, "the-token-of-vera"),
    ("oscar", AccessRole::Operator, "the-token-of-oscar"),
    ("ada", AccessRole::Admin, "the-token-of-ada"),
    ("shop", AccessRole::Producer, "the-token-of-shop"),
];

/// What is asked, and who may.
const ASKED: &[(&str, &[&str])] = &[
    ("GET /api/status", &["vera", "oscar", "ada"]),
    ("GET /api/incidents", &["vera", "oscar", "ada"]),
    ("GET /api/openapi.json", &["vera", "oscar", "ada"]),
    ("GET /metrics", &["vera", "oscar", "ada"]),
    ("POST /api/models/freeze", &["oscar", "ada"]),
    ("POST /api/models/rollback", &["oscar", "ada"]),
    ("POST /api/rules", &["ada"]),
    ("POST /api/telemetry", &["ada", "shop"]),
    ("POST /v1/traces", &["ada", "shop"]),
];

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

#[test]
fn each_token_opens_what_its_role_allows_and_nothing_opens_without_one() {
    let world = World::start(&Setting { decides: false, tokens: TOKENS, ..Setting::default() });
    for (asked, may) in ASKED {
        let (method, path) = asked.split_once(' ').unwrap();
        for (name, role, token) in TOKENS {
            let answer = world.send(method, path, &[&bearer(token)], "{}");
            let refused = matches!(answer.status, 401 | 403);
            assert_eq!(refused, !may.contains(name), "{asked} by {role:?}: {}", answer.text);
            let named = format!("the token {name} has the role {}", role.word());
            assert!(!refused || answer.text.contains(&named), "{}", answer.text);
            assert!(!answer.text.contains(token), "{}", answer.text);
        }
        let without = world.send(method, path, &[], "{}");
        assert_eq!(without.status, 401, "{asked}: {}", without.text);
        assert!(without.header("www-authenticate").starts_with("Bearer"));
        assert_eq!(without.header("ripcord-writing"), "token");
    }
    // Monitors of a process have no token. Here decide is silent.
    assert_eq!([world.get("/livez").status, world.get("/readyz").status], [200, 503]);
}

#[test]
fn metrics_are_open_if_the_settings_say_so() {
    let setting = Setting { decides: false, tokens: TOKENS, ..Setting::default() };
    let world = World::start(&Setting { metrics_need_token: false, ..setting });
    assert_eq!(world.get("/metrics").status, 200);
    assert_eq!(world.get("/api/status").status, 401);
}

#[test]
fn the_holder_of_the_token_is_on_the_record_whatever_the_body_says() {
    let world = World::start(&Setting {
        token: Some("the-token-of-admin"),
        tokens: TOKENS,
        ..Setting::default()
    });
    let body = r#"{"model":"m","reason":"storm","by":"somebody else"}"#;
    let oscar = bearer("the-token-of-oscar");
    let asked = world.send("POST", "/api/models/rollback", &[&oscar], body);
    assert_eq!(asked.status, 202, "{}", asked.text);
    let incidents = world.wait_for("/api/incidents", |answer| answer.text.contains("storm"));
    let incidents = incidents.text;
    assert!(incidents.contains("oscar") && !incidents.contains("somebody else"), "{incidents}");
    let mut rules = json!(world.book);
    rules["by"] = json!("somebody else");
    let applied =
        world.send("POST", "/api/rules", &[&bearer("the-token-of-ada")], &rules.to_string());
    assert_eq!(applied.status, 202, "{}", applied.text);
    let by = |answer: &crate::common::served::Answer| answer.json()["by"] != Json::Null;
    assert_eq!(world.wait_for("/api/rules", by).json()["by"], "ada");
}

#[test]
fn wrong_tokens_slow_their_peer_down() {
    let world = World::start(&Setting { decides: false, tokens: TOKENS, ..Setting::default() });
    let ask = |token: &str| world.send("GET", "/api/status", &[&bearer(token)], "");
    let guesses = [0; 5].map(|_| ask("guess").status);
    assert_eq!(guesses, [401; 5]);
    let slowed = ask("guess");
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, "1"), "{}", slowed.text);
    assert!(slowed.text.contains("urn:ripcord:problem:wrong-tokens"), "{}", slowed.text);
    // What needs no token is answered, and after the wait the right one opens again.
    assert_eq!(world.get("/livez").status, 200);
    world.wait_for("/livez", |_| ask("the-token-of-vera").status == 200);
}

#[test]
fn a_page_of_a_stranger_changes_nothing() {
    let world = World::start(&Setting::default());
    let own = format!("origin: {}", world.url);
    let own = own.as_str();
    for (headers, status) in [
        (vec!["host: evil.example"], 403),
        (vec!["origin: https://evil.example"], 403),
        (vec![own], 202),
        (vec![own, "sec-fetch-site: same-origin"], 202),
        (vec!["sec-fetch-site: none"], 202),
        (vec![own, own], 400),
        (vec![own, "origin: https://evil.example"], 400),
        (vec!["sec-fetch-site: same-site"], 403),
        (vec![own, "sec-fetch-site: cross-site"], 403),
        // What a form can send.
        (vec!["content-type: text/plain"], 415),
        (vec!["content-type: application/x-www-form-urlencoded"], 415),
        (vec!["content-type: multipart/form-data; boundary=x"], 415),
        (vec!["content-type: application/json; charset=utf-8"], 202),
    ] {
        let answer = world.send("POST", "/api/models/abort", &headers, r#"{"model":"m"}"#);
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text);
    }
    let form = ["content-type: application/x-www-form-urlencoded"];
    let rules = world.send("POST", "/api/rules", &form, &json!(world.book).to_string());
    assert_eq!(rules.status, 415, "{}", rules.text);
    assert!(rules.text.contains("Content-Type: application/json"), "{}", rules.text);
    // Shippers name JSON by many types.
    let telemetry = world.send("POST", "/api/telemetry", &form, &prediction("a", 0, 0, "ok"));
    assert_eq!(telemetry.status, 200, "{}", telemetry.text);
    assert_eq!(world.send("GET", "/api/status", &["host: evil.example"], "").status, 403);
}
