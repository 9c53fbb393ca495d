//! Ticks: time passes for a shard although nothing comes.

use super::Decide;
use crate::model::Span;
use crate::shard::Inbox;
use crate::topics::RoleError;

/// Time between two ticks while a deadline is due.
const TICK_EVERY: Span = Span::from_s(1);

impl Decide {
    /// Appends a tick to each inbox whose deadline has come and where nothing else did.
    pub(super) fn tick(&mut self) -> Result<(), RoleError> {
        let (now, uptime) = (self.topics.log.now(), self.topics.log.uptime());
        let mut due = Vec::new();
        for (id, owned) in &mut self.owned {
            // Where brokers set their clock back, a shard's log time is ahead of everybody's clock.
            let now = now.max(owned.shard.log_time() + (uptime - owned.folded_at));
            let wanted = owned.shard.next_wakeup().is_some_and(|at| at <= now);
            let free = owned.ticked.is_none_or(|last| uptime - last >= TICK_EVERY);
            if wanted && owned.at_end && free {
                owned.ticked = Some(uptime);
                due.push(self.topics.inbox(*id, None, &Inbox::Tick)?);
            }
        }
        if !due.is_empty() {
            self.writer.append(due)?;
        }
        Ok(())
    }
}
