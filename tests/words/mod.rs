//! What several tests speak with. Each test names the parts that it uses.

#![allow(dead_code, unreachable_pub, reason = "every test uses some of it")]

pub mod files;
pub mod random;
pub mod replay;
pub mod shim;
