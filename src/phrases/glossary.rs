//! The words that screens use, explained: the text of `ripcord help terms`.

/// A word and what it means, in the order in which a newcomer meets them.
pub const TERMS: [(&str, &str); 45] = [
    ("trigger", "A rule on one signal of a model: a limit, a share of the budget, an action."),
    ("signal", "What a trigger measures: accuracy, error rate, latency or feature drift."),
    (
        "budget",
        "How many false rollbacks you accept, such as one in 90 days. It sets the odds \
        at which triggers fire.",
    ),
    (
        "odds, evidence",
        "How strongly the data speak against the limit. `odds 400 to 1, 8,640 \
        needed` means that the trigger fires at 8,640. Looking often does not inflate them.",
    ),
    (
        "e-detector",
        "The statistic that computes these odds. It detects a change at any \
        sample size and stays within the false-alarm budget.",
    ),
    ("baseline", "A version's usual level of a signal, given by the registry or learned."),
    (
        "calibrating",
        "The trigger still learns how errors cluster. Until then it uses a \
        starting value.",
    ),
    (
        "armed, blind",
        "An armed trigger can fire. A blind one cannot say that the version is \
        healthy: it has no baseline, too few samples, or too much was lost.",
    ),
    (
        "not fed",
        "A trigger that had no sample during the last day that the version in production \
        answered. It watches nothing until its fields arrive.",
    ),
    ("healthy", "Verdict: the evidence is under the threshold."),
    (
        "breach",
        "Verdict: the version went bad, and another would serve better. Only a breach \
        can roll back.",
    ),
    (
        "systemic, common cause",
        "Verdict: the version is over its limit, but so is the one it is compared \
        with. A rollback would not help.",
    ),
    (
        "insufficient",
        "Verdict: there are too few samples, or nothing shows yet that another \
        version would serve better.",
    ),
    ("stale", "Verdict: lanes are silent, or so much was lost that it could hide a fault."),
    (
        "benefit",
        "Evidence that another version would serve better. Without it nothing is \
        rolled back.",
    ),
    (
        "reference",
        "What a comparison is based on: the same requests, live traffic at the same \
        time, history, or a baseline, in this order.",
    ),
    (
        "drift, PSI",
        "The inputs of a version changed. PSI, the population stability index, says \
        how much: over 0.25 is a lot. Drift only alerts unless you say otherwise.",
    ),
    (
        "mode",
        "What happens on a breach: observe records it, recommend waits for your approval, \
        act rolls back.",
    ),
    ("production", "The version that answers users."),
    ("canary", "A version that answers a share of the users."),
    ("shadow", "A version that answers copies of requests. No user sees its answers."),
    ("idle", "A version that answers nothing."),
    (
        "proven",
        "Safe to roll back to, because it served well for long enough or the registry \
        says so.",
    ),
    ("vouched", "Safe to roll back to, because a person said so with `ripcord vouch`."),
    (
        "quarantine",
        "A version that was rolled back may not be promoted for some days. \
        `ripcord release` ends this early.",
    ),
    ("incident", "The record of one breach or one requested rollback, from start to end."),
    (
        "plan, step",
        "What a rollback does, in order. Each step asks one worker for one state, \
        such as `production is v2`.",
    ),
    (
        "generation",
        "A number that grows with each rollback of a model, so that targets refuse \
        outdated commands.",
    ),
    ("open", "Incident state: seen, and nothing has been started."),
    ("rolling back", "Incident state: commands are out."),
    ("mitigated", "Incident state: live traffic shows that the restored version serves."),
    ("verified", "Incident state: the statistic that fired is within its limit again."),
    (
        "mitigated (unverified)",
        "Incident state: the switch is shown, but nothing showed in \
        time that it helped. Please check.",
    ),
    ("resolved", "Incident state: over."),
    (
        "frozen",
        "Automatic action is stopped until `ripcord unfreeze`. As an incident state: a \
        person must look.",
    ),
    ("stuck", "Incident state: a step cannot be done or proven. A person must act."),
    ("L1", "Proof: the target reports the switch."),
    ("L2", "Proof: a probe through the public route reached the target version."),
    ("L3", "Proof: live traffic shows the switch; the incident is mitigated."),
    ("L4", "Proof: the statistic shows that it helped; the incident is verified."),
    (
        "pane, bucket",
        "Telemetry is summed in panes of 10 seconds and judged in buckets of a \
        minute or an hour.",
    ),
    ("lane", "One partition of a source's topics, measured by one process."),
    ("watermark", "The event time up to which a lane is complete. Older records are late."),
    ("event time", "The time inside the records. Screens show it in UTC."),
    ("shard", "A fixed share of the models, judged by one decide process at a time."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IncidentState, Proof, Reference, Role, Signal, Verdict};

    #[test]
    fn every_word_for_a_verdict_state_proof_and_role_is_explained() {
        let explained = |word: &str| {
            let parts = TERMS.iter().flat_map(|(terms, _)| terms.split(", "));
            let all = TERMS.iter().map(|(terms, _)| *terms).chain(parts);
            assert!(all.into_iter().any(|term| term == word), "{word} is not explained");
        };
        for verdict in [
            Verdict::Healthy,
            Verdict::Breach,
            Verdict::Systemic,
            Verdict::Insufficient,
            Verdict::Stale,
            Verdict::Blind,
        ] {
            explained(crate::phrases::verdict(verdict));
        }
        for state in [
            IncidentState::Open,
            IncidentState::Mitigating,
            IncidentState::Mitigated,
            IncidentState::Verified,
            IncidentState::MitigatedUnverified,
            IncidentState::Resolved,
            IncidentState::Frozen,
            IncidentState::Stuck,
        ] {
            explained(crate::phrases::incident_state(state));
        }
        for proof in [Proof::L1, Proof::L2, Proof::L3, Proof::L4] {
            let words = crate::phrases::proof(proof);
            explained(words.split(',').next().unwrap());
        }
        for role in [Role::Production, Role::Canary, Role::Shadow, Role::Idle] {
            explained(crate::phrases::role(role));
        }
        let text: String = TERMS.iter().map(|(_, text)| *text).collect();
        for signal in [Signal::Accuracy, Signal::ErrorRate, Signal::Latency, Signal::FeatureDrift] {
            assert!(text.contains(crate::phrases::signal(signal)));
        }
        assert!(text.contains(crate::phrases::reference(Reference::Paired)));
    }

    #[test]
    fn each_is_one_or_two_short_sentences() {
        for (term, text) in TERMS {
            assert!(text.ends_with('.') && text.len() <= 170, "{term}: {} letters", text.len());
        }
    }
}
