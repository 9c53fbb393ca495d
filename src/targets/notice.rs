//! Notifies people: always in the log, and by a signed webhook if one is configured.
//!
//! The webhook posts a CloudEvent in JSON with the headers of Standard Webhooks. Its id is the
//! command's, so that a receiver can recognise a repeat. Neither the secret nor the path of the
//! address is ever shown: either may grant access.
//!
//! A notice changes nothing, so one of an older generation is still sent. Only its id decides
//! whether it was sent before.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde_json::json;
use sha2::Sha256;

use super::fences::Fences;
use super::{Acted, Fence, Later, Target};
use crate::edge::chain::chain;
use crate::edge::clock::Clock;
use crate::model::{Command, CommandId, Fact, StepResult, Want};

/// Writes a notice to the log; only the diagnostics know how.
pub type Say = Box<dyn Fn(&Command) + Send + Sync>;

/// Why a webhook cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// The address is not valid.
    #[error("the webhook address is not valid; write it like https://example.org/hook")]
    Address,
    /// The secret is not valid.
    #[error("the webhook secret is not valid; write whsec_ followed by 24 to 64 bytes in base64")]
    Secret,
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client of the webhook")]
    Client(#[source] reqwest::Error),
}

/// The key that signs notices. It is never shown.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    /// For any other text.
    pub fn new(text: &str) -> Result<Self, NoticeError> {
        let coded = text.trim().strip_prefix("whsec_").ok_or(NoticeError::Secret)?;
        let key = STANDARD.decode(coded).map_err(|_| NoticeError::Secret)?;
        if (24..=64).contains(&key.len()) { Ok(Self(key)) } else { Err(NoticeError::Secret) }
    }

    /// The signature of Standard Webhooks: `v1,` and base64.
    fn sign(&self, id: &str, at_s: i64, body: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{id}.{at_s}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where notices are posted.
#[derive(Clone)]
pub struct Webhook {
    url: Url,
    secret: Option<SigningKey>,
    client: Client,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("host", &self.host()).finish_non_exhaustive()
    }
}

impl Webhook {
    /// Posts to `url`, signed if there is a secret, and waits at most `time_limit` for an answer.
    ///
    /// # Errors
    /// If the address is not valid.
    pub fn new(
        url: &str,
        secret: Option<SigningKey>,
        time_limit: Duration,
    ) -> Result<Self, NoticeError> {
        let url = Url::parse(url).map_err(|_| NoticeError::Address)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(NoticeError::Address);
        }
        crate::edge::http::tls::provide_tls();
        // A redirect could carry a signed notice to a stranger.
        let client = Client::builder().timeout(time_limit).redirect(redirect::Policy::none());
        let client = client.build().map_err(NoticeError::Client)?;
        Ok(Self { url, secret, client })
    }

    /// The part of the address that may be shown.
    fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
    }

    async fn post(&self, id: &str, at_s: i64, body: String) -> Acted {
        let host = self.host();
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
            .header("webhook-id", id)
            .header("webhook-timestamp", at_s.to_string());
        if let Some(secret) = &self.secret {
            let Some(signature) = secret.sign(id, at_s, &body) else {
                return Acted::failed("the webhook secret cannot sign; set another one".to_owned());
            };
            request = request.header("webhook-signature", signature);
        }
        match request.body(body).send().await {
            Ok(response) => answered(&host, &response),
            Err(error) => {
                let why = chain(&error.without_url());
                Acted::unknown(format!("the webhook at {host} did not answer: {why}"))
            }
        }
    }
}

fn answered(host: &str, response: &Response) -> Acted {
    let status = response.status();
    let said = format!("the webhook at {host} answered {status}");
    if status.is_success() {
        return Acted::done(said);
    }
    let again = status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT;
    if !again {
        return Acted::failed(format!("{said}; check its address and secret"));
    }
    let wait = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
    let wait = wait.map(|wait| wait.chars().take(40).collect::<String>());
    Acted::unknown(match wait {
        Some(wait) => format!("{said}; it asks for a retry after {wait}"),
        None => said,
    })
}

/// Notifies people.
pub struct Notice {
    say: Say,
    webhook: Option<Webhook>,
    clock: Arc<dyn Clock>,
    fences: Fences,
    wait: Duration,
    /// The last notice that was written to the log.
    said: Option<CommandId>,
}

impl Notice {
    /// Logs notices with `say`, and posts them if there is a webhook. `fences` is a file that
    /// remembers them, so that a restart repeats none; without it they are remembered in memory.
    #[must_use]
    pub fn new(
        say: Say,
        webhook: Option<Webhook>,
        clock: Arc<dyn Clock>,
        fences: Option<PathBuf>,
    ) -> Self {
        let (fences, wait) = (Fences::new(fences), Duration::from_secs(30));
        Self { say, webhook, clock, fences, wait, said: None }
    }

    async fn work(&mut self, command: &Command) -> Acted {
        let Want::Notice { summary, severity } = &command.want else {
            let detail = "the notice worker cannot change a production version; nothing was done";
            return Acted::failed(detail.to_owned());
        };
        let _held = match self.fences.hold(self.wait).await {
            Ok(held) => held,
            Err(why) => return Acted::failed(format!("{why}; nobody was notified")),
        };
        let mut taken = self.fences.of(&command.model);
        if taken.has(command) {
            return Acted::done("already sent".to_owned());
        }
        // A repeat, because the webhook did not answer: it is in the log already.
        if self.said.as_ref() != Some(&command.id) {
            (self.say)(command);
            self.said = Some(command.id.clone());
        }
        let acted = match &self.webhook {
            None => Acted::done("written to the log".to_owned()),
            Some(webhook) => {
                let at_s = self.clock.now().as_ms().div_euclid(1000);
                let body = event(command, summary, severity);
                webhook.post(command.id.as_str(), at_s, body).await
            }
        };
        if acted.outcome == StepResult::Done {
            taken.add(command);
        }
        match self.fences.keep(&command.model, taken) {
            Ok(()) => acted,
            Err(why) => Acted { detail: format!("{}; but: {why}", acted.detail), ..acted },
        }
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// The notice as a CloudEvent.
fn event(command: &Command, summary: &str, severity: &str) -> String {
    json!({
        "specversion": "1.0",
        "type": "io.ripcord.notice.v1",
        "source": format!("/ripcord/{}", command.namespace),
        "id": command.id,
        "subject": command.model,
        "time": command.issued_at,
        "datacontenttype": "application/json",
        "correlationid": command.incident,
        "data": {
            "incident": command.incident,
            "model": command.model,
            "summary": summary,
            "severity": severity,
            "reason": command.reason,
            "mode": command.mode,
            "generation": command.generation,
        },
    })
    .to_string()
}

impl Target for Notice {
    fn observe(&mut self) -> Later<'_, Result<Vec<Fact>, String>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn fence<'a>(&'a mut self, command: &'a Command) -> Later<'a, Result<Fence, String>> {
        Box::pin(async { self.fences.fence(command) })
    }

    fn act<'a>(&'a mut self, command: &'a Command) -> Later<'a, Acted> {
        Box::pin(self.work(command))
    }
}
