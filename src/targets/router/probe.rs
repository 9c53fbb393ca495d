//! Checks which version answers on the public route after a switch.

use super::Router;
use crate::edge::chain::chain;
use crate::edge::http::client::part;
use crate::model::{Command, Proof, VersionId};
use crate::targets::Acted;

impl Router {
    /// Sends requests through the public route and looks at which version answers.
    pub(super) async fn probe(
        &self,
        command: &Command,
        version: &VersionId,
        instead_of: &VersionId,
        detail: String,
    ) -> Acted {
        let Some(probe) = &self.settings.probe_path else { return Acted::done(detail) };
        let url = format!("{}/models/{}{probe}", self.settings.url, part(command.model.as_str()));
        let (mut right, mut other) = (0, Vec::new());
        for _ in 0..self.settings.probes {
            let answer = match self.http.get(&url).send().await {
                Ok(answer) => answer,
                Err(why) => {
                    let why = chain(&why.without_url());
                    return Acted::done(format!(
                        "{detail}; the public route could not be checked: {why}"
                    ));
                }
            };
            let by = answer.headers().get("x-model-version").and_then(|by| by.to_str().ok());
            match by {
                Some(by) if by == instead_of.as_str() => {
                    return Acted::unknown(format!(
                        "{detail}, but {instead_of} still answers at {url}: is another router in \
                         front of this one?"
                    ));
                }
                Some(by) if by == version.as_str() => right += 1,
                Some(by) => other.push(by.to_owned()),
                None => {
                    let said = "the public route is not answered by a Ripcord router";
                    return Acted::done(format!("{detail}; {said}: {url}"));
                }
            }
        }
        if right == 0 {
            let other = other.join(", ");
            return Acted::done(format!("{detail}; the public route was answered by {other}"));
        }
        let probes = self.settings.probes;
        let detail =
            format!("{detail}; {version} answered {right} of {probes} probes of the public route");
        Acted { proof: Some(Proof::L2), ..Acted::done(detail) }
    }
}
