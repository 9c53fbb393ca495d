//! Known fields become a sample, each judged by what the sample needs.
//!
//! Law: a field that another kind of sample has is not looked at. An optional null is absent.

use std::borrow::Cow;

use super::fields::{FieldSlot, Fields, Quoted, Scalar};
use super::read::Builder;
use super::{Context, Rejected};
use crate::model::{
    EventTime, Health, LatencySample, Outcome, Prediction, PredictionStatus, Reject, Run, RunKind,
    RunStatus, Sample, SampleKind, SampleRole, UnknownModels,
};

const STATUS: &[(&str, PredictionStatus)] = &[
    ("ok", PredictionStatus::Ok),
    ("error", PredictionStatus::Error),
    ("timeout", PredictionStatus::Timeout),
];
const ROLE: &[(&str, SampleRole)] = &[("live", SampleRole::Live), ("shadow", SampleRole::Shadow)];
const RUN_KIND: &[(&str, RunKind)] =
    &[("training", RunKind::Training), ("pipeline", RunKind::Pipeline)];
const RUN_STATUS: &[(&str, RunStatus)] = &[
    ("started", RunStatus::Started),
    ("succeeded", RunStatus::Succeeded),
    ("failed", RunStatus::Failed),
];

/// The sample that the fields make.
pub(super) fn build<'a>(
    fields: Fields<'a>,
    kind: SampleKind,
    context: &Context<'_>,
) -> Result<Sample<'a>, Rejected> {
    let mut builder = Builder { fields, kind, context };
    let model = builder.needed_name(FieldSlot::Model)?;
    if let UnknownModels::Reject(known) = &context.source.unknown_models
        && !known.contains(model.as_ref())
    {
        let detail = format!(
            "model {} is not in the config; add it, or set unknown_models = \"learn\"",
            Quoted(&model)
        );
        return Err(Rejected::new(Reject::UnknownModel, detail));
    }
    let ts = builder.ts()?;
    match kind {
        SampleKind::Prediction => builder.prediction(model, ts).map(Sample::Prediction),
        SampleKind::Outcome => builder.outcome(model, ts).map(Sample::Outcome),
        SampleKind::Latency => builder.latency(model, ts).map(Sample::Latency),
        SampleKind::Health => builder.health(model, ts).map(Sample::Health),
        SampleKind::Run => builder.run(model, ts).map(Sample::Run),
    }
}

impl<'a> Builder<'a, '_> {
    fn prediction(
        &mut self,
        model: Cow<'a, str>,
        ts: EventTime,
    ) -> Result<Prediction<'a>, Rejected> {
        if let Some(found) = self.optional(FieldSlot::Tags)
            && found != Scalar::Object
        {
            return Err(self.wrong(FieldSlot::Tags, &found, "write an object"));
        }
        Ok(Prediction {
            id: self.needed_name(FieldSlot::Id)?,
            model,
            version: self.needed_name(FieldSlot::Version)?,
            ts,
            request: self.name(FieldSlot::Request)?,
            status: self.word(FieldSlot::Status, STATUS)?.unwrap_or_default(),
            prediction: self.label(FieldSlot::Prediction)?,
            score: self.number(FieldSlot::Score)?,
            latency_us: self.latency_us()?,
            features: self.features()?,
            role: self.word(FieldSlot::Role, ROLE)?.unwrap_or_default(),
            actual: self.label(FieldSlot::Actual)?,
        })
    }

    fn outcome(&mut self, model: Cow<'a, str>, ts: EventTime) -> Result<Outcome<'a>, Rejected> {
        Ok(Outcome {
            request: self.needed_name(FieldSlot::Request)?,
            model,
            ts,
            actual: self.needed(FieldSlot::Actual, Self::label)?,
            version: self.name(FieldSlot::Version)?,
            prediction: self.label(FieldSlot::Prediction)?,
        })
    }

    fn latency(
        &mut self,
        model: Cow<'a, str>,
        ts: EventTime,
    ) -> Result<LatencySample<'a>, Rejected> {
        Ok(LatencySample {
            model,
            version: self.needed_name(FieldSlot::Version)?,
            ts,
            latency_us: self.needed(FieldSlot::LatencyMs, |builder, _| builder.latency_us())?,
            id: self.name(FieldSlot::Id)?,
        })
    }

    fn health(&mut self, model: Cow<'a, str>, ts: EventTime) -> Result<Health<'a>, Rejected> {
        Ok(Health {
            model,
            version: self.needed_name(FieldSlot::Version)?,
            ts,
            cpu_ratio: self.amount(FieldSlot::CpuRatio)?,
            memory_bytes: self.amount(FieldSlot::MemoryBytes)?.map(|bytes| bytes as u64),
        })
    }

    fn run(&mut self, model: Cow<'a, str>, ts: EventTime) -> Result<Run<'a>, Rejected> {
        Ok(Run {
            model,
            ts,
            kind: self.needed(FieldSlot::Kind, |builder, slot| builder.word(slot, RUN_KIND))?,
            status: self
                .needed(FieldSlot::Status, |builder, slot| builder.word(slot, RUN_STATUS))?,
            version: self.name(FieldSlot::Version)?,
        })
    }
}
