//! Which models always have a place: those that the config names, and those that decide says a
//! target or a person names. Decide tells it on the status topic, model by model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Ingest;
use crate::edge::clock::Uptime;
use crate::edge::diagnostics;
use crate::edge::log::{Reader, Record, Topic};
use crate::measure::Input;
use crate::model::{ModelId, NamedModels, Role, Span, VersionId};
use crate::shard::ModelStatus;
use crate::topics::{MODEL, RoleError, Topics};
use crate::wire::json;

/// The time between two looks.
const LOOK_EVERY: Span = Span::from_s(1);

/// Records of a shard that a look reads at most; the rest is read by the next one.
const MOST_READ: usize = 1000;

/// What is known of the models that are named.
#[derive(Debug, Default)]
pub(super) struct NamedReader {
    named: Arc<NamedModels>,
    /// Where reading goes on, by shard.
    next: BTreeMap<u32, i64>,
    looked: Option<Uptime>,
}

impl NamedReader {
    pub(super) fn new(config: &[ModelId]) -> Self {
        let named = config.iter().map(|model| (model.clone(), BTreeSet::new())).collect();
        Self { named: Arc::new(named), next: BTreeMap::new(), looked: None }
    }

    /// The models, with the versions that always have a place.
    pub(super) fn named(&self) -> &Arc<NamedModels> {
        &self.named
    }

    /// Reads on in one shard; whether something changed.
    fn read(
        &mut self,
        topics: &Topics,
        reader: &mut dyn Reader,
        config: &[ModelId],
        shard: u32,
    ) -> Result<bool, RoleError> {
        let at = topics.partition(Topic::Status, shard);
        let (_, end) = reader.bounds(&at)?;
        let records = match self.next.get(&shard) {
            None => topics.log.latest(&at, MODEL)?,
            Some(next) if *next >= end => return Ok(false),
            Some(next) => topics.log.scan(&at, *next, MOST_READ)?,
        };
        let read_to = match self.next.get(&shard) {
            None => end,
            Some(next) => records.last().map_or(*next, |last| last.position + 1),
        };
        self.next.insert(shard, read_to);
        let mut last = BTreeMap::new();
        for record in &records {
            if let Some(model) = model_of(record) {
                last.insert(model, record);
            }
        }
        let mut changed = false;
        for (model, record) in last {
            let versions = versions(record);
            let versions = versions.or_else(|| config.contains(&model).then(BTreeSet::new));
            if self.named.get(&model) != versions.as_ref() {
                let named = Arc::make_mut(&mut self.named);
                match versions {
                    Some(versions) => drop(named.insert(model, versions)),
                    None => drop(named.remove(&model)),
                }
                changed = true;
            }
        }
        Ok(changed)
    }
}

fn model_of(record: &Record) -> Option<ModelId> {
    let key = std::str::from_utf8(record.key.as_deref()?).ok()?;
    ModelId::new(key.strip_prefix(MODEL)?).ok()
}

/// The versions that always have a place: those that serve, those that may be rolled back to, and
/// those that open incidents are about. `None`: the model is not named.
fn versions(record: &Record) -> Option<BTreeSet<VersionId>> {
    if record.value.is_empty() {
        return None;
    }
    let read = json::decode::<ModelStatus>("status of a model", &record.value);
    let told = |why: &json::JsonError| {
        diagnostics::record_unreadable(MODEL, 0, record.position, &why.to_string());
    };
    let status = read.inspect_err(told).ok().filter(|status| status.named)?;
    let kept = status.versions.into_iter().filter(|(_, version)| {
        version.proven || matches!(version.role, Some(Role::Production | Role::Canary))
    });
    let mut versions: BTreeSet<_> = kept.map(|(version, _)| version).collect();
    versions.extend(status.production);
    for incident in status.open_incidents {
        versions.insert(incident.version);
        versions.extend(incident.to);
    }
    Some(versions)
}

impl Ingest {
    /// Learns which names always have a place, before anything is measured and then each second.
    pub(super) fn learn_names(&mut self) -> Result<(), RoleError> {
        let now = self.topics.log.uptime();
        if self.names.looked.is_some_and(|last| now - last < LOOK_EVERY) {
            return Ok(());
        }
        self.names.looked = Some(now);
        let mut changed = false;
        for shard in 0..self.topics.shards {
            let (reader, config) = (self.reader.as_mut(), &self.settings.named);
            changed |= self.names.read(&self.topics, reader, config, shard)?;
        }
        if changed {
            for lane in self.held.values_mut() {
                let named = self.names.named();
                lane.feeds_mut().for_each(|feed| feed.step(Input::Named(named)));
            }
        }
        Ok(())
    }
}
