//! What may follow what: every pair is either in this list or refused.

use std::collections::BTreeSet;

use ripcord::model::{IncidentEvent as P, IncidentState as S, StepResult as O};
use ripcord::undo::transition::{IllegalAnswer, IllegalMove, next_outcome, next_state};

use super::scenario;

const STATES: [S; 8] = [
    S::Open,
    S::Mitigating,
    S::Mitigated,
    S::Verified,
    S::MitigatedUnverified,
    S::Resolved,
    S::Frozen,
    S::Stuck,
];
const PHASES: [P; 7] = [P::Act, P::Mitigate, P::Verify, P::Expire, P::Resolve, P::Freeze, P::Stick];

const LEGAL: [(S, P, S); 21] = [
    (S::Open, P::Act, S::Mitigating),
    (S::Open, P::Freeze, S::Frozen),
    (S::Open, P::Resolve, S::Resolved),
    (S::Frozen, P::Act, S::Mitigating),
    (S::Frozen, P::Stick, S::Stuck),
    (S::Frozen, P::Resolve, S::Resolved),
    (S::Stuck, P::Act, S::Mitigating),
    (S::Stuck, P::Mitigate, S::Mitigated),
    (S::Stuck, P::Resolve, S::Resolved),
    (S::Mitigating, P::Mitigate, S::Mitigated),
    (S::Mitigating, P::Freeze, S::Frozen),
    (S::Mitigating, P::Stick, S::Stuck),
    (S::Mitigating, P::Resolve, S::Resolved),
    (S::Mitigated, P::Verify, S::Verified),
    (S::Mitigated, P::Expire, S::MitigatedUnverified),
    (S::Mitigated, P::Resolve, S::Resolved),
    (S::Mitigated, P::Stick, S::Stuck),
    (S::Verified, P::Resolve, S::Resolved),
    (S::Verified, P::Stick, S::Stuck),
    (S::MitigatedUnverified, P::Resolve, S::Resolved),
    (S::MitigatedUnverified, P::Stick, S::Stuck),
];

#[test]
fn of_56_moves_21_are_legal_and_35_are_refused() {
    let mut legal = 0;
    let mut refused = 0;
    for from in STATES {
        for phase in PHASES {
            let listed = LEGAL.iter().find(|(s, p, _)| (*s, *p) == (from, phase));
            match (next_state(from, phase), listed) {
                (Ok(to), Some((_, _, expected))) => {
                    assert_eq!(to, *expected, "{from:?} {phase:?}");
                    legal += 1;
                }
                (Err(error), None) => {
                    assert_eq!(error, IllegalMove { from, phase });
                    refused += 1;
                }
                (got, listed) => panic!("{from:?} {phase:?}: {got:?}, listed {listed:?}"),
            }
        }
    }
    assert_eq!((legal, refused), (21, 35));
}

/// Every move of the table is one that some scenario makes.
#[test]
fn every_legal_move_is_made_by_a_scenario() {
    let made = scenario::moves();
    let pairs: BTreeSet<(S, S)> = LEGAL.iter().map(|(from, _, to)| (*from, *to)).collect();
    let missing: Vec<_> = pairs.iter().filter(|pair| !made.contains(pair)).collect();
    assert!(missing.is_empty(), "no scenario moves {missing:?}");
    // A new record may pass through `Open` within a step, and a step may make two moves.
    let known: BTreeSet<S> = STATES.into_iter().collect();
    assert!(made.iter().all(|(from, to)| known.contains(from) && known.contains(to)));
}

/// Every answer that a step may take is one that it takes in some scenario.
#[test]
fn every_legal_answer_is_taken_in_a_scenario() {
    let taken = scenario::answers();
    for from in [None, Some(O::Unknown), Some(O::Failed)] {
        for answer in [O::Done, O::Refused, O::Failed, O::Unknown] {
            assert!(taken.contains(&(from, answer)), "{from:?} {answer:?} in no scenario");
        }
    }
    assert_eq!(taken.len(), 12, "{taken:?}");
}

#[test]
fn of_20_answers_12_are_taken_and_8_are_refused() {
    let answers = [O::Done, O::Refused, O::Failed, O::Unknown];
    let mut taken = 0;
    let mut refused = 0;
    for from in [None, Some(O::Unknown), Some(O::Failed), Some(O::Done), Some(O::Refused)] {
        for answer in answers {
            match (from, next_outcome(from, answer)) {
                (None | Some(O::Unknown | O::Failed), Ok(now)) => {
                    assert_eq!(now, answer);
                    taken += 1;
                }
                (Some(from @ (O::Done | O::Refused)), Err(error)) => {
                    assert_eq!(error, IllegalAnswer { from, answer });
                    refused += 1;
                }
                (from, got) => panic!("{from:?} {answer:?}: {got:?}"),
            }
        }
    }
    assert_eq!((taken, refused), (12, 8));
}
