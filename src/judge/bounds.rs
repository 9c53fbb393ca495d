//! Intervals of rates and means.

use crate::judge::design::Moments;

/// Two-sided 95 %.
const Z_95: f64 = 1.959_963_984_540_054;
/// One-sided 95 %.
const Z_ONE_SIDED: f64 = 1.644_853_626_951_472_7;

/// Wilson's 95 % score interval of a rate, `n` being the effective number of trials
/// (Wilson, 1927).
#[must_use]
pub fn rate_interval(rate: f64, n: f64) -> (f64, f64) {
    (wilson(rate, n, -Z_95), wilson(rate, n, Z_95))
}

/// The upper 95 % bound of a rate measured on `n` trials.
#[must_use]
pub fn rate_upper(rate: f64, n: f64) -> f64 {
    wilson(rate, n, Z_ONE_SIDED)
}

fn wilson(rate: f64, n: f64, z: f64) -> f64 {
    if n <= 0.0 {
        return if z > 0.0 { 1.0 } else { 0.0 };
    }
    let centre = rate + z * z / (2.0 * n);
    let spread = z * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).max(0.0).sqrt();
    ((centre + spread) / (1.0 + z * z / n)).clamp(0.0, 1.0)
}

/// The 95 % interval of a mean by its standard error, `design_effect` thinning the samples.
#[must_use]
pub fn mean_interval(sums: Moments, design_effect: f64) -> Option<(f64, f64)> {
    let mean = sums.mean()?;
    let error = (sums.variance() * design_effect / sums.n).sqrt();
    Some((mean - Z_95 * error, mean + Z_95 * error))
}

/// The upper 95 % bound of a mean.
#[must_use]
pub fn mean_upper(sums: Moments, design_effect: f64) -> Option<f64> {
    let mean = sums.mean()?;
    Some(mean + Z_ONE_SIDED * (sums.variance() * design_effect / sums.n).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_intervals() {
        // 10 of 100: Wilson's 95 % interval is 0.0552 to 0.1744.
        let (low, high) = rate_interval(0.1, 100.0);
        assert!((low - 0.0552).abs() < 1e-4 && (high - 0.1744).abs() < 1e-4, "{low} {high}");
        assert!((rate_upper(0.0885, 28_000.0) - 0.091_332).abs() < 1e-6);
        assert_eq!(rate_interval(0.5, 0.0), (0.0, 1.0));
    }
}
