//! The shipped examples of users' programs, against recorded answers.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ripcord::model::StepResult;
use ripcord::targets::exec::Exec;
use ripcord::targets::{Acted, Target};
use serde_json::{Value, json};

use crate::common::targets::{LONG, act, block_on, exec, production};

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workers").join(name);
    path.to_str().unwrap().to_owned()
}

/// Fails, and names it, where a tool of the examples is missing.
fn need_python() {
    let found = std::process::Command::new("python3").arg("--version").output();
    assert!(found.is_ok(), "python3 is missing; the examples need it: install it");
}

/// Answers as MLflow does, of one model with the versions 1, 2 and 3.
#[derive(Default)]
struct Mlflow {
    alias: Option<String>,
    /// Another one moves the alias after each set.
    rival: bool,
    broken: bool,
    tags: BTreeMap<(String, String), String>,
    writes: usize,
}

impl Mlflow {
    fn answer(&mut self, line: &str, body: &Value) -> (u16, Value) {
        if self.broken {
            return (
                500,
                json!({"error_code": "INTERNAL_ERROR", "message": "the database is gone"}),
            );
        }
        let wrong = |code: u16, name: &str, message: &str| {
            (code, json!({"error_code": name, "message": message}))
        };
        let words: Vec<_> = line.split(' ').collect();
        let known = matches!(body["version"].as_str(), Some("1" | "2" | "3"));
        match (words[0], words[1].split('?').next().unwrap()) {
            ("GET", "/api/2.0/mlflow/registered-models/alias") => match &self.alias {
                Some(version) => (
                    200,
                    json!({"model_version": {"name": "fd", "version": version,
                        "aliases": ["champion"]}}),
                ),
                None => wrong(
                    400,
                    "INVALID_PARAMETER_VALUE",
                    "Registered model alias champion not found.",
                ),
            },
            ("POST", _) if !known => wrong(
                404,
                "RESOURCE_DOES_NOT_EXIST",
                "Model Version (name=fd, version=9) not found",
            ),
            ("POST", "/api/2.0/mlflow/registered-models/alias") => {
                self.writes += 1;
                let version = body["version"].as_str().unwrap().to_owned();
                self.alias = Some(if self.rival { "1".to_owned() } else { version });
                (200, json!({}))
            }
            ("POST", "/api/2.0/mlflow/model-versions/set-tag") => {
                let field = |name: &str| body[name].as_str().unwrap().to_owned();
                self.tags.insert((field("version"), field("key")), field("value"));
                (200, json!({}))
            }
            _ => wrong(404, "ENDPOINT_NOT_FOUND", "no such endpoint"),
        }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<Mlflow>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (code, answer) = state.lock().unwrap().answer(&line, &body);
    let answer = answer.to_string();
    let length = answer.len();
    write!(
        stream,
        "HTTP/1.1 {code} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{answer}"
    )
    .unwrap();
}

fn mlflow(state: Mlflow) -> (String, Arc<Mutex<Mlflow>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let state = Arc::new(Mutex::new(state));
    let shared = Arc::clone(&state);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), &shared);
        }
    });
    (address, state)
}

fn with_mlflow(folder: &Path, address: &str) -> Exec {
    let program = |what: &str| {
        let words = [&example("mlflow-alias"), what, "--server", address, "--prefix", "v"];
        words.map(str::to_owned).to_vec()
    };
    exec(folder, Some(program("probe")), program("act"), LONG)
}

#[test]
fn mlflow_aliases_are_moved() {
    need_python();
    let folder = tempfile::tempdir().unwrap();
    let (address, state) = mlflow(Mlflow { alias: Some("3".to_owned()), ..Mlflow::default() });
    let mut exec = with_mlflow(folder.path(), &address);
    let facts = block_on(exec.observe()).unwrap();
    assert_eq!(facts[0].production.as_ref().unwrap().as_str(), "v3");
    for _ in 0..3 {
        let acted = act(&mut exec, &production("c", 1, "v2", "v3"));
        assert_eq!(acted.outcome, StepResult::Done, "{acted:?}");
    }
    {
        let state = state.lock().unwrap();
        assert_eq!((state.alias.as_deref(), state.writes), (Some("2"), 1));
        let tag =
            |version: &str, key: &str| state.tags[&(version.to_owned(), key.to_owned())].clone();
        assert_eq!(tag("2", "ripcord.command"), "c");
        assert_eq!(tag("3", "ripcord.withdrawn"), "accuracy fell");
    }
    let (outcome, detail) = told(act(&mut exec, &production("d", 2, "v9", "v2")));
    assert_eq!(outcome, StepResult::Failed);
    assert!(detail.contains("404 RESOURCE_DOES_NOT_EXIST Model Version"), "{detail}");
    state.lock().unwrap().rival = true;
    let (outcome, detail) = told(act(&mut exec, &production("e", 3, "v3", "v2")));
    assert_eq!(outcome, StepResult::Unknown);
    assert!(detail.contains("was set to v3, but reads v1"), "{detail}");
    let (outcome, detail) = told(act(&mut exec, &production("f", 4, "v3", "v2")));
    assert_eq!(outcome, StepResult::Failed);
    assert!(detail.contains("the probe reports v1: changed by others"), "{detail}");
    assert_eq!(state.lock().unwrap().writes, 2);
}

#[test]
fn mlflow_without_alias_or_down_is_told() {
    need_python();
    let folder = tempfile::tempdir().unwrap();
    let (address, state) = mlflow(Mlflow::default());
    let mut exec = with_mlflow(folder.path(), &address);
    assert_eq!(block_on(exec.observe()).unwrap()[0].production, None);
    let (outcome, detail) = told(act(&mut exec, &production("c", 1, "v2", "v3")));
    assert_eq!(outcome, StepResult::Failed, "{detail}");
    assert!(detail.contains("the probe reports no version: changed by others"), "{detail}");
    state.lock().unwrap().broken = true;
    let error = block_on(exec.observe()).unwrap_err();
    assert!(error.contains("500 INTERNAL_ERROR the database is gone"), "{error}");
    assert_eq!(act(&mut exec, &production("d", 2, "v2", "v3")).outcome, StepResult::Unknown);
    assert_eq!(state.lock().unwrap().writes, 0);
}

fn told(acted: Acted) -> (StepResult, String) {
    (acted.outcome, acted.detail)
}

/// A `kubectl` that keeps a Deployment in a file and answers as the real one does.
const KUBECTL: &str = r#"
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
def at(name): return os.path.join(here, name)
def say(text, code):
    sys.stderr.write(text + "\n"); sys.exit(code)
words = sys.argv[1:]
assert words[:3] == ["--namespace", "models", "--request-timeout=20s"], words
if os.path.exists(at("down")):
    say("The connection to the server 10.0.0.1:6443 was refused - "
        "did you specify the right host or port?", 1)
found = json.load(open(at("deployment.json")))
if words[3] == "get":
    print(json.dumps(found)); sys.exit(0)
assert words[3:6] == ["patch", "deployment", "fd"], words
patch = json.loads(words[words.index("--patch") + 1])
if os.path.exists(at("rival")):
    found["metadata"]["resourceVersion"] = "99"
if patch["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
    say('Error from server (Conflict): Operation cannot be fulfilled on deployments.apps "fd": '
        "the object has been modified; "
        "please apply your changes to the latest version and try again", 1)
found["metadata"]["annotations"] = patch["metadata"]["annotations"]
found["metadata"]["resourceVersion"] = "18"
def first(one): return one["spec"]["template"]["spec"]["containers"][0]
first(found)["image"] = first(patch)["image"]
json.dump(found, open(at("deployment.json"), "w"))
print("deployment.apps/fd patched")
"#;

fn fake_kubectl(folder: &Path) -> PathBuf {
    let kubectl = folder.join("kubectl");
    fs::write(folder.join("kubectl.py"), KUBECTL).unwrap();
    let call = format!("#!/bin/sh\nexec python3 {}/kubectl.py \"$@\"\n", folder.display());
    fs::write(&kubectl, call).unwrap();
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "fd", "namespace": "models", "resourceVersion": "17"},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [
            {"name": "fd", "image": "r.example/fd:v3"}, {"name": "proxy", "image": "p:1"}]}}},
    });
    let path = folder.join("deployment.json");
    fs::write(&path, deployment.to_string()).unwrap();
    path
}

#[test]
fn kubernetes_images_are_set_back() {
    need_python();
    let folder = tempfile::tempdir().unwrap();
    let path = fake_kubectl(folder.path());
    let paths = format!("PATH={}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let program = |what: &str| {
        let image = "r.example/fd:{version}";
        let script = example("kubectl-rollback");
        let words = ["env", &paths, &script, what, "--image", image, "--namespace", "models"];
        words.map(str::to_owned).to_vec()
    };
    let mut exec = exec(folder.path(), Some(program("probe")), program("act"), LONG);
    let facts = block_on(exec.observe()).unwrap();
    assert_eq!(facts[0].production.as_ref().unwrap().as_str(), "v3");

    fs::write(folder.path().join("rival"), "").unwrap();
    let (outcome, detail) = told(act(&mut exec, &production("b", 1, "v2", "v3")));
    assert_eq!(outcome, StepResult::Failed);
    assert!(detail.contains("(Conflict)"), "{detail}");
    fs::remove_file(folder.path().join("rival")).unwrap();

    for _ in 0..3 {
        let acted = act(&mut exec, &production("c", 2, "v2", "v3"));
        assert_eq!(acted.outcome, StepResult::Done, "{acted:?}");
    }
    let now: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(now["spec"]["template"]["spec"]["containers"][0]["image"], "r.example/fd:v2");
    assert_eq!(now["metadata"]["annotations"]["ripcord.dev/command"], "c");

    fs::write(folder.path().join("down"), "").unwrap();
    let (outcome, detail) = told(act(&mut exec, &production("d", 3, "v3", "v2")));
    assert_eq!(outcome, StepResult::Unknown);
    assert!(detail.contains("was refused"), "{detail}");
}
