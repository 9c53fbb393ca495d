//! The raw router as what its HTTP needs: where it listens and what its limits are.

use std::net::SocketAddr;
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use super::check::{Checker, checked};
use super::problem::Path;
use super::raw;
use super::routed::{RoutedModel, model};
use crate::model::{Source, SourceId};

/// The built-in router.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterSettings {
    /// Address and port.
    pub listen: SocketAddr,
    /// Folder that holds the current weights.
    pub folder: PathBuf,
    /// Source whose first topic gets a record of every prediction. `None` if nothing is published.
    pub source: Option<SourceId>,
    /// Records that may wait to be published; further ones are dropped.
    pub queue: usize,
    /// Its limits.
    pub limits: RouterLimits,
    /// The models it routes.
    pub models: Vec<RoutedModel>,
}

/// The limits of the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouterLimits {
    /// Connections at once.
    pub connections: usize,
    /// Time for a request's headers, and between two requests.
    pub head: Duration,
    /// Time for the body of a request.
    pub body: Duration,
    /// The largest body of a request.
    pub max_body_bytes: usize,
    /// Largest body that is held in memory, so that it can be sent again, mirrored and published.
    pub held_body_bytes: usize,
    /// Time for requests in progress to finish when the router stops.
    pub drain: Duration,
}

/// The router, if it runs. `log` is the folder of the log, the default place for files.
pub(super) fn router(
    check: &mut Checker<'_>,
    raw: &raw::Router,
    sources: &[Source],
    token: bool,
    log: &FilePath,
) -> Option<RouterSettings> {
    let at = Path::of(["router"]);
    let limits = RouterLimits {
        connections: checked!(check.size, at, raw.connections_at_once, 8..=65_536),
        head: Duration::from_secs(checked!(check.count, at, raw.head_seconds, 1..=3600)),
        body: Duration::from_secs(checked!(check.count, at, raw.body_seconds, 1..=3600)),
        max_body_bytes: checked!(check.size, at, raw.max_body_bytes, 1024..=1_099_511_627_776),
        held_body_bytes: checked!(check.size, at, raw.held_body_bytes, 0..=67_108_864),
        drain: Duration::from_secs(checked!(check.count, at, raw.drain_seconds, 1..=3600)),
    };
    let queue = checked!(check.size, at, raw.queue_records, 1..=10_000_000);
    let source = raw.telemetry.as_ref().and_then(|name| source(check, &at, name, sources));
    let models = raw.models.iter().flatten();
    let models: Vec<_> = models.filter_map(|(name, raw)| model(check, &at, name, raw)).collect();
    let folder_at = at.key("folder");
    let folder = raw.folder.as_ref();
    let folder = folder.map(|folder| PathBuf::from(check.text(&folder_at, folder, "a folder")));
    let listen_at = at.key("listen");
    let listen = raw.listen.as_ref()?;
    let Ok(listen) = listen.parse::<SocketAddr>() else {
        check.refuse(&listen_at, "must be an address and a port, such as 127.0.0.1:7800");
        return None;
    };
    if !listen.ip().is_loopback() && !token {
        let why = "/admin could be reached from other machines, so this needs the token of \
                   [http]; set that, or listen on 127.0.0.1";
        check.refuse(&listen_at, why);
    }
    if raw.models.iter().flatten().next().is_none() {
        check.refuse(&listen_at, "no model to route; add a [router.models.NAME]");
    }
    let folder = folder.unwrap_or_else(|| log.to_path_buf());
    Some(RouterSettings { listen, folder, source, queue, limits, models })
}

/// The source whose first topic the router publishes to.
fn source(check: &mut Checker<'_>, at: &Path, name: &str, sources: &[Source]) -> Option<SourceId> {
    let at = at.key("telemetry");
    let Some(source) = sources.iter().find(|source| source.id.as_str() == name) else {
        check.refuse(&at, "no enabled source has this name; use one of [sources]");
        return None;
    };
    if source.topics.first().is_some_and(|topic| topic.mapping.is_some()) {
        let why = "the first topic of this source maps fields, but the router writes Ripcord's \
                   own; use a source without type, fields and constants";
        check.refuse(&at, why);
    }
    Some(source.id.clone())
}
