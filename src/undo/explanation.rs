//! Why an incident is in its state.
//!
//! Law: `because` names no command. Codes never change: they are part of the ids of notices, which
//! hold no prose.

/// Why an incident is in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Explanation {
    /// The kind of reason.
    pub(super) code: &'static str,
    /// For people.
    pub(super) because: String,
    /// The command to type next, if one is needed.
    pub(super) next: Option<String>,
}

impl Explanation {
    /// A reason that asks nothing of people.
    pub(super) const fn new(code: &'static str, because: String) -> Self {
        Self { code, because, next: None }
    }

    /// The same, with the command to type next.
    pub(super) fn then(self, next: Option<String>) -> Self {
        Self { next, ..self }
    }
}
