//! The places of a mapping as a tree, so that one pass over a record finds them all.

use super::place::{FieldPlace, InTree, PathStep, PlaceRoot, TextEncoding};

/// Names of members, as far as the places of a mapping have them in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlaceTree {
    /// The root first; a node comes before its children.
    nodes: Vec<PlaceNode>,
    /// Places that are found.
    found: usize,
    /// The node whose object is the inputs of the model.
    features: Option<usize>,
}

/// A member that a mapping knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlaceNode {
    /// Its members that the mapping knows, by name.
    pub children: Vec<(String, usize)>,
    /// The number under which it is found.
    pub found: Option<usize>,
}

impl PlaceTree {
    /// How many places are found.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.found
    }

    /// Whether none is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.found == 0
    }

    /// A node by its number; the root is 0.
    #[must_use]
    pub fn node(&self, nth: usize) -> Option<&PlaceNode> {
        self.nodes.get(nth)
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The node whose object is the inputs of the model.
    #[must_use]
    pub const fn features(&self) -> Option<usize> {
        self.features
    }

    /// Adds the way to a place, as far as it goes through members of objects.
    pub(super) fn add(&mut self, steps: &[PathStep]) -> Option<InTree> {
        let mut node = 0;
        let mut taken = 0;
        for name in names(steps) {
            node = self.child(node, name);
            taken += 1;
        }
        let fresh = self.found;
        let found = *self.nodes.get_mut(node).filter(|_| taken > 0)?.found.get_or_insert(fresh);
        self.found += usize::from(found == fresh);
        Some(InTree { found, steps: taken })
    }

    /// The object at this place is the inputs of the model.
    pub(super) fn read_features(&mut self, place: &FieldPlace, of: fn(&PlaceRoot) -> bool) {
        let whole = place.in_tree.is_some_and(|to| to.steps == place.steps.len());
        if !whole || !of(&place.root) || !place.views.is_empty() {
            return;
        }
        let node = names(&place.steps).fold(0, |node, name| self.child(node, name));
        let shared = self.nodes.get(node).is_none_or(|node| !node.children.is_empty());
        if !shared {
            self.features = Some(node);
        }
    }

    fn child(&mut self, of: usize, name: &str) -> usize {
        if self.nodes.is_empty() {
            self.nodes.push(PlaceNode::default());
        }
        let fresh = self.nodes.len();
        let Some(node) = self.nodes.get_mut(of) else { return 0 };
        if let Some((_, known)) = node.children.iter().find(|(known, _)| known == name) {
            return *known;
        }
        node.children.push((name.to_owned(), fresh));
        self.nodes.push(PlaceNode::default());
        fresh
    }
}

/// The first steps, as long as they are members of objects: a number may be the element of a list.
fn names(steps: &[PathStep]) -> impl Iterator<Item = &str> {
    steps.iter().map_while(|step| match step {
        PathStep::Member(name) if !name.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(name.as_str())
        }
        PathStep::Member(_) | PathStep::Star | PathStep::Where(..) => None,
    })
}

/// Finds how far one pass over a record, or over an element, comes on the way to a place.
pub(super) fn plan(place: &mut FieldPlace, record: &mut PlaceTree, element: &mut PlaceTree) {
    place.in_tree = match place.root {
        PlaceRoot::Record => record.add(&place.steps),
        PlaceRoot::Element => element.add(&place.steps),
        PlaceRoot::Header(_)
        | PlaceRoot::Attribute(_)
        | PlaceRoot::Key
        | PlaceRoot::Topic
        | PlaceRoot::LogTime
        | PlaceRoot::Nothing => None,
    };
    for view in &mut place.views {
        if let TextEncoding::Stated(place) = &mut view.of {
            plan(place, record, element);
        }
    }
}
