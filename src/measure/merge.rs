//! The calls that two halves make, and those that one makes alone.

use std::borrow::Cow;

use crate::model::{EventTime, Half, HalfSide, LostField, Prediction, PredictionStatus};

/// The calls that two halves make: as many as the longer one says.
pub(super) fn calls(asked: Half<'static>, answered: Half<'static>) -> Vec<Prediction<'static>> {
    let took = answered.ts - asked.ts;
    let took_us = u64::try_from(took.as_ms()).ok().map(|ms| ms * 1_000);
    let took_us = took_us.filter(|_| answered.timed);
    let count = asked.predictions.len().max(answered.predictions.len());
    let with_inputs = asked.predictions.iter().any(|question| !question.features.is_empty());
    let mut questions = asked.predictions.into_iter();
    let mut answers = answered.predictions.into_iter();
    let mut last: Option<Prediction<'static>> = None;
    let mut calls = Vec::with_capacity(count);
    for nth in 0..count {
        let question = questions.next();
        let answer = answers.next().or_else(|| last.as_ref().map(unanswered));
        let Some(mut call) = answer.clone() else { continue };
        last = answer;
        if nth == 0 {
            call.latency_us = call.latency_us.or(took_us);
        }
        if let Some(question) = question {
            let Prediction { id, model, version, request, features, lost, .. } = question;
            call.id = id;
            call.request = request.or(call.request);
            fill(&mut call.model, model);
            fill(&mut call.version, version);
            call.features = features;
            lost.iter().for_each(|field| call.lost.add(field));
        } else if with_inputs {
            call.lost.add(LostField::Features);
        }
        calls.push(call);
    }
    calls
}

/// The answer to a question that an answer with fewer elements passes over.
fn unanswered(last: &Prediction<'static>) -> Prediction<'static> {
    let mut lost = last.lost;
    if last.status == PredictionStatus::Ok {
        lost.add(LostField::Prediction);
    }
    let (prediction, score, latency_us, actual) = (None, None, None, None);
    Prediction { prediction, score, latency_us, actual, lost, ..last.clone() }
}

/// What one half is by itself, at the end of its time.
pub(super) fn alone(half: Half<'static>, until: EventTime) -> Vec<Prediction<'static>> {
    let mut calls = half.predictions;
    match half.side {
        HalfSide::Asked if !half.missing_is_error => calls.clear(),
        HalfSide::Asked => calls.iter_mut().for_each(|call| call.status = PredictionStatus::Error),
        HalfSide::Answered => {}
    }
    calls.iter_mut().for_each(|call| call.ts = until);
    calls
}

fn fill(known: &mut Cow<'static, str>, other: Cow<'static, str>) {
    if known.is_empty() {
        *known = other;
    }
}
