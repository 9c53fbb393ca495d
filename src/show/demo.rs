//! What a demo says on a terminal beside the story.

use super::Story;
use super::ending::{detected, verdict};
use super::lines::{Paint, table, wrap};
use crate::demo::{Counted, DemoResult, Phases};
use crate::model::EventTime;
use crate::phrases::words::{self, count, gained, percent};

/// What runs, and where.
#[must_use]
pub(crate) fn begins(router: &str, server: &str, folder: &str, paint: Paint) -> String {
    let head = paint.bold("A model that was promoted, goes bad, and is taken back");
    let text = format!(
        "Real flights of 2013 ask flight-delay at {router}. The router sends them to v3, promoted \
         on June 1, and mirrors each to v2, which served before. Each flight tells how it ended \
         once it has landed. Ripcord watches at {server} and may act. Times are event times, UTC; \
         all that is written is written to {folder}."
    );
    format!("{head}\n{}\n", wrap(&text, 0))
}

/// What nobody tells Ripcord.
#[must_use]
pub(crate) fn fault(story: &Story, at: EventTime, paint: Paint) -> String {
    let text = "From now on v3's feature service sends dep_delay in hours instead of minutes, for \
                two of three airports. Nobody tells Ripcord.";
    story.block(at, "(the fault)", &paint.dim("(the fault)"), text)
}

/// Something about the processes.
#[must_use]
pub(crate) fn note(note: &str, paint: Paint) -> String {
    paint.dim(&wrap(note, 0))
}

/// What can be tried now.
#[must_use]
pub(crate) fn goes_on(url: &str, paint: Paint) -> String {
    let head = paint.bold("It goes on with a healthy week, half an hour of it in 5 seconds.");
    let at = match url {
        "http://127.0.0.1:7700" => String::new(),
        url => format!(" --url {url}"),
    };
    let mut text = format!("\n{head}\nIn another terminal:\n");
    for (command, what) in [
        ("status --watch", "how the versions do"),
        ("incidents", "what happened"),
        ("release flight-delay v3 --reason fixed", "v3 may be promoted again"),
        ("rollback flight-delay --to v3 --reason 'let us see' --dry-run", "what that would do"),
        ("freeze flight-delay --reason storm", "no automatic action"),
    ] {
        text.push_str(&format!("  ripcord {command}{at}\n      {}\n", paint.dim(what)));
    }
    text.push_str("Ctrl-C ends it.");
    text
}

/// How long the switch took.
#[must_use]
pub(crate) fn switched(
    story: &Story,
    at: EventTime,
    phases: Phases,
    meanwhile: Counted,
    paint: Paint,
) -> String {
    let Phases { decide_ms, pickup_ms, act_ms, .. } = phases;
    let all = milliseconds(decide_ms + pickup_ms + act_ms);
    let (sent, failed) = (count(meanwhile.sent), count(meanwhile.failed));
    let text = format!(
        "Router and registry switched {all} after the last label was sent, on the clock on the \
         wall: {} to decide, {} until workers had it, {} to act. Meanwhile {sent} requests, \
         {failed} of them failed.",
        milliseconds(decide_ms),
        milliseconds(pickup_ms),
        milliseconds(act_ms)
    );
    story.block(at, "SWITCHED", &paint.good("SWITCHED"), &text)
}

/// What it came to.
#[must_use]
pub(crate) fn ended(ended: &DemoResult, paint: Paint) -> String {
    let summary = &ended.replayed.summary;
    let mut text = format!("\n{}\n", paint.bold("What it came to"));
    text.push_str(&format!("{}\n", wrap(&verdict(summary), 0)));
    for fault in &ended.faults {
        let line = wrap(&format!("Not as it should be: {fault}."), 0);
        text.push_str(&format!("{}\n", paint.bad(&line)));
    }
    let rows = figures(ended).into_iter().map(Vec::from).collect::<Vec<_>>();
    text.push_str(&format!("\n{}", table(&[], &rows, &[1])));
    text
}

/// What only a live run can know, a line each: what, how much, what that means.
#[must_use]
pub(crate) fn figures(ended: &DemoResult) -> Vec<[String; 3]> {
    let summary = &ended.replayed.summary;
    let requests = &ended.requests;
    let shown = |share: Option<f64>| share.map_or("unknown".to_owned(), percent);
    let (served, without) = (requests.accuracy_served, requests.accuracy_without);
    let difference = served.zip(without).map(|(served, without)| gained(without, served));
    let mut rows = vec![
        row("accuracy served", &shown(served), "as callers counted it"),
        row("without Ripcord", &shown(without), "had v3 gone on"),
        row("difference", &difference.unwrap_or_default(), ""),
    ];
    if let Some(rollback) = summary.rollbacks.first() {
        let labels = format!("on {} labels", count(rollback.detection.labels));
        let after = detected(rollback).unwrap_or_default();
        rows.push(row(
            "detected after",
            &after,
            &format!("its likely start, in event time, {labels}"),
        ));
    }
    let Phases { decide_ms, pickup_ms, act_ms, mitigate_ms } = ended.phases;
    for (name, took, what) in [
        ("decided", decide_ms, "after the last label was sent"),
        ("picked up", pickup_ms, "by the workers of router and registry"),
        ("acted", act_ms, "both switched; a probe saw v2 answer"),
        ("mitigated", mitigate_ms, "until live traffic proved it"),
    ] {
        rows.push(row(name, &milliseconds(took), what));
    }
    let (flights, beside) = (count(requests.sent), count(requests.beside));
    let of = format!("of {flights} flights and {beside} asked beside them");
    rows.push(row("failed requests", &count(requests.failed), &of));
    let during = requests.during_switch;
    let of = format!("of {}, sent while it was under way", count(during.sent));
    rows.push(row("… in the switch", &count(during.failed), &of));
    let after = count(requests.withdrawn_after_switch);
    rows.push(row("v3 after it", &after, "answers, by the router's counters"));
    rows
}

fn row(name: &str, value: &str, what: &str) -> [String; 3] {
    [name, value, what].map(str::to_owned)
}

/// As people time: 7.3 ms, 148 ms, 2.1 s.
fn milliseconds(ms: f64) -> String {
    if ms >= 1000.0 { format!("{:.1} s", ms / 1000.0) } else { format!("{} ms", words::number(ms)) }
}
