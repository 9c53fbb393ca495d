//! Which partition a producer gives to a key. Ripcord writes as Java does, so that a prediction
//! sent by a Java producer and its outcome posted to Ripcord meet; and it recognizes what others
//! do, since keys that two producers place differently never meet.

use crate::model::Sample;

/// The key of a record: what joins has one.
pub(crate) fn key_of<'a>(sample: &'a Sample<'_>) -> &'a str {
    match sample {
        Sample::Prediction(prediction) => prediction.request(),
        Sample::Outcome(outcome) => &outcome.request,
        Sample::Latency(latency) => latency.id.as_ref().unwrap_or(&latency.model),
        Sample::Health(health) => &health.model,
        Sample::Run(run) => &run.model,
        Sample::Half(half) => &half.by,
    }
}

/// How a client places keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Partitioner {
    /// Java's default.
    Murmur2,
    /// The default of librdkafka, and so of its clients in other languages.
    Crc32,
    /// The default of Sarama, the older client for Go.
    Fnv1a,
}

impl Partitioner {
    /// All that are recognized.
    pub(crate) const ALL: [Self; 3] = [Self::Murmur2, Self::Crc32, Self::Fnv1a];

    /// The partition of a key.
    #[must_use]
    pub(crate) fn place(self, key: &[u8], partitions: u32) -> u32 {
        let hash = match self {
            Self::Murmur2 => murmur2(key) & 0x7fff_ffff,
            Self::Crc32 => crc32fast::hash(key),
            Self::Fnv1a => fnv1a(key).cast_signed().unsigned_abs(),
        };
        hash % partitions.max(1)
    }

    /// Its name, and who uses it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Murmur2 => "murmur2 (Java)",
            Self::Crc32 => "CRC32 (librdkafka)",
            Self::Fnv1a => "FNV-1a (Sarama)",
        }
    }
}

/// The partition of a key, as Kafka's default partitioner chooses it.
#[must_use]
pub(crate) fn lane_of(key: &[u8], partitions: u32) -> u32 {
    Partitioner::Murmur2.place(key, partitions)
}

/// The hash of Java's partitioner.
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

/// The hash of Sarama's, which takes its absolute value.
fn fnv1a(data: &[u8]) -> u32 {
    data.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
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

    /// Where librdkafka 2.16 put these keys in a topic of 97 partitions, with its partitioners
    /// `murmur2`, `consistent` and `fnv1a`.
    #[test]
    fn each_places_keys_as_its_clients_do() {
        for (key, expected) in [
            (b"a".as_slice(), [49, 80, 49]),
            (b"ab", [36, 87, 73]),
            (b"abc", [77, 62, 41]),
            (b"abcd", [5, 50, 48]),
            (b"21", [41, 80, 65]),
            (b"foobar", [13, 41, 0]),
            ("größe".as_bytes(), [25, 18, 69]),
            (b"request-0001", [30, 56, 47]),
            (b"9f1c2d3e-0000-4a5b-8c7d-112233445566", [94, 11, 16]),
            (&[0, 255, 128, 7, 200], [86, 96, 86]),
        ] {
            assert_eq!(Partitioner::ALL.map(|by| by.place(key, 97)), expected, "{key:?}");
        }
    }
}
