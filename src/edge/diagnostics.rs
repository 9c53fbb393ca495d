//! What operators read: every log event, one function each, and in `metrics` every metric. Neither
//! is named anywhere else, so no rename breaks a dashboard unnoticed.
//!
//! Law: events are lower case without a full stop, and values are fields. WARN is worth waking
//! somebody; what a person wants to know later is INFO; nothing is logged once per record.
//! No field holds a secret.
//!
//! Over 300 lines: one function per event, and all events in one place.

pub mod counters;
mod http;
mod logs;
pub mod metrics;
mod own_process;
mod setup;

use std::net::SocketAddr;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::edge::chain::chain;
use crate::model::{
    Command, EventTime, Incident, IncidentId, IncidentState, LaneId, Mode, ModelId, SourceId, Span,
    StepResult, TargetId, TriggerId, Verdict, VersionId,
};

pub use self::http::{
    posts_refused, posts_taken, router_breaker, router_constant_id, router_dropped,
    router_fence_dropped, router_health, router_not_kept, router_route, router_started,
    tokens_wrong,
};
pub use self::logs::{
    blocked, kafka_client, kafka_trouble, keys_misplaced, log_gone, memory_gone, position_gap,
};
pub use self::setup::{FILTER, init, init_to, secret_exposed};

/// A process runs all roles.
pub fn started(namespace: &str, log: &str, mode: Mode, targets: &[TargetId]) {
    info!(namespace, log, ?mode, ?targets, "started");
}

/// A process runs some roles, next to other processes. `at`: where it answers by HTTP.
pub fn started_part(
    part: &str,
    namespace: &str,
    log: &str,
    roles: &[String],
    at: Option<SocketAddr>,
) {
    let at = at.map(tracing::field::display);
    info!(part, namespace, log, ?roles, at, "started");
}

/// It was asked to stop.
pub fn stopping() {
    info!("stopping");
}

/// It stopped; what it held is flushed and saved.
pub fn stopped() {
    info!("stopped");
}

/// Some roles did not stop in time. Nothing is lost; the next start is slower.
pub fn stopped_late(roles: usize) {
    warn!(roles, "roles did not stop in time and were abandoned");
}

/// A role could not save what it held when it stopped. Nothing is lost; the next start is slower.
pub fn stopped_unsaved(role: &str, why: &str) {
    warn!(
        role,
        why, "stopped without saving what was measured last, the next start reads it again"
    );
}

/// Something still waited when the process had to end.
pub fn left_behind(after: Duration) {
    let after_ms = after.as_millis();
    warn!(after_ms, "left without waiting any longer for the log, the next start reads it again");
}

/// This process measures a lane from now on.
pub fn lane_claimed(lane: &LaneId, epoch: u64, reread: u64) {
    info!(%lane, epoch, reread, "lane claimed");
}

/// Partitions were added to some topics of a source, and not yet to the others.
pub fn lanes_uneven(source: &SourceId, why: &str) {
    warn!(%source, why, "lanes uneven, new partitions wait until all topics have the same number");
}

/// A lane reads the records again that may still join with an outcome.
pub fn warming(lane: &LaneId, records: u64) {
    info!(
        %lane, records,
        "warming, labels of old predictions are not counted until these are read again"
    );
}

/// A lane has read all of them.
pub fn warmed(lane: &LaneId) {
    info!(%lane, "warmed");
}

/// A lane was given back or taken away.
pub fn lane_released(lane: &LaneId, lost: bool) {
    info!(%lane, lost, "lane released");
}

/// A record of a topic of Ripcord cannot be read, and is passed over.
pub fn record_unreadable(topic: &str, partition: u32, position: i64, why: &str) {
    warn!(topic, partition, position, why, "record unreadable");
}

/// A snapshot cannot be used.
pub fn snapshot_unreadable(shard: u32, why: &str) {
    warn!(shard, why, "snapshot unreadable");
}

/// A snapshot was not written. The next start takes longer; nothing else follows.
pub fn snapshot_failed(shard: u32, why: &dyn std::error::Error) {
    counters::snapshot(shard, "failed");
    warn!(shard, why = chain(why), "snapshot not written, it is tried again in a minute");
}

/// A snapshot was written.
pub fn snapshotted(shard: u32, position: i64, bytes: u64) {
    counters::snapshot(shard, "written");
    counters::snapshot_bytes(shard, bytes);
    debug!(shard, position, bytes, "snapshot written");
}

/// The state stored with the position of a lane cannot be used.
pub fn lane_memory_unreadable(lane: &LaneId, position: i64, why: &str) {
    warn!(%lane, position, why, "lane memory unreadable, measuring restarts at the position");
}

/// A record of telemetry could not be used. The caller limits the rate.
pub fn record_rejected(topic: &str, partition: u32, position: i64, code: &str, detail: &str) {
    info!(topic, partition, position, code, detail, "record rejected");
}

/// More requests of a model wait for outcomes than allowed.
pub fn join_stopped(source: &SourceId, model: &ModelId, waiting: usize, cap: usize) {
    warn!(
        %source, %model, waiting, cap,
        "join stopped, no labels are counted; shorten label_horizon_hours, raise \
         max_waiting_per_model, add partitions, or let outcomes carry version and prediction"
    );
}

/// Waiting requests take all the memory that they may.
pub fn joins_full(source: &SourceId, model: &ModelId, most: &str) {
    warn!(
        %source, %model, most,
        "waiting requests fill the memory that they may take, no labels are counted; raise \
         ingest.max_waiting_mebibytes, shorten label_horizon_hours, or add processes"
    );
}

/// As many names of a source have a place as may. `kind`: model, version or feature.
pub fn names_full(lane: &LaneId, kind: &str, name: &str) {
    let (source, lane) = (&lane.source, lane.lane);
    warn!(
        %source, lane, kind, name,
        "no place is free for this name and those that follow it, which are not measured; name its \
         model in the config, or raise ingest.max_models, max_versions or max_features"
    );
}

/// A shard was sent sums of more names than have a place.
pub fn shard_names_full(shard: u32, position: i64) {
    warn!(
        shard,
        position,
        "sums of more names came than have a place, which are not judged; send fewer names, or \
         raise ingest.max_models, max_versions or max_features"
    );
}

/// Memory that waiting requests may take.
pub fn waiting_may_take(most: &str) {
    info!(most, "memory for requests that wait for their outcome");
}

/// Labels of a model are counted again.
pub fn join_resumed(source: &SourceId, model: &ModelId, waiting: usize) {
    info!(%source, %model, waiting, "join resumed");
}

/// A record of an inbox could not be read; it is counted and skipped.
pub fn inbox_unreadable(shard: u32, position: i64, why: &str) {
    warn!(shard, position, why, "inbox record unreadable");
}

/// An instruction or rules whose signature does not count: they are not folded. `untold`: how many
/// others for the same reason were not told.
pub fn instruction_refused(shard: u32, position: i64, what: &str, why: &str, untold: u64) {
    warn!(shard, position, what, why, untold, "unauthenticated record refused");
}

/// The kept copy of the rules is not signed, so it is not put in force.
pub fn rules_copy_refused(shard: u32, why: &str) {
    warn!(shard, why, "no rules in force, their copy is refused, `ripcord config apply` sets them");
}

/// From a position of its inbox on a shard takes only signed instructions and rules; `None`: it
/// takes any again.
pub fn signatures_begin(shard: u32, from: Option<i64>) {
    match from {
        Some(from) => info!(shard, from, "instructions and rules must be signed from here on"),
        None => warn!(shard, "instructions and rules are not checked any more"),
    }
}

/// A router starts, and the log does not answer.
pub fn routes_without_log(why: &str) {
    warn!(why, "the log does not answer; requests are routed, and their telemetry waits");
}

/// The inputs of recent requests take all the memory that they may.
pub fn inputs_dropped(source: &SourceId, held: &str) {
    warn!(
        %source, held,
        "inputs of recent requests take all the memory they may, so inputs of two versions that \
         answer far apart are not compared; raise ingest.max_waiting_mebibytes, or log fewer \
         features"
    );
}

/// A role folds or writes instructions on a shared log, and has no keys.
pub fn instructions_unsigned(part: &str) {
    warn!(
        part,
        "instructions and rules are not signed, anyone who may write to the inbox can roll back \
         and change rules; `ripcord token --instruction-key ID` makes a key for \
         kafka.instruction_keys_env"
    );
}

/// A command could not be read by a worker; it is counted and passed over.
pub fn command_unreadable(target: &TargetId, partition: u32, position: i64, why: &str) {
    warn!(%target, partition, position, why, "command unreadable");
}

/// A target reported a generation that is too high to be true; it is counted and not believed.
pub fn fence_refused(model: &ModelId, target: &TargetId, generation: u64) {
    warn!(%model, %target, generation, "implausibly high generation from a target, ignored");
}

/// An incident was asked for a move that it does not have: a defect of Ripcord.
pub fn illegal_move(shard: u32, position: i64) {
    error!(shard, position, "illegal move of an incident, please report this");
}

/// A verdict changed.
pub fn decision_changed(
    model: &ModelId,
    version: &VersionId,
    trigger: &TriggerId,
    verdict: Verdict,
    read_to: EventTime,
) {
    match verdict {
        Verdict::Breach => warn!(%model, %version, %trigger, ?verdict, %read_to, "verdict changed"),
        Verdict::Healthy
        | Verdict::Systemic
        | Verdict::Insufficient
        | Verdict::Stale
        | Verdict::Blind => {
            info!(%model, %version, %trigger, ?verdict, %read_to, "verdict changed");
        }
    }
}

/// An incident was opened or changed its state.
pub fn incident_changed(incident: &Incident) {
    let Incident { id, model, version, state, because, to, .. } = incident;
    let to = to.as_ref().map(VersionId::as_str);
    match state {
        IncidentState::Frozen | IncidentState::Stuck | IncidentState::MitigatedUnverified => {
            warn!(incident = %id, %model, %version, to, ?state, because, "incident changed");
        }
        IncidentState::Open
        | IncidentState::Mitigating
        | IncidentState::Mitigated
        | IncidentState::Verified
        | IncidentState::Resolved => {
            info!(incident = %id, %model, %version, to, ?state, because, "incident changed");
        }
    }
}

/// A worker received a command.
pub fn command_emitted(command: &Command) {
    let Command { id, incident, model, generation, target, reason, .. } = command;
    warn!(command = %id, %incident, %model, generation, %target, reason, "command emitted");
}

/// A notice to people.
pub fn notice(model: &ModelId, incident: &IncidentId, severity: &str, summary: &str) {
    warn!(%model, %incident, severity, summary, "notice");
}

/// A worker answered a command.
pub fn step_answered(command: &Command, outcome: StepResult, detail: &str) {
    let Command { id, model, target, .. } = command;
    info!(command = %id, %model, %target, ?outcome, detail, "step answered");
}

/// A worker cannot observe its target.
pub fn target_trouble(target: &TargetId, why: &str) {
    warn!(%target, why, "target trouble");
}

/// It can observe it again.
pub fn target_seen(target: &TargetId) {
    info!(%target, "target trouble over");
}

/// A person put other rules in force.
pub fn rules_applied(revision: u64, hash: &str, by: Option<&str>, reason: Option<&str>) {
    info!(revision, hash, by, reason, "rules applied");
}

/// The clock that stamps the records was set back, and log time is ahead of it.
pub fn log_time_ahead(ahead: Span) {
    let ahead_s = ahead.as_s();
    warn!(
        ahead_s,
        "log time is ahead of the clock, which was set back; deadlines take up to twice as long \
         until the clock has caught up"
    );
}

/// Log time is the clock's again.
pub fn log_time_caught_up() {
    info!("the clock has caught up with log time");
}

/// The rules in the config differ from those in force.
pub fn rules_differ(config: &str, in_force: &str, revision: u64) {
    warn!(
        config,
        in_force,
        revision,
        "rules differ, the config is not in force; `ripcord config apply` applies it"
    );
}

/// A role failed and is restarted.
pub fn role_restarted(role: &str, why: &str, again_in_ms: u128) {
    warn!(role, why, again_in_ms, "role failed and is restarted");
}

/// Another process owns what a role held.
pub fn fenced(role: &str, why: &str) {
    error!(role, why, "role fenced");
}

/// Old records were deleted.
pub fn retained(topic: &str, partition: u32, deleted: u64) {
    info!(topic, partition, deleted, "old records deleted");
}
