//! What was done about a verdict, in words.

use crate::undo::Response;

/// What was done.
#[must_use]
pub const fn response(response: Response) -> &'static str {
    match response {
        Response::Nothing => "nothing",
        Response::Alerted => "alert",
        Response::WouldHave => "would roll back",
        Response::Held => "held back",
        Response::Acted => "rollback",
        Response::Joined => "told already",
        Response::Resolved => "over",
    }
}
