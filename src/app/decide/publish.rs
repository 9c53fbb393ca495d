//! Live numbers, the rules in force and what undo knows, for those who ask.

use super::Decide;
use crate::app::river::RoleError;
use crate::edge::log::Topic;
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
            let undo = json::encode("undo state", owned.shard.undo_state())?;
            if undo != owned.told.undo {
                records.push(self.river.plain(Topic::Status, *id, "undo", undo.clone()));
                owned.told.undo = undo;
            }
            let book = owned.shard.book();
            if let Some(book) = book.filter(|book| owned.told.rules != Some(book.revision)) {
                let value = json::encode("rules", book)?;
                records.push(self.river.plain(Topic::Status, *id, "rules", value));
                owned.told.rules = Some(book.revision);
            }
            let value = json::encode("status", &owned.shard.status())?;
            records.push(self.river.plain(Topic::Status, *id, "status", value));
        }
        self.writer.append(records)?;
        Ok(())
    }
}
