use ripcord::app::replay::*;
use ripcord::config::Config;
use ripcord::edge::target::registry::ShadowRegistry;
use ripcord::model::*;
use ripcord::shard::Output;
#[test]
fn dump() {
    let config = Config::load(&[], &Default::default()).unwrap();
    let text = std::fs::read_to_string("examples/flights/registry.json").unwrap();
    let r = Replay {
        files: vec!["examples/flights/telemetry.jsonl.gz".into()],
        registry: ShadowRegistry::read(TargetId::new("registry").unwrap(), &text).unwrap(),
        versions: None,
        source: recorded(&config.settings.sources[0], config.settings.replay_max_jump),
        rules: config.rules.clone(),
        mode: Some(Mode::Act),
    };
    let out = r.run(|_| {}).unwrap();
    for o in &out.outputs {
        match o {
            Output::Decision(d) => {
                let a = &d.assessment;
                println!(
                    "D {} {} {} {:?} {:?} {:?} stat {:.3} thr {} null {:?} est {:?} n {} d {} since {:?} against {:?} ruling {:?}",
                    a.at,
                    a.version,
                    a.trigger,
                    a.feature,
                    a.verdict,
                    a.reason,
                    a.evidence.statistic,
                    a.evidence.threshold,
                    a.evidence.null,
                    a.evidence.estimate,
                    a.evidence.samples,
                    a.evidence.design_effect,
                    a.evidence.since,
                    a.against,
                    d.ruling.as_ref().map(|r| (r.did, r.because.clone()))
                );
            }
            Output::Incident(i) => println!(
                "I {} {:?} {} {:?} {}",
                i.opened_at, i.trigger, i.version, i.state, i.because
            ),
            Output::Command(c) => println!("C {:?} {}", c.want, c.target),
            Output::Reply(_) => {}
        }
    }
}
#[test]
fn dump2() {
    let config = Config::load(&[], &Default::default()).unwrap();
    let text = std::fs::read_to_string("examples/flights/registry.json").unwrap();
    let r = Replay {
        files: vec!["examples/flights/telemetry.jsonl.gz".into()],
        registry: ShadowRegistry::read(TargetId::new("registry").unwrap(), &text).unwrap(),
        versions: None,
        source: recorded(&config.settings.sources[0], config.settings.replay_max_jump),
        rules: config.rules.clone(),
        mode: Some(Mode::Act),
    };
    let out = r.run(|_| {}).unwrap();
    let mut n = 0;
    for (d, c) in out.ledger.days() {
        n += c.n;
        if d.0.to_string() < "2013-06-03".to_string() {
            println!("{d:?} {c:?}");
        }
    }
    println!("labels {n} after_close {} gaps {}", out.status.after_close, out.status.gaps);
    for v in out.status.models.values() {
        for (k, v) in &v.versions {
            for s in &v.signals {
                println!(
                    "{k} {} {:?} {:?} n {} at {}",
                    s.trigger, s.feature, s.verdict, s.samples, s.at
                );
            }
        }
    }
}
