//! What tests of several crates speak with. Each crate takes all of it and uses some.

#![allow(dead_code, unreachable_pub, reason = "each crate of tests uses some of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(clippy::print_stdout, reason = "a test may say what it measured")]

pub mod broker;
pub mod conformance;
pub mod decoded;
#[path = "../fixtures/dialects.rs"]
pub mod dialects;
pub mod expected;
pub mod files;
pub mod hidden;
pub mod length;
pub mod pipeline;
pub mod ports;
pub mod random;
pub mod replay;
pub mod routed;
pub mod served;
pub mod shim;
pub mod skip;
pub mod source;
pub mod stepped;
pub mod targets;
