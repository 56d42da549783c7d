//! OpenAI's Responses: what they take and answer.

use super::chat::{TROUBLE, TURN};
use super::operation::{Answer, Body, Content, Operation, Parameter, Place, json_of};

pub(super) const SHAPES: &str = r#"
ResponsesRequest request | A request for an answer. Other fields of the API have no effect and are named in `x-ignored-fields`.
  model text | A model of `/v1/models`.
  input? string or [ResponsesItem] | What is new; the whole conversation where nothing is stored.
  instructions? string
  previous_response_id? text | A stored response from which this one goes on.
  stream? bool | Whether the answer comes piece by piece, as server-sent events.
  stream_options? ResponsesStreamOptions | Only with `stream`.
  store? bool | Whether the response is kept for a while; yes unless said.
  background? bool | Answers at once with a response that is still in progress; it must be stored.
  tools? [ResponsesTool] | What the model may call. Tools that run at OpenAI have no effect.
  tool_choice? 'none'|'auto'|'required' or ResponsesToolChoice
  parallel_tool_calls? bool
  text? ResponsesText
  reasoning? ResponsesReasoning
  max_output_tokens? positive
  max_tool_calls? positive
  truncation? 'auto'|'disabled'
  include? [string] | Only `reasoning.encrypted_content` has an effect.
  metadata? {string} | At most 16 pairs.
  prompt_cache_key? string | Names the conversation.
  user? string
  safety_identifier? string
  service_tier? string
  temperature? number | Has no effect.
  top_p? number | Has no effect.
  top_logprobs? uint | Not available: only 0.
ResponsesStreamOptions request
  include_obfuscation? bool
ResponsesReasoning request
  effort? 'none'|'minimal'|'low'|'medium'|'high'|'xhigh'|'max'
  summary? 'auto'|'concise'|'detailed'|'none'
  generate_summary? 'auto'|'concise'|'detailed'|'none'
ResponsesText request
  format? ResponsesFormat
  verbosity? 'low'|'medium'|'high'
ResponsesFormat request
  type 'text'|'json_object'|'json_schema'
  name? string
  description? string
  schema? object | The answer is checked against it, and corrected once.
  strict? bool
ResponsesItem request | An item of a conversation. Which fields mean something depends on the type.
  type? string | `message` where there is a role; `reasoning`, `function_call`, `function_call_output`, `custom_tool_call`, `custom_tool_call_output`, `local_shell_call`, `shell_call`, `apply_patch_call` and their `_output`, `mcp_call`, `agent_message`, `tool_search_call`, `tool_search_output`, `additional_tools`, `compaction`, `item_reference`.
  id? string
  status? string
  role? 'user'|'assistant'|'system'|'developer'
  content? string or [ResponsesPart]
  call_id? string
  namespace? string
  name? string
  arguments? string or object
  input? string
  output? any | Text, parts, or what the tool gives.
  summary? [ResponsesPart]
  encrypted_content? string | Comes back as it was answered.
  action? object
  operation? object
  server_label? string
  error? any
  tools? [ResponsesTool]
  execution? string
  author? string
  recipient? string
ResponsesPart request
  type string | `input_text`, `output_text`, `input_image`, `input_file`, `refusal`, `summary_text`, `reasoning_text`.
  text? string
  refusal? string
  image_url? string or ChatImage
  detail? string
  file_id? string | Uploads are refused.
  file_url? string | Is not fetched.
  file_data? string | A data URI with text.
  filename? string
  annotations? any
  logprobs? any
ResponsesTool request
  type string | `function`, `custom`, `namespace`, `local_shell`, `shell`, `apply_patch`, `tool_search`; others run at OpenAI and have no effect.
  name? string
  description? string
  parameters? object | JSON Schema of the arguments.
  strict? bool
  format? ResponsesInputFormat
  tools? [ResponsesTool] | Of a namespace.
  environment? any
  execution? string
ResponsesInputFormat request
  type 'text'|'grammar'
  syntax? string
  definition? string
ResponsesToolChoice request
  type string | `function`, `custom`, `allowed_tools` or a tool of the client.
  name? string
  namespace? string
  mode? 'none'|'auto'|'required'
  tools? [ResponsesToolName]
  server_label? string
ResponsesToolName request
  type string
  name? string
  namespace? string
  server_label? string
ResponsesUsage answer
  input_tokens uint
  input_tokens_details ResponsesInputDetails
  output_tokens uint
  output_tokens_details ResponsesOutputDetails
  total_tokens uint
  estimated? bool | `true` when the upstream did not tell and the gateway estimated.
ResponsesInputDetails answer
  cached_tokens uint
  cache_write_tokens uint
ResponsesOutputDetails answer
  reasoning_tokens uint
Response answer | A response, finished or not.
  id string
  object 'response'
  created_at int
  completed_at int or null
  status 'queued'|'in_progress'|'cancelled'|'completed'|'incomplete'|'failed'
  error ResponseError or null
  incomplete_details ResponseIncomplete or null
  model string
  usage ResponsesUsage or null
  output [ResponseItem]
  background bool
  frequency_penalty number
  instructions string or null
  max_output_tokens uint or null
  max_tool_calls uint or null
  metadata {string}
  parallel_tool_calls bool
  presence_penalty number
  previous_response_id string or null
  prompt_cache_key string or null
  reasoning ResponseReasoning
  safety_identifier string or null
  service_tier string
  store bool
  temperature number
  text ResponseText
  tool_choice string or object
  tools [object]
  top_logprobs uint
  top_p number
  truncation string
  user string or null
ResponseError answer
  code string
  message string
ResponseIncomplete answer
  reason 'max_output_tokens'|'content_filter'
ResponseReasoning answer
  effort string or null
  summary string or null
ResponseText answer
  format ResponseFormat
  verbosity string
ResponseFormat answer
  type 'text'|'json_object'|'json_schema'
  name? string
  description? string or null
  schema? object
  strict? bool
ResponseItem answer | An item of the answer, or of the input.
  id string
  type string
  status? string
  role? string
  content? [ResponsePart]
  summary? [ResponsePart]
  encrypted_content? string
  call_id? string
  namespace? string
  name? string
  arguments? string or object
  input? string
  action? object
  operation? object
  execution? string
  output? any
ResponsePart answer
  type string
  text? string
  refusal? string
  annotations? [any]
  logprobs? [any]
  image_url? any
  detail? string
  file_data? string
  filename? string
ResponseEvent answer | An event of a streamed answer, in the words of the Responses API; `event:` repeats its type.
  type string | From `response.created` by `response.output_text.delta` and the like to `response.completed`, `response.incomplete` or `response.failed`.
  sequence_number uint
  response? Response
  output_index? uint | Place of the item.
  item? ResponseItem
  item_id? string
  content_index? uint
  summary_index? uint
  part? ResponsePart
  delta? string
  text? string | Of events that end a text: all of it.
  arguments? string
  input? string
  logprobs? [any]
  error? ResponseEventError or null | Of `error`, with the fields beside it.
  code? string
  message? string
  param? string or null
ResponseEventError answer
  type string
  code string or null
  message string
  param string or null
ResponseTokens answer
  object 'response.input_tokens'
  input_tokens uint
ResponseCompaction answer
  id string
  object 'response.compaction'
  created_at int
  output [ResponseItem] | The user's messages, and one item that stands for the rest.
  usage ResponsesUsage
ResponseDeleted answer
  id string
  object 'response'
  deleted bool
ResponseInputItems answer
  object 'list'
  data [ResponseItem]
  first_id string or null
  last_id string or null
  has_more bool
"#;

const ID: Parameter = Parameter {
    name: "id",
    place: Place::Path,
    required: true,
    shape: "string",
    about: "`resp_…`",
};

const EXAMPLE: &str = r#"{"model": "gpt-5", "input": "Hello"}"#;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: "POST",
        path: "/v1/responses",
        id: "createResponse",
        tag: "OpenAI",
        summary: "Answer a conversation (Responses)",
        about: "With `stream`, the answer comes as server-sent events. Stored responses are kept \
                in memory, for as long as `responses.timeout` says.",
        body: Body::Json("ResponsesRequest", EXAMPLE),
        answers: &[Answer {
            status: 200,
            about: "The response, whole or streamed.",
            content: &[
                Content::Json("Response"),
                Content::Events("ResponseEvent", "From `response.created` to its end."),
            ],
        }],
        headers: TURN,
        statuses: TROUBLE,
        ..Operation::EMPTY
    },
    Operation {
        method: "POST",
        path: "/v1/responses/input_tokens",
        id: "countResponseTokens",
        tag: "OpenAI",
        summary: "Count the tokens of a request",
        body: Body::Json("ResponsesRequest", EXAMPLE),
        answers: &[json_of(&[Content::Json("ResponseTokens")])],
        headers: &["x-ignored-fields", "x-token-count"],
        statuses: TROUBLE,
        ..Operation::EMPTY
    },
    Operation {
        method: "POST",
        path: "/v1/responses/compact",
        id: "compactResponse",
        tag: "OpenAI",
        summary: "Make a conversation short",
        about: "The model writes a summary, which comes back as an item for later requests.",
        body: Body::Json("ResponsesRequest", EXAMPLE),
        answers: &[json_of(&[Content::Json("ResponseCompaction")])],
        headers: TURN,
        statuses: TROUBLE,
        ..Operation::EMPTY
    },
    Operation {
        path: "/v1/responses/{id}",
        id: "getResponse",
        tag: "OpenAI",
        summary: "Read a stored response",
        parameters: &[
            ID,
            Parameter {
                name: "stream",
                place: Place::Query,
                required: false,
                shape: "'false'",
                about: "A stored response is not streamed again.",
            },
        ],
        answers: &[json_of(&[Content::Json("Response")])],
        statuses: &[400, 404],
        ..Operation::EMPTY
    },
    Operation {
        method: "DELETE",
        path: "/v1/responses/{id}",
        id: "deleteResponse",
        tag: "OpenAI",
        summary: "Delete a stored response",
        parameters: &[ID],
        answers: &[json_of(&[Content::Json("ResponseDeleted")])],
        statuses: &[400, 404],
        ..Operation::EMPTY
    },
    Operation {
        path: "/v1/responses/{id}/input_items",
        id: "listResponseInputItems",
        tag: "OpenAI",
        summary: "List the input of a stored response",
        parameters: &[
            ID,
            Parameter {
                name: "limit",
                place: Place::Query,
                required: false,
                shape: "positive",
                about: "1 to 100; 20 unless said.",
            },
            Parameter {
                name: "order",
                place: Place::Query,
                required: false,
                shape: "'asc'|'desc'",
                about: "`desc` unless said.",
            },
            Parameter {
                name: "after",
                place: Place::Query,
                required: false,
                shape: "string",
                about: "Id of the item after which to begin.",
            },
        ],
        answers: &[json_of(&[Content::Json("ResponseInputItems")])],
        statuses: &[400, 404],
        ..Operation::EMPTY
    },
    Operation {
        method: "POST",
        path: "/v1/responses/{id}/cancel",
        id: "cancelResponse",
        tag: "OpenAI",
        summary: "Stop a response that is made in the background",
        parameters: &[ID],
        answers: &[json_of(&[Content::Json("Response")])],
        statuses: &[400, 404],
        ..Operation::EMPTY
    },
];
