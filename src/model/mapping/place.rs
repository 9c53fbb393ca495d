//! Where a value is in a record.

use std::fmt;

/// Where a value is.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldPlace {
    /// As it was written.
    pub text: String,
    /// Where to begin.
    pub root: PlaceRoot,
    /// The way from there.
    pub steps: Vec<PathStep>,
    /// What is inside the text that is there.
    pub views: Vec<TextView>,
    /// How far one pass over the record comes on that way.
    pub in_tree: Option<InTree>,
}

/// How far the tree goes on the way to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InTree {
    /// The number under which it is found.
    pub found: usize,
    /// How many of its steps that takes.
    pub steps: usize,
}

/// Where a place begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceRoot {
    /// The record's value; of an event that is opened, its data.
    Record,
    /// The element of the record that becomes this sample.
    Element,
    /// A header of the record.
    Header(String),
    /// An attribute of the event, wherever its form has it.
    Attribute(String),
    /// The record's key.
    Key,
    /// The name of its topic.
    Topic,
    /// When the log took the record.
    LogTime,
    /// Nowhere: the record does not say it.
    Nothing,
}

impl PlaceRoot {
    pub(super) fn is_record(&self) -> bool {
        *self == Self::Record
    }

    pub(super) fn is_element(&self) -> bool {
        *self == Self::Element
    }
}

/// A step from a value to one in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// The member of this name, or the element of this number.
    Member(String),
    /// `*`: any member or element. In a record, of a list that `each` goes through the element that
    /// becomes this sample; else the only one.
    Star,
    /// The element of a list whose member of the first name has the second as its text.
    Where(String, String),
}

/// What a text contains, and the way on in there.
#[derive(Debug, Clone, PartialEq)]
pub struct TextView {
    /// How to read the text.
    pub of: TextEncoding,
    /// The way from there.
    pub steps: Vec<PathStep>,
}

/// How a text contains what it says.
#[derive(Debug, Clone, PartialEq)]
pub enum TextEncoding {
    /// JSON.
    Json,
    /// Base64 of another text.
    Base64,
    /// Base64 if the word at the place says so, else as it is.
    Stated(Box<FieldPlace>),
    /// A row of cells separated by commas, of which this one; `None`: all of them as a list.
    Csv(Option<usize>),
    /// Several rows of cells.
    Rows,
    /// A whole number: how many elements there are.
    Count,
    /// JSON if it begins like an object or a list, else rows of cells.
    Auto,
    /// What is between two texts: after the first, up to the second or the end.
    Part(Vec<Piece>),
}

/// A piece of a pattern for a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// This text.
    Text(String),
    /// Anything, up to what follows.
    Any,
    /// The same, and that is the value.
    Value,
}

/// A move on the way to a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PlaceMove<'p> {
    /// To a value in the value.
    Step(&'p PathStep),
    /// To what the text contains.
    View(&'p TextEncoding),
}

impl FieldPlace {
    /// The way to it, from its beginning.
    pub fn moves(&self) -> impl Iterator<Item = PlaceMove<'_>> {
        let views = self.views.iter().flat_map(|view| {
            std::iter::once(PlaceMove::View(&view.of)).chain(view.steps.iter().map(PlaceMove::Step))
        });
        self.steps.iter().map(PlaceMove::Step).chain(views)
    }
}

impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1");
        match self {
            Self::Member(name) => f.write_str(&escaped(name)),
            Self::Star => f.write_str("*"),
            Self::Where(name, text) => write!(f, "[{}={}]", escaped(name), escaped(text)),
        }
    }
}

impl fmt::Display for FieldPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
