//! What people and other programs write for Ripcord, and what it writes for them.

#[path = "../common/mod.rs"]
mod common;

// Every setting is explained in config.toml, which holds the only defaults.
mod config_documented;
// Settings of Kafka, and that their secrets are never told.
mod config_kafka;
// Settings that are refused, each with the place and the way out.
mod config_refuses;
// Settings of the router.
mod config_router;
// Records of telemetry: which are read, which are refused, and that no bytes do harm.
mod decode;
// Presets and their pages.
mod dialects_documented;
// Events, by their headers and their envelopes.
mod events;
// Mappings: meanings, several samples, halves, envelopes.
mod mapping;
// Random mappings of random records.
mod mapping_random;
// Records damaged at random.
mod mutations;
// What is read quickly is what the slow way reads.
mod quick;
// The JSON schemas, their examples and the code say the same.
mod schemas;
