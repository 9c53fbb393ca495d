//! The faults of a simulated world: which there are, how often each strikes, and how often it did.

use std::collections::BTreeMap;

use crate::common::random::Random;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    KillBefore,
    KillAfter,
    KillAll,
    AppendLost,
    AppendRefused,
    AppendInPart,
    AnswerDelayed,
    CommitRetry,
    CommitUnknownWritten,
    CommitUnknownUnwritten,
    CommitFenced,
    ReadNothing,
    ReadBlocked,
    RebalanceInOrder,
    RebalanceAtOnce,
    Pause,
    Stop,
    ClockForward,
    ClockBack,
    TargetUnknownDone,
    TargetUnknownUndone,
    Duplicate,
    Reorder,
    Unreadable,
}

impl Fault {
    /// All of them, with their names in docs/reliability.md.
    pub(crate) const ALL: [(Self, &'static str); 24] = [
        (Self::KillBefore, "kill before a write"),
        (Self::KillAfter, "kill after a write"),
        (Self::KillAll, "kill of all processes at once"),
        (Self::AppendLost, "append written, answer lost"),
        (Self::AppendRefused, "append refused"),
        (Self::AppendInPart, "append written in part"),
        (Self::AnswerDelayed, "answer delayed"),
        (Self::CommitRetry, "commit to be tried again"),
        (Self::CommitUnknownWritten, "commit unknown, written"),
        (Self::CommitUnknownUnwritten, "commit unknown, not written"),
        (Self::CommitFenced, "commit fenced"),
        (Self::ReadNothing, "read without an answer"),
        (Self::ReadBlocked, "log cannot be read"),
        (Self::RebalanceInOrder, "rebalance in order"),
        (Self::RebalanceAtOnce, "rebalance at once"),
        (Self::Pause, "process pauses"),
        (Self::Stop, "process stops in order"),
        (Self::ClockForward, "clock set forward"),
        (Self::ClockBack, "clock set back"),
        (Self::TargetUnknownDone, "target acts, answers unknown"),
        (Self::TargetUnknownUndone, "target does not act, answers unknown"),
        (Self::Duplicate, "duplicate record"),
        (Self::Reorder, "reordered record"),
        (Self::Unreadable, "unreadable record"),
    ];

    /// Its probability each time it could strike, where a world has it.
    fn chance(self) -> f64 {
        match self {
            Self::KillBefore | Self::KillAfter => 0.006,
            Self::AppendLost | Self::AppendRefused | Self::AppendInPart => 0.006,
            Self::AnswerDelayed => 0.01,
            Self::CommitRetry => 0.02,
            Self::CommitFenced => 0.06,
            Self::CommitUnknownWritten | Self::CommitUnknownUnwritten => 0.03,
            Self::ReadNothing => 0.1,
            Self::ReadBlocked => 0.005,
            Self::RebalanceInOrder | Self::RebalanceAtOnce => 0.03,
            Self::KillAll => 0.004,
            Self::Pause => 0.01,
            Self::Stop => 0.01,
            Self::ClockForward | Self::ClockBack => 0.01,
            Self::TargetUnknownDone | Self::TargetUnknownUndone => 0.4,
            Self::Duplicate | Self::Reorder => 0.05,
            Self::Unreadable => 0.004,
        }
    }
}

/// How often each fault struck.
pub(crate) type Tally = BTreeMap<Fault, u64>;

/// The faults of one world.
pub(crate) struct Faults {
    random: Random,
    /// The chances of those that it has.
    chances: BTreeMap<Fault, f64>,
    active: bool,
    pub(crate) tally: Tally,
}

impl Faults {
    /// Half of all kinds, each rarely or often.
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0xFA_017);
        let mut chances = BTreeMap::new();
        for (fault, _) in Fault::ALL {
            let (has, scale) = (random.chance(0.5), if random.chance(0.3) { 3.0 } else { 1.0 });
            if has {
                chances.insert(fault, fault.chance() * scale);
            }
        }
        Self { random, chances, active: true, tally: Tally::new() }
    }

    /// None at all.
    pub(crate) fn none() -> Self {
        let (chances, tally) = Default::default();
        Self { random: Random::new(0), chances, active: false, tally }
    }

    /// Only this one, and often.
    pub(crate) fn only(seed: u64, fault: Fault) -> Self {
        let chances = BTreeMap::from([(fault, (fault.chance() * 4.0).min(1.0))]);
        Self { random: Random::new(seed), chances, active: true, tally: Tally::new() }
    }

    /// No more of them from now on.
    pub(crate) fn cease(&mut self) {
        self.active = false;
    }

    /// Whether a fault strikes now.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        let chance = self.chances.get(&fault).copied().unwrap_or(0.0);
        let strikes = self.active && chance > 0.0 && self.random.chance(chance);
        if strikes {
            *self.tally.entry(fault).or_default() += 1;
        }
        strikes
    }

    /// The first of these that strikes.
    pub(crate) fn first(&mut self, faults: &[Fault]) -> Option<Fault> {
        faults.iter().copied().find(|fault| self.strikes(*fault))
    }

    /// Below `most`.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        (self.random.bits() % most.max(1) as u64) as usize
    }

    /// From `least` to `most`.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        least + self.below((most - least + 1) as usize) as i64
    }
}
