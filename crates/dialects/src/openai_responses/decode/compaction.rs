//! A request for a summary that stands in for the conversation.

use conversation::{Failure, Limits, Message, OutputShape, Part, Tools};

use super::{Purpose, Request};
use crate::openai_responses::compaction::CompactionForm;
use crate::openai_responses::wire;
use crate::{Decoded, Ignored, Images};

/// What the model is told after the conversation.
const INSTRUCTION: &str = "Stop here and write a summary of everything above. It will replace the \
    conversation: later you will see only the user's own messages and this summary, so whatever \
    is needed to go on must be in it. Cover what the user wants; instructions and preferences \
    that still hold; what was decided, and why; what was found out, with names, paths, numbers, \
    identifiers, commands and error messages exactly as they are; what was done, with the results \
    of tool calls that matter; and what is unfinished or comes next. If an earlier summary is part \
    of the conversation, carry over what is in it. Do not answer the user, do not call a tool and \
    do not go on with the work. Write only the summary, in the language of the conversation.";

impl Request {
    /// Makes a turn that asks for a summary of the conversation. `earlier` is as for
    /// [`Request::decode`].
    ///
    /// # Errors
    /// A field is wrong, or something is asked for that cannot be done. The failure names the
    /// field.
    pub fn decode_compaction(
        &self,
        earlier: &[String],
        images: &Images,
    ) -> Result<Decoded<CompactionForm>, Failure> {
        let Decoded { mut turn, form, mut ignored, wanted } =
            self.understand(Purpose::Compaction, earlier, images)?;
        report_unused(&self.fields, &mut ignored);
        turn.messages.push(Message::User(vec![Part::Text(INSTRUCTION.to_owned())]));
        turn.tools = Tools::default();
        turn.output = OutputShape::Text;
        turn.limits = Limits::default();
        let chain = if self.previous_response_id().is_some() { earlier } else { &[] };
        let items = chain.iter().chain(&form.input_items);
        let kept = items.filter(|item| is_users(item)).cloned().collect();
        Ok(Decoded { turn, form: CompactionForm { kept }, ignored, wanted })
    }
}

/// Fields that say how to answer; here there is only one way.
fn report_unused(request: &wire::Request, ignored: &mut Ignored) {
    for (name, given) in [
        ("background", request.background == Some(true)),
        ("include", request.include.is_some()),
        ("max_output_tokens", request.max_output_tokens.is_some()),
        ("max_tool_calls", request.max_tool_calls.is_some()),
        ("metadata", request.metadata.is_some()),
        ("parallel_tool_calls", request.parallel_tool_calls.is_some()),
        ("store", request.store == Some(true)),
        ("stream", request.stream == Some(true)),
        ("text", request.text.is_some()),
        ("tool_choice", request.tool_choice.is_some()),
        ("tools", request.tools.is_some()),
    ] {
        if given {
            ignored.add("", name);
        }
    }
}

fn is_users(item: &str) -> bool {
    serde_json::from_str::<wire::Speaker>(item).is_ok_and(|item| {
        item.kind.as_deref() == Some("message") && item.role.as_deref() == Some("user")
    })
}
