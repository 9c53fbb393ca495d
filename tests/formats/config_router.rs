//! What cannot be of a router is refused, and what is left out is in the shipped file.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

use std::collections::BTreeMap;
use std::time::Duration;

use ripcord::config::Config;
use ripcord::model::{Field, ModelId, Stage};
use ripcord::show::{Screen, rules};

fn load(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    std::fs::write(&file, text).unwrap();
    let name = file.display().to_string();
    let config = Config::load(&[file], &BTreeMap::new());
    config.map_err(|refused| refused.problems[0].to_string().replace(&name, "my.toml"))
}

const ROUTED: &str = "[router]\nlisten = \"127.0.0.1:7800\"\n[router.models.m]\n\
                      versions = { v1 = \"http://127.0.0.1:9001\", v2 = \"http://b:80/base/\" }\n\
                      weights_percent = { v1 = 87.5, v2 = 12.5 }\n";

#[test]
fn what_is_left_out_stands_in_the_shipped_file() {
    assert_eq!(load("").unwrap().settings.router, None);
    let text = format!("{ROUTED}ts = \"header:x-time\"\nkey_header = \"X-User\"\n");
    let config = load(&text).unwrap();
    let told = rules(&config, Screen::new(false, None));
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let routes = "initial routes of m: v1 at http://127.0.0.1:9001 (87.5 %), v2 at \
                  http://b:80/base (12.5 %)";
    assert!(told.contains(routes) && told.contains("router: 127.0.0.1:7800"), "{told}");
    let router = config.settings.router.unwrap();
    assert_eq!((router.source, router.queue), (None, 10_000));
    assert_eq!(router.folder, config.settings.log.folder);
    let model = &router.models[0];
    assert_eq!(model.versions[1].1, "http://b:80/base");
    assert_eq!((model.answer, model.health.is_none()), (Duration::from_secs(10), true));
    assert_eq!(model.key_header.as_deref(), Some("x-user"));
    assert_eq!(model.fields.ts, Some(Field::Header("x-time".to_owned())));
}

#[test]
fn its_worker_stands_first_in_the_plan_of_what_it_routes() {
    let worker = "[workers.router]\nurl = \"http://127.0.0.1:7800/\"\n";
    let config = load(&format!("{ROUTED}{worker}")).unwrap();
    let worker = config.settings.workers.router.unwrap();
    assert_eq!(worker.url, "http://127.0.0.1:7800");
    let of = |model: &str| {
        let rules = config.rules.models.get(&ModelId::new(model).unwrap());
        let rules = rules.unwrap_or(&config.rules.default);
        rules.targets.iter().map(|target| (target.id.to_string(), target.stage)).collect::<Vec<_>>()
    };
    let notice = ("notice".to_owned(), Stage::Notice);
    assert_eq!(of("m"), [("router".to_owned(), Stage::Traffic), notice.clone()]);
    assert_eq!(of("another"), [notice]);
}

#[test]
fn what_cannot_be_is_refused_with_what_would_do() {
    let routed = |from: &str, to: &str| {
        assert!(ROUTED.contains(from), "{from}");
        ROUTED.replace(from, to)
    };
    for (text, expected) in [
        (routed("127.0.0.1:7800", "here"), "must be an address and a port"),
        (routed("127.0.0.1:7800", "0.0.0.0:7800"), "/admin could be reached from other machines"),
        ("[router]\nlisten = \"127.0.0.1:1\"".to_owned(), "no model to route"),
        (routed("http://127", "https://127"), "for https, put a proxy"),
        (routed("http://127.0.0.1:9001", "http://"), "must be the address of a backend"),
        (routed("87.5", "80"), "must add up to 100, not 92.5"),
        (
            routed("v1 = 87.5, v2 = 12.5", "v1 = 99.994, v2 = 0.006"),
            "must have at most two decimals",
        ),
        (
            routed("v1 = 87.5", "v3 = 87.5"),
            "\"v3\" has no backend; the versions with one are v1, v2",
        ),
        (format!("{ROUTED}shadow = [\"v9\"]"), "\"v9\" has no backend"),
        (format!("{ROUTED}prediction = \"label\""), "must be a JSON pointer"),
        (format!("{ROUTED}ts = \"key\""), "must be a JSON pointer into the request or a header"),
        (format!("{ROUTED}key_header = \"x user\""), "must be the name of a header"),
        (format!("{ROUTED}health_path = \"health\""), "must begin with /"),
        (format!("{ROUTED}breaker_percent = 101"), "must be between 0 and 100 %"),
        (
            format!("{ROUTED}breaker_longest_pause_milliseconds = 10"),
            "must be at least breaker_pause_milliseconds",
        ),
        (format!("{ROUTED}answer_second = 1"), "unknown key"),
        (routed("[router]\n", "[router]\ntelemetry = \"t\"\n"), "no enabled source has this name"),
        (
            format!(
                "[sources.telemetry]\ntype = \"outcome\"\n{}",
                routed("[router]\n", "[router]\ntelemetry = \"telemetry\"\n")
            ),
            "the first topic of this source maps fields",
        ),
        ("[workers.router]\nurl = \"h:1\"".to_owned(), "must begin with http:// or https://"),
        (
            "[workers.exec.router]\nprobe = [\"a\"]\nact = [\"a\"]".to_owned(),
            "the name of a built-in worker",
        ),
    ] {
        let refused = load(&text).expect_err(&text);
        assert!(refused.contains(expected), "{text}\n{refused}");
    }
}
