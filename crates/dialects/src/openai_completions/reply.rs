//! A whole answer, and the parts that it shares with a stream.

use conversation::Reply;
use serde::Serialize;

use super::ReplyForm;
use crate::json;
use crate::openai_chat::reply::text_finish_reason;
use crate::openai_chat::usage::UsageBody;

/// What the client sees as the id of an answer begins with this.
pub(super) const ID_PREFIX: &str = "cmpl-";
pub(super) const OBJECT: &str = "text_completion";

#[derive(Serialize)]
struct Completion<'a> {
    id: String,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [Choice; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageBody>,
}

#[derive(Serialize)]
struct Choice {
    text: String,
    index: u32,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

/// The body of an answer that is not streamed.
#[must_use]
pub fn encode_whole(reply: &Reply, form: &ReplyForm, created_unix: i64) -> Vec<u8> {
    let mut text = form.echo.clone().unwrap_or_default();
    text.push_str(&reply.text());
    let finish_reason = text_finish_reason(&reply.stop);
    json::to_vec(&Completion {
        id: format!("{ID_PREFIX}{}", reply.id),
        object: OBJECT,
        created: created_unix,
        model: &form.model,
        choices: [Choice { text, index: 0, logprobs: None, finish_reason }],
        usage: reply.usage.as_ref().map(UsageBody::from),
    })
}
