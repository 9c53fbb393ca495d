//! A small world in lines: one input per line in, one output per line out.
//!
//! ```text
//! rules mode=act targets=registry,notice max=1 …   before anything else
//! fact registry production=v3 versions=v3,v2*,v1!  newest first; * proven by it, ! files missing
//! traffic v3=25 v2=~3 x6                           six panes; ~ of unstated role
//! assess v3 accuracy-drop breach better=v2         also unknown=v1 feature=f same closed=500/20
//! assess v2 accuracy-drop healthy past=500/20            a bucket that ends now, and no later
//! assess v2 worse-than-reference healthy pair=v3:500/10/5   n, only a right, only b right
//! answer registry done some words                  to the newest command for that target
//! answer registry done old                         to the first one ever
//! answer registry refused code=expired fence=9     with a code, and the fence of the target
//! ask rollback v2 | ask mode all observe | …       with id=X the id is X
//! +90s | +25h                                      time passes, then a tick
//! apply                                            the rules changed while it runs
//! show                                             standing and where a rollback would go
//! ```
//!
//! Over 300 lines: the words of the scenarios, each read and printed in one place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ripcord::model::{
    Action, Ask, Benefit, Budget, Command, CommandResult, Comparison, EventTime, Fact, FeatureName,
    Incident, Instruction, Limit, LogTime, Mode, ModelId, ModelRules, NameLimits, Namespace,
    Policy, Reason, Reference, RuleSet, Scope, Signal, Span, Stage, Statistic, StepResult,
    TargetId, TargetRule, Tolerance, Trigger, TriggerId, Verdict, VersionFact, VersionId, Want,
};
use ripcord::sums::{Assessment, BucketSums, Evidence, LiveTraffic, PairTable, Tally};
use ripcord::undo::{Input, Moment, Output, Undo};

const START: i64 = 1_767_225_600_000;

pub struct World {
    pub undo: Undo,
    pub rules: RuleSet,
    pub log: LogTime,
    pub event: EventTime,
    pub commands: Vec<Command>,
    pub incidents: BTreeMap<String, Incident>,
    pub outputs: Vec<Output>,
    /// Store and read back after every step.
    pub forgetful: bool,
    numbers: Vec<String>,
    instructions: u32,
}

pub fn model() -> ModelId {
    ModelId::new("m").unwrap()
}

pub fn version(name: &str) -> VersionId {
    VersionId::new(name).unwrap()
}

fn trigger(id: &str, signal: Signal, limit: Limit, action: Action, bucket: i64) -> Trigger {
    Trigger {
        id: TriggerId::new(id).unwrap(),
        signal,
        limit,
        statistic: Statistic::EDetector,
        action,
        mode: None,
        bucket: Span::from_s(bucket),
        weight: 0.25,
        minimum_samples: 20,
        completeness: 0.8,
        design_effect: 2.0,
        provisional: false,
        act_without_reference: false,
    }
}

pub fn rules() -> RuleSet {
    let (minute, hour) = (60, 3600);
    let rollback = Action::Rollback;
    let triggers = vec![
        trigger("worse-than-reference", Signal::Accuracy, Limit::Paired(0.02), rollback, hour),
        trigger(
            "accuracy-drop",
            Signal::Accuracy,
            Limit::Baseline(Tolerance::Points(0.05)),
            rollback,
            hour,
        ),
        trigger("error-rate", Signal::ErrorRate, Limit::Rate(0.1), rollback, minute),
        trigger(
            "mean-latency",
            Signal::Latency,
            Limit::MeanMs { limit: 2000.0, timeout: 60_000.0 },
            rollback,
            minute,
        ),
        trigger(
            "feature-drift",
            Signal::FeatureDrift,
            Limit::Psi { limit: 0.25, bins: 10, learn: 5000 },
            Action::Alert,
            hour,
        ),
    ];
    let h = |hours: i64| Span::from_s(hours * 3600);
    let policy = Policy {
        proving_period: h(24),
        trust_assumed: false,
        cooldown: h(24),
        max_rollbacks: 3,
        rollbacks_period: h(24 * 7),
        quarantine: h(24 * 7),
        answer_within: Span::from_s(10),
        command_expires: Span::from_s(60),
        mitigate_within: Span::from_s(600),
        verify_within: h(24 * 7),
        verify_prolong_times: 3,
        live_samples: 20,
        verify_samples: 500,
        verify_after_minutes: h(1),
        verify_after_hours: h(24),
        resolve_after: h(24),
        stall_after: Span::from_s(60),
        hand_over: h(1),
        baseline_samples: 1000,
        max_loss_percent: 5.0,
        forget_after: h(24 * 30),
    };
    RuleSet {
        namespace: Namespace::new("test").unwrap(),
        revision: 1,
        hash: String::new(),
        by: None,
        reason: None,
        limits: NameLimits::before_settings(),
        default: ModelRules {
            mode: Mode::Act,
            budget: Budget { false_rollbacks: 1.0, period: h(24 * 90) },
            triggers,
            policy,
            targets: vec![target("registry")],
        },
        models: BTreeMap::new(),
    }
}

fn target(word: &str) -> TargetRule {
    let stage = match word {
        "router" => Stage::Traffic,
        "registry" => Stage::Registry,
        "config" => Stage::Config,
        "notice" => Stage::Notice,
        other => panic!("no target {other}"),
    };
    TargetRule { id: TargetId::new(word).unwrap(), stage, authority: stage == Stage::Registry }
}

fn mode(word: &str) -> Mode {
    match word {
        "observe" => Mode::Observe,
        "recommend" => Mode::Recommend,
        "act" => Mode::Act,
        other => panic!("no mode {other}"),
    }
}

fn span(word: &str) -> Span {
    let (number, unit) = word.split_at(word.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        other => panic!("no unit {other}"),
    };
    Span::from_s(number.parse::<i64>().unwrap() * unit)
}

fn numbers(text: &str) -> Vec<u64> {
    text.split('/').map(|n| n.parse().unwrap()).collect()
}

impl World {
    pub fn new() -> Self {
        Self {
            undo: Undo::default(),
            rules: rules(),
            log: LogTime::from_ms(START),
            event: EventTime::from_ms(START),
            commands: Vec::new(),
            incidents: BTreeMap::new(),
            outputs: Vec::new(),
            forgetful: false,
            numbers: Vec::new(),
            instructions: 0,
        }
    }

    pub fn line(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let rest = words.get(1..).unwrap_or_default();
        match words[0] {
            "rules" => rest.iter().for_each(|word| self.rule(word)),
            "fact" => return self.fact(rest),
            "traffic" => return self.traffic(rest),
            "assess" => return self.assess(rest),
            "answer" => return self.answer(rest),
            "ask" => return self.ask(rest),
            "show" => return self.show(),
            "apply" => return self.step(Input::Rules),
            time if time.starts_with('+') => {
                self.pass(span(&time[1..]));
                return self.step(Input::Tick);
            }
            other => panic!("no such line: {other}"),
        }
        String::new()
    }

    pub fn pass(&mut self, span: Span) {
        self.log = self.log + span;
        self.event = self.event + span;
    }

    fn rule(&mut self, word: &str) {
        let (key, value) = word.split_once('=').unwrap();
        let rules = &mut self.rules.default;
        match key {
            "mode" => rules.mode = mode(value),
            "targets" if value == "none" => rules.targets = Vec::new(),
            "targets" => rules.targets = value.split(',').map(target).collect(),
            "authority" => {
                for target in &mut rules.targets {
                    target.authority = value.split(',').any(|id| id == target.id.as_str());
                }
            }
            "max" => rules.policy.max_rollbacks = value.parse().unwrap(),
            "trust_assumed" => rules.policy.trust_assumed = value == "yes",
            "trigger-mode" => {
                let (id, word) = value.split_once(':').unwrap();
                let rule = rules.triggers.iter_mut().find(|rule| rule.id.as_str() == id);
                rule.unwrap().mode = Some(mode(word));
            }
            other => panic!("no rule {other}"),
        }
    }

    pub fn step(&mut self, input: Input<'_>) -> String {
        let now = Moment { log: self.log, event: self.event, reply_to: 0 };
        let mut out = Vec::new();
        let refused = self.undo.refused_fences();
        self.undo.step(now, &self.rules, input, &mut out);
        if self.forgetful {
            let stored = serde_json::to_string(&self.undo).unwrap();
            let read: Undo = serde_json::from_str(&stored).unwrap();
            assert_eq!(read, self.undo);
            assert_eq!(serde_json::to_string(&read).unwrap(), stored);
            self.undo = read;
        }
        let mut text = String::new();
        for output in &out {
            let line = self.print(output);
            writeln!(text, "{line}").unwrap();
        }
        self.outputs.extend(out);
        if self.undo.refused_fences() > refused {
            text += "fence refused\n";
        }
        text
    }

    fn print(&mut self, output: &Output) -> String {
        let line = match output {
            Output::Command(command) => {
                self.number(command.incident.as_str());
                self.commands.push(command.clone());
                let g = command.generation;
                match &command.want {
                    Want::Production { version, instead_of } => {
                        format!("command {} g{g}: {version}, not {instead_of}", command.target)
                    }
                    Want::Notice { summary, severity } => format!("notice {severity}: {summary}"),
                }
            }
            Output::Incident(incident) => {
                let n = self.number(incident.id.as_str());
                self.incidents.insert(incident.id.to_string(), incident.clone());
                let trigger = incident.trigger.as_ref().map_or("-", |t| t.as_str());
                let to = incident.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
                let proof = incident.proof.map(|p| format!(" {p:?}")).unwrap_or_default();
                let steps: String = incident.plan.iter().map(mark).collect();
                let plan = if steps.is_empty() { steps } else { format!(" [{steps}]") };
                let next = incident.next.as_ref().map(|next| format!(" Next: {next}"));
                let next = next.unwrap_or_default();
                format!(
                    "#{n} {} {trigger} {:?} {:?}{to}{plan}{proof}: {}{next}",
                    incident.version, incident.verdict, incident.state, incident.because
                )
            }
            Output::Ruling(ruling) => {
                format!("ruling {:?}: {}", ruling.did, ruling.because)
            }
            Output::Reply(reply) => {
                let word = if reply.accepted { "yes" } else { "no" };
                format!("reply {word}: {}", reply.detail)
            }
        };
        let named = self.numbers.iter().enumerate();
        named.fold(line, |line, (n, id)| line.replace(id, &format!("#{}", n + 1)))
    }

    fn number(&mut self, id: &str) -> usize {
        if let Some(n) = self.numbers.iter().position(|known| known == id) {
            return n + 1;
        }
        self.numbers.push(id.to_owned());
        self.numbers.len()
    }

    fn fact(&mut self, words: &[&str]) -> String {
        let mut fact = Fact {
            routes: BTreeMap::new(),
            model: model(),
            target: TargetId::new(words[0]).unwrap(),
            production: None,
            versions: Vec::new(),
            generation: 0,
        };
        for word in &words[1..] {
            match word.split_once('=').unwrap() {
                ("production", name) => fact.production = Some(version(name)),
                ("generation", number) => fact.generation = number.parse().unwrap(),
                ("versions", names) => fact.versions = names.split(',').map(known).collect(),
                (other, _) => panic!("no such word: {other}"),
            }
        }
        self.step(Input::Fact(&fact))
    }

    fn traffic(&mut self, words: &[&str]) -> String {
        let times = words.iter().find_map(|word| word.strip_prefix('x')?.parse().ok());
        let share = |word: &&str| {
            let (name, n) = word.split_once('=')?;
            Some(match n.strip_prefix('~') {
                Some(n) => (version(name), 0, n.parse().unwrap()),
                None => (version(name), n.parse().unwrap(), 0),
            })
        };
        let versions: Vec<(VersionId, u64, u64)> = words.iter().filter_map(share).collect();
        let mut text = String::new();
        for _ in 0..times.unwrap_or(1) {
            let pane = self.event;
            self.pass(Span::from_s(10));
            let (end, versions) = (self.event, versions.clone());
            text +=
                &self.step(Input::Traffic(&LiveTraffic { model: model(), pane, end, versions }));
        }
        text
    }

    fn assess(&mut self, words: &[&str]) -> String {
        let rules = self.rules.clone();
        let rule = rules.default.triggers.iter().find(|rule| rule.id.as_str() == words[1]).unwrap();
        let mut a = assessment(rule, words[0], words[2], self.event);
        let start = self.event;
        for word in &words[3..] {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            match key {
                "same" => a.changed = false,
                "better" => a.against.push(against(value, Benefit::Better)),
                "unknown" => a.against.push(against(value, Benefit::Unknown)),
                "feature" => a.feature = Some(FeatureName::new(value).unwrap()),
                "few" => a.reason = Reason::TooFewSamples,
                "past" => {
                    let tally = tally(key, value);
                    let start = start - rule.bucket;
                    let (end, design_effect) = (self.event, 1.0);
                    a.closed.push(BucketSums { start, end, design_effect, tally, lost: 0 });
                }
                "closed" | "pair" | "mean" => {
                    self.pass(rule.bucket);
                    let end = self.event;
                    a.at = end;
                    let tally = tally(key, value);
                    a.closed.push(BucketSums { start, end, design_effect: 1.0, tally, lost: 0 });
                }
                other => panic!("no such word: {other}"),
            }
        }
        self.step(Input::Assessed(&a))
    }

    fn answer(&mut self, words: &[&str]) -> String {
        let of = |command: &&Command| command.target.as_str() == words[0];
        let old = words.last() == Some(&"old");
        let mut commands = self.commands.iter().filter(of);
        let command = if old { commands.next() } else { commands.next_back() };
        let command = command.expect("nothing was asked of it").clone();
        let answer = CommandResult {
            command: command.id,
            incident: command.incident,
            model: model(),
            target: command.target,
            outcome: outcome(words[1]),
            proof: None,
            detail: words[2..].join(" "),
            code: words.iter().find_map(|word| {
                let code = word.strip_prefix("code=")?;
                Some(serde_json::from_value(code.into()).unwrap())
            }),
            fence: words.iter().find_map(|word| word.strip_prefix("fence=")?.parse().ok()),
            took_us: None,
        };
        let ignored = self.undo.ignored_answers();
        let mut text = self.step(Input::Answer(&answer));
        if self.undo.ignored_answers() > ignored {
            text += "ignored\n";
        }
        text
    }

    fn ask(&mut self, words: &[&str]) -> String {
        let model = model();
        let (id, words) = match words[0].strip_prefix("id=") {
            Some(id) => (id.to_owned(), &words[1..]),
            None => {
                self.instructions += 1;
                (format!("i{}", self.instructions), words)
            }
        };
        let name = || version(words[1]);
        let all = words.get(1) == Some(&"all");
        let scope = if all { Scope::All } else { Scope::Model(model.clone()) };
        let ask = match words[0] {
            "rollback" => Ask::Rollback { model, to: words.get(1).map(|v| version(v)) },
            "abort" => Ask::Abort { model },
            "approve" => Ask::Approve { model },
            "mode" => Ask::Mode { scope, mode: mode(words[words.len() - 1]) },
            "freeze" => Ask::Freeze { scope },
            "unfreeze" => Ask::Unfreeze { scope },
            "promoted" => Ask::Promoted { model, version: name() },
            "vouch" => Ask::Vouch { model, version: name() },
            "quarantine" => Ask::Quarantine { model, version: name() },
            "release" => Ask::Release { model, version: name() },
            other => panic!("no such ask: {other}"),
        };
        let instruction = Instruction { id, by: "ann".into(), reason: "said so".into(), ask };
        self.step(Input::Instruction(&instruction))
    }

    fn show(&self) -> String {
        let standing = self.undo.standing(&model());
        let production = standing.production.as_ref().map_or("-", |v| v.as_str());
        let mut text = format!("production {production}");
        for (name, version) in &standing.versions {
            let proven = if version.proven { " proven" } else { "" };
            write!(text, ", {name} {:?}{proven}", version.role).unwrap();
        }
        let would = self.undo.would_roll_back_to(&self.rules, &model());
        let would = match would {
            Ok((to, how)) => format!("{to} ({})", how.words()),
            Err(why) => format!("no version, because {why}"),
        };
        writeln!(text, "\nwould roll back to {would}").unwrap();
        text
    }
}

fn mark(step: &ripcord::model::Step) -> char {
    match (step.outcome, step.asked_at) {
        (None, None) => '.',
        (None, Some(_)) => '>',
        (Some(StepResult::Done), _) => 'D',
        (Some(StepResult::Refused), _) => 'R',
        (Some(StepResult::Failed), _) => 'F',
        (Some(StepResult::Unknown), _) => '?',
    }
}

fn outcome(word: &str) -> StepResult {
    match word {
        "done" => StepResult::Done,
        "refused" => StepResult::Refused,
        "failed" => StepResult::Failed,
        "unknown" => StepResult::Unknown,
        other => panic!("no outcome {other}"),
    }
}

fn known(word: &str) -> VersionFact {
    let name = word.trim_end_matches(['*', '!']);
    VersionFact {
        version: version(name),
        archived: false,
        proven_good: word.contains('*'),
        artifact_present: Some(!word.contains('!')),
        created_at: None,
        baselines: BTreeMap::new(),
    }
}

fn against(name: &str, better: Benefit) -> Comparison {
    Comparison { version: version(name), better, reference: Reference::Paired }
}

fn tally(key: &str, value: &str) -> Tally {
    match key {
        "pair" => {
            let (other, counts) = value.split_once(':').unwrap();
            let n = numbers(counts);
            let both = n[0] - n[1] - n[2];
            let table = PairTable { both, only_a: n[1], only_b: n[2], neither: 0 };
            Tally::Paired { other: version(other), table }
        }
        "mean" => {
            let n = numbers(value);
            Tally::Mean { n: n[0], sum_ms: n[1] as f64, sum_sq: 0.0, growth: Vec::new() }
        }
        _ => {
            let n = numbers(value);
            Tally::Rate { n: n[0], bad: n[1] }
        }
    }
}

pub fn assessment(rule: &Trigger, name: &str, verdict: &str, at: EventTime) -> Assessment {
    let verdict = match verdict {
        "healthy" => Verdict::Healthy,
        "breach" => Verdict::Breach,
        "systemic" => Verdict::Systemic,
        "insufficient" => Verdict::Insufficient,
        "stale" => Verdict::Stale,
        other => panic!("no verdict {other}"),
    };
    Assessment {
        model: model(),
        version: version(name),
        trigger: rule.id.clone(),
        signal: rule.signal,
        feature: None,
        at,
        verdict,
        reason: Reason::BenefitShown,
        changed: true,
        provisional: false,
        evidence: Evidence {
            rule: rule.statistic,
            statistic: 1000.0,
            threshold: 500.0,
            limit: rule.limit,
            null: match rule.limit {
                Limit::Baseline(_) => Some(0.14),
                Limit::Rate(limit) | Limit::Paired(limit) => Some(limit),
                Limit::MeanMs { limit, .. } | Limit::Psi { limit, .. } => Some(limit),
            },
            baseline: None,
            estimate: Some(0.25),
            interval: None,
            samples: 400,
            design_effect: 2.0,
            calibration: (30, 30),
            reference: Reference::Paired,
            since: Some(at - Span::from_s(600)),
            before: Vec::new(),
            buckets: Vec::new(),
        },
        against: Vec::new(),
        closed: Vec::new(),
    }
}
