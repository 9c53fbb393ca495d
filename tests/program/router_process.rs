//! The router within `ripcord up`: what it answered outlives a kill, and a stop drains it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;

use reqwest::Client;
use ripcord::edge::clock::Stopwatch;
use serde_json::{Value as Json, json};

use crate::common::ports::free;
use crate::common::routed::{self, Backend, LONG, PATIENCE};

/// `ripcord up`, killed with its test.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

struct RouterSetup {
    config: PathBuf,
    url: String,
    http: Client,
}

impl RouterSetup {
    fn new(folder: &Path, backends: &[&Backend; 2]) -> Self {
        let (http, router) = (free(), free());
        let [v1, v2] = backends.map(|backend| backend.at);
        let text = format!(
            "[log]\nfolder = \"{folder}\"\n[http]\nlisten = \"{http}\"\n[router]\n\
             listen = \"{router}\"\ntelemetry = \"telemetry\"\n[router.models.m]\n\
             versions = {{ v1 = \"http://{v1}\", v2 = \"http://{v2}\" }}\n\
             weights_percent = {{ v1 = 100 }}\n[workers.router]\nurl = \"http://{router}\"\n\
             authority = true\n",
            folder = folder.join("data").display(),
        );
        let config = folder.join("up.toml");
        std::fs::write(&config, text).unwrap();
        let _already = rustls::crypto::ring::default_provider().install_default();
        // Connections of a process that was killed are no connections to the next.
        let http = Client::builder().no_proxy().timeout(LONG).pool_max_idle_per_host(0);
        Self { config, url: format!("http://{router}"), http: http.build().unwrap() }
    }

    async fn up(&self) -> Up {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ripcord"));
        command.arg("up").arg("--config").arg(&self.config);
        let up = Up(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let since = Stopwatch::start();
        while self.http.get(format!("{}/readyz", self.url)).send().await.is_err() {
            assert!(since.elapsed() < PATIENCE, "it does not answer");
            tokio::task::yield_now().await;
        }
        up
    }

    async fn route(&self) -> Json {
        let answer = self.http.get(format!("{}/admin/routes/m", self.url)).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn put(&self, v1: f64) -> u16 {
        let route = json!({ "weights_percent": { "v1": v1, "v2": 100.0 - v1 } });
        let request = self.http.put(format!("{}/admin/routes/m", self.url));
        let answer = request.header("if-match", "*").json(&route).send().await.unwrap();
        answer.status().as_u16()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_a_kill() {
    let (v1, v2) = (Backend::start("v1"), Backend::start("v2"));
    let folder = tempfile::tempdir().unwrap();
    let place = RouterSetup::new(folder.path(), &[&v1, &v2]);
    for (round, weight) in (1..).zip([0.0, 25.0, 100.0, 12.5]) {
        let up = place.up().await;
        assert_eq!(place.put(weight).await, 200);
        // No courtesy: the process is gone at once.
        drop(up);
        let up = place.up().await;
        let route = place.route().await;
        assert_eq!(route["weights_percent"]["v1"], json!(weight), "{route}");
        assert_eq!(route["revision"], json!(round), "{route}");
        drop(up);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_what_is_under_way() {
    let (v1, v2) = (Backend::start("v1"), Backend::start("v2"));
    let folder = tempfile::tempdir().unwrap();
    let place = RouterSetup::new(folder.path(), &[&v1, &v2]);
    let mut up = place.up().await;
    v1.told.slow_ms.store(1000, SeqCst);
    let (http, url) = (place.http.clone(), place.url.clone());
    let asked = tokio::spawn(async move { routed::predict(&http, &url, None).await });
    while v1.told.asked.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let pid = rustix::process::Pid::from_child(&up.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let (status, version, _) = asked.await.unwrap();
    assert_eq!((status, version.as_str()), (200, "v1"));
    let since = Stopwatch::start();
    let status = loop {
        if let Some(status) = up.0.try_wait().unwrap() {
            break status;
        }
        assert!(since.elapsed() < PATIENCE, "it does not stop");
        tokio::task::yield_now().await;
    };
    assert!(status.success(), "{status}");
}
