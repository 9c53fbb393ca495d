//! A place in a registry file, as the config writes it.

use std::fmt;

/// A place in a registry file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `/a/b`: from the top of the document; `""` is the document.
    Document(Vec<PlaceStep>),
    /// `./a/b`: from the entry.
    Entry(Vec<PlaceStep>),
    /// `key`: the key of the entry in the object that holds the entries.
    Key,
    /// `*`: the key in the place of the `*` in `entries`.
    Group,
}

/// One step on the way to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceStep {
    /// A field of an object, or the number of an item in a list.
    Member(String),
    /// `*`: every member.
    Every,
    /// `field=text`: the first object in a list with this text in this field.
    With {
        /// The field.
        field: String,
        /// Its text.
        text: String,
    },
}

impl Place {
    /// A field of the entry.
    #[must_use]
    pub fn field(name: &str) -> Self {
        Self::Entry(vec![PlaceStep::Member(name.to_owned())])
    }

    /// Reads a place; `None` if the text is not one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "key" => Some(Self::Key),
            "*" => Some(Self::Group),
            "" => Some(Self::Document(Vec::new())),
            _ => match text.strip_prefix("./") {
                Some(rest) => steps(rest).map(Self::Entry),
                None => steps(text.strip_prefix('/')?).map(Self::Document),
            },
        }
    }

    pub(super) fn steps(&self) -> &[PlaceStep] {
        match self {
            Self::Document(steps) | Self::Entry(steps) => steps,
            Self::Key | Self::Group => &[],
        }
    }
}

fn steps(text: &str) -> Option<Vec<PlaceStep>> {
    let step = |part: &str| {
        let valid = part.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        let plain = |part: &str| part.replace("~1", "/").replace("~0", "~");
        if part.is_empty() || !valid {
            return None;
        }
        Some(match part.split_once('=') {
            _ if part == "*" => PlaceStep::Every,
            Some((field, text)) => PlaceStep::With { field: plain(field), text: plain(text) },
            None => PlaceStep::Member(plain(part)),
        })
    };
    text.split('/').map(step).collect()
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

impl fmt::Display for PlaceStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1");
        match self {
            Self::Member(name) => f.write_str(&escaped(name)),
            Self::Every => f.write_str("*"),
            Self::With { field, text } => write!(f, "{}={}", escaped(field), escaped(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_it_was_read() {
        for text in ["", "/a", "./a", "./a/*", "/a/*/b", "key", "*", "/a~1b~0c", "/x/k=v~1w/z"] {
            assert_eq!(Place::parse(text).map(|place| place.to_string()).as_deref(), Some(text));
        }
        for text in ["a", ".", "./", "/", "/a//b", "/a~b", "keys", "**"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
        let step = PlaceStep::With { field: "alias".to_owned(), text: "champion".to_owned() };
        assert_eq!(Place::parse("/alias=champion"), Some(Place::Document(vec![step])));
    }
}
