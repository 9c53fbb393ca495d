//! A broker of a test's own, which it may stop, or to which it gives users.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use ripcord::config::KafkaSettings;

use crate::common::broker;
use crate::world::absolute;

/// Ports that nobody uses.
pub fn free_ports<const N: usize>() -> [String; N] {
    let mut command = Command::new(absolute("tests/kafka/broker"));
    let ports = command.args(["ports", &N.to_string()]).output().unwrap();
    let ports = String::from_utf8(ports.stdout).unwrap();
    let ports: Vec<_> = ports.split_whitespace().map(str::to_owned).collect();
    ports.try_into().unwrap()
}

/// A broker of this test's own.
pub struct Broker {
    child: Child,
    arguments: Vec<String>,
    /// Held open: who prints into a pipe that nobody reads is ended.
    _said: BufReader<ChildStdout>,
}

impl Broker {
    /// Starts one that keeps its data in a folder, and says how to reach it.
    pub fn alone(data: &Path) -> (Self, KafkaSettings) {
        let [port, controller] = free_ports();
        let folder = data.join("kafka").display().to_string();
        let brokers = format!("127.0.0.1:{port}");
        let started = Self::start(vec![folder, port, controller]);
        (started, KafkaSettings { brokers, ..broker::settings() })
    }

    /// Starts it, as `serve` of tests/kafka/broker is told.
    pub fn start(arguments: Vec<String>) -> Self {
        let mut child = Command::new(absolute("tests/kafka/broker"))
            .arg("serve")
            .args(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.contains("Kafka Server started"), "{line:?}, see {}", arguments[0]);
        Self { child, arguments, _said: said }
    }

    /// Ends it; with these arguments it can be started again.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.arguments.clone()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
