//! Live numbers, the rules in force and what undo knows, for those who ask.

use super::{Decide, Owned};
use crate::edge::log::{Outgoing, Topic};
use crate::topics::{River, RoleError};
use crate::wire::json;

/// What others were told of a shard and need not be told again.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) rules: Option<u64>,
    pub(super) undo: Vec<u8>,
}

impl Decide {
    /// Writes the live numbers where others read them; beside them, where they changed, the rules
    /// in force and a copy of what undo knows, which dry runs ask; and marks old replies as gone.
    ///
    /// # Errors
    /// Storage.
    pub fn publish_status(&mut self) -> Result<(), RoleError> {
        let mut records = Vec::new();
        let now = self.river.log.now();
        for (id, owned) in &mut self.owned {
            if let Some(keep) = self.keep_replies {
                let gone = owned.replies.forget(now, keep).into_iter();
                let mark = |key: String| self.river.plain(Topic::Status, *id, &key, Vec::new());
                records.extend(gone.map(mark));
            }
            records.extend(owned.news(&self.river, *id)?);
        }
        self.writer.append(records)?;
        Ok(())
    }
}

impl Owned {
    /// What is to be told of the shard as it stands.
    pub(super) fn news(&mut self, river: &River, id: u32) -> Result<Vec<Outgoing>, RoleError> {
        let mut records = Vec::new();
        let undo = json::encode("undo state", self.shard.undo_state())?;
        if undo != self.told.undo {
            records.push(river.plain(Topic::Status, id, "undo", undo.clone()));
            self.told.undo = undo;
        }
        let book = self.shard.book();
        if let Some(book) = book.filter(|book| self.told.rules != Some(book.revision)) {
            records.push(river.plain(Topic::Status, id, "rules", json::encode("rules", book)?));
            self.told.rules = Some(book.revision);
        }
        let status = json::encode("status", &self.shard.status())?;
        records.push(river.plain(Topic::Status, id, "status", status));
        Ok(records)
    }
}
