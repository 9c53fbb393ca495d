//! A routed model: its backends, time limits, health checks, and the fields that are published.

use std::collections::BTreeSet;
use std::time::Duration;

use super::check::{Checker, checked};
use super::mapping::field;
use super::problem::Path;
use super::raw;
use super::units::SECOND;
use crate::model::{BreakerRules, Field, ModelId, VersionId};

/// One model that is routed.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutedModel {
    /// The model.
    pub model: ModelId,
    /// Its versions by name, each with the address of its backend.
    pub versions: Vec<(VersionId, String)>,
    /// Shares in percent, until other weights are set.
    pub weights_percent: Vec<(VersionId, f64)>,
    /// Shadow versions, until others are set.
    pub shadow: BTreeSet<VersionId>,
    /// Path below the model on which a POST is a prediction.
    pub predict_path: String,
    /// Header that keeps a caller on one version.
    pub key_header: Option<String>,
    /// Time to connect.
    pub connect: Duration,
    /// Time to answer.
    pub answer: Duration,
    /// Copies to shadows in progress at once.
    pub shadows: usize,
    /// Health checks, if any.
    pub health: Option<HealthSettings>,
    /// When a version gets no more requests.
    pub breaker: BreakerRules,
    /// The fields that are published.
    pub fields: RoutedFields,
}

/// Health checks of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthSettings {
    /// Path below the backend's address.
    pub path: String,
    /// Time between two checks.
    pub every: Duration,
    /// Time a check may take.
    pub within: Duration,
    /// Failed checks in a row that take a version out.
    pub fall: u32,
    /// Successful checks in a row that bring it back.
    pub rise: u32,
}

/// Where to find the fields of a prediction in a request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedFields {
    /// The inputs. `None` if they are not published.
    pub features: Option<FeaturesAt>,
    /// JSON pointer into the answer.
    pub prediction: String,
    /// JSON pointer into the answer.
    pub score: Option<String>,
    /// The time: a pointer into the request, or a header. `None` for the router's clock.
    pub ts: Option<Field>,
}

/// Where to find the inputs: a JSON pointer to an object of inputs, or to a single one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeaturesAt {
    /// In the request.
    Request(String),
    /// In the answer, for versions that look up their inputs themselves.
    Answer(String),
}

/// The prefix of a pointer into the answer.
const ANSWER: &str = "answer:";

pub(super) fn model(
    check: &mut Checker<'_>,
    at: &Path,
    name: &str,
    raw: &raw::Routed,
) -> Option<RoutedModel> {
    let at = at.key("models").key(name);
    let versions = versions(check, &at, raw);
    let weights_percent = weights(check, &at, raw);
    let mut shadow = BTreeSet::new();
    for name in &raw.shadow {
        known(check, &at.key("shadow"), name, raw);
        shadow.extend(check.name(&at.key("shadow"), name, VersionId::new));
    }
    let key_header = raw.key_header.as_ref().map(|name| {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(word) {
            check.refuse(&at.key("key_header"), "must be the name of a header, such as x-user-id");
        }
        name.to_ascii_lowercase()
    });
    let predict_path = raw.predict_path.trim_matches('/').to_owned();
    if predict_path.is_empty() {
        check.refuse(&at.key("predict_path"), "must not be empty; write a path such as predict");
    }
    let milliseconds = Duration::from_millis;
    Some(RoutedModel {
        versions,
        weights_percent,
        shadow,
        predict_path,
        key_header,
        connect: milliseconds(checked!(check.count, at, raw.connect_milliseconds, 1..=60_000)),
        answer: milliseconds(checked!(check.count, at, raw.answer_milliseconds, 1..=3_600_000)),
        shadows: checked!(check.size, at, raw.shadows_at_once, 1..=65_536),
        health: health(check, &at, raw),
        breaker: breaker(check, &at, raw),
        fields: fields(check, &at, raw),
        model: check.name(&at, name, ModelId::new)?,
    })
}

fn known(check: &mut Checker<'_>, at: &Path, version: &str, raw: &raw::Routed) {
    if !raw.versions.contains_key(version) {
        let known: Vec<_> = raw.versions.keys().map(String::as_str).collect();
        let known = known.join(", ");
        check.refuse(at, format!("{version:?} has no backend; the versions with one are {known}"));
    }
}

fn versions(check: &mut Checker<'_>, at: &Path, raw: &raw::Routed) -> Vec<(VersionId, String)> {
    let at = at.key("versions");
    if raw.versions.is_empty() {
        check.refuse(&at, "lists no version; write { v1 = \"http://127.0.0.1:9001\" }");
    }
    let mut versions = Vec::new();
    for (name, url) in &raw.versions {
        let at = at.key(name);
        let rest = url.strip_prefix("http://");
        let host = rest.and_then(|rest| rest.split('/').next());
        let plain = |c: char| c.is_ascii_graphic() && !"?#@".contains(c);
        if host.is_none_or(str::is_empty) || !url.chars().all(plain) {
            let why = "must be the address of a backend, such as http://127.0.0.1:9001, with an \
                       optional path; for https, put a proxy in front of the backend";
            check.refuse(&at, why);
        }
        let version = check.name(&at, name, VersionId::new);
        versions.extend(version.map(|version| (version, url.trim_end_matches('/').to_owned())));
    }
    versions
}

fn weights(check: &mut Checker<'_>, at: &Path, raw: &raw::Routed) -> Vec<(VersionId, f64)> {
    let at = at.key("weights_percent");
    let (mut weights, mut sum) = (Vec::new(), 0.0);
    for (name, percent) in &raw.weights_percent {
        let at = at.key(name);
        check.percent(&at, *percent);
        let hundredths = percent * 100.0;
        if (hundredths - hundredths.round()).abs() > 1e-6 {
            check.refuse(&at, "must have at most two decimals");
        }
        known(check, &at, name, raw);
        sum += hundredths.round();
        weights.extend(check.name(&at, name, VersionId::new).map(|name| (name, *percent)));
    }
    if sum != 10_000.0 {
        let why = format!("must add up to 100, not {}", sum / 100.0);
        check.refuse(&at, why);
    }
    weights
}

fn health(check: &mut Checker<'_>, at: &Path, raw: &raw::Routed) -> Option<HealthSettings> {
    let milliseconds = Duration::from_millis;
    let every = checked!(check.count, at, raw.health_every_milliseconds, 10..=3_600_000);
    let within = checked!(check.count, at, raw.health_within_milliseconds, 10..=3_600_000);
    let fall = checked!(check.small, at, raw.health_fall, 1..=1000);
    let rise = checked!(check.small, at, raw.health_rise, 1..=1000);
    let path = raw.health_path.as_ref()?;
    if !path.starts_with('/') {
        check.refuse(&at.key("health_path"), "must begin with /, such as /health");
    }
    let (every, within) = (milliseconds(every), milliseconds(within));
    Some(HealthSettings { path: path.clone(), every, within, fall, rise })
}

fn breaker(check: &mut Checker<'_>, at: &Path, raw: &raw::Routed) -> BreakerRules {
    let breaker = BreakerRules {
        in_a_row: checked!(check.small, at, raw.breaker_in_a_row, 1..=1_000_000),
        share: checked!(check.percent, at, raw.breaker_percent),
        minimum: checked!(check.small, at, raw.breaker_minimum_answers, 1..=1_000_000),
        window: checked!(check.span, at, raw.breaker_window_seconds, SECOND, 1..=3600),
        pause: checked!(check.span, at, raw.breaker_pause_milliseconds, 1, 10..=3_600_000),
        longest_pause: checked!(
            check.span,
            at,
            raw.breaker_longest_pause_milliseconds,
            1,
            10..=86_400_000
        ),
    };
    if breaker.longest_pause < breaker.pause {
        let at = at.key("breaker_longest_pause_milliseconds");
        check.refuse(&at, "must be at least breaker_pause_milliseconds");
    }
    breaker
}

fn fields(check: &mut Checker<'_>, at: &Path, raw: &raw::Routed) -> RoutedFields {
    let mut pointer = |key: &str, text: &str| {
        if !text.is_empty() && !text.starts_with('/') {
            check.refuse(&at.key(key), "must be a JSON pointer, such as /prediction");
        }
        text.to_owned()
    };
    let features = raw.features.as_ref().map(|text| match text.strip_prefix(ANSWER) {
        Some(text) => FeaturesAt::Answer(pointer("features", text)),
        None => FeaturesAt::Request(pointer("features", text)),
    });
    let prediction = pointer("prediction", &raw.prediction);
    let score = raw.score.as_ref().map(|text| pointer("score", text));
    let ts = raw.ts.as_ref().and_then(|text| match field(text) {
        Ok(Field::Key) | Err(_) => {
            let why = "must be a JSON pointer into the request or a header: /time, header:x-time";
            check.refuse(&at.key("ts"), why);
            None
        }
        Ok(field) => Some(field),
    });
    RoutedFields { features, prediction, score, ts }
}
