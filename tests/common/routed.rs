//! A router on loopback before backends that do as they are told, and callers that keep count.
//!
//! Over 300 lines: one router, and every kind of backend.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use reqwest::Client;
use ripcord::config::{AccessRole, AccessToken, Config, token_hash};
use ripcord::edge::clock::Stopwatch;
use ripcord::edge::http::Guard;
use ripcord::edge::router::{Answered, Routing};
use ripcord::model::Span;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::ports::free;

/// How long a test waits for what must happen.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// The same, as it is measured.
pub(crate) const PATIENCE: Span = Span::from_s(20);

/// What a backend is told to do.
#[derive(Default)]
pub(crate) struct BackendOrders {
    /// Milliseconds before it answers.
    pub(crate) slow_ms: AtomicU64,
    /// It answers 500.
    pub(crate) fails: AtomicBool,
    /// Its health check fails.
    pub(crate) unwell: AtomicBool,
    /// It cuts the connection in the middle of an answer.
    pub(crate) cuts: AtomicBool,
    /// Predictions that it was asked, live and mirrored.
    pub(crate) asked: AtomicU64,
    pub(crate) mirrored: AtomicU64,
    /// Bytes that it was sent.
    pub(crate) bytes: AtomicU64,
}

/// The heads of requests, in order.
pub(crate) type Heads = Arc<Mutex<Vec<String>>>;

/// One backend, in a runtime of its own so that it can be killed.
pub(crate) struct Backend {
    pub(crate) told: Arc<BackendOrders>,
    pub(crate) at: SocketAddr,
    runtime: Option<Runtime>,
}

impl Backend {
    pub(crate) fn start(version: &'static str) -> Self {
        Self::start_at(free(), version)
    }

    pub(crate) fn start_at(at: SocketAddr, version: &'static str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
        let told = Arc::new(BackendOrders::default());
        let state = (version, Arc::clone(&told));
        let listener = std::net::TcpListener::bind(at).unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).unwrap()
        };
        let at = listener.local_addr().unwrap();
        let routes = Router::new()
            .route("/predict", post(predicts))
            .route("/large", post(large))
            .route("/health", get(health))
            .with_state(state);
        runtime.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { told, at, runtime: Some(runtime) }
    }

    /// One that answers these bytes to each request, and keeps the heads it was sent.
    pub(crate) fn raw(answer: &'static str, heads: &Heads) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let heads = Arc::clone(heads);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = std::io::BufReader::new(stream.unwrap());
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let from = head.len();
                    let read = stream.read_line(&mut head).unwrap_or(0);
                    let line = head[from..].trim();
                    if let Some(value) = line.strip_prefix("content-length: ") {
                        length = value.parse().unwrap();
                    }
                    if read == 0 || line.is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                if stream.read_exact(&mut body).is_ok() {
                    heads.lock().unwrap().push(head);
                    // The router may have gone.
                    stream.get_mut().write_all(answer.as_bytes()).ok();
                }
            }
        });
        Self { told: Arc::default(), at, runtime: None }
    }

    /// Its connections break, and nobody listens any more.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not in a thread that drives others.
            let end = move || runtime.shutdown_timeout(Duration::from_secs(1));
            std::thread::spawn(end).join().unwrap();
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.kill();
    }
}

type Of = State<(&'static str, Arc<BackendOrders>)>;

async fn predicts(State((version, told)): Of, headers: HeaderMap, body: Bytes) -> Response {
    let mirrored = headers.contains_key("ripcord-role");
    let count = if mirrored { &told.mirrored } else { &told.asked };
    count.fetch_add(1, Ordering::SeqCst);
    let slow = told.slow_ms.load(Ordering::SeqCst);
    if slow > 0 {
        // It is told how long: this moment is what is tested.
        tokio::time::sleep(Duration::from_millis(slow)).await;
    }
    if told.cuts.load(Ordering::SeqCst) {
        let parts = vec![Ok(Bytes::from_static(b"{\"pre")), Err("cut")];
        let parts = in_parts(parts);
        return ([("content-length", "100")], parts).into_response();
    }
    if told.fails.load(Ordering::SeqCst) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "broken").into_response();
    }
    let asked: Json = serde_json::from_slice(&body).unwrap_or_default();
    axum::Json(json!({ "prediction": version, "score": 0.5, "echo": asked })).into_response()
}

/// A body that ends with an error.
fn in_parts(parts: Vec<Result<Bytes, &'static str>>) -> Body {
    struct Parts(std::vec::IntoIter<Result<Bytes, &'static str>>);
    impl hyper::body::Body for Parts {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
            let next = self.0.next();
            std::task::Poll::Ready(
                next.map(|part| part.map(hyper::body::Frame::data).map_err(std::io::Error::other)),
            )
        }
    }
    Body::new(Parts(parts.into_iter()))
}

/// Takes a large body part by part, and answers with as much.
async fn large(State((_, told)): Of, body: Body) -> Response {
    let mut body = body;
    let mut bytes = 0;
    loop {
        let next = std::future::poll_fn(|context| {
            hyper::body::Body::poll_frame(std::pin::Pin::new(&mut body), context)
        });
        let Some(Ok(frame)) = next.await else { break };
        bytes += frame.into_data().map_or(0, |data| data.len());
    }
    told.bytes.fetch_add(bytes as u64, Ordering::SeqCst);
    let parts = (0..bytes / 65_536).map(|_| Bytes::from(vec![7; 65_536]));
    let all: Vec<u8> = parts.flat_map(|part| part.to_vec()).collect();
    all.into_response()
}

async fn health(State((_, told)): Of) -> StatusCode {
    match told.unwell.load(Ordering::SeqCst) {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::OK,
    }
}

/// A router before two backends, `v1` with all requests and `v2` with none.
pub(crate) struct World {
    pub(crate) routing: Routing,
    pub(crate) url: String,
    pub(crate) http: Client,
    pub(crate) folder: Arc<tempfile::TempDir>,
    pub(crate) config: Config,
    stop: watch::Sender<bool>,
    pub(crate) task: tokio::task::JoinHandle<()>,
}

/// The settings of a router, with more of its own.
pub(crate) fn config(
    folder: &Path,
    backends: &[(&str, SocketAddr)],
    router: &str,
    model: &str,
) -> Config {
    let versions: Vec<_> =
        backends.iter().map(|(version, at)| format!("{version} = \"http://{at}\"")).collect();
    let text = format!(
        "[log]\nfolder = \"{folder}\"\n[router]\nlisten = \"127.0.0.1:0\"\n{router}\n\
         [router.models.m]\nversions = {{ {versions} }}\nweights_percent = {{ v1 = 100 }}\n\
         {model}\n",
        folder = folder.display(),
        versions = versions.join(", "),
    );
    let file = folder.join("router.toml");
    std::fs::write(&file, text).unwrap();
    Config::load(&[file], &BTreeMap::new()).unwrap_or_else(|refused| panic!("{refused}"))
}

impl World {
    pub(crate) async fn start(
        backends: &[&Backend],
        router: &str,
        model: &str,
        queue: Option<SyncSender<Answered>>,
    ) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::start_in(folder, backends, router, model, queue).await
    }

    pub(crate) async fn start_in(
        folder: Arc<tempfile::TempDir>,
        backends: &[&Backend],
        router: &str,
        model: &str,
        queue: Option<SyncSender<Answered>>,
    ) -> Self {
        Self::guarded(folder, backends, (router, model, &[]), queue).await
    }

    /// One whose routes an operator's token guards.
    pub(crate) async fn start_with_token(backends: &[&Backend], token: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let (name, role, hash) = ("oscar".to_owned(), AccessRole::Operator, token_hash(token));
        let tokens = [AccessToken { name, role, hash }];
        Self::guarded(folder, backends, ("", "", &tokens), None).await
    }

    async fn guarded(
        folder: Arc<tempfile::TempDir>,
        backends: &[&Backend],
        (router, model, tokens): (&str, &str, &[AccessToken]),
        queue: Option<SyncSender<Answered>>,
    ) -> Self {
        let named: Vec<_> = ["v1", "v2"].into_iter().zip(backends.iter().map(|b| b.at)).collect();
        let config = config(folder.path(), &named, router, model);
        let settings = config.settings.router.as_ref().unwrap();
        let routing = Routing::open(settings, queue).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let (of, guard) = (routing.clone(), Guard::new(tokens, at).with_metrics(true));
        let task = tokio::spawn(async move { of.run(listener, guard, stopped).await });
        // Another test of this process may have been faster.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().timeout(LONG).build().unwrap();
        Self { routing, url: format!("http://{at}"), http, folder, config, stop, task }
    }

    pub(crate) async fn stop(self) -> Arc<tempfile::TempDir> {
        self.stop.send(true).unwrap();
        tokio::time::timeout(LONG, self.task).await.unwrap().unwrap();
        drop(self.routing);
        self.folder
    }

    /// Status, version and body of a prediction.
    pub(crate) async fn predict(&self, key: Option<&str>) -> (u16, String, Json) {
        predict(&self.http, &self.url, key).await
    }

    pub(crate) async fn route(&self) -> (String, Json) {
        let url = format!("{}/admin/routes/m", self.url);
        let answer = self.http.get(url).send().await.unwrap();
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        (tag, answer.json().await.unwrap())
    }

    pub(crate) async fn put(&self, tag: Option<&str>, route: &Json) -> (u16, Json) {
        let mut request = self.http.put(format!("{}/admin/routes/m", self.url)).json(route);
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Sets weights, whatever is there.
    pub(crate) async fn weights(&self, v1: f64, v2: f64) -> (u16, Json) {
        self.put(Some("*"), &json!({ "weights_percent": { "v1": v1, "v2": v2 } })).await
    }

    /// A version as the router tells it, once it is as it shall be.
    pub(crate) async fn until(&self, version: &str, field: &str, value: &str) -> Json {
        let since = Stopwatch::start();
        loop {
            let (_, route) = self.route().await;
            let found = &route["versions"][version];
            if found[field] == value {
                return found.clone();
            }
            assert!(since.elapsed() < PATIENCE, "{version} {field} is not {value}: {found}");
            tokio::task::yield_now().await;
        }
    }
}

pub(crate) async fn predict(http: &Client, url: &str, key: Option<&str>) -> (u16, String, Json) {
    let body = json!({ "features": { "a": 1, "b": "x", "list": [1] } });
    let mut request = http.post(format!("{url}/models/m/predict")).json(&body);
    if let Some(key) = key {
        request = request.header("x-user-id", key);
    }
    let answer = request.send().await.unwrap();
    let version = answer.headers().get("x-model-version");
    let version = version.map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), version, answer.json().await.unwrap_or_default())
}
