//! Bodies of requests, read whole before anything is done with them: limited in size, in time, and
//! in how slowly they may arrive.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Body as _;

use super::Problem;
use crate::config::HttpLimits;
use crate::edge::clock::Stopwatch;

/// The largest body that is no telemetry.
const SMALL_BODY: usize = 1 << 20;

/// Time for the body of a request to another server's routes.
pub(super) const GUARDED: Duration = Duration::from_secs(20);

/// The most of a refused body that is still read, and for how long.
const DISCARDED: usize = 64 << 20;
const DISCARDING: Duration = Duration::from_secs(2);

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    most_bytes: usize,
    /// Time for all of it.
    time: Duration,
    /// So long it may be slow.
    grace: Duration,
    /// The slowest rate after that; 0: any.
    least_per_second: u64,
}

impl Whole {
    /// Telemetry.
    pub(super) const fn large(limits: HttpLimits) -> Self {
        Self {
            most_bytes: limits.max_body_bytes,
            time: limits.body,
            grace: limits.body_grace,
            least_per_second: limits.min_body_bytes_per_second,
        }
    }

    /// All other bodies.
    pub(super) fn small(limits: HttpLimits) -> Self {
        Self { most_bytes: SMALL_BODY.min(limits.max_body_bytes), ..Self::large(limits) }
    }

    /// Those of another server's routes.
    pub(super) const fn guarded() -> Self {
        Self { most_bytes: SMALL_BODY, time: GUARDED, grace: GUARDED, least_per_second: 0 }
    }

    /// How long after its start a body may be waited for, once so much of it has arrived.
    fn patience(&self, bytes: usize) -> Duration {
        if self.least_per_second == 0 {
            return self.time;
        }
        let earned = bytes as f64 / self.least_per_second as f64;
        let earned = Duration::try_from_secs_f64(earned).unwrap_or(Duration::MAX);
        self.time.min(self.grace.saturating_add(earned))
    }
}

/// Reads the body before anything is done with it.
pub(super) async fn whole(State(of): State<Whole>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match read(body, of).await {
        Ok(bytes) => {
            let mut request = Request::from_parts(parts, Body::from(bytes));
            // It is as large as it may be.
            DefaultBodyLimit::disable().apply(&mut request);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn read(mut body: Body, of: Whole) -> Result<Vec<u8>, Problem> {
    let since = Stopwatch::start();
    let at_least = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if at_least > of.most_bytes {
        return Err(too_large(of.most_bytes));
    }
    let mut whole = Vec::with_capacity(at_least);
    loop {
        let gone = Duration::from_micros(since.elapsed_us());
        let left = of.patience(whole.len()).saturating_sub(gone);
        let next = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let frame = match tokio::time::timeout(left, next).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => return Ok(whole),
            Ok(Some(Err(_))) => {
                let detail = "the connection ended before the body was complete; send it again";
                return Err(Problem::bad(detail));
            }
            Err(_) => return Err(slow(of, whole.len())),
        };
        let Ok(part) = frame.into_data() else { continue };
        if whole.len() + part.len() > of.most_bytes {
            return Err(too_large(of.most_bytes));
        }
        whole.extend_from_slice(&part);
    }
}

/// Reads what a client still sends that was refused, and keeps none of it: one whose connection
/// is closed while it sends may never see the answer.
pub(super) async fn discard(mut body: Body) {
    let rest = async {
        let mut left = DISCARDED;
        while left > 0 {
            let next = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
            let Some(Ok(frame)) = next.await else { break };
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        }
    };
    // Who sends more slowly than that is cut off.
    tokio::time::timeout(DISCARDING, rest).await.ok();
}

fn too_large(most: usize) -> Problem {
    let detail = format!(
        "the body is larger than the limit of {most} bytes; send telemetry in smaller parts, or \
         raise http.max_body_bytes; other bodies may have at most {SMALL_BODY}"
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
}

fn slow(of: Whole, bytes: usize) -> Problem {
    let detail = if of.patience(bytes) == of.time {
        format!("the body had not arrived after {} s; send it faster", of.time.as_secs())
    } else {
        format!(
            "the body arrived at less than {} bytes a second; send it faster, or lower \
             http.min_body_bytes_per_second",
            of.least_per_second
        )
    };
    Problem::new(StatusCode::REQUEST_TIMEOUT, "slow-body", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrives_earns_time_up_to_the_limit_for_all_of_it() {
        let second = Duration::from_secs;
        let of = Whole { most_bytes: 1, time: second(30), grace: second(5), least_per_second: 100 };
        for (bytes, seconds) in [(0, 5), (100, 6), (1000, 15), (2500, 30), (1_000_000, 30)] {
            assert_eq!(of.patience(bytes), second(seconds), "{bytes}");
        }
        let any = Whole { least_per_second: 0, ..of };
        assert_eq!(any.patience(0), second(30));
    }
}
