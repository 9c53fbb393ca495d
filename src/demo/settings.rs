//! The demo's own config, written to its folder so that it can be read, changed and used.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use uuid::Uuid;

use super::DemoError;
use super::flights::{AFTER, BEFORE, MODEL};
use super::folder::{Folder, SETTINGS};
use crate::config::Config;

/// Minutes of event time whose flights are requested at once, in any order.
pub(super) const WINDOW_MINUTES: i64 = 30;

/// Where server and router listen if the ports are free: then no command needs `--url`.
pub(super) const USUAL: (u16, u16) = (7700, 7800);
/// Any free ports.
pub(super) const ANY: (u16, u16) = (0, 0);

/// Where everything listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    /// Ripcord, for people.
    pub(super) server: SocketAddr,
    /// The router, for callers.
    pub(super) router: SocketAddr,
    /// The model servers: of the version before, and of the one that goes bad.
    pub(super) models: [SocketAddr; 2],
}

impl Places {
    /// These ports, of server and router, where they are free; else any.
    ///
    /// # Errors
    /// No port is left.
    pub(super) fn find(models: [SocketAddr; 2], ports: (u16, u16)) -> Result<Self, DemoError> {
        Ok(Self { server: free(ports.0)?, router: free(ports.1)?, models })
    }
}

/// A port that nobody listens at.
pub(super) fn free(preferred: u16) -> Result<SocketAddr, DemoError> {
    let listen = |port| TcpListener::bind(("127.0.0.1", port));
    let listener = listen(preferred).or_else(|_| listen(0)).map_err(DemoError::Machine)?;
    listener.local_addr().map_err(DemoError::Machine)
}

/// Whether a variable is a Kafka setting.
pub(super) fn is_for_kafka(name: &str) -> bool {
    name.starts_with("RIPCORD__KAFKA__")
}

/// Writes the config into the folder, and reads it as any process would.
///
/// # Errors
/// It cannot be written.
pub(super) fn write(
    folder: &Folder,
    places: Places,
    brokers: Option<&str>,
) -> Result<(Config, PathBuf), DemoError> {
    let file = folder.file(SETTINGS);
    folder.put(&file, &text(folder, places, brokers))?;
    // The user's variables are for their own Ripcord, except those for Kafka.
    let ours = |name: &String| brokers.is_some() && (is_for_kafka(name) || !is_ours(name));
    let environment = std::env::vars().filter(|(name, _)| ours(name));
    let config = Config::load(std::slice::from_ref(&file), &environment.collect())?;
    Ok((config, file))
}

/// Whether a variable is a setting of Ripcord.
fn is_ours(name: &str) -> bool {
    name.starts_with("RIPCORD_")
}

/// What differs with a local log: its clock moves in steps.
const STEPS: &str = "
# The demo's clock moves in steps, so silence for a step does not mean that measuring stalled.
stall_after_seconds = 3600
";

/// The topic of telemetry of a run on Kafka.
pub(super) fn telemetry(namespace: &str) -> String {
    format!("ripcord.{namespace}.telemetry")
}

/// The settings of the log, and the topic of telemetry.
fn log(folder: &str, brokers: Option<&str>) -> (String, String) {
    let Some(brokers) = brokers else {
        let telemetry = "telemetry".to_owned();
        return (format!("[log]\nfolder = {folder}\nshards = 1\n"), telemetry);
    };
    // Each run has its own topics.
    let id = Uuid::new_v4().simple().to_string();
    let name = format!("demo-{}", id.get(..8).unwrap_or(&id));
    let telemetry = telemetry(&name);
    let log = format!(
        r#"namespace = "{name}"

[log]
kind = "kafka"
folder = {folder}
shards = 1

[kafka]
brokers = {brokers:?}

# Event time runs faster than the brokers' time, so no lane may count as idle meanwhile.
[ingest]
idle_after_seconds = 86400
"#
    );
    (log, telemetry)
}

fn text(folder: &Folder, places: Places, brokers: Option<&str>) -> String {
    let Places { server, router, models: [before, after] } = places;
    let quoted = |path: PathBuf| format!("{:?}", path.display().to_string());
    let (data, registry) = (quoted(folder.file("log")), quoted(folder.registry()));
    let (log, telemetry) = log(&data, brokers);
    let steps = if brokers.is_none() { STEPS } else { "" };
    let disorder = WINDOW_MINUTES * 60;
    format!(
        r#"# The config of `ripcord demo`: what differs from the shipped one.
# The model servers below live only as long as the demo does.

{log}
[http]
listen = "{server}"

[rules]
mode = "act"

[rules.policy]
# Few flights leave at night, so live traffic has half a day to show a switch.
mitigate_within_minutes = 720
{steps}
# Callers request half an hour of flights at once, in any order; then hours may pass without any.
[source_defaults]
allowed_disorder_seconds = {disorder}
max_jump_seconds = 86400

[sources.telemetry]
topics = ["{telemetry}"]

[router]
listen = "{router}"
telemetry = "telemetry"

[router.models.{MODEL}]
versions = {{ {BEFORE} = "http://{before}", {AFTER} = "http://{after}" }}
weights_percent = {{ {AFTER} = 100 }}
shadow = ["{BEFORE}", "{AFTER}"]
health_path = "/health"
features = "answer:/features"
score = "/score"
ts = "header:x-event-time"

[workers.registry]
path = {registry}

[workers.router]
url = "http://{router}"
probe_path = "/health"
"#
    )
}
