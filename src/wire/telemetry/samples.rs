//! What a record holds, and what people who connect its source are told of it.

use super::Rejected;
use crate::model::{LostField, Reject, Sample, SampleKind};

/// A field that a sample has and that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Which.
    pub field: LostField,
    /// What was found, and what to do.
    pub detail: String,
}

/// What people who connect a source are told of its records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// Fields that could not be used.
    pub losses: Vec<Loss>,
    /// The fields that were looked for.
    pub fields: Vec<FieldTold>,
}

/// A field that was looked for in a record or in an element of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTold {
    /// Its name.
    pub field: String,
    /// For which kind of sample, as far as that is known.
    pub kind: Option<SampleKind>,
    /// At which of its places it was found.
    pub place: Option<usize>,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Samples<'a> {
    /// One sample, or why there is none.
    One(Result<Sample<'a>, Rejected>),
    /// Several of them.
    Several(Vec<Result<Sample<'a>, Rejected>>),
    /// Nothing that is meant: the mapping leaves such records out.
    NotOurs,
}

impl<'a> Samples<'a> {
    /// The first sample, for those who expect no more.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn one(self) -> Result<Sample<'a>, Rejected> {
        match self {
            Self::One(read) => read,
            Self::Several(all) => all.into_iter().next().unwrap_or_else(|| Err(not_ours())),
            Self::NotOurs => Err(not_ours()),
        }
    }

    /// The first sample that can be used.
    pub fn first(&self) -> Option<&Sample<'a>> {
        match self {
            Self::One(read) => read.as_ref().ok(),
            Self::Several(all) => all.iter().find_map(|read| read.as_ref().ok()),
            Self::NotOurs => None,
        }
    }
}

impl Samples<'_> {
    /// How many there are, whether or not they can be used.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Several(all) => all.len(),
            Self::NotOurs => 0,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Leaves out samples; false if that leaves nothing.
    pub fn keep(&mut self, mut keep: impl FnMut(&Sample<'_>) -> bool) -> bool {
        match self {
            Self::One(Ok(sample)) => keep(sample),
            Self::Several(all) => {
                all.retain(|read| read.as_ref().map_or(true, &mut keep));
                !all.is_empty()
            }
            Self::One(Err(_)) | Self::NotOurs => true,
        }
    }
}

impl<'a> IntoIterator for Samples<'a> {
    type Item = Result<Sample<'a>, Rejected>;
    type IntoIter =
        std::iter::Chain<std::option::IntoIter<Self::Item>, std::vec::IntoIter<Self::Item>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, several) = match self {
            Self::One(read) => (Some(read), Vec::new()),
            Self::Several(all) => (None, all),
            Self::NotOurs => (None, Vec::new()),
        };
        one.into_iter().chain(several)
    }
}

fn not_ours() -> Rejected {
    Rejected::new(Reject::UnknownType, "only leaves the record out")
}
