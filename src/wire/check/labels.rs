//! Which JSON types the answers and truths of each model have.

use std::collections::{BTreeMap, BTreeSet};

use super::kept;
use crate::model::Value;

/// Texts that are remembered of each side; labels with as many are not words.
const WORDS: usize = 20;

/// The types of all models.
#[derive(Debug, Default)]
pub(super) struct Labels(BTreeMap<String, LabelTypes>);

#[derive(Debug, Default)]
struct LabelTypes {
    /// By version.
    predicted: BTreeMap<String, BTreeSet<&'static str>>,
    actual: BTreeSet<&'static str>,
    /// Some of the texts that were predicted and that were true.
    words: [BTreeSet<String>; 2],
}

impl Labels {
    /// Takes what was predicted and what was true.
    pub(super) fn take(
        &mut self,
        model: &str,
        version: Option<&str>,
        [predicted, actual]: [Option<&Value<'_>>; 2],
    ) {
        let types = self.0.entry(model.to_owned()).or_default();
        types.actual.extend(actual.map(json_type));
        for (known, label) in types.words.iter_mut().zip([predicted, actual]) {
            if let Some(Value::Text(text)) = label
                && known.len() < WORDS
            {
                known.insert(text.to_string());
            }
        }
        if let (Some(predicted), Some(version)) = (predicted, version) {
            let version = kept(&types.predicted, version);
            types.predicted.entry(version).or_default().insert(json_type(predicted));
        }
    }

    /// The types of a model's labels in words: of each version's predictions, and of outcomes.
    pub(super) fn types(&self, model: &str) -> (BTreeMap<String, String>, Option<String>) {
        let Some(types) = self.0.get(model) else { return Default::default() };
        let predicted = types.predicted.iter().map(|(version, all)| (version.clone(), list(all)));
        (predicted.collect(), Some(list(&types.actual)).filter(|all| !all.is_empty()))
    }

    /// Models whose predictions are never what turns out to be true: other words are used for it.
    pub(super) fn strangers(&self) -> Vec<String> {
        let never = self.0.iter().filter(|(_, types)| {
            let [predicted, actual] = &types.words;
            let few = [predicted, actual].iter().all(|words| (1..WORDS).contains(&words.len()));
            few && predicted.is_disjoint(actual)
        });
        let told = |(model, types): (&String, &LabelTypes)| {
            let [predicted, actual] = &types.words;
            let list = |words: &BTreeSet<String>| {
                words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
            };
            format!(
                "model {model}: predictions are {}, but outcomes are {}, so none is ever right; \
                 map one to the words of the other with values",
                list(predicted),
                list(actual)
            )
        };
        never.map(told).collect()
    }

    /// What differs in type, and so is not compared.
    pub(super) fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        for (model, types) in &self.0 {
            let differs = |(_, predicted): &(_, &BTreeSet<&str>)| {
                !types.actual.is_empty() && !predicted.is_subset(&types.actual)
            };
            hints.extend(types.predicted.iter().filter(differs).map(|(version, predicted)| {
                format!(
                    "model {model}: the prediction of {version} is a {}, but actual is a {}; what \
                     differs in type is not compared, so write both as the same type, or map one \
                     with as = \"number\" or as = \"text\"",
                    list(predicted),
                    list(&types.actual)
                )
            }));
        }
        hints
    }
}

fn list(types: &BTreeSet<&str>) -> String {
    types.iter().copied().collect::<Vec<&str>>().join(" or a ")
}

fn json_type(value: &Value<'_>) -> &'static str {
    match value {
        Value::Number(_) => "number",
        Value::Text(_) => "string",
    }
}
