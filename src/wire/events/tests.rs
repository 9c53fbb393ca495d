//! Events out and back, and what is refused.

use super::*;

fn event<'a>(namespace: &'a Namespace, model: &'a ModelId) -> Event<'a> {
    Event {
        kind: EventKind::Command,
        namespace,
        emitter: "shard/3",
        id: "c1",
        time: LogTime::from_ms(1_371_708_000_000),
        model,
        incident: None,
        cause: None,
        expires: None,
        traceparent: None,
    }
}

#[test]
fn a_command_carries_its_attributes_in_headers() {
    let (namespace, model) = (Namespace::new("prod").unwrap(), ModelId::new("m").unwrap());
    let incident = IncidentId::new("i1").unwrap();
    let event = Event {
        incident: Some(&incident),
        cause: Some("d1"),
        expires: Some(LogTime::from_ms(1_371_708_060_000)),
        ..event(&namespace, &model)
    };
    let encoded = event.encode(&serde_json::json!({"generation": 2})).unwrap();
    let shown: Vec<String> = encoded
        .headers
        .iter()
        .map(|(key, value)| format!("{key}: {}", String::from_utf8_lossy(value)))
        .collect();
    assert_eq!(
        shown,
        [
            "ce_specversion: 1.0",
            "ce_id: c1",
            "ce_source: ripcord/prod/shard/3",
            "ce_type: io.ripcord.command.v1",
            "ce_time: 2013-06-20T06:00:00Z",
            "ce_partitionkey: m",
            "ce_correlationid: i1",
            "ce_causationid: d1",
            "ce_expirytime: 2013-06-20T06:01:00Z",
            "content-type: application/json",
        ]
    );
    assert_eq!(encoded.key, b"m");
    assert_eq!(encoded.value, br#"{"generation":2}"#);
    let head = EventHead::read(&encoded.headers).unwrap();
    let meant = EventHead { kind: EventKind::Command, source: "ripcord/prod/shard/3", id: "c1" };
    assert_eq!(head, meant);
}

#[test]
fn another_environment_is_told_apart() {
    let model = ModelId::new("m").unwrap();
    let names = ["prod", "prod2", "pro", "prod/shard", "Prod", "pröd", "a b", "%70rod"];
    for emitting in names {
        let namespace = Namespace::new(emitting).unwrap();
        let headers = event(&namespace, &model).headers();
        let head = EventHead::read(&headers).unwrap();
        for reading in names {
            let ours = Namespace::new(reading).unwrap();
            assert_eq!(head.of(&ours).is_ok(), emitting == reading, "{head:?} {reading}");
        }
    }
}

#[test]
fn what_is_no_event_of_ours_is_refused_by_name() {
    let (namespace, model) = (Namespace::new("prod").unwrap(), ModelId::new("m").unwrap());
    for missing in ["ce_id", "ce_source", "ce_type"] {
        let mut headers = event(&namespace, &model).headers();
        headers.retain(|(key, _)| key != missing);
        assert_eq!(EventHead::read(&headers), Err(HeadError::Missing(missing)));
        headers.push((missing.to_owned(), vec![0xff]));
        assert_eq!(EventHead::read(&headers), Err(HeadError::NotText(missing)));
    }
    let mut headers = event(&namespace, &model).headers();
    headers.retain(|(key, _)| key != "ce_type");
    headers.push(("ce_type".to_owned(), b"io.ripcord.command.v2".to_vec()));
    let unknown = HeadError::UnknownType("io.ripcord.command.v2".to_owned());
    assert_eq!(EventHead::read(&headers), Err(unknown));
}
