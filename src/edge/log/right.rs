//! What brokers may refuse a user: an operation on a resource.

use std::fmt;

/// What is done to a resource. Who may read or write one may describe it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Reads records; joins a group and commits for it.
    Read,
    /// Writes records; commits under a transactional id.
    Write,
    /// Asks for partitions and positions; asks who coordinates a group.
    Describe,
    /// Asks for a topic's settings.
    DescribeConfigs,
    /// Creates topics.
    Create,
    /// Deletes topics.
    Delete,
}

/// What brokers guard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A topic.
    Topic(String),
    /// A consumer group.
    Group(String),
    /// A transactional id.
    TransactionalId(String),
}

/// An operation on a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessRight {
    /// The resource.
    pub resource: Resource,
    /// What is done to it.
    pub operation: Operation,
}

impl AccessRight {
    /// A right on a topic.
    #[must_use]
    pub fn topic(operation: Operation, topic: &str) -> Self {
        Self { resource: Resource::Topic(topic.to_owned()), operation }
    }

    /// A right on a group.
    #[must_use]
    pub fn group(operation: Operation, group: &str) -> Self {
        Self { resource: Resource::Group(group.to_owned()), operation }
    }

    /// The right to commit under a transactional id.
    #[must_use]
    pub fn commit_as(id: &str) -> Self {
        let resource = Resource::TransactionalId(id.to_owned());
        Self { resource, operation: Operation::Write }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Describe => "Describe",
            Self::DescribeConfigs => "DescribeConfigs",
            Self::Create => "Create",
            Self::Delete => "Delete",
        })
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(name) => write!(f, "topic {name}"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::TransactionalId(name) => write!(f, "transactional id {name}"),
        }
    }
}

impl fmt::Display for AccessRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.operation, self.resource)
    }
}
