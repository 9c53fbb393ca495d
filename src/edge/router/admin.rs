//! `/admin/routes`: the state of a model's versions, and how its requests are distributed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::task::JoinError;

use super::Shared;
use super::served::Served;
use super::state::StoredRoute;
use crate::edge::chain::chain;
use crate::edge::diagnostics;
use crate::edge::fence::AcceptedCommands;
use crate::edge::http::Problem;
use crate::model::{MAX_GENERATION, ModelId, VersionId, is_credible};
use crate::router::{Forced, RequestEnd, RequestStats, Route, RouteRefusal, VersionView, Weight};

type RouteReply = ([(HeaderName, HeaderValue); 1], Json<Value>);

/// A route that shall be set. What is left out stays as it is; what only the router knows may
/// stand there, so that what was read can be sent back, and is not looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with weights_percent")]
struct Wanted {
    weights_percent: BTreeMap<VersionId, Weight>,
    shadow: Option<BTreeSet<VersionId>>,
    forced: Option<BTreeMap<VersionId, Forced>>,
    fence: Option<AcceptedCommands>,
    #[serde(rename = "model")]
    _model: Option<IgnoredAny>,
    #[serde(rename = "revision")]
    _revision: Option<IgnoredAny>,
    #[serde(rename = "versions")]
    _versions: Option<IgnoredAny>,
    #[serde(rename = "dropped")]
    _dropped: Option<IgnoredAny>,
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let models = shared.models.values().map(|served| view(&shared, served, &served.kept()));
    Json(json!({ "models": models.collect::<Vec<_>>() }))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(model): Path<String>,
) -> Result<RouteReply, Problem> {
    let served = named(&shared, &model)?;
    Ok(route_reply(&shared, served, &served.kept()))
}

pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    Path(model): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<RouteReply, Problem> {
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|why| {
        Problem::bad(format!(
            "the body is not a route: {why}; write \
             {{\"weights_percent\": {{\"v1\": 90, \"v2\": 10}}}}"
        ))
    })?;
    let condition = headers.get(IF_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
    named(&shared, &model)?;
    // It runs to its end even if the client goes away.
    let work = tokio::spawn(async move {
        let served = named(&shared, &model)?;
        let kept = set(&shared, served, condition.as_deref(), wanted).await?;
        Ok(route_reply(&shared, served, &kept))
    });
    work.await.unwrap_or_else(|why| Err(broke(&why)))
}

fn broke(why: &JoinError) -> Problem {
    let detail =
        format!("setting the route failed midway: {why}; read the route before you set it again");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", detail)
}

/// Sets a route: first on disk, then in force, and only then is it answered.
async fn set(
    shared: &Shared,
    served: &Served,
    condition: Option<&str>,
    wanted: Wanted,
) -> Result<StoredRoute, Problem> {
    let model = served.settings.model.clone();
    // One at a time, from reading the present route to the end.
    let mut state = Arc::clone(&shared.state).lock_owned().await;
    let kept = served.kept();
    matches(condition, &kept, &model)?;
    let Wanted { weights_percent, shadow, forced, fence, .. } = wanted;
    let route = Route {
        weights_percent,
        shadow: shadow.unwrap_or_else(|| kept.route.shadow.clone()),
        forced: forced.unwrap_or_else(|| kept.route.forced.clone()),
    };
    served.may(&route).map_err(|refusal| match refusal {
        RouteRefusal::Route(why) => Problem::bad(format!("{model}: {why}")),
        RouteRefusal::Down { .. } => {
            let detail = format!("{model}: {refusal}");
            Problem::new(StatusCode::CONFLICT, "all-down", detail)
        }
    })?;
    let fence = fence.unwrap_or_else(|| kept.fence.clone());
    credible(&model, fence.generation, kept.fence.generation)?;
    if fence.generation < kept.fence.generation {
        let (given, seen) = (fence.generation, kept.fence.generation);
        let detail = format!("{model}: generation {given} is outdated, {seen} was seen");
        return Err(Problem::new(StatusCode::CONFLICT, "stale-generation", detail));
    }
    // Who read the fence, as a worker does, carries on what is done under it.
    let known =
        |done: &String| fence.command.as_ref() == Some(done) || fence.earlier.contains(done);
    let forgotten = kept.fence.command.as_ref().filter(|done| !known(done));
    if let Some(done) = forgotten.filter(|_| fence.generation == kept.fence.generation) {
        let detail = format!(
            "{model}: command {done} was already carried out under generation {}, but the given \
             fence does not list it; read the route again",
            fence.generation
        );
        return Err(Problem::new(StatusCode::CONFLICT, "stale-generation", detail));
    }
    let kept = StoredRoute { revision: kept.revision + 1, route, fence };
    let (of, keep) = (model.clone(), kept.clone());
    let write = move || {
        // The next one may come once this is on the disk and in force.
        let written = state.keep(&of, keep);
        (state, written.map_err(|why| chain(&why)))
    };
    let written = tokio::task::spawn_blocking(write).await;
    let (_state, written) = written.map_err(|why| broke(&why))?;
    if let Err(why) = written {
        diagnostics::router_not_kept(&model, &why);
        let detail = format!(
            "{model}: the route cannot be saved, so it was not set: {why}; make room, or fix \
             router.folder"
        );
        return Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, "not-kept", detail));
    }
    served.set(kept.clone());
    let weights = kept.route.weights_percent.iter().map(|(v, weight)| format!("{v} {weight}"));
    diagnostics::router_route(&model, kept.revision, &weights.collect::<Vec<_>>().join(", "));
    Ok(kept)
}

/// A generation that is too high would refuse every rollback after it.
fn credible(model: &ModelId, generation: u64, seen: u64) -> Result<(), Problem> {
    if is_credible(generation, seen) {
        return Ok(());
    }
    Err(Problem::bad(format!(
        "{model}: fence.generation is {generation}, above the highest allowed, {MAX_GENERATION}; \
         send the fence that GET /admin/routes/{model} returns, or leave it out"
    )))
}

fn matches(condition: Option<&str>, kept: &StoredRoute, model: &ModelId) -> Result<(), Problem> {
    let Some(condition) = condition else {
        let detail = format!(
            "say which route you want to replace: send If-Match with the ETag of GET \
             /admin/routes/{model}, or * for any"
        );
        return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "no-condition", detail));
    };
    let tag = kept.tag();
    let named = || condition.split(',').map(str::trim);
    if named().any(|named| named == "*" || named == tag) {
        return Ok(());
    }
    // A weak ETag never matches, and one without quotes is invalid (RFC 9110, 8.8.3, 13.1.1).
    let strong = |named: &str| named.len() > 1 && named.starts_with('"') && named.ends_with('"');
    if let Some(none) = named().find(|named| !strong(named)) {
        let detail = format!(
            "If-Match: {none} is not an ETag; copy the one that GET /admin/routes/{model} returns, \
             including the quotes; it is now {tag}"
        );
        return Err(Problem::bad(detail));
    }
    let detail = format!(
        "the route of {model} was changed in the meantime; read it again, its ETag is now {tag}"
    );
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, "changed", detail))
}

fn named<'a>(shared: &'a Shared, model: &str) -> Result<&'a Served, Problem> {
    shared.models.get(model).map(Arc::as_ref).ok_or_else(|| {
        let known: Vec<_> = shared.models.keys().map(ModelId::as_str).collect();
        let known = known.join(", ");
        Problem::missing(format!("no model {model:?} is routed here; the models are {known}"))
    })
}

fn route_reply(shared: &Shared, served: &Served, kept: &StoredRoute) -> RouteReply {
    let tag = HeaderValue::from_str(&kept.tag()).unwrap_or(HeaderValue::from_static("\"\""));
    ([(ETAG, tag)], Json(view(shared, served, kept)))
}

fn view(shared: &Shared, served: &Served, kept: &StoredRoute) -> Value {
    let mut versions = serde_json::Map::new();
    for (view, backend) in served.switch().views().zip(served.backends()) {
        versions.insert(view.version.to_string(), version(&view, &backend.url));
    }
    let Route { weights_percent, shadow, forced } = &kept.route;
    json!({
        "model": served.settings.model,
        "revision": kept.revision,
        "weights_percent": weights_percent,
        "shadow": shadow,
        "forced": forced,
        "fence": kept.fence,
        "versions": versions,
        "dropped": {
            "shadow_busy": served.busy.load(Ordering::Relaxed),
            "shadow_large": served.large.load(Ordering::Relaxed),
            "records": shared.records.dropped(),
        },
    })
}

fn version(view: &VersionView<'_>, url: &str) -> Value {
    let health = match view.up {
        None => "unknown",
        Some(true) => "up",
        Some(false) => "down",
    };
    json!({
        "url": url,
        "weight_percent": view.weight,
        "health": health,
        "breaker": view.breaker,
        "live": tally(view.live),
        "shadow": tally(view.shadow),
    })
}

fn tally(tally: &RequestStats) -> Value {
    let mut out = serde_json::Map::new();
    out.insert("total".to_owned(), json!(tally.total()));
    for how in RequestEnd::ALL {
        out.insert(how.name().to_owned(), json!(tally.count(how)));
    }
    let took = tally.took_us();
    let ms = |us: u64| us as f64 / 1000.0;
    for (name, quantile) in [("p50_ms", 0.5), ("p99_ms", 0.99)] {
        out.insert(name.to_owned(), json!(ms(took.value_at_quantile(quantile))));
    }
    Value::Object(out)
}
