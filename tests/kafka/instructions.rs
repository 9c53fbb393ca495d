//! Instructions and rules on a real Kafka: what a plain producer forges does nothing and is told,
//! and what the command line sends through a server with the key works.

use ripcord::config::{Config, rules_hash, written_key};
use ripcord::edge::log::{Log as _, Outgoing, Partition, Topic};
use ripcord::model::{Ask, Instruction, Mode, RuleSet};
use ripcord::shard::Inbox;
use serde_json::Value as Json;

use crate::world::{Process, REGISTRY, Shape, World, header, until};

const VARIABLE: &str = "RIPCORD_INSTRUCTION_KEYS";
const REFUSED: &str = "ripcord_instructions_refused_total";

/// Appends a record as any producer with the right to write could.
fn forge(world: &World, record: &Inbox) {
    let to = Partition { topic: Topic::Inbox.name(&world.namespace), partition: 0 };
    let value = serde_json::to_vec(record).unwrap();
    let outgoing = Outgoing { to, key: None, headers: Vec::new(), value };
    world.log.writer(None).unwrap().append(vec![outgoing]).unwrap();
}

fn counted(decide: &Process, reason: &str) -> Option<u64> {
    let name = format!("{REFUSED}{{reason=\"{reason}\"}} ");
    let line = decide.metric(&name).pop()?;
    line.rsplit(' ').next().unwrap().parse().ok()
}

/// Where a server listens.
fn url(serve: &Process) -> String {
    let ready = || {
        let said = serve.said();
        let at = said.split_whitespace().find_map(|word| word.strip_prefix("at="))?;
        (serve.get("/readyz").0 == 200).then(|| format!("http://{at}"))
    };
    until("the server is ready", ready)
}

#[test]
fn only_signed_instructions_and_rules_do_anything() {
    let key = written_key("a", &[1; 32]);
    let keys = [(VARIABLE, key.as_str())];
    let world = World::new(Shape { lanes: 1, shards: 1 }, REGISTRY, "");
    let made = world.run(&["topics", "create"]);
    let warned = String::from_utf8(made.stderr).unwrap();
    assert!(warned.contains("instructions and rules are not signed"), "{warned}");
    // The first rules were made without a key.
    let made = world.run_in(&keys, &["topics", "create"]);
    assert_eq!(String::from_utf8(made.stderr).unwrap(), "");
    let decide = world.start_in(&keys, &["decide", "--health", "127.0.0.1:0"]);
    let registry = world.start(&["work", "registry", "--health", "127.0.0.1:0"]);
    let serve = world.start_in(&keys, &["serve"]);
    let plain_serve = world.start(&["serve"]);
    let (signing, plain) = (url(&serve), url(&plain_serve));
    assert!(plain_serve.said().contains("instructions and rules are not signed"));
    assert!(!serve.said().contains("instructions and rules are not signed"));
    let rules = || serde_json::from_str::<Json>(&serve.get("/api/rules").1).ok();
    let in_force = || rules().and_then(|rules| rules["revision"].as_u64());
    until("signed rules are in force", || (in_force() == Some(1)).then_some(()));
    until("the model is known", || serve.get("/api/status").1.contains("v3").then_some(()));
    let before = counted(&decide, "unsigned").unwrap_or(0);
    assert_eq!(before, 1, "the rules that were made without a key");

    let ask = Ask::Rollback { model: "m".parse().unwrap(), to: None };
    let [id, by, reason] = ["forged", "ann", "evil"].map(str::to_owned);
    forge(&world, &Inbox::Instruction(Instruction { id, by, reason, ask }));
    let config = Config::load(&[world.path("my.toml")], &[].into()).unwrap();
    let mut forged = RuleSet { revision: 99, ..config.rules };
    forged.default.mode = Mode::Observe;
    forged.hash = rules_hash(&forged);
    forge(&world, &Inbox::Rules(forged));
    until("both are refused", || (counted(&decide, "unsigned") == Some(before + 2)).then_some(()));
    let said = decide.said();
    assert!(said.contains("unauthenticated record refused"), "{said}");
    assert_eq!(world.registry(), (1, "v3".to_owned()));
    assert_eq!((world.commands().len(), in_force()), (0, Some(1)));
    let told = serve.get("/api/instructions/forged").1;
    assert!(told.contains("refused") && told.contains("it is not signed"), "{told}");

    // Who asks a server without the key is told why nothing happens.
    let asked = world.output(&["freeze", "m", "--reason", "r", "--url", &plain]);
    let told = String::from_utf8([asked.stdout, asked.stderr].concat()).unwrap();
    assert_eq!(asked.status.code(), Some(1), "{told}");
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("it is not signed; set the variable of"), "{told}");

    world.run(&["rollback", "m", "--to", "v2", "--reason", "r", "--url", &signing]);
    until("it is rolled back", || (world.registry() == (2, "v2".to_owned())).then_some(()));
    let records = world.records(Topic::Inbox);
    let signed = records.iter().filter(|record| record.value.starts_with(b"{\"instruction\""));
    let signed = signed.filter(|record| !record.headers.is_empty()).collect::<Vec<_>>();
    assert_eq!(signed.len(), 1);
    assert_eq!(header(signed[0], "ripcord-key-id"), "a");
    let secret = key.split_once(':').unwrap().1;
    for process in [&decide, &registry, &serve, &plain_serve] {
        assert!(!process.said().contains(secret));
    }
}
