//! Mappings of meanings: each record with its mapping becomes these samples.
//!
//! Over 300 lines: one table of mappings.

use std::fmt::Write as _;

use ripcord::model::{Half, Prediction, PredictionStatus, Sample};
use ripcord::wire::telemetry::{Raw, Rejected};
use serde_json::{Value as Json, json};

use crate::common::decoded::{decode_all, mapped};
use crate::common::source::source;

/// A sample on one line: only what it has.
fn told(read: &Result<Sample<'_>, Rejected>) -> String {
    match read {
        Err(why) => format!("{}: {}", why.code, why.detail),
        Ok(Sample::Prediction(prediction)) => of_prediction(prediction),
        Ok(Sample::Outcome(outcome)) => {
            format!("outcome {} {} {:?}", outcome.request, outcome.ts, outcome.actual)
        }
        Ok(Sample::Half(half)) => of_half(half),
        Ok(other) => format!("{other:?}"),
    }
}

fn of_half(half: &Half<'_>) -> String {
    let calls: Vec<_> = half.predictions.iter().map(of_prediction).collect();
    format!("{:?} by {} {}: {}", half.side, half.by, half.ts, calls.join("; "))
}

fn of_prediction(p: &Prediction<'_>) -> String {
    let mut told = format!("{} {}/{} {}", p.id, p.model, p.version, p.ts);
    if let Some(request) = &p.request {
        _ = write!(told, " request {request}");
    }
    if p.status != PredictionStatus::Ok {
        _ = write!(told, " {:?}", p.status);
    }
    if let Some(prediction) = &p.prediction {
        _ = write!(told, " {prediction:?}");
    }
    if let Some(score) = p.score {
        _ = write!(told, " score {score}");
    }
    if let Some(us) = p.latency_us {
        _ = write!(told, " {us} us");
    }
    if !p.features.is_empty() {
        _ = write!(told, " {:?}", p.features);
    }
    let lost: Vec<_> = p.lost.iter().map(|field| format!("{field:?}")).collect();
    if !lost.is_empty() {
        _ = write!(told, " lost {}", lost.join(" "));
    }
    told
}

/// What a record becomes by a mapping.
fn read(mapping: &Json, record: &str) -> Vec<String> {
    let source = source(Some(mapped(mapping.clone())));
    let raw = Raw { key: Some(b"the-key"), ..Raw::line(record.as_bytes()) };
    decode_all(&raw, &source.topics[0], &source).iter().map(told).collect()
}

/// A mapping of predictions with these fields besides the usual ones.
fn with(fields: Json) -> Json {
    let mut all = json!({ "id": "/i", "model": "/m", "version": "/v", "ts": "/t" });
    let Json::Object(fields) = fields else { panic!("{fields}") };
    all.as_object_mut().unwrap().extend(fields);
    json!({ "type": "prediction", "fields": all })
}

/// A record with these members besides the usual ones.
fn record(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{"i":"a","m":"m","v":"v","t":"2026-03-01T12:00:00Z"{comma}{members}}}"#)
}

/// Each mapping, with each record that it makes these samples of. What all begin with is left out.
fn table(rows: &[(Json, &[(&str, &str)])]) {
    for (fields, records) in rows {
        for (members, expected) in *records {
            let found = read(&with(fields.clone()), &record(members)).join(" | ");
            let found = found.strip_prefix("a m/v 2026-03-01T12:00:00Z").unwrap_or(&found);
            assert_eq!(found.trim(), *expected, "{fields} of {members}");
        }
    }
}

#[test]
fn words_stand_for_words() {
    let http = json!({ "status": { "from": "/s", "default": "ok", "values":
        { "200-299": "ok", "408,504": "timeout", "*": "error" } } });
    let error = json!({ "status": { "from": ["/e", "/c"], "default": "ok", "values":
        { "timeout": "timeout", "0,1": "ok", "*": "error" } } });
    let ends = json!({ "status": { "from": "/s", "values":
        { "OK*": "ok", "*Timeout": "timeout", "*rror*": "error" } } });
    table(&[
        (
            http,
            &[
                (r#""s":200"#, ""),
                (r#""s":"204""#, ""),
                (r#""s":200.0"#, ""),
                (r#""s":"408.0""#, "Timeout"),
                (r#""s":504"#, "Timeout"),
                (r#""s":500"#, "Error"),
                (r#""s":"""#, ""),
                (r#""s":null"#, ""),
                ("", ""),
                (r#""s":{"x":1}"#, "Error"),
            ],
        ),
        (
            error,
            &[
                (r#""e":"timeout","c":2"#, "Timeout"),
                (r#""c":1"#, ""),
                (r#""c":2"#, "Error"),
                (r#""e":"","c":0"#, ""),
            ],
        ),
        (
            ends,
            &[
                (r#""s":"OKAY""#, ""),
                (r#""s":"ReadTimeout""#, "Timeout"),
                (r#""s":"an error""#, "Error"),
                (r#""s":"odd""#, "lost Status"),
            ],
        ),
    ]);
}

#[test]
fn times_and_durations_have_units_and_zones() {
    let took = |unit: &str| json!({ "latency_ms": { "from": "/d", "unit": unit } });
    let between = json!({ "latency_ms": { "from": "/end", "minus": "/start", "unit": "ns" } });
    table(&[
        (took("s"), &[(r#""d":0.25"#, "250000 us"), (r#""d":"1.5""#, "1500000 us")]),
        (took("us"), &[(r#""d":1500"#, "1500 us"), (r#""d":"x""#, "lost Latency")]),
        (
            between,
            &[
                (r#""start":"1773480413589793238","end":"1773480414102000000""#, "512207 us"),
                (r#""start":1773480413589793238,"end":1773480414102000000"#, "512207 us"),
                (r#""start":"2","end":"1""#, "lost Latency"),
                (r#""end":"1""#, ""),
                (r#""start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:00:00.5Z""#, "500000 us"),
                (r#""start":"2026-01-01T00:00:00Z","end":"x""#, "lost Latency"),
            ],
        ),
    ]);
    let at = |rule: Json, time: &str| {
        let record = format!(r#"{{"i":"a","m":"m","v":"v","t":{time}}}"#);
        read(&with(json!({ "ts": rule })), &record).join(" | ")
    };
    let berlin = json!({ "from": "/t", "zone": "Europe/Berlin" });
    for (rule, time, expected) in [
        (json!({ "from": "/t", "unit": "s" }), "1772366400", "2026-03-01T12:00:00Z"),
        (json!({ "from": "/t", "unit": "s" }), "1772366400.5", "2026-03-01T12:00:00.500Z"),
        (json!({ "from": "/t", "unit": "s" }), "1.7723664e9", "2026-03-01T12:00:00Z"),
        (json!({ "from": "/t", "unit": "us" }), "1772366400123456", "2026-03-01T12:00:00.123Z"),
        (
            json!({ "from": "/t", "unit": "ns" }),
            "\"1772366400123456789\"",
            "2026-03-01T12:00:00.123Z",
        ),
        (json!({ "from": "/t", "unit": "ms" }), "\"1772366400123\"", "2026-03-01T12:00:00.123Z"),
        (berlin.clone(), "\"2026-03-01T13:00:00.123456\"", "2026-03-01T12:00:00.123Z"),
        (berlin.clone(), "\"2026-03-01 13:00:00,123\"", "2026-03-01T12:00:00.123Z"),
        (berlin.clone(), "\"2026-03-01T12:00:00Z\"", "2026-03-01T12:00:00Z"),
        (berlin.clone(), "\"2026-03-01 12:00:00.5 UTC\"", "2026-03-01T12:00:00.500Z"),
        // In autumn this hour comes twice: the earlier one is meant.
        (berlin.clone(), "\"2025-10-26T02:30:00\"", "2025-10-26T00:30:00Z"),
        // In spring this one does not come at all.
        (
            berlin,
            "\"2026-03-29T02:30:00\"",
            "is a time that the zone's clocks skip; write RFC 3339",
        ),
        (json!({ "from": "/t", "zone": "UTC" }), "\"2026-03-01T12:00:00\"", "2026-03-01T12:00:00Z"),
    ] {
        let found = at(rule.clone(), time);
        assert!(found.ends_with(expected), "{rule} of {time}: {found}");
    }
}

#[test]
fn a_text_is_read_for_what_is_in_it() {
    let place = |place: &str| json!({ "prediction": place });
    let number = |place: &str| json!({ "prediction": { "from": place, "as": "number" } });
    table(&[
        (
            place("/d|json:/p/0"),
            &[
                (r#""d":"{\"p\":[\"x\"]}""#, r#"Text("x")"#),
                (r#""d":{"p":[7]}"#, "Number(7.0)"),
                (r#""d":"{\"p\":[]}""#, ""),
                (r#""d":"{\"p\"""#, "lost Prediction"),
                (r#""d":"garbage""#, "lost Prediction"),
                (r#""d":"{\"p\":[NaN]}""#, "lost Prediction"),
            ],
        ),
        (
            number("/d|as:/e|json:/p"),
            &[
                (r#""d":"eyJwIjoxfQ==","e":"BASE64""#, "Number(1.0)"),
                (r#""d":"{\"p\":\"2\"}","e":"JSON""#, "Number(2.0)"),
                (r#""d":"?","e":"BASE64""#, "lost Prediction"),
            ],
        ),
        (
            place("/d|csv:1"),
            &[
                (r#""d":"a, 2 ,c\nx,y,z""#, "Number(2.0)"),
                (r#""d":"a,\"b,c\"""#, r#"Text("b,c")"#),
                (r#""d":"a""#, ""),
            ],
        ),
        (
            place("/d|part:/deployments/{}"),
            &[(r#""d":"/x/deployments/blue/y""#, r#"Text("blue")"#), (r#""d":"/x""#, "")],
        ),
        (
            place("/l/[key=b]/value/*"),
            &[
                (
                    r#""l":[{"key":"a","value":{"s":1}},{"key":"b","value":{"i":"2"}}]"#,
                    r#"Text("2")"#,
                ),
                (r#""l":[{"key":"a"}]"#, ""),
                (r#""l":[{"key":"b","value":{"i":1,"j":2}}]"#, "lost Prediction"),
                (r#""l":[{"key":"b","value":1},{"key":"b","value":2}]"#, "lost Prediction"),
            ],
        ),
        (place("key"), &[("", r#"Text("the-key")"#)]),
        (place("topic"), &[("", r#"Text("t")"#)]),
        (place("none"), &[(r#""prediction":1"#, "")]),
    ]);
}

#[test]
fn labels_are_read_as_they_are_meant() {
    let rule = |key: &str, value: Json| json!({ "prediction": { "from": "/p", key: value } });
    let names = json!({ "prediction": { "from": "/p", "as": "argmax", "names": "/n" } });
    table(&[
        (
            rule("as", json!("number")),
            &[
                (r#""p":"1""#, "Number(1.0)"),
                (r#""p":" 0.50 ""#, "Number(0.5)"),
                (r#""p":true"#, "Number(1.0)"),
                (r#""p":"yes""#, "lost Prediction"),
            ],
        ),
        (rule("as", json!("text")), &[(r#""p":1"#, r#"Text("1")"#)]),
        (
            rule("as", json!("boolean")),
            &[(r#""p":"True""#, "Number(1.0)"), (r#""p":"no""#, "Number(0.0)")],
        ),
        (
            rule("threshold", json!(0.5)),
            &[(r#""p":"0.83""#, "Number(1.0)"), (r#""p":0.2"#, "Number(0.0)")],
        ),
        (
            rule("as", json!("argmax")),
            &[(r#""p":[0.1,0.7,0.2]"#, "Number(1.0)"), (r#""p":[]"#, "lost Prediction")],
        ),
        (
            names,
            &[
                (r#""p":[0.1,0.9],"n":["no","yes"]"#, r#"Text("yes")"#),
                (r#""p":[0.1,0.9],"n":["no"]"#, "lost Prediction"),
                (r#""p":[0.9],"n":["no","yes"]"#, "lost Prediction"),
                (r#""p":[0.1,0.9],"n":["no",null]"#, "lost Prediction"),
                (r#""p":[0.1,0.9]"#, "lost Prediction"),
            ],
        ),
    ]);
}

#[test]
fn features_stand_together_or_apart() {
    let together = |rule: Json| json!({ "features": rule });
    table(&[
        (
            together(json!({ "from": "", "without": ["i", "m", "v", "t"] })),
            &[(r#""age":4,"city":"x""#, r#"[("age", Number(4.0)), ("city", Category("x"))]"#)],
        ),
        (
            together(json!({ "from": "", "prefix": "f_" })),
            &[(r#""f_age":4,"age":5"#, r#"[("f_age", Number(4.0))]"#)],
        ),
        (
            together(json!({ "from": "/x", "names": ["a", "b"] })),
            &[
                (r#""x":[1,"y"]"#, r#"[("a", Number(1.0)), ("b", Category("y"))]"#),
                (r#""x":[1]"#, "lost Features"),
            ],
        ),
        (
            together(json!({ "from": "/x", "names": "/n" })),
            &[
                (r#""x":[1],"n":["a"]"#, r#"[("a", Number(1.0))]"#),
                (r#""x":[1],"n":["a","b"]"#, "lost Features"),
                (r#""x":[1]"#, r#"[("f0", Number(1.0))]"#),
                ("", ""),
            ],
        ),
        (
            together(json!({ "from": "/x|csv:*" })),
            &[(r#""x":"1,blue\n""#, r#"[("f0", Number(1.0)), ("f1", Category("blue"))]"#)],
        ),
        (
            together(json!({ "tokens": { "from": "/u/o", "as": "number" }, "finish": "/u/f" })),
            &[
                (
                    r#""u":{"o":"180","f":"stop"}"#,
                    r#"[("finish", Category("stop")), ("tokens", Number(180.0))]"#,
                ),
                (
                    r#""u":{"o":"many","f":["stop"]}"#,
                    r#"[("finish", Unusable), ("tokens", Unusable)] lost Features"#,
                ),
            ],
        ),
    ]);
}

#[test]
fn one_record_may_hold_several_samples() {
    let rows = json!({ "type": "prediction", "each": "/rows", "fields": {
        "id": "/i", "model": "/m", "version": "/v", "ts": "/t",
        "prediction": "./p", "latency_ms": "/took", "features": "./x",
    } });
    assert_eq!(
        read(&rows, &record(r#""took":3,"rows":[{"p":1,"x":{"a":1}},{"p":0},{"x":{"a":2}}]"#)),
        [
            r#"a m/v 2026-03-01T12:00:00Z Number(1.0) 3000 us [("a", Number(1.0))]"#,
            "a#1 m/v 2026-03-01T12:00:00Z Number(0.0)",
            r#"a#2 m/v 2026-03-01T12:00:00Z [("a", Number(2.0))]"#,
        ]
    );
    // A call that failed has no row, and is one sample.
    let failed = ["a m/v 2026-03-01T12:00:00Z 3000 us"];
    assert_eq!(read(&rows, &record(r#""took":3"#)), failed);
    assert_eq!(read(&rows, &record(r#""took":3,"rows":[]"#)), failed);

    let zipped = json!({ "type": "prediction", "each": "/out|json:/predictions", "fields": {
        "id": "/i", "model": "/m", "version": "/v", "ts": "/t", "prediction": ".",
        "features": { "from": "/in|json:/data/*", "names": "/in|json:/columns" },
    } });
    let inner =
        r#""in":"{\"columns\":[\"a\"],\"data\":[[1],[2]]}","out":"{\"predictions\":[1,NaN,3]}""#;
    assert_eq!(
        read(&zipped, &record(inner)),
        [
            r#"a m/v 2026-03-01T12:00:00Z Number(1.0) [("a", Number(1.0))]"#,
            r#"a#1 m/v 2026-03-01T12:00:00Z [("a", Number(2.0))] lost Prediction"#,
            "a#2 m/v 2026-03-01T12:00:00Z Number(3.0) lost Features",
        ]
    );

    let columns = json!({ "type": "prediction", "each": "/p", "fields": {
        "id": "/i", "model": "/m", "version": "/v", "ts": "/t", "prediction": ".",
        "features": { "from": "/x" },
    } });
    assert_eq!(
        read(&columns, &record(r#""p":[1,0],"x":{"a":[1,2],"b":["y","z"]}"#)),
        [
            r#"a m/v 2026-03-01T12:00:00Z Number(1.0) [("a", Number(1.0)), ("b", Category("y"))]"#,
            "a#1 m/v 2026-03-01T12:00:00Z Number(0.0) [(\"a\", Number(2.0)), (\"b\", \
             Category(\"z\"))]",
        ]
    );

    let tensor = json!({ "type": "prediction", "each": "/outputs/[name=label]/data", "fields": {
        "id": "/i", "model": "/m", "version": "/v", "ts": "/t", "prediction": ".",
        "score": { "from": "/outputs/[name=proba]/data", "shape": "/outputs/[name=proba]/shape",
            "as": "max" },
    } });
    for data in ["[0.2,0.8,0.9,0.1]", "[[0.2,0.8],[0.9,0.1]]"] {
        let label = r#"{"name":"label","data":[1,0]}"#;
        let proba = format!(r#"{{"name":"proba","shape":[2,2],"data":{data}}}"#);
        let outputs = format!(r#""outputs":[{label},{proba}]"#);
        assert_eq!(
            read(&tensor, &record(&outputs)),
            [
                "a m/v 2026-03-01T12:00:00Z Number(1.0) score 0.8",
                "a#1 m/v 2026-03-01T12:00:00Z Number(0.0) score 0.9",
            ]
        );
    }
}

#[test]
fn ids_that_each_element_has_are_kept_and_shared_ones_are_numbered() {
    let mapping = |id: Json| {
        json!({ "type": "prediction", "each": "/r", "fields": { "id": id, "model": "/m",
            "version": "/v", "ts": "/t", "latency_ms": "/l/*" } })
    };
    let text = record(r#""r":[{"i":"x"},{},{"i":"z"}],"ids":["a","b","c"],"l":[1,2,3]"#);
    let ids = |id: Json| {
        let all = read(&mapping(id), &text);
        all.iter().map(|one| one.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(json!("/ids/*")), ["a", "b", "c"]);
    assert_eq!(ids(json!("/i")), ["a", "a#1", "a#2"]);
    assert_eq!(ids(json!({ "from": ["./i", "/i"] })), ["x", "a#1", "z"]);
    assert!(read(&mapping(json!("/i")), &text)[2].ends_with("3000 us"));
}

#[test]
fn a_number_counts_elements_only_where_it_is_said_to() {
    let mapping = |each: &str| {
        json!({ "type": "prediction", "each": each, "fields": { "id": "/i", "model": "/m",
            "version": "/v", "ts": "/t", "prediction": "." } })
    };
    let of = |each, members| read(&mapping(each), &record(members));
    assert_eq!(of("/n|count", r#""n":3"#).len(), 3);
    assert_eq!(of("/p", r#""p":7"#), ["a m/v 2026-03-01T12:00:00Z Number(7.0)"]);
    assert!(of("/n|count", r#""n":10001"#)[0].starts_with("wrong_type: each (/n|count) is a list"));
    assert!(
        of("/n|count", r#""n":"x""#)[0].starts_with("wrong_type: each (/n|count) is no number")
    );
}

/// What all elements share is read for a few passes over the record, and lost beyond that.
#[test]
fn no_record_costs_more_than_a_few_passes_over_its_bytes() {
    let numbers = |count: usize| vec!["0"; count].join(",");
    let rows = format!("\"rows\":[{}]", numbers(2_000));
    let wide = (0..20_000).map(|n| format!("\"k{n}\":[]")).collect::<Vec<_>>().join(",");
    for (features, prediction, shared) in [
        (json!({ "from": "/q" }), json!("."), format!("\"q\":[{}]", numbers(130_000))),
        (json!({ "from": "/q", "prefix": "z" }), json!("."), format!("\"q\":{{{wide}}}")),
        (
            json!({ "from": ".", "names": "/q" }),
            json!({ "from": "/q", "as": "argmax" }),
            format!("\"q\":[{}]", numbers(130_000)),
        ),
    ] {
        let mapping = json!({ "type": "prediction", "each": "/rows", "fields": { "id": "/i",
            "model": "/m", "version": "/v", "ts": "/t", "prediction": prediction,
            "features": features } });
        let source = source(Some(mapped(mapping)));
        let text = record(&format!("{rows},{shared}"));
        let raw = Raw::line(text.as_bytes());
        let texts = ripcord::wire::telemetry::TextArena::new();
        let topic = &source.topics[0];
        let read = ripcord::wire::telemetry::decode(&raw, topic, &source, &texts);
        let features = read.into_iter().map(|one| match one.unwrap() {
            Sample::Prediction(one) => one.features.len(),
            other => panic!("{other:?}"),
        });
        let features: usize = features.sum();
        assert!(features <= 5 * text.len(), "{features} of {} bytes", text.len());
    }
}

#[test]
fn lists_in_lists_and_records_that_are_not_ours() {
    let spans = json!({
        "type": "prediction",
        "each": "/groups/*/spans",
        "only": { "./op": ["chat", "text*"] },
        "fields": {
            "id": "./id", "model": "/groups/*/model", "version": "./v", "ts": "/t",
        },
    });
    let groups = r#""groups":[
        {"model":"m1","spans":[{"id":"1","op":"chat","v":"a"},{"id":"2","op":"tool","v":"a"}]},
        {"model":"m2","spans":[{"id":"3","op":"text_x","v":"b"}]}]"#;
    assert_eq!(
        read(&spans, &record(groups)),
        ["1 m1/a 2026-03-01T12:00:00Z", "3 m2/b 2026-03-01T12:00:00Z"]
    );
    for none in ["", r#""groups":[]"#, r#""groups":[{"model":"m","spans":[{"op":"tool"}]}]"#] {
        assert_eq!(read(&spans, &record(none)), [""; 0], "{none}");
    }
    let mut only = with(json!({}));
    only["only"] = json!({ "/kind": "call", "/skip": "absent" });
    for (members, ours) in [
        (r#""kind":"call""#, true),
        (r#""kind":"other""#, false),
        (r#""kind":"call","skip":1"#, false),
        ("", false),
        // Nobody knows what it is: it is not passed over.
        (r#""kind":"other","kind":"call""#, true),
    ] {
        assert_eq!(!read(&only, &record(members)).is_empty(), ours, "{members}");
    }
}

#[test]
fn halves_say_what_they_know() {
    let mapping = json!({
        "each": { "asked": "/instances", "answered": "/predictions" },
        "pair": { "by": "/call", "within_seconds": 30, "missing": "error" },
        "fields": {
            "type": { "from": "/kind",
                "values": { "*.request": "asked", "*.response": "answered" } },
            "id": "/call", "model": "/m", "version": "/v", "ts": "/t",
            "features": { "from": ".", "names": ["a"] }, "prediction": ".",
            "status": { "from": "/s", "values": { "200": "ok", "*": "error" }, "default": "ok" },
        },
    });
    let asked = r#"{"call":"c","kind":"x.request","m":"m","t":"2026-03-01T12:00:00Z",
        "instances":[[1],[2]]}"#;
    let answered = r#"{"call":"c","kind":"x.response","v":"v","t":"2026-03-01T12:00:01Z",
        "predictions":[1,0]}"#;
    assert_eq!(
        read(&mapping, asked).join("|").split("; ").collect::<Vec<_>>(),
        [
            "Asked by c 2026-03-01T12:00:00Z: c m/ 2026-03-01T12:00:00Z [(\"a\", Number(1.0))]",
            "c#1 m/ 2026-03-01T12:00:00Z [(\"a\", Number(2.0))]",
        ]
    );
    assert_eq!(
        read(&mapping, answered).join("|").split("; ").collect::<Vec<_>>(),
        [
            "Answered by c 2026-03-01T12:00:01Z: c /v 2026-03-01T12:00:01Z Number(1.0)",
            "c#1 /v 2026-03-01T12:00:01Z Number(0.0)",
        ]
    );
    let other = r#"{"call":"c","kind":"x.error","t":"2026-03-01T12:00:01Z"}"#;
    assert!(read(&mapping, other)[0].starts_with("unknown_type: type is \"x.error\""));
    let nameless = r#"{"kind":"x.request","m":"m","t":"2026-03-01T12:00:00Z"}"#;
    assert!(read(&mapping, nameless)[0].starts_with("missing_field: /call is missing, and pair"));
}

#[test]
fn an_opened_event_has_attributes_in_every_form() {
    let mapping = json!({ "type": "prediction", "envelope": "cloudevents", "fields": {
        "id": "ce:id", "ts": "ce:time", "model": "ce:source", "version": "/v", "prediction": "/p",
    } });
    let rest = r#""specversion":"1.0","id":"e","time":"2026-03-01T12:00:00Z","source":"m""#;
    let expected = ["e m/v 2026-03-01T12:00:00Z Number(1.0)"];
    for data in [
        r#""data":{"v":"v","p":1}"#,
        r#""data":"{\"v\":\"v\",\"p\":1}""#,
        r#""data_base64":"eyJ2IjoidiIsInAiOjF9""#,
    ] {
        assert_eq!(read(&mapping, &format!("{{{rest},{data}}}")), expected, "{data}");
    }
    let source = source(Some(mapped(mapping)));
    let headers =
        ["ce_id", "ce-time", "Ce-Source"].into_iter().zip(["e", "2026-03-01T12:00:00Z", "m"]);
    let headers: Vec<_> =
        headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
    let raw = Raw { headers: &headers, ..Raw::line(br#"{"v":"v","p":1}"#) };
    let found: Vec<_> = decode_all(&raw, &source.topics[0], &source).iter().map(told).collect();
    assert_eq!(found, expected);
}

#[test]
fn frames_are_skipped_and_paths_say_what_records_do_not() {
    let path = "{model}/v{version}/{year}/{month}/{day}/{hour}/*.jsonl";
    let mapping = json!({ "type": "prediction", "skip_bytes": 5, "path": path,
        "fields": { "id": "/i" } });
    let source = source(Some(mapped(mapping)));
    let value = b"\0\0\0\0\x07{\"i\":\"a\"}";
    let path = Some("s3/churn/v7/2026/03/01/12/part-0.jsonl");
    let read = |raw: &Raw<'_>| {
        let all = decode_all(raw, &source.topics[0], &source);
        all.iter().map(told).collect::<Vec<_>>().join("|")
    };
    let raw = Raw { path, ..Raw::line(value) };
    assert_eq!(read(&raw), "a churn/7 2026-03-01T12:59:59.999Z");
    assert!(
        read(&Raw { path: Some("churn/part-0.jsonl"), ..raw }).starts_with("missing_field: model")
    );
    assert!(read(&Raw::line(b"\0")).starts_with("framed: the record has 1 bytes"));
}
