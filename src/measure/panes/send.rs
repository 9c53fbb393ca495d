//! Which cells go with a frame: those that changed, at most once a second each unless something bad
//! was counted or their pane closed.

use super::{Pane, Panes};
use crate::measure::places::Names;
use crate::model::{EventTime, LogTime};
use crate::sums::{FeaturesPartial, PairPartial, UnknownPartial, VersionPartial};

/// The cells that go with a frame, and when the next one is due of those held back.
#[derive(Debug, Default)]
pub(in crate::measure) struct Sending {
    pub(in crate::measure) versions: Vec<VersionPartial>,
    pub(in crate::measure) pairs: Vec<PairPartial>,
    pub(in crate::measure) features: Vec<FeaturesPartial>,
    pub(in crate::measure) unknown: Vec<UnknownPartial>,
    pub(in crate::measure) wait: Option<LogTime>,
}

impl Panes {
    /// Takes what is due: cells that changed, at most once a second each unless something bad
    /// was counted or the pane closed.
    pub(in crate::measure) fn send(&mut self, now: LogTime, names: &Names) -> Sending {
        let mut out = Sending::default();
        self.unsent = 0;
        for (start, mut pane) in std::mem::take(&mut self.closed) {
            collect(start, &mut pane, now, true, names, &mut out);
        }
        for (&start, pane) in self.open.iter_mut().filter(|(_, pane)| pane.changed) {
            collect(start, pane, now, false, names, &mut out);
        }
        out.versions.sort_by(|x, y| {
            (x.pane, &x.model, &x.version, x.role).cmp(&(y.pane, &y.model, &y.version, y.role))
        });
        out.unknown.sort_by(|x, y| (x.pane, &x.model).cmp(&(y.pane, &y.model)));
        out.pairs
            .sort_by(|x, y| (x.pane, &x.model, &x.a, &x.b).cmp(&(y.pane, &y.model, &y.a, &y.b)));
        out.features.sort_by(|x, y| (&x.model, x.pane, &x.of).cmp(&(&y.model, y.pane, &y.of)));
        out
    }
}

fn collect(
    start: EventTime,
    pane: &mut Pane,
    now: LogTime,
    closed: bool,
    names: &Names,
    out: &mut Sending,
) {
    for (&(version, role), cell) in &mut pane.versions {
        let bad = cell.sums.bad();
        if cell.due(now, closed, bad, &mut out.wait) {
            let (model, version) = names.version_name(version);
            let (model, version) = (model.clone(), version.clone());
            let sums = cell.sums.clone();
            out.versions.push(VersionPartial { pane: start, model, version, role, sums });
        }
    }
    for (&(a, b), cell) in &mut pane.pairs {
        let table = cell.sums;
        let bad = table.only_a + table.only_b + table.neither;
        if cell.due(now, closed, bad, &mut out.wait) {
            let (model, a) = names.version_name(a);
            let (model, a) = (model.clone(), a.clone());
            let b = names.version_name(b).1.clone();
            out.pairs.push(PairPartial { pane: start, model, a, b, table });
        }
    }
    for (&model, cell) in &mut pane.unknown {
        if cell.due(now, closed, cell.sums.total(), &mut out.wait) {
            let model = model.map(|model| names.model_name(model).clone());
            out.unknown.push(UnknownPartial { pane: start, model, lost: cell.sums });
        }
    }
    if closed {
        for (of, features) in std::mem::take(&mut pane.features) {
            let (model, of) = names.whose(of);
            let named = |(feature, grid)| (names.feature_name(feature).clone(), grid);
            let features = features.into_iter().map(named).collect();
            out.features.push(FeaturesPartial { pane: start, model, of, features });
        }
    }
    let held_back = pane.versions.values().any(|cell| cell.changed)
        || pane.unknown.values().any(|cell| cell.changed)
        || pane.pairs.values().any(|cell| cell.changed);
    pane.changed = held_back;
}
