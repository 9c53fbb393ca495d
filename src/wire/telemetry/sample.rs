//! Known fields become a sample, each judged by what the sample needs.
//!
//! Law: a field that another kind of sample has is not looked at. An optional null is absent. A
//! value that cannot be used costs what needs it and no more: without an id, a model, a version, a
//! time or a type there is no sample; without a status the answer says nothing of errors.

use std::borrow::Cow;

use super::fields::Fields;
use super::read::Builder;
use super::value::Quoted;
use super::{Context, Loss, Rejected};
use crate::model::{
    EventTime, Half, HalfSide, Health, LatencySample, LostField, LostFields, Outcome, PlaceRoot,
    Prediction, PredictionStatus, Reject, Run, RunKind, RunStatus, Sample, SampleField, SampleKind,
    SampleRole, Span, UnknownModels,
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

/// The sample that the fields make. Where there is none, the error says of which model and version
/// it would have been, if that can be read.
pub(super) fn build<'a>(
    fields: &mut Fields<'a>,
    kind: SampleKind,
    context: &Context<'_>,
    losses: Option<&mut Vec<Loss>>,
) -> Result<Sample<'a>, Rejected> {
    let mut builder = Builder { fields, kind, context, lost: LostFields::default(), losses };
    let model = builder.needed_name(SampleField::Model)?;
    check_known(&model, context)?;
    let needs_version =
        matches!(kind, SampleKind::Prediction | SampleKind::Latency | SampleKind::Health);
    let version = match needs_version {
        true => builder.needed_name(SampleField::Version).map(Some),
        false => builder.name(SampleField::Version),
    };
    let known = version.as_ref().ok().cloned().flatten();
    let built = version.and_then(|version| {
        let of = SampleOf { model: model.clone(), version, ts: builder.ts()? };
        match kind {
            SampleKind::Prediction => builder.prediction(of).map(Sample::Prediction),
            SampleKind::Outcome => builder.outcome(of).map(Sample::Outcome),
            SampleKind::Latency => builder.latency(of).map(Sample::Latency),
            SampleKind::Health => builder.health(of).map(Sample::Health),
            SampleKind::Run => builder.run(of).map(Sample::Run),
            SampleKind::Asked | SampleKind::Answered => {
                let detail = "a half of a call needs a mapping that says with pair how both meet";
                Err(Rejected::new(Reject::UnknownType, detail))
            }
        }
    });
    built.map_err(|why| why.about(kind, &model, known.as_deref()))
}

/// One half of a call, which both halves name `by`. What it does not say the other may.
pub(super) fn half<'a>(
    fields: &mut Fields<'a>,
    (side, by): (HalfSide, Cow<'a, str>),
    context: &Context<'_>,
    losses: Option<&mut Vec<Loss>>,
) -> Result<Sample<'a>, Rejected> {
    let kind = SampleKind::Prediction;
    let mut builder = Builder { fields, kind, context, lost: LostFields::default(), losses };
    let model = builder.name(SampleField::Model)?.unwrap_or_default();
    if !model.is_empty() {
        check_known(&model, context)?;
    }
    let built = builder.half(&model, side, &by);
    let prediction = built.map_err(|why| match model.is_empty() {
        true => why,
        false => why.about(kind, &model, None),
    })?;
    Ok(Sample::Half(Half {
        side,
        by,
        ts: prediction.ts,
        model,
        predictions: vec![prediction],
        timed: false,
        within: Span::ZERO,
        missing_is_error: false,
    }))
}

fn check_known(model: &str, context: &Context<'_>) -> Result<(), Rejected> {
    match &context.source.unknown_models {
        UnknownModels::Reject(known) if !known.contains(model) => {
            let detail = format!(
                "model {} is not in the config; add it, or set unknown_models = \"learn\"",
                Quoted(model)
            );
            Err(Rejected::new(Reject::UnknownModel, detail))
        }
        UnknownModels::Reject(_) | UnknownModels::Learn => Ok(()),
    }
}

/// What every sample has.
struct SampleOf<'a> {
    model: Cow<'a, str>,
    /// There, if the kind needs it.
    version: Option<Cow<'a, str>>,
    ts: EventTime,
}

impl<'a> Builder<'a, '_> {
    fn prediction(&mut self, of: SampleOf<'a>) -> Result<Prediction<'a>, Rejected> {
        let SampleOf { model, version, ts } = of;
        let id = self.needed_name(SampleField::Id)?;
        // Without its request an answer cannot be joined: its label is lost, not the rest.
        let request = self.name(SampleField::Request);
        let joins = request.is_ok();
        let request = self.or_lost(LostField::Prediction, |_| request);
        let label = |builder: &mut Self| builder.label(SampleField::Prediction);
        let prediction = self.or_lost(LostField::Prediction, label).filter(|_| joins);
        Ok(Prediction {
            id,
            model,
            version: version.unwrap_or_default(),
            ts,
            request,
            status: self.status(),
            prediction,
            score: self.or_lost(LostField::Score, |b| b.number(SampleField::Score)),
            latency_us: self.or_lost(LostField::Latency, Self::latency_us),
            features: self.features(),
            role: self
                .or_lost(LostField::Role, |b| b.word(SampleField::Role, ROLE))
                .unwrap_or_default(),
            actual: self.or_lost(LostField::Actual, |b| b.label(SampleField::Actual)),
            lost: self.lost,
        })
    }

    /// How an answer ended. Where the mapping says that nothing tells, nobody knows.
    fn status(&mut self) -> PredictionStatus {
        let mapping = self.context.mapping;
        let rule = mapping.and_then(|mapping| mapping.fields.get(&SampleField::Status));
        let status = self.or_lost(LostField::Status, |builder| match rule {
            Some(rule) if rule.from.iter().all(|place| place.root == PlaceRoot::Nothing) => {
                let detail = "status = \"none\": this telemetry does not say whether a call failed";
                Err(Rejected::new(Reject::MissingField, detail))
            }
            _ => builder.word(SampleField::Status, STATUS),
        });
        status.unwrap_or_default()
    }

    /// What one half says of a prediction.
    fn half(
        &mut self,
        model: &Cow<'a, str>,
        side: HalfSide,
        by: &Cow<'a, str>,
    ) -> Result<Prediction<'a>, Rejected> {
        let id = self.name(SampleField::Id)?.unwrap_or_else(|| by.clone());
        let version = self.name(SampleField::Version)?.unwrap_or_default();
        let request = self.name(SampleField::Request)?;
        let ts = self.ts()?;
        let answered = side == HalfSide::Answered;
        let label = |builder: &mut Self, slot| builder.label(slot);
        let mut half = Prediction {
            id,
            model: model.clone(),
            version,
            ts,
            request,
            status: PredictionStatus::Ok,
            prediction: None,
            score: None,
            latency_us: None,
            features: Vec::new(),
            role: SampleRole::Unstated,
            actual: None,
            lost: LostFields::default(),
        };
        if answered {
            half.status = self.status();
            half.prediction =
                self.or_lost(LostField::Prediction, |b| label(b, SampleField::Prediction));
            half.score = self.or_lost(LostField::Score, |b| b.number(SampleField::Score));
            half.latency_us = self.or_lost(LostField::Latency, Self::latency_us);
            half.actual = self.or_lost(LostField::Actual, |b| label(b, SampleField::Actual));
            let role = self.or_lost(LostField::Role, |b| b.word(SampleField::Role, ROLE));
            half.role = role.unwrap_or_default();
        } else {
            half.features = self.features();
        }
        half.lost = self.lost;
        Ok(half)
    }

    fn outcome(&mut self, of: SampleOf<'a>) -> Result<Outcome<'a>, Rejected> {
        let SampleOf { model, version, ts } = of;
        let request = self.needed_name(SampleField::Request)?;
        let missing = !self.fields.has(SampleField::Actual);
        let actual = match self.needed(SampleField::Actual, Self::label) {
            Err(why) if missing => return Err(why),
            read => self.or_lost(LostField::Actual, |_| read.map(Some)),
        };
        let label = |builder: &mut Self| builder.label(SampleField::Prediction);
        let prediction = self.or_lost(LostField::Prediction, label);
        Ok(Outcome { request, model, ts, actual, version, prediction, lost: self.lost })
    }

    fn latency(&mut self, of: SampleOf<'a>) -> Result<LatencySample<'a>, Rejected> {
        let SampleOf { model, version, ts } = of;
        let missing = !self.fields.has(SampleField::LatencyMs);
        let read = self.needed(SampleField::LatencyMs, |builder, _| builder.latency_us());
        let latency_us = match read {
            Err(why) if missing => return Err(why),
            read => self.or_lost(LostField::Latency, |_| read.map(Some)),
        };
        let id = self.name(SampleField::Id)?;
        let version = version.unwrap_or_default();
        Ok(LatencySample { model, version, ts, latency_us, id, lost: self.lost })
    }

    fn health(&mut self, of: SampleOf<'a>) -> Result<Health<'a>, Rejected> {
        let SampleOf { model, version, ts } = of;
        let cpu_ratio = self.or_lost(LostField::Cpu, |b| b.amount(SampleField::CpuRatio));
        let memory = self.or_lost(LostField::Memory, |b| b.amount(SampleField::MemoryBytes));
        let memory_bytes = memory.map(|bytes| bytes as u64);
        let version = version.unwrap_or_default();
        Ok(Health { model, version, ts, cpu_ratio, memory_bytes, lost: self.lost })
    }

    fn run(&mut self, of: SampleOf<'a>) -> Result<Run<'a>, Rejected> {
        let SampleOf { model, version, ts } = of;
        let kind = self.needed(SampleField::Kind, |builder, slot| builder.word(slot, RUN_KIND))?;
        let status =
            self.needed(SampleField::Status, |builder, slot| builder.word(slot, RUN_STATUS))?;
        Ok(Run { model, ts, kind, status, version })
    }
}
