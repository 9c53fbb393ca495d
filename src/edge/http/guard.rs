//! Who may ask for what.
//!
//! Reading is free for who can reach the address. Writing takes the token; without one it works
//! from this machine only. A browser is a stranger that reaches this machine: a page of another
//! origin may not write, and without a token only a Host that means this machine is answered, so
//! that no name that was made to point here (DNS rebinding) opens it.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode};
use sha2::{Digest, Sha256};

use super::Problem;
use crate::config::Secret;

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
    token: Option<[u8; 32]>,
    listens_on_loopback: bool,
}

impl Guard {
    /// A guard of a server that listens at `listen`.
    #[must_use]
    pub fn new(token: Option<&Secret>, listen: SocketAddr) -> Self {
        let token = token.map(|token| digest(token.expose()));
        Self { token, listens_on_loopback: listen.ip().is_loopback() }
    }

    /// What a request that changes something needs.
    #[must_use]
    pub fn writing(&self) -> Writing {
        if self.token.is_some() { Writing::Token } else { Writing::LoopbackOnly }
    }

    /// Whether a request may go on.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn check(
        &self,
        method: &Method,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> Result<(), Problem> {
        if headers.get_all(HOST).iter().nth(1).is_some() {
            // Programs that read the first and those that read the last would disagree on the host.
            return Err(Problem::bad("there are two Host headers; send one"));
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if self.token.is_none() && self.listens_on_loopback && !host.is_some_and(means_here) {
            let detail = "without a token this server answers only to localhost, 127.0.0.1 and \
                          [::1] as Host; use one of these, or set a token";
            return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-host", detail));
        }
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        if let Some(origin) = headers.get(ORIGIN)
            && !host.is_some_and(|host| own(origin.to_str().unwrap_or_default(), host))
        {
            let detail =
                "a web page of another origin may not change anything here; use the command line";
            return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin", detail));
        }
        match self.token {
            Some(token) => authorized(token, headers),
            None => local(peer),
        }
    }
}

fn authorized(token: [u8; 32], headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |detail| Err(Problem::new(StatusCode::UNAUTHORIZED, "not-authorized", detail));
    let Some(sent) = headers.get(AUTHORIZATION) else {
        return refuse(
            "requests that change something need a token; send `Authorization: Bearer TOKEN`",
        );
    };
    let bearer = sent.to_str().ok().and_then(|sent| {
        let (scheme, token) = sent.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    // Digests of one length are compared whole: how long it takes tells nothing of the token.
    let differs = |sent: &str| {
        let pairs = digest(sent).into_iter().zip(token);
        pairs.fold(0, |differs, (a, b)| differs | (a ^ b)) != 0
    };
    if bearer.is_none_or(differs) {
        return refuse("the token is not the one that this server was started with; check it");
    }
    Ok(())
}

fn local(peer: Option<SocketAddr>) -> Result<(), Problem> {
    if peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
        return Ok(());
    }
    let detail = "no token is set, so writing works from the server's own machine only; set one \
                  to write from elsewhere";
    Err(Problem::new(StatusCode::FORBIDDEN, "loopback-only", detail))
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
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

    const HERE: &str = "127.0.0.1:7700";
    const FAR: &str = "192.0.2.7:5000";

    fn check(token: Option<&str>, peer: &str, request: &str) -> Result<(), (u16, &'static str)> {
        let token = token.map(Secret::new);
        let listen = if token.is_some() { "0.0.0.0:7700" } else { HERE };
        let guard = Guard::new(token.as_ref(), listen.parse().unwrap());
        let mut parts = request.split(" | ");
        let method = parts.next().unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for header in parts {
            let (name, value) = header.split_once(": ").unwrap();
            let name: axum::http::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let checked = guard.check(&method, &headers, Some(peer.parse().unwrap()));
        checked.map_err(|problem| (problem.status().as_u16(), problem.kind()))
    }

    #[test]
    fn without_a_token_this_machine_writes_and_nobody_else() {
        let host = Err((403, "foreign-host"));
        let origin = Err((403, "foreign-origin"));
        for (peer, request, expected) in [
            (HERE, "GET | host: localhost:7700", Ok(())),
            (HERE, "GET | host: LOCALHOST", Ok(())),
            (HERE, "POST | host: 127.0.0.1:7700", Ok(())),
            (HERE, "POST | host: 127.9.9.9", Ok(())),
            ("[::1]:5", "POST | host: [::1]:7700", Ok(())),
            ("[::ffff:127.0.0.1]:5", "POST | host: localhost", Ok(())),
            (FAR, "POST | host: localhost", Err((403, "loopback-only"))),
            (HERE, "GET", host),
            (HERE, "GET | host: evil.example", host),
            (HERE, "POST | host: 127.0.0.1.evil.example", host),
            (HERE, "GET | host: localhost.evil.example:7700", host),
            (HERE, "GET | host: 192.168.0.5", host),
            (HERE, "GET | host: localhost | host: localhost", Err((400, "bad-request"))),
            (HERE, "POST | host: localhost:7700 | origin: http://localhost:7700", Ok(())),
            (HERE, "POST | host: localhost:7700 | origin: http://localhost:7701", origin),
            (HERE, "POST | host: localhost:7700 | origin: https://evil.example", origin),
            (HERE, "POST | host: localhost:7700 | origin: null", origin),
            (HERE, "GET | host: localhost | origin: https://evil.example", Ok(())),
        ] {
            assert_eq!(check(None, peer, request), expected, "{peer} {request}");
        }
    }

    #[test]
    fn with_a_token_it_alone_counts() {
        let no = Err((401, "not-authorized"));
        for (request, expected) in [
            ("GET | host: ripcord.example", Ok(())),
            ("POST | host: ripcord.example | authorization: Bearer s3cret", Ok(())),
            ("DELETE | host: h | authorization: bearer s3cret", Ok(())),
            ("POST | host: h", no),
            ("POST | host: h | authorization: Bearer s3cre", no),
            ("POST | host: h | authorization: Bearer s3cret5", no),
            ("POST | host: h | authorization: Basic s3cret", no),
            ("POST | host: h | authorization: s3cret", no),
            (
                "POST | host: h | authorization: Bearer s3cret | origin: https://evil.example",
                Err((403, "foreign-origin")),
            ),
        ] {
            assert_eq!(check(Some("s3cret"), FAR, request), expected, "{request}");
            assert_eq!(check(Some("s3cret"), HERE, request), expected, "{request}");
        }
    }
}
