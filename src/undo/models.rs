//! The models that undo knows: when each is due, and which of them changed.
//!
//! Law: a step costs what the models cost that it is about, never what all of them do.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::state::ModelState;
use crate::model::{LogTime, ModelId};
use crate::sums::SharedPart;

/// All models. Two are equal if their states are; what changed lately is no part of that.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "States", into = "States")]
pub(super) struct KnownModels {
    states: States,
    /// The deadlines, soonest first.
    due: BTreeSet<(LogTime, ModelId)>,
    /// Changed since it was last asked.
    changed: BTreeSet<ModelId>,
}

type States = BTreeMap<ModelId, SharedPart<ModelState>>;

impl KnownModels {
    pub(super) fn get(&self, id: &ModelId) -> Option<&ModelState> {
        self.states.get(id).map(|state| &**state)
    }

    pub(super) fn contains(&self, id: &ModelId) -> bool {
        self.states.contains_key(id)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &ModelId> {
        self.states.keys()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ModelState> {
        self.states.values().map(|state| &**state)
    }

    /// Changes a model, which becomes known if it was not.
    pub(super) fn change<T>(&mut self, id: &ModelId, act: impl FnOnce(&mut ModelState) -> T) -> T {
        if !self.states.contains_key(id) {
            self.states.insert(id.clone(), SharedPart::default());
        }
        let state = self.states.entry(id.clone()).or_default();
        let before = state.wakeup;
        let result = act(state);
        let after = state.wakeup;
        if before != after {
            self.wake(id, before, after);
        }
        if !self.changed.contains(id) {
            self.changed.insert(id.clone());
        }
        result
    }

    /// Forgets a model.
    pub(super) fn remove(&mut self, id: &ModelId) {
        if let Some(state) = self.states.remove(id) {
            self.wake(id, state.wakeup, None);
            self.changed.insert(id.clone());
        }
    }

    /// Changes every model.
    pub(super) fn change_all(&mut self, act: impl Fn(&mut ModelState)) {
        for id in self.states.keys().cloned().collect::<Vec<_>>() {
            self.change(&id, &act);
        }
    }

    fn wake(&mut self, id: &ModelId, before: Option<LogTime>, after: Option<LogTime>) {
        if let Some(before) = before {
            self.due.remove(&(before, id.clone()));
        }
        if let Some(after) = after {
            self.due.insert((after, id.clone()));
        }
    }

    /// The soonest deadline.
    pub(super) fn next_wakeup(&self) -> Option<LogTime> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The models whose deadline has come, by name.
    pub(super) fn due(&self, now: LogTime) -> BTreeSet<ModelId> {
        self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| id.clone()).collect()
    }

    /// The models that changed since this was last asked.
    pub(super) fn take_changed(&mut self) -> BTreeSet<ModelId> {
        std::mem::take(&mut self.changed)
    }

    /// A copy of one model, which shares its state.
    pub(super) fn shared(&self, id: &ModelId) -> Option<SharedPart<ModelState>> {
        self.states.get(id).cloned()
    }

    pub(super) fn put(&mut self, id: ModelId, state: SharedPart<ModelState>) {
        let before = self.get(&id).and_then(|state| state.wakeup);
        self.wake(&id, before, state.wakeup);
        self.states.insert(id, state);
    }
}

impl PartialEq for KnownModels {
    fn eq(&self, other: &Self) -> bool {
        self.states == other.states
    }
}

/// States that were read at once have not been told to anybody.
impl From<States> for KnownModels {
    fn from(states: States) -> Self {
        let mut known = Self { changed: states.keys().cloned().collect(), ..Self::default() };
        states.into_iter().for_each(|(id, state)| known.put(id, state));
        known
    }
}

impl From<KnownModels> for States {
    fn from(known: KnownModels) -> Self {
        known.states
    }
}
