//! The serve role: Ripcord by HTTP.
//!
//! Law: it decides nothing. Instructions go into the inbox, and everything it shows comes from the
//! topics; so any number of them may run.

mod health;
mod incident_tally;
mod instructions;
mod last_words;
mod overview;
mod plan;
mod posted;
mod remembered;
mod request;
mod rollbacks;
mod rules;
mod seen;
mod stored;
mod telemetry;
mod views;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use self::remembered::RememberedAnswer;
use crate::config::{HttpSettings, SeriesPerModel};
use crate::edge::chain::chain;
use crate::edge::http::{Guard, Problem, Routes, Writing, blocking, framed, run};
use crate::edge::log::{LogError, Reader, Topic, Writer};
use crate::model::{Source, Span};
use crate::topics::{RoleError, Topics};

/// Bodies that are unpacked and written at once: one waits for the log while the next is read.
const TURNS: usize = 2;
/// What the handlers share.
struct App {
    topics: Topics,
    sources: Vec<Source>,
    writing: Writing,
    /// Appends telemetry.
    writer: Mutex<Box<dyn Writer>>,
    /// Turns at that: one body is read while another one is written.
    turns: Arc<Semaphore>,
    /// How long a body waits for its turn.
    patience: Duration,
    /// Appends what people ask for, which never waits for telemetry.
    orders: Mutex<Box<dyn Writer>>,
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
    /// The pages that monitors ask for again and again.
    ready: RememberedAnswer<Option<String>>,
    metrics: RememberedAnswer<Bytes>,
    incidents: Mutex<incident_tally::IncidentTally>,
    per_model: SeriesPerModel,
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
    let guard = Guard::new(&settings.tokens, listener.local_addr()?);
    let guard = guard.with_metrics(settings.metrics_need_token);
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
    let free =
        Router::new().route("/livez", get(health::live)).route("/readyz", get(health::ready));
    let metrics = Router::new().route("/metrics", get(health::metrics));
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
    let orders = Router::new().route("/api/models/{ask}", post(instructions::ask));
    let rules = Router::new().route("/api/rules", post(rules::apply));
    let telemetry = Router::new()
        .route("/api/telemetry", post(telemetry::take))
        .route("/v1/traces", post(telemetry::traces));
    let [free, metrics, views, orders, rules, telemetry] =
        [free, metrics, views, orders, rules, telemetry]
            .map(|routes| routes.with_state(Arc::clone(app)));
    Routes { free, metrics, views, orders, rules, telemetry }
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
        let read = [Topic::Inbox, Topic::Decisions, Topic::Incidents];
        let read = read.map(|topic| topics.topic(topic));
        let bounds = topics.log.reader(&topics.group("serve"), &read)?;
        let [writer, orders] = [topics.log.writer(None)?, topics.log.writer(None)?];
        let seen = seen::Seen::new(topics.log.uptime());
        Ok(Self {
            ready: RememberedAnswer::default(),
            metrics: RememberedAnswer::default(),
            incidents: Mutex::default(),
            per_model: settings.per_model,
            writer: Mutex::new(writer),
            turns: Arc::new(Semaphore::new(TURNS)),
            // A body that finds no turn is refused before the time for the answer is over.
            patience: settings.limits.answer / 2,
            orders: Mutex::new(orders),
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
        match blocking(move || act(&self)).await {
            Ok(result) => result,
            Err(_) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "fault",
                "answering failed; this is a bug in Ripcord, please report it with the request",
            )),
        }
    }

    /// The same when it is this body's turn, so that few bodies at a time are held unpacked.
    async fn in_turn<T: Send + 'static>(
        self: Arc<Self>,
        act: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(self.patience, turn).await else {
            let detail = "the log is still busy with telemetry that came before; nothing of this \
                          body was taken, so send it again in a second";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).again_in(1));
        };
        let work = move |app: &Self| {
            let _turn = turn;
            act(app)
        };
        self.blocking(work).await
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
