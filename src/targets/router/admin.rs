//! Requests to the admin API of the router, and its answers.

use std::collections::BTreeMap;

use reqwest::header::{AUTHORIZATION, ETAG, IF_MATCH};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::Router;
use crate::edge::chain::chain;
use crate::edge::fence::AcceptedCommands;
use crate::edge::http::client::part;
use crate::model::{BreakerState, Fact, ModelId, Routed, TargetId, VersionFact, VersionId};
use crate::router::{Route, Weight};

/// The router's answer about a model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct ObservedRoute {
    pub(super) model: ModelId,
    pub(super) weights_percent: BTreeMap<VersionId, Weight>,
    pub(super) fence: AcceptedCommands,
    pub(super) versions: BTreeMap<VersionId, Version>,
}

/// Its answer about a version.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct Version {
    pub(super) breaker: BreakerState,
    pub(super) live: RequestCounts,
}

/// How its live requests ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(super) struct RequestCounts {
    pub(super) total: u64,
    pub(super) error: u64,
    pub(super) timeout: u64,
}

#[derive(Deserialize)]
struct All {
    models: Vec<ObservedRoute>,
}

#[derive(Deserialize)]
struct AdminProblem {
    detail: String,
}

/// The result of a change.
pub(super) enum Put {
    Done,
    /// Others have changed the route since it was read.
    Changed,
    /// The router refused.
    Refused(String),
    /// It may have been done.
    Unknown(String),
}

impl Router {
    pub(super) fn place(&self) -> String {
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
            format!("{} does not answer: {}", self.place(), chain(&why.without_url()))
        })?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.said(answer).await) }
    }

    /// The router's explanation of an error status.
    async fn said(&self, answer: Response) -> String {
        let status = answer.status();
        let detail = answer.json::<AdminProblem>().await.map(|problem| problem.detail);
        let detail = detail.unwrap_or_else(|_| "this answer does not come from Ripcord".to_owned());
        format!("{} answered {status}: {detail}", self.place())
    }

    fn unreadable(&self, why: &reqwest::Error) -> String {
        format!("{} sent an answer that cannot be read: {}", self.place(), chain(why))
    }

    pub(super) async fn facts(&self) -> Result<Vec<Fact>, String> {
        let all = self.get("/admin/routes").await?.json::<All>().await;
        let all = all.map_err(|why| self.unreadable(&why))?;
        Ok(all.models.into_iter().map(|seen| fact(&self.settings.target, seen)).collect())
    }

    /// The route of a model, and its ETag.
    pub(super) async fn seen(&self, model: &ModelId) -> Result<(ObservedRoute, String), String> {
        let answer = self.get(&path(model)).await?;
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let seen = answer.json::<ObservedRoute>().await.map_err(|why| self.unreadable(&why))?;
        Ok((
            seen,
            tag.ok_or_else(|| format!("{} sent no ETag; is a proxy in between?", self.place()))?,
        ))
    }

    pub(super) async fn put(
        &self,
        model: &ModelId,
        tag: &str,
        weights: &BTreeMap<VersionId, Weight>,
        taken: &AcceptedCommands,
    ) -> Put {
        let body = json!({ "weights_percent": weights, "fence": taken });
        let request = self.request(Method::PUT, &path(model)).header(IF_MATCH, tag).json(&body);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(why) => {
                let why = chain(&why.without_url());
                return Put::Unknown(format!("{} did not answer: {why}", self.place()));
            }
        };
        match answer.status() {
            status if status.is_success() => Put::Done,
            StatusCode::PRECONDITION_FAILED => Put::Changed,
            // The router answers these before it changes anything.
            StatusCode::BAD_REQUEST
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::INSUFFICIENT_STORAGE => Put::Refused(self.said(answer).await),
            _ => Put::Unknown(self.said(answer).await),
        }
    }
}

fn path(model: &ModelId) -> String {
    format!("/admin/routes/{}", part(model.as_str()))
}

fn fact(target: &TargetId, seen: ObservedRoute) -> Fact {
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
        // The router knows no dates, so they are sorted by name, the last first.
        versions: seen.versions.into_keys().rev().map(VersionFact::named).collect(),
        generation: seen.fence.generation,
    }
}
