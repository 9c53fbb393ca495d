//! Every kind of client, set up once to see whether it takes the properties.

use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaResult;

use super::changes::{Changes, GroupConsumer};
use super::clients::{self, Quiet};
use super::sender::{Reports, Sender};
use crate::config::KafkaSettings;

/// Under which a client is tried that would join or commit; nothing does.
const NAME: &str = "ripcord.trial";

/// Sets up one client of each kind and drops it again.
pub(super) fn every_kind(settings: &KafkaSettings) -> KafkaResult<()> {
    let asker: BaseConsumer<Quiet> =
        clients::asker(settings).create_with_context(Quiet::default())?;
    drop(asker);
    let scanner: BaseConsumer<Quiet> =
        clients::scanner(settings, NAME).create_with_context(Quiet::default())?;
    drop(scanner);
    for topics in [1, 2] {
        let member: GroupConsumer =
            clients::member(settings, NAME, topics).create_with_context(Changes::default())?;
        drop(member);
    }
    for client in [clients::producer(settings), clients::committer(settings, NAME)] {
        let sender: Sender = client.create_with_context(Reports::default())?;
        drop(sender);
    }
    Ok(())
}
