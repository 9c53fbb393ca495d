//! Charts as coordinates: numbers in, what `report.html` draws out.
//!
//! Law: a line is told apart by its dash and its name beside it, never by colour alone.
//! The file is long because its tests stand in it.
//!
//! Over 300 lines: its tests stand in it.

use chrono::{DateTime, Datelike, Timelike};
use serde::Serialize;

use crate::model::EventTime;

/// One day, in milliseconds.
const DAY: i64 = 86_400_000;
/// The shortest distance of two names beside lines.
const APART: f64 = 15.0;

/// What is to be drawn.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    pub(super) id: String,
    pub(super) title: String,
    /// What is seen, for those who do not see it.
    pub(super) describes: String,
    pub(super) lines: Vec<Series>,
    pub(super) scale: Scale,
    /// A horizontal line at a value, with its name.
    pub(super) limit: Option<(f64, String)>,
    /// A stretch of time that is shaded, with its name.
    pub(super) band: Option<(EventTime, EventTime, String)>,
    pub(super) x: (EventTime, EventTime),
    pub(super) height: f64,
    /// Room for names beside the lines.
    pub(super) right: f64,
}

/// One line of a plot.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) name: String,
    /// Its looks, a class of the page's style.
    pub(super) class: &'static str,
    pub(super) points: Vec<(EventTime, f64)>,
}

/// How values become heights.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scale {
    /// Shares, from the smallest to the largest.
    Share(f64, f64),
    /// Decades.
    Log(f64, f64),
}

/// A plot in coordinates.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Chart {
    id: String,
    title: String,
    describes: String,
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    lines: Vec<Path>,
    limit: Option<Tick>,
    band: Option<Band>,
}

#[derive(Debug, Clone, Serialize)]
struct Tick {
    at: f64,
    label: String,
}

#[derive(Debug, Clone, Serialize)]
struct Path {
    name: String,
    class: &'static str,
    d: String,
    y: f64,
}

#[derive(Debug, Clone, Serialize)]
struct Band {
    x: f64,
    width: f64,
    label: String,
    /// The name stands left of it where it is near the right edge.
    anchor: &'static str,
    label_x: f64,
}

impl Plot {
    /// The plot at a width in pixels.
    pub(super) fn at(&self, width: f64, suffix: &str) -> Chart {
        let (left, top) = (46.0, 20.0);
        let (right, bottom) = (width - self.right, self.height - 24.0);
        let (from, to) = (self.x.0.as_ms() as f64, self.x.1.as_ms() as f64);
        let x = |at: EventTime| {
            left + (at.as_ms() as f64 - from) / (to - from).max(1.0) * (right - left)
        };
        let y = |value: f64| bottom - self.scale.part(value) * (bottom - top);
        let ticks = ((right - left) / 90.0) as usize;
        let x_ticks = time_ticks(self.x, ticks.max(2));
        let mut lines: Vec<Path> = self
            .lines
            .iter()
            .filter(|series| !series.points.is_empty())
            .map(|series| Path {
                name: series.name.clone(),
                class: series.class,
                d: path(series, x, y),
                y: series.points.last().map_or(bottom, |(_, value)| y(*value) + 4.0),
            })
            .collect();
        spread(&mut lines, top, bottom);
        Chart {
            id: format!("{}-{suffix}", self.id),
            title: self.title.clone(),
            describes: self.describes.clone(),
            width,
            height: self.height,
            left,
            right,
            top,
            bottom,
            x_ticks: x_ticks
                .into_iter()
                .map(|(at, label)| Tick { at: round(x(at)), label })
                .collect(),
            y_ticks: self
                .scale
                .ticks()
                .into_iter()
                .map(|(v, label)| Tick { at: round(y(v)), label })
                .collect(),
            lines,
            limit: self
                .limit
                .as_ref()
                .map(|(v, label)| Tick { at: round(y(*v)), label: label.clone() }),
            band: self.band.as_ref().map(|(from, to, label)| {
                let (start, end) = (x(*from).max(left), x(*to).min(right));
                let far = start > (left + right) / 2.0;
                Band {
                    x: round(start),
                    width: round((end - start).max(2.0)),
                    label: label.clone(),
                    anchor: if far { "end" } else { "start" },
                    label_x: round(if far { start - 4.0 } else { end + 4.0 }),
                }
            }),
        }
    }
}

impl Scale {
    /// Logarithmic, around these values.
    pub(super) fn decades(values: impl Iterator<Item = f64>, least: f64) -> Self {
        let most = values.filter(|v| v.is_finite()).fold(least * 10.0, f64::max);
        let (mut low, mut high) = (least, least);
        while high < most {
            high *= 10.0;
        }
        if high / low > 1e9 {
            low = high / 1e9;
        }
        Self::Log(low, high)
    }

    fn part(self, value: f64) -> f64 {
        let (part, low, high) = match self {
            Self::Share(low, high) => (value, low, high),
            Self::Log(low, high) => {
                (libm::log10(value.max(low)), libm::log10(low), libm::log10(high))
            }
        };
        ((part - low) / (high - low)).clamp(0.0, 1.0)
    }

    fn ticks(self) -> Vec<(f64, String)> {
        match self {
            Self::Share(low, high) => {
                let steps = [0.01, 0.02, 0.05, 0.1, 0.2];
                let step =
                    steps.into_iter().find(|step| (high - low) / step <= 6.0).unwrap_or(0.25);
                let first = (low / step).ceil() as i64;
                let all = (first..).map(|i| i as f64 * step).take_while(|v| *v <= high + 1e-9);
                all.map(|v| (v, format!("{:.0} %", v * 100.0))).collect()
            }
            Self::Log(low, high) => {
                let (first, last) =
                    (libm::log10(low).round() as i32, libm::log10(high).round() as i32);
                let every = ((last - first) / 5).max(1);
                let all = (first..=last).filter(|e| (last - e) % every == 0);
                all.map(|e| (libm::pow(10.0, f64::from(e)), decade(e))).collect()
            }
        }
    }
}

fn decade(exponent: i32) -> String {
    match exponent {
        0..=3 => format!("{}", 10_i64.pow(exponent.unsigned_abs())),
        -4..=-1 => {
            format!("{:.*}", exponent.unsigned_abs() as usize, libm::pow(10.0, f64::from(exponent)))
        }
        _ => format!("1e{exponent}"),
    }
}

/// Two decimals are finer than any eye, and keep the page small.
fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

fn path(series: &Series, x: impl Fn(EventTime) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut d = String::new();
    for (i, (at, value)) in series.points.iter().enumerate() {
        let letter = if i == 0 { 'M' } else { 'L' };
        d.push_str(&format!("{letter}{} {}", round(x(*at)), round(y(*value))));
    }
    d
}

/// Moves names beside lines apart, from the top down, and keeps them on the page.
fn spread(lines: &mut [Path], top: f64, bottom: f64) {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    let height = |lines: &[Path], i: usize| lines.get(i).map_or(0.0, |line| line.y);
    order.sort_by(|a, b| height(lines, *a).total_cmp(&height(lines, *b)));
    let mut free = top;
    for i in &order {
        if let Some(line) = lines.get_mut(*i) {
            line.y = round(line.y.max(free));
            free = line.y + APART;
        }
    }
    let mut most = bottom + 4.0;
    for i in order.iter().rev() {
        if let Some(line) = lines.get_mut(*i) {
            line.y = round(line.y.min(most));
            most = line.y - APART;
        }
    }
}

/// Round moments of a range, at most `most` of them.
fn time_ticks((from, to): (EventTime, EventTime), most: usize) -> Vec<(EventTime, String)> {
    let hour = DAY / 24;
    let days = [1, 2, 5, 7, 14, 30, 60, 90, 180, 365, 730].map(|days| days * DAY);
    let hours = [1, 3, 6, 12].map(|hours| hours * hour);
    let length = (to - from).as_ms();
    let mut steps = hours.into_iter().chain(days);
    let step = steps.find(|step| length / step <= most as i64).unwrap_or(3650 * DAY);
    let first = from.as_ms().div_euclid(step) * step + step;
    let mut ticks = Vec::new();
    let mut at = first;
    while at <= to.as_ms() {
        ticks.push((EventTime::from_ms(at), label(at, step, length)));
        at += step;
    }
    ticks
}

fn label(at: i64, step: i64, length: i64) -> String {
    let Some(time) = DateTime::from_timestamp_millis(at) else { return at.to_string() };
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.get(time.month0() as usize).copied().unwrap_or("?");
    if step < DAY && length >= DAY {
        return format!("{} {month} {:02}:{:02}", time.day(), time.hour(), time.minute());
    }
    if step < DAY {
        return format!("{:02}:{:02}", time.hour(), time.minute());
    }
    if length > 400 * DAY {
        return format!("{month} {}", time.year());
    }
    format!("{} {month}", time.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let at = |text: &str| text.parse::<EventTime>().unwrap();
        let month = (at("2013-06-01T03:00:00Z"), at("2013-07-01T00:00:00Z"));
        let labels: Vec<_> = time_ticks(month, 6).into_iter().map(|(_, label)| label).collect();
        assert!(labels.len() <= 6 && labels.len() >= 3, "{labels:?}");
        assert!(labels.iter().all(|label| label.contains("Jun")), "{labels:?}");
        let day = (at("2013-06-01T03:00:00Z"), at("2013-06-02T09:00:00Z"));
        let labels: Vec<_> = time_ticks(day, 6).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels.first().map(String::as_str), Some("1 Jun 06:00"), "{labels:?}");
        let shares: Vec<_> = Scale::Share(0.6, 1.0).ticks().into_iter().map(|t| t.1).collect();
        assert_eq!(shares, ["60 %", "70 %", "80 %", "90 %", "100 %"]);
        let decades: Vec<_> = Scale::Log(0.01, 100.0).ticks().into_iter().map(|t| t.1).collect();
        assert_eq!(decades, ["0.01", "0.1", "1", "10", "100"]);
    }

    #[test]
    fn names_beside_lines_never_touch() {
        let line = |y| Path { name: String::new(), class: "", d: String::new(), y };
        let mut lines = [line(50.0), line(51.0), line(52.0), line(199.0)];
        spread(&mut lines, 20.0, 200.0);
        let mut heights: Vec<f64> = lines.iter().map(|line| line.y).collect();
        heights.sort_by(f64::total_cmp);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= APART - 0.1), "{heights:?}");
    }
}
