//! Bytes from outside, made up by a fuzzer: none of them does harm.
//!
//! `cargo test --test fuzz` tries some. An engine that looks where the bytes lead is used by hand,
//! one target at a time (`cargo install cargo-bolero`); docs/reliability.md says what it found:
//! `cargo bolero test -s NONE --rustc-bootstrap --profile release -T 10m decode`.
#![allow(clippy::unwrap_used, clippy::print_stdout, dead_code, unreachable_pub, reason = "a test")]

#[path = "../common/mod.rs"]
mod common;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use ripcord::config::WrittenMapping;
use ripcord::measure::owned;
use ripcord::model::{Command, CommandResult, Mapping, TargetId, TopicRule};
use ripcord::shard::Inbox;
use ripcord::targets::Target as _;
use ripcord::targets::registry::ShadowRegistry;
use ripcord::wire::telemetry::{self, Raw, TextArena};

use crate::common::served::{Setting, World};

/// Where one part of the input ends and the next begins.
const CUT: u8 = 0;

fn read_as(mapping: Option<Mapping>, bytes: &[u8]) {
    let source = common::source::source(None);
    let topic = TopicRule { mapping, ..source.topics[0].clone() };
    let mut parts = bytes.splitn(3, |byte| *byte == CUT);
    let value = parts.next().unwrap_or_default();
    let key = parts.next();
    let header = parts.next().unwrap_or_default().to_vec();
    let headers = [("ce_type".to_owned(), header.clone()), ("content-type".to_owned(), header)];
    let raw = Raw { key, headers: &headers, value, log_time: None, path: None };
    let texts = TextArena::new();
    for read in telemetry::decode(&raw, &topic, &source, &texts) {
        match read {
            // What a sample borrows may be kept.
            Ok(sample) => assert!(!owned(sample).model().is_empty()),
            Err(rejected) => assert!(!rejected.detail.is_empty()),
        }
    }
}

#[test]
fn decode() {
    bolero::check!().for_each(|bytes: &[u8]| read_as(None, bytes));
}

#[test]
fn mapping() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let (written, record) = bytes.split_at(bytes.len() / 2);
        let Ok(written) = serde_json::from_slice::<WrittenMapping>(written) else { return };
        if let Ok(mapping) = ripcord::config::mapping(written) {
            read_as(mapping, record);
        }
    });
}

#[test]
fn registry() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    bolero::check!().for_each(|bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let id = TargetId::new("registry").unwrap();
        match ShadowRegistry::read(id, text) {
            Ok(mut registry) => drop(runtime.block_on(registry.observe())),
            Err(why) => assert!(!why.to_string().is_empty()),
        }
    });
}

#[test]
fn commands() {
    bolero::check!().for_each(|bytes: &[u8]| {
        again::<Command>(bytes);
        again::<CommandResult>(bytes);
        again::<Inbox>(bytes);
    });
}

/// What was read is written so that it reads the same.
fn again<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
    bytes: &[u8],
) {
    let Ok(read) = serde_json::from_slice::<T>(bytes) else { return };
    let written = serde_json::to_vec(&read).unwrap();
    assert_eq!(serde_json::from_slice::<T>(&written).unwrap(), read);
}

/// One server for all inputs: what one of them leaves behind is met by the next.
static SERVER: LazyLock<World> = LazyLock::new(|| World::start(&Setting::default()));

#[test]
fn http_heads() {
    let at = SERVER.url.strip_prefix("http://").unwrap();
    bolero::check!().with_iterations(300).for_each(|bytes: &[u8]| {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // It may be refused before all of it is sent.
        stream.write_all(bytes).ok();
        stream.shutdown(Shutdown::Write).ok();
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{answer:?}"),
            Err(why) => assert_eq!(why.kind(), std::io::ErrorKind::ConnectionReset),
        }
        assert_eq!(SERVER.get("/livez").status, 200);
    });
}
