//! Signatures on Ripcord's topics: who writes instructions and rules signs them, and who folds
//! them asks here first.
//!
//! Law: a verdict depends on the record, its place and the keys, and on no clock.

use super::names::RULES;
use super::{RoleError, Topics};
use crate::edge::log::{Outgoing, Partition, Record, Topic};
use crate::model::RuleSet;
use crate::shard::Inbox;
use crate::wire::json;
use crate::wire::seal::{SealRefusal, Sealed, in_time};

/// What a signature calls rules, on the inbox and on the status topic.
const RULES_KIND: &str = "rules";

/// What a signature calls a record of the inbox, and its id there; `None`: it needs none.
fn signed_as(record: &Inbox) -> Option<(&'static str, String)> {
    match record {
        Inbox::Rules(rule_set) => Some((RULES_KIND, rule_set.revision.to_string())),
        Inbox::Instruction(instruction) => Some(("instruction", instruction.id.clone())),
        Inbox::Format { .. }
        | Inbox::Source { .. }
        | Inbox::Claim { .. }
        | Inbox::Frame(_)
        | Inbox::Heartbeat { .. }
        | Inbox::Fact(_)
        | Inbox::Answer(_)
        | Inbox::Tick => None,
    }
}

impl Topics {
    /// The headers of a record of the inbox.
    pub(super) fn seal(
        &self,
        to: &Partition,
        record: &Inbox,
        value: &[u8],
    ) -> Vec<(String, Vec<u8>)> {
        let Some((kind, id)) = signed_as(record) else { return Vec::new() };
        self.sealed(to, kind, &id, value).sign(&self.keys, self.log.now())
    }

    /// Whether a record of the inbox may be folded.
    ///
    /// # Errors
    /// It needs a signature and has no valid one.
    pub(crate) fn check_seal(
        &self,
        at: &Partition,
        record: &Record,
        read: &Inbox,
    ) -> Result<(), SealRefusal> {
        let Some((kind, id)) = signed_as(read) else { return Ok(()) };
        let sealed = self.sealed(at, kind, &id, &record.value);
        let issued = sealed.check(&self.keys, &record.headers)?;
        // Log time on both sides: where a clock was set back, it is ahead of that clock.
        in_time(issued, record.vouched.then_some(record.time))
    }

    /// A copy of the rules in force, signed, for the status topic.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub(crate) fn rules_copy(
        &self,
        shard: u32,
        rule_set: &RuleSet,
    ) -> Result<Outgoing, json::JsonError> {
        let value = json::encode("rules", rule_set)?;
        let mut record = self.plain(Topic::Status, shard, RULES, value);
        let id = rule_set.revision.to_string();
        let sealed = self.sealed(&record.to, RULES_KIND, &id, &record.value);
        record.headers = sealed.sign(&self.keys, self.log.now());
        Ok(record)
    }

    /// The copy that a shard left of its rules. With `check` only one that is signed, however long
    /// ago: another user may write to that topic, too.
    ///
    /// # Errors
    /// Storage.
    pub(crate) fn copied_rules(
        &self,
        shard: u32,
        check: bool,
    ) -> Result<Option<Result<RuleSet, SealRefusal>>, RoleError> {
        let Some(record) = self.latest(Topic::Status, shard, RULES)? else { return Ok(None) };
        let rule_set: RuleSet = json::decode("rules", &record.value)?;
        let (at, id) = (self.partition(Topic::Status, shard), rule_set.revision.to_string());
        let sealed = self.sealed(&at, RULES_KIND, &id, &record.value);
        if check && let Err(why) = sealed.check(&self.keys, &record.headers) {
            return Ok(Some(Err(why)));
        }
        Ok(Some(Ok(rule_set)))
    }

    fn sealed<'a>(
        &'a self,
        at: &'a Partition,
        kind: &'a str,
        id: &'a str,
        value: &'a [u8],
    ) -> Sealed<'a> {
        let namespace = self.namespace.as_str();
        Sealed { namespace, topic: &at.topic, partition: at.partition, kind, id, value }
    }
}
