//! `ripcord token`.

use anyhow::Result;
use serde_json::json;

use crate::cli::{DONE, Global};
use crate::config::token_hash;
use crate::edge::http::fresh_id;
use crate::edge::terminal;

/// Makes a token and prints it, this once, with its hash.
pub(super) fn run(global: &Global) -> Result<u8> {
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
