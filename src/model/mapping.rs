//! Mappings: how a record of any form becomes samples.
//!
//! Law: where a producer puts what is data. The config writes it, and the decoder reads
//! it; nothing else knows a producer's form.

mod path;
mod place;
mod rule;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{SampleField, SampleKind};
pub use path::{PathPattern, PathPiece};
pub use place::{
    FieldPlace, InTree, PathStep, Piece, PlaceMove, PlaceRoot, TextEncoding, TextView,
};
pub use rule::{
    EachRule, FeatureSet, FeaturesRule, FieldRule, NamesRule, OnlyRule, PairRule, Reading,
    TimeUnit, ValuePattern, Zone,
};
pub use tree::{PlaceNode, PlaceTree};

/// How the records of a topic become samples.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    /// The preset that it begins with.
    pub dialect: Option<String>,
    /// The kind of every record. `None` if the field `type` decides.
    pub kind: Option<SampleKind>,
    /// The rule of each sample field.
    pub fields: BTreeMap<SampleField, FieldRule>,
    /// The inputs of the model.
    pub features: Option<FeaturesRule>,
    /// Sample fields that are the same for every record.
    pub constants: BTreeMap<SampleField, Json>,
    /// Where the samples of one record stand, if it has several.
    pub each: EachRule,
    /// What a record, or an element of it, must say to be a sample at all.
    pub only: Vec<OnlyRule>,
    /// Whether pointers begin in the data of an event.
    pub envelope: bool,
    /// How the two halves of a call meet.
    pub pair: Option<PairRule>,
    /// What the path of a file says.
    pub path: Option<PathPattern>,
    /// Bytes before the value.
    pub skip_bytes: usize,
    /// Whether a second record of one id is another sample.
    pub numbers_repeats: bool,
    /// Whether a field without a rule is looked for under its own name.
    pub own_names: bool,
    /// Where those fields stand.
    pub own: Vec<(SampleField, FieldPlace)>,
    /// The place of the inputs under their own name.
    pub own_features: Option<FieldPlace>,
    /// What only an event has.
    pub event: Option<FieldPlace>,
    /// Fields whose rules nobody wrote: they come with the preset.
    pub preset: BTreeSet<String>,
    /// The places in the record that are found in one pass.
    pub record: PlaceTree,
    /// The places in an element, likewise.
    pub element: PlaceTree,
}

impl Mapping {
    /// Finds which places one pass over a record, or over an element, finds. Without it each place
    /// is looked for by itself.
    #[must_use]
    pub fn planned(mut self) -> Self {
        self.leave_out_fields();
        let (mut record, mut element) = (PlaceTree::default(), PlaceTree::default());
        for place in self.places_mut() {
            tree::plan(place, &mut record, &mut element);
        }
        if let Some(FeaturesRule::Together(set)) = &self.features
            && set.is_plain()
            && let Some(place) = set.from.first()
        {
            record.read_features(place, PlaceRoot::is_record);
            element.read_features(place, PlaceRoot::is_element);
        }
        if let Some(place) = &self.own_features {
            record.read_features(place, PlaceRoot::is_record);
        }
        (self.record, self.element) = (record, element);
        self
    }

    /// Inputs that are a whole record or element leave out what other fields take.
    fn leave_out_fields(&mut self) {
        let Some(FeaturesRule::Together(set)) = &mut self.features else { return };
        let whole = set.from.iter().filter(|place| place.steps.is_empty());
        let roots: Vec<_> = whole.map(|place| place.root.clone()).collect();
        let places = self.fields.values().flat_map(|rule| rule.from.iter().chain(&rule.minus));
        let taken = places.filter(|place| roots.contains(&place.root));
        set.without.extend(taken.filter_map(|place| match place.steps.first() {
            Some(PathStep::Member(name)) => Some(name.clone()),
            Some(PathStep::Star | PathStep::Where(..)) | None => None,
        }));
    }

    /// Every place that it reads.
    pub fn places(&self) -> impl Iterator<Item = &FieldPlace> {
        let mut all: Vec<&FieldPlace> = Vec::new();
        for rule in self.fields.values() {
            all.extend(rule.from.iter().chain(&rule.minus).chain(&rule.shape));
        }
        match &self.features {
            Some(FeaturesRule::Together(set)) => all.extend(set.from.iter().chain(&set.shape)),
            Some(FeaturesRule::Apart(rules)) => {
                all.extend(rules.values().flat_map(|rule| &rule.from));
            }
            None => {}
        }
        all.extend(self.each.asked.iter().chain(&self.each.answered).chain(&self.each.others));
        all.extend(self.only.iter().map(|only| &only.place));
        all.extend(self.pair.iter().flat_map(|pair| &pair.by));
        all.into_iter()
    }

    fn places_mut(&mut self) -> impl Iterator<Item = &mut FieldPlace> {
        let mut all: Vec<&mut FieldPlace> = Vec::new();
        self.fields.values_mut().for_each(|rule| all.extend(rule.places_mut()));
        match &mut self.features {
            Some(FeaturesRule::Together(set)) => {
                let names = set.names.as_mut().and_then(NamesRule::place_mut);
                all.extend(set.from.iter_mut().chain(names).chain(&mut set.shape));
            }
            Some(FeaturesRule::Apart(rules)) => {
                rules.values_mut().for_each(|rule| all.extend(rule.places_mut()));
            }
            None => {}
        }
        let EachRule { asked, answered, others } = &mut self.each;
        all.extend(asked.iter_mut().chain(answered).chain(others));
        all.extend(self.only.iter_mut().map(|only| &mut only.place));
        all.extend(self.pair.iter_mut().flat_map(|pair| &mut pair.by));
        all.extend(self.own.iter_mut().map(|(_, place)| place));
        all.extend(self.own_features.iter_mut().chain(&mut self.event));
        all.into_iter()
    }
}
