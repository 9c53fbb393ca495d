//! What a request says: a name in its path, a JSON body, and who asks why.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::App;
use crate::edge::http::{Caller, Problem};

/// The longest reason and name of who asks.
const LONGEST: (usize, usize) = (2000, 200);
/// What a missing reason is answered with.
pub(super) const NO_REASON: &str = "the reason is missing; say why in a few words";

/// The name at the end of a path.
pub(super) struct Name(pub(super) String);

impl FromRequestParts<Arc<App>> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, app).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::bad("the path does not decode to UTF-8")),
        }
    }
}

/// A JSON body, or where it is wrong.
pub(super) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be taken for the fields in their order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::bad("the body is not a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        Problem::bad(format!("the body is invalid: {place}{}", error.into_inner()))
    })?;
    json.end()
        .map_err(|error| Problem::bad(format!("the body has more than one value: {error}")))?;
    Ok(read)
}

/// Refuses an empty reason, and texts that are too long for the record.
pub(super) fn fit_the_record(reason: Option<&str>, by: Option<&str>) -> Result<(), Problem> {
    if reason.is_some_and(|reason| reason.trim().is_empty()) {
        return Err(Problem::bad(NO_REASON));
    }
    let (reason_most, by_most) = LONGEST;
    let long = |text: Option<&str>, most| text.is_some_and(|text| text.len() > most);
    if long(reason, reason_most) || long(by, by_most) {
        let detail = format!(
            "`reason` may have at most {reason_most} bytes and `by` at most {by_most}; shorten them"
        );
        return Err(Problem::bad(detail));
    }
    let controls = |text: Option<&str>| text.is_some_and(|text| text.contains(char::is_control));
    if controls(reason) || controls(by) {
        let detail = "`reason` and `by` may not contain control characters; write one line of text";
        return Err(Problem::bad(detail));
    }
    Ok(())
}

/// Who asks, for the record: the holder of the token, whatever the body says. Without tokens, the
/// name in the body.
pub(super) fn who(caller: &Caller, by: Option<String>) -> String {
    let holder = caller.name().map(str::to_owned);
    holder.or(by).unwrap_or_else(|| "api".to_owned())
}
