//! Who may answer at this moment, as a value: a request takes one plan and keeps to it.
//!
//! What has a key goes by rendezvous: each version draws a number for the key, stretched by its
//! weight, and the least one answers. So the shares are exact in expectation, a key stays with its
//! version as long as the weights do, and of two versions no key moves that need not. Of three or
//! more, one that rises draws keys from all others and one that falls gives to all others.
//! What has none takes turns on the golden section, so that any run of requests is shared out
//! exactly, but for a handful.
//!
//! Over 300 lines: the tests of its promises are here.

use xxhash_rust::xxh3::xxh3_64;

use crate::model::VersionId;

/// One of a model's versions, by its place in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionIndex(pub(super) usize);

impl VersionIndex {
    /// The how manieth of the versions it is, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// What chooses among the versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// The hash of a key: the same key, the same version.
    Key(u64),
    /// The how manieth request without a key this is.
    Turn(u64),
}

/// The hash of a key. It never changes: keys would change their version.
#[must_use]
pub fn hash(key: &[u8]) -> u64 {
    xxh3_64(key)
}

/// Whether a version may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Eligibility {
    /// It may.
    Open,
    /// By a single request, to see how it is.
    Trial,
    /// Only where nobody else is left.
    Down,
    /// Never: a person says so.
    Shut,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) version: VersionId,
    /// Hundredths of a percent.
    pub(super) weight: u32,
    pub(super) eligibility: Eligibility,
    /// Gets a copy of what others answer.
    pub(super) shadow: bool,
}

/// Who may answer, and with which share.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoutePlan {
    pub(super) candidates: Vec<Candidate>,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Which version.
    pub place: VersionIndex,
    /// Whether this is the single request that shows how the version is.
    pub trial: bool,
}

impl RoutePlan {
    /// The version that answers a request, among those that have a weight and were not `tried`
    /// yet. One that is down answers only where no other is left, so the last is never taken away;
    /// a version without weight never does. `trial`: asks for the place of the single request by
    /// which a version is tried.
    pub fn choose(
        &self,
        draw: Draw,
        tried: &[VersionIndex],
        mut trial: impl FnMut(VersionIndex) -> bool,
    ) -> Option<Choice> {
        let mut left: Vec<(VersionIndex, &Candidate)> = self.places().collect();
        left.retain(|(place, candidate)| {
            candidate.weight > 0
                && candidate.eligibility != Eligibility::Shut
                && !tried.contains(place)
        });
        let sound = left.iter().any(|(_, candidate)| candidate.eligibility == Eligibility::Open);
        if sound {
            left.retain(|(_, candidate)| candidate.eligibility != Eligibility::Down);
        }
        loop {
            let (place, eligibility) = pick(draw, &left)?;
            if eligibility != Eligibility::Trial {
                return Some(Choice { place, trial: false });
            }
            if trial(place) {
                return Some(Choice { place, trial: true });
            }
            if !sound {
                return Some(Choice { place, trial: false });
            }
            left.retain(|(other, _)| *other != place);
        }
    }

    /// The versions that get a copy of what `answering` is asked.
    pub fn shadows(&self, answering: VersionIndex) -> impl Iterator<Item = VersionIndex> {
        let others = self.places().filter(move |(place, _)| *place != answering);
        others
            .filter(|(_, candidate)| candidate.shadow && candidate.eligibility != Eligibility::Shut)
            .map(|(place, _)| place)
    }

    /// The name of a version.
    #[must_use]
    pub fn version(&self, place: VersionIndex) -> Option<&VersionId> {
        self.candidates.get(place.0).map(|candidate| &candidate.version)
    }

    fn places(&self) -> impl Iterator<Item = (VersionIndex, &Candidate)> {
        self.candidates.iter().enumerate().map(|(at, candidate)| (VersionIndex(at), candidate))
    }
}

fn pick(draw: Draw, left: &[(VersionIndex, &Candidate)]) -> Option<(VersionIndex, Eligibility)> {
    match draw {
        Draw::Key(key) => {
            let mut best: Option<(f64, VersionIndex, Eligibility)> = None;
            for (place, candidate) in left {
                let wait = wait(key, candidate);
                if best.is_none_or(|(least, ..)| wait < least) {
                    best = Some((wait, *place, candidate.eligibility));
                }
            }
            best.map(|(_, place, eligibility)| (place, eligibility))
        }
        Draw::Turn(turn) => {
            let total: u32 = left.iter().map(|(_, candidate)| candidate.weight).sum();
            // The golden section of 2^64: no stretch of turns leaves a gap or heaps up.
            let point = turn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut point = ((u128::from(point) * u128::from(total)) >> 64) as u32;
            for (place, candidate) in left {
                if point < candidate.weight {
                    return Some((*place, candidate.eligibility));
                }
                point -= candidate.weight;
            }
            None
        }
    }
}

/// A version's draw for a key: exponential, with its weight as the rate.
fn wait(key: u64, candidate: &Candidate) -> f64 {
    let name = hash(candidate.version.as_str().as_bytes());
    let drawn = hash(&((u128::from(name) << 64) | u128::from(key)).to_le_bytes());
    // Above 0 and below 1.
    let uniform = ((drawn >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    -libm::log(uniform) / f64::from(candidate.weight)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Seats in a line: `v1 90, v2 10 trial`.
    fn plan(line: &str) -> RoutePlan {
        let candidate = |words: &str| {
            let words: Vec<&str> = words.split_whitespace().collect();
            let eligibility = match words.get(2).copied() {
                Some("down") => Eligibility::Down,
                Some("trial") => Eligibility::Trial,
                Some("shut") => Eligibility::Shut,
                _ => Eligibility::Open,
            };
            Candidate {
                version: VersionId::new(words[0]).unwrap(),
                weight: (words[1].parse::<f64>().unwrap() * 100.0) as u32,
                eligibility,
                shadow: words.contains(&"shadow"),
            }
        };
        RoutePlan { candidates: line.split(", ").map(candidate).collect() }
    }

    /// Who answers `n` requests, in the order of the candidates.
    fn counts(plan: &RoutePlan, n: u64, draw: impl Fn(u64) -> Draw) -> Vec<u64> {
        let mut counts = vec![0; plan.candidates.len()];
        for i in 0..n {
            if let Some(choice) = plan.choose(draw(i), &[], |_| false) {
                counts[choice.place.0] += 1;
            }
        }
        counts
    }

    fn keyed(i: u64) -> Draw {
        Draw::Key(hash(format!("user-{i}").as_bytes()))
    }

    #[test]
    fn shares_are_as_asked() {
        for (line, shares) in [
            ("v1 90, v2 10", [0.9, 0.1, 0.0]),
            ("v1 75, v2 25", [0.75, 0.25, 0.0]),
            ("v1 50, v2 50", [0.5, 0.5, 0.0]),
            ("v1 0.01, v2 99.99", [0.0001, 0.9999, 0.0]),
            ("v1 20, v2 30, v3 50", [0.2, 0.3, 0.5]),
            // Who is down leaves its share to the others, in proportion.
            ("v1 20, v2 30, v3 50 down", [0.4, 0.6, 0.0]),
            ("v1 20 shut, v2 30, v3 50 trial", [0.0, 1.0, 0.0]),
            // The last is never taken away, and who has no weight never comes in for it.
            ("v1 100 down, v2 0", [1.0, 0.0, 0.0]),
            ("v1 90 down, v2 10 down", [0.9, 0.1, 0.0]),
            ("v1 90 trial, v2 10 down", [0.9, 0.1, 0.0]),
            ("v1 100 shut, v2 0", [0.0, 0.0, 0.0]),
        ] {
            let n = 20_000;
            let (plan, total) = (plan(line), n as f64);
            let (by_key, by_turn) = (counts(&plan, n, keyed), counts(&plan, n, Draw::Turn));
            for ((by_key, by_turn), share) in by_key.iter().zip(&by_turn).zip(shares) {
                let sigma = (total * share * (1.0 - share)).sqrt();
                let off = |count: u64| (count as f64 - total * share).abs();
                assert!(off(*by_key) <= 3.0 * sigma, "{line}: {by_key} of {n} by key");
                assert!(off(*by_turn) <= 3.0, "{line}: {by_turn} of {n} by turns");
            }
        }
    }

    #[test]
    fn one_request_tries_a_version_and_the_rest_go_elsewhere() {
        let plan = plan("v1 50, v2 50 trial");
        let mut free = 1;
        let mut tried = 0;
        for turn in 0..100 {
            let choice = plan.choose(Draw::Turn(turn), &[], |place| {
                assert_eq!(place, VersionIndex(1));
                free -= 1;
                free == 0
            });
            let choice = choice.unwrap();
            tried += u32::from(choice.trial);
            assert_eq!(choice.trial, choice.place == VersionIndex(1));
        }
        assert_eq!(tried, 1);
    }

    #[test]
    fn who_was_tried_is_not_asked_again() {
        let plan = plan("v1 50, v2 50, v3 0");
        for turn in 0..10 {
            let choose = |tried: &[VersionIndex]| plan.choose(Draw::Turn(turn), tried, |_| false);
            assert_eq!(choose(&[VersionIndex(0)]).map(|c| c.place), Some(VersionIndex(1)));
            assert_eq!(choose(&[VersionIndex(0), VersionIndex(1)]), None);
        }
    }

    #[test]
    fn shadows_are_all_others_that_are_named() {
        let plan = plan("v1 100 open shadow, v2 0 open shadow, v3 0 shut shadow, v4 0");
        let of = |at| plan.shadows(VersionIndex(at)).map(|place| place.0).collect::<Vec<_>>();
        assert_eq!((of(0), of(1), of(3)), (vec![1], vec![0], vec![0, 1]));
    }

    proptest! {
        #[test]
        fn raising_one_version_moves_keys_to_it_alone(
            key in any::<u64>(),
            weights in proptest::collection::vec(1u32..5000, 2..5),
            more in 1u32..5000,
        ) {
            let candidates = |raised: u32| RoutePlan {
                candidates: weights.iter().enumerate().map(|(at, weight)| Candidate {
                    version: VersionId::new(&format!("v{at}")).unwrap(),
                    weight: weight + if at == 0 { raised } else { 0 },
                    eligibility: Eligibility::Open,
                    shadow: false,
                }).collect(),
            };
            let of = |plan: &RoutePlan| plan.choose(Draw::Key(key), &[], |_| false).unwrap().place;
            let (before, after) = (of(&candidates(0)), of(&candidates(more)));
            prop_assert!(after == before || after == VersionIndex(0));
            prop_assert_eq!(of(&candidates(0)), before, "the same key, the same version");
        }

        #[test]
        fn any_run_of_turns_is_shared_out_exactly(from in any::<u64>(), weight in 0u32..=10_000) {
            let candidate = |version: &str, weight| Candidate {
                version: VersionId::new(version).unwrap(),
                weight,
                eligibility: Eligibility::Open,
                shadow: false,
            };
            let candidates = vec![candidate("a", weight), candidate("b", 10_000 - weight)];
            let plan = RoutePlan { candidates };
            let got = counts(&plan, 1000, |i| Draw::Turn(from.wrapping_add(i)));
            let off = got[0] as f64 - f64::from(weight) / 10.0;
            prop_assert!(off.abs() <= 4.0, "{} of 1000 at {weight}", got[0]);
        }
    }
}
