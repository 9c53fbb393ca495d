//! The edge and the roles in this process: real files, real HTTP and a log without a broker.

#[path = "../common/mod.rs"]
mod common;

// What decide writes about models: each on its own.
mod decide_tells;
// Nine dialects over HTTP.
mod dialects;
// Faults that something hides, in a recording and on the local log.
mod hidden_faults;
// The server: every route, what it takes, refuses and shows.
mod http;
// Who may ask for what: tokens, roles, and pages of strangers.
mod http_access;
// Instructions and rules that are signed, and those that are not.
mod instruction_keys;
// What every log must do, held against the ones in memory and in a file.
mod log_conformance;
// What only the log in a file can show: kills, rivals, damage.
mod log_local;
// The log that fails by script does so where the script says.
mod log_shim;
// The log's time while somebody sets the host's clock.
mod log_time;
// More models in telemetry than have a place.
mod names;
// Recordings that are published on a log.
mod publish;
// The roles on a log that misbehaves at every point.
mod roles_shim;
// The router over HTTP: exact shares, clean switches, backends that misbehave.
mod router;
// The router between callers and backends that bend HTTP.
mod router_edges;
// Targets that lie, break or repeat themselves, and the saga that has to cope.
mod rollback_worlds;
// Links, FIFOs and modes of the files that are read and written.
mod safe_files;
// What is posted: its forms, types and packings.
mod telemetry;
// Users' programs as a target.
mod target_exec;
// Notices by webhook.
mod target_notice;
// The registry in a file, under kills, rivals and hands.
mod target_registry;
// The example workers that are shipped.
mod target_workers;
// Registries in the shapes that people have: recognized, read, switched and written back.
mod registry_shapes;
// Topics of Kafka that are not as they must be, without a Kafka.
mod topics;
// A restart with many predictions waiting: new records are measured at once.
mod warming;
