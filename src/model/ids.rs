//! Names, each kind with its own type so that they cannot be mixed up.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty.
    #[error("the name is empty; use at least one character")]
    Empty,
    /// It is longer than 249 bytes.
    #[error("the name is {0} bytes long; use at most {MAX_BYTES}")]
    TooLong(usize),
    /// It contains a control character such as a line break.
    #[error("the name contains a control character; remove it")]
    Control,
}

/// The longest name, in bytes of UTF-8.
const MAX_BYTES: usize = 249;

/// Checks a name without creating one.
///
/// # Errors
/// Empty, longer than 249 bytes, or with a control character.
pub fn check_name(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(NameError::TooLong(text.len()));
    }
    let control = match text.is_ascii() {
        true => text.bytes().any(|byte| byte.is_ascii_control()),
        false => text.chars().any(char::is_control),
    };
    if control { Err(NameError::Control) } else { Ok(()) }
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
            /// Empty, longer than 249 bytes, or with a control character.
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
