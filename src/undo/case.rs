//! An incident and what only undo needs to know of it.

use serde::{Deserialize, Serialize};

use super::explanation::Explanation;
use super::proof::ProofProgress;
use super::transition::{IllegalMove, next_state};
use crate::model::{Incident, IncidentEvent, IncidentState, LogTime};

/// What an incident is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// A trigger spoke.
    Trigger,
    /// A person asked.
    Manual,
    /// Two sources disagree on the version in production.
    Dispute,
    /// A quarantined version is in production.
    Returned,
}

/// An incident and what only undo needs of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Case {
    pub(super) incident: Incident,
    pub(super) kind: Kind,
    /// Its rollback began automatically.
    pub(super) automatic: bool,
    /// When the step under way is asked for again.
    pub(super) ask_at: Option<LogTime>,
    /// When its state has lasted too long, or long enough.
    pub(super) deadline: Option<LogTime>,
    /// How far its proof has come.
    pub(super) watch: ProofProgress,
    /// Its record changed in this step.
    #[serde(skip)]
    pub(super) changed: bool,
}

impl Case {
    /// Over.
    pub(super) fn closed(&self) -> bool {
        self.incident.state == IncidentState::Resolved
    }

    /// Commands are out.
    pub(super) fn under_way(&self) -> bool {
        self.incident.state == IncidentState::Mitigating
    }

    /// Live traffic has shown the switch.
    pub(super) fn restored(&self) -> bool {
        match self.incident.state {
            IncidentState::Mitigated
            | IncidentState::Verified
            | IncidentState::MitigatedUnverified => true,
            IncidentState::Open
            | IncidentState::Mitigating
            | IncidentState::Resolved
            | IncidentState::Frozen
            | IncidentState::Stuck => false,
        }
    }

    /// Nothing of it is under way or done; it waits.
    pub(super) fn waits(&self) -> bool {
        match self.incident.state {
            IncidentState::Open | IncidentState::Frozen | IncidentState::Stuck => true,
            IncidentState::Mitigating
            | IncidentState::Mitigated
            | IncidentState::Verified
            | IncidentState::MitigatedUnverified
            | IncidentState::Resolved => false,
        }
    }

    /// Changes the record and notes whether it did.
    pub(super) fn amend(&mut self, change: impl FnOnce(&mut Incident)) {
        let before = self.incident.clone();
        change(&mut self.incident);
        self.changed |= before != self.incident;
    }

    /// Moves on.
    ///
    /// # Errors
    /// The table has no such move; nothing was changed.
    pub(super) fn advance(
        &mut self,
        event: IncidentEvent,
        now: LogTime,
        why: Explanation,
    ) -> Result<(), IllegalMove> {
        self.incident.state = next_state(self.incident.state, event)?;
        self.incident.because = why.because;
        self.incident.next = why.next;
        self.incident.changed_at = now;
        self.changed = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(state: IncidentState) -> Case {
        let example = include_str!("../../schemas/incident.v1.example.json");
        let incident = Incident { state, ..serde_json::from_str(example).unwrap() };
        let watch = ProofProgress::default();
        let (ask_at, deadline) = (None, None);
        Case {
            incident,
            kind: Kind::Trigger,
            automatic: true,
            ask_at,
            deadline,
            watch,
            changed: false,
        }
    }

    #[test]
    fn an_illegal_move_changes_nothing_and_says_what_it_was() {
        let why = || Explanation::new("a_test", "A test.".to_owned()).then(Some("x".to_owned()));
        let mut over = case(IncidentState::Resolved);
        let before = over.clone();
        let at = LogTime::from_ms(1);
        let (from, phase) = (IncidentState::Resolved, IncidentEvent::Act);
        assert_eq!(over.advance(phase, at, why()), Err(IllegalMove { from, phase }));
        assert_eq!(over, before);
        let mut open = case(IncidentState::Open);
        assert_eq!(open.advance(phase, at, why()), Ok(()));
        assert_eq!(open.incident.state, IncidentState::Mitigating);
        assert_eq!((open.incident.because.as_str(), open.changed), ("A test.", true));
        assert_eq!(open.incident.next.as_deref(), Some("x"));
    }
}
