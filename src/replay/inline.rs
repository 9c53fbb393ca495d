//! The roles of a replay: they take turns inline, on a shadow registry.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::ReplayError;
use crate::edge::log::Writer;
use crate::model::{
    Baselines, Fact, LaneId, ModelId, NamedModels, RuleSet, SampleRole, Source, Span, VersionId,
};
use crate::roles::decide::Decide;
use crate::roles::work::Work;
use crate::shard::{Inbox, Output, Status};
use crate::targets::registry::ShadowRegistry;
use crate::topics::{RoleError, Topics};

/// A turn that does not wait.
const AT_ONCE: Duration = Duration::ZERO;

/// Decide and one worker.
pub(super) struct InlineRoles {
    pub(super) decide: Decide,
    work: Work,
    pub(super) writer: Box<dyn Writer>,
    lane: LaneId,
}

/// The baselines that the registry has at the start.
pub(super) type RegistryBaselines = BTreeMap<ModelId, BTreeMap<VersionId, Baselines>>;

impl InlineRoles {
    /// Creates the topics and the roles; and says which baselines the registry has.
    pub(super) fn start(
        topics: &Topics,
        source: &Source,
        lane: LaneId,
        rule_set: &RuleSet,
        mut registry: ShadowRegistry,
    ) -> Result<(Self, RegistryBaselines), ReplayError> {
        topics.create(rule_set)?;
        let mut writer = topics.log.writer(None).map_err(RoleError::from)?;
        let names = source.topics.iter().map(|topic| topic.name.clone()).collect();
        let (id, pane) = (source.id.clone(), source.pane);
        let known = Inbox::Source { source: id, topics: names, lanes: 1, pane, known: Vec::new() };
        let claim = Inbox::Claim { lane: lane.clone(), epoch: 1 };
        topics.publish(writer.as_mut(), None, &known)?;
        topics.publish(writer.as_mut(), None, &claim)?;
        let id = registry.target().clone();
        let baselines = |fact: Fact| {
            let of = fact.versions.into_iter().map(|version| (version.version, version.baselines));
            (fact.model, of.collect())
        };
        let baselines = registry.facts()?.into_iter().map(baselines).collect();
        let rarely = Span::from_s(i64::from(u32::MAX));
        let work = Work::new(topics.clone(), id, Box::new(registry), rarely)?;
        let decide = Decide::new(topics.clone())?.without_snapshots();
        Ok((Self { decide, work, writer, lane }, baselines))
    }

    /// One turn each: the outputs; `None` if neither had anything to do.
    pub(super) fn turn(&mut self) -> Result<Option<Vec<Output>>, RoleError> {
        let decided = self.decide.turn(AT_ONCE)?;
        let worked = self.work.turn(AT_ONCE)?;
        Ok((!decided.idle || !worked.idle).then_some(decided.outputs))
    }

    /// Says that the lane is alive.
    pub(super) fn heartbeat(&mut self, topics: &Topics) -> Result<(), ReplayError> {
        let lanes = vec![self.lane.clone()];
        let beat = Inbox::Heartbeat { process: "replay".to_owned(), lanes };
        topics.publish(self.writer.as_mut(), None, &beat)?;
        Ok(())
    }

    /// The live numbers.
    pub(super) fn status(&self) -> Vec<Status> {
        self.decide.status()
    }
}

/// The role of a prediction that states none, by the registry.
pub(super) fn role_of(roles: Option<&InlineRoles>, model: &str, version: &str) -> SampleRole {
    let fact = roles.and_then(|roles| roles.work.fact(model));
    match fact.and_then(|fact| fact.production.as_ref()) {
        Some(production) if production.as_str() == version => SampleRole::Live,
        Some(_) => SampleRole::Shadow,
        None => SampleRole::Unstated,
    }
}

/// The models that the settings and the registry name, with the versions that the registry lists.
pub(super) fn named(
    rule_set: &RuleSet,
    registry: &mut ShadowRegistry,
) -> Result<NamedModels, ReplayError> {
    let mut named: NamedModels =
        rule_set.models.keys().map(|model| (model.clone(), BTreeSet::new())).collect();
    for fact in registry.facts()? {
        let listed = fact.versions.into_iter().map(|of| of.version);
        named.entry(fact.model).or_default().extend(listed.chain(fact.production));
    }
    Ok(named)
}
