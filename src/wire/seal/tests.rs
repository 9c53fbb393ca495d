//! Signatures: a golden one, each field that changes, headers that are no signature, and times.

use super::*;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NOW: LogTime = LogTime::from_ms(1_767_225_600_000);

fn keys(text: &str) -> InstructionKeys {
    InstructionKeys::parse(text).unwrap()
}

fn ours() -> InstructionKeys {
    keys(&format!("2026-a:{KEY}"))
}

fn other(id: &str, fill: u8) -> String {
    format!("{id}:{}", STANDARD.encode([fill; 32]))
}

fn sealed() -> Sealed<'static> {
    Sealed {
        namespace: "prod",
        topic: "ripcord.prod.inbox",
        partition: 3,
        kind: "instruction",
        id: "i-1",
        value: br#"{"instruction":{"id":"i-1"}}"#,
    }
}

fn headers(mac: &str) -> Vec<Header> {
    [("ripcord-key-id", "2026-a"), ("ripcord-issued-at", "1767225600000"), ("ripcord-mac", mac)]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .to_vec()
}

/// Computed with Python's hmac from docs/kafka.md.
const GOLDEN: &str = "07T7PBHAMaAn7So89uugwqKkq1IoALY75t/sZXTZACg=";

#[test]
fn the_bytes_that_are_signed_are_those_of_the_documents() {
    assert_eq!(sealed().sign(&ours(), NOW), headers(GOLDEN));
    assert_eq!(sealed().check(&ours(), &headers(GOLDEN)), Ok(NOW));
    assert_eq!(sealed().sign(&InstructionKeys::default(), NOW), Vec::new());
}

#[test]
fn each_field_that_changes_breaks_the_signature() {
    let wrong = Err(SealRefusal::Wrong("2026-a".to_owned()));
    let original = sealed();
    for changed in [
        Sealed { namespace: "test", ..original },
        Sealed { topic: "ripcord.test.inbox", ..original },
        Sealed { partition: 4, ..original },
        Sealed { kind: "rules", ..original },
        Sealed { id: "i-2", ..original },
        Sealed { value: br#"{"instruction":{"id":"i-1" }}"#, ..original },
        // Bytes that move from one field to the next are other fields.
        Sealed { kind: "instructioni", id: "-1", ..original },
        Sealed { namespace: "prodripcord", topic: ".prod.inbox", ..original },
    ] {
        assert_eq!(changed.check(&ours(), &headers(GOLDEN)), wrong, "{changed:?}");
    }
    let mut later = headers(GOLDEN);
    later[1].1 = b"1767225600001".to_vec();
    assert_eq!(original.check(&ours(), &later), wrong);
    // The same moment, written otherwise.
    later[1].1 = b"+1767225600000".to_vec();
    assert_eq!(original.check(&ours(), &later), wrong);
    let renamed = keys(&format!("2026-b:{KEY}"));
    let mut under = headers(GOLDEN);
    under[0].1 = b"2026-b".to_vec();
    let wrong = Err(SealRefusal::Wrong("2026-b".to_owned()));
    assert_eq!(original.check(&renamed, &under), wrong, "the id is signed, too");
}

#[test]
fn headers_that_are_no_signature_are_refused_by_name() {
    let good = headers(GOLDEN);
    let without =
        |name: &str| good.iter().filter(|(key, _)| key != name).cloned().collect::<Vec<Header>>();
    let with = |name: &str, value: &[u8]| {
        let mut headers = without(name);
        headers.push((name.to_owned(), value.to_vec()));
        headers
    };
    let twice = [good.clone(), vec![good[2].clone()]].concat();
    use SealRefusal::{Malformed, UnknownKey, Unsigned, Wrong};
    for (headers, expected) in [
        (Vec::new(), Unsigned),
        (vec![("ce_id".to_owned(), b"1".to_vec())], Unsigned),
        (without(KEY_ID), Malformed(KEY_ID)),
        (without(ISSUED_AT), Malformed(ISSUED_AT)),
        (without(MAC), Malformed(MAC)),
        (twice, Malformed(MAC)),
        (with(KEY_ID, b"a b"), Malformed(KEY_ID)),
        (with(KEY_ID, &[255]), Malformed(KEY_ID)),
        (with(KEY_ID, b"other"), UnknownKey("other".to_owned())),
        (with(ISSUED_AT, b"noon"), Malformed(ISSUED_AT)),
        (with(ISSUED_AT, b"99999999999999999999"), Malformed(ISSUED_AT)),
        (with(MAC, b"no base64"), Malformed(MAC)),
        (with(MAC, b""), Wrong("2026-a".to_owned())),
        (with(MAC, &GOLDEN.as_bytes()[..40]), Wrong("2026-a".to_owned())),
    ] {
        let refused = sealed().check(&ours(), &headers).unwrap_err();
        assert_eq!(refused, expected, "{headers:?}");
        assert!(!refused.to_string().contains(GOLDEN));
    }
}

#[test]
fn an_old_key_verifies_until_it_is_removed() {
    let (old, new) = (other("old", 1), other("new", 2));
    let before = sealed().sign(&keys(&old), NOW);
    let both = keys(&format!("{new},{old}"));
    assert_eq!(sealed().check(&both, &before), Ok(NOW));
    let after = sealed().sign(&both, NOW);
    assert_eq!(after[0].1, b"new");
    // Those who know the new key last already verify with it.
    assert_eq!(sealed().check(&keys(&format!("{old},{new}")), &after), Ok(NOW));
    let refused = sealed().check(&keys(&new), &before);
    assert_eq!(refused, Err(SealRefusal::UnknownKey("old".to_owned())));
    let swapped = keys(&other("old", 3));
    assert_eq!(sealed().check(&swapped, &before), Err(SealRefusal::Wrong("old".to_owned())));
}

#[test]
fn only_the_times_of_the_record_count() {
    let after = |s: i64| Some(NOW + Span::from_ms(s * 1000));
    assert_eq!(in_time(NOW, after(0)), Ok(()));
    assert_eq!(in_time(NOW, after(300)), Ok(()));
    assert_eq!(in_time(NOW, after(301)), Err(SealRefusal::TooOld(301)));
    assert_eq!(in_time(NOW, after(-300)), Ok(()));
    assert_eq!(in_time(NOW, after(-301)), Err(SealRefusal::FromFuture(301)));
    assert_eq!(in_time(NOW, None), Err(SealRefusal::NotStamped));
    let (first, last) = (LogTime::MIN, LogTime::from_ms(i64::MAX));
    assert!(matches!(in_time(first, Some(last)), Err(SealRefusal::TooOld(_))));
    assert!(matches!(in_time(last, Some(first)), Err(SealRefusal::FromFuture(_))));
}
