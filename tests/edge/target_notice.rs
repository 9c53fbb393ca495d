//! Notices: what is posted, how it is signed, and what each answer comes to.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ripcord::config::{Config, InstructionKeys};
use ripcord::edge::clock::SimulatedClock;
use ripcord::edge::log::Topic;
use ripcord::edge::log::local::LocalLog;
use ripcord::model::{Command, Fact, LogTime, Namespace, Proof, Span, StepResult};
use ripcord::roles::work::Work;
use ripcord::targets::notice::{Notice, SigningKey, Webhook};
use ripcord::targets::{Acted, Fence, Later, Target};
use ripcord::topics::Topics;
use sha2::Sha256;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::common::targets::{notice, production, target};

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

fn secret() -> String {
    format!("whsec_{}", STANDARD.encode(KEY))
}

#[derive(Debug, Clone)]
struct Posted {
    headers: BTreeMap<String, String>,
    body: String,
}

type Inbox = Arc<Mutex<Vec<Posted>>>;

/// A receiver that gives these answers in turn; none: it never answers.
async fn receiver(answers: Vec<Option<&'static str>>) -> (String, Inbox) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook/path-that-lets-in", listener.local_addr().unwrap());
    let inbox = Inbox::default();
    let posted = Arc::clone(&inbox);
    tokio::spawn(async move {
        let mut open = Vec::new();
        for answer in answers {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut headers = BTreeMap::new();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                if line.trim().is_empty() {
                    break;
                }
                if let Some((name, value)) = line.trim().split_once(": ") {
                    headers.insert(name.to_ascii_lowercase(), value.to_owned());
                }
            }
            let mut body = vec![0; headers["content-length"].parse().unwrap()];
            stream.read_exact(&mut body).await.unwrap();
            posted.lock().unwrap().push(Posted { headers, body: String::from_utf8(body).unwrap() });
            match answer {
                None => open.push(stream),
                Some(answer) => {
                    let text = format!(
                        "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    );
                    stream.write_all(text.as_bytes()).await.unwrap();
                }
            }
        }
    });
    (url, inbox)
}

fn telling(
    webhook: Option<Webhook>,
    fences: Option<std::path::PathBuf>,
) -> (Notice, Arc<Mutex<Vec<String>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&said);
    let say = Box::new(move |command: &ripcord::model::Command| {
        log.lock().unwrap().push(command.id.to_string());
    });
    let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(1_372_064_400_999)));
    (Notice::new(say, webhook, clock, fences), said)
}

fn webhook(url: &str, limit: Duration) -> Option<Webhook> {
    Some(Webhook::new(url, Some(SigningKey::new(&secret()).unwrap()), limit).unwrap())
}

#[tokio::test]
async fn a_notice_is_posted_once_and_signed() {
    let (url, inbox) = receiver(vec![Some("202 Accepted"); 3]).await;
    let folder = tempfile::tempdir().unwrap();
    let fences = folder.path().join("notice.fences.json");
    let (mut first, said) = telling(webhook(&url, Duration::from_secs(30)), Some(fences.clone()));
    let acted = first.act(&notice("c1", 2)).await;
    assert_eq!((acted.outcome, acted.proof), (StepResult::Done, Some(Proof::L1)), "{acted:?}");
    let (mut restarted, said_again) = telling(webhook(&url, Duration::from_secs(30)), Some(fences));
    for again in [&mut first, &mut restarted] {
        assert_eq!(again.act(&notice("c1", 2)).await.detail, "already sent");
        // Of an older incident, and still news; once.
        assert_eq!(again.act(&notice("c0", 1)).await.outcome, StepResult::Done);
    }
    assert_eq!(
        (said.lock().unwrap().as_slice(), said_again.lock().unwrap().len()),
        (&["c1".to_owned(), "c0".to_owned()][..], 0)
    );

    let posted = inbox.lock().unwrap().clone();
    assert_eq!(posted.len(), 2);
    let Posted { headers, body } = &posted[0];
    assert_eq!(headers["webhook-id"], "c1");
    assert_eq!(headers["webhook-timestamp"], "1372064400");
    assert_eq!(headers["content-type"], "application/cloudevents+json; charset=utf-8");
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    mac.update(format!("c1.1372064400.{body}").as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(headers["webhook-signature"], expected);
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let expected = serde_json::json!({
        "specversion": "1.0", "type": "io.ripcord.notice.v1", "source": "/ripcord/test", "id": "c1",
        "subject": "fd", "time": "2013-06-24T09:00:00Z", "datacontenttype": "application/json",
        "correlationid": "i1", "data": {"incident": "i1", "model": "fd",
            "summary": "fd is back on v2",
            "severity": "critical", "reason": "accuracy fell", "mode": "act", "generation": 2}
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn answers_in_outcomes_out() {
    for (answer, outcome, said) in [
        ("200 OK", StepResult::Done, "answered 200 OK"),
        ("204 No Content", StepResult::Done, "answered 204 No Content"),
        (
            "307 X\r\nLocation: http://elsewhere.example/",
            StepResult::Failed,
            "answered 307 Temporary Redirect; check its address and secret",
        ),
        ("401 X", StepResult::Failed, "answered 401 Unauthorized; check its address and secret"),
        (
            "429 X\r\nRetry-After: 120",
            StepResult::Unknown,
            "answered 429 Too Many Requests; it asks for a retry after 120",
        ),
        ("500 X", StepResult::Unknown, "answered 500 Internal Server Error"),
        (
            "503 X\r\nRetry-After: 5",
            StepResult::Unknown,
            "answered 503 Service Unavailable; it asks for a retry after 5",
        ),
    ] {
        let (url, inbox) = receiver(vec![Some(answer), Some("200 OK")]).await;
        let (mut notice_target, _) = telling(webhook(&url, Duration::from_secs(30)), None);
        let acted = notice_target.act(&notice("c1", 1)).await;
        assert_eq!(acted.outcome, outcome, "{answer}: {acted:?}");
        assert!(acted.detail.ends_with(said), "{answer}: {acted:?}");
        check_quiet(&acted.detail);
        let again = notice_target.act(&notice("c1", 1)).await;
        assert_eq!(again.outcome, StepResult::Done, "{answer}: the second time it is taken");
        let ids: Vec<_> =
            inbox.lock().unwrap().iter().map(|p| p.headers["webhook-id"].clone()).collect();
        assert!(ids.iter().all(|id| id == "c1"), "{ids:?}");
        assert_eq!(ids.len(), if outcome == StepResult::Done { 1 } else { 2 });
    }
}

fn check_quiet(text: &str) {
    for hidden in ["path-that-lets-in", &secret(), &STANDARD.encode(KEY), "0123456789abcdef"] {
        assert!(!text.contains(hidden), "{text}");
    }
}

#[tokio::test]
async fn silence_and_absence_are_unknown() {
    let (url, _inbox) = receiver(vec![None]).await;
    let (mut hanging, _) = telling(webhook(&url, Duration::from_millis(300)), None);
    let acted = hanging.act(&notice("c1", 1)).await;
    assert_eq!(acted.outcome, StepResult::Unknown);
    assert!(acted.detail.contains("did not answer"), "{acted:?}");
    check_quiet(&acted.detail);

    let gone = "http://127.0.0.1:1/hook/path-that-lets-in";
    let (mut absent, _) = telling(webhook(gone, Duration::from_secs(30)), None);
    let acted = absent.act(&notice("c1", 1)).await;
    assert_eq!(acted.outcome, StepResult::Unknown);
    assert!(acted.detail.starts_with("the webhook at 127.0.0.1:1 did not answer: "), "{acted:?}");
    check_quiet(&acted.detail);
    check_quiet(&format!("{absent:?}"));
    check_quiet(&format!("{:?}", SigningKey::new(&secret()).unwrap()));
}

#[tokio::test]
async fn without_a_webhook_the_log_is_told() {
    let (mut quiet, said) = telling(None, None);
    for _ in 0..3 {
        assert_eq!(quiet.act(&notice("c1", 1)).await.outcome, StepResult::Done);
    }
    assert_eq!(said.lock().unwrap().len(), 1);
    assert_eq!(quiet.act(&production("p", 1, "v2", "v3")).await.outcome, StepResult::Failed);
    assert_eq!(quiet.observe().await.unwrap(), []);
    let fence = quiet.fence(&notice("c1", 1)).await.unwrap();
    assert_eq!((fence.generation, fence.command.as_deref()), (1, Some("c1")));
}

#[test]
fn wrong_addresses_and_secrets_are_told_and_not_shown() {
    for url in ["", "example.org", "ftp://example.org", "unix:/x"] {
        let error = Webhook::new(url, None, Duration::from_secs(1)).unwrap_err().to_string();
        assert_eq!(
            error,
            "the webhook address is not valid; write it like https://example.org/hook"
        );
    }
    for text in ["", "hunter2", "whsec_", "whsec_%%%", "whsec_aHVudGVyMg=="] {
        let error = SigningKey::new(text).unwrap_err().to_string();
        assert!(error.starts_with("the webhook secret is not valid; write whsec_"), "{error}");
    }
    assert!(Webhook::new("https://example.org/x", None, Duration::from_secs(1)).is_ok());
}

/// A receiver that gives no answer so often, and then takes it.
struct Deaf(usize);

impl Target for Deaf {
    fn observe(&mut self) -> Later<'_, Result<Vec<Fact>, String>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn fence<'a>(&'a mut self, _: &'a Command) -> Later<'a, Result<Fence, String>> {
        Box::pin(std::future::ready(Ok(Fence::default())))
    }

    fn act<'a>(&'a mut self, _: &'a Command) -> Later<'a, Acted> {
        let outcome = if self.0 == 0 { StepResult::Done } else { StepResult::Unknown };
        self.0 = self.0.saturating_sub(1);
        let detail = String::new();
        Box::pin(std::future::ready(Acted { outcome, proof: None, detail }))
    }
}

/// Told again until somebody hears it, so often at most, and never once it is void.
#[test]
fn a_notice_without_an_answer_is_told_again() {
    for (deaf, pause_s, unknown, last) in [
        (2, 300, 2, StepResult::Done),
        (100, 300, 9, StepResult::Unknown),
        (100, 1500, 3, StepResult::Refused),
    ] {
        let clock = Arc::new(SimulatedClock::new(LogTime::from_ms(1_372_064_400_000)));
        let log = LocalLog::in_memory(clock.clone()).unwrap();
        let namespace = Namespace::new("test").unwrap();
        let topics =
            Topics { log: Arc::new(log), namespace, shards: 1, keys: InstructionKeys::default() };
        topics.create(&Config::load(&[], &BTreeMap::new()).unwrap().rules).unwrap();
        let day = Span::from_s(86_400);
        let mut work = Work::new(topics.clone(), target("t"), Box::new(Deaf(deaf)), day).unwrap();
        let command = serde_json::to_vec(&notice("c1", 1)).unwrap();
        let command = topics.plain(Topic::Commands, 0, "fd", command);
        topics.log.writer(None).unwrap().append(vec![command]).unwrap();
        let mut outcomes = Vec::new();
        for _ in 0..20 {
            let turn = work.turn(Duration::ZERO).unwrap();
            outcomes.extend(turn.answered.iter().map(|(_, acted)| acted.outcome));
            if !outcomes.is_empty() {
                clock.advance_to(topics.log.now() + Span::from_s(pause_s));
            }
        }
        let unsure = outcomes.iter().filter(|outcome| **outcome == StepResult::Unknown).count();
        assert_eq!((unsure, outcomes.last()), (unknown, Some(&last)), "{outcomes:?}");
    }
}
