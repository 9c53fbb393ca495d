//! State that copies share.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A part of a state. A copy costs nothing until one of the two changes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SharedPart<T>(Arc<T>);

impl<T> SharedPart<T> {
    /// A part that nobody shares yet.
    pub fn new(part: T) -> Self {
        Self(Arc::new(part))
    }
}

impl<T: Clone> SharedPart<T> {
    /// The part itself.
    pub fn take(self) -> T {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T> Deref for SharedPart<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for SharedPart<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}
