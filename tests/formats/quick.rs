//! What most records are is read quickly. It is read as the slow way reads it.
//!
//! Bytes that are no UTF-8, in a field that is not read, send a whole record the slow way.

use proptest::prelude::*;
use ripcord::wire::telemetry::{Loss, Raw};

use crate::common;
use crate::common::decoded::decode_explained;
use crate::decode::topic;

const FIELDS: &str =
    r#""type":"prediction","id":"p1","model":"m","version":"v1","ts":"2013-06-20T06:00:00Z""#;

const NAMES: [&str; 12] =
    ["a", "b", "dep_delay", "Größe", "\\u0061", "", " ", "\\n", "\u{7f}", "\u{85}", "c\\", "d\""];

#[rustfmt::skip]
const VALUES: [&str; 36] = [
    "0", "-0", "-0.0", "1", "-1", "1.5", "01", "1.", ".5", "-", "1e3", "0.1", "0.30000000000000004",
    "123456789012345", "1234567890123456", "12345678.9012345", "99999999999999999999", "1e400",
    "NaN", "-Infinity", "null", "true", "false", "1 ", "\"DL\"", "\"\"", "\"NaN\"", "\"-inf\"",
    "\"Zürich\"", "\"\\u00e9\"", "\"\\ud83d\"", "[]", "[1,{\"a\":2}]", "{\"a\":1}", "x", "",
];

/// Members of an object, as they may be written.
fn members() -> impl Strategy<Value = String> {
    let long = prop_oneof![3 => Just(1_usize), 1 => Just(99), 1 => Just(101), 1 => Just(250)];
    let name =
        (prop::sample::select(&NAMES[..]), long).prop_map(|(name, times)| name.repeat(times));
    let name = prop_oneof![1 => name, 2 => "[a-z_]{1,12}"];
    let value = prop_oneof![
        1 => prop::sample::select(&VALUES[..]).prop_map(str::to_owned),
        2 => "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,6})?",
        1 => "\"[ -!#-\\[\\]-~]{0,20}\"",
    ];
    let colon = prop::sample::select(&[":", ":", ":", " : ", "\t:\n"][..]);
    let member = (name, colon, value).prop_map(|(n, colon, v)| format!("\"{n}\"{colon}{v}"));
    let comma = prop::sample::select(&[",", ",", ",", " ,\r\n"][..]);
    (prop::collection::vec(member, 0..8), comma).prop_map(|(members, comma)| members.join(comma))
}

/// What comes of a record, as text: a NaN is not itself.
fn read(members: &str, unread: &[u8]) -> String {
    let record = [b"{", unread, members.as_bytes(), b"}"].concat();
    let mut losses: Vec<Loss> = Vec::new();
    let (rule, source) = (topic(None), common::source::source(None));
    let sample = decode_explained(&Raw::line(&record), &rule, &source, &mut losses);
    format!("{sample:?} {losses:?}")
}

fn same(members: &str) -> Result<(), TestCaseError> {
    let (quick, slow) = (read(members, b""), read(members, b"\"unread\":\"\xff\","));
    // Of what is no JSON, one says where and the other that it is no text.
    if !quick.contains("NotJson") {
        prop_assert_eq!(quick, slow, "{}", members);
    } else {
        prop_assert!(slow.contains("NotUtf8"), "{}: {} {}", members, quick, slow);
    }
    Ok(())
}

proptest! {
    #[test]
    fn features_are_what_the_slow_way_makes_of_them(features in members()) {
        same(&format!("{FIELDS},\"features\":{{{features}}}"))?;
    }

    #[test]
    fn fields_are_what_the_slow_way_makes_of_them(
        field in "id|request|model|version|ts|status|role|prediction|score|latency_ms|actual|type",
        others in members(),
    ) {
        let value = others.split_once(':').map_or("1", |(_, value)| value);
        let fields = FIELDS.replace(&format!("\"{field}\":"), "\"other\":");
        same(&format!("{fields},\"{field}\":{value}"))?;
    }
}
