//! Bodies of requests: a small one is held, a large one streams through, and both have a time
//! limit.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::time::{Sleep, sleep, timeout};

use crate::config::RouterLimits;
use crate::edge::clock::Stopwatch;
use crate::edge::http::Problem;

/// The body of a request.
pub(super) enum Sent {
    /// All of it.
    Held(Bytes),
    /// Its beginning, and the source of the rest.
    Flow(Flow),
}

/// Reads a body as far as it is held.
pub(super) async fn read(body: Body, limits: &RouterLimits) -> Result<Sent, Problem> {
    match timeout(limits.body, begun(body, limits)).await {
        Ok(read) => read,
        Err(_) => Err(slow(limits.body)),
    }
}

pub(super) fn slow(within: Duration) -> Problem {
    let seconds = within.as_secs();
    let detail = format!("the body had not arrived after {seconds} s; send it faster");
    Problem::new(StatusCode::REQUEST_TIMEOUT, "slow-body", detail)
}

async fn begun(mut body: Body, limits: &RouterLimits) -> Result<Sent, Problem> {
    let (held, most, since) = (limits.held_body_bytes, limits.max_body_bytes, Stopwatch::start());
    let at_least = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if at_least > most {
        return Err(too_large(most));
    }
    let mut first = VecDeque::new();
    let mut bytes = 0;
    while bytes <= held && at_least <= held {
        let next = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        match next.await {
            Some(Ok(frame)) => {
                if let Ok(part) = frame.into_data() {
                    bytes += part.len();
                    first.push_back(part);
                }
            }
            None => return Ok(Sent::Held(joined(&mut first))),
            Some(Err(_)) => {
                return Err(Problem::bad(
                    "the connection ended before the body was complete; send it again",
                ));
            }
        }
    }
    if bytes > most {
        return Err(too_large(most));
    }
    let patience = limits.body.saturating_sub(Duration::from_micros(since.elapsed_us()));
    let (left, fate) = (most - bytes, Arc::default());
    Ok(Sent::Flow(Flow { first, rest: body, left, patience, waits: None, fate }))
}

fn joined(parts: &mut VecDeque<Bytes>) -> Bytes {
    match parts.pop_front() {
        None => Bytes::new(),
        Some(only) if parts.is_empty() => only,
        Some(first) => {
            let mut all = first.to_vec();
            parts.iter().for_each(|part| all.extend_from_slice(part));
            all.into()
        }
    }
}

pub(super) fn too_large(most: usize) -> Problem {
    let detail = format!(
        "the body is larger than the limit of {most} bytes; send less, or raise \
         router.max_body_bytes"
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
}

/// The result of a body that was streamed.
#[derive(Default)]
pub(super) struct StreamState {
    /// It was larger than it may be.
    pub(super) too_large: AtomicBool,
    /// It broke off.
    pub(super) broke: AtomicBool,
    /// It was not here in time.
    pub(super) slow: AtomicBool,
    /// So long its caller was waited for, in microseconds: no time of the version's.
    pub(super) waited_us: AtomicU64,
}

/// A body on its way through.
pub(super) struct Flow {
    first: VecDeque<Bytes>,
    rest: Body,
    left: usize,
    /// So long its caller may still be waited for.
    patience: Duration,
    /// Since when that is done, and until when.
    waits: Option<(Stopwatch, Pin<Box<Sleep>>)>,
    fate: Arc<StreamState>,
}

impl Flow {
    /// Its result, as far as it is known.
    pub(super) fn fate(&self) -> Arc<StreamState> {
        Arc::clone(&self.fate)
    }

    /// The caller has sent something, or its time is over.
    fn heard(&mut self) {
        if let Some((since, _)) = self.waits.take() {
            let waited_us = since.elapsed_us();
            self.fate.waited_us.fetch_add(waited_us, Ordering::Relaxed);
            self.patience = self.patience.saturating_sub(Duration::from_micros(waited_us));
        }
    }

    /// Nothing is here yet. Whether its time is over.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let patience = self.patience;
        let begin = || (Stopwatch::start(), Box::pin(sleep(patience)));
        self.waits.get_or_insert_with(begin).1.as_mut().poll(context).is_ready()
    }
}

impl hyper::body::Body for Flow {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(part) = self.first.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        let Poll::Ready(next) = Pin::new(&mut self.rest).poll_frame(context) else {
            if !self.is_over(context) {
                return Poll::Pending;
            }
            self.heard();
            self.fate.slow.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err("the body arrived too slowly".into())));
        };
        self.heard();
        Poll::Ready(match next {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                match self.left.checked_sub(bytes) {
                    Some(left) => {
                        self.left = left;
                        Some(Ok(frame))
                    }
                    None => {
                        self.fate.too_large.store(true, Ordering::Relaxed);
                        Some(Err("the body is too large".into()))
                    }
                }
            }
            Some(Err(why)) => {
                self.fate.broke.store(true, Ordering::Relaxed);
                Some(Err(why.into()))
            }
            None => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        let first: u64 = self.first.iter().map(|part| part.len() as u64).sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint
    }
}
