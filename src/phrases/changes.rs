//! How new rules differ from those in force.

use std::collections::BTreeSet;

use crate::model::{ModelId, ModelRules, RuleSet};

/// One difference between two rule sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleChange {
    /// In words.
    pub text: String,
    /// Fewer rollbacks act afterwards: a target is removed, or a mode is lowered.
    pub loses: bool,
}

/// How `new` differs from `old`: first for every model, then for those with rules of their own.
#[must_use]
pub fn changes(old: &RuleSet, new: &RuleSet) -> Vec<RuleChange> {
    let mut found = between("every model", &old.default, &new.default);
    let named: BTreeSet<&ModelId> = old.models.keys().chain(new.models.keys()).collect();
    for model in named {
        found.extend(between(model.as_str(), old.of(model), new.of(model)));
    }
    if found.is_empty() && old.hash != new.hash {
        let text = "budgets, policies or the namespace changed".to_owned();
        found.push(RuleChange { text, loses: false });
    }
    found
}

fn between(of: &str, old: &ModelRules, new: &ModelRules) -> Vec<RuleChange> {
    let mut found = Vec::new();
    let mut say =
        |loses, text: String| found.push(RuleChange { text: format!("{of}: {text}"), loses });
    if old.mode != new.mode {
        let text = format!("mode {} (was {})", new.mode.name(), old.mode.name());
        say(new.mode < old.mode, text);
    }
    for target in old.targets.iter().filter(|t| !new.targets.iter().any(|n| n.id == t.id)) {
        say(true, format!("target {} removed", target.id));
    }
    for target in new.targets.iter().filter(|t| !old.targets.iter().any(|o| o.id == t.id)) {
        say(false, format!("target {} added", target.id));
    }
    for old in &old.triggers {
        match new.triggers.iter().find(|new| new.id == old.id) {
            None => say(false, format!("trigger {} removed", old.id)),
            Some(new) if new != old => say(false, format!("trigger {} changed", old.id)),
            Some(_) => {}
        }
    }
    for trigger in new.triggers.iter().filter(|t| !old.triggers.iter().any(|o| o.id == t.id)) {
        say(false, format!("trigger {} added", trigger.id));
    }
    found
}
