//! The SQLite file: its tables, and how it is opened.
//!
//! `time` is log time, and `ahead` how far it was ahead of the host's clock then: `time - ahead` is
//! what that clock showed at the append. It is almost always 0, which takes no room.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::store::{damage, explain};
use crate::edge::log::LogError;

/// Format 1 had no `ahead`; it is brought to this one when it is opened.
const FORMAT: i64 = 2;
const APPLICATION: i64 = 0x5250_4344;
/// Statements kept ready; more than there are.
const STATEMENTS: usize = 64;
const TABLES: &str = "
    CREATE TABLE topics (
        name TEXT PRIMARY KEY, first INTEGER NOT NULL, partitions INTEGER NOT NULL,
        compacted INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ends (
        slot INTEGER PRIMARY KEY CHECK (slot < 524288),
        next INTEGER NOT NULL CHECK (next < 17592186044416), time INTEGER NOT NULL,
        ahead INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE records (
        place INTEGER PRIMARY KEY, time INTEGER NOT NULL, key BLOB, headers BLOB,
        value BLOB NOT NULL, ahead INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE newest (
        slot INTEGER NOT NULL, key BLOB NOT NULL, place INTEGER NOT NULL,
        PRIMARY KEY (slot, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE positions (
        member TEXT NOT NULL, slot INTEGER NOT NULL, position INTEGER NOT NULL,
        metadata TEXT NOT NULL, PRIMARY KEY (member, slot)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE owners (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// Opens the file to write it, or a log in memory. Every commit is synced before it returns.
pub(super) fn file(path: Option<&Path>, name: &str) -> Result<Connection, LogError> {
    let said = |error: rusqlite::Error| explain(name, "opening", &error);
    let mut db = match path {
        Some(path) => Connection::open_with_flags(path, no_links()),
        None => Connection::open_in_memory(),
    }
    .map_err(said)?;
    prepare(&mut db).map_err(said)?;
    let id: (i64, i64) = db
        .query_row("SELECT * FROM pragma_application_id, pragma_user_version", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map_err(said)?;
    match id {
        (APPLICATION, FORMAT) => Ok(db),
        (APPLICATION, 1) => match raise_format(&mut db) {
            Ok(()) => Ok(db),
            Err(error) => Err(said(error)),
        },
        (APPLICATION, other) => Err(damage(
            name,
            &format!(
                "its format is {other} and this build reads no newer one than {FORMAT}; use the \
                 build that wrote it"
            ),
        )),
        _ => Err(damage(name, "it is the database of another program")),
    }
}

/// As SQLite opens a file by default, but through no link.
fn no_links() -> OpenFlags {
    OpenFlags::default() | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

/// Statements are prepared once. Left alone, SQLite would plan those that read a range
/// again whenever its bounds change, which is always.
fn ready(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn prepare(db: &mut Connection) -> rusqlite::Result<()> {
    ready(db)?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    db.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;")?;
    if tables == 0 {
        let new = db.transaction()?;
        new.execute_batch(TABLES)?;
        new.pragma_update(None, "application_id", APPLICATION)?;
        new.pragma_update(None, "user_version", FORMAT)?;
        new.commit()?;
    }
    Ok(())
}

/// What format 1 lacks. Its times are taken for what the clock showed.
fn raise_format(db: &mut Connection) -> rusqlite::Result<()> {
    let raise = db.transaction()?;
    for table in ["ends", "records"] {
        let column = "ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0";
        raise.execute_batch(&format!("ALTER TABLE {table} {column}"))?;
    }
    raise.pragma_update(None, "user_version", FORMAT)?;
    raise.commit()
}

/// Opens the file for reading, in parallel with its writer.
pub(super) fn beside(path: &Path, name: &str) -> Result<Connection, LogError> {
    let open = || {
        let db = Connection::open_with_flags(path, no_links())?;
        ready(&db)?;
        db.pragma_update(None, "query_only", true)?;
        Ok(db)
    };
    open().map_err(|error| explain(name, "opening", &error))
}
