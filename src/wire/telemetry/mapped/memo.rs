//! What was found once for all elements of a record.
//!
//! Law: a record costs a few passes over its bytes, however many elements it has. So what is the
//! same for all of them is found once, and a list of which each takes one is taken apart once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bumpalo::Bump;

use super::stands::{Looked, Stands, Unreadable};
use super::step::only;
use crate::model::FieldPlace;
use crate::wire::telemetry::cursor::RawValue;
use crate::wire::telemetry::scan::elements;

/// How often the elements of a record together may look at what its bytes hold.
const PASSES: usize = 4;
/// A small record may be looked at so often in any case.
const LEAST: usize = 100_000;

/// What the elements of one record have in common.
#[derive(Default)]
pub(super) struct Memo<'a> {
    /// By the address of the place.
    places: RefCell<BTreeMap<usize, Result<Known<'a>, Unreadable>>>,
    /// By the address of the list.
    lists: RefCell<BTreeMap<usize, &'a [Stands<'a>]>>,
    /// The same for some of the elements: by the address of the place, and the numbers in the lists
    /// that it goes through.
    shared: RefCell<BTreeMap<(usize, Vec<usize>), Looked<'a>>>,
    /// What was looked at for all elements together.
    spent: Cell<usize>,
    /// Tensors as flat lists, by the address of the tensor.
    flat: RefCell<BTreeMap<usize, Result<&'a [Stands<'a>], Unreadable>>>,
}

/// How far the way to a place is the same for all elements.
#[derive(Clone, Copy)]
pub(super) enum Known<'a> {
    /// To its end.
    End(Option<Stands<'a>>),
    /// Up to a list of which each element takes one; then it goes on at this step.
    List(&'a [Stands<'a>], usize),
}

impl<'a> Known<'a> {
    /// What is at the end; in a list of several, nobody knows which is meant.
    pub(super) fn end(self) -> Looked<'a> {
        match self {
            Self::End(found) => Ok(found),
            Self::List(list, _) => only(list.iter().copied()),
        }
    }
}

impl<'a> Memo<'a> {
    pub(super) fn known(&self, place: &FieldPlace) -> Option<Result<Known<'a>, Unreadable>> {
        self.places.borrow().get(&std::ptr::from_ref(place).addr()).copied()
    }

    pub(super) fn keep(&self, place: &FieldPlace, known: Result<Known<'a>, Unreadable>) {
        self.places.borrow_mut().insert(std::ptr::from_ref(place).addr(), known);
    }

    /// Counts what is looked at for one element. Elements share a record's bytes, so together they
    /// have no more than those: what goes beyond is the same value for each, over and over.
    pub(super) fn spend(&self, count: usize, bytes: usize) -> Result<(), Unreadable> {
        self.spent.set(self.spent.get().saturating_add(count));
        match self.spent.get() > PASSES.saturating_mul(bytes).max(LEAST) {
            true => Err("the same for too many elements"),
            false => Ok(()),
        }
    }

    /// What some elements share at a place; `look` finds it for the first of them.
    pub(super) fn shared(
        &self,
        place: &FieldPlace,
        indices: &[usize],
        look: impl FnOnce() -> Looked<'a>,
    ) -> Looked<'a> {
        let key = (std::ptr::from_ref(place).addr(), indices.to_vec());
        if let Some(known) = self.shared.borrow().get(&key) {
            return *known;
        }
        let found = look();
        self.shared.borrow_mut().insert(key, found);
        found
    }

    /// The elements of a list. `None` if it is no list.
    pub(super) fn list(&self, list: Stands<'a>, texts: &'a Bump) -> Option<&'a [Stands<'a>]> {
        let list = match list {
            Stands::Json(RawValue::Array(list)) => list,
            Stands::List(list) => return Some(list),
            Stands::Json(_) | Stands::Text(_) | Stands::Time(_) => return None,
        };
        let key = list.as_ptr().addr();
        if let Some(known) = self.lists.borrow().get(&key) {
            return Some(known);
        }
        let all: Vec<_> = elements(list).map_while(Result::ok).map(Stands::Json).collect();
        let all = texts.alloc_slice_copy(&all);
        self.lists.borrow_mut().insert(key, all);
        Some(all)
    }

    /// A tensor as a flat list, which `flatten` makes.
    pub(super) fn flat(
        &self,
        tensor: Stands<'a>,
        flatten: impl FnOnce() -> Result<&'a [Stands<'a>], Unreadable>,
    ) -> Result<&'a [Stands<'a>], Unreadable> {
        let key = match tensor {
            Stands::Json(RawValue::Array(list)) => list.as_ptr().addr(),
            Stands::List(list) => list.as_ptr().addr(),
            Stands::Json(_) | Stands::Text(_) | Stands::Time(_) => return flatten(),
        };
        if let Some(known) = self.flat.borrow().get(&key) {
            return *known;
        }
        let flat = flatten();
        self.flat.borrow_mut().insert(key, flat);
        flat
    }
}
