//! Peers that sent wrong tokens, and how long each has to wait.
//!
//! Law: the table has a bound, and no wait is long: others may share the address of a peer that
//! guesses.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use crate::edge::clock::Uptime;
use crate::model::Span;

/// Wrong tokens without consequence: people mistype.
const FREE: u32 = 5;
/// The first wait; each further wrong token doubles it.
const FIRST_S: u32 = 1;
/// The longest one.
const LONGEST_S: u32 = 32;
/// After so long without a wrong token all is forgotten.
const FORGET: Span = Span::from_s(300);
/// Peers that are remembered.
const MOST: usize = 1024;

#[derive(Debug, Clone, Copy)]
struct Strikes {
    count: u32,
    last: Uptime,
}

impl Strikes {
    fn pause_s(self) -> u32 {
        match self.count.checked_sub(FREE) {
            None => 0,
            Some(over) => FIRST_S.checked_shl(over).unwrap_or(LONGEST_S).clamp(1, LONGEST_S),
        }
    }
}

/// Who sent wrong tokens.
#[derive(Debug, Default)]
pub(super) struct WrongTokens(BTreeMap<IpAddr, Strikes>);

impl WrongTokens {
    /// How many seconds a peer has to wait, if it has to.
    pub(super) fn wait(&self, peer: IpAddr, now: Uptime) -> Option<u32> {
        let strikes = self.0.get(&network(peer))?;
        let left = (strikes.last + Span::from_s(strikes.pause_s().into())) - now;
        let left_s = u32::try_from(left.as_ms()).ok()?.div_ceil(1000);
        (left_s > 0).then_some(left_s)
    }

    /// A peer sent a wrong token; whether it has to wait from now on.
    pub(super) fn strike(&mut self, peer: IpAddr, now: Uptime) -> bool {
        let peer = network(peer);
        if !self.0.contains_key(&peer) && self.0.len() >= MOST {
            let longest_ago = self.0.iter().min_by_key(|(_, strikes)| strikes.last);
            if let Some(oldest) = longest_ago.map(|(peer, _)| *peer) {
                self.0.remove(&oldest);
            }
        }
        let strikes = self.0.entry(peer).or_insert(Strikes { count: 0, last: now });
        if now - strikes.last >= FORGET {
            strikes.count = 0;
        }
        *strikes = Strikes { count: strikes.count.saturating_add(1), last: now };
        strikes.count == FREE
    }
}

/// A host has a whole network of IPv6 addresses.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & !u128::from(u64::MAX);
            Ipv6Addr::from_bits(prefix).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Uptime {
        Uptime::new(Span::from_ms(ms))
    }

    #[test]
    fn waits_double_up_to_a_bound_and_are_forgotten() {
        let peer: IpAddr = "192.0.2.7".parse().unwrap();
        let mut wrong = WrongTokens::default();
        for _ in 0..4 {
            assert!(!wrong.strike(peer, at(0)));
            assert_eq!(wrong.wait(peer, at(0)), None);
        }
        assert!(wrong.strike(peer, at(0)));
        assert_eq!(wrong.wait(peer, at(0)), Some(1));
        assert_eq!((wrong.wait(peer, at(999)), wrong.wait(peer, at(1000))), (Some(1), None));
        for (nth, seconds) in [2, 4, 8, 16, 32, 32, 32].into_iter().enumerate() {
            let now = at(100_000 * (nth as i64 + 1));
            assert!(!wrong.strike(peer, now), "said once");
            assert_eq!(wrong.wait(peer, now), Some(seconds));
        }
        let later = at(700_000 + 300_000);
        assert!(!wrong.strike(peer, later));
        assert_eq!(wrong.wait(peer, later), None);
    }

    #[test]
    fn a_network_is_one_peer_and_the_table_has_a_bound() {
        let mut wrong = WrongTokens::default();
        for host in 0..5_u128 {
            let host = Ipv6Addr::from_bits((0x2001_0db8 << 96) + host);
            wrong.strike(host.into(), at(0));
        }
        assert_eq!(wrong.wait("2001:db8::99".parse().unwrap(), at(0)), Some(1));
        assert_eq!(wrong.wait("2001:db8:0:1::99".parse().unwrap(), at(0)), None);
        for host in 0..5000_u32 {
            wrong.strike(std::net::Ipv4Addr::from_bits(host).into(), at(1));
        }
        assert_eq!(wrong.0.len(), MOST);
        assert_eq!(wrong.wait("2001:db8::99".parse().unwrap(), at(1)), None, "the oldest went");
    }
}
