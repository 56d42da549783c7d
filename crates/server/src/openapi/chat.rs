//! Chat Completions and the older Completions.

use super::operation::{Answer, Body, Content, Operation, Parameter, Place};

pub(super) const SHAPES: &str = r#"
ChatRequest request | A request for an answer. Other fields of the API have no effect and are named in `x-ignored-fields`.
  model text | A model of `/v1/models`; `-max` and `-online` at its end ask for the large window and for web search.
  messages [ChatMessage] | The conversation so far, at least one message.
  stream? bool | Whether the answer comes piece by piece, as server-sent events.
  stream_options? ChatStreamOptions | Only with `stream`.
  max_tokens? positive | Most tokens of the answer.
  max_completion_tokens? positive | The same; the lower of the two counts.
  stop? string or [text] | Texts at which the answer ends, at most 16.
  n? 1 | Number of answers; there is one.
  logprobs? bool | Not available: only `false`.
  top_logprobs? uint | Not available: only 0.
  temperature? number | Has no effect.
  top_p? number | Has no effect.
  seed? int | Has no effect.
  reasoning_effort? 'none'|'minimal'|'low'|'medium'|'high'|'xhigh' | How much the model thinks.
  reasoning? ChatReasoning
  modalities? ['text'] | Only text.
  user? string | Names the conversation's owner.
  prompt_cache_key? string | Names the conversation; counts for more than `user`.
  tools? [ChatTool] | What the model may call.
  tool_choice? 'none'|'auto'|'required' or ChatToolChoice
  parallel_tool_calls? bool | Whether several calls may come at once; yes unless said.
  functions? [ChatFunction] | The older form of `tools`.
  function_call? 'none'|'auto' or ChatToolName | The older form of `tool_choice`.
  response_format? ChatResponseFormat
  store? bool | Nothing is stored; `true` has no effect.
ChatStreamOptions request
  include_usage? bool | Whether a last chunk tells the usage.
ChatReasoning request
  effort? 'none'|'minimal'|'low'|'medium'|'high'|'xhigh' | The same as `reasoning_effort`, which counts for more.
ChatMessage request | A message. Which fields mean something depends on the role.
  role 'system'|'developer'|'user'|'human'|'assistant'|'ai'|'tool'|'function'
  content? string or [ChatPart] | Must be there, except for an assistant that calls tools.
  name? string | Of a function, for its result.
  reasoning_content? string | An assistant's thinking, as it was answered.
  reasoning_details? [ChatReasoningDetail] | The same with its seals.
  refusal? string
  tool_calls? [ChatToolCall] | What an assistant called.
  tool_call_id? string | Which call a tool's message answers.
  function_call? ChatFunctionCall | The older form of `tool_calls`.
ChatReasoningDetail request
  type 'reasoning.text'|'reasoning.summary'|'reasoning.encrypted'
  text? string
  signature? string
  data? string | Of `reasoning.encrypted`.
  summary? string | Of `reasoning.summary`.
  format? string
  index? uint
  id? string
ChatPart request | A part of a message.
  type 'text'|'input_text'|'output_text'|'image_url'|'input_image'|'file'|'refusal'
  text? string
  image_url? string or ChatImage | A data URI; other addresses only where the operator allows them.
  refusal? string
  file? ChatFile
ChatImage request
  url string
  detail? string | Only `auto` has an effect.
ChatFile request | A document that is text.
  file_data string | A data URI.
  filename? string
ChatToolCall request
  id text
  type? 'function'|'custom'
  function? ChatFunctionCall
  custom? ChatCustomCall
  index? uint
ChatFunctionCall request
  name text
  arguments? string or object | JSON as text.
ChatCustomCall request
  name text
  input string
ChatTool request
  type 'function'|'custom'
  function? ChatFunction
  custom? ChatCustomTool
ChatFunction request
  name text | Letters, digits, `_` and `-`.
  description? string
  parameters? object | JSON Schema of the arguments.
ChatCustomTool request | A tool that takes free text.
  name text
  description? string
  format? ChatCustomFormat
ChatCustomFormat request
  type 'text'|'grammar'
  grammar? ChatGrammar
ChatGrammar request
  syntax 'lark'|'regex'
  definition text
ChatToolChoice request
  type? 'function'|'custom'|'allowed_tools'
  function? ChatToolName
  custom? ChatToolName
  allowed_tools? ChatAllowedTools
ChatAllowedTools request
  mode 'auto'|'required'
  tools [ChatAllowedTool]
ChatAllowedTool request
  type 'function'|'custom'
  function? ChatToolName
  custom? ChatToolName
ChatToolName request
  name text
ChatResponseFormat request
  type 'text'|'json_object'|'json_schema'
  json_schema? ChatJsonSchema
ChatJsonSchema request
  name text
  schema object | The answer is checked against it, and corrected once.
ChatUsage answer
  prompt_tokens uint
  completion_tokens uint
  total_tokens uint
  prompt_tokens_details? ChatPromptDetails
  completion_tokens_details? ChatCompletionDetails
  estimated? bool | `true` when the upstream did not tell and the gateway estimated.
ChatPromptDetails answer
  cached_tokens uint
ChatCompletionDetails answer
  reasoning_tokens uint
ChatCompletion answer | A whole answer.
  id string
  object 'chat.completion'
  created int | Unix time in seconds.
  model string
  choices [ChatChoice]
  usage? ChatUsage
ChatChoice answer
  index uint
  message ChatAnswer
  logprobs null
  finish_reason 'stop'|'length'|'tool_calls'|'function_call'|'content_filter'
ChatAnswer answer
  role 'assistant'
  content string or null
  refusal null
  reasoning_content? string | The model's thinking.
  reasoning_details? [ChatSealedReasoning] | To be sent back with the next request.
  tool_calls? [ChatAnsweredCall]
  function_call? ChatAnsweredFunction
ChatSealedReasoning answer
  type 'reasoning.text'|'reasoning.encrypted'
  text? string
  signature? string
  data? string
  index uint
ChatAnsweredCall answer
  id string
  type 'function'|'custom'
  function? ChatAnsweredFunction
  custom? ChatAnsweredCustom
ChatAnsweredFunction answer
  name string
  arguments string | JSON as text.
ChatAnsweredCustom answer
  name string
  input string
ChatChunk answer | A piece of a streamed answer.
  id string
  object 'chat.completion.chunk'
  created int
  model string
  choices [ChatChunkChoice] | Empty in the chunk that tells the usage.
  usage? ChatUsage or null
ChatChunkChoice answer
  index uint
  delta ChatDelta
  logprobs null
  finish_reason 'stop'|'length'|'tool_calls'|'function_call'|'content_filter' or null
ChatDelta answer
  role? 'assistant'
  content? string or null
  refusal? null
  reasoning_content? string
  reasoning_details? [ChatSealedReasoning]
  tool_calls? [ChatDeltaCall]
  function_call? ChatDeltaFunction
ChatDeltaCall answer
  index uint
  id? string
  type? 'function'|'custom'
  function? ChatDeltaFunction
  custom? ChatDeltaCustom
ChatDeltaFunction answer
  name? string
  arguments? string
ChatDeltaCustom answer
  name? string
  input? string
CompletionRequest request | A text to go on with, or to fill in when there is a `suffix`.
  model text | A model of `/v1/models`, or for filling in one of `/cpp/models`.
  prompt string or (string) | One text.
  suffix? string | What stands behind the cursor.
  relative_workspace_path? string | For filling in: the file's path.
  language_id? string | For filling in: the file's language.
  stream? bool
  stream_options? ChatStreamOptions
  max_tokens? positive
  stop? string or [text]
  n? 1
  best_of? 1
  echo? bool | Whether the answer begins with the prompt.
  temperature? number | Has no effect.
  top_p? number | Has no effect.
  seed? int | Has no effect.
  user? string
Completion answer
  id string
  object 'text_completion'
  created int
  model string
  choices [CompletionChoice]
  usage? ChatUsage
CompletionChoice answer
  text string
  index uint
  logprobs null
  finish_reason 'stop'|'length'|'content_filter' or null
"#;

/// Headers of an answer of a model.
pub(super) const TURN: &[&str] = &["x-ignored-fields"];

/// What can go wrong with a model's answer before it begins.
pub(super) const TROUBLE: &[u16] = &[404, 502, 503, 504];

/// Whom completions of code are for.
pub(super) const CLIENT_KEY: Parameter = Parameter {
    name: "x-client-key",
    place: Place::Header,
    required: false,
    shape: "hex64",
    about: "Names the editor and its copies of files; 64 hex characters, see `/gen-hash`.",
};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: "POST",
        path: "/v1/chat/completions",
        id: "createChatCompletion",
        tag: "OpenAI",
        summary: "Answer a conversation (Chat Completions)",
        about: "With `stream`, the answer comes as server-sent events, each `data: ` with a chunk, \
                the last one `data: [DONE]`. An error after the first chunk is an event with an \
                `error`.",
        body: Body::Json(
            "ChatRequest",
            r#"{"model": "gpt-5", "messages": [{"role": "user", "content": "Hello"}]}"#,
        ),
        answers: &[Answer {
            status: 200,
            about: "The answer, whole or streamed.",
            content: &[
                Content::Json("ChatCompletion"),
                Content::Events("ChatChunk or OpenAiError", "Chunks, and `[DONE]` at the end."),
            ],
        }],
        headers: TURN,
        statuses: TROUBLE,
        ..Operation::EMPTY
    },
    Operation {
        method: "POST",
        path: "/v1/completions",
        id: "createCompletion",
        tag: "OpenAI",
        summary: "Go on with a text, or fill one in",
        about: "With a `suffix` it is filled in between the two texts, by the code completion.",
        parameters: &[CLIENT_KEY],
        body: Body::Json(
            "CompletionRequest",
            r#"{"model": "gpt-5", "prompt": "Once upon a time"}"#,
        ),
        answers: &[Answer {
            status: 200,
            about: "The text, whole or streamed.",
            content: &[
                Content::Json("Completion"),
                Content::Events("Completion or OpenAiError", "Pieces, and `[DONE]` at the end."),
            ],
        }],
        headers: TURN,
        statuses: TROUBLE,
        ..Operation::EMPTY
    },
];
