//! The serve role: Ripcord by HTTP.
//!
//! Law: it decides nothing. Instructions go into the inbox, and everything it shows comes from the
//! topics; so any number of them may run.

mod health;
mod instructions;
mod last_words;
mod overview;
mod plan;
mod posted;
mod rollbacks;
mod rules;
mod seen;
mod stored;
mod telemetry;
mod views;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::HttpSettings;
use crate::edge::chain::chain;
use crate::edge::http::{Guard, Problem, Routes, Writing, framed, run};
use crate::edge::log::{LogError, Reader, Topic, Writer};
use crate::model::{Source, Span};
use crate::topics::{RoleError, Topics};

/// The longest reason and name of who asks.
const LONGEST: (usize, usize) = (2000, 200);
const NO_REASON: &str = "the reason is missing; say why in a few words";

/// What the handlers share.
struct App {
    topics: Topics,
    sources: Vec<Source>,
    writing: Writing,
    writer: Mutex<Box<dyn Writer>>,
    /// Knows where partitions begin and end. It never reads, so it is a member of no group.
    bounds: Mutex<Box<dyn Reader>>,
    /// Instructions that this process took and that wait for replies.
    asked: Mutex<instructions::Pending>,
    /// How long replies are kept.
    keep_replies: Span,
    /// The last revision that this process gave to rules.
    revision: Mutex<u64>,
    /// Unreadable records that the log has named; see [`stored::decoded`].
    unreadable: Mutex<BTreeSet<(Topic, u32, i64)>>,
    counts: Counts,
    trouble: RoleTrouble,
    /// Of all records of a post together.
    max_unpacked_bytes: usize,
    seen: seen::Seen,
}

/// Records posted to this process.
#[derive(Default)]
struct Counts {
    taken: AtomicU64,
    rejected: AtomicU64,
    /// Whether the last append failed.
    failing: AtomicBool,
}

/// Which roles of this process fail, and why.
pub(crate) type RoleTrouble = Arc<dyn Fn() -> Option<String> + Send + Sync>;

type Shared = axum::extract::State<Arc<App>>;

/// Answers on `listener` until `shutdown` is true. The topics of Ripcord and of the sources must
/// exist.
///
/// # Errors
/// The log or the socket.
pub async fn serve(
    topics: Topics,
    settings: HttpSettings,
    sources: Vec<Source>,
    listener: TcpListener,
    shutdown: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    serve_with(topics, settings, sources, Arc::new(|| None), listener, shutdown).await
}

/// The same, in a process whose other roles may fail: `/readyz` says so, too.
///
/// # Errors
/// The log or the socket.
pub(crate) async fn serve_with(
    topics: Topics,
    settings: HttpSettings,
    sources: Vec<Source>,
    trouble: RoleTrouble,
    listener: TcpListener,
    shutdown: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let guard = Guard::new(settings.token.as_ref(), listener.local_addr()?);
    let (writing, limits) = (guard.writing(), settings.limits);
    let open = move || App::open(topics, &settings, sources, (writing, trouble));
    let app = Arc::new(tokio::task::spawn_blocking(open).await??);
    let routes = framed(routes(&app), guard, limits);
    let looks = tokio::spawn(seen::look_on(Arc::clone(&app)));
    run(listener, routes, limits, shutdown).await;
    looks.abort();
    Ok(())
}

/// Every route; `schemas/openapi.json` describes them, and a test holds the two together.
fn routes(app: &Arc<App>) -> Routes {
    let free = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics));
    let views = Router::new()
        .route("/api/rules", get(rules::show))
        .route("/api/models/{ask}", get(views::model))
        .route("/api/instructions/{id}", get(instructions::fate))
        .route("/api/models", get(views::models))
        .route("/api/incidents", get(views::incidents))
        .route("/api/incidents/{id}", get(views::incident))
        .route("/api/decisions", get(views::decisions))
        .route("/api/decisions/{id}", get(views::decision))
        .route("/api/status", get(views::status))
        .route("/api/openapi.json", get(openapi));
    let orders = Router::new()
        .route("/api/rules", post(rules::apply))
        .route("/api/models/{ask}", post(instructions::ask));
    let telemetry = Router::new()
        .route("/api/telemetry", post(telemetry::take))
        .route("/v1/traces", post(telemetry::traces));
    let [free, views, orders, telemetry] =
        [free, views, orders, telemetry].map(|routes| routes.with_state(Arc::clone(app)));
    Routes { free, views, orders, telemetry }
}

async fn openapi() -> Response {
    let text = include_str!("../../../schemas/openapi.json");
    ([("content-type", "application/json")], text).into_response()
}

impl App {
    fn open(
        topics: Topics,
        settings: &HttpSettings,
        sources: Vec<Source>,
        (writing, trouble): (Writing, RoleTrouble),
    ) -> Result<Self, RoleError> {
        let read = [topics.topic(Topic::Inbox), topics.topic(Topic::Decisions)];
        let bounds = topics.log.reader(&topics.group("serve"), &read)?;
        let writer = topics.log.writer(None)?;
        let seen = seen::Seen::new(topics.log.uptime());
        Ok(Self {
            writer: Mutex::new(writer),
            seen,
            topics,
            sources,
            writing,
            trouble,
            bounds: Mutex::new(bounds),
            asked: Mutex::default(),
            keep_replies: settings.keep_replies,
            revision: Mutex::default(),
            unreadable: Mutex::default(),
            counts: Counts::default(),
            max_unpacked_bytes: settings.limits.max_unpacked_bytes,
        })
    }

    /// Runs what waits for the log on a thread that may wait.
    async fn blocking<T: Send + 'static>(
        self: Arc<Self>,
        act: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        match tokio::task::spawn_blocking(move || act(&self)).await {
            Ok(result) => result,
            Err(_) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "fault",
                "answering failed; this is a bug in Ripcord, please report it with the request",
            )),
        }
    }

    /// Where a partition begins and ends.
    fn bounds(&self, topic: Topic, shard: u32) -> Result<(i64, i64), LogError> {
        locked(&self.bounds).bounds(&self.topics.partition(topic, shard))
    }
}

/// A value behind a lock. A panic leaves it intact, since nothing here changes it in two steps.
fn locked<T>(behind: &Mutex<T>) -> MutexGuard<'_, T> {
    behind.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The log fails, or a record cannot be read.
fn failed(error: &dyn std::error::Error) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "log-unavailable", chain(error)).again_in(1)
}

impl From<RoleError> for Problem {
    fn from(error: RoleError) -> Self {
        failed(&error)
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        failed(&error)
    }
}

impl From<crate::wire::json::JsonError> for Problem {
    fn from(error: crate::wire::json::JsonError) -> Self {
        failed(&error)
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad(format!("{}; /api/openapi.json lists the parameters", rejection.body_text()))
    }
}

/// The name at the end of a path.
struct Name(String);

impl FromRequestParts<Arc<App>> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, app).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::bad("the path does not decode to UTF-8")),
        }
    }
}

/// A JSON body, or where it is wrong.
fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be taken for the fields in their order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::bad("the body is not a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        Problem::bad(format!("the body is invalid: {place}{}", error.into_inner()))
    })?;
    json.end()
        .map_err(|error| Problem::bad(format!("the body has more than one value: {error}")))?;
    Ok(read)
}

/// Refuses an empty reason, and texts that are too long for the record.
fn fit_the_record(reason: Option<&str>, by: Option<&str>) -> Result<(), Problem> {
    if reason.is_some_and(|reason| reason.trim().is_empty()) {
        return Err(Problem::bad(NO_REASON));
    }
    let (reason_most, by_most) = LONGEST;
    let long = |text: Option<&str>, most| text.is_some_and(|text| text.len() > most);
    if long(reason, reason_most) || long(by, by_most) {
        let detail = format!(
            "`reason` may have at most {reason_most} bytes and `by` at most {by_most}; shorten them"
        );
        return Err(Problem::bad(detail));
    }
    let controls = |text: Option<&str>| text.is_some_and(|text| text.contains(char::is_control));
    if controls(reason) || controls(by) {
        let detail = "`reason` and `by` may not contain control characters; write one line of text";
        return Err(Problem::bad(detail));
    }
    Ok(())
}

/// The name of the caller, if they give none.
fn who(by: Option<String>) -> String {
    by.unwrap_or_else(|| "api".to_owned())
}
