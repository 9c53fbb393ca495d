//! The callers of the model, who also report outcomes. They know only the addresses of router and
//! server, and count for themselves what they are answered.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::task::JoinSet;

use super::DemoError;
use super::flights::{AFTER, Flight, MODEL};
use super::playback::Playback;
use crate::edge::chain::chain;
use crate::edge::clock::Stopwatch;
use crate::edge::http::tls::provide_tls;
use crate::model::{Span, VersionId};

/// Requests under way at once.
const AT_ONCE: usize = 8;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest that an answer may take.
const TIME: Duration = Duration::from_secs(15);

/// What happened to the requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Requests {
    /// Asked.
    pub(super) sent: u64,
    /// Not answered as a prediction, whatever was tried.
    pub(super) failed: u64,
    /// Tries that were repeated, since nobody answered.
    pub(super) repeated: u64,
    /// The answer to the first that failed.
    pub(super) first_failure: Option<String>,
}

/// Right answers among those whose end is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Right {
    /// Flights that landed.
    pub(super) n: u64,
    /// Right answers that callers were given.
    pub(super) served: u64,
    /// Right answers if the version that went bad had answered throughout.
    pub(super) without: u64,
}

/// The callers.
pub(super) struct Callers {
    pub(super) http: Client,
    /// Where predictions are asked for.
    predict: String,
    /// Where the router tells of itself.
    admin: String,
    /// Where outcomes are sent.
    telemetry: String,
    flights: Arc<Vec<Flight>>,
    /// How long a caller retries without any answer, since a process may be starting.
    patience: Span,
    /// The answer for each flight; `None` if not asked or failed.
    told: Vec<Option<i64>>,
    pub(super) requests: Requests,
    pub(super) right: Right,
}

#[derive(Deserialize)]
struct Predicted {
    prediction: i64,
}

/// The end of one request.
struct CallEnd {
    flight: usize,
    repeated: u64,
    answer: Result<(VersionId, i64), String>,
}

impl Callers {
    /// Callers of a router and tellers of a server, by their addresses.
    ///
    /// # Errors
    /// No HTTP client.
    pub(super) fn new(
        flights: Arc<Vec<Flight>>,
        (router, server): (&str, &str),
        patience: Span,
    ) -> Result<Self, DemoError> {
        Ok(Self {
            http: client(TIME)?,
            predict: format!("{router}/models/{MODEL}/predict"),
            admin: format!("{router}/admin/routes/{MODEL}"),
            telemetry: format!("{server}/api/telemetry"),
            told: vec![None; flights.len()],
            flights,
            patience,
            requests: Requests::default(),
            right: Right::default(),
        })
    }

    /// Asks for these flights of a playback, as they come, several at once.
    pub(super) async fn ask(&mut self, flights: Range<usize>, playback: &Playback) {
        let mut under_way = JoinSet::new();
        for index in flights {
            if under_way.len() >= AT_ONCE
                && let Some(Ok(asked)) = under_way.join_next().await
            {
                self.count(asked);
            }
            let Some(flight) = self.flights.get(index) else { continue };
            let request = self
                .http
                .post(&self.predict)
                .header("x-request-id", playback.name(flight))
                .header("x-event-time", playback.at(flight).to_string())
                .json(&flight.request);
            under_way.spawn(one(index, request, self.patience));
            self.requests.sent += 1;
        }
        while let Some(asked) = under_way.join_next().await {
            match asked {
                Ok(asked) => self.count(asked),
                Err(broke) => self.failed(broke.to_string()),
            }
        }
    }

    fn count(&mut self, asked: CallEnd) {
        self.requests.repeated += asked.repeated;
        match asked.answer {
            Ok((_, prediction)) => {
                if let Some(told) = self.told.get_mut(asked.flight) {
                    *told = Some(prediction);
                }
            }
            Err(why) => self.failed(why),
        }
    }

    fn failed(&mut self, why: String) {
        self.requests.failed += 1;
        self.requests.first_failure.get_or_insert(why);
    }

    /// Sends outcomes: the records, one per line.
    ///
    /// # Errors
    /// They are not accepted.
    pub(super) async fn publish(&self, lines: Vec<String>) -> Result<(), DemoError> {
        if lines.is_empty() {
            return Ok(());
        }
        let request = self.http.request(Method::POST, &self.telemetry).body(lines.join("\n"));
        let (answer, _) = insist(request, self.patience).await.map_err(DemoError::Outcomes)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let problem = answer.json::<Json>().await.unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or_default();
        Err(DemoError::Outcomes(format!("the server answered {status}: {detail}")))
    }

    /// Live answers of a version, by the router's own counters.
    ///
    /// # Errors
    /// The router gives no answer.
    pub(super) async fn answers(&self, version: &str) -> Result<u64, DemoError> {
        let failed = |why: String| DemoError::Machine(std::io::Error::other(why));
        let (route, _) = insist(self.http.get(&self.admin), self.patience).await.map_err(failed)?;
        let route: Json = route.json().await.map_err(|why| failed(chain(&why)))?;
        Ok(route["versions"][version]["live"]["total"].as_u64().unwrap_or(0))
    }

    /// Counts flights that landed.
    pub(super) fn landed(&mut self, flights: &[usize]) {
        for index in flights {
            let Some(flight) = self.flights.get(*index) else { continue };
            let told = self.told.get(*index).copied().flatten();
            let (Some((_, actual)), Some(told)) = (flight.landed, told) else { continue };
            self.right.n += 1;
            self.right.served += u64::from(told == actual);
            self.right.without += u64::from(flight.right(AFTER) == Some(true));
        }
    }
}

impl Right {
    /// The shares: what callers were served, and what they would have been.
    pub(super) fn shares(self) -> Option<(f64, f64)> {
        let n = self.n as f64;
        (self.n > 0).then(|| (self.served as f64 / n, self.without as f64 / n))
    }
}

/// An HTTP client that waits so long.
///
/// # Errors
/// The machine gives none.
pub(super) fn client(time: Duration) -> Result<Client, DemoError> {
    provide_tls();
    let client = Client::builder().timeout(time).no_proxy().build();
    client.map_err(|error| DemoError::Machine(std::io::Error::other(error)))
}

async fn one(flight: usize, request: RequestBuilder, patience: Span) -> CallEnd {
    let (answer, repeated) = match insist(request, patience).await {
        Ok((answer, repeated)) => (answer, repeated),
        Err(why) => return CallEnd { flight, repeated: 0, answer: Err(why) },
    };
    let status = answer.status();
    let version = answer.headers().get("x-model-version").and_then(|by| by.to_str().ok());
    let version = version.and_then(|by| VersionId::new(by).ok());
    let answer = match (version, answer.json::<Predicted>().await) {
        (Some(version), Ok(body)) if status.is_success() => Ok((version, body.prediction)),
        _ => Err(format!("the router answered {status}")),
    };
    CallEnd { flight, repeated, answer }
}

/// Retries until there is an answer; also returns how often.
pub(super) async fn insist(
    request: RequestBuilder,
    patience: Span,
) -> Result<(Response, u64), String> {
    let (watch, mut repeated) = (Stopwatch::start(), 0);
    loop {
        let Some(again) = request.try_clone() else { return Err("it cannot be sent".to_owned()) };
        match again.send().await {
            Ok(answer) => return Ok((answer, repeated)),
            Err(why) if watch.elapsed() >= patience => return Err(chain(&why)),
            Err(_) => {
                repeated += 1;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
