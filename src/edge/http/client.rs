//! A client of a running Ripcord server.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::{Method, StatusCode, redirect};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::config::Secret;
use crate::edge::chain::chain;
use crate::phrases::visible_line;

/// How long an answer may take.
const TIME: Duration = Duration::from_secs(30);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Why there is no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No address.
    #[error("{0:?} is not a server's address; write it like http://127.0.0.1:7700")]
    Url(String),
    /// No client.
    #[error("cannot set up an HTTP client")]
    Client(#[source] reqwest::Error),
    /// Nothing answers there, or the answer was cut off.
    #[error(
        "{url} gave no answer ({why}); is `ripcord up` running there? If it runs elsewhere, \
         give --url"
    )]
    NoAnswer {
        /// Where it was tried.
        url: String,
        /// How it failed.
        why: String,
    },
    /// An answer that is not one of ours.
    #[error(
        "{url} answered {status} without JSON, so another program may listen there; check --url"
    )]
    NotOurs {
        /// Where it was tried.
        url: String,
        /// The status that it answered.
        status: StatusCode,
    },
    /// The server refused.
    #[error("{detail}{}", token_hint(*.status))]
    Problem {
        /// With which status.
        status: StatusCode,
        /// Why.
        detail: String,
    },
}

fn token_hint(status: StatusCode) -> &'static str {
    if status == StatusCode::UNAUTHORIZED {
        " (401: set the variable RIPCORD_TOKEN to the token, or give --token-file)"
    } else {
        ""
    }
}

impl ClientError {
    /// Whether the server understood and refused, or has no such thing: a no, not a failure.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let no = |status| matches!(status, StatusCode::CONFLICT | StatusCode::NOT_FOUND);
        matches!(self, Self::Problem { status, .. } if no(*status))
    }
}

#[derive(Deserialize)]
struct Body {
    detail: String,
}

/// One server, asked over and over.
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<Secret>,
}

impl Client {
    /// Asks the server at `url`; shows `token` with each request.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn new(url: &str, token: Option<Secret>) -> Result<Self, ClientError> {
        let known = reqwest::Url::parse(url).ok();
        let web = known.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if web.is_none() {
            return Err(ClientError::Url(url.to_owned()));
        }
        super::tls::provide_tls();
        // A redirect could carry the token to a stranger; a proxy has no business here.
        let http = reqwest::Client::builder()
            .timeout(TIME)
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(ClientError::Client)?;
        Ok(Self { http, base: url.trim_end_matches('/').to_owned(), token })
    }

    /// Gets a path.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get(&self, path: &str) -> Result<Json, ClientError> {
        self.send(Method::GET, path, None).await
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn post(&self, path: &str, body: &Json) -> Result<Json, ClientError> {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Json>,
    ) -> Result<Json, ClientError> {
        let url = format!("{}{path}", self.base);
        let mut request = self.http.request(method, &url);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let failed = |error: reqwest::Error| ClientError::NoAnswer {
            url: self.base.clone(),
            why: chain(&error.without_url()),
        };
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(failed)?;
        let not_ours = || ClientError::NotOurs { url: self.base.clone(), status };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|_| not_ours());
        }
        let Body { detail } = serde_json::from_slice(&bytes).map_err(|_| not_ours())?;
        Err(ClientError::Problem { status, detail: visible_line(&detail).into_owned() })
    }
}

/// A name as a part of a path.
#[must_use]
pub fn part(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut out = String::new();
    for byte in name.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
