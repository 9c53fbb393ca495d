//! Numbers.

/// A count: `98,991`.
#[must_use]
pub fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// Digits with a comma before every three: `98,991`.
#[must_use]
pub fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of any size, in few digits: `16,367`, `12.3`, `0.0213`, `1.2e7`.
#[must_use]
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return "beyond counting".to_owned();
    }
    match x.abs() {
        0.0 => "0".to_owned(),
        size if size >= 999_999.5 => format!("{x:.1e}"),
        size if size >= 100.0 => {
            let sign = if x < 0.0 { "-" } else { "" };
            format!("{sign}{}", count(size.round() as u64))
        }
        size if size >= 1.0 => format!("{x:.1}"),
        size if size >= 0.1 => format!("{x:.2}"),
        size if size >= 0.0001 => format!("{x:.4}"),
        _ => format!("{x:.1e}"),
    }
}

/// A share: `14.1 %`, with two decimals below 1 %.
#[must_use]
pub fn percent(share: f64) -> String {
    let digits = if share.abs() < 0.01 { 2 } else { 1 };
    format!("{:.digits$} %", share * 100.0)
}

/// A difference of shares: `4.7 points`.
#[must_use]
pub fn points(difference: f64) -> String {
    format!("{:.1} points", difference * 100.0)
}

/// The difference of two shares as they are shown: `+5.8 points` between 82.7 % and 88.5 %.
#[must_use]
pub fn gained(from: f64, to: f64) -> String {
    let shown = |share: f64| (share * 1000.0).round() / 10.0;
    format!("{:+.1} points", shown(to) - shown(from))
}

/// The text, cut to at most `most` characters.
#[must_use]
pub fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Bytes in the unit that fits: "512 B", "3.0 MiB".
#[must_use]
pub fn bytes(n: usize) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (n as f64, None);
    for larger in UNITS {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, Some(larger));
    }
    unit.map_or_else(|| format!("{n} B"), |unit| format!("{value:.1} {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        for (x, expected) in [
            (0.0, "0"),
            (16_367.108, "16,367"),
            (8640.0, "8,640"),
            (123_456.0, "123,456"),
            (1_234_567.0, "1.2e6"),
            (12.34, "12.3"),
            (0.31, "0.31"),
            (0.0213, "0.0213"),
            (1e18, "1.0e18"),
            (f64::INFINITY, "beyond counting"),
            (-500.0, "-500"),
        ] {
            assert_eq!(number(x), expected);
        }
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(short("abcdef", 4), "abc…");
        assert_eq!(short("über", 4), "über");
    }

    #[test]
    fn a_difference_is_that_of_the_numbers_next_to_it() {
        assert_eq!(gained(0.82659, 0.88526), "+5.8 points");
        assert_eq!([percent(0.82659), percent(0.88526)], ["82.7 %", "88.5 %"]);
    }
}
