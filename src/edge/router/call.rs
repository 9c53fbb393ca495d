//! One request of a caller, and each version that was asked for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, response};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::Error as ClientError;
use tokio::time::timeout;

use super::Shared;
use super::body::StreamState;
use super::record::Answered;
use super::served::Served;
use crate::edge::chain::chain;
use crate::edge::clock::{Clock, Stopwatch, SystemClock};
use crate::model::{PredictionStatus, SampleRole};
use crate::router::{Choice, Draw, Input, RequestEnd, RoutePlan, VersionIndex};

/// What is asked, of whichever version.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) served: Arc<Served>,
    pub(super) plan: Arc<RoutePlan>,
    pub(super) draw: Draw,
    pub(super) method: Method,
    /// Below the backend, with the query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) id: HeaderValue,
    pub(super) about: Arc<About>,
}

/// What a record contains about a request.
pub(super) struct About {
    pub(super) request: String,
    pub(super) ts: Option<String>,
    /// Its body, where it is held.
    pub(super) body: Bytes,
    /// Whether it is published, and mirrored.
    pub(super) predicts: bool,
}

impl Call {
    /// The version to ask, but for those that were `tried`.
    pub(super) fn choose(&self, tried: &[VersionIndex]) -> Option<Choice> {
        self.plan.choose(self.draw, tried, |place| self.served.switch().begin_trial(place))
    }

    /// What is asked of a version, on its way there.
    pub(super) fn request(&self, place: VersionIndex, body: Body) -> Option<Request<Body>> {
        let uri = self.served.backend(place)?.uri(&self.path)?;
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        Some(request)
    }

    /// Starts to count a request to a version.
    pub(super) fn asked(&self, place: VersionIndex, role: SampleRole, trial: bool) -> PendingCall {
        PendingCall {
            shared: Arc::clone(&self.shared),
            served: Arc::clone(&self.served),
            about: Arc::clone(&self.about),
            place,
            role,
            trial,
            since: Stopwatch::start(),
            sent: None,
            over: false,
        }
    }
}

/// A version that was asked. However that ends, it is counted once.
pub(super) struct PendingCall {
    shared: Arc<Shared>,
    served: Arc<Served>,
    about: Arc<About>,
    place: VersionIndex,
    role: SampleRole,
    trial: bool,
    since: Stopwatch,
    /// The result of the body, if it is streamed.
    pub(super) sent: Option<Arc<StreamState>>,
    over: bool,
}

impl PendingCall {
    /// It ended.
    pub(super) fn ended(&mut self, request_end: RequestEnd, error: Option<&str>, answer: Bytes) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let (place, role, trial) = (self.place, self.role, self.trial);
        // The time that the caller took to send its body does not count for the version.
        let waited_us = self.sent.as_ref().map_or(0, |sent| sent.waited_us.load(Ordering::Relaxed));
        let took_us = self.since.elapsed_us().saturating_sub(waited_us);
        self.served.step(Input::Ended { place, role, request_end, took_us, trial });
        let status = match request_end {
            RequestEnd::Ok => PredictionStatus::Ok,
            RequestEnd::Error => PredictionStatus::Error,
            RequestEnd::Timeout => PredictionStatus::Timeout,
            // The version gave no prediction, by no fault of its own.
            RequestEnd::Refused | RequestEnd::Left => return,
        };
        let Some(backend) = self.served.backend(place).filter(|_| self.about.predicts) else {
            return;
        };
        self.shared.records.take(Answered {
            model: Arc::clone(&self.served.settings),
            version: backend.version.clone(),
            request: self.about.request.clone(),
            at: SystemClock.now(),
            ts: self.about.ts.clone(),
            status,
            error: error.map(str::to_owned),
            took_us,
            role,
            asked: self.about.body.clone(),
            answer,
            held: None,
        });
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        self.ended(RequestEnd::Left, None, Bytes::new());
    }
}

/// Why a version gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failed {
    /// There was no connection, so nothing was asked.
    Unreached(String),
    /// It cut the connection.
    Cut(String),
    /// Its answer is not one that may be passed on.
    Unsound(&'static str),
    /// It took too long.
    Late(Duration),
    /// What the caller sends is too large.
    TooLarge,
    /// What the caller sends was not here in time.
    Slow,
    /// What the caller sends broke off.
    Broke,
}

/// What a version answers.
pub(super) enum ReplyBody {
    /// All of it.
    Whole(Bytes),
    /// Its rest is still to come.
    Flow(Incoming),
}

/// How an answer of this status counts.
pub(super) fn end_of(status: StatusCode) -> RequestEnd {
    if status.is_server_error() {
        RequestEnd::Error
    } else if status.is_client_error() {
        RequestEnd::Refused
    } else {
        RequestEnd::Ok
    }
}

/// Asks, and counts if nothing comes of it. A small answer is waited for, whole, so that one that
/// breaks off can still be told as what it is.
pub(super) async fn ask(
    asked: &mut PendingCall,
    request: Request<Body>,
    within: Duration,
) -> Result<(response::Parts, ReplyBody), Failed> {
    let held = asked.shared.limits.held_body_bytes;
    let work = async {
        let answer = asked.served.client.request(request).await.map_err(|why| unanswered(&why))?;
        if let Some(why) = unsound(&answer) {
            return Err(Failed::Unsound(why));
        }
        let (head, body) = answer.into_parts();
        match body.size_hint().exact() {
            Some(bytes) if bytes <= held as u64 => {
                let whole = to_bytes(Body::new(body), held).await;
                let whole = whole.map_err(|why| Failed::Cut(chain(&why)))?;
                Ok((head, ReplyBody::Whole(whole)))
            }
            Some(_) | None => Ok((head, ReplyBody::Flow(body))),
        }
    };
    let failed = match timeout(within, work).await {
        Ok(Ok(answered)) => return Ok(answered),
        Ok(Err(failed)) => failed,
        Err(_) => Failed::Late(within),
    };
    let failed = match &asked.sent {
        Some(sent) if sent.too_large.load(Ordering::Relaxed) => Failed::TooLarge,
        Some(sent) if sent.slow.load(Ordering::Relaxed) => Failed::Slow,
        Some(sent) if sent.broke.load(Ordering::Relaxed) => Failed::Broke,
        Some(_) | None => failed,
    };
    let (request_end, error) = match &failed {
        Failed::Unreached(_) => (RequestEnd::Error, "no connection"),
        Failed::Cut(_) => (RequestEnd::Error, "the connection was cut"),
        Failed::Unsound(_) => (RequestEnd::Error, "the answer was not sound"),
        Failed::Late(_) => (RequestEnd::Timeout, "no answer in time"),
        Failed::TooLarge | Failed::Slow | Failed::Broke => {
            (RequestEnd::Left, "the request broke off")
        }
    };
    asked.ended(request_end, Some(error), Bytes::new());
    Err(failed)
}

/// Why an answer may not be passed on, if it may not.
fn unsound(answer: &Response<Incoming>) -> Option<&'static str> {
    let has = |name| answer.headers().contains_key(name);
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Some("it answered 101, which was not asked for");
    }
    // A program that goes by the other length would take the rest for the next answer.
    (has(TRANSFER_ENCODING) && has(CONTENT_LENGTH)).then_some(
        "it gave the length of its answer twice, with Content-Length and Transfer-Encoding",
    )
}

fn unanswered(why: &ClientError) -> Failed {
    if why.is_connect() { Failed::Unreached(chain(why)) } else { Failed::Cut(chain(why)) }
}
