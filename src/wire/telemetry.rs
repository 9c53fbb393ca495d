//! A record of telemetry becomes a sample, or is rejected with a code.
//!
//! Law: no bytes panic, overflow the stack, or cost more than a few passes over themselves. What
//! can be borrowed from the record is. A value that nobody reads rejects nothing, and one that
//! cannot be read costs what needs it and no more.
//!
//! Of a record only the structure is looked at, until a sample asks for a field: `scan` finds,
//! `parse` and `mapped` name what was found, `value` reads one value, `read` and `sample` say what
//! it must be. What nearly all records are, each of them reads first and without detours: texts of
//! printable ASCII, numbers of few digits (`number`), features that can be used (`features`).
//!
//! Where JSON leaves room, this is what is meant: a whole number where a name is wanted is its
//! digits; true and false are the labels 1 and 0; NaN and Infinity, bare as Python writes them or
//! in quotes, and numbers beyond an f64 are numbers that are not finite.

mod body;
mod cursor;
mod event;
mod features;
mod fields;
mod inputs;
mod mapped;
mod number;
mod parse;
mod read;
mod repeats;
mod row;
mod sample;
mod samples;
mod scan;
mod time;
mod value;

use std::borrow::Cow;

use bumpalo::Bump;

use crate::measure::UnreadRecord;
use crate::model::{
    EventTime, Mapping, Reject, Sample, SampleField, SampleKind, Source, TopicRule,
};
pub use body::{RecordAt, RecordPart, each_record, utf16};
use event::Own;
use fields::Fields;
pub use repeats::Repeats;
pub use row::Columns;
pub use samples::{FieldTold, Loss, Samples, Told};
use value::Scalar;

/// A record as it is on a log or in a file.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a> {
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its headers.
    pub headers: &'a [(String, Vec<u8>)],
    /// Its value.
    pub value: &'a [u8],
    /// When the log took it, or somebody sent it; a file does not say.
    pub log_time: Option<EventTime>,
    /// The path of its file, if it came out of one.
    pub path: Option<&'a str>,
}

/// Where texts live that a record holds within other texts, for as long as its sample does.
pub type TextArena = Bump;

impl<'a> Raw<'a> {
    /// A record without key and headers: a line of a file.
    #[must_use]
    pub const fn line(value: &'a [u8]) -> Self {
        Self { key: None, headers: &[], value, log_time: None, path: None }
    }

    /// The first header of this name, if it is text.
    fn header(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.header_bytes(name)?).ok()
    }

    fn header_bytes(&self, name: &str) -> Option<&'a [u8]> {
        let (_, value) = self.headers.iter().find(|(key, _)| same_header(key, name))?;
        Some(value)
    }
}

/// Why a record could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Rejected {
    /// What counters and the rejected topic carry.
    pub code: Reject,
    /// The field, what was found, and what to do.
    pub detail: String,
    /// The kind of sample that it would have been, if that can be read.
    pub kind: Option<SampleKind>,
    /// The model it would have been about, likewise.
    pub model: Option<String>,
    /// The version, likewise.
    pub version: Option<String>,
}

impl Rejected {
    /// A record about nobody knows which model.
    #[must_use]
    pub fn new(code: Reject, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), kind: None, model: None, version: None }
    }

    /// What a lane is told of it.
    #[must_use]
    pub fn unread(&self) -> UnreadRecord<'_> {
        let (model, version) = (self.model.as_deref(), self.version.as_deref());
        UnreadRecord { code: self.code, kind: self.kind, model, version }
    }

    fn about(mut self, kind: SampleKind, model: &str, version: Option<&str>) -> Self {
        self.kind = Some(kind);
        self.model = Some(model.to_owned());
        self.version = version.map(str::to_owned);
        self
    }
}

/// What the decoder does not need to look up again for each field.
struct Context<'s> {
    source: &'s Source,
    topic: &'s str,
    mapping: Option<&'s Mapping>,
}

/// Reads one record. A sample that cannot be used has every code of [`Reject`] but `from_future`,
/// which takes other records to tell.
pub fn decode<'a>(
    record: &Raw<'a>,
    topic: &TopicRule,
    source: &Source,
    texts: &'a TextArena,
) -> Samples<'a> {
    explained(record, topic, source, texts, None)
}

/// Reads one record, and says where its fields stood, and which could not be used and why.
pub fn decode_explained<'a>(
    record: &Raw<'a>,
    topic: &TopicRule,
    source: &Source,
    texts: &'a TextArena,
    told: &mut Told,
) -> Samples<'a> {
    explained(record, topic, source, texts, Some(told))
}

fn explained<'a>(
    record: &Raw<'a>,
    topic: &TopicRule,
    source: &Source,
    texts: &'a TextArena,
    told: Option<&mut Told>,
) -> Samples<'a> {
    let context = Context { source, topic: &topic.name, mapping: topic.mapping.as_ref() };
    match context.mapping {
        Some(mapping) => mapped::samples(record, mapping, &context, texts, told),
        None => Samples::One(unmapped(record, &context, texts, told.map(|told| &mut told.losses))),
    }
}

/// A record that is a sample by its own names, or an event with one.
fn unmapped<'a>(
    record: &Raw<'a>,
    context: &Context<'_>,
    texts: &'a TextArena,
    losses: Option<&mut Vec<Loss>>,
) -> Result<Sample<'a>, Rejected> {
    let value = json(record.value, context.source.max_record_bytes)?;
    let header = record.header("ce_type");
    if !says_structured(record) {
        let mut fields = Fields::default();
        parse::fields(value, &mut fields)?;
        if !fields.cloud_event {
            let kind = kind(&fields, None, header)?;
            return sample::build(&mut fields, kind, context, losses);
        }
    }
    let value = match event::opened(value, None) {
        Some(event) => &*texts.alloc_slice_copy(&event),
        None => value,
    };
    let Own { mut fields, kind: event, record } = event::own(value)?;
    let kind = kind(&fields, None, event.as_deref().or(header))?;
    sample::build(&mut fields, kind, context, losses).map_err(|why| record_missing(why, record))
}

/// An event whose data cannot be read needs another place for every field.
fn record_missing(why: Rejected, record: Result<(), Rejected>) -> Rejected {
    match record {
        Err(Rejected { code, detail, .. }) if why.code == Reject::MissingField => {
            Rejected { code, detail, ..why }
        }
        Err(_) | Ok(()) => why,
    }
}

/// The bytes of the value, if they may be JSON, without a byte order mark.
fn json(value: &[u8], max_bytes: usize) -> Result<&[u8], Rejected> {
    if value.len() > max_bytes {
        let detail = format!(
            "the record has {} bytes, the limit is {max_bytes}; send less, or raise \
             max_record_bytes",
            value.len()
        );
        return Err(Rejected::new(Reject::TooLarge, detail));
    }
    match value.strip_prefix(b"\xef\xbb\xbf").unwrap_or(value) {
        [] => Err(Rejected::new(Reject::NotJson, "the value is empty; write a JSON object")),
        [0, ..] => Err(Rejected::new(
            Reject::Framed,
            "the record starts with byte 0, the frame of a schema registry; use the plain JSON \
             serializer, or skip the first 5 bytes",
        )),
        value => Ok(value),
    }
}

/// Whether two headers have one name. Attributes of an event are `ce_type` on Kafka and `ce-type`
/// over HTTP.
#[must_use]
pub fn same_header(a: &str, b: &str) -> bool {
    match attribute(a).zip(attribute(b)) {
        Some((a, b)) => a.eq_ignore_ascii_case(b),
        None => a.eq_ignore_ascii_case(b),
    }
}

/// The attribute of an event that a header is.
#[must_use]
pub fn attribute(header: &str) -> Option<&str> {
    let (prefix, name) = header.split_at_checked(3)?;
    let is_one = prefix.eq_ignore_ascii_case("ce_") || prefix.eq_ignore_ascii_case("ce-");
    is_one.then_some(name)
}

/// Whether the headers say that the value is a CloudEvent with its envelope.
fn says_structured(record: &Raw<'_>) -> bool {
    const PREFIX: &str = "application/cloudevents";
    record
        .header("content-type")
        .and_then(|kind| kind.get(..PREFIX.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(PREFIX))
}

/// Which of the five a record is: the mapping says, else its field `type`, else the event's type.
fn kind(
    fields: &Fields<'_>,
    fixed: Option<SampleKind>,
    event: Option<&str>,
) -> Result<SampleKind, Rejected> {
    const FIVE: &str = "prediction, outcome, latency, health, run";
    if let Some(kind) = fixed.or_else(|| fields.plain(SampleField::Type).and_then(kind_named)) {
        return Ok(kind);
    }
    let (found, kind) = match (fields.get(SampleField::Type), event) {
        (Some(Scalar::Text(name)), _) => {
            let kind = kind_named(&name);
            (name, kind)
        }
        (None | Some(Scalar::Null), Some(event)) => {
            let name = event.strip_prefix("io.ripcord.").and_then(|name| name.strip_suffix(".v1"));
            (Cow::Borrowed(event), name.and_then(kind_named))
        }
        (None | Some(Scalar::Null), None) => {
            let all = "or set type for the source if all its records are one";
            let detail = format!("type is missing; write one of {FIVE}, {all}");
            return Err(Rejected::new(Reject::MissingField, detail));
        }
        (Some(other), _) => {
            let detail = format!("type is {other}; write one of {FIVE}");
            return Err(Rejected::new(Reject::WrongType, detail));
        }
    };
    kind.ok_or_else(|| {
        let detail = format!("type is {}; write one of {FIVE}", Scalar::Text(found));
        Rejected::new(Reject::UnknownType, detail)
    })
}

fn kind_named(name: &str) -> Option<SampleKind> {
    match name {
        "prediction" => Some(SampleKind::Prediction),
        "outcome" => Some(SampleKind::Outcome),
        "latency" => Some(SampleKind::Latency),
        "health" => Some(SampleKind::Health),
        "run" => Some(SampleKind::Run),
        "asked" => Some(SampleKind::Asked),
        "answered" => Some(SampleKind::Answered),
        _ => None,
    }
}
