//! Finds the known fields in a plain record, in one pass.

use super::Rejected;
use super::cursor::{Broken, Cursor, RawValue, Text};
use super::fields::Fields;
use super::scan::{Members, members, whole};
use super::value::{Quoted, Scalar, text};
use crate::model::{Reject, SampleField};

/// Finds the known fields of a record.
pub(super) fn fields<'a>(record: &'a [u8], fields: &mut Fields<'a>) -> Result<(), Rejected> {
    let Some(object) = object(record) else {
        return Err(no_object(record));
    };
    let mut rest = collect(object, fields).map_err(|why| broken(record, why))?;
    rest.end().map_err(|why| broken(record, why))
}

/// Finds the known fields of an object that was found whole.
pub(super) fn fields_of<'a>(object: &'a [u8], fields: &mut Fields<'a>) -> Result<(), Rejected> {
    collect(object, fields).map(drop).map_err(|why| broken(object, why))
}

/// Finds the known fields of the object that begins here; what follows it is returned.
fn collect<'a>(object: &'a [u8], fields: &mut Fields<'a>) -> Result<Cursor<'a>, Broken> {
    let mut all = Members::from(Cursor::checked(object, 0));
    while let Some(key) = all.key() {
        // A key that cannot be read names no field.
        let key = text(key?).unwrap_or_default();
        if key == "features" {
            fields.features_at(all.place())?;
            continue;
        }
        let value = all.place().value()?;
        if key == "specversion" {
            fields.cloud_event = true;
        } else if let Some(slot) = SampleField::named(&key) {
            fields.slot(slot).and(value);
        }
    }
    Ok(all.rest())
}

/// The text from the first bracket of an object on.
fn object(record: &[u8]) -> Option<&[u8]> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let from = record.iter().position(|byte| !blank(byte))?;
    record.get(from..).filter(|rest| rest.first() == Some(&b'{'))
}

/// What a record is that is no object.
pub(super) fn no_object(record: &[u8]) -> Rejected {
    let found = match whole(record) {
        Err(why) => return broken(record, why),
        Ok(found) => Scalar::of(found),
    };
    if matches!(found, Scalar::Unreadable(_)) {
        return not_json(record, "it is no JSON object");
    }
    Rejected::new(Reject::WrongType, format!("the record is {found}; write a JSON object"))
}

/// Why the structure of a record cannot be followed.
pub(super) fn broken(record: &[u8], why: Broken) -> Rejected {
    let near = record.get(why.at.min(record.len())..).unwrap_or_default();
    let near = String::from_utf8_lossy(near.get(..near.len().min(20)).unwrap_or_default());
    let place =
        if near.is_empty() { "at its end".to_owned() } else { format!("near {}", Quoted(&near)) };
    not_json(record, &format!("{} (byte {}, {place})", why.what, why.at))
}

/// What is no JSON, or no text at all.
fn not_json(record: &[u8], why: &str) -> Rejected {
    if let Err(error) = std::str::from_utf8(record) {
        let what = match record {
            [0x1f, 0x8b, ..] => {
                "this looks like gzip; send it uncompressed, or over HTTP with the header \
                                  Content-Encoding: gzip"
            }
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "this looks like UTF-16; encode as UTF-8",
            _ => "encode the record as UTF-8",
        };
        let detail = format!("byte {} is not UTF-8; {what}", error.valid_up_to());
        return Rejected::new(Reject::NotUtf8, detail);
    }
    Rejected::new(Reject::NotJson, format!("{why}; write one JSON object per record"))
}

/// The member of this name.
pub(super) fn member<'a>(object: &'a [u8], name: &str) -> Result<Option<RawValue<'a>>, ()> {
    let mut found = None;
    for (key, value) in members(object).map_while(Result::ok) {
        let same = match key {
            Text::Other(bytes) if bytes.contains(&b'\\') => text(key).is_ok_and(|key| key == name),
            Text::Plain(_) | Text::Other(_) => key.bytes() == name.as_bytes(),
        };
        if same && found.replace(value).is_some() {
            return Err(());
        }
    }
    Ok(found)
}
