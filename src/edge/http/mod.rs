//! The frame of an HTTP server: who may send requests, how many at once, and what an error looks
//! like.
//!
//! Law: it knows bytes, headers and addresses, never what the answers mean.

mod body;
pub mod client;
mod connect;
mod content;
mod guard;
mod problem;
pub(crate) mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::HeaderName;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;
use uuid::Uuid;

use self::body::{GUARDED, Whole, whole};
use crate::config::HttpLimits;
pub(in crate::edge) use connect::{Answering, HttpConnection, Terms, run_within};

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
    /// Always answered.
    pub free: Router,
    /// What is read: as many at once as the limits say.
    pub views: Router,
    /// What people ask for. A slow body holds nobody else's place.
    pub orders: Router,
    /// Large bodies: they have places of their own, which they take before they are read, since
    /// they are held in memory.
    pub telemetry: Router,
}

/// Puts the frame around the routes.
pub fn framed(routes: Routes, guard: Guard, limits: HttpLimits) -> Router {
    let in_time = || middleware::from_fn_with_state(limits.answer, in_time);
    let seated = |most| middleware::from_fn_with_state(Arc::new(Places::new(most)), seated);
    let whole = |of| middleware::from_fn_with_state(of, whole);
    let orders = routes.orders.layer(in_time()).layer(seated(limits.requests));
    let orders = orders.layer(whole(Whole::small(limits)));
    let telemetry = routes.telemetry.layer(in_time());
    let telemetry = telemetry.layer(whole(Whole::large(limits))).layer(seated(limits.uploads));
    let views = routes.views.layer(in_time()).layer(seated(limits.requests));
    views
        .merge(routes.free.layer(in_time()))
        .merge(orders)
        .merge(telemetry)
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(Arc::new(guard), through))
}

/// Puts what guards writing, and the limits of a small body, around routes of another server.
pub(in crate::edge) fn guarded(routes: Router, guard: Guard) -> Router {
    routes
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(GUARDED, in_time))
        .layer(middleware::from_fn_with_state(Whole::guarded(), whole))
        .layer(middleware::from_fn_with_state(Arc::new(guard), through))
}

async fn through(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let checked = fits(&request);
    let checked = checked.and_then(|()| guard.check(request.method(), request.headers(), peer));
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let writing = HeaderValue::from_static(guard.writing().words());
    response.headers_mut().insert(WRITING, writing);
    response
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
