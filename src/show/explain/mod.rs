//! The story of an incident, or of one decision: the text of `explain`.

mod decision;
mod plan;

pub use decision::decision;

use self::decision::seen;
use self::plan::plan;
use super::Screen;
use crate::model::Incident;
use crate::phrases::{count, incident_state, moment, signal, verdict};
use crate::shard::Decision;

/// An incident from its opening to the command to type next; `decisions` are the oldest first.
#[must_use]
pub fn incident(incident: &Incident, decisions: &[Decision], screen: Screen) -> String {
    let Incident { model, version, id, .. } = incident;
    let head = format!("Incident {id}: {model} {version}, {}", incident_state(incident.state));
    let mut out = vec![screen.bold(&head), screen.wrap(&opening(incident), 0)];
    let of_trigger = |decision: &&Decision| {
        incident.trigger.as_ref().is_some_and(|trigger| decision.assessment.trigger == *trigger)
    };
    if let Some(first) = decisions.iter().find(of_trigger) {
        out.push(String::new());
        seen(&mut out, first, screen);
    }
    out.push(String::new());
    out.push(
        screen.wrap(
            &format!("Why it is {}: {}", incident_state(incident.state), incident.because),
            0,
        ),
    );
    plan(&mut out, incident, screen);
    if decisions.len() > 1 {
        out.push(String::new());
        out.push("Verdicts since then:".to_owned());
        for decision in decisions {
            let a = &decision.assessment;
            let (at, said) = (moment(a.at), verdict(a.verdict));
            out.push(screen.wrap(&format!("{at}  {} {said} ({})", a.trigger, decision.id), 2));
        }
    }
    if let Some(next) = &incident.next {
        out.push(String::new());
        // One line, however long, so that it can be copied.
        out.push(format!("Next: {next}"));
    }
    out.join("\n")
}

fn opening(incident: &Incident) -> String {
    let at = moment(incident.opened_at);
    let mut text = match (&incident.trigger, incident.signal) {
        (Some(trigger), Some(read)) => {
            format!("Opened by trigger {trigger} on {} at {at}.", signal(read))
        }
        _ => format!("Opened at {at}, not by a trigger."),
    };
    if let Some(from) = incident.breach_from {
        let what = match from > incident.opened_at {
            true => "The breach began again at about",
            false => "The breach likely began at",
        };
        let (from, samples) = (moment(from), count(incident.samples));
        text.push_str(&format!(" {what} {from}; {samples} samples since then."));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example incident, with its next command.
    fn story(next: Option<&str>) -> String {
        let text = include_str!("../../../schemas/incident.v1.example.json");
        let mut example: Incident = serde_json::from_str(text).unwrap();
        example.next = next.map(str::to_owned);
        incident(&example, &[], Screen::new(false, None))
    }

    #[test]
    fn it_ends_with_the_servers_next_command_or_with_none() {
        let told = story(Some("ripcord approve credit-risk"));
        assert_eq!(told.lines().last(), Some("Next: ripcord approve credit-risk"), "{told}");
        let told = story(None);
        assert!(!told.contains("Next:") && !told.contains("ripcord release"), "{told}");
        assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    }
}
