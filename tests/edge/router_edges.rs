//! The router between callers and backends that bend HTTP: paths that climb, lengths that
//! contradict each other, ids that say nothing.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::sync_channel;

use serde_json::json;

use crate::common::routed::{Backend, Heads, LONG, World};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

/// Sends a request as it is written; the whole answer.
async fn raw(world: &World, request: String) -> String {
    let host = world.url.strip_prefix("http://").unwrap().to_owned();
    let ask = move || {
        let mut stream = TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(request.replace("HOST", &host).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_climbs_once_it_is_decoded_reaches_no_backend() {
    let heads = Heads::default();
    let backend = Backend::raw(OK, &heads);
    let world = World::start(&[&backend], "", "", None).await;
    for (path, status) in [
        ("a/..%2fadmin", 400),
        ("..%2F..%2fadmin", 400),
        ("%2e%2e/admin", 400),
        ("a%2f..%2fb", 400),
        ("..%5cadmin", 400),
        ("%252e%252e/admin", 400),
        ("a%2fb", 200),
        ("v1..v2", 200),
    ] {
        let before = heads.lock().unwrap().len();
        let request =
            format!("GET /models/m/{path} HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n");
        let answer = raw(&world, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
        let asked = heads.lock().unwrap().len() - before;
        assert_eq!(asked, usize::from(status == 200), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_lines_of_forwarded_for_become_one() {
    let heads = Heads::default();
    let backend = Backend::raw(OK, &heads);
    let world = World::start(&[&backend], "", "", None).await;
    let request = "GET /models/m/x HTTP/1.1\r\nhost: HOST\r\nx-forwarded-for: 192.0.2.1\r\n\
                   x-forwarded-for: 192.0.2.2, 192.0.2.3\r\nconnection: close\r\n\r\n";
    let answer = raw(&world, request.to_owned()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let head = heads.lock().unwrap().pop().unwrap();
    let lines: Vec<_> = head.lines().filter(|line| line.starts_with("x-forwarded-for")).collect();
    assert_eq!(lines, ["x-forwarded-for: 192.0.2.1, 192.0.2.2, 192.0.2.3, 127.0.0.1"], "{head}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_not_sound_is_not_passed_on() {
    for (answer, why) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\ntransfer-encoding: chunked\r\n\r\n\
             2\r\n{}\r\n0\r\n\r\n",
            "gave the length of its answer twice",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
            "answered 101",
        ),
    ] {
        let backend = Backend::raw(answer, &Heads::default());
        let world = World::start(&[&backend], "", "", None).await;
        let (status, version, problem) = world.predict(None).await;
        assert_eq!((status, version.as_str()), (502, "v1"), "{problem}");
        assert_eq!(problem["type"], "urn:ripcord:problem:bad-answer", "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
        let (_, route) = world.route().await;
        assert_eq!(route["versions"]["v1"]["live"]["error"], 1, "it counts for the version");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_all_requests_share_is_replaced_and_splits_nothing() {
    const ASKED: usize = 60;
    let (v1, v2) = (Backend::start("v1"), Backend::start("v2"));
    let (queue, records) = sync_channel(1000);
    let settings = "key_header = \"x-request-id\"";
    let world = World::start(&[&v1, &v2], "", settings, Some(queue)).await;
    assert_eq!(world.weights(50.0, 50.0).await.0, 200);
    let ask = async |id: &str| {
        let request = world.http.post(format!("{}/models/m/predict", world.url));
        let answer = request.header("x-request-id", id).json(&json!({})).send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        (header("x-request-id"), header("x-model-version"), records.recv().unwrap())
    };
    let mut own = BTreeSet::new();
    let mut versions = BTreeSet::new();
    for nth in 0..ASKED {
        let (id, version, record) = ask("same").await;
        assert_eq!(record.key(), id, "the record has the id that the caller was told");
        if id != "same" {
            own.insert(id);
            versions.insert(version);
        }
        let unique = format!("u-{nth}");
        assert_eq!(ask(&unique).await.0, unique, "an id of one request stays");
    }
    assert_eq!(own.len(), ASKED - 19, "from the twentieth on");
    assert_eq!(versions.len(), 2, "both versions answer");
    let page = world.http.get(format!("{}/metrics", world.url)).send().await.unwrap();
    let page = page.text().await.unwrap();
    let line = format!("ripcord_router_constant_ids_total{{model=\"m\"}} {}", ASKED - 19);
    assert!(page.contains(&line), "{line} is not in\n{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_routes_need_a_token_once_there_is_one() {
    let (v1, v2) = (Backend::start("v1"), Backend::start("v2"));
    let world = World::start_with_token(&[&v1, &v2], "the-token-of-oscar").await;
    let ask = async |method: &str, path: &str, token: Option<&str>| {
        let method = method.parse().unwrap();
        let mut request = world.http.request(method, format!("{}{path}", world.url));
        request = request.header("if-match", "*").json(&json!({ "weights_percent": {"v1": 100} }));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let oscar = Some("the-token-of-oscar");
    for (method, path) in [
        ("GET", "/admin/routes"),
        ("GET", "/admin/routes/m"),
        ("PUT", "/admin/routes/m"),
        ("GET", "/metrics"),
    ] {
        assert_eq!(ask(method, path, None).await, 401, "{method} {path}");
        assert_eq!(ask(method, path, oscar).await, 200, "{method} {path}");
    }
    // Callers and monitors have none.
    assert_eq!(ask("GET", "/livez", None).await, 200);
    assert_eq!(world.predict(None).await.0, 200);
}
