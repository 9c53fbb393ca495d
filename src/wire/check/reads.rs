//! A sample as it was read, on one line.

use crate::model::{Feature, HalfSide, Sample, SampleKind, Value};

pub(super) const fn kind(sample: &Sample<'_>) -> SampleKind {
    match sample {
        Sample::Prediction(_) => SampleKind::Prediction,
        Sample::Outcome(_) => SampleKind::Outcome,
        Sample::Latency(_) => SampleKind::Latency,
        Sample::Health(_) => SampleKind::Health,
        Sample::Run(_) => SampleKind::Run,
        Sample::Half(half) => match half.side {
            HalfSide::Asked => SampleKind::Asked,
            HalfSide::Answered => SampleKind::Answered,
        },
    }
}

pub(super) fn version<'s>(sample: &'s Sample<'_>) -> Option<&'s str> {
    match sample {
        Sample::Prediction(prediction) => Some(&prediction.version),
        Sample::Outcome(outcome) => outcome.version.as_deref(),
        Sample::Latency(latency) => Some(&latency.version),
        Sample::Health(health) => Some(&health.version),
        Sample::Run(run) => run.version.as_deref(),
        Sample::Half(half) => {
            let version = half.predictions.first().map(|call| call.version.as_ref());
            version.filter(|version| !version.is_empty())
        }
    }
}

/// A sample on one line, without absent fields and with long texts cut.
pub(super) fn reads(sample: &Sample<'_>) -> String {
    let mut parts = Vec::new();
    let mut say = |name: &str, value: Option<String>| {
        parts.extend(value.map(|value| format!("{name} {value}")));
    };
    let text = |text: &str| Some(cut(text));
    say("model", text(sample.model()));
    say("version", version(sample).map(cut));
    say("ts", Some(sample.ts().to_string()));
    match sample {
        Sample::Prediction(prediction) => {
            say("id", text(&prediction.id));
            say("request", text(prediction.request()));
            say("status", Some(format!("{:?}", prediction.status).to_lowercase()));
            say("prediction", prediction.prediction.as_ref().map(label));
            say("score", prediction.score.map(|score| score.to_string()));
            say("latency", prediction.latency_us.map(milliseconds));
            say("role", Some(format!("{:?}", prediction.role).to_lowercase()));
            say("actual", prediction.actual.as_ref().map(label));
            say("features", features(&prediction.features));
        }
        Sample::Outcome(outcome) => {
            say("request", text(&outcome.request));
            say("actual", outcome.actual.as_ref().map(label));
            say("prediction", outcome.prediction.as_ref().map(label));
        }
        Sample::Latency(latency) => {
            say("latency", latency.latency_us.map(milliseconds));
            say("id", latency.id.as_deref().map(cut));
        }
        Sample::Health(health) => {
            say("cpu_ratio", health.cpu_ratio.map(|ratio| ratio.to_string()));
            say("memory_bytes", health.memory_bytes.map(|bytes| bytes.to_string()));
        }
        Sample::Half(half) => {
            say("by", text(&half.by));
            say("predictions", Some(half.predictions.len().to_string()));
        }
        Sample::Run(run) => {
            say("kind", Some(format!("{:?}", run.kind).to_lowercase()));
            say("status", Some(format!("{:?}", run.status).to_lowercase()));
        }
    }
    parts.join(", ")
}

/// At most 60 characters of a text.
fn cut(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or("")),
    }
}

fn milliseconds(us: u64) -> String {
    format!("{} ms", us as f64 / 1000.0)
}

fn label(value: &Value<'_>) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{:?}", cut(text)),
    }
}

/// The first features, and how many there are.
fn features(all: &[(std::borrow::Cow<'_, str>, Feature<'_>)]) -> Option<String> {
    const FIRST: usize = 8;
    if all.is_empty() {
        return None;
    }
    let shown: Vec<String> = all
        .iter()
        .take(FIRST)
        .map(|(name, value)| match value {
            Feature::Number(number) => format!("{}={number}", cut(name)),
            Feature::Category(text) => format!("{}={:?}", cut(name), cut(text)),
            Feature::Missing => format!("{}=missing", cut(name)),
            Feature::Unusable => format!("{}=unusable", cut(name)),
        })
        .collect();
    let more = if all.len() > FIRST { ", …" } else { "" };
    Some(format!("{}: {}{more}", all.len(), shown.join(" ")))
}
