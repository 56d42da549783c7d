//! The request as clients write it. Field types only; every rule stands in `decode`.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::wire::{Alternative, TextOr, wire};

wire! {
    pub(super) struct Request {
        model: String,
        max_tokens: u64,
        messages: Vec<Message>,
        system: TextOr<Blocks>,
        stream: bool,
        stop_sequences: Vec<String>,
        temperature: f64,
        top_p: f64,
        top_k: u64,
        metadata: Metadata,
        tools: Vec<Tool>,
        tool_choice: ToolChoice,
        thinking: Thinking,
        output_config: OutputConfig,
        /// The older place of `output_config.format`.
        output_format: Format,
        mcp_servers: Vec<IgnoredAny>,
        /// A conversation that the server would keep.
        thread: IgnoredAny,
        /// No provider's cache can be steered from here, and nothing is lost without it.
        cache_control: IgnoredAny,
    }
}

wire! {
    pub(super) struct Metadata {
        user_id: String,
    }
}

wire! {
    pub(super) struct Message {
        role: String,
        content: TextOr<Blocks>,
    }
}

wire! {
    /// A block of any type: which fields belong to which type is a rule of `decode`.
    pub(super) struct Block {
        kind = "type": String,
        text: String,
        /// An object, but in search results the address of what was found.
        source: TextOr<Box<Source>>,
        title: String,
        context: String,
        content: TextOr<Content>,
        tool_use_id: String,
        is_error: bool,
        id: String,
        name: String,
        input: Box<RawValue>,
        thinking: String,
        signature: String,
        data: String,
        tool_name: String,
        url: String,
        stdout: String,
        stderr: String,
        cache_control: IgnoredAny,
        /// Who called the tool: always the model, here.
        caller: IgnoredAny,
    }
}

wire! {
    pub(super) struct Source {
        kind = "type": String,
        media_type: String,
        data: String,
        url: String,
        file_id: String,
        content: TextOr<Content>,
    }
}

/// The blocks of a message.
#[derive(Debug)]
pub(super) struct Blocks(pub(super) Vec<Block>);

impl<'de> Deserialize<'de> for Blocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Blocks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Blocks, A::Error> {
                read_blocks(items).map(Blocks)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// Reads up to the first block without a type, at which the request will be refused. Millions of
/// `{}` would otherwise become two hundred times as much memory.
fn read_blocks<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Vec<Block>, A::Error> {
    let mut blocks: Vec<Block> = Vec::new();
    while let Some(block) = items.next_element::<Block>()? {
        let is_typed = block.kind.is_some();
        blocks.push(block);
        if !is_typed {
            while items.next_element::<IgnoredAny>()?.is_some() {}
        }
    }
    Ok(blocks)
}

/// What may stand in a block besides a string. A single object is legal only in the results of
/// the provider's own tools.
#[derive(Debug)]
pub(super) enum Content {
    Blocks(Vec<Block>),
    Object(Box<Block>),
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Content::EXPECTED)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Content, A::Error> {
                read_blocks(items).map(Content::Blocks)
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Content, A::Error> {
                Box::deserialize(MapAccessDeserializer::new(fields)).map(Content::Object)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

wire! {
    pub(super) struct Tool {
        kind = "type": String,
        name: String,
        description: String,
        input_schema: Box<RawValue>,
        display_width_px: u64,
        display_height_px: u64,
        cache_control: IgnoredAny,
        /// Saves context at the provider; here every tool is declared at once.
        defer_loading: bool,
        /// Arguments are streamed as they come in any case.
        eager_input_streaming: bool,
    }
}

wire! {
    pub(super) struct ToolChoice {
        kind = "type": String,
        name: String,
        disable_parallel_tool_use: bool,
    }
}

wire! {
    pub(super) struct Thinking {
        kind = "type": String,
        budget_tokens: u64,
        display: String,
    }
}

wire! {
    pub(super) struct OutputConfig {
        effort: String,
        format: Format,
    }
}

wire! {
    pub(super) struct Format {
        kind = "type": String,
        name: String,
        schema: Box<RawValue>,
    }
}

impl Alternative for Blocks {
    const EXPECTED: &'static str = "a string or an array of blocks";
}

impl Alternative for Content {
    const EXPECTED: &'static str = "a string or an array of blocks";
}

impl Alternative for Box<Source> {
    const EXPECTED: &'static str = "a string or an object";
}
