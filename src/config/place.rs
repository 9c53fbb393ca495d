//! A place in a registry file, as the config writes it.

use std::fmt;

use super::mapping::steps;
use crate::model::PathStep;

/// A place in a registry file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `/a/b`: from the top of the document; `""` is the document.
    Document(Vec<PathStep>),
    /// `./a/b`: from the entry.
    Entry(Vec<PathStep>),
    /// `key`: the key of the entry in the object that holds the entries.
    Key,
    /// `*`: the key in the place of the `*` in `entries`.
    Group,
}

impl Place {
    /// A field of the entry.
    #[must_use]
    pub fn field(name: &str) -> Self {
        Self::Entry(vec![PathStep::Member(name.to_owned())])
    }

    /// Reads a place; `None` if the text is not one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "key" => Some(Self::Key),
            "*" => Some(Self::Group),
            "" => Some(Self::Document(Vec::new())),
            _ => match text.strip_prefix('.') {
                Some(rest) => named(rest).map(Self::Entry),
                None => named(text).map(Self::Document),
            },
        }
    }

    pub(super) fn steps(&self) -> &[PathStep] {
        match self {
            Self::Document(steps) | Self::Entry(steps) => steps,
            Self::Key | Self::Group => &[],
        }
    }
}

/// The steps of a pointer. `None`: it has an empty one.
fn named(pointer: &str) -> Option<Vec<PathStep>> {
    steps(pointer).filter(|steps| !steps.contains(&PathStep::Member(String::new())))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Document(_) => "",
            Self::Entry(_) => ".",
            Self::Key => "key",
            Self::Group => "*",
        })?;
        self.steps().iter().try_for_each(|step| write!(f, "/{step}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_it_was_read() {
        for text in ["", "/a", "./a", "./a/*", "/a/*/b", "key", "*", "/a~1b~0c", "/x/[k=v~1w]/z"] {
            assert_eq!(Place::parse(text).map(|place| place.to_string()).as_deref(), Some(text));
        }
        for text in ["a", ".", "./", "/", "/a//b", "/a~b", "keys", "**"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
        let step = PathStep::Where("alias".to_owned(), "champion".to_owned());
        assert_eq!(Place::parse("/[alias=champion]"), Some(Place::Document(vec![step])));
    }
}
