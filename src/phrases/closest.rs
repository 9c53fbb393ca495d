//! What somebody probably meant to type.

/// The known word that is at most a third of its letters away from what was written.
#[must_use]
pub fn closest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|word| (distance(written, word), *word)).min()?;
    (near.0 <= 1.max(near.1.len() / 3)).then_some(near.1)
}

/// How many letters must be inserted, deleted or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for ((y, above), diagonal) in b.iter().zip(row.iter().skip(1)).zip(&row) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(x != *y));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters() {
        for (a, b, want) in [
            ("", "", 0),
            ("mode", "mode", 0),
            ("mod", "mode", 1),
            ("modus", "mode", 2),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(a, b), want, "{a} {b}");
            assert_eq!(distance(b, a), want, "{b} {a}");
        }
    }

    #[test]
    fn a_guess_is_close_or_not_made() {
        let known = ["limit_percent", "bins", "rule"];
        assert_eq!(closest("limit_precent", &known), Some("limit_percent"));
        assert_eq!(closest("bin", &known), Some("bins"));
        assert_eq!(closest("colour", &known), None);
    }
}
