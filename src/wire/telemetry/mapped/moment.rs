//! Times as people write them: numbers with a unit, and clocks on the wall of a zone.

use chrono::{NaiveDateTime, TimeZone as _};

use super::decimal::Decimal;
use super::place::RecordSeen;
use super::stands::{Stands, Unreadable};
use crate::model::{TimeUnit, Zone};
use crate::wire::telemetry::value::Scalar;

/// A time by its unit, or in a zone.
pub(super) fn moment<'a>(
    stands: Stands<'a>,
    unit: Option<TimeUnit>,
    zone: Option<Zone>,
    seen: RecordSeen<'a, '_>,
) -> Result<Scalar<'a>, Unreadable> {
    if let Stands::Time(_) = stands {
        return Ok(stands.scalar(false));
    }
    let text = stands.text(seen.texts)?.trim();
    if let Some(unit) = unit
        && let Ok(number) = Decimal::of(text)
    {
        return Ok(whole(number.whole_milliseconds(unit)));
    }
    let named = text.strip_suffix(" UTC").map(|rest| (rest, Zone(chrono_tz::UTC)));
    let (naive, zone) = match (named, zone) {
        (Some((rest, utc)), _) => (rest, Some(utc)),
        (None, zone) => (text, zone),
    };
    let Some((zone, local)) = zone.zip(local(naive)) else {
        return Ok(stands.scalar(false));
    };
    // Of a time that exists twice the earlier one is meant.
    let Some(time) = zone.0.from_local_datetime(&local).earliest() else {
        return Err("a time that the zone's clocks skip");
    };
    Ok(whole(i128::from(time.timestamp_millis())))
}

/// A time without a zone.
fn local(text: &str) -> Option<NaiveDateTime> {
    let text = text.replacen(',', ".", 1);
    let formats =
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
}

fn whole(ms: i128) -> Scalar<'static> {
    match (u64::try_from(ms), i64::try_from(ms)) {
        (Ok(ms), _) => Scalar::Whole(ms),
        (Err(_), Ok(ms)) => Scalar::Negative(ms),
        (Err(_), Err(_)) => Scalar::Whole(u64::MAX),
    }
}
