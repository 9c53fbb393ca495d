//! Ids that are derived from what they stand for.
//!
//! Law: no prose enters an id. So a step that is asked for again, and a notice that a later build
//! words differently, is the same command and acts once.

use uuid::Uuid;

use crate::model::{
    CommandId, IncidentId, IncidentState, Namespace, Stage, TargetId, VersionId, Want,
};

/// Names hold no control characters, so a line per part is never read two ways.
fn derived(kind: &str, parts: &[&str]) -> String {
    let text = format!("ripcord:{kind}\n{}", parts.join("\n"));
    Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes()).hyphenated().to_string()
}

#[expect(clippy::expect_used, reason = "a UUID in hyphens is 36 plain characters")]
pub(super) fn incident_id(parts: &[&str]) -> IncidentId {
    IncidentId::new(&derived("incident", parts)).expect("a UUID is a name")
}

/// What the id of a command is derived from.
pub(super) struct CommandKey<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) incident: &'a IncidentId,
    pub(super) generation: u64,
    pub(super) target: &'a TargetId,
    pub(super) stage: Stage,
}

impl CommandKey<'_> {
    /// The command that makes a step of a plan true.
    pub(super) fn step(&self, want: &Want) -> CommandId {
        match want {
            Want::Production { version, instead_of } => {
                self.id(&["production", version.as_str(), instead_of.as_str()])
            }
            Want::Notice { .. } => self.id(&["notice", "begun"]),
        }
    }

    /// The notice that an incident is in `state`, for the reason `code`, and goes to `to`.
    pub(super) fn notice(
        &self,
        state: IncidentState,
        code: &str,
        to: Option<&VersionId>,
    ) -> CommandId {
        self.id(&["notice", state.name(), code, to.map_or("", VersionId::as_str)])
    }

    #[expect(clippy::expect_used, reason = "a UUID in hyphens is 36 plain characters")]
    fn id(&self, want: &[&str]) -> CommandId {
        let generation = self.generation.to_string();
        let (namespace, incident) = (self.namespace.as_str(), self.incident.as_str());
        let mut parts =
            vec![namespace, incident, &generation, self.target.as_str(), self.stage.name()];
        parts.extend_from_slice(want);
        CommandId::new(&derived("command", &parts)).expect("a UUID is a name")
    }
}
