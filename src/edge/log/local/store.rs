//! What is read from the SQLite file.
//!
//! A record's `place`, its row id, is its slot's number followed by 44 bits of position. So a
//! partition lies together and in order, and an append goes to the end of its stretch.

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::board::{BoardState, PartitionSlot, StoredTopic};
use super::headers::unpacked;
use crate::edge::log::log_clock::AppendStamp;
use crate::edge::log::{ANSWER_BYTES, LogError, Record};
use crate::model::{LogTime, Span};

const POSITION_BITS: u32 = 44;

/// Why an operation on the file failed, before it is worded for people.
#[derive(Debug)]
pub(super) enum Fault {
    /// The asker's own: nothing was written.
    Asked(LogError),
    /// SQLite's.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<LogError> for Fault {
    fn from(error: LogError) -> Self {
        Self::Asked(error)
    }
}

/// Words SQLite's error for people: what failed while `doing` something with the log `name`.
pub(super) fn explain(name: &str, doing: &str, error: &rusqlite::Error) -> LogError {
    let damaged = match error.sqlite_error_code() {
        Some(code) => matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase),
        None => matches!(error, rusqlite::Error::FromSqlConversionFailure(..)),
    };
    if damaged {
        return damage(name, &error.to_string());
    }
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; its disk is full: make room there",
        Some(ErrorCode::SystemIoFailure) => "; check that its disk has room and works",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "; check that the folder is there and that this user may write to it"
        }
        _ => "",
    };
    LogError::Storage {
        doing: format!("{doing} {name}"),
        source: format!("{error}{advice}").into(),
    }
}

pub(super) fn damage(name: &str, why: &str) -> LogError {
    let mend =
        "restore its folder from a backup, or move the folder away to start with an empty log";
    LogError::Damaged { what: name.to_owned(), why: format!("{why}; {mend}") }
}

pub(super) fn place(slot: PartitionSlot, position: i64) -> i64 {
    (slot.id << POSITION_BITS) | position
}

pub(super) fn position(place: i64) -> i64 {
    place & ((1 << POSITION_BITS) - 1)
}

/// What is known at the start, and the stamp of the newest record.
pub(super) fn load(db: &Connection) -> rusqlite::Result<(BoardState, Option<AppendStamp>)> {
    let mut known = BoardState::default();
    let mut topics = db.prepare("SELECT name, first, partitions, compacted FROM topics")?;
    let mut rows = topics.query([])?;
    while let Some(row) = rows.next()? {
        let kept =
            StoredTopic { first: row.get(1)?, partitions: row.get(2)?, compacted: row.get(3)? };
        known.topics.insert(row.get(0)?, kept);
    }
    let mut ends = db.prepare("SELECT slot, next FROM ends")?;
    let mut rows = ends.query([])?;
    while let Some(row) = rows.next()? {
        known.ends.insert(row.get(0)?, row.get(1)?);
    }
    let newest = "SELECT time, ahead FROM ends WHERE next > 0 ORDER BY time DESC, ahead LIMIT 1";
    let newest = db.query_row(newest, [], |row| Ok(stamp(row.get(0)?, row.get(1)?))).optional()?;
    Ok((known, newest))
}

/// Records from `from` on and before `end`, at most `most` and not many more than a megabyte;
/// and the position to read on from.
pub(super) fn records(
    db: &Connection,
    slot: PartitionSlot,
    (from, end): (i64, i64),
    most: usize,
) -> rusqlite::Result<(Vec<Record>, i64)> {
    let mut query = db.prepare_cached(
        "SELECT place, time, ahead, key, headers, value FROM records
         WHERE place >= ?1 AND place < ?2 ORDER BY place LIMIT ?3",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut rows = query.query((place(slot, from), place(slot, end), most))?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let record = record(row)?;
        bytes += record.bytes();
        let next = record.position + 1;
        found.push(record);
        if bytes >= ANSWER_BYTES {
            return Ok((found, next));
        }
    }
    let next = match found.last() {
        Some(last) if found.len() as i64 == most => last.position + 1,
        _ => end,
    };
    Ok((found, next))
}

/// The last record of each key that begins so, in order; on a compacted topic without the keys that
/// are gone.
pub(super) fn latest(
    db: &Connection,
    slot: PartitionSlot,
    beginning: &[u8],
) -> rusqlite::Result<Vec<Record>> {
    if slot.compacted {
        let mut query = db.prepare_cached(
            "SELECT r.place, r.time, r.ahead, r.key, r.headers, r.value
             FROM newest n JOIN records r ON r.place = n.place
             WHERE n.slot = ?1 AND n.key >= ?2 AND substr(n.key, 1, ?3) = ?2
             AND length(r.value) > 0 ORDER BY r.place",
        )?;
        return query.query_map((slot.id, beginning, beginning.len() as i64), record)?.collect();
    }
    let mut query = db.prepare_cached(
        "SELECT max(place) AS last, time, ahead, key, headers, value FROM records
         WHERE place >= ?1 AND place < ?2 AND substr(key, 1, ?4) = ?3 GROUP BY key ORDER BY last",
    )?;
    let beyond = PartitionSlot { id: slot.id + 1, ..slot };
    let places = (place(slot, 0), place(beyond, 0));
    let found = (places.0, places.1, beginning, beginning.len() as i64);
    query.query_map(found, record)?.collect()
}

/// The first position from `from` on and before `end` that is there, and its time.
pub(super) fn first(
    db: &Connection,
    slot: PartitionSlot,
    (from, end): (i64, i64),
) -> rusqlite::Result<Option<(i64, LogTime)>> {
    let mut query = db.prepare_cached(
        "SELECT place, time FROM records WHERE place >= ?1 AND place < ?2 ORDER BY place LIMIT 1",
    )?;
    let found = query.query_row((place(slot, from), place(slot, end)), |row| {
        Ok((position(row.get(0)?), LogTime::from_ms(row.get(1)?)))
    });
    found.optional()
}

/// The position of a group in a slot.
pub(super) fn committed(
    db: &Connection,
    group: &str,
    slot: PartitionSlot,
) -> rusqlite::Result<Option<(i64, String)>> {
    let mut query = db.prepare_cached(
        "SELECT position, metadata FROM positions WHERE member = ?1 AND slot = ?2",
    )?;
    query.query_row(params![group, slot.id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn stamp(time: i64, ahead: i64) -> AppendStamp {
    let time = LogTime::from_ms(time);
    AppendStamp { time, host: time - Span::from_ms(ahead) }
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let AppendStamp { time, host } = stamp(row.get(1)?, row.get(2)?);
    Ok(Record {
        position: position(row.get(0)?),
        time,
        appended: host,
        vouched: true,
        key: row.get(3)?,
        headers: match row.get_ref(4)?.as_blob_or_null()? {
            None => Vec::new(),
            Some(bytes) => unpacked(bytes).ok_or_else(|| {
                let why = "the headers of a record cannot be read";
                let kind = rusqlite::types::Type::Blob;
                rusqlite::Error::FromSqlConversionFailure(4, kind, why.into())
            })?,
        },
        value: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_the_largest_slot_and_position() {
        let (slot, last) = (PartitionSlot { id: 524_287, compacted: false }, (1 << 44) - 1);
        assert_eq!(position(place(slot, last)), last);
        assert!(place(slot, last) > place(slot, 0));
    }
}
