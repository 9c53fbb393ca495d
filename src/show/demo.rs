//! What a demo says on a terminal in addition to the story.

use super::data::{CallCounts, DemoResult, Phases};
use super::verdict::{detected, verdict};
use super::{Screen, Story};
use crate::model::EventTime;
use crate::phrases::{count, gained, number, percent};

/// What runs, and where.
#[must_use]
pub fn begins(router: &str, server: &str, folder: &str, screen: Screen) -> String {
    let head = screen.bold("A promoted model goes bad and is rolled back");
    let text = format!(
        "Requests about real flights from 2013 go to the model flight-delay at {router}. The \
         router sends them to v3, promoted on June 1, and copies each one to v2, which served \
         before. A flight's outcome is reported when it lands. Ripcord watches at {server} and \
         may act. Times are event times. Files are written only to {folder}."
    );
    format!("{head}\n{}\n", screen.wrap(&text, 0))
}

/// The fault, which Ripcord is not told.
#[must_use]
pub fn fault(story: &Story, at: EventTime, screen: Screen) -> String {
    let text = "From now on v3's feature service sends dep_delay in hours instead of minutes for \
                two of three airports. Ripcord does not know.";
    story.block(at, "(the fault)", &screen.dim("(the fault)"), text)
}

/// What a process did.
#[must_use]
pub fn note(note: &str, screen: Screen) -> String {
    screen.dim(&screen.wrap(note, 0))
}

/// What to try now.
#[must_use]
pub fn continues(url: &str, screen: Screen) -> String {
    let head =
        screen.bold("The demo continues with a healthy week, half an hour of it every 5 seconds.");
    let at = match url {
        "http://127.0.0.1:7700" => String::new(),
        url => format!(" --url {url}"),
    };
    let mut text = format!("\n{head}\nIn another terminal:\n");
    for (command, what) in [
        ("status --watch", "see how the versions are doing"),
        ("incidents", "see what happened"),
        ("release flight-delay v3 --reason fixed", "allow v3 to be promoted again"),
        (
            "rollback flight-delay --to v3 --reason 'try it' --dry-run",
            "see what a rollback would do",
        ),
        ("freeze flight-delay --reason storm", "stop automatic action"),
    ] {
        text.push_str(&format!("  ripcord {command}{at}\n      {}\n", screen.dim(what)));
    }
    text.push_str("Ctrl-C stops it.");
    text
}

/// How long the switch took.
#[must_use]
pub fn switched(
    story: &Story,
    at: EventTime,
    phases: Phases,
    meanwhile: CallCounts,
    screen: Screen,
) -> String {
    let Phases { decide_ms, pickup_ms, act_ms, .. } = phases;
    let all = milliseconds(decide_ms + pickup_ms + act_ms);
    let (sent, failed) = (count(meanwhile.sent), count(meanwhile.failed));
    let text = format!(
        "The router and the registry switched {all} after the last label was sent, in real \
         time: {} to decide, {} to reach the workers, {} to act. Of {sent} requests sent during \
         the switch, {failed} failed.",
        milliseconds(decide_ms),
        milliseconds(pickup_ms),
        milliseconds(act_ms)
    );
    story.block(at, "SWITCHED", &screen.good("SWITCHED"), &text)
}

/// The result.
#[must_use]
pub fn ended(ended: &DemoResult, screen: Screen) -> String {
    let summary = &ended.replayed.summary;
    let mut text = format!("\n{}\n", screen.bold("Result"));
    text.push_str(&format!("{}\n", screen.wrap(&verdict(summary), 0)));
    for fault in &ended.faults {
        let line = screen.wrap(&format!("Something went wrong: {fault}."), 0);
        text.push_str(&format!("{}\n", screen.bad(&line)));
    }
    let rows = figures(ended).into_iter().map(Vec::from).collect::<Vec<_>>();
    text.push_str(&format!("\n{}", screen.table(&[], &rows, &[1])));
    text
}

/// What only a live run can measure, a line each: what, how much, what that means.
#[must_use]
pub fn figures(ended: &DemoResult) -> Vec<[String; 3]> {
    let summary = &ended.replayed.summary;
    let requests = &ended.requests;
    let shown = |share: Option<f64>| share.map_or("unknown".to_owned(), percent);
    let (served, without) = (requests.accuracy_served, requests.accuracy_without);
    let difference = served.zip(without).map(|(served, without)| gained(without, served));
    let mut rows = vec![
        row("accuracy served", &shown(served), "measured by the callers"),
        row("without Ripcord", &shown(without), "if v3 had stayed"),
        row("difference", &difference.unwrap_or_default(), ""),
    ];
    if let Some(rollback) = summary.rollbacks.first() {
        let labels = format!("on {} labels", count(rollback.detection.labels));
        let after = detected(rollback).unwrap_or_default();
        rows.push(row(
            "detected",
            &after,
            &format!("after its likely start, in event time, {labels}"),
        ));
    }
    let Phases { decide_ms, pickup_ms, act_ms, mitigate_ms } = ended.phases;
    for (name, took, what) in [
        ("decided", decide_ms, "after the last label was sent"),
        ("picked up", pickup_ms, "by the workers of router and registry"),
        ("acted", act_ms, "until both had switched and a probe had reached v2"),
        ("mitigated", mitigate_ms, "until live traffic proved the switch"),
    ] {
        rows.push(row(name, &milliseconds(took), what));
    }
    let (flights, others) = (count(requests.sent), count(requests.beside));
    let of = format!("of {flights} flights and {others} other requests");
    rows.push(row("failed requests", &count(requests.failed), &of));
    let during = requests.during_switch;
    let of = format!("of {} sent during the switch", count(during.sent));
    rows.push(row("… in the switch", &count(during.failed), &of));
    let after = count(requests.withdrawn_after_switch);
    rows.push(row("answers by v3", &after, "after the switch, counted by the router"));
    rows
}

fn row(name: &str, value: &str, what: &str) -> [String; 3] {
    [name, value, what].map(str::to_owned)
}

/// `7.3 ms`, `148 ms`, `2.1 s`.
fn milliseconds(ms: f64) -> String {
    if ms >= 1000.0 { format!("{:.1} s", ms / 1000.0) } else { format!("{} ms", number(ms)) }
}
