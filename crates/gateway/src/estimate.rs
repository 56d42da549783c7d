//! Token figures for answers whose upstream told none, marked as estimates.

use conversation::{
    Event, Message, Part, TokenCounter, Tool, ToolResult, Turn, Usage, UsageSource, estimate_tokens,
};

/// Around a picture; makers count between some hundred and some thousand.
const IMAGE_TOKENS: u64 = 1000;

/// Watches what goes out, so that a figure can be given at the end.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    output: TokenCounter,
    reported: bool,
}

impl Meter {
    pub(crate) fn see(&mut self, event: &Event) {
        match event {
            Event::Delta(text) => self.output.push(text),
            Event::Usage(_) => self.reported = true,
            Event::Started { .. } | Event::Opened(_) | Event::Closed(_) | Event::Finished(_) => {}
        }
    }

    /// The estimate, unless the upstream reported.
    pub(crate) fn estimate(&self, turn: &Turn) -> Option<Usage> {
        (!self.reported).then(|| Usage {
            input: estimate_input(turn),
            output: self.output.count(),
            cache_read: None,
            cache_write: None,
            reasoning: None,
            source: UsageSource::Estimate,
        })
    }
}

/// What a request's input comes to, about: for figures that are due before the upstream tells.
#[must_use]
pub fn estimate_input(turn: &Turn) -> u64 {
    let instructions: u64 = turn.instructions.iter().map(|text| estimate_tokens(text)).sum();
    let messages: u64 = turn.messages.iter().map(message_tokens).sum();
    let tools: u64 = turn.tools.declared.iter().map(tool_tokens).sum();
    instructions + messages + tools
}

fn tool_tokens(tool: &Tool) -> u64 {
    let Tool { name, description, parameters } = tool;
    [name, description, parameters].into_iter().map(|text| estimate_tokens(text)).sum()
}

fn message_tokens(message: &Message) -> u64 {
    let parts = |parts: &[Part]| parts.iter().map(part_tokens).sum::<u64>();
    match message {
        Message::User(content) | Message::Assistant(content) => parts(content),
        Message::Instruction(text) => estimate_tokens(text),
        Message::ToolResults(results) => {
            results.iter().map(|ToolResult { content, .. }| parts(content)).sum()
        }
    }
}

fn part_tokens(part: &Part) -> u64 {
    match part {
        Part::Text(text) => estimate_tokens(text),
        Part::Image(_) => IMAGE_TOKENS,
        Part::File(file) => estimate_tokens(&file.text),
        Part::Reasoning(reasoning) => estimate_tokens(&reasoning.text),
        Part::ToolCall(call) => estimate_tokens(&call.name) + estimate_tokens(&call.arguments),
    }
}
