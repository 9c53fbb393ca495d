//! Copies of requests that go to other versions. Nobody waits for them, and their number at any
//! one time is limited.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::HeaderValue;

use super::call::{Call, ReplyBody, ask, end_of};
use super::headers;
use crate::model::SampleRole;
use crate::router::VersionIndex;

/// Sends copies to all that are mirrored to, but for those that were asked.
pub(super) fn mirror(call: &Call, asked: &[VersionIndex], bytes: &Bytes) {
    let Some(first) = asked.first().filter(|_| call.about.predicts) else { return };
    for place in call.plan.shadows(*first).filter(|place| !asked.contains(place)) {
        let Ok(seat) = Arc::clone(&call.served.shadows).try_acquire_owned() else {
            call.served.busy.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let Some(mut request) = call.request(place, Body::from(bytes.clone())) else { continue };
        request.headers_mut().insert(headers::ROLE, HeaderValue::from_static("shadow"));
        let mut asked = call.asked(place, SampleRole::Shadow, false);
        let within = call.served.settings.answer;
        let most = call.shared.limits.held_body_bytes;
        tokio::spawn(async move {
            let _seat = seat;
            let Ok((head, answer)) = ask(&mut asked, request, within).await else { return };
            let bytes = match answer {
                ReplyBody::Whole(bytes) => bytes,
                ReplyBody::Flow(from) => {
                    let read = tokio::time::timeout(within, to_bytes(Body::new(from), most));
                    // What is larger is not compared; that it came is counted all the same.
                    read.await.ok().and_then(Result::ok).unwrap_or_default()
                }
            };
            let error = head.status.is_server_error().then(|| head.status.to_string());
            asked.ended(end_of(head.status), error.as_deref(), bytes);
        });
    }
}
