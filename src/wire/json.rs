//! Ripcord's own records to JSON and back.
//!
//! Law: an error names the record, the place in it, and what was found.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It cannot be expressed in JSON.
    #[error("cannot encode a {record} record; this is a bug in Ripcord, please report it")]
    Write {
        /// Which record.
        record: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A value in it has the wrong type or is missing.
    #[error(
        "{path} in a {record} record is invalid; the record is damaged or from another version"
    )]
    Value {
        /// Which record.
        record: &'static str,
        /// Where in it.
        path: String,
        /// What was found and what was expected.
        #[source]
        source: serde_json::Error,
    },
    /// The bytes are not JSON, or are more than one value.
    #[error("a {record} record is not JSON: {start:?}; it is damaged or not such a record")]
    Syntax {
        /// Which record.
        record: &'static str,
        /// Its first characters.
        start: String,
        /// Where it stops being JSON.
        #[source]
        source: serde_json::Error,
    },
}

/// Characters of a broken record that an error shows.
const SHOWN: usize = 40;

/// The bytes of a record.
///
/// # Errors
/// A map whose keys are no text, a serializer that refuses.
pub fn encode<T: Serialize>(record: &'static str, value: &T) -> Result<Vec<u8>, JsonError> {
    serde_json::to_vec(value).map_err(|source| JsonError::Write { record, source })
}

/// The record in `bytes`, all of them.
///
/// # Errors
/// Bytes that are no JSON; a field that is missing or holds another type.
pub fn decode<T: DeserializeOwned>(record: &'static str, bytes: &[u8]) -> Result<T, JsonError> {
    // Keeping track of the place costs as much as reading: only a record that fails is read so.
    serde_json::from_slice(bytes).or_else(|_| located(record, bytes))
}

fn located<T: DeserializeOwned>(record: &'static str, bytes: &[u8]) -> Result<T, JsonError> {
    let syntax = |source| {
        let start = String::from_utf8_lossy(bytes).chars().take(SHOWN).collect();
        JsonError::Syntax { record, start, source }
    };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => "the top level".to_owned(),
            path => path,
        };
        let source = error.into_inner();
        if source.is_data() { JsonError::Value { record, path, source } } else { syntax(source) }
    })?;
    json.end().map_err(syntax)?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CommandId, Want};
    use std::error::Error;

    #[test]
    fn errors_name_the_record_the_place_and_what_was_found() {
        let chain = |json: &str| {
            let error = decode::<Vec<(CommandId, Want)>>("plan", json.as_bytes()).unwrap_err();
            format!("{error}: {}", error.source().unwrap())
        };
        for (json, told) in [
            (r#"[["c", {"want":"production","version":5,"instead_of":"v3"}]]"#, "[0][1]"),
            (r#"[["c", {"want":"production","version":5,"instead_of":"v3"}]]"#, "integer `5`"),
            (r#"[["", {"want":"notice"}]]"#, "[0][0] in a plan record is invalid"),
            (r#"[["c", {"want":"notice"}]]"#, "missing field `summary`"),
            ("{}", "the top level in a plan record"),
            ("[[", "a plan record is not JSON: \"[[\""),
            ("[] []", "trailing characters"),
            ("", "EOF"),
        ] {
            assert!(chain(json).contains(told), "{json}: {}", chain(json));
        }
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let id = CommandId::new("c1").unwrap();
        let bytes = encode("id", &id).unwrap();
        assert_eq!(bytes, b"\"c1\"");
        assert_eq!(decode::<CommandId>("id", &bytes).unwrap(), id);
    }
}
