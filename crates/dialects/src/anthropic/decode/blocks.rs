//! The content of a message: a string or blocks, each allowed only in some places.

use conversation::{Failure, Part, ReasoningPart, ToolCall, ToolResult};

use super::{readable, required};
use crate::Ignored;
use crate::anthropic::seal;
use crate::anthropic::wire::{Block, Blocks, Content};
use crate::parts::texts;
use crate::picture::Pictures;
use crate::problem::unsupported_value;
use crate::wire::{TextOr, raw_object};

/// What is kept in mind while messages are read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) pictures: Pictures<'a>,
    pub(super) ignored: &'a mut Ignored,
}

/// Whose content it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    System,
    User,
    Assistant,
    ToolResult,
    /// The blocks that a document is made of.
    Document,
    SearchResult,
}

impl Place {
    /// The block types of a place, for a message to the client.
    fn supported(self) -> &'static str {
        match self {
            Self::System | Self::SearchResult => "'text'",
            Self::User => "'text', 'image', 'document', 'search_result', and 'tool_result'",
            Self::Assistant => "'text', 'thinking', 'redacted_thinking', and 'tool_use'",
            Self::ToolResult => {
                "'text', 'image', 'document', 'search_result', and 'tool_reference'"
            }
            Self::Document => "'text' and 'image'",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Image,
    Document,
    SearchResult,
    ToolResult,
    ToolUse,
    Thinking,
    RedactedThinking,
    ToolReference,
    /// What the provider's own tools did, and other records of an earlier answer.
    Record,
    /// Tools that come and go in the middle of a conversation.
    ToolChange,
}

impl Kind {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "text" => Self::Text,
            "image" => Self::Image,
            "document" => Self::Document,
            "search_result" => Self::SearchResult,
            "tool_result" => Self::ToolResult,
            "tool_use" => Self::ToolUse,
            "thinking" => Self::Thinking,
            "redacted_thinking" => Self::RedactedThinking,
            "tool_reference" => Self::ToolReference,
            "tool_addition" | "tool_removal" => Self::ToolChange,
            "server_tool_use" | "mcp_tool_use" | "mcp_tool_listing" | "compaction" | "fallback" => {
                Self::Record
            }
            _ if word.ends_with("_tool_result") => Self::Record,
            _ => return None,
        })
    }

    fn is_allowed(self, place: Place) -> bool {
        match self {
            Self::Text => true,
            Self::Image => {
                matches!(place, Place::User | Place::ToolResult | Place::Document)
            }
            Self::Document | Self::SearchResult => {
                matches!(place, Place::User | Place::ToolResult)
            }
            Self::ToolResult => place == Place::User,
            Self::ToolReference => place == Place::ToolResult,
            Self::ToolUse | Self::Thinking | Self::RedactedThinking => place == Place::Assistant,
            Self::Record => matches!(place, Place::User | Place::Assistant),
            Self::ToolChange => matches!(place, Place::User | Place::System),
        }
    }
}

/// What a block amounts to.
#[derive(Debug)]
pub(super) enum Item {
    Part(Part),
    Call {
        call: ToolCall,
        /// Where the block stood.
        path: String,
    },
    Result {
        result: ToolResult,
        /// Where the block stood.
        path: String,
    },
}

/// Where a list of blocks stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'p> {
    /// As in `messages[0].content`.
    pub(super) path: &'p str,
    /// The same as [`Ignored`] wants it: `messages[].content[].`.
    pub(super) prefix: &'p str,
    pub(super) place: Place,
}

impl Reader<'_> {
    /// The texts of the top-level `system`.
    ///
    /// # Errors
    /// A block is wrong, or no text.
    pub(super) fn instructions(
        &mut self,
        system: Option<TextOr<Blocks>>,
    ) -> Result<Vec<String>, Failure> {
        let at = At { path: "system", prefix: "system[].", place: Place::System };
        let parts = match system {
            None => Vec::new(),
            Some(TextOr::Text(text)) => vec![Part::Text(text)],
            Some(TextOr::Other(Blocks(blocks))) => self.parts(blocks, at)?,
        };
        Ok(texts(&parts).into_iter().filter(|text| !text.is_empty()).map(str::to_owned).collect())
    }

    /// The content of a message, without empty texts.
    ///
    /// # Errors
    /// It is missing, or a block is wrong or does not belong there.
    pub(super) fn content(
        &mut self,
        content: Option<TextOr<Blocks>>,
        at: At<'_>,
    ) -> Result<Vec<Item>, Failure> {
        match content {
            None => Err(required(at.path)),
            Some(TextOr::Text(text)) if text.is_empty() => Ok(Vec::new()),
            Some(TextOr::Text(text)) => Ok(vec![Item::Part(Part::Text(text))]),
            Some(TextOr::Other(Blocks(blocks))) => self.blocks(blocks, at),
        }
    }

    /// # Errors
    /// A block is wrong, or does not belong there.
    pub(super) fn blocks(&mut self, blocks: Vec<Block>, at: At<'_>) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::with_capacity(blocks.len());
        for (number, block) in blocks.into_iter().enumerate() {
            self.block(block, &format!("{}[{number}]", at.path), at, &mut items)?;
        }
        items.retain(|item| !matches!(item, Item::Part(Part::Text(text)) if text.is_empty()));
        Ok(items)
    }

    /// The same for a place where no tool results may stand.
    ///
    /// # Errors
    /// A block is wrong, or does not belong there.
    pub(super) fn parts(&mut self, blocks: Vec<Block>, at: At<'_>) -> Result<Vec<Part>, Failure> {
        Ok(parts(self.blocks(blocks, at)?))
    }

    fn block(
        &mut self,
        mut block: Block,
        path: &str,
        at: At<'_>,
        items: &mut Vec<Item>,
    ) -> Result<(), Failure> {
        let word = block.kind.take().ok_or_else(|| required(format!("{path}.type")))?;
        let kind =
            Kind::parse(&word).filter(|kind| kind.is_allowed(at.place)).ok_or_else(|| {
                unsupported_value(format!("{path}.type"), &word, at.place.supported())
            })?;
        let part = |part| items.push(Item::Part(part));
        match kind {
            Kind::Text => {
                let text = block.text.take().ok_or_else(|| required(format!("{path}.text")))?;
                items.push(Item::Part(Part::Text(text)));
            }
            Kind::Image => items.push(Item::Part(self.image(&mut block, path, at)?)),
            Kind::Document => self.document(&mut block, path, at)?.into_iter().for_each(part),
            Kind::SearchResult => {
                items.push(Item::Part(self.search_result(&mut block, path, at)?));
            }
            Kind::ToolResult => {
                let result = self.tool_result(&mut block, path, at)?;
                items.push(Item::Result { result, path: path.to_owned() });
            }
            Kind::ToolUse => {
                let call = tool_use(&mut block, path)?;
                items.push(Item::Call { call, path: path.to_owned() });
            }
            Kind::Thinking => self.thinking(&mut block, path, at)?.into_iter().for_each(part),
            Kind::RedactedThinking => {
                let data = block.data.take().filter(|data| !data.is_empty());
                let seal = Some(data.ok_or_else(|| required(format!("{path}.data")))?);
                let text = String::new();
                items.push(Item::Part(Part::Reasoning(ReasoningPart { text, seal })));
            }
            Kind::ToolReference => {
                let path = format!("{path}.tool_name");
                let name = block.tool_name.take().ok_or_else(|| required(path))?;
                let text = format!("The tool `{name}` is available and can be called.");
                items.push(Item::Part(Part::Text(text)));
            }
            Kind::Record | Kind::ToolChange => {
                match readable::text(&block) {
                    Some(text) => items.push(Item::Part(Part::Text(text))),
                    None => self.ignored.add(at.prefix, &word),
                }
                return Ok(());
            }
        }
        self.report_leftovers(&block, at.prefix);
        Ok(())
    }

    fn tool_result(
        &mut self,
        block: &mut Block,
        path: &str,
        at: At<'_>,
    ) -> Result<ToolResult, Failure> {
        let call_id =
            block.tool_use_id.take().ok_or_else(|| required(format!("{path}.tool_use_id")))?;
        let path = format!("{path}.content");
        let prefix = format!("{}content[].", at.prefix);
        let inner = At { path: &path, prefix: &prefix, place: Place::ToolResult };
        let content = match block.content.take() {
            None => Vec::new(),
            Some(TextOr::Text(text)) if text.is_empty() => Vec::new(),
            Some(TextOr::Text(text)) => vec![Part::Text(text)],
            Some(TextOr::Other(Content::Blocks(blocks))) => self.parts(blocks, inner)?,
            Some(TextOr::Other(Content::Object(_))) => return Err(not_blocks(&path)),
        };
        Ok(ToolResult { call_id, content, is_error: block.is_error.take().unwrap_or(false) })
    }

    /// Text that comes back with the seal it had. A seal of others whose text was kept from the
    /// client proves nothing any more.
    fn thinking(
        &mut self,
        block: &mut Block,
        path: &str,
        at: At<'_>,
    ) -> Result<Option<Part>, Failure> {
        let text = block.thinking.take().ok_or_else(|| required(format!("{path}.thinking")))?;
        let part = seal::restore(text, block.signature.take());
        if part.text.is_empty() {
            if part.seal.is_some() {
                self.ignored.add(at.prefix, "signature");
            }
            return Ok(None);
        }
        Ok(Some(Part::Reasoning(part)))
    }

    /// What the type of the block had no use for.
    fn report_leftovers(&mut self, block: &Block, prefix: &str) {
        block.unknown.report(prefix, self.ignored);
        for (name, given) in [
            ("text", block.text.is_some()),
            ("source", block.source.is_some()),
            ("title", block.title.is_some()),
            ("context", block.context.is_some()),
            ("content", block.content.is_some()),
            ("tool_use_id", block.tool_use_id.is_some()),
            ("is_error", block.is_error.is_some()),
            ("id", block.id.is_some()),
            ("name", block.name.is_some()),
            ("input", block.input.is_some()),
            ("thinking", block.thinking.is_some()),
            ("signature", block.signature.is_some()),
            ("data", block.data.is_some()),
            ("tool_name", block.tool_name.is_some()),
            ("url", block.url.is_some()),
            ("stdout", block.stdout.is_some()),
            ("stderr", block.stderr.is_some()),
        ] {
            if given {
                self.ignored.add(prefix, name);
            }
        }
    }
}

pub(super) fn not_blocks(path: &str) -> Failure {
    Failure::invalid(path, "expected a string or an array of blocks, but got an object instead.")
}

fn tool_use(block: &mut Block, path: &str) -> Result<ToolCall, Failure> {
    let field = |name| format!("{path}.{name}");
    let id = block.id.take().filter(|id| !id.is_empty()).ok_or_else(|| required(field("id")))?;
    let name =
        block.name.take().filter(|name| !name.is_empty()).ok_or_else(|| required(field("name")))?;
    let input = block.input.take().ok_or_else(|| required(field("input")))?;
    let arguments = raw_object(&input, &field("input"))?;
    Ok(ToolCall { id, name, arguments })
}

/// The parts of a message that holds no tool results.
pub(super) fn parts(items: Vec<Item>) -> Vec<Part> {
    items
        .into_iter()
        .filter_map(|item| match item {
            Item::Part(part) => Some(part),
            Item::Call { call, .. } => Some(Part::ToolCall(call)),
            Item::Result { .. } => None,
        })
        .collect()
}
