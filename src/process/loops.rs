//! What each role does while the process runs: it takes turns, and logs what came of them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::stop::StopSignal;
use crate::edge::diagnostics;
use crate::model::{ModelId, Span, TargetId};
use crate::roles::decide::Decide;
use crate::roles::ingest::Ingest;
use crate::roles::work::Work;
use crate::shard::Output;
use crate::topics::{RoleError, Topics};

/// The longest a role waits for records, and so how late it notices a stop or a deadline.
const WAIT: Duration = Duration::from_millis(100);
/// The least time between two publications of live numbers.
const PUBLISH_EVERY: Span = Span::from_s(1);
/// Live numbers are published this often although nothing changes, so that silence says something.
const SIGN_OF_LIFE_EVERY: Span = Span::from_s(5);
/// Log time this far ahead of the clock is worth a warning.
const AHEAD: Span = Span::from_s(1);

/// Measures until the stop. `stopped` hears of the models whose labels are not counted.
pub(super) fn ingest(
    ingest: &mut Ingest,
    stop: &StopSignal,
    stopped: impl Fn(&BTreeSet<ModelId>),
) -> Result<(), RoleError> {
    while !stop.is_set() {
        ingest.turn(WAIT)?;
        stopped(ingest.stopped_joins());
    }
    ingest.stop()
}

/// Whether it was said that log time is ahead; this outlives a restart of the role.
#[derive(Debug, Default)]
pub(super) struct SaidAhead(AtomicBool);

impl SaidAhead {
    /// Says it once when it begins, and once when it is over.
    fn look(&self, ahead: Span) {
        let (said, is) = (self.0.load(Ordering::Relaxed), ahead >= AHEAD);
        if is && !said {
            diagnostics::log_time_ahead(ahead);
        } else if said && ahead == Span::ZERO {
            diagnostics::log_time_caught_up();
        }
        self.0.store(is || (said && ahead > Span::ZERO), Ordering::Relaxed);
    }
}

/// Folds until the stop, and publishes live numbers once a second while something changes.
/// `config`: the hash of the rules in the config.
pub(super) fn decide(
    decide: &mut Decide,
    topics: &Topics,
    config: &str,
    said: &SaidAhead,
    stop: &StopSignal,
) -> Result<(), RoleError> {
    let (mut changed, mut published, mut compared) = (false, topics.log.uptime(), false);
    while !stop.is_set() {
        let turn = decide.turn(WAIT)?;
        changed |= !turn.idle;
        turn.outputs.iter().for_each(log_output);
        let now = topics.log.uptime();
        let every = if changed { PUBLISH_EVERY } else { SIGN_OF_LIFE_EVERY };
        if now - published >= every {
            said.look(decide.log_ahead());
            decide.publish_status()?;
            (changed, published) = (false, now);
            if !compared {
                compared = true;
                compare(decide, config);
            }
        }
    }
    decide.stop()?;
    decide.publish_status()
}

/// Warns if a shard uses other rules than the config's.
fn compare(decide: &Decide, config: &str) {
    let mut rule_sets = decide.shards().filter_map(|(_, shard)| shard.rule_set());
    if let Some(rule_set) = rule_sets.find(|rule_set| rule_set.hash != config) {
        diagnostics::rules_differ(config, &rule_set.hash, rule_set.revision);
    }
}

fn log_output(output: &Output) {
    match output {
        Output::Command(command) => diagnostics::command_emitted(command),
        Output::Incident(incident) => diagnostics::incident_changed(incident),
        Output::Decision(decision) if decision.assessment.changed => {
            let said = &decision.assessment;
            let (model, version) = (&said.model, &said.version);
            let trigger = &said.trigger;
            diagnostics::decision_changed(model, version, trigger, said.verdict, decision.read_to);
        }
        Output::Decision(_) | Output::Reply(_) => {}
    }
}

/// Observes and acts until the stop.
pub(super) fn work(work: &mut Work, id: &TargetId, stop: &StopSignal) -> Result<(), RoleError> {
    while !stop.is_set() {
        let turn = work.turn(WAIT)?;
        for (command, acted) in &turn.answered {
            diagnostics::step_answered(command, acted.outcome, &acted.detail);
        }
        match turn.trouble.as_deref() {
            Some("") => diagnostics::target_seen(id),
            Some(why) => diagnostics::target_trouble(id, why),
            None => {}
        }
    }
    Ok(())
}
