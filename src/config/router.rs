//! Raw router into what its HTTP needs: where it listens, who answers for each model, and how long
//! that may take.
//!
//! Over 300 lines: what the router's HTTP is told, and what makes each of it valid.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use super::check::{Checker, SECOND, checked};
use super::problem::Path;
use super::raw;
use super::sources::field;
use crate::model::{BreakerRules, Field, ModelId, Source, SourceId, VersionId};

/// The built-in router.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterSettings {
    /// Address and port.
    pub listen: SocketAddr,
    /// Where it keeps the weights that were set.
    pub folder: PathBuf,
    /// Whose first topic it publishes to, what answers it saw; none: it publishes nothing.
    pub source: Option<SourceId>,
    /// Answers that wait to be published; one more is dropped.
    pub queue: usize,
    /// What it gives at most.
    pub limits: RouterLimits,
    /// What it routes.
    pub models: Vec<RoutedModel>,
}

/// What the router gives at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouterLimits {
    /// Connections at once.
    pub connections: usize,
    /// Time for the head of a request, and between two of them.
    pub head: Duration,
    /// Time for the body of a request.
    pub body: Duration,
    /// The largest body of a request.
    pub max_body_bytes: usize,
    /// Bodies up to so many bytes are held in memory: they can be sent again, mirrored, published.
    pub held_body_bytes: usize,
    /// Time that answers under way have when the router stops.
    pub drain: Duration,
}

/// One model that is routed.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutedModel {
    /// Which.
    pub model: ModelId,
    /// Its versions, each with the address of its backend, by name.
    pub versions: Vec<(VersionId, String)>,
    /// Shares in percent, until others are set.
    pub weights_percent: Vec<(VersionId, f64)>,
    /// Versions that are mirrored to, until others are set.
    pub shadow: BTreeSet<VersionId>,
    /// The path below the model whose POSTs are predictions.
    pub predict_path: String,
    /// The header that keeps a caller with a version.
    pub key_header: Option<String>,
    /// Time for a connection.
    pub connect: Duration,
    /// Time for an answer.
    pub answer: Duration,
    /// Copies that are under way at once.
    pub shadows: usize,
    /// How versions are asked for their health; none: they are not.
    pub health: Option<HealthSettings>,
    /// When a version is left alone.
    pub breaker: BreakerRules,
    /// What of an answer is published.
    pub fields: RoutedFields,
}

/// How versions are asked for their health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthSettings {
    /// Under the backend's address.
    pub path: String,
    /// The time between two asks.
    pub every: Duration,
    /// The time for an answer.
    pub within: Duration,
    /// Failed ones in a row that take a version down.
    pub fall: u32,
    /// Good ones in a row that take it up.
    pub rise: u32,
}

/// Where the fields of a prediction stand in a request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedFields {
    /// The inputs; none: they are not published.
    pub features: Option<FeaturesAt>,
    /// JSON pointer into the answer.
    pub prediction: String,
    /// JSON pointer into the answer.
    pub score: Option<String>,
    /// When it happened, of the request: a pointer or a header; none: the router's clock.
    pub ts: Option<Field>,
}

/// Where the inputs of a prediction stand: a JSON pointer to an object, or to one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeaturesAt {
    /// In what the caller asks.
    Request(String),
    /// In what the version answers, where it looks its inputs up itself.
    Answer(String),
}

/// Before a pointer into the answer.
const ANSWER: &str = "answer:";

/// The router, if it is to run. `log`: the log's folder, where is kept what has no other place.
pub(super) fn router(
    check: &mut Checker<'_>,
    raw: &raw::Router,
    sources: &[Source],
    token: bool,
    log: &FilePath,
) -> Option<RouterSettings> {
    let at = Path::of(["router"]);
    let limits = RouterLimits {
        connections: checked!(check.size, at, raw.connections_at_once, 8..=65_536),
        head: Duration::from_secs(checked!(check.count, at, raw.head_seconds, 1..=3600)),
        body: Duration::from_secs(checked!(check.count, at, raw.body_seconds, 1..=3600)),
        max_body_bytes: checked!(check.size, at, raw.max_body_bytes, 1024..=1_099_511_627_776),
        held_body_bytes: checked!(check.size, at, raw.held_body_bytes, 0..=67_108_864),
        drain: Duration::from_secs(checked!(check.count, at, raw.drain_seconds, 1..=3600)),
    };
    let queue = checked!(check.size, at, raw.queue_records, 1..=10_000_000);
    let source = raw.telemetry.as_ref().and_then(|name| source(check, &at, name, sources));
    let models = raw.models.iter().flatten();
    let models: Vec<_> = models.filter_map(|(name, raw)| model(check, &at, name, raw)).collect();
    let folder_at = at.key("folder");
    let folder = raw.folder.as_ref();
    let folder = folder.map(|folder| PathBuf::from(check.text(&folder_at, folder, "a folder")));
    let listen_at = at.key("listen");
    let listen = raw.listen.as_ref()?;
    let Ok(listen) = listen.parse::<SocketAddr>() else {
        check.refuse(&listen_at, "it is an address and a port, such as 127.0.0.1:7800");
        return None;
    };
    if !listen.ip().is_loopback() && !token {
        let would_do = "others can reach /admin there, so it needs the token of [http]; set that, \
                        or listen on 127.0.0.1";
        check.refuse(&listen_at, would_do);
    }
    if raw.models.iter().flatten().next().is_none() {
        check.refuse(&listen_at, "there is nothing to route; add a [router.models.NAME]");
    }
    let folder = folder.unwrap_or_else(|| log.to_path_buf());
    Some(RouterSettings { listen, folder, source, queue, limits, models })
}

/// The source whose topic takes what the router saw.
fn source(check: &mut Checker<'_>, at: &Path, name: &str, sources: &[Source]) -> Option<SourceId> {
    let at = at.key("telemetry");
    let Some(source) = sources.iter().find(|source| source.id.as_str() == name) else {
        check.refuse(&at, "there is no such source, or it is not enabled; name one of [sources]");
        return None;
    };
    if source.topics.first().is_some_and(|topic| topic.mapping.is_some()) {
        let would_do = "its first topic has fields of its own, and the router writes Ripcord's; \
                        name a source without type, fields and constants";
        check.refuse(&at, would_do);
    }
    Some(source.id.clone())
}

fn model(check: &mut Checker<'_>, at: &Path, name: &str, raw: &raw::Routed) -> Option<RoutedModel> {
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
            check.refuse(&at.key("key_header"), "it is the name of a header, such as x-user-id");
        }
        name.to_ascii_lowercase()
    });
    let predict_path = raw.predict_path.trim_matches('/').to_owned();
    if predict_path.is_empty() {
        check.refuse(&at.key("predict_path"), "it is empty; write a path such as predict");
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
        check.refuse(at, format!("{version:?} has no backend; versions has {known}"));
    }
}

fn versions(check: &mut Checker<'_>, at: &Path, raw: &raw::Routed) -> Vec<(VersionId, String)> {
    let at = at.key("versions");
    if raw.versions.is_empty() {
        check.refuse(&at, "no version; write { v1 = \"http://127.0.0.1:9001\" }");
    }
    let mut versions = Vec::new();
    for (name, url) in &raw.versions {
        let at = at.key(name);
        let rest = url.strip_prefix("http://");
        let host = rest.and_then(|rest| rest.split('/').next());
        let plain = |c: char| c.is_ascii_graphic() && !"?#@".contains(c);
        if host.is_none_or(str::is_empty) || !url.chars().all(plain) {
            let would_do = "it is the address of a backend, such as http://127.0.0.1:9001, with a \
                            path if need be; for https put a proxy of yours beside it";
            check.refuse(&at, would_do);
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
            check.refuse(&at, "it has at most two decimals");
        }
        known(check, &at, name, raw);
        sum += hundredths.round();
        weights.extend(check.name(&at, name, VersionId::new).map(|name| (name, *percent)));
    }
    if sum != 10_000.0 {
        let would_do = format!("they add up to {}; together they are 100", sum / 100.0);
        check.refuse(&at, would_do);
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
        check.refuse(&at.key("health_path"), "it begins with a /, such as /health");
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
        check.refuse(&at, "it is shorter than breaker_pause_milliseconds; make it as long");
    }
    breaker
}

fn fields(check: &mut Checker<'_>, at: &Path, raw: &raw::Routed) -> RoutedFields {
    let mut pointer = |key: &str, text: &str| {
        if !text.is_empty() && !text.starts_with('/') {
            check.refuse(&at.key(key), "it is a JSON pointer, such as /prediction");
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
            let would_do =
                "it is a JSON pointer into the request or a header: /time, header:x-time";
            check.refuse(&at.key("ts"), would_do);
            None
        }
        Ok(field) => Some(field),
    });
    RoutedFields { features, prediction, score, ts }
}
