//! Answers of workers that say in text alone why they refused.
//!
//! Law: this is the only place where the text of an answer is read. Workers of builds before
//! `code` wrote it as the first word of the detail; they may still run during an upgrade, and
//! their answers are in old logs.

use crate::model::{CommandResult, ResultCode, StepResult};

/// Gives a refusal without a code the code that its text starts with.
pub fn code_from_text(answer: &mut CommandResult) {
    if answer.outcome != StepResult::Refused || answer.code.is_some() {
        return;
    }
    let word = answer.detail.split(':').next();
    let codes = [
        ResultCode::WrongNamespace,
        ResultCode::StaleGeneration,
        ResultCode::Expired,
        ResultCode::NotActing,
    ];
    answer.code = codes.into_iter().find(|code| word == Some(code.name()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::{decode, encode};

    fn answer(outcome: &str, detail: &str, more: &str) -> CommandResult {
        let json = format!(
            r#"{{"command":"c","incident":"i","model":"m","target":"t","outcome":"{outcome}",
            "proof":null,"detail":"{detail}"{more}}}"#
        );
        let mut answer = decode("answer", json.as_bytes()).unwrap();
        code_from_text(&mut answer);
        answer
    }

    #[test]
    fn an_old_refusal_has_the_code_of_its_text_and_nothing_else_has() {
        let cases = [
            ("refused", "expired: late", "", Some(ResultCode::Expired)),
            ("refused", "stale_generation: old", "", Some(ResultCode::StaleGeneration)),
            ("refused", "expired", "", Some(ResultCode::Expired)),
            ("refused", "expired tokens cannot be used", "", None),
            ("failed", "expired: the token", "", None),
            ("refused", "expired: late", r#","code":"not_acting""#, Some(ResultCode::NotActing)),
            ("refused", "no", r#","code":"of_a_later_build""#, Some(ResultCode::Other)),
        ];
        for (outcome, detail, more, code) in cases {
            assert_eq!(answer(outcome, detail, more).code, code, "{outcome} {detail} {more}");
        }
    }

    #[test]
    fn a_code_is_one_word_and_is_left_out_where_there_is_none() {
        let text =
            |answer: &CommandResult| String::from_utf8(encode("answer", answer).unwrap()).unwrap();
        assert!(!text(&answer("done", "", "")).contains("code"));
        let refused = answer("refused", "stale_generation: old", "");
        assert!(text(&refused).contains(r#""code":"stale_generation""#));
    }
}
