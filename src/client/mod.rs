//! Commands that talk to a running Ripcord by HTTP.
//!
//! Law: nothing is decided here, and everything shown comes from the server.

mod explain;
mod instructions;
mod status;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::cli::{DONE, Global, NO, Remote, RulesCommand};
use crate::config::{Config, Secret, readable_by_all};
use crate::edge::http::client::{Client, ClientError};
use crate::edge::terminal;
use crate::edge::terminal::table::Look;
use crate::phrases::visible_line;
use crate::show::Screen;

/// What every command needs.
struct Session {
    client: Client,
    json: bool,
    look: Look,
    screen: Screen,
    /// The user, for the record.
    by: String,
}

/// Asks a running server; returns the exit code.
///
/// # Errors
/// It could not be asked.
pub fn run(global: &Global, asked: &Remote, environment: &BTreeMap<String, String>) -> Result<u8> {
    let user = environment.get("USER").filter(|user| !user.is_empty());
    let quiet = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    let look = Look::of_stdout(global.no_color || quiet);
    let session = Session {
        client: Client::new(&global.url, token(global, environment)?)?,
        json: global.json,
        look,
        screen: Screen::new(look.colours, terminal::columns()),
        by: user.map_or_else(|| "command line".to_owned(), |user| format!("{user}, command line")),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(session.run(global, asked, environment));
    match done {
        Ok(code) => Ok(code),
        Err(error) => match error.downcast_ref::<ClientError>() {
            Some(no) if no.is_refusal() => {
                terminal::complain(&format!("ripcord: {no}"));
                Ok(NO)
            }
            Some(_) | None => Err(error),
        },
    }
}

/// The token of the file, else of the variable.
fn token(global: &Global, environment: &BTreeMap<String, String>) -> Result<Option<Secret>> {
    let Some(file) = &global.token_file else {
        let token = environment.get("RIPCORD_TOKEN").filter(|token| !token.is_empty());
        return Ok(token.map(|token| Secret::new(token.trim())));
    };
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{name} cannot be read; give --token-file a readable file"))?;
    if std::fs::metadata(file).is_ok_and(|about| about.is_file() && readable_by_all(&about)) {
        terminal::complain(&format!(
            "ripcord: every user of this machine can read the token in {name}; chmod o-r the file"
        ));
    }
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(Some(Secret::new(line))),
        Some(_) | None => bail!("{name} is empty; write the token on its first line"),
    }
}

impl Session {
    async fn run(
        &self,
        global: &Global,
        asked: &Remote,
        environment: &BTreeMap<String, String>,
    ) -> Result<u8> {
        match asked {
            Remote::Status { model, watch } => self.status(model.as_ref(), *watch).await,
            Remote::Incidents { id: None } => self.incidents().await,
            Remote::Incidents { id: Some(id) } | Remote::Explain { id } => self.explain(id).await,
            Remote::Order(order) => self.order(order).await,
            Remote::Rules(RulesCommand::Apply { why, yes }) => {
                let mut rules = Config::load(&global.config, environment)?.rules;
                (rules.by, rules.reason) = (Some(self.by.clone()), why.reason.clone());
                self.apply(&rules, *yes).await
            }
        }
    }

    /// The answer at a path, as a value whose texts can be shown, and as the server wrote it.
    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<(T, Json)> {
        let json = self.client.get(path).await?;
        let value = T::deserialize(shown(&json)).with_context(|| {
            format!("this version does not understand the answer of {path}; update ripcord")
        })?;
        Ok((value, json))
    }

    fn print_json(&self, json: &impl Serialize) -> Result<u8> {
        terminal::line(&terminal::json(json)?);
        Ok(DONE)
    }
}

/// The same with every text on one line and nothing hidden in it, so that no text of others makes a
/// line of its own.
fn shown(json: &Json) -> Json {
    match json {
        Json::String(text) => visible_line(text).into(),
        Json::Array(list) => list.iter().map(shown).collect(),
        Json::Object(table) => {
            let one = |(key, value): (&String, &Json)| (visible_line(key).into(), shown(value));
            Json::Object(table.iter().map(one).collect())
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => json.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_others_makes_a_line_of_its_own() {
        let told = serde_json::json!({"by": ["ev\u{1b}[31mil\nroot"], "a\u{202e}": 1, "b": null});
        let safe =
            serde_json::json!({"by": ["ev\\u{1b}[31mil\\u{a}root"], "a\\u{202e}": 1, "b": null});
        assert_eq!(shown(&told), safe);
    }
}
