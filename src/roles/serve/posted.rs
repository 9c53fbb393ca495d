//! What a post of telemetry says of its records, besides the body: headers.
//!
//! Law: as lenient as may be. Shippers, servers and curl name one body by many types; only what
//! cannot be JSON is refused.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode;

use crate::edge::http::Problem;
use crate::model::{Mapping, PlaceRoot, TopicRule};
use crate::wire::telemetry::{attribute, same_header};

/// Types of JSON, with what curl says of every body it is given no type for.
const TYPES: [&str; 16] = [
    "application/json",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonl",
    "application/jsonlines",
    "application/x-jsonlines",
    "application/json-lines",
    "application/json-seq",
    "application/stream+json",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "text/json",
    "text/plain",
];

/// Refuses a type that cannot be JSON.
pub(super) fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(sent) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let sent = sent.to_str().unwrap_or("?");
    let (named, parameters) = sent.split_once(';').unwrap_or((sent, ""));
    let named = named.trim().to_ascii_lowercase();
    let refuse = |what: &str| {
        let detail = format!(
            "{what} is not accepted; send JSON in UTF-8 as application/json, \
             application/x-ndjson (one record per line), application/cloudevents+json or \
             application/cloudevents-batch+json"
        );
        Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown-type", detail))
    };
    if !named.is_empty() && !TYPES.contains(&named.as_str()) {
        return refuse(&format!("Content-Type {named}"));
    }
    let mut charset = parameters.split(';').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    match charset.next_back() {
        Some(other) if !["utf-8", "utf8", "us-ascii"].contains(&&*other.to_ascii_lowercase()) => {
            refuse(&format!("charset {other}"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses what is no OTLP in JSON; most senders send protobuf unless they are told.
pub(super) fn check_otlp(headers: &HeaderMap) -> Result<(), Problem> {
    let sent = headers.get(CONTENT_TYPE).and_then(|sent| sent.to_str().ok()).unwrap_or_default();
    if sent.trim_start().starts_with("application/x-protobuf") {
        let detail = "protobuf is not read here; send OTLP in JSON: \
                      OTEL_EXPORTER_OTLP_PROTOCOL=http/json for an SDK, `encoding: json` for the \
                      otlphttp exporter of a collector";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown-type", detail));
    }
    check_type(headers)
}

/// The headers that are stored with each record: the attributes of an event, named as on Kafka, and
/// what the mapping reads.
pub(super) fn kept(headers: &HeaderMap, topic: &TopicRule) -> Vec<(String, Vec<u8>)> {
    let mapped = || topic.mapping.iter().flat_map(Mapping::places);
    let read = |name: &str| {
        mapped().any(
            |place| matches!(&place.root, PlaceRoot::Header(header) if same_header(header, name)),
        )
    };
    let sent = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str();
        match attribute(name) {
            // Over HTTP they are percent-encoded, on Kafka they are not.
            Some(own) => Some((format!("ce_{own}"), percent_decode(value.as_bytes()).collect())),
            None if read(name) => Some((name.to_owned(), value.as_bytes().to_vec())),
            None => None,
        }
    });
    sent.collect()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn checked(kind: &'static str) -> Result<(), u16> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        check_type(&headers).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn types_that_may_be_json_pass_and_others_are_told_what_to_send() {
        assert_eq!(check_type(&HeaderMap::new()), Ok(()));
        for (kind, expected) in [
            ("", Ok(())),
            ("application/x-www-form-urlencoded", Ok(())),
            ("Application/JSON; Charset=UTF-8", Ok(())),
            ("application/cloudevents-batch+json;charset=\"utf-8\"", Ok(())),
            ("application/json; charset=utf-16", Err(415)),
            ("application/avro", Err(415)),
            ("text/csv", Err(415)),
            ("multipart/form-data; boundary=x", Err(415)),
        ] {
            assert_eq!(checked(kind), expected, "{kind}");
        }
    }

    #[test]
    fn attributes_are_kept_as_on_kafka_and_other_headers_only_if_they_are_read() {
        let headers = HeaderMap::from_iter([
            (HeaderName::from_static("ce-subject"), HeaderValue::from_static("a%20%C3%A9")),
            (HeaderName::from_static("x-model"), HeaderValue::from_static("m%20")),
            (HeaderName::from_static("host"), HeaderValue::from_static("h")),
        ]);
        let place = crate::config::place("header:X-Model").unwrap();
        let fields = [(crate::model::SampleField::Model, crate::model::FieldRule::at(place))];
        let mapping = Mapping { fields: fields.into(), ..Mapping::default() };
        let topic = TopicRule {
            name: "t".to_owned(),
            allowed_disorder: crate::model::Span::ZERO,
            mapping: Some(mapping),
        };
        let expected = [("ce_subject", "a é"), ("x-model", "m%20")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        assert_eq!(kept(&headers, &topic), expected);
    }
}
