//! `ripcord replay`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{DONE, apart, config, registry_text, source};
use crate::cli::{self, Global, ReplayMode};
use crate::config::{REGISTRY, RulesInWords};
use crate::edge::clock::Stopwatch;
use crate::edge::terminal::{self, Bar};
use crate::model::{Mode, TargetId};
use crate::replay::{News, Replay, Replayed};
use crate::show::{self, Paint, Story};
use crate::targets::registry::ShadowRegistry;

/// Replays recordings and tells what came of it.
pub(super) fn run(
    global: &Global,
    args: &cli::ReplayArgs,
    environment: &BTreeMap<String, String>,
) -> Result<u8> {
    let config = config(global, environment)?;
    let replay = Replay {
        files: args.files.clone(),
        registry: registry(args)?,
        versions: args.production.clone().map(|version| (version, args.previous.clone())),
        only: args.model.clone(),
        source: source::of(&config, args.source.as_deref(), &args.mapping)?,
        rules: config.rules.clone(),
        mode: match args.mode {
            ReplayMode::Config => None,
            ReplayMode::Observe => Some(Mode::Observe),
            ReplayMode::Recommend => Some(Mode::Recommend),
            ReplayMode::Act => Some(Mode::Act),
        },
    };
    if let Some(report) = &args.report {
        may_write(report)?;
        let inputs = args.files.iter().chain(&args.registry).chain(&global.config);
        apart(report, inputs.map(PathBuf::as_path))?;
    }
    let replayed = told(replay, global, args)?;
    if global.json {
        terminal::line(&serde_json::to_string_pretty(&replayed.summary)?);
    }
    if let Some(report) = &args.report {
        write(report, &replayed, args, &config.report().rules)?;
        if !global.json {
            terminal::line(&format!("\nThe page: {}", report.display()));
        }
    }
    Ok(DONE)
}

/// Replays, and tells the story while it runs unless only the summary is wanted.
fn told(replay: Replay, global: &Global, args: &cli::ReplayArgs) -> Result<Replayed> {
    let paint = Paint::new(terminal::colours(global.no_color));
    let mut story = Story::new(paint);
    let bar = Bar::new(!global.json);
    let watch = Stopwatch::start();
    if !global.json {
        terminal::line(&opening(args, paint));
    }
    let replayed = replay.run(|news| {
        if let News::Progress(progress, at, records) = &news
            && bar.is_shown()
        {
            let rate = *records as f64 / watch.elapsed().as_s().max(0.001);
            let words = format!("{at:.10}  {} records  {rate:.0}/s", show::count(*records));
            bar.at(progress.read, progress.total, words);
        }
        let blocks = story.take(&news);
        if !global.json {
            blocks.iter().for_each(|block| bar.line(block));
        }
    });
    bar.end();
    let replayed = replayed?;
    if !global.json {
        terminal::line(show::ending(&replayed, &story, paint).trim_end());
    }
    Ok(replayed)
}

fn opening(args: &cli::ReplayArgs, paint: Paint) -> String {
    let files: Vec<_> = args.files.iter().map(|file| name(file)).collect();
    let from = match (&args.registry, &args.production) {
        (Some(registry), _) => format!("versions from {}", name(registry)),
        (None, Some(production)) => match &args.previous {
            Some(previous) => {
                format!("{production} in production, {previous} vouched for; no registry")
            }
            None => format!("{production} in production, no previous version; no registry"),
        },
        (None, None) => {
            "no registry, and no version named as production: nothing is rolled back".to_owned()
        }
    };
    let head = paint.bold(&format!("Replay of {}", files.join(", ")));
    let mode = format!("{:?}", args.mode).to_lowercase();
    let text = format!(
        "{from}. Mode {mode}, on shadow targets: nothing outside is touched. Times are event \
         times, UTC."
    );
    format!("{head}\n{}\n", show::wrap(&text, 0))
}

fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

/// Finds out before the work whether its result can be kept.
fn may_write(report: &Path) -> Result<()> {
    let folder = report.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        bail!("{} is no folder; make it, or write the page elsewhere", folder.display());
    }
    if report.is_dir() {
        bail!("{} is a folder; --report names the file to write", report.display());
    }
    Ok(())
}

fn write(
    report: &Path,
    replayed: &Replayed,
    args: &cli::ReplayArgs,
    rules: &[RulesInWords],
) -> Result<()> {
    let files: Vec<_> = args.files.iter().map(|file| name(file)).collect();
    let of = format!("Ripcord replay of {}", files.join(", "));
    let page = show::page(replayed, &of, &[], rules)?;
    std::fs::write(report, page)
        .with_context(|| format!("{} cannot be written; is there room?", report.display()))
}

/// The shadow registry that a replay acts on.
fn registry(args: &cli::ReplayArgs) -> Result<ShadowRegistry> {
    let id = TargetId::new(REGISTRY)?;
    let Some(path) = &args.registry else { return Ok(ShadowRegistry::new(id)) };
    let name = path.display();
    let text = registry_text(path)?;
    let registry = ShadowRegistry::read(id, &text).with_context(|| format!("in {name}"))?;
    if !args.check_artifacts {
        return Ok(registry);
    }
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(registry.check_artifacts(folder))
}
