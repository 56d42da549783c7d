//! The request as clients write it. Field types only; every rule stands in `decode`.

use serde_json::value::RawValue;

use super::fields::StreamOptions;
use crate::wire::{Alternative, TextOr, wire};

wire! {
    pub(super) struct Request {
        model: String,
        messages: Vec<Message>,
        stream: bool,
        stream_options: StreamOptions,
        max_tokens: u64,
        max_completion_tokens: u64,
        stop: TextOr<Vec<String>>,
        n: u64,
        logprobs: bool,
        top_logprobs: u64,
        temperature: f64,
        top_p: f64,
        seed: i64,
        reasoning_effort: String,
        reasoning: Reasoning,
        modalities: Vec<String>,
        user: String,
        prompt_cache_key: String,
        tools: Vec<Tool>,
        tool_choice: TextOr<ToolChoice>,
        parallel_tool_calls: bool,
        functions: Vec<Function>,
        function_call: TextOr<ToolName>,
        response_format: ResponseFormat,
        store: bool,
    }
}

wire! {
    pub(super) struct Reasoning {
        effort: String,
    }
}

wire! {
    pub(super) struct Message {
        role: String,
        content: TextOr<Vec<Part>>,
        name: String,
        reasoning_content: String,
        reasoning_details: Vec<ReasoningDetail>,
        refusal: String,
        tool_calls: Vec<ToolCall>,
        tool_call_id: String,
        function_call: FunctionCall,
    }
}

wire! {
    /// A piece of sealed reasoning, in the form that several gateways share.
    pub(super) struct ReasoningDetail {
        kind = "type": String,
        text: String,
        signature: String,
        data: String,
        summary: String,
        /// Name of the provider's form, place and id: the order of the pieces says enough.
        format: String,
        index: u64,
        id: String,
    }
}

wire! {
    pub(super) struct Part {
        kind = "type": String,
        text: String,
        image_url: TextOr<ImageUrl>,
        refusal: String,
        file: File,
        input_audio: InputAudio,
    }
}

wire! {
    pub(super) struct ImageUrl {
        url: String,
        detail: String,
    }
}

wire! {
    pub(super) struct File {
        file_id: String,
        file_data: String,
        filename: String,
    }
}

wire! {
    /// Only recognised, never read.
    pub(super) struct InputAudio {}
}

wire! {
    pub(super) struct ToolCall {
        id: String,
        kind = "type": String,
        function: FunctionCall,
        custom: CustomCall,
        index: u64,
    }
}

wire! {
    pub(super) struct CustomCall {
        name: String,
        input: String,
    }
}

wire! {
    pub(super) struct FunctionCall {
        name: String,
        /// A string with JSON inside; some clients send the object itself.
        arguments: Box<RawValue>,
    }
}

wire! {
    pub(super) struct Tool {
        kind = "type": String,
        function: Function,
        custom: Custom,
    }
}

wire! {
    /// A tool that takes free text.
    pub(super) struct Custom {
        name: String,
        description: String,
        format: CustomFormat,
    }
}

wire! {
    pub(super) struct CustomFormat {
        kind = "type": String,
        grammar: Grammar,
    }
}

wire! {
    pub(super) struct Grammar {
        syntax: String,
        definition: String,
    }
}

wire! {
    pub(super) struct Function {
        name: String,
        description: String,
        parameters: Box<RawValue>,
    }
}

wire! {
    pub(super) struct ToolChoice {
        kind = "type": String,
        function: ToolName,
        custom: ToolName,
        allowed_tools: AllowedTools,
    }
}

wire! {
    pub(super) struct AllowedTools {
        mode: String,
        tools: Vec<AllowedTool>,
    }
}

wire! {
    pub(super) struct AllowedTool {
        kind = "type": String,
        function: ToolName,
        custom: ToolName,
    }
}

wire! {
    pub(super) struct ToolName {
        name: String,
    }
}

wire! {
    pub(super) struct ResponseFormat {
        kind = "type": String,
        json_schema: JsonSchema,
    }
}

wire! {
    pub(super) struct JsonSchema {
        name: String,
        schema: Box<RawValue>,
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

impl Alternative for ToolName {
    const EXPECTED: &'static str = "a string or an object";
}
