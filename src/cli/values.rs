//! Words of a command line into values, or what is expected instead.

use std::path::PathBuf;

use serde_json::Value as Json;

use crate::model::{EventTime, Mode, ModelId, RecordingFile, SampleKind, TargetId, VersionId};

/// A model's name.
pub(super) fn model(text: &str) -> Result<ModelId, String> {
    ModelId::new(text).map_err(|why| why.to_string())
}

/// A version's name.
pub(super) fn version(text: &str) -> Result<VersionId, String> {
    VersionId::new(text).map_err(|why| why.to_string())
}

/// A reason that is not empty.
pub(super) fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("the reason is empty; say why in a few words".to_owned());
    }
    Ok(text.to_owned())
}

/// One of the words that a type of the model has in JSON.
fn word<T: serde::de::DeserializeOwned>(text: &str, words: &str) -> Result<T, String> {
    serde_json::from_value(Json::from(text)).map_err(|_| format!("expected one of {words}"))
}

/// A mode by its word.
pub(super) fn mode(text: &str) -> Result<Mode, String> {
    word(text, "observe, recommend, act")
}

/// A type of sample by its word.
pub(super) fn kind(text: &str) -> Result<SampleKind, String> {
    word(text, "prediction, outcome, latency, health, run, asked, answered")
}

/// A field and its place or rule, as a config has it.
pub(super) fn field(text: &str) -> Result<(String, String), String> {
    let named = named(text).map(|(name, written)| (name.to_owned(), written.to_owned()));
    named.ok_or_else(|| "write FIELD=PLACE, such as id=/prediction_id".to_owned())
}

/// A name before a `=`, and what follows.
fn named(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').filter(|(name, _)| !name.is_empty())
}

/// A recording, and whose records it holds: `FILE` or `FILE=TOPIC`.
pub(super) fn recording(text: &str) -> Result<RecordingFile, String> {
    match text.rsplit_once('=') {
        Some((path, topic)) if !path.is_empty() && !topic.is_empty() && !is_file(text) => {
            Ok(RecordingFile { path: path.into(), topic: Some(topic.to_owned()) })
        }
        Some(_) | None => Ok(PathBuf::from(text).into()),
    }
}

/// A name may hold any character.
fn is_file(text: &str) -> bool {
    std::path::Path::new(text).exists()
}

/// A field and its value.
pub(super) fn constant(text: &str) -> Result<(String, Json), String> {
    let (name, value) =
        named(text).ok_or_else(|| "write FIELD=VALUE, such as model=credit-risk".to_owned())?;
    Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Json::from(value))))
}

/// A worker's name.
pub(super) fn target(text: &str) -> Result<TargetId, String> {
    TargetId::new(text).map_err(|why| why.to_string())
}

/// A moment of event time.
pub(super) fn moment(text: &str) -> Result<EventTime, String> {
    text.parse::<EventTime>().map_err(|why| why.to_string())
}

/// Records per second.
pub(super) fn rate(text: &str) -> Result<u32, String> {
    let rate = text.parse().ok().filter(|rate| *rate > 0);
    rate.ok_or_else(|| "expected a whole number of records per second, 1 or more".to_owned())
}
