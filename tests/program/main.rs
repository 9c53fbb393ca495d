//! The program as its users have it: the binary is started, or a whole recording is replayed.

#[path = "../common/mod.rs"]
mod common;

// Recordings in which a fault once hid.
mod cases;
// Nine dialects through check-source and replay.
mod dialects;
// The commands that ask a running server.
mod cli_client;
// Commands for Kafka where there is none.
mod cli_kafka;
// Files in the forms that people have.
mod cli_files;
// Recordings in a form of their own, and the mapping that reads them.
mod cli_mapping;
// Registries in other shapes: proposed, then read.
mod cli_registry;
// The offline commands, as a new user meets them.
mod cli_replay;
// What the Docker context holds compiles.
mod docker_context;
// The demo, which tells the README's story.
mod demo;
// The recording of Elec2: the model that was frozen goes, the one that learns on stays.
mod replay_elec2;
// The recording of the flights, and what would have happened had the world been otherwise.
mod replay_flights;
// The router within `ripcord up`: a kill, and a stop.
mod router_process;
// `ripcord up`: its banner, its HTTP, one kill.
mod up;
// `ripcord up` while somebody sets the host's clock.
mod up_clock;
// `ripcord up` whose log can no longer be written.
mod up_stopped;
// `ripcord up` under fifty kills at random moments.
mod up_survives;
