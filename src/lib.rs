//! Ripcord watches what machine-learning models do in production, decides within seconds and with
//! a stated bound on false alarms that a version has gone bad, and takes it back.
//!
//! The rooms, in reading order; a room uses only rooms above it. `ARCHITECTURE.md` is the tour.

pub mod model;
pub mod sums;

pub mod measure;

pub mod judge;
pub mod undo;

pub mod shard;

pub mod router;

pub mod phrases;

pub mod cli;
pub mod config;
pub mod wire;

pub mod edge;
pub mod targets;

pub mod client;
pub mod demo;
pub mod process;
pub mod replay;
pub mod roles;
pub mod show;
pub mod topics;

pub mod app;
