//! How long ago decide, ingest and each model's telemetry were last heard of, and who has stopped.
//!
//! Law: an age is a time of this server's monotonic clock since it saw something new, plus a
//! difference of two log times of one inbox. Nothing else compares.

use std::collections::BTreeMap;

use super::App;
use crate::edge::clock::Uptime;
use crate::edge::log::Topic;
use crate::model::{LogTime, ModelId, RuleSet, SourceId, Span};
use crate::phrases::span;
use crate::shard::{ModelStatus, Status};
use crate::wire::api::{Overview, RoleView};

/// Decide reports every second, or every five while nothing comes; after this it has stopped.
const SILENT: Span = Span::from_s(10);

/// What is known of the last words, shard by shard.
pub(super) struct LastWords<'a> {
    app: &'a App,
    now: Uptime,
    /// The age of each source's last word, by the shard that heard it last.
    sources: BTreeMap<SourceId, Span>,
    /// Shards whose log time has stopped, and for how long.
    stopped: Vec<(u32, Span)>,
}

impl<'a> LastWords<'a> {
    pub(super) fn new(app: &'a App) -> Self {
        let now = app.topics.log.uptime();
        Self { app, now, sources: BTreeMap::new(), stopped: Vec::new() }
    }

    /// How long ago decide said something about a shard; none: not since this server started.
    pub(super) fn of_shard(&self, shard: u32) -> Option<Span> {
        self.app.seen.age(Topic::Status, shard, self.now)
    }

    /// Takes a shard's last report.
    pub(super) fn take(&mut self, shard: u32, status: &Status, overview: &mut Overview) {
        let ahead = &mut overview.clock.log_ahead_seconds;
        *ahead = ahead.max(status.log_ahead.as_s());
        let Some(log_time) = status.log_time else { return };
        let told = self.app.seen.silence(Topic::Status, shard, self.now);
        for (source, heard) in &status.sources_heard {
            let age = plus(log_time - *heard, told);
            let known = self.sources.entry(source.clone()).or_insert(age);
            *known = age.min(*known);
        }
        if status.log_stopped > SILENT {
            self.stopped.push((shard, status.log_stopped));
        }
    }

    /// Takes the last reports of models. The shard's log time may be a little older.
    pub(super) fn of_models(
        &self,
        shard: u32,
        log_time: Option<LogTime>,
        models: impl Iterator<Item = (ModelId, ModelStatus)>,
        overview: &mut Overview,
    ) {
        let told = self.app.seen.silence(Topic::Status, shard, self.now);
        for (id, model) in models {
            if let (Some(log_time), Some(heard)) = (log_time, model.heard) {
                let age = plus(log_time - heard, told).as_s();
                overview.record_age_seconds.insert(id.clone(), age);
            }
            overview.models.insert(id, model);
        }
    }

    /// Says who has spoken when, and who has stopped.
    pub(super) fn judge(self, rules: Option<&RuleSet>, overview: &mut Overview) {
        let silences = self.silences(Topic::Status);
        let decide = silences.iter().map(|(_, silence)| *silence).max().unwrap_or_default();
        let heard = overview.shards.iter().map(|view| view.age_seconds);
        let age_seconds = heard.reduce(|a, b| Some(a?.max(b?))).flatten();
        overview.roles.push(RoleView { role: "decide".to_owned(), age_seconds });
        if decide > SILENT {
            overview.stopped.push(self.decide_stopped(&silences, decide));
        }
        // Without decide nobody says who spoke last; but that somebody speaks is seen.
        let anybody = self.silences(Topic::Inbox).into_iter().map(|(_, silence)| silence).min();
        let limit = rules.map_or(SILENT, |rules| rules.default.policy.stall_after.max(SILENT));
        for source in &self.app.sources {
            let known = self.sources.get(&source.id).copied();
            let age = if decide > SILENT { known.and(anybody) } else { known };
            let role = format!("ingest {}", source.id);
            let silence = age.unwrap_or_else(|| self.app.seen.up_for(self.now));
            if silence > limit {
                let silence = span(silence);
                let text = format!(
                    "{role} has said nothing for {silence}, so nothing is measured; is it running, \
                     and can it write to the log?"
                );
                overview.stopped.push(text);
            }
            overview.roles.push(RoleView { role, age_seconds: age.map(Span::as_s) });
        }
        for (shard, stopped) in self.stopped {
            overview.stopped.push(format!(
                "the log time of shard {shard} has stopped for {} although records are appended, \
                 so no deadline passes; look at the clock of the machine that holds the log",
                span(stopped)
            ));
        }
    }

    fn silences(&self, topic: Topic) -> Vec<(u32, Span)> {
        let shards = 0..self.app.topics.shards;
        shards.map(|shard| (shard, self.app.seen.silence(topic, shard, self.now))).collect()
    }

    fn decide_stopped(&self, silences: &[(u32, Span)], longest: Span) -> String {
        let silent = silences.iter().filter(|(_, silence)| *silence > SILENT);
        let silent: Vec<_> = silent.map(|(shard, _)| shard.to_string()).collect();
        let of = match silent.len() == silences.len() {
            true => String::new(),
            false => format!(" about shards {}", silent.join(", ")),
        };
        let longest = span(longest);
        format!(
            "decide has said nothing{of} for {longest}, so nothing is decided; is it running, and \
             can it write to the log?"
        )
    }
}

fn plus(a: Span, b: Span) -> Span {
    Span::from_ms(a.as_ms().max(0).saturating_add(b.as_ms()))
}
