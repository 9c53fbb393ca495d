//! One pass over an object, which finds every place that a tree of names knows.

use bumpalo::Bump;

use crate::model::{PlaceNode, PlaceTree};
use crate::wire::telemetry::cursor::{Broken, Cursor, RawValue, Text};
use crate::wire::telemetry::features::{self, Features};
use crate::wire::telemetry::fields::Found;
use crate::wire::telemetry::scan::Members;
use crate::wire::telemetry::value::text;

/// What the pass finds.
pub(super) struct Walk<'a, 'm> {
    tree: &'m PlaceTree,
    /// By the number of the place.
    pub(super) found: &'a mut [Found<'a>],
    /// Which nodes were there already.
    seen: &'a mut [bool],
    /// The inputs of the model, if all can be used.
    pub(super) features: Option<Features<'a>>,
}

impl<'a, 'm> Walk<'a, 'm> {
    /// Nothing is found yet.
    pub(super) fn new(tree: &'m PlaceTree, texts: &'a Bump) -> Self {
        let found = texts.alloc_slice_fill_with(tree.len(), |_| Found::Nowhere);
        let seen = texts.alloc_slice_fill_copy(tree.nodes(), false);
        Self { tree, found, seen, features: None }
    }

    /// Goes through the object that begins here.
    pub(super) fn object(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Broken> {
        self.members(cursor, 0)
    }

    fn members(&mut self, cursor: &mut Cursor<'a>, node: usize) -> Result<(), Broken> {
        let tree = self.tree;
        let mut all = Members::from(cursor.clone());
        while let Some(key) = all.key() {
            let key = key?;
            match tree.node(node).and_then(|node| child(node, key)) {
                Some(child) => self.member(all.place(), child)?,
                None => drop(all.place().value()?),
            }
        }
        *cursor = all.rest();
        Ok(())
    }

    fn member(&mut self, place: &mut Cursor<'a>, child: usize) -> Result<(), Broken> {
        let Some(node) = self.tree.node(child) else { return Ok(()) };
        place.blank();
        let from = place.at;
        let again = self.seen.get_mut(child).is_some_and(|seen| std::mem::replace(seen, true));
        if again {
            place.value()?;
            self.twice(node);
            return Ok(());
        }
        if self.tree.features() == Some(child) {
            self.features = features::usual(place);
        }
        let value = if self.features.is_some() && place.at > from {
            RawValue::Object(place.since(from))
        } else if !node.children.is_empty() && place.peek() == Some(b'{') {
            self.members(place, child)?;
            RawValue::Object(place.since(from))
        } else {
            place.value()?
        };
        if let Some(found) = node.found.and_then(|nth| self.found.get_mut(nth)) {
            *found = Found::Raw(value);
        }
        Ok(())
    }

    /// Nobody knows which of two members of one name is meant.
    fn twice(&mut self, node: &PlaceNode) {
        if let Some(found) = node.found.and_then(|nth| self.found.get_mut(nth)) {
            *found = Found::Twice;
        }
        for (_, child) in &node.children {
            if let Some(child) = self.tree.node(*child) {
                self.twice(child);
            }
        }
    }
}

/// The member that the mapping knows. A key that cannot be read names none.
fn child(node: &PlaceNode, key: Text<'_>) -> Option<usize> {
    let named =
        |name: &str| node.children.iter().find(|(known, _)| known == name).map(|(_, child)| *child);
    match key {
        Text::Plain(name) => named(name),
        Text::Other(_) => named(&text(key).ok()?),
    }
}
