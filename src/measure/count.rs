//! How each kind of sample falls into its cells.
//!
//! Percent of what: an answer is a prediction record of any status. It is bad if it ended in an
//! error or a time-out; such an answer counts its inputs and its duration like any other. It, and
//! one that states no prediction, takes no part in labels or pairs. Latency samples count
//! durations only, never answers. A feature that a request lacks is not counted here: what is
//! missing of it is the cell's answers less the grid's values. Latency, health and runs, and
//! outcomes that carry their prediction, state no role; a run that names no version counts under
//! the version `-`.
//!
//! Over 300 lines: every kind of sample has its place in one file.

use super::Lane;
use super::inputs::InputsPlace;
use super::join::Join;
use super::ledger::{Disposition, ReadPhase, RecordPlace};
use super::names::{IdOf, InputsOf, ModelIx, RequestKey, VersionIx, id_key};
use super::place::Unplaced;
use super::request::{JoinContext, Label, Remembered, Scored};
use crate::model::{
    EventTime, Feature, Health, LatencySample, LostField, NameError, NameKind, Outcome, Prediction,
    PredictionStatus, Reject, Run, RunKind, RunStatus, Sample, SampleRole, Value,
};
use crate::sums::Losses;

/// The version of a run that names none.
const NO_VERSION: &str = "-";

/// What a name that cannot be one, or that has no place, is rejected as.
pub(super) fn unplaced(why: &Unplaced) -> Disposition {
    Disposition::Rejected(match why {
        Unplaced::Bad(NameError::Empty | NameError::Blank) => Reject::MissingField,
        Unplaced::Bad(NameError::TooLong(_)) => Reject::TooLarge,
        Unplaced::Bad(NameError::Control(_) | NameError::Hidden(_)) => Reject::WrongType,
        Unplaced::Full(NameKind::Model) => Reject::TooManyModels,
        Unplaced::Full(NameKind::Version | NameKind::Feature) => Reject::TooManyVersions,
    })
}

impl Lane {
    /// Counts a sample where it belongs, and returns what happened to it.
    pub(super) fn take(&mut self, sample: &Sample<'_>, at: &RecordPlace) -> Disposition {
        let taken = match sample {
            Sample::Prediction(p) => self.prediction(p, at),
            Sample::Outcome(o) => self.outcome(o, at),
            Sample::Latency(l) => self.latency(l, at),
            Sample::Health(h) => self.health(h, at),
            Sample::Run(r) => self.run(r, at),
            Sample::Half(_) => Ok(self.half(sample, at)),
        };
        taken.unwrap_or_else(|why| unplaced(&why))
    }

    /// The join, and what it may add to.
    fn room<'a>(&'a mut self, at: &'a RecordPlace) -> (&'a mut Join, JoinContext<'a>) {
        let room = JoinContext {
            panes: &mut self.panes,
            names: &self.names,
            inputs: &self.inputs,
            at,
            horizon: self.horizon,
            categories: self.categories,
        };
        (&mut self.join, room)
    }

    /// Whether a record adds to the pane of its own time.
    fn adds(&self, ts: EventTime, at: &RecordPlace) -> bool {
        at.phase != ReadPhase::Rebuild && self.panes.is_open(ts)
    }

    fn version(
        &mut self,
        (model, version): (&str, &str),
        needed: EventTime,
    ) -> Result<(ModelIx, VersionIx), Unplaced> {
        let model = self.place_model(model, needed)?;
        let version = self.place_version(model, version, needed)?;
        self.version = Some(version);
        Ok((model, version))
    }

    pub(super) fn prediction(
        &mut self,
        p: &Prediction<'_>,
        at: &RecordPlace,
    ) -> Result<Disposition, Unplaced> {
        let needed = self.needed(p.ts, at);
        let (model, version) = self.version((&p.model, &p.version), needed)?;
        self.place_features(p, version, at)?;
        let remembered = self.remember(p, model, version, at);
        if remembered != Remembered::Not {
            self.names.touch(version, self.panes.end_of(p.ts + self.horizon));
        }
        if !self.adds(p.ts, at) {
            return Ok(Disposition::Late);
        }
        // The join knows requests. Where a request is no id of its own, it knows ids, too; else
        // one request may be answered more than once, and each answer counts.
        let repeat = match remembered {
            Remembered::New { .. } if p.request() == p.id => false,
            Remembered::Repeat if p.request() == p.id => true,
            Remembered::New { .. } | Remembered::Repeat | Remembered::Not => {
                self.panes.seen(p.ts, at, id_key(IdOf::Prediction, version, &p.id))
            }
        };
        if repeat {
            return Ok(Disposition::Duplicate);
        }
        self.count(p, version, at);
        Ok(Disposition::Measured)
    }

    /// Lets the join remember an answer, whether or not it came in time for its own pane: a
    /// label counts in the pane of the truth.
    fn remember(
        &mut self,
        p: &Prediction<'_>,
        model: ModelIx,
        version: VersionIx,
        at: &RecordPlace,
    ) -> Remembered {
        let Some(value) = p.prediction.as_ref().filter(|_| p.status == PredictionStatus::Ok) else {
            return Remembered::Not;
        };
        let given = p.features.iter().map(|(_, value)| value);
        let inputs = if given.len() == 0 || self.join.stopped(model) {
            InputsPlace::NONE
        } else {
            let given = self.features.iter().zip(given);
            let given = given.filter_map(|(index, value)| Some(((*index)?, value)));
            self.inputs.keep(p.ts, given, &self.panes)
        };
        let (role, ts, value) = (p.role, p.ts, Label::of(value));
        let answer = Scored { version, role, ts, value, inputs, label: None };
        let request = (model, RequestKey::of(model, p.request()));
        let actual = p.actual.as_ref().map(Label::of);
        let (join, mut room) = self.room(at);
        let remembered = join.answer(request, answer, actual, &mut room);
        if remembered == (Remembered::New { met: true }) && at.phase == ReadPhase::Live {
            self.ledger.settle(Disposition::Measured);
        }
        remembered
    }

    fn count(&mut self, p: &Prediction<'_>, version: VersionIx, at: &RecordPlace) {
        let answer = p.prediction.as_ref().filter(|_| p.status == PredictionStatus::Ok);
        let sums = self.panes.version(p.ts, at, version, p.role);
        sums.lost.merge(Losses::of_fields(p.lost));
        // Without its status an answer says nothing of errors.
        if !p.lost.has(LostField::Status) {
            sums.answers.count(p.status != PredictionStatus::Ok);
            sums.timeouts += u64::from(p.status == PredictionStatus::Timeout);
        }
        if let Some(us) = p.latency_us {
            sums.latency.get_or_insert_default().record(us);
        }
        if let Some(answer) = answer {
            let grid = sums.predictions.get_or_insert_default();
            match answer {
                Value::Number(number) => grid.number(*number),
                Value::Text(name) => grid.category(name, self.categories),
            }
            if let Some(actual) = &p.actual {
                sums.label(Label::of(answer).agrees(Label::of(actual)));
            }
        }
        if p.features.is_empty() {
            return;
        }
        let Some(grids) = self.panes.features(p.ts, InputsOf::Version(version, p.role)) else {
            return;
        };
        for ((_, value), index) in p.features.iter().zip(&self.features) {
            let Some(index) = *index else { continue };
            let grid = grids.entry(index).or_default();
            match value {
                Feature::Number(number) => grid.number(*number),
                Feature::Category(name) => grid.category(name, self.categories),
                Feature::Missing => grid.missing += 1,
                Feature::Unusable => grid.unusable += 1,
            }
        }
    }

    fn outcome(&mut self, o: &Outcome<'_>, at: &RecordPlace) -> Result<Disposition, Unplaced> {
        // What is read again of closed panes is forgotten when all was read.
        let behind = self.marks.mark().filter(|_| self.behind).map(|mark| self.panes.end_of(mark));
        let needed = self.needed(o.ts, at).max(behind.unwrap_or(EventTime::MIN));
        let model = self.place_model(&o.model, needed)?;
        let Some(actual) = o.actual.as_ref().map(Label::of) else {
            return self.unusable_outcome(o, at);
        };
        if let (Some(version), Some(answer)) = (&o.version, &o.prediction) {
            let version = self.place_version(model, version, needed)?;
            let right = Label::of(answer).agrees(actual);
            return Ok(self.complete_outcome(o, version, right, at));
        }
        let request = (model, RequestKey::of(model, &o.request));
        if let Some(version) = o.version.as_ref().filter(|_| o.lost.has(LostField::Prediction)) {
            // It says which version answered and not what, so it can only meet a prediction.
            let version = self.place_version(model, version, needed)?;
            if !self.join.answered(request.1).contains(&version) {
                return self.unusable_outcome(o, at);
            }
        }
        if self.join.stopped(model) && self.adds(o.ts, at) {
            self.lose_labels_of_model(&o.model, request.1, at);
        }
        let (join, mut room) = self.room(at);
        Ok(join.outcome(request, (o.ts, actual), &mut room))
    }

    /// An outcome without a truth that can be used: the label is lost, the record is not.
    fn unusable_outcome(
        &mut self,
        o: &Outcome<'_>,
        at: &RecordPlace,
    ) -> Result<Disposition, Unplaced> {
        if !self.adds(o.ts, at) {
            return Ok(Disposition::Late);
        }
        match &o.version {
            Some(version) => {
                let needed = self.needed(o.ts, at);
                let (_, version) = self.version((&o.model, version), needed)?;
                let sums = self.panes.version(o.ts, at, version, SampleRole::Unstated);
                sums.lost.labels += 1;
            }
            None => self.lose_labels(&o.model, &o.request, at),
        }
        Ok(Disposition::Measured)
    }

    /// An outcome that says which version answered what: nothing to join.
    fn complete_outcome(
        &mut self,
        o: &Outcome<'_>,
        version: VersionIx,
        right: Option<bool>,
        at: &RecordPlace,
    ) -> Disposition {
        if !self.adds(o.ts, at) {
            return Disposition::Late;
        }
        if self.panes.seen(o.ts, at, id_key(IdOf::Outcome, version, &o.request)) {
            return Disposition::Duplicate;
        }
        let sums = self.panes.version(o.ts, at, version, SampleRole::Unstated);
        sums.label(right);
        Disposition::Measured
    }

    fn latency(
        &mut self,
        l: &LatencySample<'_>,
        at: &RecordPlace,
    ) -> Result<Disposition, Unplaced> {
        let needed = self.needed(l.ts, at);
        let (_, version) = self.version((&l.model, &l.version), needed)?;
        if !self.adds(l.ts, at) {
            return Ok(Disposition::Late);
        }
        if let Some(id) = &l.id
            && self.panes.seen(l.ts, at, id_key(IdOf::Latency, version, id))
        {
            return Ok(Disposition::Duplicate);
        }
        let sums = self.panes.version(l.ts, at, version, SampleRole::Unstated);
        match l.latency_us {
            Some(us) => sums.latency.get_or_insert_default().record(us),
            None => sums.lost.latencies += 1,
        }
        Ok(Disposition::Measured)
    }

    fn health(&mut self, h: &Health<'_>, at: &RecordPlace) -> Result<Disposition, Unplaced> {
        let needed = self.needed(h.ts, at);
        let (_, version) = self.version((&h.model, &h.version), needed)?;
        if !self.adds(h.ts, at) {
            return Ok(Disposition::Late);
        }
        let sums = &mut self.panes.version(h.ts, at, version, SampleRole::Unstated).health;
        sums.n += 1;
        // A share of processors, 0 to 1; the cast takes NaN and less than nothing as nothing.
        let millionths = (h.cpu_ratio.unwrap_or(0.0) * 1e6).min(1e12) as u64;
        sums.cpu_millionths = sums.cpu_millionths.saturating_add(millionths);
        sums.memory_bytes_max = sums.memory_bytes_max.max(h.memory_bytes.unwrap_or(0));
        Ok(Disposition::Measured)
    }

    fn run(&mut self, r: &Run<'_>, at: &RecordPlace) -> Result<Disposition, Unplaced> {
        let version = r.version.as_deref().unwrap_or(NO_VERSION);
        let needed = self.needed(r.ts, at);
        let (_, version) = self.version((&r.model, version), needed)?;
        if !self.adds(r.ts, at) {
            return Ok(Disposition::Late);
        }
        let sums = self.panes.version(r.ts, at, version, SampleRole::Unstated);
        let sums = match r.kind {
            RunKind::Training => &mut sums.training,
            RunKind::Pipeline => &mut sums.pipeline,
        };
        match r.status {
            RunStatus::Started => sums.started += 1,
            RunStatus::Succeeded => sums.succeeded += 1,
            RunStatus::Failed => sums.failed += 1,
        }
        Ok(Disposition::Measured)
    }
}
