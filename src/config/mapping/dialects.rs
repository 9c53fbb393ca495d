//! Presets for telemetry that people have already: `dialect = "…"`.
//!
//! Law: a preset is a mapping like any other, in a file of its own; its users may write over
//! each of its keys. A new dialect is its file, its line here, and its page in docs.

use config::{File, FileFormat, Source, Value, ValueKind};

use serde::de::DeserializeOwned;

use super::WrittenMapping;
use crate::phrases::closest;

/// A preset.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// What a config calls it.
    pub name: &'static str,
    /// Whose telemetry it is.
    pub of: &'static str,
    /// The mapping.
    pub toml: &'static str,
}

macro_rules! presets {
    ($($name:literal: $of:literal,)*) => {
        /// All presets.
        const ALL: &[Dialect] = &[$(Dialect {
            name: $name,
            of: $of,
            toml: include_str!(concat!("dialects/", $name, ".toml")),
        },)*];
    };
}

presets! {
    "azureml": "Azure ML's data collector",
    "bentoml": "BentoML's monitoring",
    "databricks": "inference tables of MLflow and Databricks",
    "kserve": "the KServe inference logger",
    "open-inference": "answers in the Open Inference Protocol (v2)",
    "otlp-genai": "OpenTelemetry spans of generative models, in OTLP JSON",
    "sagemaker-capture": "SageMaker data capture and ground truth",
    "seldon-1": "Seldon Core 1's request logger",
    "vertex": "Vertex AI's request-response logging",
}

/// All presets.
#[must_use]
pub fn dialects() -> &'static [Dialect] {
    ALL
}

/// The preset of this name.
pub(super) fn preset(name: &str) -> Result<WrittenMapping, String> {
    let known = ALL.iter().find(|dialect| dialect.name == name);
    let known = known.ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|dialect| dialect.name).collect();
        match closest(name, &names) {
            Some(near) => format!("{name:?} is unknown; did you mean {near:?}?"),
            None => format!("{name:?} is unknown; write one of {}", names.join(", ")),
        }
    })?;
    let written = read(known.toml);
    written.ok_or_else(|| format!("the preset {name} is broken"))
}

/// Reads TOML.
fn read<T: DeserializeOwned>(toml: &str) -> Option<T> {
    let table = File::from_str(toml, FileFormat::Toml).collect().ok()?;
    Value::new(None, ValueKind::Table(table)).try_deserialize().ok()
}

/// One value as a config writes it.
#[must_use]
pub fn toml_value(text: &str) -> Option<serde_json::Value> {
    let table: std::collections::BTreeMap<String, serde_json::Value> =
        read(&format!("value = {text}"))?;
    table.into_values().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::mapping::mapping;

    #[test]
    fn every_preset_is_a_mapping() {
        for dialect in dialects() {
            let written =
                WrittenMapping { dialect: Some(dialect.name.to_owned()), ..Default::default() };
            let mapped = mapping(written).unwrap_or_else(|why| panic!("{}: {why:?}", dialect.name));
            assert!(mapped.is_some_and(|mapped| !mapped.own_names), "{}", dialect.name);
        }
    }
}
