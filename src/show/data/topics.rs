//! Topics on Kafka, compared with what Ripcord needs.

use serde::Serialize;

/// What was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Topics that did not exist.
    pub made: Vec<String>,
    /// Topics that already existed.
    pub stood: Vec<String>,
}

/// A topic, compared with what is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicComparison {
    /// Which topic.
    pub topic: String,
    /// Its partitions; `None` if it does not exist.
    pub partitions: Option<u32>,
    /// Copies of the partition that has the fewest.
    pub copies: Option<u16>,
    /// Who stamps its records: `CreateTime`, the producer; `LogAppendTime`, the broker.
    pub timestamps: Option<String>,
    /// How producers place its keys; `None` if that was not asked.
    pub keys: Option<String>,
    /// Every difference.
    pub findings: Vec<TopicFinding>,
}

impl TopicComparison {
    /// How many differences must be fixed.
    #[must_use]
    pub fn must(&self) -> usize {
        self.findings.iter().filter(|finding| finding.must).count()
    }
}

/// One difference between a topic and what is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicFinding {
    /// Which setting of the topic, by Kafka's name.
    pub setting: &'static str,
    /// Its value now.
    pub stands: String,
    /// What is needed.
    pub needed: String,
    /// Whether Ripcord goes wrong without it; else it is advice.
    pub must: bool,
    /// What happens otherwise.
    pub why: &'static str,
    /// How to fix it: a command where one exists.
    pub mend: String,
}

impl TopicFinding {
    /// Whether it is the same difference, perhaps of another topic.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let of = |finding: &Self| {
            let Self { setting, stands, needed, must, why, mend: _ } = finding.clone();
            (setting, stands, needed, must, why)
        };
        of(self) == of(other)
    }
}
