//! The log that the settings choose, opened.

use std::sync::Arc;

use crate::config::{LogKind, LogSettings};
use crate::edge::clock::SystemClock;
use crate::edge::log::kafka::KafkaLog;
use crate::edge::log::local::LocalLog;
use crate::edge::log::{Log, LogError};

/// An open log.
pub(crate) enum OpenLog {
    /// A file, which is this process's alone.
    Local(LocalLog),
    /// A cluster, which others use too.
    Kafka(KafkaLog),
}

impl OpenLog {
    /// Opens it.
    ///
    /// # Errors
    /// It is in use, or cannot be reached.
    pub(crate) fn open(settings: &LogSettings) -> Result<Self, LogError> {
        let clock = Arc::new(SystemClock);
        Ok(match &settings.kind {
            LogKind::Local => Self::Local(LocalLog::open(&settings.folder, clock)?),
            LogKind::Kafka(kafka) => Self::Kafka(KafkaLog::open(kafka, clock)?),
        })
    }

    /// Opens it for somebody who works without it, too: no broker need answer.
    ///
    /// # Errors
    /// It is in use, or a property is refused.
    pub(crate) fn unasked(settings: &LogSettings) -> Result<Self, LogError> {
        match &settings.kind {
            LogKind::Local => Self::open(settings),
            LogKind::Kafka(kafka) => {
                Ok(Self::Kafka(KafkaLog::unasked(kafka, Arc::new(SystemClock))?))
            }
        }
    }

    /// As any log.
    pub(crate) fn log(&self) -> Arc<dyn Log> {
        match self {
            Self::Local(log) => Arc::new(log.clone()),
            Self::Kafka(log) => Arc::new(log.clone()),
        }
    }

    /// Whether other processes use it too.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            Self::Local(_) => false,
            Self::Kafka(_) => true,
        }
    }
}

/// Where it is, for people.
pub(crate) fn place(settings: &LogSettings) -> String {
    match &settings.kind {
        LogKind::Local => settings.folder.display().to_string(),
        LogKind::Kafka(kafka) => format!("Kafka, {}", kafka.brokers),
    }
}
