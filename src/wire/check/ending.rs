//! The report, once all records were taken.

use super::{HalfCounts, SourceCheck, SourceReport, Times};

impl SourceCheck<'_> {
    /// Files whose records are all left out: somebody named the wrong file, topic or rule.
    fn without_samples(&self) -> Vec<String> {
        let empty = |(_, [all, read, left_out]): &(&String, &[u64; 3])| {
            *read == 0 && *all > 0 && all == left_out
        };
        let files = self.files.iter().filter(empty);
        let sentence = |(file, [all, ..]): (&String, &[u64; 3])| {
            format!(
                "none of the {all} records in {file} is a sample: all are left out by only; \
                 correct it, or name the topic whose rules read this file: {file}=TOPIC"
            )
        };
        files.map(sentence).collect()
    }

    /// The report on all records so far.
    #[must_use]
    pub fn report(mut self) -> SourceReport {
        self.give_up(self.last);
        for (model, known) in &mut self.models {
            (known.predictions, known.outcomes) = self.labels.types(model);
        }
        let mut never_found = self.places.never_found(&self.topics);
        never_found.extend(self.without_samples());
        let hints = self.hints();
        let table = self.table(self.topics.first().map_or("", |topic| &topic.name));
        let proposal = self.guess.proposal(self.source, &self.topics, &table);
        let counts = HalfCounts { waiting: self.halves.len() as u64, ..self.half_counts };
        SourceReport {
            records: self.records,
            not_ours: self.not_ours,
            labels: self.joins.labels(self.carried, self.inline),
            pairs: self.joins.pairs(),
            halves: (counts != HalfCounts::default()).then_some(counts),
            times: self.first.map(|first| Times {
                first,
                last: self.last,
                disorder_ms: self.disorder,
            }),
            places: self.places.report(&self.topics),
            never_found,
            proposal,
            understood: self.understood,
            models: self.models,
            examples: self.examples,
            rejected: self.rejected,
            lost: self.lost,
            roles: self.roles,
            latency: self.latency,
            hints,
        }
    }
}
