//! Anthropic's Messages.

use super::chat::TURN;
use super::faults::Shape;
use super::operation::{Answer, Body, Content, Operation, Parameter, Place, json_of};

pub(super) const SHAPES: &str = r#"
MessagesRequest request | A request for an answer. Other fields of the API have no effect and are named in `x-ignored-fields`.
  max_tokens positive | Most tokens of the answer.
  + MessagesCountRequest
MessagesBlock request | A block of a message. Which fields mean something depends on the type.
  type string | `text`, `image`, `document`, `search_result`, `tool_use`, `tool_result`, `tool_reference`, `thinking`, `redacted_thinking`; records of the provider's own tools become text.
  text? string
  source? string or MessagesSource | Of a picture or document; the address of a search result.
  title? string
  context? string | What a document is about.
  content? string or [MessagesBlock] or object | Of a result.
  tool_use_id? string | Which call a result answers.
  is_error? bool
  id? string | Of a call.
  name? string | Of a called tool.
  input? any | Of a call: an object.
  thinking? string
  signature? string | Comes back as it was answered.
  data? string | Of `redacted_thinking`.
  tool_name? string
  url? string
  stdout? string
  stderr? string
  cache_control? any | Makes no difference.
  caller? any
MessagesSource request
  type 'base64'|'url'|'text'|'content'|'file' | What is uploaded elsewhere (`file`) is refused.
  media_type? string
  data? string
  url? string | Pictures only, and only where the operator allows it.
  file_id? string
  content? string or [MessagesBlock]
MessagesMessage request
  role 'user'|'assistant'|'system'
  content? string or [MessagesBlock] | Must be there, except for the system.
MessagesTool request
  type? string | `custom` unless said; or a tool that the API defines and the client runs, such as `bash_20250124`.
  name? string | Must be there for the client's own.
  description? string
  input_schema? object | JSON Schema of the input; must be there for the client's own.
  display_width_px? uint
  display_height_px? uint
  cache_control? any
  defer_loading? bool
  eager_input_streaming? bool
MessagesToolChoice request
  type 'auto'|'any'|'tool'|'none'
  name? string | Of `tool`.
  disable_parallel_tool_use? bool
MessagesThinking request
  type 'enabled'|'adaptive'|'between_tools'|'disabled'
  budget_tokens? uint | Of `enabled`, at least 1024; becomes an effort.
  display? 'summarized'|'omitted'
MessagesOutputConfig request
  effort? 'low'|'medium'|'high'|'xhigh'|'max'
  format? MessagesFormat
MessagesFormat request
  type 'json_schema'
  name? string
  schema object | The answer is checked against it, and corrected once.
MessagesMetadata request
  user_id? string | Names the conversation.
MessagesUsage answer
  input_tokens uint or null | Without what came from the cache or went into it.
  cache_creation_input_tokens uint or null
  cache_read_input_tokens uint or null
  output_tokens uint or null
  output_tokens_details? MessagesOutputDetails
  estimated? bool | `true` when the upstream did not tell and the gateway estimated.
MessagesOutputDetails answer
  thinking_tokens uint
Message answer | A whole answer.
  id string
  type 'message'
  role 'assistant'
  model string
  content [MessageContent]
  stop_reason 'end_turn'|'tool_use'|'max_tokens'|'stop_sequence'|'refusal' or null
  stop_sequence string or null
  stop_details? null
  usage MessagesUsage
MessageContent answer
  type 'text'|'thinking'|'redacted_thinking'|'tool_use'
  text? string
  thinking? string
  signature? string | To be sent back with the next request.
  data? string
  id? string
  name? string
  input? object
MessageEvent answer | An event of a streamed answer; `event:` repeats its type.
  type 'message_start'|'content_block_start'|'ping'|'content_block_delta'|'content_block_stop'|'message_delta'|'message_stop'|'error'
  message? Message | Of `message_start`.
  index? uint | Place of the block.
  content_block? MessageContent
  delta? object | `text_delta`, `thinking_delta`, `signature_delta` or `input_json_delta`; how it ended, in `message_delta`.
  usage? MessagesUsage
  error? AnthropicErrorInside
  request_id? string
MessagesTokens answer
  input_tokens uint
  estimated? bool | `true` when the gateway estimated.
"#;

/// Read first: another shape takes its fields over.
pub(super) const FIRST: &str = r#"
MessagesCountRequest request | A conversation whose tokens are counted.
  model text | A model of `/v1/models`.
  messages [MessagesMessage] | The conversation so far, at least one message.
  system? string or [MessagesBlock]
  stream? bool | Whether the answer comes piece by piece, as server-sent events.
  stop_sequences? [text] | At most 64.
  temperature? number | Has no effect.
  top_p? number | Has no effect.
  top_k? uint | Has no effect.
  metadata? MessagesMetadata
  tools? [MessagesTool]
  tool_choice? MessagesToolChoice
  thinking? MessagesThinking
  output_config? MessagesOutputConfig
  output_format? MessagesFormat | The older place of `output_config.format`.
  mcp_servers? [any] | Has no effect.
  cache_control? any | Makes no difference.
"#;

/// Chooses the shape of errors and of the model list.
pub(super) const VERSION: Parameter = Parameter {
    name: "anthropic-version",
    place: Place::Header,
    required: false,
    shape: "string",
    about: "Any value says that the client speaks Anthropic's API.",
};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: "POST",
        path: "/v1/messages",
        id: "createMessage",
        tag: "Anthropic",
        summary: "Answer a conversation (Messages)",
        about: "With `stream`, the answer comes as server-sent events. An error after the first \
                one is an event of type `error`.",
        parameters: &[VERSION],
        body: Body::Json(
            "MessagesRequest",
            r#"{"model": "claude-4.5-sonnet", "max_tokens": 1024,
                "messages": [{"role": "user", "content": "Hello"}]}"#,
        ),
        answers: &[Answer {
            status: 200,
            about: "The answer, whole or streamed.",
            content: &[
                Content::Json("Message"),
                Content::Events("MessageEvent", "From `message_start` to `message_stop`."),
            ],
        }],
        headers: TURN,
        faults: Shape::Anthropic,
        statuses: &[404, 502, 504, 529],
    },
    Operation {
        method: "POST",
        path: "/v1/messages/count_tokens",
        id: "countMessageTokens",
        tag: "Anthropic",
        summary: "Count the tokens of a conversation",
        about: "By the upstream where it can, otherwise an estimate.",
        parameters: &[VERSION],
        body: Body::Json(
            "MessagesCountRequest",
            r#"{"model": "claude-4.5-sonnet", "messages": [{"role": "user", "content": "Hello"}]}"#,
        ),
        answers: &[json_of(&[Content::Json("MessagesTokens")])],
        headers: &["x-ignored-fields", "x-token-count"],
        faults: Shape::Anthropic,
        statuses: &[404, 502, 504, 529],
    },
];
