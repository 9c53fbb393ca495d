//! What could not be used, counted where the judge can hold it against a verdict.
//!
//! A lost record has no time that can be believed, or one whose pane is closed. So it counts in the
//! pane of the newest event when it was read: that is the interval in which its loss hides
//! something. A value that is lost of a record that is measured counts in the record's own pane.

use super::Lane;
use super::api::UnreadRecord;
use super::ledger::{ReadPhase, RecordPlace};
use super::names::{ModelIx, RequestKey, VersionIx};
use super::place::Unplaced;
use crate::model::{EventTime, LostFields, ModelId, Reject, Sample, SampleKind, SampleRole};
use crate::sums::Losses;

const ONE_LABEL: Losses = Losses::of_record(Some(SampleKind::Outcome));

impl Lane {
    /// A record that is no sample.
    pub(super) fn lose_record(&mut self, record: UnreadRecord<'_>, at: &RecordPlace) {
        // The settings say that nothing is known of such models.
        if record.code != Reject::UnknownModel {
            self.lose(record.model, record.version, Losses::of_record(record.kind), at);
        }
    }

    /// A sample that came too late, or whose clock is wrong.
    pub(super) fn lose_sample(&mut self, sample: &Sample<'_>, at: &RecordPlace) {
        let lost = Losses::of_late(sample);
        let (model, version) = match sample {
            Sample::Prediction(p) => (&p.model, Some(&p.version)),
            Sample::Latency(l) => (&l.model, Some(&l.version)),
            Sample::Outcome(o) => match &o.version {
                Some(version) => (&o.model, Some(version)),
                None => return self.lose_labels(&o.model, &o.request, at),
            },
            Sample::Half(h) => {
                let version = h.predictions.first().map(|call| &call.version);
                (&h.model, version.filter(|version| !version.is_empty()))
            }
            Sample::Health(_) | Sample::Run(_) => return,
        };
        self.lose(Some(model), version.map(AsRef::as_ref), lost, at);
    }

    /// An outcome that cannot be used: the versions that answered its request lose a label. While
    /// several topics are read again, an answer from before may come after it; in one topic what
    /// comes after it came after it before, too.
    pub(super) fn lose_labels(&mut self, model: &str, request: &str, at: &RecordPlace) {
        let needed = self.lost_needed(at);
        self.names.ask_again(true);
        let model = self.place_model(model, needed);
        self.names.ask_again(false);
        let Ok(model) = model else { return };
        let request = RequestKey::of(model, request);
        if !self.behind || self.ledger.has_one_topic() {
            self.lose_labels_known(model, request, at);
        } else if self.lost_pane(ONE_LABEL, at).is_some() {
            self.lost_labels.push((model, request, *at));
        }
    }

    /// The versions that answered a request lose a label. Where none is known to have, and the lane
    /// has forgotten some, any version of the model may be one.
    pub(super) fn lose_labels_known(
        &mut self,
        model: ModelIx,
        request: RequestKey,
        at: &RecordPlace,
    ) {
        let unknown = self.join.answered(request).is_empty() && self.warm() < 1.0;
        match self.lost_pane(ONE_LABEL, at).filter(|_| unknown) {
            Some(pane) => self.panes.unknown(pane, at, Some(model)).merge(ONE_LABEL),
            None => self.lose_labels_of(request, at),
        }
    }

    /// A label that nobody meets, because the model's join is stopped: of the versions that are
    /// known to have answered, else of any version of the model.
    pub(super) fn lose_labels_of_model(
        &mut self,
        model: &str,
        request: RequestKey,
        at: &RecordPlace,
    ) {
        if self.join.answered(request).is_empty() {
            self.lose(Some(model), None, ONE_LABEL, at);
        } else {
            self.lose_labels_of(request, at);
        }
    }

    /// A label of a model that meets nothing, perhaps because the lane has forgotten what it would
    /// have met. It counts where it is given up: the pane of the outcome is closed.
    pub(super) fn lose_label_of(&mut self, model: ModelIx) {
        let Some(newest) = self.marks.newest().filter(|newest| self.panes.is_open(*newest)) else {
            return;
        };
        // It feeds nothing that must be read again.
        let (topic, position, newest_before) = (0, 0, Some(newest));
        let at = RecordPlace { topic, position, phase: ReadPhase::Rebuild, newest_before };
        self.names.need(model, self.panes.end_of(newest));
        self.panes.unknown(newest, &at, Some(model)).merge(ONE_LABEL);
        self.unmet.push((newest, model));
    }

    /// The models of labels that count as lost in open panes, for the lane that succeeds this one.
    #[must_use]
    pub fn unmet(&self) -> Vec<ModelId> {
        let open = self.unmet.iter().filter(|(newest, _)| self.panes.is_open(*newest));
        open.map(|(_, model)| self.names.model_name(*model).clone()).collect()
    }

    /// The lane that went before has lost these labels.
    pub(super) fn lose_labels_unmet(&mut self, models: &[ModelId]) {
        self.names.ask_again(true);
        for model in models {
            if let Ok(model) = self.place_model(model.as_str(), EventTime::MIN) {
                self.lose_label_of(model);
            }
        }
        self.names.ask_again(false);
    }

    pub(super) fn lose_labels_of(&mut self, request: RequestKey, at: &RecordPlace) {
        for version in self.join.answered(request) {
            self.lose_of(version, ONE_LABEL, at);
        }
    }

    fn lose(&mut self, model: Option<&str>, version: Option<&str>, lost: Losses, at: &RecordPlace) {
        let needed = self.lost_needed(at);
        self.names.ask_again(true);
        let placed = self.place_lost(model, version, needed);
        self.names.ask_again(false);
        let Ok((model, version)) = placed else { return };
        if let Some(version) = version {
            self.lose_of(version, lost, at);
        } else if let Some(pane) = self.lost_pane(lost, at) {
            self.panes.unknown(pane, at, model).merge(lost);
        }
    }

    /// The names of a record that is lost, as far as they are known. Nothing is measured of a model
    /// without a place, so nothing is hidden by what it loses.
    fn place_lost(
        &mut self,
        model: Option<&str>,
        version: Option<&str>,
        needed: EventTime,
    ) -> Result<(Option<ModelIx>, Option<VersionIx>), Unplaced> {
        let model = match model.map(|model| self.place_model(model, needed)) {
            Some(Err(full @ Unplaced::Full(_))) => return Err(full),
            Some(Err(Unplaced::Bad(_))) | None => None,
            Some(Ok(model)) => Some(model),
        };
        let version = model.zip(version);
        let version =
            version.and_then(|(model, name)| self.place_version(model, name, needed).ok());
        Ok((model, version))
    }

    fn lose_of(&mut self, version: VersionIx, lost: Losses, at: &RecordPlace) {
        if let Some(pane) = self.lost_pane(lost, at) {
            self.names.touch(version, self.lost_needed(at));
            self.panes.version(pane, at, version, SampleRole::Unstated).lost.merge(lost);
        }
    }

    /// Until when the pane that a loss counts in may need its names.
    fn lost_needed(&self, at: &RecordPlace) -> EventTime {
        at.newest_before.map_or(EventTime::MIN, |newest| self.panes.end_of(newest))
    }

    /// The time whose pane a loss counts in. `None`: not again, or nothing was measured yet.
    fn lost_pane(&self, lost: Losses, at: &RecordPlace) -> Option<EventTime> {
        let newest = at.newest_before?;
        let counts = !lost.is_empty() && at.phase != ReadPhase::Rebuild;
        (counts && self.panes.is_open(newest)).then_some(newest)
    }

    /// Counts which fields of a measured record could not be used.
    pub(super) fn lose_fields(&mut self, lost: LostFields, at: &RecordPlace) {
        if at.phase == ReadPhase::Live && !lost.is_empty() {
            self.ledger.lose_fields(lost);
        }
    }
}
