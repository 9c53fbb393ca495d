//! `ripcord replay`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{apart, config, registry_text, screen, source};
use crate::cli::{self, DONE, Global, NO, ReplayMode};
use crate::config::{REGISTRY, RegistryShape, RulesInWords};
use crate::edge::clock::Stopwatch;
use crate::edge::files;
use crate::edge::terminal::{self, Bar};
use crate::model::{Mode, TargetId};
use crate::phrases::{count, day, number};
use crate::replay::{News, Replay, Replayed};
use crate::show::{self, Screen, Story};
use crate::targets::registry::{DocumentError, ShadowRegistry};

/// Replays recordings and shows the result.
pub(super) fn run(
    global: &Global,
    args: &cli::ReplayArgs,
    environment: &BTreeMap<String, String>,
) -> Result<u8> {
    let config = config(global, environment)?;
    let (registry, guess) = registry(args, &config.settings.workers.registry_shape)?;
    let replay = Replay {
        files: source::by_topic(&args.files, &args.mapping),
        registry,
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
        let files = args.files.iter().map(|file| &file.path);
        let inputs = files.chain(&args.registry).chain(&global.config);
        apart(report, inputs.map(PathBuf::as_path))?;
    }
    let replayed = run_replay(replay, global, args, guess.as_deref())?;
    if global.json {
        terminal::line(&terminal::json(&replayed.summary)?);
    }
    if let Some(report) = &args.report {
        write(report, &replayed, args, &config.report().rules)?;
        if !global.json {
            terminal::line(&format!("\nPage with charts: {}", report.display()));
        }
    }
    let summary = &replayed.summary;
    let seen = summary.blind.is_empty() && show::mostly_lost(&summary.records).is_none();
    Ok(if seen { DONE } else { NO })
}

/// Replays, and tells the story while it runs unless only the summary is wanted.
fn run_replay(
    replay: Replay,
    global: &Global,
    args: &cli::ReplayArgs,
    guess: Option<&str>,
) -> Result<Replayed> {
    let screen = screen(global);
    let mut story = Story::new(screen);
    let bar = Bar::new(!global.json);
    let watch = Stopwatch::start();
    if !global.json {
        terminal::line(&opening(args, screen));
        guess.iter().for_each(|guess| terminal::line(&format!("{guess}\n")));
    }
    let replayed = replay.run(|news| {
        if let News::Progress(progress, at, records) = &news
            && bar.is_shown()
        {
            let rate = number(*records as f64 / watch.elapsed().as_s().max(0.001));
            let words = format!("{}  {} records  {rate}/s", day(*at), count(*records));
            bar.at(progress.read, progress.total, &words);
        }
        let blocks = blocks(&mut story, &news);
        if !global.json {
            blocks.iter().for_each(|block| bar.line(block));
        }
    });
    bar.end();
    let replayed = replayed?;
    if !global.json {
        terminal::line(show::ending(&replayed, &story, screen).trim_end());
    }
    Ok(replayed)
}

/// What the story says about news.
pub(super) fn blocks(story: &mut Story, news: &News<'_>) -> Vec<String> {
    match news {
        News::Output(output) => story.output(output),
        News::Numbers(status) => {
            story.numbers(status);
            Vec::new()
        }
        News::Progress(..) | News::Refused(_) => Vec::new(),
    }
}

fn opening(args: &cli::ReplayArgs, screen: Screen) -> String {
    let files: Vec<_> = args.files.iter().map(|file| name(&file.path)).collect();
    let from = match (&args.registry, &args.production) {
        (Some(registry), _) => format!("Versions from {}", name(registry)),
        (None, Some(production)) => match &args.previous {
            Some(previous) => {
                format!("{production} in production, {previous} vouched for; no registry")
            }
            None => format!("{production} in production, no previous version; no registry"),
        },
        (None, None) => "No registry and no --production: nothing can be rolled back".to_owned(),
    };
    let head = screen.bold(&format!("Replay of {}", files.join(", ")));
    let mode = match args.mode {
        ReplayMode::Config => "of the settings",
        ReplayMode::Observe => Mode::Observe.name(),
        ReplayMode::Recommend => Mode::Recommend.name(),
        ReplayMode::Act => Mode::Act.name(),
    };
    let text = format!(
        "{from}. Mode {mode}, with simulated targets: nothing outside is changed. Times are event \
         times."
    );
    format!("{head}\n{}\n", screen.wrap(&text, 0))
}

fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

/// Checks before the work whether its result can be written.
fn may_write(report: &Path) -> Result<()> {
    let folder = report.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        bail!("{} is not a folder; create it, or write the page elsewhere", folder.display());
    }
    if report.is_dir() {
        bail!("{} is a folder; give --report the name of a file", report.display());
    }
    Ok(())
}

fn write(
    report: &Path,
    replayed: &Replayed,
    args: &cli::ReplayArgs,
    rules: &[RulesInWords],
) -> Result<()> {
    let files: Vec<_> = args.files.iter().map(|file| name(&file.path)).collect();
    let of = format!("Ripcord replay of {}", files.join(", "));
    let page = show::page(replayed, &of, &[], rules)?;
    files::write(report, &page).with_context(|| {
        format!("{} cannot be written; check permissions and free space", report.display())
    })
}

/// The shadow registry that a replay acts on, and what to say of its shape if that was recognized.
fn registry(
    args: &cli::ReplayArgs,
    shape: &RegistryShape,
) -> Result<(ShadowRegistry, Option<String>)> {
    let id = TargetId::new(REGISTRY)?;
    let Some(path) = &args.registry else { return Ok((ShadowRegistry::new(id), None)) };
    let name = path.display();
    let text = registry_text(path)?;
    let mut guess = None;
    let mut read = ShadowRegistry::read_in(id.clone(), &text, shape);
    if let Err(DocumentError::OtherForm(proposal)) = &read
        && let Some((shape, by)) = proposal.for_replay(args.model.as_ref())
    {
        guess = Some(format!(
            "{name} is not in Ripcord's own form.\nGoing by {by}, it is read in this shape. To let \
             a worker switch it,\nput this into your config:\n\n{}",
            shape.toml()
        ));
        read = ShadowRegistry::read_in(id, &text, &shape);
    }
    let registry = read.with_context(|| format!("in {name}"))?;
    if !args.check_artifacts {
        return Ok((registry, guess));
    }
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok((registry.check_artifacts(folder), guess))
}
