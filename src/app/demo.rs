//! `ripcord demo`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::{DONE, NO};
use crate::cli::{self, Global};
use crate::demo::{Demo, DemoEvent, DemoResult, Phases, Requested};
use crate::edge::terminal::{self, Bar};
use crate::process;
use crate::replay::Summary;
use crate::show::{self, Paint, Story};

/// What the page is of.
const OF: &str = "Ripcord demo: flights of 2013, asked live";

/// What `--json` prints: the summary as a replay has it, and what only a live run can know.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    phases: Phases,
    requests: &'a Requested,
    faults: &'a [String],
}

/// Plays the demo and tells what came of it.
pub(super) fn run(global: &Global, args: &cli::DemoArgs) -> Result<u8> {
    if !global.config.is_empty() {
        bail!(
            "the demo has settings of its own, which it writes to its folder: leave out --config"
        );
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
    let ended = told(&demo, global, &|| stopped.load(Ordering::Relaxed))?;
    Ok(if ended.faults.is_empty() { DONE } else { NO })
}

fn told(demo: &Demo, global: &Global, stopped: &dyn Fn() -> bool) -> Result<DemoResult> {
    let paint = Paint::new(terminal::colours(global.no_color));
    let mut story = Story::new(paint);
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
            say(&show::begins(&router, &server, &folder, paint));
            url = server;
        }
        DemoEvent::News(news) => story.take(&news).iter().for_each(|block| say(block)),
        DemoEvent::Note(note) => say(&show::note(&note, paint)),
        DemoEvent::Ended(ended) => {
            bar.end();
            written = ending(ended, demo, global, paint);
            if demo.serve {
                say(&show::goes_on(&url, paint));
            }
        }
        DemoEvent::Fault(at) => say(&show::fault(&story, at, paint)),
        DemoEvent::Switched(at, phases, meanwhile) => {
            say(&show::switched(&story, at, phases, meanwhile, paint));
        }
        DemoEvent::Progress { windows: (done, all), at, shares } => {
            if bar.is_shown() {
                let shares = shares.map_or(String::new(), |(served, without)| {
                    let [served, without] = [served, without].map(|share| share * 100.0);
                    format!("  served {served:.1} %, v3 alone {without:.1} %")
                });
                bar.at(done, Some(all), format!("{at:.10}{shares}"));
            }
        }
    });
    bar.end();
    let ended = ended?;
    written?;
    Ok(ended)
}

/// Says what it came to, and writes the page.
fn ending(ended: &DemoResult, demo: &Demo, global: &Global, paint: Paint) -> Result<()> {
    let page = demo.folder.join("report.html");
    let report = show::page(&ended.replayed, OF, &show::figures(ended), &ended.rules)?;
    std::fs::write(&page, report)
        .with_context(|| format!("{} cannot be written; is there room?", page.display()))?;
    if global.json {
        let DemoResult { replayed, phases, requests, faults, .. } = ended;
        let (summary, phases) = (&replayed.summary, *phases);
        let printed = Printed { summary, phases, requests, faults };
        terminal::line(&serde_json::to_string_pretty(&printed)?);
        return Ok(());
    }
    terminal::line(show::ended(ended, paint).trim_end());
    terminal::line(&format!("\nThe page for the review: {}", page.display()));
    Ok(())
}
