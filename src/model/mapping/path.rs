//! What the path of a file says of the records in it.

use crate::model::EventTime;

/// A pattern for the end of a path, segment by segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    /// As it was written.
    pub text: String,
    /// Its segments, each of some pieces.
    pub segments: Vec<Vec<PathPiece>>,
}

/// A piece of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathPiece {
    /// This text.
    Text(String),
    /// Anything.
    Any,
    /// Anything, and it is the value of this field, or a part of the time.
    Named(String),
}

impl PathPattern {
    /// The parts of a time that a path may name, the longest first.
    pub const TIMES: [&'static str; 5] = ["year", "month", "day", "hour", "minute"];

    /// Whether it says what a field is.
    #[must_use]
    pub fn names(&self, field: &str) -> bool {
        let named = |piece: &PathPiece| *piece == PathPiece::Named(field.to_owned());
        let time = field == "ts" && self.names(Self::TIMES[0]);
        time || self.segments.iter().flatten().any(named)
    }

    /// The names in a path with their values. `None`: the path has another form.
    #[must_use]
    pub fn read<'p>(&self, path: &'p str) -> Option<Vec<(&str, &'p str)>> {
        let mut named = Vec::new();
        let mut ends = path.rsplit(['/', '\\']).filter(|segment| !segment.is_empty());
        for pieces in self.segments.iter().rev() {
            segment(ends.next()?, pieces, &mut named)?;
        }
        Some(named)
    }

    /// The end of the interval that the path names: no record of it is younger.
    #[must_use]
    pub fn time(named: &[(&str, &str)]) -> Option<EventTime> {
        let part = |name: &str| {
            let found = named.iter().find(|(known, _)| *known == name);
            found.map(|(_, text)| text.parse::<u32>())
        };
        let year = i32::try_from(part("year")?.ok()?).ok()?;
        let or = |name, usual| part(name).unwrap_or(Ok(usual)).ok();
        let day = chrono::NaiveDate::from_ymd_opt(year, or("month", 1)?, or("day", 1)?)?;
        let begin = day.and_hms_opt(or("hour", 0)?, or("minute", 0)?, 0)?.and_utc();
        let has = |name: &str| named.iter().any(|(known, _)| *known == name);
        let length_s = match (has("minute"), has("hour")) {
            (true, _) => 60,
            (false, true) => 3_600,
            (false, false) => 86_400,
        };
        Some(EventTime::from_ms(begin.timestamp_millis() + length_s * 1_000 - 1))
    }
}

/// Takes a segment apart. Each piece that is named goes up to the next text.
fn segment<'s, 'p>(
    text: &'p str,
    pieces: &'s [PathPiece],
    named: &mut Vec<(&'s str, &'p str)>,
) -> Option<()> {
    let mut rest = text;
    let mut pieces = pieces.iter().peekable();
    while let Some(piece) = pieces.next() {
        if let PathPiece::Text(text) = piece {
            rest = rest.strip_prefix(text.as_str())?;
            continue;
        }
        let (value, after) = match pieces.peek() {
            None => (rest, ""),
            Some(PathPiece::Text(end)) => {
                // The last piece is the end of the segment.
                let at = rest.rfind(end.as_str())?;
                rest.split_at_checked(at)?
            }
            Some(PathPiece::Any | PathPiece::Named(_)) => return None,
        };
        if let PathPiece::Named(name) = piece {
            if value.is_empty() {
                return None;
            }
            named.push((name, value));
        }
        rest = after;
    }
    rest.is_empty().then_some(())
}
