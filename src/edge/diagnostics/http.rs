//! What the HTTP servers tell operators: the API's, and the router's.

use std::net::IpAddr;

use tracing::{info, warn};

use crate::model::{ModelId, SourceId, VersionId};

/// Posted telemetry cannot be appended; told when it begins. Senders were asked to try again.
pub fn posts_refused(source: &SourceId, why: &str) {
    warn!(%source, why, "posted telemetry refused");
}

/// Posted telemetry is appended again.
pub fn posts_taken(source: &SourceId) {
    info!(%source, "posted telemetry taken again");
}

/// A peer sent wrong tokens again and again and has to wait from now on.
pub fn tokens_wrong(peer: IpAddr) {
    warn!(%peer, "wrong tokens, the peer is slowed down");
}

/// A router answers.
pub fn router_started(listen: &str, models: &[String]) {
    info!(listen, ?models, "router started");
}

/// The traffic split of a model changed.
pub fn router_route(model: &ModelId, revision: u64, weights: &str) {
    info!(%model, revision, weights, "route set");
}

/// A route could not be saved, so it was not set.
pub fn router_not_kept(model: &ModelId, why: &str) {
    warn!(%model, why, "route cannot be saved");
}

/// A stored fence had a generation that is too high to be true; the router forgets it.
pub fn router_fence_dropped(model: &ModelId, generation: u64) {
    warn!(%model, generation, "stored fence dropped, its generation is too high");
}

/// A breaker changed its state.
pub fn router_breaker(model: &ModelId, version: &VersionId, to: &str, why: &str) {
    match to {
        "open" => warn!(%model, %version, to, why, "breaker moved"),
        _ => info!(%model, %version, to, why, "breaker moved"),
    }
}

/// The health of a version changed.
pub fn router_health(model: &ModelId, version: &VersionId, up: bool) {
    if up {
        info!(%model, %version, "backend up");
    } else {
        warn!(%model, %version, "backend down");
    }
}

/// Records of answers were dropped. The answers themselves did not wait.
pub fn router_dropped(records: u64) {
    warn!(records, "records of answers dropped, the log is slow or blocked");
}

/// A client sends one id with all its requests; told once for each model.
pub fn router_constant_id(model: &ModelId, id: &str) {
    warn!(
        %model,
        id,
        "x-request-id is the same in many requests, so outcomes cannot join by it; the router \
         gives ids of its own"
    );
}
