//! The frame of an HTTP server: who may send requests, how many at once, and what an error looks
//! like.
//!
//! Law: it knows bytes, headers and addresses, never what the answers mean.

mod access;
mod body;
pub mod client;
mod connect;
mod content;
mod guard;
mod problem;
pub(crate) mod tls;
mod wrong_tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;
use uuid::Uuid;

use self::access::AccessNeed;
use self::body::{GUARDED, Whole, discard, whole};
use crate::config::HttpLimits;
pub(in crate::edge) use connect::{Answering, HttpConnection, Terms, run_within};

pub use access::Caller;
pub use connect::run;
pub use content::unpacked;
pub use guard::{Guard, Writing};
pub use problem::Problem;

/// Says on what terms writing works.
const WRITING: HeaderName = HeaderName::from_static("ripcord-writing");

/// The largest path with its query, and the largest head of a request, in bytes.
const LONGEST: (usize, usize) = (8 << 10, 32 << 10);

/// What is asked, by what it may cost.
#[derive(Default)]
pub struct Routes {
    /// Always answered, no matter who asks.
    pub free: Router,
    /// Always answered, to those who may read if the guard says so.
    pub metrics: Router,
    /// What is read: as many at once as the limits say.
    pub views: Router,
    /// What people ask for. A slow body holds nobody else's place.
    pub orders: Router,
    /// Changes of the rules. They share the places of `orders`.
    pub rules: Router,
    /// Large bodies: they have places of their own, which they take before they are read, since
    /// they are held in memory.
    pub telemetry: Router,
}

/// Puts the frame around the routes.
pub fn framed(routes: Routes, guard: Guard, limits: HttpLimits) -> Router {
    let guard = Arc::new(guard);
    let in_time = || middleware::from_fn_with_state(limits.answer, in_time);
    let seated = |places: &Arc<Places>| middleware::from_fn_with_state(Arc::clone(places), seated);
    let whole = |of| middleware::from_fn_with_state(of, whole);
    let allowed = |need| middleware::from_fn_with_state((Arc::clone(&guard), need), allowed);
    let [views, orders, uploads] =
        [limits.requests, limits.requests, limits.uploads].map(|most| Arc::new(Places::new(most)));
    let order = |routes: Router| {
        let routes = routes.layer(in_time()).layer(seated(&orders));
        routes.layer(whole(Whole::small(limits))).layer(middleware::from_fn(json_only))
    };
    let orders = order(routes.orders).layer(allowed(AccessNeed::Instruct));
    let rules = order(routes.rules).layer(allowed(AccessNeed::Configure));
    let telemetry = routes.telemetry.layer(in_time()).layer(whole(Whole::large(limits)));
    let telemetry = telemetry.layer(seated(&uploads)).layer(allowed(AccessNeed::Post));
    let views = routes.views.layer(in_time()).layer(seated(&views));
    let metrics = match guard.guards_metrics() {
        true => routes.metrics.layer(in_time()).layer(allowed(AccessNeed::Read)),
        false => routes.metrics.layer(in_time()),
    };
    views
        .layer(allowed(AccessNeed::Read))
        .merge(routes.free.layer(in_time()))
        .merge(metrics)
        .merge(orders)
        .merge(rules)
        .merge(telemetry)
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(guard, through))
}

/// Puts what guards reading and writing, and the limits of a small body, around routes of another
/// server.
pub(in crate::edge) fn guarded(reads: Router, writes: Router, guard: Guard) -> Router {
    let guard = Arc::new(guard);
    let allowed = |need| middleware::from_fn_with_state((Arc::clone(&guard), need), allowed);
    reads
        .layer(allowed(AccessNeed::Read))
        .merge(writes.layer(allowed(AccessNeed::Instruct)))
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(GUARDED, in_time))
        .layer(middleware::from_fn_with_state(Whole::guarded(), whole))
        .layer(middleware::from_fn_with_state(guard, through))
}

async fn through(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let checked = fits(&request);
    let checked = checked.and_then(|()| guard.check(request.method(), request.headers()));
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let writing = HeaderValue::from_static(guard.writing().words());
    response.headers_mut().insert(WRITING, writing);
    response
}

/// Goes on if the token allows it; the handler is told whose it is.
async fn allowed(
    State((guard, need)): State<(Arc<Guard>, AccessNeed)>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    match guard.admit(need, request.headers(), peer) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Goes on if the body is said to be JSON: no form of a web page can send that.
async fn json_only(request: Request, next: Next) -> Response {
    let sent = request.headers().get(CONTENT_TYPE).and_then(|sent| sent.to_str().ok());
    let named = sent.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if named.eq_ignore_ascii_case("application/json") {
        return next.run(request).await;
    }
    let detail = "the body must be JSON and say so; send the header \
                  `Content-Type: application/json`";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown-type", detail).into_response()
}

/// Refuses a head that nobody needs. What is larger still never comes so far.
fn fits(request: &Request) -> Result<(), Problem> {
    let (longest_path, longest_head) = LONGEST;
    if request.uri().to_string().len() > longest_path {
        let detail =
            format!("the path with its query is longer than {longest_path} bytes; shorten it");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "uri-too-long", detail));
    }
    let header = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    if request.headers().iter().map(header).sum::<usize>() > longest_head {
        let detail = format!("the headers are larger than {longest_head} bytes in all; send fewer");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Problem::new(status, "headers-too-large", detail));
    }
    Ok(())
}

/// Requests that are answered at once.
struct Places {
    most: usize,
    free: Arc<Semaphore>,
}

impl Places {
    fn new(most: usize) -> Self {
        Self { most, free: Arc::new(Semaphore::new(most)) }
    }
}

tokio::task_local! {
    /// The place of the request that this task answers.
    static PLACE: Arc<OwnedSemaphorePermit>;
}

/// Goes on if there is a place.
async fn seated(State(places): State<Arc<Places>>, request: Request, next: Next) -> Response {
    let Ok(place) = Arc::clone(&places.free).try_acquire_owned() else {
        discard(request.into_body()).await;
        let detail =
            format!("{} such requests are being answered; try again in a second", places.most);
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
            .again_in(1)
            .into_response();
    };
    PLACE.scope(Arc::new(place), next.run(request)).await
}

/// Works on a thread that may wait. The request's place is taken until the work is done, even if
/// nobody waits for the answer any more: otherwise slow work would pile up behind free places.
///
/// # Errors
/// The work panicked.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let place = PLACE.try_with(Arc::clone).ok();
    let kept = move || {
        let _place = place;
        work()
    };
    tokio::task::spawn_blocking(kept).await
}

/// Answers in time; while it does, the connection keeps its place.
async fn in_time(State(time): State<Duration>, request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Arc<HttpConnection>>().cloned();
    let _answering = client.map(HttpConnection::answering);
    if let Ok(response) = tokio::time::timeout(time, next.run(request)).await {
        return response;
    }
    let seconds = time.as_secs();
    let detail = format!(
        "no answer was ready after {seconds} s; the request may still be carried out, so check \
         before you repeat it"
    );
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "time-out", detail).into_response()
}

async fn unknown(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}; /api/openapi.json lists the paths", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "no-such-path", detail)
}

async fn not_allowed(method: axum::http::Method, uri: Uri) -> Problem {
    let detail = format!(
        "{} does not allow {method}; the header Allow lists the methods that it does",
        uri.path()
    );
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

/// An id that nobody has given yet.
#[must_use]
pub fn fresh_id() -> String {
    Uuid::new_v4().hyphenated().to_string()
}
