//! The built-in router as a target: where the requests of a model go.
//!
//! It keeps the fence itself, beside the weights, so that both change together or not at all, and
//! changes nothing that it has not read: somebody who was faster is noticed. The share of the
//! withdrawn version goes to the one that comes, whole, at once or in stages; other versions keep
//! theirs.
//!
//! Over 300 lines: reading, deciding what is to be set, setting and probing are one act.

mod stage;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, ETAG, IF_MATCH};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, redirect};
use serde::Deserialize;
use serde_json::json;

use self::stage::{Ahead, Stage, ahead};
use super::fences::{Known, Taken};
use super::{Acted, Fence, Later, Target, told};
use crate::config::Secret;
use crate::edge::http::client::part;
use crate::model::{
    BreakerState, Command, CommandId, Fact, ModelId, Proof, Routed, TargetId, VersionFact,
    VersionId, Want,
};
use crate::router::{Route, Weight};

pub use stage::Stages;

/// How often a route that others changed meanwhile is read again.
const TRIES: u32 = 5;

/// What is to be known of a router.
#[derive(Debug, Clone)]
pub struct RouterSettings {
    /// The target's name in the config.
    pub target: TargetId,
    /// Where it listens.
    pub url: String,
    /// What it asks for.
    pub token: Option<Secret>,
    /// What one answer may take.
    pub time_limit: Duration,
    /// What is asked through the public route after a switch; none: nothing.
    pub probe_path: Option<String>,
    /// How often.
    pub probes: u32,
    /// The way down; none: at once.
    pub stages: Option<Stages>,
}

/// The built-in router as a target.
#[derive(Clone)]
pub struct Router {
    settings: RouterSettings,
    http: Client,
    /// Commands that are half way, in this life of the worker.
    half_way: BTreeMap<CommandId, Stage>,
}

/// A router that cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client for the router can be set up")]
pub struct RouterError(#[from] reqwest::Error);

/// What the router says of a model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Seen {
    model: ModelId,
    weights_percent: BTreeMap<VersionId, Weight>,
    fence: Taken,
    versions: BTreeMap<VersionId, Version>,
}

/// What it says of a version.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct Version {
    breaker: BreakerState,
    live: Counts,
}

/// How its live requests ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
struct Counts {
    total: u64,
    error: u64,
    timeout: u64,
}

#[derive(Deserialize)]
struct All {
    models: Vec<Seen>,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// What a change came to.
enum Put {
    Done,
    /// Others changed the route meanwhile.
    Changed,
    /// The router says no.
    Refused(String),
    /// It may have been done.
    Unknown(String),
}

/// What is to be done.
enum Next {
    /// Nothing more than this.
    Over(Acted),
    /// These weights are to be set; they may be those that are there.
    Set(BTreeMap<VersionId, Weight>, String),
}

impl Router {
    /// The router that listens there.
    ///
    /// # Errors
    /// No HTTP client.
    pub fn new(settings: RouterSettings) -> Result<Self, RouterError> {
        super::notice::provide_tls();
        // A redirect could carry the token to a stranger; a proxy has no business here.
        let http = Client::builder()
            .timeout(settings.time_limit)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { settings, http, half_way: BTreeMap::new() })
    }

    fn place(&self) -> String {
        format!("the router at {}", self.settings.url)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.settings.url));
        match &self.settings.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {}", token.expose())),
            None => request,
        }
    }

    async fn get(&self, path: &str) -> Result<Response, String> {
        let answer = self.request(Method::GET, path).send().await;
        let answer = answer.map_err(|why| {
            format!("{} gives no answer: {}", self.place(), told(&why.without_url()))
        })?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.said(answer).await) }
    }

    /// What the router says where it does not do what it was asked.
    async fn said(&self, answer: Response) -> String {
        let status = answer.status();
        let detail = answer.json::<Problem>().await.map(|problem| problem.detail);
        let detail = detail.unwrap_or_else(|_| "that is no answer of a Ripcord".to_owned());
        format!("{} answered {status}: {detail}", self.place())
    }

    fn unreadable(&self, why: &reqwest::Error) -> String {
        format!("{} says what cannot be read: {}", self.place(), told(why))
    }

    async fn facts(&self) -> Result<Vec<Fact>, String> {
        let all = self.get("/admin/routes").await?.json::<All>().await;
        let all = all.map_err(|why| self.unreadable(&why))?;
        Ok(all.models.into_iter().map(|seen| fact(&self.settings.target, seen)).collect())
    }

    /// The route of a model, and the tag that names it.
    async fn seen(&self, model: &ModelId) -> Result<(Seen, String), String> {
        let answer = self.get(&path(model)).await?;
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let seen = answer.json::<Seen>().await.map_err(|why| self.unreadable(&why))?;
        Ok((seen, tag.ok_or_else(|| format!("{} names no ETag", self.place()))?))
    }

    async fn work(&mut self, command: &Command) -> Acted {
        let Want::Production { version, instead_of } = &command.want else {
            let detail = format!("{} can give no notice; nothing was done", self.place());
            return Acted::failed(detail);
        };
        for _ in 0..TRIES {
            let (seen, tag) = match self.seen(&command.model).await {
                Ok(seen) => seen,
                Err(why) => return Acted::unknown(format!("{why}; nothing was done")),
            };
            let (weights, detail) = match next(&self.place(), &seen, command, version, instead_of) {
                Next::Over(acted) => return acted,
                Next::Set(weights, detail) => (weights, detail),
            };
            let (weights, then) = match self.stage(command, &seen, version, instead_of) {
                Ahead::All => (weights, None),
                Ahead::Wait(detail) => return Acted::unknown(detail),
                Ahead::Set(weights, then) => (weights, Some(then)),
            };
            let mut taken = seen.fence.clone();
            match then {
                // Half way it is not done, but nothing older may come in between.
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

    /// How far the way down may be gone now.
    fn stage(
        &self,
        command: &Command,
        seen: &Seen,
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

    /// Remembers a stage that was reached, or forgets a way that led nowhere.
    fn half_way(&mut self, command: &Command, then: Stage) -> Acted {
        let (back, detail) = (then.back, then.detail.clone());
        if back {
            self.half_way.remove(&command.id);
            return Acted::failed(detail);
        }
        self.half_way.insert(command.id.clone(), then);
        Acted::unknown(detail)
    }

    async fn put(
        &self,
        model: &ModelId,
        tag: &str,
        weights: &BTreeMap<VersionId, Weight>,
        taken: &Taken,
    ) -> Put {
        let body = json!({ "weights_percent": weights, "fence": taken });
        let request = self.request(Method::PUT, &path(model)).header(IF_MATCH, tag).json(&body);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(why) => {
                let why = told(&why.without_url());
                return Put::Unknown(format!("{} gave no answer: {why}", self.place()));
            }
        };
        match answer.status() {
            status if status.is_success() => Put::Done,
            StatusCode::PRECONDITION_FAILED => Put::Changed,
            // These it says before it changes anything.
            StatusCode::BAD_REQUEST
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::INSUFFICIENT_STORAGE => Put::Refused(self.said(answer).await),
            _ => Put::Unknown(self.said(answer).await),
        }
    }

    /// Asks through the public route who answers now.
    async fn probe(
        &self,
        command: &Command,
        version: &VersionId,
        instead_of: &VersionId,
        detail: String,
    ) -> Acted {
        let Some(probe) = &self.settings.probe_path else { return Acted::done(detail) };
        let url = format!("{}/models/{}{probe}", self.settings.url, part(command.model.as_str()));
        let (mut right, mut other) = (0, Vec::new());
        for _ in 0..self.settings.probes {
            let answer = match self.http.get(&url).send().await {
                Ok(answer) => answer,
                Err(why) => {
                    let why = told(&why.without_url());
                    return Acted::done(format!("{detail}; the public route was not seen: {why}"));
                }
            };
            let by = answer.headers().get("x-model-version").and_then(|by| by.to_str().ok());
            match by {
                Some(by) if by == instead_of.as_str() => {
                    return Acted::unknown(format!(
                        "{detail}; but {instead_of} still answers at {url}: does another router \
                         stand before it?"
                    ));
                }
                Some(by) if by == version.as_str() => right += 1,
                Some(by) => other.push(by.to_owned()),
                None => {
                    let said = "what answers at the public route is no router of Ripcord";
                    return Acted::done(format!("{detail}; {said}: {url}"));
                }
            }
        }
        if right == 0 {
            let other = other.join(", ");
            return Acted::done(format!("{detail}; the public route was answered by {other}"));
        }
        let probes = self.settings.probes;
        let detail =
            format!("{detail}; {right} of {probes} probes of the public route by {version}");
        Acted { proof: Some(Proof::L2), ..Acted::done(detail) }
    }
}

fn path(model: &ModelId) -> String {
    format!("/admin/routes/{}", part(model.as_str()))
}

/// What is to be done for a command, as the route stands.
fn next(
    place: &str,
    seen: &Seen,
    command: &Command,
    version: &VersionId,
    instead_of: &VersionId,
) -> Next {
    let model = &command.model;
    let weight = |version| seen.weights_percent.get(version).copied().unwrap_or_default();
    let (up, down) = (weight(version), weight(instead_of));
    let stands: Vec<_> =
        seen.weights_percent.iter().filter(|(_, weight)| weight.is_some()).collect();
    let stands: Vec<_> =
        stands.iter().map(|(version, weight)| format!("{version} {weight}")).collect();
    let stands = stands.join(", ");
    let is_so = up.is_some() && !down.is_some();
    match seen.fence.knows(command) {
        Known::Older => {
            let detail = format!("{place}: {}", seen.fence.too_old(command));
            return Next::Over(Acted::refused(detail));
        }
        Known::Done if is_so => {
            let detail = format!("{model} goes to {stands} at {place}; this was done before");
            return Next::Over(Acted::done(detail));
        }
        Known::Done => {
            return Next::Over(Acted::failed(format!(
                "{model} was moved from {instead_of} to {version} at {place} by this command, and \
                 has since been moved to {stands} by others; nothing was done"
            )));
        }
        Known::New => {}
    }
    if !seen.versions.contains_key(version) {
        return Next::Over(Acted::failed(format!(
            "{place} has no backend for {version} of {model}; add it to \
             router.models.{model}.versions; nothing was done"
        )));
    }
    if is_so {
        let detail = format!("{model} goes to {stands} at {place} already");
        return Next::Set(seen.weights_percent.clone(), detail);
    }
    if !down.is_some() {
        return Next::Over(Acted::failed(format!(
            "{model} was to go from {instead_of} to {version}, but at {place} it goes to {stands}: \
             moved by others; nothing was done"
        )));
    }
    let mut weights = seen.weights_percent.clone();
    weights.insert(version.clone(), up.plus(down));
    weights.insert(instead_of.clone(), Weight::NONE);
    let detail =
        format!("{down} of {model} go to {version} at {place} and no longer to {instead_of}");
    Next::Set(weights, detail)
}

fn fact(target: &TargetId, seen: Seen) -> Fact {
    let share = |version: &VersionId| {
        seen.weights_percent.get(version).map_or(0.0, |weight| weight.percent())
    };
    let routed = |(version, seen): (&VersionId, &Version)| {
        (version.clone(), Routed { share: share(version) / 100.0, breaker: seen.breaker })
    };
    let routes = seen.versions.iter().map(routed).collect();
    let route = Route { weights_percent: seen.weights_percent, ..Route::default() };
    Fact {
        routes,
        model: seen.model,
        target: target.clone(),
        production: route.production().cloned(),
        // It knows no dates: by name, the last first.
        versions: seen.versions.into_keys().rev().map(VersionFact::named).collect(),
        generation: seen.fence.generation,
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
