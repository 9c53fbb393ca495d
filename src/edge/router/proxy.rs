//! `/models/NAME/…`: chooses a version, asks it, and forwards its answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, response};
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;

use super::body::{self, Flow, Sent};
use super::call::{About, Call, Failed, PendingCall, ReplyBody, ask, end_of};
use super::path::found;
use super::reply::StreamedReply;
use super::served::Served;
use super::{Shared, headers, shadow};
use crate::edge::http::{Answering, HttpConnection, Problem, fresh_id};
use crate::model::{Field, SampleRole, check_name};
use crate::router::{Draw, VersionIndex, hash};

/// The longest id of a request that is taken, in bytes: with a version it must still be a name.
const LONGEST_ID: usize = 128;

pub(super) async fn proxy(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    // A client that is being answered keeps its place among the connections.
    let seat = parts.extensions.remove::<Arc<HttpConnection>>().map(HttpConnection::answering);
    let answered = async {
        let (served, path) = found(&shared, &parts.uri)?;
        let sent = body::read(body, &shared.limits).await?;
        Ok((call(&shared, served, path, parts, &sent), sent))
    };
    match answered.await {
        Ok((call, Sent::Held(bytes))) => held(&call, &bytes, seat).await,
        Ok((call, Sent::Flow(flow))) => streamed(&call, flow, seat).await,
        Err(problem) => Problem::into_response(problem),
    }
}

pub(super) async fn unknown(uri: Uri) -> Problem {
    let detail = format!(
        "there is nothing at {}; the router has /models/NAME/…, /admin/routes, /admin/routes/NAME \
         and /metrics",
        uri.path()
    );
    Problem::new(StatusCode::NOT_FOUND, "no-such-path", detail)
}

fn call(
    shared: &Arc<Shared>,
    served: Arc<Served>,
    path: String,
    parts: Parts,
    sent: &Sent,
) -> Call {
    let (settings, mut all) = (Arc::clone(&served.settings), parts.headers);
    let text = |all: &HeaderMap, name: &str| {
        all.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let given = text(&all, headers::REQUEST_ID.as_str());
    let given = given.filter(|id| check_name(id).is_ok() && id.len() <= LONGEST_ID);
    let below = path.split('?').next().unwrap_or_default();
    let predicts = parts.method == Method::POST && below.trim_matches('/') == settings.predict_path;
    let constant = predicts && given.as_deref().is_some_and(|id| served.is_constant(id));
    let request = given.filter(|_| !constant).unwrap_or_else(fresh_id);
    // An id is letters and digits, and a given one came in a header.
    let id = HeaderValue::from_str(&request).unwrap_or(HeaderValue::from_static("-"));
    // An id that says nothing splits nothing either.
    let key = settings
        .key_header
        .as_ref()
        .filter(|name| !(constant && *name == headers::REQUEST_ID.as_str()));
    let key = key.and_then(|name| all.get(name));
    let draw = key.map_or_else(|| served.turn(), |key| Draw::Key(hash(key.as_bytes())));
    let ts = match &settings.fields.ts {
        Some(Field::Header(name)) => text(&all, name),
        Some(Field::Pointer(_) | Field::Key) | None => None,
    };
    let body = match sent {
        Sent::Held(bytes) if predicts => bytes.clone(),
        Sent::Held(_) | Sent::Flow(_) => Bytes::new(),
    };
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    headers::forward(&mut all, peer, &id);
    Call {
        shared: Arc::clone(shared),
        plan: served.plan(),
        draw,
        served,
        method: parts.method,
        path,
        headers: all,
        id,
        about: Arc::new(About { request, ts, body, predicts }),
    }
}

/// Asks with a body that can be sent again: where there was no connection, another version is
/// asked.
async fn held(call: &Call, bytes: &Bytes, seat: Option<Answering>) -> Response {
    let within = call.served.settings.answer;
    let mut tried: Vec<VersionIndex> = Vec::new();
    let mut last = None;
    let response = loop {
        let Some(choice) = call.choose(&tried) else {
            break last.unwrap_or_else(|| nobody(call));
        };
        let mut asked = call.asked(choice.place, SampleRole::Live, choice.trial);
        tried.push(choice.place);
        let Some(request) = call.request(choice.place, Body::from(bytes.clone())) else {
            break Problem::bad("the path is not a valid URL path; check it").into_response();
        };
        match ask(&mut asked, request, within).await {
            Ok((head, answer)) => break passed(call, choice.place, head, answer, asked, seat),
            Err(failed) => {
                let again = matches!(failed, Failed::Unreached(_));
                last = Some(refused(call, choice.place, &failed));
                if !again {
                    break last.unwrap_or_else(|| nobody(call));
                }
            }
        }
    };
    shadow::mirror(call, &tried, bytes);
    response
}

/// Asks with a body that streams through, once.
async fn streamed(call: &Call, flow: Flow, seat: Option<Answering>) -> Response {
    let Some(choice) = call.choose(&[]) else { return nobody(call) };
    // The time for the body and that for the answer, since they may overlap.
    let within = call.shared.limits.body + call.served.settings.answer;
    let mut asked = call.asked(choice.place, SampleRole::Live, choice.trial);
    asked.sent = Some(flow.fate());
    let Some(request) = call.request(choice.place, Body::new(flow)) else {
        return Problem::bad("the path is not a valid URL path; check it").into_response();
    };
    if call.about.predicts && call.plan.shadows(choice.place).next().is_some() {
        call.served.large.fetch_add(1, Ordering::Relaxed);
    }
    match ask(&mut asked, request, within).await {
        Ok((head, answer)) => passed(call, choice.place, head, answer, asked, seat),
        Err(failed) => refused(call, choice.place, &failed),
    }
}

/// A version's answer, on its way back.
fn passed(
    call: &Call,
    place: VersionIndex,
    head: response::Parts,
    answer: ReplyBody,
    mut asked: PendingCall,
    seat: Option<Answering>,
) -> Response {
    let how = end_of(head.status);
    let body = match answer {
        ReplyBody::Whole(bytes) => {
            let error = head.status.is_server_error().then(|| head.status.to_string());
            asked.ended(how, error.as_deref(), bytes.clone());
            Body::from(bytes)
        }
        ReplyBody::Flow(from) => Body::new(StreamedReply {
            from,
            asked,
            how,
            held: Vec::new(),
            room: call.shared.limits.held_body_bytes,
            within: call.served.settings.answer,
            idle: None,
            _seat: seat,
        }),
    };
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    headers::strip(response.headers_mut());
    signed(call, place, response)
}

/// Says which version it was, and of which request.
fn signed(call: &Call, place: VersionIndex, mut response: Response) -> Response {
    let headers = response.headers_mut();
    if let Some(backend) = call.served.backend(place) {
        headers.insert(headers::MODEL_VERSION, backend.name.clone());
    }
    headers.insert(headers::REQUEST_ID, call.id.clone());
    response
}

/// Why there is no answer of a version.
fn refused(call: &Call, place: VersionIndex, failed: &Failed) -> Response {
    let version = call.served.backend(place).map_or("", |backend| backend.version.as_str());
    let model = &call.served.settings.model;
    let problem = match failed {
        Failed::Unreached(why) => {
            let detail = format!("{version} of {model} cannot be reached: {why}");
            Problem::new(StatusCode::BAD_GATEWAY, "unreachable", detail).again_in(1)
        }
        Failed::Cut(why) => {
            let detail = format!("{version} of {model} did not complete its answer: {why}");
            Problem::new(StatusCode::BAD_GATEWAY, "cut-off", detail).again_in(1)
        }
        Failed::Unsound(why) => {
            let detail = format!("{version} of {model} gave an answer that is not sound: {why}");
            Problem::new(StatusCode::BAD_GATEWAY, "bad-answer", detail)
        }
        Failed::Late(within) => {
            let detail = format!(
                "{version} of {model} gave no answer within {} ms; ask again, or raise \
                 answer_milliseconds",
                within.as_millis()
            );
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "time-out", detail)
        }
        Failed::TooLarge => body::too_large(call.shared.limits.max_body_bytes),
        Failed::Slow => body::slow(call.shared.limits.body),
        Failed::Broke => {
            Problem::bad("the connection ended before the body was complete; send it again")
        }
    };
    signed(call, place, problem.into_response())
}

/// Nobody may be asked.
fn nobody(call: &Call) -> Response {
    let model = &call.served.settings.model;
    let detail = format!(
        "every version of {model} that has a share is shut by hand; open one with `PUT \
         /admin/routes/{model}`"
    );
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "all-shut", detail).again_in(5).into_response()
}
