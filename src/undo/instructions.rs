//! What people ask for. The same id asked twice is asked once.
//!
//! Choices: the last instruction on a mode or a freeze wins, so one for all models replaces what
//! was set for single ones.

use super::context::{GlobalOverrides, ModelContext};
use super::models::KnownModels;
use super::next::{UNFREEZE_ALL, unfreeze};
use super::{Moment, Output, Reply, Undo};
use crate::model::{Ask, IncidentId, Instruction, ModelId, RuleSet, Scope};
use crate::phrases::closest;

/// Models and versions named where one is not known.
pub(super) const NAMED: usize = 8;
/// Replies to instructions that are kept, so that asking twice is asking once.
const REPLIES_KEPT: usize = 256;

/// Taken, with words and an incident; or refused, with words.
pub(super) type Handled = Result<(String, Option<IncidentId>), String>;

impl Undo {
    /// A person or a program asks something.
    pub(super) fn instruction(
        &mut self,
        now: Moment,
        rules: &RuleSet,
        instruction: &Instruction,
        out: &mut Vec<Output>,
    ) {
        if let Some(said) = self.replies.iter().find(|r| r.instruction == instruction.id) {
            out.push(Output::Reply(said.clone()));
            return;
        }
        let reply = match instruction.ask.model() {
            Some(id) if !self.known(rules, id) => self.unknown(instruction, id),
            Some(id) => self.with(now, rules, id, out, |context| context.instruction(instruction)),
            None => self.for_all(now, rules, instruction, out),
        };
        if self.replies.len() >= REPLIES_KEPT {
            self.replies.pop_front();
        }
        self.replies.push_back(reply.clone());
        out.push(Output::Reply(reply));
    }

    /// Whether telemetry, a fact or the rules named a model.
    fn known(&self, rules: &RuleSet, id: &ModelId) -> bool {
        self.models.contains(id) || rules.models.contains_key(id)
    }

    /// A mistyped name must not look like a safety that is on.
    fn unknown(&self, instruction: &Instruction, id: &ModelId) -> Reply {
        let known: Vec<_> = self.models.names().map(ModelId::as_str).collect();
        let meant = closest(id.as_str(), &known);
        let check = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => "check the name, or try again a minute after its first records".to_owned(),
        };
        let detail = format!(
            "model {id} is not known: no telemetry of it was judged yet, and no target and no rule \
             names it. Nothing was done; {check}"
        );
        let instruction = instruction.id.clone();
        Reply { instruction, accepted: false, detail, incident: None }
    }

    fn for_all(
        &mut self,
        now: Moment,
        rules: &RuleSet,
        instruction: &Instruction,
        out: &mut Vec<Output>,
    ) -> Reply {
        let detail = set_for_all(&mut self.every, &mut self.models, instruction);
        let unfrozen = matches!(instruction.ask, Ask::Unfreeze { .. });
        for id in self.models() {
            self.with(now, rules, &id, out, |context| {
                if unfrozen {
                    context.unfrozen();
                } else {
                    context.stop_what_is_not_switched();
                }
            });
        }
        Reply { instruction: instruction.id.clone(), accepted: true, detail, incident: None }
    }
}

/// Sets a mode, a freeze or its end for all models; the words of the reply.
fn set_for_all(
    every: &mut GlobalOverrides,
    models: &mut KnownModels,
    instruction: &Instruction,
) -> String {
    let why = words(instruction);
    match &instruction.ask {
        Ask::Mode { scope, mode } => {
            every.mode = Some(*mode);
            models.change_all(|model| model.mode = None);
            format!("{} is in mode {}.", scope_name(scope), mode.name())
        }
        Ask::Freeze { scope } => {
            every.frozen = Some(why);
            format!("Automatic action is frozen for {}.", scope_name(scope))
        }
        Ask::Unfreeze { scope } => {
            every.frozen = None;
            models.change_all(|model| {
                model.frozen = None;
                model.rollbacks.clear();
            });
            format!("Automatic action is allowed again for {}.", scope_name(scope))
        }
        Ask::Rollback { .. }
        | Ask::Abort { .. }
        | Ask::Approve { .. }
        | Ask::Promoted { .. }
        | Ask::Vouch { .. }
        | Ask::Quarantine { .. }
        | Ask::Release { .. } => "This instruction needs a model.".to_owned(),
    }
}

impl ModelContext<'_> {
    /// A person or a program asks something of this model.
    pub(super) fn instruction(&mut self, instruction: &Instruction) -> Reply {
        let why = words(instruction);
        let answered = match &instruction.ask {
            Ask::Rollback { to, .. } => self.roll_back(to.as_ref(), &why),
            Ask::Abort { .. } => self.abort(&why),
            Ask::Approve { .. } => self.approved(&why),
            Ask::Mode { mode, .. } => {
                self.model.mode = Some(*mode);
                Ok((format!("{} is in mode {}.", self.id, mode.name()), None))
            }
            Ask::Freeze { .. } => {
                self.model.frozen = Some(why);
                self.stop_what_is_not_switched();
                Ok((format!("Automatic action is frozen for {}.", self.id), None))
            }
            Ask::Unfreeze { .. } => self.unfreeze(),
            Ask::Promoted { version, .. } => self.promoted(version),
            Ask::Vouch { version, .. } => self.vouch(version),
            Ask::Quarantine { version, .. } => self.quarantine(version, &why),
            Ask::Release { version, .. } => self.release(version),
        };
        let instruction = instruction.id.clone();
        match answered {
            Ok((detail, incident)) => Reply { instruction, accepted: true, detail, incident },
            Err(detail) => Reply { instruction, accepted: false, detail, incident: None },
        }
    }

    fn unfreeze(&mut self) -> Handled {
        if let Some(why) = &self.every.frozen {
            return Err(format!("every model is frozen ({why}); run `{UNFREEZE_ALL}`"));
        }
        self.model.frozen = None;
        self.model.rollbacks.clear();
        self.unfrozen();
        let words = "earlier rollbacks no longer count against the limit";
        Ok((format!("Automatic action is allowed again for {}; {words}.", self.id), None))
    }

    /// No incident names the command any longer that lifted the freeze.
    fn unfrozen(&mut self) {
        self.given(&unfreeze(self.id));
        self.given(UNFREEZE_ALL);
    }
}

/// Who and why, in one line.
fn words(instruction: &Instruction) -> String {
    format!("{}: {}", instruction.by, instruction.reason)
}

/// The word for a scope in replies.
fn scope_name(scope: &Scope) -> String {
    match scope {
        Scope::All => "every model".to_owned(),
        Scope::Model(model) => model.to_string(),
    }
}
