//! How long the brokers are waited for, and asking them again until then.

use std::time::Duration;

use rdkafka::error::KafkaResult;

use super::fault::{self, refused};
use crate::edge::clock::Stopwatch;
use crate::edge::log::LogError;
use crate::edge::log::right::AccessRight;
use crate::model::Span;

/// How long one request to the brokers may take.
pub(super) const REQUEST: Duration = Duration::from_secs(5);
/// How long a fault that may pass is waited out before the role sees an error.
pub(super) const PATIENCE: Span = Span::from_s(60);
/// The pause before a request is repeated.
const PAUSE: Duration = Duration::from_millis(100);

/// Repeats a request until it is answered, fails for good, or [`PATIENCE`] is over. It takes these
/// rights.
pub(super) fn patiently<T>(
    doing: &str,
    needs: &[AccessRight],
    request: impl Fn() -> KafkaResult<T>,
) -> Result<T, LogError> {
    let watch = Stopwatch::start();
    loop {
        match request() {
            Ok(answer) => return Ok(answer),
            Err(error) if fault::may_pass(&error) && watch.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(refused(doing, needs, error)),
        }
    }
}
