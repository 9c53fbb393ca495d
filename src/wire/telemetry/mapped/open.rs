//! The value of a mapped record, and what one pass over it finds.

use std::borrow::Cow;

use super::stands::Stands;
use super::walk::Walk;
use crate::model::{Mapping, Reject};
use crate::wire::telemetry::cursor::{Cursor, RawValue};
use crate::wire::telemetry::event::{self, Own};
use crate::wire::telemetry::features::Features;
use crate::wire::telemetry::fields::Found;
use crate::wire::telemetry::parse::{broken, member, no_object};
use crate::wire::telemetry::scan::whole;
use crate::wire::telemetry::{Context, Raw, Rejected, TextArena, json};

/// A record whose value is found.
pub(super) struct OpenedRecord<'a> {
    /// Where pointers begin.
    pub(super) root: Option<Stands<'a>>,
    /// What one pass found; nothing: there was none.
    pub(super) found: &'a [Found<'a>],
    /// The inputs of the model, if the pass read them.
    pub(super) features: Option<Features<'a>>,
    /// The envelope of the event that it is.
    pub(super) envelope: Option<&'a [u8]>,
    /// The own fields of an event.
    pub(super) own: Option<Own<'a>>,
}

impl<'a> OpenedRecord<'a> {
    fn at(root: Option<Stands<'a>>) -> Self {
        Self { root, found: &[], features: None, envelope: None, own: None }
    }
}

/// Finds the value of a record.
pub(super) fn opened<'a>(
    record: &Raw<'a>,
    mapping: &Mapping,
    context: &Context<'_>,
    texts: &'a TextArena,
) -> Result<OpenedRecord<'a>, Rejected> {
    let value = record.value;
    let skipped = value.get(mapping.skip_bytes..).ok_or_else(|| {
        let (bytes, skip) = (value.len(), mapping.skip_bytes);
        let detail = format!("the record has {bytes} bytes, and skip_bytes is {skip}");
        Rejected::new(Reject::Framed, detail)
    })?;
    let value = json(skipped, context.source.max_record_bytes)?;
    if mapping.envelope {
        return enveloped(value, mapping, texts);
    }
    let opened = walked(value, mapping, texts)?;
    let mark = mapping.event.as_ref().and_then(|place| place.in_tree);
    let mark = mark.and_then(|at| opened.found.get(at.found));
    let is_event = mark.is_some_and(|found| *found != Found::Nowhere);
    if is_event { event_of(value, mapping, texts) } else { Ok(opened) }
}

/// One pass over a value.
fn walked<'a>(
    value: &'a [u8],
    mapping: &Mapping,
    texts: &'a TextArena,
) -> Result<OpenedRecord<'a>, Rejected> {
    let mut cursor = Cursor::checked(value, 0);
    cursor.blank();
    let from = cursor.at;
    if cursor.peek() != Some(b'{') {
        let root = whole(value).map_err(|why| broken(value, why))?;
        let lists = !mapping.own_names && matches!(root, RawValue::Array(_));
        return if lists {
            Ok(OpenedRecord::at(Some(Stands::Json(root))))
        } else {
            Err(no_object(value))
        };
    }
    let mut walk = Walk::new(&mapping.record, texts);
    walk.object(&mut cursor).map_err(|why| broken(value, why))?;
    let root = Stands::Json(RawValue::Object(cursor.since(from)));
    cursor.end().map_err(|why| broken(value, why))?;
    Ok(OpenedRecord { found: walk.found, features: walk.features, ..OpenedRecord::at(Some(root)) })
}

/// An event whose data pointers begin in.
fn enveloped<'a>(
    value: &'a [u8],
    mapping: &Mapping,
    texts: &'a TextArena,
) -> Result<OpenedRecord<'a>, Rejected> {
    let object = match whole(value) {
        Ok(RawValue::Object(object)) if member(object, "specversion") != Ok(None) => object,
        Ok(RawValue::Object(_)) => return walked(value, mapping, texts),
        Ok(root) => return Ok(OpenedRecord::at(Some(Stands::Json(root)))),
        // The data of an event may be any text.
        Err(why) => match std::str::from_utf8(value) {
            Ok(text) if !value.starts_with(b"{") => {
                return Ok(OpenedRecord::at(Some(Stands::Text(text))));
            }
            _ => return Err(broken(value, why)),
        },
    };
    let data = match event::data(object) {
        None => {
            let data = member(object, "data").ok().flatten();
            let root = data.map(Stands::Json);
            return Ok(OpenedRecord { envelope: Some(object), ..OpenedRecord::at(root) });
        }
        Some(Cow::Borrowed(data)) => data,
        Some(Cow::Owned(data)) => texts.alloc_slice_copy(&data),
    };
    let opened = match whole(data) {
        Ok(RawValue::Object(_)) => walked(data, mapping, texts)?,
        Ok(root) => OpenedRecord::at(Some(Stands::Json(root))),
        Err(_) => {
            let text = std::str::from_utf8(data).ok();
            OpenedRecord::at(text.map(Stands::Text))
        }
    };
    Ok(OpenedRecord { envelope: Some(object), ..opened })
}

/// An event, read by its own names where the mapping says nothing else.
fn event_of<'a>(
    value: &'a [u8],
    mapping: &Mapping,
    texts: &'a TextArena,
) -> Result<OpenedRecord<'a>, Rejected> {
    let value = match event::opened(value, Some(mapping)) {
        Some(event) => &*texts.alloc_slice_copy(&event),
        None => value,
    };
    let root = whole(value).map_err(|why| broken(value, why))?;
    let own = Some(event::own(value)?);
    let envelope = match root {
        RawValue::Object(object) => Some(object),
        RawValue::Array(_) | RawValue::Text(_) | RawValue::Word(_) => None,
    };
    Ok(OpenedRecord { own, envelope, ..OpenedRecord::at(Some(Stands::Json(root))) })
}
