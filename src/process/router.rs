//! The built-in router in a process: opened before the process reports anything, drained before it
//! ends.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::listen::listen;
use super::{ProcessError, RoleSet};
use crate::config::{Config, RouterSettings};
use crate::edge::diagnostics;
use crate::edge::http::Guard;
use crate::edge::router::Routing;
use crate::model::SourceId;
use crate::roles::route::Publisher;

/// A router that is ready to answer.
pub(super) struct Opened {
    pub(super) routing: Routing,
    pub(super) publisher: Option<Publisher>,
    listener: TcpListener,
    at: SocketAddr,
    guard: Guard,
    models: Vec<String>,
}

/// A router that answers.
pub(super) struct RunningRouter {
    at: SocketAddr,
    models: Vec<String>,
    task: JoinHandle<()>,
}

/// The router of this process, if it has one.
pub(super) async fn open(config: &Config, part: &RoleSet) -> Result<Option<Opened>, ProcessError> {
    let Some(settings) = config.settings.router.as_ref().filter(|_| part.routes()) else {
        return Ok(None);
    };
    let (queue, publisher) = match topic(config, settings) {
        Some(topic) => {
            let (queue, publisher) = Publisher::new(topic, settings.queue, settings.limits.drain);
            (Some(queue), Some(publisher))
        }
        None => (None, None),
    };
    let routing = Routing::open(settings, queue)?;
    let listener = listen(settings.listen, "router.listen").await?;
    let at = listener.local_addr()?;
    let http = &config.settings.http;
    let guard = Guard::new(&http.tokens, at).with_metrics(http.metrics_need_token);
    let models = settings.models.iter().map(|model| model.model.to_string()).collect();
    Ok(Some(Opened { routing, publisher, listener, at, guard, models }))
}

/// Where records of answers go.
fn topic(config: &Config, settings: &RouterSettings) -> Option<(SourceId, String)> {
    let source = settings.source.as_ref()?;
    let source = config.settings.sources.iter().find(|known| known.id == *source)?;
    Some((source.id.clone(), source.topics.first()?.name.clone()))
}

impl Opened {
    /// Answers from now on.
    pub(super) fn run(self, runtime: &Runtime, stop: watch::Receiver<bool>) -> RunningRouter {
        let Self { routing, listener, at, guard, models, publisher: _ } = self;
        diagnostics::router_started(&at.to_string(), &models);
        let task = runtime.spawn(async move { routing.run(listener, guard, stop).await });
        RunningRouter { at, models, task }
    }
}

impl RunningRouter {
    /// Its line of the banner.
    pub(super) fn line(&self) -> String {
        format!("  routes   http://{}/models/NAME/predict: {}", self.at, self.models.join(", "))
    }

    /// Waits until it has stopped and drained.
    pub(super) async fn ended(self) {
        // The process ends anyway, even if it crashed.
        let _broke_off = self.task.await;
    }
}
