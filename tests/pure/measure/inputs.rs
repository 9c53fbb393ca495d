//! The inputs of recent requests: few bytes a value, and a limit.

use std::collections::BTreeMap;

use ripcord::measure::{Input, Lane, Output, SamplePart, WaitingElsewhere};
use ripcord::model::*;
use ripcord::sums::FeaturesOf;

use super::text::{lane_id, source};

const FEATURES: usize = 100;

/// Requests, ten a second, each answered by two versions one after the other, and what it put out.
fn answered(lane: &mut Lane, requests: i64, versions: &[&str]) -> Vec<Output> {
    let mut out = Vec::new();
    let names: Vec<String> = (0..FEATURES).map(|nth| format!("f{nth}")).collect();
    for request in 0..requests {
        for (nth, version) in versions.iter().enumerate() {
            let value = |of: usize| match of % 10 {
                0 => Feature::Category(["red", "green"][of / 10 % 2].into()),
                1 => Feature::Missing,
                2 => Feature::Number(-(of as f64)),
                3 => Feature::Unusable,
                _ => Feature::Number(of as f64 + nth as f64),
            };
            let features = names.iter().enumerate();
            let features = features.map(|(of, name)| (name.as_str().into(), value(of))).collect();
            let prediction = Prediction {
                id: format!("{request}-{version}").into(),
                model: "m".into(),
                version: (*version).into(),
                ts: EventTime::from_ms(request * 100),
                request: Some(request.to_string().into()),
                status: PredictionStatus::Ok,
                prediction: Some(Value::Number(1.0)),
                score: None,
                latency_us: None,
                features,
                role: SampleRole::Live,
                actual: None,
                lost: LostFields::default(),
            };
            let position = request * versions.len() as i64 + nth as i64;
            let (appended, following, part) = (None, None, SamplePart::WHOLE);
            let read = Ok(Sample::Prediction(prediction));
            let input = Input::Record { topic: 0, position, appended, following, part, read };
            lane.step(input, &mut out);
        }
    }
    lane.step(Input::End, &mut out);
    lane.step(Input::Flush { now: LogTime::from_ms(0) }, &mut out);
    out
}

/// How many values of each feature two versions shared.
fn shared(out: &[Output]) -> BTreeMap<String, u64> {
    let frames = out.iter().filter_map(|output| match output {
        Output::Frame(frame) => Some(frame),
        _ => None,
    });
    let mut shared = BTreeMap::new();
    for partial in frames.flat_map(|frame| &frame.features) {
        let FeaturesOf::Shared(of, _) = &partial.of else { continue };
        for (name, grid) in partial.features.iter().filter(|_| of.as_str() == "v1") {
            *shared.entry(name.to_string()).or_default() += grid.n();
        }
    }
    shared
}

#[test]
fn an_input_takes_eight_bytes_and_some() {
    let mut lane = Lane::new(&source(1), lane_id(), 1);
    let out = answered(&mut lane, 100, &["v1"]);
    assert!(shared(&out).is_empty());
    let each = lane.input_bytes() as f64 / (100 * FEATURES) as f64;
    assert!((8.0..8.5).contains(&each), "{each}");
}

#[test]
fn past_their_bytes_the_oldest_inputs_go_and_near_answers_are_compared() {
    let most = 2_000_000;
    for (limit, requests) in [(usize::MAX, 3000), (most, 3000)] {
        let mut lane = Lane::new(&source(1), lane_id(), 1);
        let models = BTreeMap::new();
        let (bytes, most_bytes) = (0, usize::MAX);
        let elsewhere = WaitingElsewhere { models: &models, bytes, most_bytes, input_bytes: limit };
        let mut none = Vec::new();
        lane.step(Input::Elsewhere(elsewhere), &mut none);
        let out = answered(&mut lane, requests, &["v1", "v2"]);
        let dropped = lane.take_dropped_inputs();
        assert_eq!(dropped > 0, limit == most, "{dropped}");
        assert!(lane.input_bytes() <= limit, "{}", lane.input_bytes());
        let shared = shared(&out);
        assert_eq!(shared.len(), FEATURES);
        for (name, n) in shared {
            assert_eq!(n, requests as u64, "{name}");
        }
    }
}
