//! Sums merge like numbers: in any order, in any grouping, and nothing is nothing.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Debug;

use proptest::prelude::*;
use ripcord::model::{FeatureName, LostField, Reject};
use ripcord::sums::{
    Counters, Counts, FeatureGrids, Grid, HealthSums, Latency, Losses, PairTable, RunSums,
    VersionSums, features,
};

fn law<T: Clone + Default + PartialEq + Debug>(
    parts: &[T; 3],
    merge: impl Fn(&mut T, &T),
) -> Result<(), TestCaseError> {
    let [a, b, c] = parts;
    let sum = |left: &T, right: &T| {
        let mut sum = left.clone();
        merge(&mut sum, right);
        sum
    };
    prop_assert_eq!(sum(a, b), sum(b, a), "it does not commute");
    prop_assert_eq!(sum(&sum(a, b), c), sum(a, &sum(b, c)), "it does not associate");
    prop_assert_eq!(&sum(a, &T::default()), a, "nothing changes it");
    prop_assert_eq!(&sum(&T::default(), a), a, "it changes nothing");
    Ok(())
}

const MOST: u64 = 1 << 40;

fn counts() -> impl Strategy<Value = Counts> {
    (0..MOST, 0..MOST).prop_map(|(n, bad)| Counts { n, bad })
}

fn health() -> impl Strategy<Value = HealthSums> {
    (0..MOST, 0..MOST, any::<u64>()).prop_map(|(n, cpu_millionths, memory_bytes_max)| HealthSums {
        n,
        cpu_millionths,
        memory_bytes_max,
    })
}

fn runs() -> impl Strategy<Value = RunSums> {
    (0..MOST, 0..MOST, 0..MOST).prop_map(|(started, succeeded, failed)| RunSums {
        started,
        succeeded,
        failed,
    })
}

fn table() -> impl Strategy<Value = PairTable> {
    (0..MOST, 0..MOST, 0..MOST, 0..MOST).prop_map(|(both, only_a, only_b, neither)| PairTable {
        both,
        only_a,
        only_b,
        neither,
    })
}

fn latency() -> impl Strategy<Value = Latency> {
    prop::collection::vec(any::<u32>(), 0..20).prop_map(|durations| {
        let mut latency = Latency::default();
        durations.into_iter().for_each(|us| latency.record(u64::from(us)));
        latency
    })
}

fn grid() -> impl Strategy<Value = Grid> {
    let numbers = prop::collection::vec(any::<f64>(), 0..12);
    let names = prop::collection::vec(0..6_u8, 0..12);
    (numbers, names, 0..MOST).prop_map(|(numbers, names, missing)| {
        let mut grid = Grid { missing, ..Grid::default() };
        numbers.into_iter().for_each(|value| grid.number(value));
        names.into_iter().for_each(|name| grid.category(&name.to_string(), 4));
        grid
    })
}

fn inputs() -> impl Strategy<Value = FeatureGrids> {
    let name = prop::sample::select(vec!["age", "income", "city"]);
    let name = name.prop_map(|name| FeatureName::new(name).unwrap());
    prop::collection::btree_map(name, grid(), 0..3)
}

fn version() -> impl Strategy<Value = VersionSums> {
    let answers = (counts(), 0..MOST, prop::option::of(latency()));
    let rest = (prop::option::of(grid()), counts(), health(), runs(), runs(), losses());
    (answers, rest).prop_map(|((answers, timeouts, latency), rest)| {
        let (predictions, labels, health, training, pipeline, lost) = rest;
        VersionSums {
            answers,
            timeouts,
            latency: latency.map(Box::new),
            predictions: predictions.map(Box::new),
            labels,
            label_delay_s: timeouts,
            health,
            training,
            pipeline,
            lost,
        }
    })
}

fn losses() -> impl Strategy<Value = Losses> {
    [0..MOST, 0..MOST, 0..MOST, 0..MOST, 0..MOST].prop_map(
        |[answers, latencies, labels, types, features]| Losses {
            answers,
            latencies,
            labels,
            types,
            features,
        },
    )
}

fn counters() -> impl Strategy<Value = Counters> {
    let code = prop::sample::select(vec![Reject::NotJson, Reject::TooLarge, Reject::FromFuture]);
    let rejected = prop::collection::btree_map(code, 0..MOST, 0..3);
    let field = prop::sample::select(LostField::ALL.to_vec());
    let lost = prop::collection::btree_map(field, 0..MOST, 0..3);
    (std::array::from_fn::<_, 8, _>(|_| 0..MOST), rejected, lost).prop_map(
        |(
            [read, measured, waiting, unmatched, late, duplicate, tombstones, not_ours],
            rejected,
            lost,
        )| {
            Counters {
                read,
                measured,
                waiting,
                unmatched,
                late,
                duplicate,
                tombstones,
                not_ours,
                rejected,
                lost,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn counts_merge(parts in [counts(), counts(), counts()]) {
        law(&parts, |sum, other| sum.merge(*other))?;
    }

    #[test]
    fn health_merges(parts in [health(), health(), health()]) {
        law(&parts, |sum, other| sum.merge(*other))?;
    }

    #[test]
    fn runs_merge(parts in [runs(), runs(), runs()]) {
        law(&parts, |sum, other| sum.merge(*other))?;
    }

    #[test]
    fn pair_tables_merge(parts in [table(), table(), table()]) {
        law(&parts, |sum, other| sum.merge(*other))?;
    }

    #[test]
    fn latencies_merge(parts in [latency(), latency(), latency()]) {
        law(&parts, Latency::merge)?;
    }

    #[test]
    fn grids_merge(parts in [grid(), grid(), grid()]) {
        law(&parts, Grid::merge)?;
    }

    #[test]
    fn inputs_merge(parts in [inputs(), inputs(), inputs()]) {
        law(&parts, features::merge)?;
    }

    #[test]
    fn versions_merge(parts in [version(), version(), version()]) {
        law(&parts, VersionSums::merge)?;
    }

    #[test]
    fn counters_merge(parts in [counters(), counters(), counters()]) {
        law(&parts, Counters::merge)?;
    }

    #[test]
    fn swapping_the_sides_of_a_table_twice_changes_nothing(table in table()) {
        prop_assert_eq!(table.swapped().swapped(), table);
        prop_assert_eq!(table.swapped().n(), table.n());
    }
}
