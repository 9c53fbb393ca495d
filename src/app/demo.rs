//! `ripcord demo`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::replay::blocks;
use super::screen;
use crate::cli::{self, DONE, Global, NO};
use crate::demo::{Demo, DemoEvent};
use crate::edge::files;
use crate::edge::terminal::{self, Bar};
use crate::phrases::{day, percent};
use crate::process;
use crate::show::data::{DemoResult, Phases, Requested, Summary};
use crate::show::{self, Screen, Story};

/// The subject of the page.
const OF: &str = "Ripcord demo: live requests for the flights of 2013";

/// What `--json` prints: the summary of a replay, and what only a live run can measure.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    phases: Phases,
    requests: &'a Requested,
    faults: &'a [String],
}

/// Plays the demo and shows the result.
pub(super) fn run(global: &Global, args: &cli::DemoArgs) -> Result<u8> {
    if !global.config.is_empty() {
        bail!("the demo has its own settings, which it writes to its folder: leave out --config");
    }
    let runtime = process::runtime()?;
    let stopped = Arc::new(AtomicBool::new(false));
    let asked = process::asked_to_stop(&runtime)?;
    let heard = Arc::clone(&stopped);
    runtime.spawn(async move {
        asked.await;
        heard.store(true, Ordering::Relaxed);
    });
    let demo =
        Demo { folder: args.folder.clone(), serve: args.serve, brokers: args.brokers.clone() };
    let ended = run_demo(&demo, global, &|| stopped.load(Ordering::Relaxed))?;
    Ok(if ended.faults.is_empty() { DONE } else { NO })
}

fn run_demo(demo: &Demo, global: &Global, stopped: &dyn Fn() -> bool) -> Result<DemoResult> {
    let screen = screen(global);
    let mut story = Story::new(screen);
    let bar = Bar::new(!global.json);
    let say = |text: &str| {
        if !global.json {
            bar.line(text);
        }
    };
    let (mut written, mut url) = (Ok(()), String::new());
    let folder = demo.folder.display().to_string();
    let ended = demo.run(stopped, |told| match told {
        DemoEvent::Begins { router, server } => {
            say(&show::begins(&router, &server, &folder, screen));
            url = server;
        }
        DemoEvent::News(news) => blocks(&mut story, &news).iter().for_each(|block| say(block)),
        DemoEvent::Note(note) => say(&show::note(&note, screen)),
        DemoEvent::Ended(ended) => {
            bar.end();
            written = ending(ended, demo, global, screen);
            if demo.serve {
                say(&show::continues(&url, screen));
            }
        }
        DemoEvent::Fault(at) => say(&show::fault(&story, at, screen)),
        DemoEvent::Switched(at, phases, meanwhile) => {
            say(&show::switched(&story, at, phases, meanwhile, screen));
        }
        DemoEvent::Progress { windows: (done, all), at, shares } => {
            if bar.is_shown() {
                let shares = shares.map_or(String::new(), |(served, without)| {
                    format!("  served {}, v3 alone {}", percent(served), percent(without))
                });
                bar.at(done, Some(all), &format!("{}{shares}", day(at)));
            }
        }
    });
    bar.end();
    let ended = ended?;
    written?;
    Ok(ended)
}

/// Shows the result, and writes the page.
fn ending(ended: &DemoResult, demo: &Demo, global: &Global, screen: Screen) -> Result<()> {
    let page = demo.folder.join("report.html");
    let report = show::page(&ended.replayed, OF, &show::figures(ended), &ended.rules)?;
    files::write(&page, &report).with_context(|| {
        format!("{} cannot be written; check permissions and free space", page.display())
    })?;
    if global.json {
        let DemoResult { replayed, phases, requests, faults, .. } = ended;
        let (summary, phases) = (&replayed.summary, *phases);
        let printed = Printed { summary, phases, requests, faults };
        terminal::line(&terminal::json(&printed)?);
        return Ok(());
    }
    terminal::line(show::ended(ended, screen).trim_end());
    terminal::line(&format!("\nPage with charts: {}", page.display()));
    Ok(())
}
