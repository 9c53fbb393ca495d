//! The lane of a record that Ripcord writes for its users: the one that a Java producer would
//! choose, so that a prediction sent by one and its outcome posted to the other meet.

use crate::model::Sample;

/// The key of a record: what joins has one.
pub(crate) fn key_of<'a>(sample: &'a Sample<'_>) -> &'a str {
    match sample {
        Sample::Prediction(prediction) => prediction.request(),
        Sample::Outcome(outcome) => &outcome.request,
        Sample::Latency(latency) => latency.id.as_ref().unwrap_or(&latency.model),
        Sample::Health(health) => &health.model,
        Sample::Run(run) => &run.model,
    }
}

/// The partition of a key, as Kafka's default partitioner chooses it.
#[must_use]
pub(crate) fn lane_of(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions.max(1)
}

/// The hash of that partitioner.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let word = u32::from_le_bytes(*word).wrapping_mul(M);
        let word = (word ^ (word >> R)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ word;
    }
    if !rest.is_empty() {
        let bytes = rest.iter().rev().fold(0, |bytes, byte| (bytes << 8) | u32::from(*byte));
        hash = (hash ^ bytes).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in the tests of Kafka's own clients.
    #[test]
    fn it_hashes_as_kafka_does() {
        for (key, expected) in [
            (b"21".as_slice(), -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            (b"abc", 479_470_107),
        ] {
            let key = std::str::from_utf8(key).unwrap();
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), expected, "{key}");
        }
    }

    #[test]
    fn a_lane_is_one_of_them() {
        for key in ["", "a", "ab", "abc", "abcd", "abcde"] {
            for partitions in [1, 2, 3, 12] {
                let expected = murmur2(key.as_bytes()).cast_signed() & i32::MAX;
                let expected = expected.cast_unsigned() % partitions;
                assert_eq!(lane_of(key.as_bytes(), partitions), expected, "{key}");
            }
        }
    }
}
