//! Checks that a shared log has every topic that a role needs before the role starts.
//!
//! Law: nothing is created here. `ripcord topics create` does that, once: of many processes that
//! start together, each would create the topics by its own settings.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use super::{RoleSet, rights};
use crate::config::Config;
use crate::edge::diagnostics;
use crate::edge::log::{LogError, Topic};
use crate::model::SourceId;
use crate::topics::Topics;

/// How long a router waits for the brokers before it routes without having asked them.
const ASKED_WITHIN: Duration = Duration::from_secs(3);

/// What is missing or does not fit.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// One of Ripcord's topics.
    #[error("the topic {0} does not exist; create Ripcord's topics with `ripcord topics create`")]
    NoTopic(String),
    /// Another number of shards.
    #[error(
        "{topic} has {found} partitions, but log.shards is {wanted}; the number is fixed when the \
         topics are created, so set log.shards = {found}"
    )]
    Shards {
        /// The inbox.
        topic: String,
        /// Its partitions.
        found: u32,
        /// `log.shards`.
        wanted: u32,
    },
    /// An output that does not fit the inbox.
    #[error(
        "{topic} has {found} partitions and needs {wanted}, one per shard; `ripcord topics check` \
         prints the command that fixes it"
    )]
    Partitions {
        /// Which.
        topic: String,
        /// Its partitions.
        found: u32,
        /// One per shard.
        wanted: u32,
    },
    /// An inbox is empty.
    #[error(
        "the inbox of shard {0} is empty; run `ripcord topics create`, which writes its first \
         records: the number of shards and the rules"
    )]
    NoFirst(u32),
    /// A topic of a source.
    #[error(
        "the topic {topic} of source {source_id} does not exist; create it, or run `ripcord topics \
         create --telemetry`"
    )]
    NoTelemetry {
        /// Which source.
        source_id: SourceId,
        /// Its topic.
        topic: String,
    },
    /// The log did not answer.
    #[error("the log failed")]
    Log(#[from] LogError),
}

/// Ripcord's topics that do not exist. Those that do have one partition per shard.
pub(crate) fn fitting(topics: &Topics) -> Result<Vec<String>, NotReady> {
    let mut missing = Vec::new();
    for kind in Topic::ALL {
        let topic = topics.topic(kind);
        match topics.log.partitions(&topic)? {
            None => missing.push(topic),
            Some(found) => fits(topics, topic, found)?,
        }
    }
    Ok(missing)
}

/// Checks that these roles can start: by the topics that they use, and by no others, since a user
/// may have no right to ask about those.
pub(super) fn ready(topics: &Topics, config: &Config, part: &RoleSet) -> Result<(), NotReady> {
    let mut absent = BTreeMap::new();
    for needed in rights::needed(config, part) {
        let found = topics.log.partitions(&needed.name);
        if let Err(LogError::Denied { .. }) = found {
            let doing = format!("starting `ripcord {part}`");
            return Err(LogError::Denied { doing, right: needed.right }.into());
        }
        let found = found?;
        match (found, needed.source) {
            (None, Some(source_id)) => {
                absent.entry(source_id).or_insert(needed.name);
            }
            (None, None) => return Err(NotReady::NoTopic(needed.name)),
            (Some(found), None) => fits(topics, needed.name, found)?,
            (Some(_), Some(_)) => {}
        }
    }
    // Where other sources can be measured, one without its topics rests.
    let all = !part.measures() || absent.len() >= config.settings.sources.len();
    let routed = config.settings.router.as_ref().and_then(|router| router.source.as_ref());
    let routed = routed.filter(|_| part.routes());
    if let Some((source_id, topic)) =
        absent.into_iter().find(|(source, _)| all || Some(source) == routed)
    {
        return Err(NotReady::NoTelemetry { source_id, topic });
    }
    if part.decides() {
        for shard in 0..topics.shards {
            if topics.log.scan(&topics.partition(Topic::Inbox, shard), 0, 1)?.is_empty() {
                return Err(NotReady::NoFirst(shard));
            }
        }
    }
    Ok(())
}

/// The same for a router. It routes without the log, too, so it does not wait until a broker
/// answers.
pub(super) fn ready_to_route(topics: &Topics, config: &Config) -> Result<(), NotReady> {
    let (topics, config) = (topics.clone(), config.clone());
    let (told, answers) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody may be waiting for it any more.
        let _unheard = told.send(ready(&topics, &config, &RoleSet::Route));
    });
    match answers.recv_timeout(ASKED_WITHIN) {
        Ok(Err(NotReady::Log(why @ LogError::Storage { .. }))) => {
            diagnostics::routes_without_log(&format!("{:#}", anyhow::Error::new(why)));
            Ok(())
        }
        Err(_) => {
            diagnostics::routes_without_log("no broker has answered in time");
            Ok(())
        }
        Ok(answer) => answer,
    }
}

/// Checks the partitions of one of Ripcord's topics: one per shard.
fn fits(topics: &Topics, topic: String, found: u32) -> Result<(), NotReady> {
    let wanted = topics.shards;
    match found == wanted {
        true => Ok(()),
        false if topic == topics.topic(Topic::Inbox) => {
            Err(NotReady::Shards { topic, found, wanted })
        }
        false => Err(NotReady::Partitions { topic, found, wanted }),
    }
}
