//! The request as clients write it. Field types only; every rule stands in `decode`.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::wire::{Alternative, TextOr, wire};

wire! {
    pub(super) struct Request {
        model: String,
        input: TextOr<Vec<Box<RawValue>>>,
        instructions: String,
        previous_response_id: String,
        stream: bool,
        stream_options: StreamOptions,
        store: bool,
        background: bool,
        tools: Vec<Box<RawValue>>,
        tool_choice: Box<RawValue>,
        parallel_tool_calls: bool,
        text: Text,
        reasoning: Reasoning,
        max_output_tokens: u64,
        max_tool_calls: u64,
        truncation: String,
        include: Vec<String>,
        metadata: BTreeMap<String, String>,
        prompt_cache_key: String,
        user: String,
        safety_identifier: String,
        service_tier: String,
        temperature: f64,
        top_p: f64,
        top_logprobs: u64,
        conversation: IgnoredAny,
        prompt: IgnoredAny,
    }
}

wire! {
    pub(super) struct StreamOptions {
        include_obfuscation: bool,
    }
}

wire! {
    pub(super) struct Reasoning {
        effort: String,
        summary: String,
        generate_summary: String,
    }
}

wire! {
    pub(super) struct Text {
        format: Format,
        verbosity: String,
    }
}

wire! {
    pub(super) struct Format {
        kind = "type": String,
        name: String,
        description: String,
        schema: Box<RawValue>,
        strict: bool,
    }
}

wire! {
    /// Any item; which fields mean something depends on its type.
    pub(super) struct Item {
        kind = "type": String,
        id: String,
        status: String,
        role: String,
        content: TextOr<Vec<Part>>,
        call_id: String,
        namespace: String,
        name: String,
        arguments: Box<RawValue>,
        input: String,
        output: Box<RawValue>,
        summary: Vec<Part>,
        encrypted_content: String,
        action: Box<RawValue>,
        operation: Box<RawValue>,
        server_label: String,
        error: Box<RawValue>,
        tools: Vec<Box<RawValue>>,
        execution: String,
        author: String,
        recipient: String,
    }
}

wire! {
    /// Of an item only the tools that it brings.
    pub(super) struct ToolItem {
        kind = "type": String,
        tools: Vec<Box<RawValue>>,
    }
}

wire! {
    /// Of an item only what it is and what it is called.
    pub(super) struct Reference {
        kind = "type": String,
        id: String,
    }
}

wire! {
    /// Of an item only whether it is a message, and whose.
    pub(super) struct Speaker {
        kind = "type": String,
        role: String,
    }
}

wire! {
    pub(super) struct Part {
        kind = "type": String,
        text: String,
        refusal: String,
        image_url: TextOr<ImageUrl>,
        detail: String,
        file_id: String,
        file_url: String,
        file_data: String,
        filename: String,
        // What an answer's text has; it comes back empty.
        annotations: IgnoredAny,
        logprobs: IgnoredAny,
    }
}

wire! {
    /// The form of Chat Completions, which some clients keep.
    pub(super) struct ImageUrl {
        url: String,
        detail: String,
    }
}

wire! {
    pub(super) struct Tool {
        kind = "type": String,
        name: String,
        description: String,
        parameters: Box<RawValue>,
        strict: bool,
        format: InputFormat,
        tools: Vec<Box<RawValue>>,
        environment: Box<RawValue>,
        execution: String,
    }
}

wire! {
    pub(super) struct InputFormat {
        kind = "type": String,
        syntax: String,
        definition: String,
    }
}

wire! {
    pub(super) struct ToolChoice {
        kind = "type": String,
        name: String,
        namespace: String,
        mode: String,
        tools: Vec<ToolName>,
        server_label: String,
    }
}

wire! {
    pub(super) struct ToolName {
        kind = "type": String,
        name: String,
        namespace: String,
        server_label: String,
    }
}

impl Alternative for Vec<Part> {
    const EXPECTED: &'static str = "a string or an array of parts";
}

impl Alternative for ImageUrl {
    const EXPECTED: &'static str = "a string or an object";
}

impl Alternative for ToolChoice {
    const EXPECTED: &'static str = "a string or an object";
}
