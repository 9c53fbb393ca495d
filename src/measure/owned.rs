//! A sample that outlives its record: only what is held is copied.

use std::borrow::Cow;

use crate::model::{Feature, Half, Health, LatencySample, Outcome, Prediction, Run, Sample, Value};

/// The sample without its record: only what must outlive it is copied.
#[must_use]
pub fn owned(sample: Sample<'_>) -> Sample<'static> {
    match sample {
        Sample::Prediction(p) => Sample::Prediction(prediction(p)),
        Sample::Half(h) => Sample::Half(Half {
            by: text(h.by),
            model: text(h.model),
            predictions: h.predictions.into_iter().map(prediction).collect(),
            side: h.side,
            ts: h.ts,
            timed: h.timed,
            within: h.within,
            missing_is_error: h.missing_is_error,
        }),
        Sample::Outcome(o) => Sample::Outcome(Outcome {
            request: text(o.request),
            model: text(o.model),
            actual: o.actual.map(Value::into_owned),
            lost: o.lost,
            version: o.version.map(text),
            prediction: o.prediction.map(Value::into_owned),
            ts: o.ts,
        }),
        Sample::Latency(l) => Sample::Latency(LatencySample {
            model: text(l.model),
            version: text(l.version),
            id: l.id.map(text),
            ts: l.ts,
            latency_us: l.latency_us,
            lost: l.lost,
        }),
        Sample::Health(h) => {
            let (model, version) = (text(h.model), text(h.version));
            let (cpu_ratio, memory_bytes) = (h.cpu_ratio, h.memory_bytes);
            Sample::Health(Health {
                model,
                version,
                ts: h.ts,
                cpu_ratio,
                memory_bytes,
                lost: h.lost,
            })
        }
        Sample::Run(r) => {
            let (model, version) = (text(r.model), r.version.map(text));
            Sample::Run(Run { model, version, ts: r.ts, kind: r.kind, status: r.status })
        }
    }
}

fn prediction(p: Prediction<'_>) -> Prediction<'static> {
    Prediction {
        id: text(p.id),
        model: text(p.model),
        version: text(p.version),
        request: p.request.map(text),
        prediction: p.prediction.map(Value::into_owned),
        features: p.features.into_iter().map(|(n, v)| (text(n), feature(v))).collect(),
        actual: p.actual.map(Value::into_owned),
        ts: p.ts,
        status: p.status,
        score: p.score,
        latency_us: p.latency_us,
        role: p.role,
        lost: p.lost,
    }
}

fn text(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn feature(feature: Feature<'_>) -> Feature<'static> {
    match feature {
        Feature::Number(number) => Feature::Number(number),
        Feature::Category(name) => Feature::Category(text(name)),
        Feature::Missing => Feature::Missing,
        Feature::Unusable => Feature::Unusable,
    }
}
