//! The inputs of the model as a config writes them.
//!
//! Law: a text or a table with `from` is where inputs stand together; any other table names them
//! one by one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::place::place;
use super::rule::{Wrong, at, known_keys, names, places_at, rule, text};
use crate::model::{FeatureSet, FeaturesRule};

const KEYS: [&str; 5] = ["from", "names", "shape", "without", "prefix"];

/// The rule that a value of the config is.
pub(super) fn features(written: &Json) -> Result<FeaturesRule, Wrong> {
    match written {
        Json::String(text) => {
            let from = vec![place(text).map_err(|why| (None, why))?];
            Ok(FeaturesRule::Together(FeatureSet { from, ..FeatureSet::default() }))
        }
        Json::Object(table) if table.contains_key("from") => {
            together(table).map(FeaturesRule::Together)
        }
        Json::Object(table) if !table.is_empty() => apart(table).map(FeaturesRule::Apart),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            let why = "write the place of the inputs, a table with from = \"/place\", or a table \
                       with a place for each input by its name";
            Err((None, why.to_owned()))
        }
    }
}

fn together(table: &Map<String, Json>) -> Result<FeatureSet, Wrong> {
    known_keys(table, &KEYS)?;
    let without = match table.get("without") {
        None => Ok(BTreeSet::new()),
        Some(Json::Array(list)) => list.iter().map(|one| text(one).map(str::to_owned)).collect(),
        Some(other) => Err(format!("{other} is no list of names")),
    };
    let prefix = table.get("prefix").map(|prefix| text(prefix).map(str::to_owned)).transpose();
    Ok(FeatureSet {
        from: places_at(table, "from")?,
        names: names(table)?,
        shape: places_at(table, "shape")?,
        without: without.map_err(at("without"))?,
        prefix: prefix.map_err(at("prefix"))?,
    })
}

fn apart(table: &Map<String, Json>) -> Result<BTreeMap<String, crate::model::FieldRule>, Wrong> {
    let rules = table.iter().map(|(name, written)| {
        let rule = rule(written).map_err(|(_, why)| (Some(name.clone()), why))?;
        Ok((name.clone(), rule))
    });
    rules.collect()
}
