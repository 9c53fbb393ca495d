//! Which roles a process runs.

use std::fmt;

use crate::model::TargetId;

/// Which roles run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleSet {
    /// All of them.
    All,
    /// One that measures per source.
    Ingest,
    /// The one that judges and decides.
    Decide,
    /// Some that act.
    Work(WorkerKind),
    /// The built-in router, and the one that publishes what it saw.
    Route,
    /// None; the process answers HTTP requests.
    Serve,
}

/// Which workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerKind {
    /// The one of the registry file.
    Registry,
    /// A program of the user; `None` for all of them.
    Exec(Option<TargetId>),
    /// The one of the built-in router.
    Router,
    /// The one that sends notices.
    Notice,
    /// Every one that the settings configure.
    Any,
}

impl RoleSet {
    pub(super) fn measures(&self) -> bool {
        matches!(self, Self::All | Self::Ingest)
    }

    pub(super) fn decides(&self) -> bool {
        matches!(self, Self::All | Self::Decide)
    }

    pub(super) fn serves(&self) -> bool {
        matches!(self, Self::All | Self::Serve)
    }

    pub(super) fn routes(&self) -> bool {
        matches!(self, Self::All | Self::Route)
    }

    /// Whether one worker is among them.
    pub(super) fn works(&self, one: &WorkerKind) -> bool {
        match (self, one) {
            (Self::All | Self::Work(WorkerKind::Any), _)
            | (Self::Work(WorkerKind::Exec(None)), WorkerKind::Exec(_)) => true,
            (Self::Work(hands), one) => hands == one,
            (Self::Ingest | Self::Decide | Self::Route | Self::Serve, _) => false,
        }
    }
}

impl WorkerKind {
    /// The setting that configures such a worker.
    pub(super) fn set_by(&self) -> String {
        match self {
            Self::Registry => "path in [workers.registry]".to_owned(),
            Self::Exec(None) => "a [workers.exec.NAME]".to_owned(),
            Self::Exec(Some(name)) => format!("[workers.exec.{name}]"),
            Self::Router => "url in [workers.router]".to_owned(),
            Self::Notice => "[workers.notice]".to_owned(),
            Self::Any => "a worker in [workers]".to_owned(),
        }
    }
}

/// The command that runs these roles.
impl fmt::Display for RoleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("up"),
            Self::Ingest => f.write_str("ingest"),
            Self::Decide => f.write_str("decide"),
            Self::Work(WorkerKind::Registry) => f.write_str("work registry"),
            Self::Work(WorkerKind::Exec(None)) => f.write_str("work exec"),
            Self::Work(WorkerKind::Exec(Some(name))) => write!(f, "work exec {name}"),
            Self::Work(WorkerKind::Router) => f.write_str("work router"),
            Self::Work(WorkerKind::Notice) => f.write_str("work notice"),
            Self::Work(WorkerKind::Any) => f.write_str("work"),
            Self::Route => f.write_str("route"),
            Self::Serve => f.write_str("serve"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_roles() {
        let exec = |name: &str| WorkerKind::Exec(Some(TargetId::new(name).unwrap()));
        let row = |part: &RoleSet| {
            let hands = [
                WorkerKind::Registry,
                exec("a"),
                exec("b"),
                WorkerKind::Router,
                WorkerKind::Notice,
            ];
            let works = hands.map(|one| part.works(&one));
            [&[part.measures(), part.decides()], works.as_slice(), &[part.routes(), part.serves()]]
                .concat()
        };
        for (part, line) in [
            (RoleSet::All, "mdraxtnus"),
            (RoleSet::Ingest, "m........"),
            (RoleSet::Decide, ".d......."),
            (RoleSet::Work(WorkerKind::Registry), "..r......"),
            (RoleSet::Work(WorkerKind::Exec(None)), "...ax...."),
            (RoleSet::Work(exec("b")), "....x...."),
            (RoleSet::Work(WorkerKind::Router), ".....t..."),
            (RoleSet::Work(WorkerKind::Notice), "......n.."),
            (RoleSet::Route, ".......u."),
            (RoleSet::Serve, "........s"),
        ] {
            let expected: Vec<bool> = line.chars().map(|c| c != '.').collect();
            assert_eq!(row(&part), expected, "{part}");
        }
    }
}
