//! Which rights on the brokers each role needs.
//!
//! Law: one table. A process checks by it that it can start, `ripcord topics acls` prints it, and a
//! test compares docs/kafka.md with it.

use std::collections::{BTreeMap, BTreeSet};

use super::{RoleSet, WorkerKind};
use crate::config::{Config, NOTICE, REGISTRY, ROUTER};
use crate::edge::log::Topic;
use crate::edge::log::right::{AccessRight, Operation, Resource};
use crate::model::{Source, SourceId, TargetId};
use crate::topics::{committer, group_name, ingest_role, worker_role};

use Operation::{Describe, DescribeConfigs, Read, Write};

/// A role that needs rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Ingest,
    Decide,
    Work,
    Route,
    Serve,
}

/// What a role uses on the log.
#[derive(Debug, Clone, Copy)]
enum Used {
    /// One of Ripcord's own topics.
    Own(Topic),
    /// The topics of all sources.
    Telemetry,
    /// The topics of all sources, only if telemetry is posted to this role.
    Posted,
    /// The first topic of the router's source.
    Routed,
    /// The group of each source.
    SourceGroups,
    /// The group of each target.
    TargetGroups,
    /// A group of this name.
    Group(&'static str),
    /// The transactional id of each shard.
    ShardIds,
}

/// What each role uses, and how. Who may read or write a topic or a group may describe it.
const USES: &[(Role, Used, &[Operation])] = &[
    (Role::Ingest, Used::Own(Topic::Inbox), &[Write]),
    (Role::Ingest, Used::Own(Topic::Status), &[Read, Write, DescribeConfigs]),
    (Role::Ingest, Used::Own(Topic::Rejected), &[Write]),
    (Role::Ingest, Used::Own(Topic::Late), &[Write]),
    (Role::Ingest, Used::Telemetry, &[Read]),
    (Role::Ingest, Used::SourceGroups, &[Read]),
    (Role::Decide, Used::Own(Topic::Inbox), &[Read, Write]),
    (Role::Decide, Used::Own(Topic::State), &[Read, Write, DescribeConfigs]),
    (Role::Decide, Used::Own(Topic::Status), &[Read, Write, DescribeConfigs]),
    (Role::Decide, Used::Own(Topic::Commands), &[Write]),
    (Role::Decide, Used::Own(Topic::Incidents), &[Write]),
    (Role::Decide, Used::Own(Topic::Decisions), &[Write]),
    (Role::Decide, Used::Group("decide"), &[Read]),
    (Role::Decide, Used::ShardIds, &[Write]),
    (Role::Work, Used::Own(Topic::Inbox), &[Write]),
    (Role::Work, Used::Own(Topic::Status), &[Write]),
    (Role::Work, Used::Own(Topic::Commands), &[Read]),
    (Role::Work, Used::TargetGroups, &[Read]),
    (Role::Route, Used::Routed, &[Write]),
    (Role::Serve, Used::Own(Topic::Inbox), &[Write]),
    (Role::Serve, Used::Own(Topic::Status), &[Read, DescribeConfigs]),
    (Role::Serve, Used::Own(Topic::Incidents), &[Read, DescribeConfigs]),
    (Role::Serve, Used::Own(Topic::Decisions), &[Read]),
    (Role::Serve, Used::Posted, &[Write]),
    (Role::Serve, Used::Group("serve"), &[Describe]),
];

impl Role {
    /// Whether it is among these roles.
    fn is_in(self, part: &RoleSet) -> bool {
        match self {
            Self::Ingest => part.measures(),
            Self::Decide => part.decides(),
            Self::Work => matches!(part, RoleSet::All | RoleSet::Work(_)),
            Self::Route => part.routes(),
            Self::Serve => part.serves(),
        }
    }
}

/// A topic without which these roles cannot start.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NeededTopic {
    pub(super) name: String,
    /// The source whose topic it is; `None` for one of Ripcord's own.
    pub(super) source: Option<SourceId>,
    /// The right that a user who may not ask about it lacks.
    pub(super) right: AccessRight,
}

/// The topics without which these roles cannot start; the inbox comes first.
pub(super) fn needed(config: &Config, part: &RoleSet) -> Vec<NeededTopic> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (_, used, operations) in USES.iter().filter(|(role, ..)| role.is_in(part)) {
        let named: Vec<(Option<SourceId>, String)> = match used {
            Used::Own(topic) => vec![(None, topic.name(&config.rules.namespace))],
            Used::Telemetry => telemetry(&config.settings.sources),
            Used::Routed => routed(config),
            Used::Posted
            | Used::SourceGroups
            | Used::TargetGroups
            | Used::Group(_)
            | Used::ShardIds => Vec::new(),
        };
        for (source, name) in named {
            if let Some(operation) = operations.first()
                && seen.insert(name.clone())
            {
                let right = AccessRight::topic(*operation, &name);
                found.push(NeededTopic { name, source, right });
            }
        }
    }
    found
}

/// The rights that these roles need, each once, by resource.
#[must_use]
pub fn rights(config: &Config, part: &RoleSet) -> Vec<AccessRight> {
    let uses = USES.iter().filter(|(role, ..)| role.is_in(part));
    let rights: BTreeSet<AccessRight> = uses
        .flat_map(|(_, used, operations)| {
            let resources = resources(config, part, *used);
            let each = move |resource: Resource| {
                let of = move |operation: &Operation| AccessRight {
                    resource: resource.clone(),
                    operation: *operation,
                };
                operations.iter().map(of)
            };
            resources.into_iter().flat_map(each)
        })
        .collect();
    rights.into_iter().collect()
}

/// The group that a process of these roles names where it reads outside of groups: one that it has
/// rights on anyway.
pub(super) fn scan_group(config: &Config, part: &RoleSet) -> Option<String> {
    rights(config, part).into_iter().find_map(|right| match right.resource {
        Resource::Group(group) => Some(group),
        Resource::Topic(_) | Resource::TransactionalId(_) => None,
    })
}

fn resources(config: &Config, part: &RoleSet, used: Used) -> Vec<Resource> {
    let namespace = &config.rules.namespace;
    let group = |role: String| Resource::Group(group_name(namespace, &role));
    let all = |topics: Vec<(Option<SourceId>, String)>| {
        topics.into_iter().map(|(_, name)| Resource::Topic(name)).collect()
    };
    let sources = &config.settings.sources;
    match used {
        Used::Own(topic) => vec![Resource::Topic(topic.name(namespace))],
        Used::Telemetry | Used::Posted => all(telemetry(sources)),
        Used::Routed => all(routed(config)),
        Used::SourceGroups => sources.iter().map(|source| group(ingest_role(&source.id))).collect(),
        Used::TargetGroups => {
            targets(config, part).iter().map(|target| group(worker_role(target))).collect()
        }
        Used::Group(role) => vec![group(role.to_owned())],
        Used::ShardIds => {
            let ids = (0..config.settings.log.shards).map(|shard| committer(namespace, shard));
            ids.map(Resource::TransactionalId).collect()
        }
    }
}

fn telemetry(sources: &[Source]) -> Vec<(Option<SourceId>, String)> {
    let of = |source: &Source| {
        let id = source.id.clone();
        let names = source.topics.iter().map(|topic| topic.name.clone());
        names.map(|name| (Some(id.clone()), name)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of).collect()
}

/// Where the router publishes what it sees.
fn routed(config: &Config) -> Vec<(Option<SourceId>, String)> {
    let source = config.settings.router.as_ref().and_then(|router| router.source.as_ref());
    let known = config.settings.sources.iter().find(|known| Some(&known.id) == source);
    let topic = known.and_then(|known| Some((known.id.clone(), known.topics.first()?)));
    topic.into_iter().map(|(id, topic)| (Some(id), topic.name.clone())).collect()
}

/// The targets that these roles work on.
fn targets(config: &Config, part: &RoleSet) -> Vec<TargetId> {
    let workers = &config.settings.workers;
    let ruled = |name: &str| config.rules.default.targets.iter().any(|t| t.id.as_str() == name);
    let mut names = Vec::new();
    if workers.registry.is_some() && ruled(REGISTRY) && part.works(&WorkerKind::Registry) {
        names.push(REGISTRY);
    }
    if workers.router.is_some() && part.works(&WorkerKind::Router) {
        names.push(ROUTER);
    }
    if ruled(NOTICE) && part.works(&WorkerKind::Notice) {
        names.push(NOTICE);
    }
    let programs = workers.exec.iter().map(|program| program.id.clone());
    let programs = programs.filter(|id| part.works(&WorkerKind::Exec(Some(id.clone()))));
    names.into_iter().filter_map(|name| TargetId::new(name).ok()).chain(programs).collect()
}

/// Commands of Kafka's own tool that give the principal these rights: one per operation.
#[must_use]
pub fn commands(begin: &str, principal: &str, rights: &[AccessRight]) -> Vec<String> {
    let mut by_operation: BTreeMap<Operation, Vec<&Resource>> = BTreeMap::new();
    for right in rights {
        by_operation.entry(right.operation).or_default().push(&right.resource);
    }
    let command = |(operation, resources): (Operation, Vec<&Resource>)| {
        let flags: Vec<String> = resources.into_iter().map(flag).collect();
        format!(
            "{begin} --add --allow-principal {principal} --operation {operation} {}",
            flags.join(" ")
        )
    };
    by_operation.into_iter().map(command).collect()
}

fn flag(resource: &Resource) -> String {
    match resource {
        Resource::Topic(name) => format!("--topic {name}"),
        Resource::Group(name) => format!("--group {name}"),
        Resource::TransactionalId(name) => format!("--transactional-id {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of docs/kafka.md.
    fn rows() -> Vec<String> {
        let row = |(role, used, operations): &(Role, Used, &[Operation])| {
            let role = format!("{role:?}").to_lowercase();
            let used = match used {
                Used::Own(topic) => {
                    let name = topic.name(&crate::model::Namespace::new("NS").unwrap());
                    format!("topic `{name}`")
                }
                Used::Telemetry => "topics of the sources".to_owned(),
                Used::Posted => "topics of the sources, if telemetry is posted".to_owned(),
                Used::Routed => "first topic of the router's source".to_owned(),
                Used::SourceGroups => "group `ripcord.NS.ingest.SOURCE`".to_owned(),
                Used::TargetGroups => "group `ripcord.NS.work.TARGET`".to_owned(),
                Used::Group(name) => format!("group `ripcord.NS.{name}`"),
                Used::ShardIds => "transactional id `ripcord.NS.decide.SHARD`".to_owned(),
            };
            let may: Vec<_> = operations.iter().map(Operation::to_string).collect();
            format!("| {role} | {used} | {} |", may.join(", "))
        };
        USES.iter().map(row).collect()
    }

    #[test]
    fn the_documents_list_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/kafka.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (_, table) = text.split_once("| role | resource | operations |\n").unwrap();
        let listed: Vec<_> = table.lines().skip(1).take_while(|line| !line.is_empty()).collect();
        let wanted = rows();
        assert_eq!(listed, wanted, "docs/kafka.md must say:\n{}", wanted.join("\n"));
    }

    #[test]
    fn a_command_gives_one_operation_on_all_that_it_is_needed_for() {
        let rights = [
            AccessRight::topic(Read, "a"),
            AccessRight::topic(Write, "a"),
            AccessRight::group(Read, "g"),
            AccessRight::commit_as("t.0"),
        ];
        assert_eq!(
            commands("kafka-acls", "User:x", &rights),
            [
                "kafka-acls --add --allow-principal User:x --operation Read --topic a --group g",
                "kafka-acls --add --allow-principal User:x --operation Write --topic a \
                 --transactional-id t.0",
            ]
        );
    }
}
