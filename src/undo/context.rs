//! One model at one moment: what every part of undo works on.
//!
//! Law: an incident moves only through [`ModelContext::advance`], which refuses and counts a move
//! that is not in the table, and every change of an incident leaves through `hand_over`.

use serde::{Deserialize, Serialize};

use super::Output;
use super::api::Moment;
use super::case::Case;
use super::explanation::Explanation;
use super::state::ModelState;
use crate::model::{IncidentEvent, LogTime, Mode, ModelId, ModelRules, Namespace};

/// What was set at run time for all models.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct GlobalOverrides {
    pub(super) mode: Option<Mode>,
    pub(super) frozen: Option<String>,
}

/// What should not happen, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Anomalies {
    /// Moves of incidents that are not in the table: defects of Ripcord.
    pub(super) illegal_moves: u64,
    /// Generations reported by targets that are too high to be true.
    pub(super) refused_fences: u64,
}

/// One model at one moment.
pub(super) struct ModelContext<'a> {
    pub(super) now: Moment,
    pub(super) namespace: &'a Namespace,
    pub(super) born: Option<LogTime>,
    pub(super) rules: &'a ModelRules,
    pub(super) every: &'a GlobalOverrides,
    pub(super) anomalies: &'a mut Anomalies,
    pub(super) id: &'a ModelId,
    pub(super) model: &'a mut ModelState,
    pub(super) out: &'a mut Vec<Output>,
}

impl ModelContext<'_> {
    /// Emits the records that changed, and keeps memory bounded.
    pub(super) fn hand_over(&mut self) {
        // What changed one incident may have made the command of another one useless.
        for at in 0..self.model.cases.len() {
            self.refresh_next(at);
        }
        for case in &mut self.model.cases {
            if std::mem::take(&mut case.changed) {
                self.out.push(Output::Incident(case.incident.clone()));
            }
        }
        self.model.tidy();
    }

    /// Moves an incident on and notifies people. The caller asks only for moves that the table
    /// has; any other is a defect: it changes nothing, is counted, and stops a debug build.
    pub(super) fn advance(&mut self, at: usize, event: IncidentEvent, why: Explanation) {
        let now = self.now;
        let Some(case) = self.model.cases.get_mut(at) else { return };
        let code = why.code;
        if let Err(illegal) = case.advance(event, now.log, why) {
            self.anomalies.illegal_moves += 1;
            debug_assert!(false, "{illegal}");
            return;
        }
        if case.closed() {
            case.incident.closed_at = Some(now.event);
        }
        if case.under_way() {
            return;
        }
        case.ask_at = None;
        case.deadline = None;
        self.suggest_release(at);
        self.notify(at, code);
    }

    /// Why automatic action is stopped.
    pub(super) fn frozen(&self) -> Option<&str> {
        self.every.frozen.as_deref().or(self.model.frozen.as_deref())
    }

    pub(super) fn mode(&self) -> Mode {
        self.model.mode.or(self.every.mode).unwrap_or(self.rules.mode)
    }

    pub(super) fn case(&mut self, at: usize) -> Option<&mut Case> {
        self.model.cases.get_mut(at)
    }
}
