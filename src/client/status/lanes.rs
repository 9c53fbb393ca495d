//! The lines of `status` on lanes that could not read what they wanted.

use crate::model::{LogTime, Span};
use crate::phrases::count;
use crate::wire::lanes::{GapCause, LaneReport, PositionGap, TopicReport};

/// How long a gap is shown. The API and the metrics keep it.
const SHOWN: Span = Span::from_s(7 * 24 * 3600);

/// What was lost lately, and what is forgotten.
pub(super) fn lines(lanes: &[LaneReport], now: LogTime) -> Vec<String> {
    let mut lines = Vec::new();
    for lane in lanes {
        for topic in &lane.topics {
            let last = topic.last.as_ref().filter(|gap| now - gap.at <= SHOWN);
            lines.extend(last.map(|gap| gone(lane.lane, topic, gap)));
        }
        let forgotten = lane.topics.iter().filter(|topic| topic.forgotten);
        let topics: Vec<&str> = forgotten.map(|topic| topic.topic.as_str()).collect();
        if !topics.is_empty() {
            lines.push(format!(
                "NOT WARM lane {}/{}: records of {} that it should remember are gone; until a \
                 label horizon has passed, outcomes may stay unmatched",
                lane.source,
                lane.lane,
                topics.join(", ")
            ));
        }
    }
    lines
}

fn gone(lane: u32, topic: &TopicReport, gap: &PositionGap) -> String {
    let name = &topic.topic;
    let PositionGap { from, to, .. } = gap;
    let what = match gap.cause {
        GapCause::Deleted => format!(
            "LOST {name}[{lane}]: {} were deleted before they were read, positions {from} to {to}",
            records(gap.records)
        ),
        GapCause::CreatedAgain => format!(
            "LOST {name}[{lane}]: position {from} is behind its end; it was created again or the \
             group was moved, and it is read from its start, {to}"
        ),
        GapCause::Moved => format!(
            "LOST {name}[{lane}]: somebody moved the group from position {from} to {to}; {} were \
             not read",
            records(gap.records)
        ),
        GapCause::PositionLost => format!(
            "LOST {name}[{lane}]: the group's position, {from} or later; it is read from its \
             start, {to}"
        ),
    };
    let all = match topic.gaps {
        0 | 1 => String::new(),
        gaps => format!("; {} gaps in all, {}", count(gaps), records(topic.lost)),
    };
    format!("{what}, at {}{all}", gap.at)
}

/// Marks of transactions count, too, so it is a bound.
fn records(n: u64) -> String {
    match n {
        0 => "no records".to_owned(),
        1 => "up to 1 record".to_owned(),
        n => format!("up to {} records", count(n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(gap: Option<PositionGap>, gaps: u64, forgotten: bool) -> LaneReport {
        let topic = TopicReport {
            topic: "pred".to_owned(),
            next: Some(9),
            gaps,
            lost: 900,
            last: gap,
            forgotten,
        };
        LaneReport { source: "telemetry".parse().unwrap(), lane: 3, topics: vec![topic] }
    }

    #[test]
    fn each_cause_is_told_with_its_positions() {
        let now = LogTime::from_ms(600_000_000);
        let gap = |cause, records| PositionGap {
            from: 1200,
            to: 1800,
            records,
            cause,
            at: LogTime::from_ms(0),
        };
        for (cause, records, part) in [
            (GapCause::Deleted, 600, "pred[3]: up to 600 records were deleted before they were"),
            (
                GapCause::CreatedAgain,
                0,
                "position 1200 is behind its end; it was created again or the",
            ),
            (GapCause::Moved, 600, "from position 1200 to 1800; up to 600 records were not read"),
            (GapCause::PositionLost, 0, "the group's position, 1200 or later; it is read from"),
        ] {
            let told = lines(&[report(Some(gap(cause, records)), 2, true)], now).join("\n");
            assert!(told.contains(part), "{told}");
            assert!(told.contains("; 2 gaps in all, up to 900 records"), "{told}");
            assert!(told.contains("\nNOT WARM lane telemetry/3: records of pred"), "{told}");
        }
        let old = LogTime::from_ms(0) + SHOWN + Span::from_s(1);
        assert_eq!(lines(&[report(Some(gap(GapCause::Deleted, 1)), 1, false)], old), [""; 0]);
        assert_eq!(lines(&[report(None, 0, false)], now), [""; 0]);
    }
}
