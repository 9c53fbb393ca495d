//! The built-in router as a target: where the requests of a model go.
//!
//! The router stores the fence with the weights, so that both change together or not at all. A
//! change names the state it was based on, so a concurrent change is noticed. The whole share of
//! the withdrawn version goes to the target version, at once or in stages; other versions keep
//! theirs.

mod admin;
mod next;
mod probe;
mod stage;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, redirect};

use self::admin::{ObservedRoute, Put};
use self::next::{NextMove, next};
use self::stage::{Ahead, StageProgress, ahead};
use super::{Acted, Fence, Later, Target};
use crate::config::Secret;
use crate::model::{Command, CommandId, Fact, TargetId, VersionId, Want};

pub use stage::Stages;

/// How often to retry after others have changed the route in between.
const TRIES: u32 = 5;

/// The settings of a router as a target.
#[derive(Debug, Clone)]
pub struct RouterOptions {
    /// The target's name in the config.
    pub target: TargetId,
    /// Its address.
    pub url: String,
    /// Its bearer token.
    pub token: Option<Secret>,
    /// How long to wait for an answer.
    pub time_limit: Duration,
    /// The path to request through the public route after a switch, if any.
    pub probe_path: Option<String>,
    /// How many of these requests.
    pub probes: u32,
    /// The stages of a switch; `None` switches at once.
    pub stages: Option<Stages>,
}

/// The built-in router as a target.
#[derive(Clone)]
pub struct Router {
    settings: RouterOptions,
    http: Client,
    /// Commands that are between two stages, since this worker started.
    half_way: BTreeMap<CommandId, StageProgress>,
}

/// The router cannot be reached at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up an HTTP client for the router")]
pub struct RouterClientError(#[from] reqwest::Error);

impl Router {
    /// The router at this address.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(settings: RouterOptions) -> Result<Self, RouterClientError> {
        crate::edge::http::tls::provide_tls();
        // A redirect could carry the token to a stranger, and so could a proxy.
        let http = Client::builder()
            .timeout(settings.time_limit)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { settings, http, half_way: BTreeMap::new() })
    }

    async fn work(&mut self, command: &Command) -> Acted {
        let Want::Production { version, instead_of } = &command.want else {
            let detail = format!("{} cannot deliver notices; nothing was done", self.place());
            return Acted::failed(detail);
        };
        for _ in 0..TRIES {
            let (seen, tag) = match self.seen(&command.model).await {
                Ok(seen) => seen,
                Err(why) => return Acted::unknown(format!("{why}; nothing was done")),
            };
            let (weights, detail) = match next(&self.place(), &seen, command, version, instead_of) {
                NextMove::Over(acted) => return acted,
                NextMove::Set(weights, detail) => (weights, detail),
            };
            let (weights, then) = match self.stage(command, &seen, version, instead_of) {
                Ahead::All => (weights, None),
                Ahead::Wait(detail) => return Acted::unknown(detail),
                Ahead::Set(weights, then) => (weights, Some(then)),
            };
            let mut taken = seen.fence.clone();
            match then {
                // Between stages it is not done, but nothing older may interfere.
                Some(_) => taken.raise(command),
                None => taken.take(command),
            }
            match self.put(&command.model, &tag, &weights, &taken).await {
                Put::Done => {
                    let Some(then) = then else {
                        self.half_way.remove(&command.id);
                        return self.probe(command, version, instead_of, detail).await;
                    };
                    return self.half_way(command, then);
                }
                Put::Changed => {}
                Put::Refused(why) => return Acted::failed(format!("{why}; nothing was done")),
                Put::Unknown(why) => return Acted::unknown(why),
            }
        }
        Acted::unknown(format!(
            "{} was changed by others {TRIES} times in a row; nothing was done",
            self.place()
        ))
    }

    /// How far the switch may proceed now.
    fn stage(
        &self,
        command: &Command,
        seen: &ObservedRoute,
        version: &VersionId,
        instead_of: &VersionId,
    ) -> Ahead {
        match &self.settings.stages {
            Some(stages) => {
                ahead(stages, self.half_way.get(&command.id), seen, version, instead_of)
            }
            None => Ahead::All,
        }
    }

    /// Remembers a stage that was reached, or forgets a switch that was reverted.
    fn half_way(&mut self, command: &Command, then: StageProgress) -> Acted {
        let (back, detail) = (then.back, then.detail.clone());
        if back {
            self.half_way.remove(&command.id);
            return Acted::failed(detail);
        }
        self.half_way.insert(command.id.clone(), then);
        Acted::unknown(detail)
    }
}

impl Target for Router {
    fn observe(&mut self) -> Later<'_, Result<Vec<Fact>, String>> {
        Box::pin(self.facts())
    }

    fn fence<'a>(&'a mut self, command: &'a Command) -> Later<'a, Result<Fence, String>> {
        Box::pin(async {
            let (seen, _) = self.seen(&command.model).await?;
            Ok(seen.fence.fence())
        })
    }

    fn act<'a>(&'a mut self, command: &'a Command) -> Later<'a, Acted> {
        Box::pin(self.work(command))
    }
}
