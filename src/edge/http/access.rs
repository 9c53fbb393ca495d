//! Whose token allows what.
//!
//! Without tokens, this machine reads and writes and nobody else does. With tokens, everything
//! needs one, and a peer that sends wrong ones has to wait.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};

use super::Problem;
use super::wrong_tokens::WrongTokens;
use crate::config::{AccessRole, AccessToken, token_hash};
use crate::edge::clock::{Clock as _, SystemClock};
use crate::edge::diagnostics;

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccessNeed {
    /// To be shown something.
    Read,
    /// To leave telemetry.
    Post,
    /// To have something done.
    Instruct,
    /// To change the rules.
    Configure,
}

impl AccessNeed {
    const fn is_met_by(self, role: AccessRole) -> bool {
        match role {
            AccessRole::Admin => true,
            AccessRole::Operator => matches!(self, Self::Read | Self::Instruct),
            AccessRole::Viewer => matches!(self, Self::Read),
            AccessRole::Producer => matches!(self, Self::Post),
        }
    }

    /// The least role that meets it, and what it is good for.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Read => ("viewer", "reading"),
            Self::Post => ("producer", "posting telemetry"),
            Self::Instruct => ("operator", "instructions"),
            Self::Configure => ("admin", "applying rules"),
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    token: Option<String>,
}

impl Caller {
    /// The name of their token; `None` if the server has no tokens.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// The tokens that are accepted, and the peers that sent wrong ones.
pub(super) struct Access {
    tokens: Vec<AccessToken>,
    wrong: Mutex<WrongTokens>,
}

impl Access {
    pub(super) fn new(tokens: &[AccessToken]) -> Self {
        Self { tokens: tokens.to_vec(), wrong: Mutex::default() }
    }

    /// Whether there are any tokens.
    pub(super) fn has_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Who asks, if they may.
    pub(super) fn admit(
        &self,
        need: AccessNeed,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> Result<Caller, Problem> {
        if !self.has_tokens() {
            if need != AccessNeed::Read {
                local(peer)?;
            }
            return Ok(Caller { token: None });
        }
        let held = self.holder(headers, peer)?;
        if need.is_met_by(held.role) {
            return Ok(Caller { token: Some(held.name.clone()) });
        }
        let (role, what) = need.words();
        let detail = format!(
            "the token {} has the role {}, but {what} needs {role}; use another token",
            held.name,
            held.role.word()
        );
        Err(Problem::new(StatusCode::FORBIDDEN, "not-allowed", detail))
    }

    /// The token that was sent.
    fn holder(
        &self,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> Result<&AccessToken, Problem> {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let (first, second) = (sent.next(), sent.next());
        if second.is_some() {
            return Err(Problem::bad("there are two Authorization headers; send one"));
        }
        let Some(first) = first else {
            return Err(refused("a token is needed; send `Authorization: Bearer TOKEN`"));
        };
        let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip().to_canonical());
        let (now, mut wrong) =
            (SystemClock.uptime(), self.wrong.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(wait) = wrong.wait(peer, now) {
            return Err(slowed(peer, wait));
        }
        let bearer = first.to_str().ok().and_then(|sent| {
            let (scheme, token) = sent.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        match bearer.and_then(|token| self.found(token)) {
            Some(held) => Ok(held),
            None => {
                if wrong.strike(peer, now) {
                    diagnostics::tokens_wrong(peer);
                }
                Err(refused("the token is not one of this server's; check it"))
            }
        }
    }

    /// The token of this text. All are compared to the end: how long it takes tells nothing.
    fn found(&self, sent: &str) -> Option<&AccessToken> {
        let sent = token_hash(sent);
        let mut found = None;
        for token in &self.tokens {
            let pairs = token.hash.iter().zip(sent);
            if pairs.fold(0, |differs, (a, b)| differs | (a ^ b)) == 0 {
                found = Some(token);
            }
        }
        found
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "not-authorized", detail)
}

fn slowed(peer: IpAddr, seconds: u32) -> Problem {
    let detail =
        format!("too many wrong tokens came from {peer}; wait {seconds} s, and send the right one");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "wrong-tokens", detail).again_in(seconds)
}

fn local(peer: Option<SocketAddr>) -> Result<(), Problem> {
    if peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
        return Ok(());
    }
    let detail = "no token is set, so writing works from the server's own machine only; set one \
                  to write from elsewhere";
    Err(Problem::new(StatusCode::FORBIDDEN, "loopback-only", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "192.0.2.7:5000";

    fn access() -> Access {
        let token = |(name, role): (&str, AccessRole)| AccessToken {
            name: name.to_owned(),
            role,
            hash: token_hash(&format!("the-token-of-{name}")),
        };
        let all = [
            ("vera", AccessRole::Viewer),
            ("oscar", AccessRole::Operator),
            ("ada", AccessRole::Admin),
            ("shop", AccessRole::Producer),
        ];
        Access::new(&all.map(token))
    }

    fn admit(
        access: &Access,
        need: AccessNeed,
        sent: &[&str],
        peer: &str,
    ) -> Result<Option<String>, (u16, &'static str)> {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        let admitted = access.admit(need, &headers, Some(peer.parse().unwrap()));
        let name = admitted.map(|caller| caller.name().map(str::to_owned));
        name.map_err(|problem| (problem.status().as_u16(), problem.kind()))
    }

    #[test]
    fn each_role_may_do_what_it_is_for() {
        let access = access();
        use AccessNeed::{Configure, Instruct, Post, Read};
        for (name, may) in [
            ("vera", &[Read][..]),
            ("oscar", &[Read, Instruct]),
            ("ada", &[Read, Post, Instruct, Configure]),
            ("shop", &[Post]),
        ] {
            for need in [Read, Post, Instruct, Configure] {
                let sent = format!("Bearer the-token-of-{name}");
                let expected = match may.contains(&need) {
                    true => Ok(Some(name.to_owned())),
                    false => Err((403, "not-allowed")),
                };
                assert_eq!(admit(&access, need, &[&sent], PEER), expected, "{name} {need:?}");
            }
        }
    }

    #[test]
    fn only_a_whole_token_in_one_header_counts() {
        let no = Err((401, "not-authorized"));
        let yes = Ok(Some("vera".to_owned()));
        for (sent, expected) in [
            (&["Bearer the-token-of-vera"][..], yes.clone()),
            (&["bearer  the-token-of-vera "], yes),
            (&[], no.clone()),
            (&["the-token-of-vera"], no.clone()),
            (&["Basic the-token-of-vera"], no.clone()),
            (&["Bearer the-token-of-ver"], no.clone()),
            (&["Bearer the-token-of-veraa"], no.clone()),
            (&["Bearer "], no),
            (&["Bearer the-token-of-vera", "Bearer the-token-of-vera"], Err((400, "bad-request"))),
        ] {
            // A table of peers of its own each time: this is not about how often.
            assert_eq!(admit(&access(), AccessNeed::Read, sent, PEER), expected, "{sent:?}");
        }
    }

    #[test]
    fn who_guesses_waits_and_nobody_else_does() {
        let access = access();
        let wrong = ["Bearer wrong"];
        let right = ["Bearer the-token-of-vera"];
        for _ in 0..5 {
            assert_eq!(
                admit(&access, AccessNeed::Read, &wrong, PEER),
                Err((401, "not-authorized"))
            );
        }
        let slowed = Err((429, "wrong-tokens"));
        assert_eq!(admit(&access, AccessNeed::Read, &wrong, PEER), slowed);
        // Else a guess would show whether it is right.
        assert_eq!(admit(&access, AccessNeed::Read, &right, PEER), slowed);
        let other = admit(&access, AccessNeed::Read, &right, "192.0.2.8:5000");
        assert_eq!(other, Ok(Some("vera".to_owned())));
        // Sending none is no guess.
        assert_eq!(admit(&access, AccessNeed::Read, &[], PEER), Err((401, "not-authorized")));
    }

    #[test]
    fn without_tokens_this_machine_writes_and_nobody_else() {
        let access = Access::new(&[]);
        for (peer, need, expected) in [
            ("127.0.0.1:9", AccessNeed::Configure, Ok(None)),
            ("[::1]:9", AccessNeed::Instruct, Ok(None)),
            ("[::ffff:127.0.0.1]:9", AccessNeed::Post, Ok(None)),
            (PEER, AccessNeed::Read, Ok(None)),
            (PEER, AccessNeed::Post, Err((403, "loopback-only"))),
        ] {
            assert_eq!(admit(&access, need, &[], peer), expected, "{peer} {need:?}");
        }
    }
}
