//! The labels of a chart's axes, and where the names of its lines go.

use chrono::{DateTime, NaiveTime, Timelike};

/// The shortest distance between two names, in tenths of a pixel.
const APART: i32 = 150;

/// A mark of shares.
pub(super) fn percent(share: &f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A mark of decades.
pub(super) fn decade(value: &f64) -> String {
    // Shorter than it came: decades multiplied have dust behind their last digit.
    let value = *value as f32;
    if (1e-4..1e4).contains(&value) { value.to_string() } else { format!("{value:e}") }
}

/// A mark of times: at midnight the day, else the time of day.
pub(super) fn moment(ms: i64, is_long: bool) -> String {
    let Some(time) = DateTime::from_timestamp_millis(ms) else { return ms.to_string() };
    let format = match time.time() {
        NaiveTime::MIN if is_long => "%b %Y",
        NaiveTime::MIN => "%-d %b",
        inside if inside.second() > 0 => "%H:%M:%S",
        _ => "%H:%M",
    };
    time.format(format).to_string()
}

/// Moves names apart, from the top down, and keeps them on the page.
pub(super) fn spread<T>(names: &mut [(i32, T)], top: i32, bottom: i32) {
    names.sort_by_key(|(height, _)| *height);
    let mut free = top;
    for (height, _) in names.iter_mut() {
        *height = (*height).max(free);
        free = *height + APART;
    }
    let mut most = bottom;
    for (height, _) in names.iter_mut().rev() {
        *height = (*height).min(most);
        most = *height - APART;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_short() {
        assert_eq!(["0.0001", "1000", "1e4"], [1e-4, 1e3, 1e4].map(|value| decade(&value))[..]);
    }

    #[test]
    fn names_never_touch() {
        let mut names = [(500, ()), (510, ()), (520, ()), (1990, ())];
        spread(&mut names, 200, 2000);
        assert!(names.windows(2).all(|pair| pair[1].0 - pair[0].0 >= APART), "{names:?}");
    }
}
