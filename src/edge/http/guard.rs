//! From where a request may come; `access` says who may ask for what.
//!
//! A browser is a stranger that reaches this machine: a page of another origin may not write, and
//! without a token only a Host that means this machine is answered, so that no name that was made
//! to point here (DNS rebinding) opens it.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::Problem;
use super::access::{Access, AccessNeed, Caller};
use crate::config::AccessToken;

/// By what a browser says whose page asks.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request that changes something needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// With the bearer token.
    Token,
    /// From this machine; no token is set.
    LoopbackOnly,
}

impl Writing {
    /// As a header and the status say it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::LoopbackOnly => "loopback-only",
        }
    }
}

/// Lets requests through or not.
pub struct Guard {
    access: Access,
    listens_on_loopback: bool,
    metrics_need_token: bool,
}

impl Guard {
    /// A guard of a server that listens at `listen`.
    #[must_use]
    pub fn new(tokens: &[AccessToken], listen: SocketAddr) -> Self {
        let listens_on_loopback = listen.ip().is_loopback();
        Self { access: Access::new(tokens), listens_on_loopback, metrics_need_token: false }
    }

    /// Whether metrics need a token, where there are tokens.
    #[must_use]
    pub fn with_metrics(self, need_token: bool) -> Self {
        Self { metrics_need_token: need_token, ..self }
    }

    /// Whether metrics are guarded.
    pub(in crate::edge) fn guards_metrics(&self) -> bool {
        self.metrics_need_token && self.access.has_tokens()
    }

    /// What a request that changes something needs.
    #[must_use]
    pub fn writing(&self) -> Writing {
        if self.access.has_tokens() { Writing::Token } else { Writing::LoopbackOnly }
    }

    /// Whether a request came as it may, no matter who asks.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub(super) fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        // Programs that read the first and those that read the last would disagree.
        for (name, said) in [(HOST, "Host"), (ORIGIN, "Origin")] {
            if headers.get_all(name).iter().nth(1).is_some() {
                return Err(Problem::bad(format!("there are two {said} headers; send one")));
            }
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let here = || host.is_some_and(means_here);
        if !self.access.has_tokens() && self.listens_on_loopback && !here() {
            let detail = "without a token this server answers only to localhost, 127.0.0.1 and \
                          [::1] as Host; use one of these, or set a token";
            return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-host", detail));
        }
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        let origin = headers.get(ORIGIN);
        let own = |origin: &HeaderValue| {
            host.is_some_and(|host| own(origin.to_str().unwrap_or_default(), host))
        };
        let mut sites = headers.get_all(FETCH_SITE).iter();
        if origin.is_none_or(own) && sites.all(|site| site == "same-origin" || site == "none") {
            return Ok(());
        }
        let detail =
            "a web page of another origin may not change anything here; use the command line";
        Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin", detail))
    }

    /// Who asks, if they may have what they need.
    pub(super) fn admit(
        &self,
        need: AccessNeed,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> Result<Caller, Problem> {
        self.access.admit(need, headers, peer)
    }
}

/// Whether a Host header names this machine by a name that nobody else can give it.
fn means_here(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether an Origin is the server that was asked.
fn own(origin: &str, host: &str) -> bool {
    let name = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    name.is_some_and(|name| name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AccessRole, token_hash};

    fn check(token: bool, request: &str) -> Result<(), (u16, &'static str)> {
        let hash = token_hash("a-token-of-16-chars");
        let tokens = [AccessToken { name: "ada".to_owned(), role: AccessRole::Admin, hash }];
        let (tokens, listen) = match token {
            true => (&tokens[..], "0.0.0.0:7700"),
            false => (&[][..], "127.0.0.1:7700"),
        };
        let guard = Guard::new(tokens, listen.parse().unwrap());
        let mut parts = request.split(" | ");
        let method = parts.next().unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for header in parts {
            let (name, value) = header.split_once(": ").unwrap();
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let checked = guard.check(&method, &headers);
        checked.map_err(|problem| (problem.status().as_u16(), problem.kind()))
    }

    #[test]
    fn without_a_token_only_this_machine_is_meant() {
        let host = Err((403, "foreign-host"));
        for (request, expected) in [
            ("GET | host: localhost:7700", Ok(())),
            ("GET | host: LOCALHOST", Ok(())),
            ("POST | host: 127.0.0.1:7700", Ok(())),
            ("POST | host: 127.9.9.9", Ok(())),
            ("POST | host: [::1]:7700", Ok(())),
            ("GET", host),
            ("GET | host: evil.example", host),
            ("POST | host: 127.0.0.1.evil.example", host),
            ("GET | host: localhost.evil.example:7700", host),
            ("GET | host: 192.168.0.5", host),
        ] {
            assert_eq!(check(false, request), expected, "{request}");
        }
        assert_eq!(check(true, "GET | host: ripcord.example"), Ok(()));
    }

    #[test]
    fn pages_of_another_origin_change_nothing_with_a_token_and_without() {
        let origin = Err((403, "foreign-origin"));
        let bad = Err((400, "bad-request"));
        for (request, expected) in [
            ("GET | host: localhost | host: localhost", bad),
            ("POST | host: localhost:7700 | origin: http://localhost:7700", Ok(())),
            ("POST | host: localhost:7700 | origin: http://localhost:7701", origin),
            ("POST | host: localhost:7700 | origin: https://evil.example", origin),
            ("POST | host: localhost:7700 | origin: null", origin),
            ("GET | host: localhost | origin: https://evil.example", Ok(())),
            ("POST | host: localhost | origin: http://localhost | origin: http://evil", bad),
            ("POST | host: localhost | origin: http://localhost | origin: http://localhost", bad),
            ("POST | host: localhost | sec-fetch-site: same-origin", Ok(())),
            ("POST | host: localhost | sec-fetch-site: none", Ok(())),
            ("POST | host: localhost | sec-fetch-site: same-site", origin),
            ("POST | host: localhost | sec-fetch-site: cross-site", origin),
            ("PUT | host: localhost | sec-fetch-site: none | sec-fetch-site: cross-site", origin),
            ("GET | host: localhost | sec-fetch-site: cross-site", Ok(())),
        ] {
            assert_eq!(check(false, request), expected, "{request}");
            assert_eq!(check(true, request), expected, "{request}");
        }
    }
}
