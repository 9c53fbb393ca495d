//! How time moves on in a lane, and what that closes.

use super::ledger::Disposition;
use super::{Lane, Output};

impl Lane {
    pub(super) fn drained(&mut self, topic: usize, out: &mut Vec<Output>) {
        self.ledger.drained(topic);
        self.catch_up(out);
        self.advance();
    }

    /// Ends the re-read once no topic is behind.
    pub(super) fn catch_up(&mut self, out: &mut Vec<Output>) {
        if !self.behind || !self.ledger.caught_up() {
            return;
        }
        self.join.caught_up();
        for (model, request, at) in std::mem::take(&mut self.lost_labels) {
            self.lose_labels_known(model, request, &at);
        }
        // What a former life had given up on.
        self.marks.mark().into_iter().for_each(|mark| self.give_up_halves(mark));
        let held = self.held().count() as u64 + self.halves.len() as u64;
        self.ledger.reconcile(self.join.outcomes_waiting() + held);
        self.behind = false;
        for topic in 0..self.flushed.topics() {
            let settled = self.clocks.caught_up(topic);
            self.settle(settled, out);
        }
    }

    /// Moves the watermark on and closes what it passes; not while records are read again.
    pub(super) fn advance(&mut self) {
        if self.behind {
            return;
        }
        for topic in 0..self.flushed.topics() {
            self.marks.observe(topic, self.clocks.newest(topic));
        }
        if self.marks.advance() {
            self.close();
        }
    }

    fn close(&mut self) {
        let Some(mark) = self.marks.mark() else { return };
        self.give_up_halves(mark);
        let waiting = self.panes.close(mark);
        let unmatched = self.join.give_up(waiting);
        let whole = self.warm() >= 1.0;
        for model in unmatched {
            self.ledger.settle(Disposition::Unmatched);
            // The lane may have forgotten the prediction that it would have met.
            if !whole {
                self.lose_label_of(model);
            }
        }
        self.join.forget(mark);
        self.inputs.forget(mark);
        let panes = &self.panes;
        self.unmet.retain(|(newest, _)| panes.is_open(*newest));
    }

    pub(super) fn end(&mut self, out: &mut Vec<Output>) {
        self.ledger.drained_all();
        self.catch_up(out);
        let settled = self.clocks.end();
        self.settle(settled, out);
        self.advance();
        let newest = self.marks.newest().map(|newest| self.panes.end_of(newest));
        if self.marks.raise(newest.max(self.panes.end_of_last())) {
            self.close();
        }
    }
}
