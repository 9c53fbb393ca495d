//! The built-in router's HTTP: requests to the versions of a model, and the routes' admin API.
//!
//! Law: the pure room `router` chooses the version; here it is only asked. A request uses one plan
//! from its start to its end, and no answer waits for a disk, a log or a mirrored copy.

mod admin;
mod body;
mod call;
mod check;
mod headers;
mod page;
mod path;
mod proxy;
mod record;
mod reply;
mod served;
mod shadow;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;

use axum::routing::{any, get, put};
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::served::Served;
use self::state::State;
use crate::config::{RouterLimits, RouterSettings};
use crate::edge::clock::Stopwatch;
use crate::edge::files::FileError;
use crate::edge::http::{Guard, Terms, guarded, run_within};
use crate::model::ModelId;
use crate::router::RouteError;

pub use record::Answered;

/// Why there can be no router.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// Its folder cannot be read, or another process uses it.
    #[error(
        "the router's folder cannot be used; set router.folder to one that no other process uses"
    )]
    Folder(#[from] FileError),
    /// Its file of routes cannot be read.
    #[error(
        "{path} is not a file of routes: {why}; restore it, or remove it to start with the weights \
         of the settings"
    )]
    State {
        /// Which file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A route that does not fit the settings.
    #[error(
        "the route of {model} cannot be used: {why}; `PUT /admin/routes/{model}` saved it in \
         {place}: add the version's backend to router.models.{model}.versions again, or remove the \
         file to start with the weights of the settings"
    )]
    Route {
        /// Of which model.
        model: ModelId,
        /// The file that holds it.
        place: String,
        /// Why.
        why: RouteError,
    },
    /// A backend's address that cannot be used.
    #[error("{0:?} is not a backend's address; write it like http://127.0.0.1:9001")]
    Backend(String),
}

/// All that is routed.
#[derive(Clone)]
pub struct Routing {
    shared: Arc<Shared>,
}

struct Shared {
    models: BTreeMap<ModelId, Arc<Served>>,
    state: Arc<tokio::sync::Mutex<State>>,
    limits: RouterLimits,
    records: Records,
}

/// The queue for records of answers. No request waits for it.
struct Records {
    queue: Option<SyncSender<Answered>>,
    dropped: Arc<AtomicU64>,
    /// Bytes of bodies that wait there.
    bytes: Arc<AtomicUsize>,
}

/// Bytes of bodies that wait to be published, at most.
const MOST_BYTES: usize = 64 << 20;

impl Records {
    fn take(&self, mut record: Answered) {
        let Some(queue) = &self.queue else { return };
        let held = record.hold(&self.bytes);
        if held > MOST_BYTES || queue.try_send(record).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Routing {
    /// A router as it was left, or as the settings have it where it never ran. `queue`: where
    /// records of answers go, if anywhere.
    ///
    /// # Errors
    /// See [`RouterError`].
    pub fn open(
        settings: &RouterSettings,
        queue: Option<SyncSender<Answered>>,
    ) -> Result<Self, RouterError> {
        let state = State::open(&settings.folder)?;
        let since = Stopwatch::start();
        let mut models = BTreeMap::new();
        for routed in &settings.models {
            let served = Served::new(routed, state.of(&routed.model), since, &state.place())?;
            models.insert(routed.model.clone(), Arc::new(served));
        }
        let records = Records { queue, dropped: Arc::default(), bytes: Arc::default() };
        let (state, limits) = (Arc::new(tokio::sync::Mutex::new(state)), settings.limits);
        Ok(Self { shared: Arc::new(Shared { models, state, limits, records }) })
    }

    /// Answers until `shutdown` is true; then requests under way have their time.
    pub async fn run(&self, listener: TcpListener, guard: Guard, shutdown: watch::Receiver<bool>) {
        for served in self.shared.models.values() {
            check::start(served, &shutdown);
        }
        let RouterLimits { connections, head, drain, .. } = self.shared.limits;
        let terms = Terms { connections, head, drain };
        run_within(listener, self.routes(guard), terms, shutdown).await;
    }

    /// Records that found no place in the queue.
    #[must_use]
    pub fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.shared.records.dropped)
    }

    fn routes(&self, guard: Guard) -> axum::Router {
        let shows = axum::Router::new()
            .route("/admin/routes", get(admin::list))
            .route("/admin/routes/{model}", get(admin::show));
        let sets = axum::Router::new().route("/admin/routes/{model}", put(admin::put));
        let free = axum::Router::new()
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(|| async { "ok\n" }))
            .route("/models/{model}/{*path}", any(proxy::proxy))
            .fallback(proxy::unknown);
        let metrics = axum::Router::new().route("/metrics", get(page::metrics));
        let (shows, free) = match guard.guards_metrics() {
            true => (shows.merge(metrics), free),
            false => (shows, free.merge(metrics)),
        };
        let [shows, sets, free] =
            [shows, sets, free].map(|routes| routes.with_state(Arc::clone(&self.shared)));
        free.merge(guarded(shows, sets, guard))
    }
}
