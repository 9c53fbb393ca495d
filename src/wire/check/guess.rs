//! A mapping for records that cannot be read as they are: a dialect that reads them, or a guess.

use serde_json::Value as Json;

use super::propose;

use crate::config::{WrittenMapping, dialects, mapping};
use crate::model::{EventTime, SampleField, Source, TopicRule};
use crate::wire::telemetry::{Raw, Samples, TextArena, decode};

/// Records that are looked at.
const KEPT: usize = 50;
/// What a record may be called that does not say it.
const SOME: &str = "?";

/// The first records, as they are.
#[derive(Debug, Default)]
pub(super) struct Guess {
    kept: Vec<KeptRecord>,
    read: usize,
}

#[derive(Debug)]
struct KeptRecord {
    value: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Guess {
    /// Looks at a record and what it was read as.
    pub(super) fn take(&mut self, record: &Raw<'_>, topic: &TopicRule, samples: &Samples<'_>) {
        let has_dialect = topic.mapping.as_ref().is_some_and(|mapping| mapping.dialect.is_some());
        if self.kept.len() >= KEPT || has_dialect {
            return;
        }
        self.read += usize::from(samples.first().is_some() || samples.is_empty());
        let (value, headers) = (record.value.to_vec(), record.headers.to_vec());
        self.kept.push(KeptRecord { value, headers });
    }

    /// A mapping to paste into a table of the settings. `None`: most records can be read.
    pub(super) fn proposal(
        &self,
        source: &Source,
        topics: &[TopicRule],
        table: &str,
    ) -> Option<String> {
        if self.read * 2 >= self.kept.len() {
            return None;
        }
        let records = self.kept.iter().map(|kept| kept.value.as_slice());
        let dialect = self.recognized(source, topics.first()?, table);
        dialect.or_else(|| propose::proposal(records, table))
    }

    /// The dialect that reads most of the records, if any reads half of them.
    fn recognized(&self, source: &Source, topic: &TopicRule, table: &str) -> Option<String> {
        let tried = dialects().iter().filter_map(|dialect| {
            let written =
                WrittenMapping { dialect: Some(dialect.name.to_owned()), ..Default::default() };
            let mut mapped = mapping(written).ok()??;
            let mut missing = Vec::new();
            for field in [SampleField::Model, SampleField::Version] {
                match mapped.fields.get_mut(&field) {
                    Some(rule) => drop(rule.default.get_or_insert_with(|| Json::from(SOME))),
                    None => {
                        mapped.constants.insert(field, Json::from(SOME));
                        missing.push(field.name());
                    }
                }
            }
            let rule = TopicRule { mapping: Some(mapped), ..topic.clone() };
            let read = self.kept.iter().filter(|kept| kept.read_by(&rule, source)).count();
            Some((read, dialect, missing))
        });
        // Of several that read as many, the first.
        let (read, dialect, missing) = tried.rev().max_by_key(|(read, ..)| *read)?;
        if read * 2 < self.kept.len() {
            return None;
        }
        let mut toml = format!("[{table}]\ndialect = \"{}\"", dialect.name);
        if !missing.is_empty() {
            let constants: Vec<_> = missing
                .iter()
                .map(|field| format!("{field} = \"{}\"", field.to_uppercase()))
                .collect();
            toml.push_str(&format!(
                "\n# No record says these; for files, path = \"{{model}}/{{version}}/*\" may.\n\
                 constants = {{ {} }}",
                constants.join(", ")
            ));
        }
        Some(format!("This looks like {}:\n\n{toml}", dialect.of))
    }
}

impl KeptRecord {
    fn read_by(&self, rule: &TopicRule, source: &Source) -> bool {
        let log_time = Some(EventTime::from_ms(946_684_800_000));
        let raw = Raw { headers: &self.headers, log_time, ..Raw::line(&self.value) };
        decode(&raw, rule, source, &TextArena::new()).first().is_some()
    }
}
