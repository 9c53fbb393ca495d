//! The commands of Kafka's own tools that fix a topic, as text to copy.

use crate::config::KafkaSettings;

/// How the tools reach the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// The bootstrap servers.
    pub brokers: String,
    /// Whether the tools need a file with credentials.
    pub secured: bool,
}

impl Tools {
    /// The tools for this cluster.
    #[must_use]
    pub fn of(kafka: &KafkaSettings) -> Self {
        let protocol = kafka.properties.get("security.protocol");
        let secured = protocol.is_some_and(|name| !name.eq_ignore_ascii_case("plaintext"));
        Self { brokers: kafka.brokers.clone(), secured }
    }

    /// A tool, and how it reaches the cluster.
    #[must_use]
    pub fn begin(&self, tool: &str) -> String {
        let who = if self.secured { " --command-config client.properties" } else { "" };
        format!("{tool} --bootstrap-server {}{who}", self.brokers)
    }

    /// Changes a setting of a topic.
    pub(super) fn set(&self, topic: &str, setting: &str, value: &str) -> String {
        let begin = self.begin("kafka-configs");
        format!(
            "{begin} --alter --entity-type topics --entity-name {topic} --add-config \
             {setting}={value}"
        )
    }

    /// Gives a topic more partitions.
    pub(super) fn partitions(&self, topic: &str, partitions: u32) -> String {
        let begin = self.begin("kafka-topics");
        format!("{begin} --alter --topic {topic} --partitions {partitions}")
    }

    /// Gives a topic more copies, which takes a plan.
    pub(super) fn reassign(&self) -> String {
        let begin = self.begin("kafka-reassign-partitions");
        format!("{begin}, with a plan that names more brokers per partition")
    }
}
