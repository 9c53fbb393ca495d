//! Names, each kind with its own type so that they cannot be mixed up.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::hidden::is_hidden;

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty.
    #[error("the name is empty; use at least one character")]
    Empty,
    /// It is longer than 249 bytes.
    #[error("the name is {0} bytes long; use at most {MAX_BYTES}")]
    TooLong(usize),
    /// It has nothing but spaces.
    #[error("the name is blank; use at least one character that can be seen")]
    Blank,
    /// It contains a control character such as a line break.
    #[error("the name contains the control character U+{:04X}; remove it", u32::from(*.0))]
    Control(char),
    /// It contains a character that cannot be seen, or that turns others around.
    #[error("the name contains the invisible character U+{:04X}; remove it", u32::from(*.0))]
    Hidden(char),
}

/// The longest name, in bytes of UTF-8.
const MAX_BYTES: usize = 249;

/// Checks a name without creating one.
///
/// # Errors
/// Empty, blank, longer than 249 bytes, or with a character that cannot be seen.
pub fn check_name(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(NameError::TooLong(text.len()));
    }
    let usual = |byte: u8| matches!(byte, b' '..=b'~');
    if !text.bytes().all(usual)
        && let Some(hidden) = text.chars().find(|c| is_hidden(*c))
    {
        let control = hidden.is_control();
        return Err(if control { NameError::Control(hidden) } else { NameError::Hidden(hidden) });
    }
    if text.chars().all(char::is_whitespace) { Err(NameError::Blank) } else { Ok(()) }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and creates the name.
            ///
            /// # Errors
            /// Empty, blank, longer than 249 bytes, or with a character that cannot be seen.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check_name(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }
    )*};
}

names! {
    /// A model, as its producers call it: `credit-risk`.
    ModelId;
    /// One version of a model: `v3`.
    VersionId;
    /// A source: topics that belong together, as named in the config.
    SourceId;
    /// A rule on a signal: `accuracy-drop`.
    TriggerId;
    /// One input of a model: `dep_delay`.
    FeatureName;
    /// A target that a worker acts on, as named in the config: `registry`.
    TargetId;
    /// The environment that a Ripcord serves. It is part of every topic, group and event.
    Namespace;
    /// An incident.
    IncidentId;
    /// A command. Derived from its step, so that a repeated step has the same id.
    CommandId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_seen() {
        for good in ["credit-risk", "a b", " a", "modèle", "模型", "m<script>", "a/../b", "🚀"]
        {
            assert_eq!(check_name(good), Ok(()), "{good:?}");
        }
        for (bad, said) in [
            ("", "the name is empty; use at least one character"),
            ("   ", "the name is blank; use at least one character that can be seen"),
            ("\u{a0}\u{3000}", "the name is blank; use at least one character that can be seen"),
            ("a\nb", "the name contains the control character U+000A; remove it"),
            ("a\u{85}b", "the name contains the control character U+0085; remove it"),
            ("a\u{202e}b", "the name contains the invisible character U+202E; remove it"),
            ("\u{200b}", "the name contains the invisible character U+200B; remove it"),
            ("\u{feff}", "the name contains the invisible character U+FEFF; remove it"),
            ("\u{2028}x", "the name contains the invisible character U+2028; remove it"),
            ("\u{e0041}", "the name contains the invisible character U+E0041; remove it"),
        ] {
            let why = check_name(bad).unwrap_err();
            assert_eq!(why.to_string(), said, "{bad:?}");
            assert_eq!(ModelId::new(bad).unwrap_err(), why);
            assert_eq!(FeatureName::new(bad).unwrap_err(), why);
        }
    }
}
