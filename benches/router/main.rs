//! What the router costs a request: a small backend asked over 16 connections, directly, through
//! the router, and through HAProxy where it is installed. Everything shares the cores of the
//! machine, so the figures compare within one run only. The rounds take turns, and the middle one
//! of each counts.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench")]

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Request;
use axum::routing::{get, post};
use hdrhistogram::Histogram;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ripcord::config::Config;
use ripcord::edge::clock::Stopwatch;
use ripcord::edge::http::Guard;
use ripcord::edge::router::{Answered, Routing};
use ripcord::model::Span;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 5;
const ROUND: Span = Span::from_s(3);
const REQUEST: &str = r#"{"features":{"carrier":"AA","dep_delay":12.5,"distance":1400}}"#;
const ANSWER: &str = r#"{"prediction":"late","score":0.71}"#;

struct Round {
    per_second: f64,
    took_us: Histogram<u64>,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("one");
    let folder = tempfile::tempdir().expect("a folder");
    let (backend, router, telling) = runtime.block_on(async {
        let backend = backend().await;
        let [plain, telling] = ["plain", "telling"].map(|name| folder.path().join(name));
        let told = drained();
        (backend, router(backend, &plain, None).await, router(backend, &telling, Some(told)).await)
    });
    let haproxy = haproxy(backend, folder.path());
    let mut ways = vec![("direct", backend, "/predict"), ("router", router, "/models/m/predict")];
    ways.push(("… + record", telling, "/models/m/predict"));
    ways.extend(haproxy.as_ref().map(|(_, at)| ("haproxy", *at, "/predict")));
    let mut rounds: BTreeMap<&str, Vec<Round>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (name, at, path) in &ways {
            rounds.entry(name).or_default().push(runtime.block_on(round(*at, path)));
        }
    }
    println!("{:<10}{:>12}{:>10}{:>10}{:>10}", "", "requests/s", "p50 ms", "p99 ms", "p99.9 ms");
    for (name, ..) in &ways {
        let mut of = rounds.remove(name).unwrap_or_default();
        of.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        let Some(middle) = of.get(of.len() / 2) else { continue };
        let ms = |quantile| middle.took_us.value_at_quantile(quantile) as f64 / 1000.0;
        let (p50, p99, p999) = (ms(0.5), ms(0.99), ms(0.999));
        println!("{name:<10}{:>12.0}{p50:>10.3}{p99:>10.3}{p999:>10.3}", middle.per_second);
    }
    if let Some((mut child, _)) = haproxy {
        child.kill().and_then(|()| child.wait()).expect("HAProxy ends");
    } else {
        println!("haproxy is not installed and was left out");
    }
}

async fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    let routes = Router::new()
        .route("/predict", post(|_: Bytes| async { ANSWER }))
        .route("/health", get(|| async { "ok" }));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    at
}

/// A queue whose records are made ready for the log and go nowhere.
fn drained() -> SyncSender<Answered> {
    let (queue, records) = sync_channel::<Answered>(10_000);
    let drain = move || records.iter().for_each(|record| drop(std::hint::black_box(record.json())));
    std::thread::spawn(drain);
    queue
}

/// A router; `queue`: where it puts a record of each answer.
async fn router(
    backend: SocketAddr,
    folder: &std::path::Path,
    queue: Option<SyncSender<Answered>>,
) -> SocketAddr {
    std::fs::create_dir_all(folder).expect("a folder");
    let file = folder.join("router.toml");
    let text = format!(
        "[log]\nfolder = \"{}\"\n[router]\nlisten = \"127.0.0.1:0\"\n[router.models.m]\n\
         versions = {{ v1 = \"http://{backend}\" }}\nweights_percent = {{ v1 = 100 }}\n",
        folder.display()
    );
    std::fs::write(&file, text).expect("a file");
    let config = Config::load(&[file], &BTreeMap::new()).expect("these settings");
    let settings = config.settings.router.expect("a router");
    let routing = Routing::open(&settings, queue).expect("it opens");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        routing.run(listener, Guard::new(&[], at), stopped).await;
        drop(stop);
    });
    at
}

/// HAProxy before the backend, if it is installed.
fn haproxy(backend: SocketAddr, folder: &std::path::Path) -> Option<(Child, SocketAddr)> {
    Command::new("haproxy").arg("-v").output().ok()?;
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).ok()?;
    let file = folder.join("haproxy.cfg");
    let text = format!(
        "global\n  maxconn 1000\ndefaults\n  mode http\n  timeout connect 1s\n\
         \x20 timeout client 10s\n  timeout server 10s\nfrontend f\n  bind {free}\n\
         \x20 default_backend b\nbackend b\n  http-reuse always\n\
         \x20 server one {backend} weight 100\n"
    );
    std::fs::File::create(&file).and_then(|mut file| file.write_all(text.as_bytes())).ok()?;
    let child = Command::new("haproxy").arg("-db").arg("-f").arg(&file).spawn().ok()?;
    while std::net::TcpStream::connect(free).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    Some((child, free))
}

async fn round(at: SocketAddr, path: &str) -> Round {
    let since = Stopwatch::start();
    let mut callers = Vec::new();
    for _ in 0..CONNECTIONS {
        callers.push(tokio::spawn(caller(at, path.to_owned())));
    }
    let mut took_us = Histogram::new(3).expect("bounds");
    for caller in callers {
        took_us.add(caller.await.expect("a caller")).expect("the same bounds");
    }
    let seconds = since.elapsed_us() as f64 / 1e6;
    Round { per_second: took_us.len() as f64 / seconds, took_us }
}

async fn caller(at: SocketAddr, path: String) -> Histogram<u64> {
    let stream = TcpStream::connect(at).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    let mut took_us = Histogram::new(3).expect("bounds");
    let since = Stopwatch::start();
    while since.elapsed() < ROUND {
        let watch = Stopwatch::start();
        sender.ready().await.expect("it is ready");
        let request = Request::post(&path).header("host", "bench").body(Body::from(REQUEST));
        let answer = sender.send_request(request.expect("a request")).await.expect("an answer");
        assert!(answer.status().is_success());
        let body = axum::body::to_bytes(Body::new(answer.into_body()), 4096).await;
        assert_eq!(body.expect("a body"), ANSWER.as_bytes());
        took_us.record(watch.elapsed_us()).expect("in bounds");
    }
    took_us
}
