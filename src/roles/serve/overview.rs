//! Everything at a glance, from the last report of every shard.

use std::collections::BTreeMap;

use super::App;
use super::last_words::LastWords;
use super::stored::{StoredValue, by_key, decoded};
use crate::edge::http::Problem;
use crate::edge::log::Topic;
use crate::model::{ModelId, RuleSet, SourceId, Span};
use crate::shard::{BUILD, ModelStatus, Status};
use crate::topics::{KEYS, LANE, MODEL, STATUS, TROUBLE};
use crate::wire::api::{ClockView, Overview, RulesView, ShardView};
use crate::wire::json;
use crate::wire::lanes::LaneReport;

/// The last report of every shard, put together.
pub(super) fn overview(app: &App) -> Result<Overview, Problem> {
    app.look()?;
    let (clock, mut words) = (app.topics.log.clock(), LastWords::new(app));
    let mut overview = Overview {
        schema: "ripcord.status/1".to_owned(),
        version: BUILD.to_owned(),
        namespace: app.topics.namespace.clone(),
        writing: app.writing.words().to_owned(),
        now: app.topics.log.now(),
        clock: ClockView { host: clock.host(), log_ahead_seconds: clock.ahead().as_s() },
        stopped: Vec::new(),
        roles: Vec::new(),
        record_age_seconds: BTreeMap::new(),
        records: BTreeMap::new(),
        rules: None,
        trouble: BTreeMap::new(),
        lanes: Vec::new(),
        keys: BTreeMap::new(),
        shards: Vec::new(),
        models: BTreeMap::new(),
    };
    for shard in 0..app.topics.shards {
        let mut kept = by_key(app, Topic::Status, shard)?;
        overview.trouble.extend(said(&kept, TROUBLE));
        let keys = said(&kept, KEYS).filter_map(|(id, why)| Some((SourceId::new(&id).ok()?, why)));
        overview.keys.extend(keys);
        overview.lanes.extend(lanes(app, shard, &kept));
        let told = kept.remove(STATUS);
        let mut view = ShardView {
            shard,
            told_at: told.as_ref().map(|told| told.time),
            age_seconds: words.of_shard(shard).filter(|_| told.is_some()).map(Span::as_s),
            lag: None,
            read_to: None,
            rules: None,
            after_close: 0,
            refused_names: 0,
            gaps: 0,
            unreadable: 0,
            ignored_answers: 0,
            illegal_moves: 0,
            refused_fences: 0,
        };
        if let Some(told) = told {
            let status: Status = json::decode("status", &told.value)?;
            words.take(shard, &status, &mut overview);
            let (_, end) = app.bounds(Topic::Inbox, shard)?;
            view.lag = Some(u64::try_from(end - status.next).unwrap_or(0));
            view.read_to = status.read_to;
            view.rules = status.rules;
            view.after_close = status.after_close;
            view.refused_names = status.refused_names;
            view.gaps = status.gaps;
            view.unreadable = status.unreadable;
            view.ignored_answers = status.ignored_answers;
            view.illegal_moves = status.illegal_moves;
            view.refused_fences = status.refused_fences;
            // Every shard gets the counts of every lane: the one that read most is the newest.
            for (source, counters) in status.records {
                let known = overview.records.entry(source).or_default();
                if counters.read >= known.read {
                    *known = counters;
                }
            }
            words.of_models(shard, status.log_time, models(app, shard, &kept), &mut overview);
        }
        overview.shards.push(view);
    }
    let rule_set = app.topics.rules()?;
    words.judge(rule_set.as_ref(), &mut overview);
    overview.rules = rule_set.map(view);
    Ok(overview)
}

fn view(rule_set: RuleSet) -> RulesView {
    let RuleSet { revision, hash, by, reason, .. } = rule_set;
    RulesView { revision, hash, by, reason }
}

/// What was last said under keys that begin so, unless that is nothing.
fn said<'a>(
    kept: &'a BTreeMap<String, StoredValue>,
    begin: &'a str,
) -> impl Iterator<Item = (String, String)> + 'a {
    kept.iter().filter_map(move |(key, kept)| {
        let of = key.strip_prefix(begin)?.to_owned();
        let why = String::from_utf8_lossy(&kept.value).into_owned();
        (!why.is_empty()).then_some((of, why))
    })
}

/// The lanes with news.
fn lanes(app: &App, shard: u32, kept: &BTreeMap<String, StoredValue>) -> Vec<LaneReport> {
    let reports = kept.iter().filter(|(key, _)| key.starts_with(LANE)).filter_map(|(_, kept)| {
        decoded::<LaneReport>(app, (Topic::Status, shard), kept.position, &kept.value)
    });
    reports.filter(LaneReport::has_news).collect()
}

/// The models of a shard.
fn models<'a>(
    app: &'a App,
    shard: u32,
    kept: &'a BTreeMap<String, StoredValue>,
) -> impl Iterator<Item = (ModelId, ModelStatus)> + 'a {
    kept.iter().filter_map(move |(key, kept)| {
        let id = ModelId::new(key.strip_prefix(MODEL)?).ok()?;
        let at = (Topic::Status, shard);
        Some((id, decoded(app, at, kept.position, &kept.value)?))
    })
}

/// Whether decide has not reported lately or log time has stopped, and the problem then.
pub(super) fn unready(overview: &Overview) -> Option<String> {
    let from_the_start = overview.shards.iter().filter(|view| view.age_seconds.is_none());
    let from_the_start: Vec<_> =
        from_the_start.map(|view| format!("{} from the start", view.shard)).collect();
    if from_the_start.is_empty() && overview.stopped.is_empty() {
        return None;
    }
    Some(match from_the_start.is_empty() {
        true => overview.stopped.join(". "),
        false => format!(
            "silent shards: {}. Nothing is decided for their models; is the decide role running?",
            from_the_start.join(", ")
        ),
    })
}
