//! `ripcord token`: an access token, or a key that signs instructions.

use anyhow::Result;
use serde_json::json;

use crate::cli::{DONE, Global, NO};
use crate::config::{is_key_id, token_hash, written_key};
use crate::edge::http::fresh_id;
use crate::edge::terminal;

/// Makes a token and prints it, this once, with its hash. With an id: a key.
pub(super) fn run(global: &Global, instruction_key: Option<&str>) -> Result<u8> {
    if let Some(id) = instruction_key {
        return key(global, id);
    }
    // Two random ids have 244 random bits.
    let token = format!("{}{}", fresh_id(), fresh_id()).replace('-', "");
    let hash: String = token_hash(&token).iter().map(|byte| format!("{byte:02x}")).collect();
    if global.json {
        let both = json!({ "token": token, "hash": hash });
        terminal::line(&terminal::json(&both)?);
        return Ok(DONE);
    }
    terminal::line(&format!(
        "token  {token}\nhash   {hash}\n\nThe token is shown only now: give it to whom it is for. \
         The settings need only the hash:\n\n[[http.tokens]]\nname = \"NAME\"\n\
         role = \"viewer\"          # or operator, admin, producer\nhash = \"{hash}\""
    ));
    Ok(DONE)
}

/// Makes a key of that id and prints it as the variable holds it.
fn key(global: &Global, id: &str) -> Result<u8> {
    if !is_key_id(id) {
        terminal::complain(
            "ripcord: the id cannot name a key; use 1 to 64 letters, digits, ., _ and -",
        );
        return Ok(NO);
    }
    // Three random ids have 366 random bits, more than the 256 of the key.
    let bytes = token_hash(&format!("{}{}{}", fresh_id(), fresh_id(), fresh_id()));
    let key = written_key(id, &bytes);
    if global.json {
        terminal::line(&terminal::json(&json!({ "id": id, "key": key }))?);
        return Ok(DONE);
    }
    terminal::line(&format!(
        "{key}\n\nThe key is shown only now. decide, serve and `ripcord topics create` need it in \
         the variable that kafka.instruction_keys_env names:\n\nRIPCORD_INSTRUCTION_KEYS={key}\n\n\
         To replace an older key, first append this one to the variable of every process, after a \
         comma, and then move it to the front."
    ));
    Ok(DONE)
}
