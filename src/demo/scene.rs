//! Sets the scene: the demo's config, its addresses, and the stage with all roles.

use std::net::SocketAddr;

use super::folder::Folder;
use super::kafka::Kafka;
use super::local::Local;
use super::settings::{ANY, Places, USUAL};
use super::{Demo, DemoError, Stage, settings};
use crate::config::{Config, LogKind};
use crate::model::EventTime;
use crate::process::ProcessError;

type Scene = (Config, Places, Box<dyn Stage>);

/// The scene at the usual ports, or at any if those are taken. `models`: the model servers.
///
/// # Errors
/// The config cannot be written, or the roles cannot start.
pub(super) fn set(
    folder: &Folder,
    demo: &Demo,
    models: [SocketAddr; 2],
    start: EventTime,
) -> Result<Scene, DemoError> {
    match at(folder, demo, Places::find(models, USUAL)?, start) {
        // Another program was faster to listen there.
        Err(DemoError::Process(ProcessError::Listen { .. })) => {
            at(folder, demo, Places::find(models, ANY)?, start)
        }
        other => other,
    }
}

fn at(folder: &Folder, demo: &Demo, places: Places, start: EventTime) -> Result<Scene, DemoError> {
    let (config, file) = settings::write(folder, places, demo.brokers.as_deref())?;
    let stage: Box<dyn Stage> = match &config.settings.log.kind {
        LogKind::Local => Box::new(Local::start(&config, start)?),
        LogKind::Kafka(kafka) => {
            Box::new(Kafka::start(folder, (&config, kafka, &file), places, start)?)
        }
    };
    Ok((config, places, stage))
}
