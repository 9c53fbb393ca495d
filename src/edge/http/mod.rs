//! The HTTP server's frame: who may ask, how much at once, and how an error is told.
//!
//! Law: it knows bytes, headers and addresses, never what the answers mean; app fills it.

pub mod client;
mod guard;
mod problem;

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::header::HeaderName;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

pub use guard::{Guard, Writing};
pub use problem::Problem;

/// Time that answers under way have when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Says on what terms writing works.
const WRITING: HeaderName = HeaderName::from_static("ripcord-writing");

/// What a server gives at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body.
    pub max_body_bytes: usize,
    /// Requests answered at once; more are turned away.
    pub at_once: usize,
    /// Time for one request.
    pub time: Duration,
}

struct Frame {
    guard: Guard,
    limits: Limits,
    places: Semaphore,
}

/// Puts the frame around the routes.
pub fn framed(routes: Router, guard: Guard, limits: Limits) -> Router {
    let places = Semaphore::new(limits.at_once);
    let frame = Arc::new(Frame { guard, limits, places });
    routes
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(limits.max_body_bytes))
        .layer(middleware::from_fn_with_state(frame, through))
}

/// Answers until `shutdown` says true; then what is under way has a few seconds.
///
/// # Errors
/// The socket.
pub async fn run(
    listener: TcpListener,
    routes: Router,
    shutdown: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stopped(shutdown.clone()));
    let overtime = async {
        stopped(shutdown).await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = overtime => Ok(()),
    }
}

/// Waits for a true; nobody left to say it means the same.
async fn stopped(mut shutdown: watch::Receiver<bool>) {
    let _gone = shutdown.wait_for(|stop| *stop).await;
}

async fn through(State(frame): State<Arc<Frame>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let checked = frame.guard.check(request.method(), request.headers(), peer);
    let mut response = match checked {
        Ok(()) => answer(&frame, request, next).await,
        Err(problem) => problem.into_response(),
    };
    let writing = HeaderValue::from_static(frame.guard.writing().words());
    response.headers_mut().insert(WRITING, writing);
    response
}

async fn answer(frame: &Frame, request: Request, next: Next) -> Response {
    let Ok(_place) = frame.places.try_acquire() else {
        let most = frame.limits.at_once;
        let detail = format!("{most} requests are being answered; try again in a second");
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
            .again_in(1)
            .into_response();
    };
    match tokio::time::timeout(frame.limits.time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = frame.limits.time.as_secs();
            let detail = format!(
                "no answer was ready after {seconds} s; what was asked may still be done: look \
                 before you ask again"
            );
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "time-out", detail).into_response()
        }
    }
}

async fn unknown(uri: Uri) -> Problem {
    let detail = format!("nothing stands at {}; /api/openapi.json lists what does", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "no-such-path", detail)
}

async fn not_allowed(method: axum::http::Method, uri: Uri) -> Problem {
    let detail = format!("{} takes no {method}; /api/openapi.json lists what it takes", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

/// An id that nobody has given yet.
#[must_use]
pub fn fresh_id() -> String {
    Uuid::new_v4().hyphenated().to_string()
}
