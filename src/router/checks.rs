//! What asking a version for its health has shown.

/// How many answers in a row turn a version's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckRules {
    /// Failed ones take it down.
    pub fall: u32,
    /// Good ones take it up again.
    pub rise: u32,
}

/// The health of a version, by its own word. It counts as up until it was found down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Checks {
    /// None: nobody has asked yet.
    pub(super) up: Option<bool>,
    /// Answers in a row that speak against `up`.
    against: u32,
}

impl Checks {
    /// An answer came, or none in time. Whether the version is up or down now, if that is news.
    pub(super) fn take(&mut self, ok: bool, rules: CheckRules) -> Option<bool> {
        let up = self.is_up();
        if self.up.is_none() && ok {
            self.up = Some(true);
        }
        if ok == up {
            self.against = 0;
            return None;
        }
        self.against += 1;
        if self.against < if up { rules.fall } else { rules.rise } {
            return None;
        }
        (self.up, self.against) = (Some(ok), 0);
        Some(ok)
    }

    pub(super) fn is_up(&self) -> bool {
        self.up != Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_turns_after_so_many_in_a_row() {
        for (answers, expected) in [
            ("+++", "???"),
            ("--", "??"),
            ("---", "??d"),
            ("--+--", "?????"),
            ("---+", "??d?"),
            ("---++", "??d?u"),
            ("---+-++---", "??d???u??d"),
        ] {
            let mut checks = Checks::default();
            let mut take = |c| match checks.take(c == '+', CheckRules { fall: 3, rise: 2 }) {
                None => '?',
                Some(true) => 'u',
                Some(false) => 'd',
            };
            assert_eq!(answers.chars().map(&mut take).collect::<String>(), expected, "{answers}");
        }
    }
}
