//! The raw `[http]` as what the HTTP server needs: where it listens, for whom, within which limits.

use std::net::SocketAddr;
use std::time::Duration;

use super::check::{Checker, checked};
use super::problem::Path;
use super::raw;
use super::secret::{Environment, Secret, is_usual_variable};
use super::tokens::{AccessToken, ConfiguredTokens, tokens};
use super::units::HOUR;
use crate::model::Span;

/// The HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Address and port.
    pub listen: SocketAddr,
    /// The token that this process shows to the router.
    pub token: Option<Secret>,
    /// The tokens that are accepted. Without one, only this machine is answered.
    pub tokens: Vec<AccessToken>,
    /// Whether `/metrics` needs a token, if there are any.
    pub metrics_need_token: bool,
    /// Which models have series of their own in `/metrics`.
    pub per_model: SeriesPerModel,
    /// Its limits.
    pub limits: HttpLimits,
    /// How long the result of an instruction can be asked for.
    pub keep_replies: Span,
}

/// Which models have series of their own in `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesPerModel {
    /// All, with all their versions.
    All,
    /// All, but of the versions only the one in production.
    Production,
    /// No model.
    None,
}

/// The limits of the HTTP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// The largest request body.
    pub max_body_bytes: usize,
    /// The largest telemetry body once it is unpacked.
    pub max_unpacked_bytes: usize,
    /// Connections at once.
    pub connections: usize,
    /// Requests answered at once.
    pub requests: usize,
    /// Telemetry bodies received or written at once.
    pub uploads: usize,
    /// Time for a request's headers, and between two requests.
    pub head: Duration,
    /// Time for the body.
    pub body: Duration,
    /// Time in which a body may be slower than the least rate.
    pub body_grace: Duration,
    /// The least rate of a body; 0: any.
    pub min_body_bytes_per_second: u64,
    /// Time for the answer once the body has arrived.
    pub answer: Duration,
}

/// Converts the raw `[http]`. `None` if its address is refused.
pub(super) fn http(
    check: &mut Checker<'_>,
    (raw, metrics): (&raw::Http, &raw::Metrics),
    environment: &Environment,
) -> Option<HttpSettings> {
    let at = Path::of(["http"]);
    let listen_at = at.key("listen");
    let ConfiguredTokens { all: tokens, own } = tokens(check, raw, environment);
    let Ok(listen) = raw.listen.parse::<SocketAddr>() else {
        check.refuse(&listen_at, "must be an address and a port, such as 127.0.0.1:7700");
        return None;
    };
    let listed = raw.tokens.iter().flatten().next().is_some();
    let any = listed || !tokens.is_empty() || raw.token_file.is_some();
    if !listen.ip().is_loopback() && !any && !environment.contains_key(&raw.token_env) {
        let why = format!(
            "this address can be reached from other machines and needs a token; set the variable \
             {}, http.token_file or [[http.tokens]], or listen on 127.0.0.1",
            if is_usual_variable(&raw.token_env) { &raw.token_env } else { "of http.token_env" }
        );
        check.refuse(&listen_at, why);
    }
    let limits = limits(check, &at, raw);
    let keep_replies = checked!(check.span, at, raw.keep_replies_hours, HOUR, 1..=8760);
    let metrics_need_token = raw.metrics_need_token;
    let per_model = match metrics.per_model {
        raw::PerModel::All => SeriesPerModel::All,
        raw::PerModel::Production => SeriesPerModel::Production,
        raw::PerModel::None => SeriesPerModel::None,
    };
    Some(HttpSettings {
        listen,
        token: own,
        tokens,
        metrics_need_token,
        per_model,
        limits,
        keep_replies,
    })
}

fn limits(check: &mut Checker<'_>, at: &Path, raw: &raw::Http) -> HttpLimits {
    HttpLimits {
        max_body_bytes: checked!(check.size, at, raw.max_body_bytes, 1024..=1_073_741_824),
        max_unpacked_bytes: checked!(check.size, at, raw.max_unpacked_bytes, 1024..=1_073_741_824),
        connections: checked!(check.size, at, raw.connections_at_once, 8..=65_536),
        requests: checked!(check.size, at, raw.requests_at_once, 1..=65_536),
        uploads: checked!(check.size, at, raw.telemetry_at_once, 1..=65_536),
        head: Duration::from_secs(checked!(check.count, at, raw.head_seconds, 1..=3600)),
        body: Duration::from_secs(checked!(check.count, at, raw.body_seconds, 1..=3600)),
        body_grace: Duration::from_secs(checked!(
            check.count,
            at,
            raw.body_grace_seconds,
            1..=3600
        )),
        min_body_bytes_per_second: checked!(
            check.count,
            at,
            raw.min_body_bytes_per_second,
            0..=1_073_741_824
        ),
        answer: Duration::from_secs(checked!(check.count, at, raw.answer_seconds, 1..=3600)),
    }
}
