//! The inputs of versions: a grid for each feature.
//!
//! They are large, so a lane sends them once, when their pane closes; errors and labels do not wait
//! for them. In JSON a list of them names the features of each model once, and each grid is at
//! the place of its feature's name.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Grid;
use crate::model::{EventTime, FeatureName, ModelId, SampleRole, VersionId};

/// A grid for each feature.
pub type FeatureGrids = BTreeMap<FeatureName, Grid>;

/// Adds other features.
pub fn merge(features: &mut FeatureGrids, other: &FeatureGrids) {
    for (name, grid) in other {
        match features.get_mut(name) {
            Some(mine) => mine.merge(grid),
            None => {
                features.insert(name.clone(), grid.clone());
            }
        }
    }
}

/// Whose inputs, and on which requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeaturesOf {
    /// Of a version in a role, on all its requests.
    Version(VersionId, SampleRole),
    /// Of the first version, on requests on which the second logged the feature, too; in the pane
    /// of the later answer.
    Shared(VersionId, VersionId),
}

/// The inputs in one pane since its first event.
#[derive(Debug, Clone, PartialEq)]
pub struct FeaturesPartial {
    /// Start of the pane.
    pub pane: EventTime,
    /// The model.
    pub model: ModelId,
    /// Whose.
    pub of: FeaturesOf,
    /// All its features, or some: the others are in another part of the frame.
    pub features: FeatureGrids,
}

/// The partials of one model.
#[derive(Serialize, Deserialize)]
struct OfModel<N, C> {
    model: N,
    names: Vec<FeatureName>,
    cells: Vec<C>,
}

/// One partial; a grid for each name, but for those that the end lacks.
#[derive(Serialize, Deserialize)]
struct Cell<O, G> {
    pane: EventTime,
    of: O,
    grids: Vec<Option<G>>,
}

/// Writes partials, those of a model together.
///
/// # Errors
/// Those of the serializer.
pub(super) fn serialize<S: Serializer>(
    partials: &[FeaturesPartial],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut models: BTreeMap<&ModelId, Vec<&FeaturesPartial>> = BTreeMap::new();
    for partial in partials {
        models.entry(&partial.model).or_default().push(partial);
    }
    serializer.collect_seq(models.into_iter().map(|(model, partials)| {
        let names: BTreeSet<_> = partials.iter().flat_map(|one| one.features.keys()).collect();
        let cells = partials.into_iter().map(|FeaturesPartial { pane, of, features, .. }| {
            let mut grids: Vec<_> = names.iter().map(|name| features.get(*name)).collect();
            while grids.pop_if(|last| last.is_none()).is_some() {}
            Cell { pane: *pane, of, grids }
        });
        OfModel { model, cells: cells.collect(), names: names.into_iter().cloned().collect() }
    }))
}

/// Reads partials that [`serialize`] wrote.
///
/// # Errors
/// Those of the deserializer.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<FeaturesPartial>, D::Error> {
    let models = Vec::<OfModel<ModelId, Cell<FeaturesOf, Grid>>>::deserialize(deserializer)?;
    let partials = models.into_iter().flat_map(|OfModel { model, names, cells }| {
        cells.into_iter().map(move |Cell { pane, of, grids }| {
            let named = names.iter().cloned().zip(grids);
            let features = named.filter_map(|(name, grid)| Some((name, grid?))).collect();
            FeaturesPartial { pane, model: model.clone(), of, features }
        })
    });
    Ok(partials.collect())
}
