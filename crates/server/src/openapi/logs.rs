//! The request log.

use super::accounts::OWN;
use super::faults::Shape;
use super::one_token::PLAIN;
use super::operation::{Answer, Body, Content, Operation, Parameter, Place, json_of};

pub(super) const SHAPES: &str = r#"
LogsQuery request
  query? LogsFilter
LogsFilter request | Which requests are wanted; all that is named must hold.
  limit? positive | Most of an answer, up to 1000; 100 unless said.
  offset? uint | How many are left out at the beginning.
  reverse? bool | The newest first.
  cursor? text | The `next` of the page before.
  from_date? time | The earliest.
  to_date? time | The latest.
  user_id? string | Of the account.
  email? string | A part of the account's.
  membership_type? string | Of the account.
  status? string | `pending`, `success` or `failure`; with any other word there is nothing.
  model? string | A part of its name.
  include_models? [string] | Only these.
  exclude_models? [string] | All but these.
  stream? bool | Whether it was streamed.
  has_chain? bool | Whether it is known when the text came.
  has_usage? bool | Whether tokens are known.
  has_error? bool
  error? string | A part of it.
  min_total_time? number | Seconds.
  max_total_time? number | Seconds.
  min_tokens? uint | Input and output together.
  max_tokens? uint
  key? string | The id of a client's key, `auth_token` or `shared_token`.
  account? string | An alias, or the `key` of `token_info`.
  dialect? string | `openai_chat`, `openai_completions`, `openai_responses`, `anthropic` or `editor`; with any other word there is nothing.
  request_id? string | What `x-request-id` said.
Logs answer
  status 'success'
  total uint | How many there are, on this page and others.
  active? uint | Answers in progress; for the administrator.
  error? uint | Requests that failed since the start; for the administrator.
  logs [LogEntry]
  next? string | The `cursor` of the next page; none on the last one.
  timestamp time
LogEntry answer | One request.
  id uint
  timestamp time | When it came.
  model string | As the client called it.
  token_info LogToken
  chain LogChain
  timing LogTiming
  stream bool
  status 'pending'|'success'|'failure'
  error? string or LogError | With details for the administrator.
  error_kind? string | A word for programs.
  request_id string | What `x-request-id` said.
  dialect 'openai_chat'|'openai_completions'|'openai_responses'|'anthropic'|'editor'
  endpoint string
  key string | The id of the client's key, `auth_token` or `shared_token`.
  account? string | Alias at that time; for the administrator.
  served_model? string | As the upstream calls it.
  flow? Flow
  http_status? positive | What was answered.
  attempts? [LogAttempt] | Accounts it was tried with; for the administrator.
  close? 'finished'|'client_gone'|'cut'|'timeout' | How the answer ended.
  usage_source? 'upstream'|'estimate' | Who counted.
  ignored? string | Fields of the request that had no effect.
  content? LogContent | Where it is kept.
LogToken answer
  key string | The account's number, for `/logs/tokens/get`; empty when there is none, or none to be shown.
  usage? Usage | For the administrator, as the next one.
  stripe? Stripe
LogChain answer
  delays? (string, [(uint, number)]) | The text where it is kept, then how many characters came and after how many seconds.
  usage? LogUsage
LogUsage answer
  input uint
  output uint
  cache_write? uint
  cache_read? uint
LogTiming answer | Seconds since the request came.
  total number
  headers? number
  first_token? number
  last_byte? number
LogError answer
  error string
  details string
LogAttempt answer
  account string | Alias at that time.
  began number | Seconds since the request came.
  lasted number | Seconds.
  outcome 'serving'|'answered'|'failed'
  error? string | Its kind.
  details? string
  again? bool | Whether another account was to be tried.
LogContent answer
  prompt string
  answer string
  thinking string
LogTokens answer
  status 'success'
  tokens {Account or LogAccount} | Accounts by the keys that were asked for, without those that are unknown.
  total uint | How many were found.
  timestamp time
LogAccount answer | What the holder of a key sees of the account that came with it.
  primary_token string | `***`.
  secondary_token? string | `***`.
  checksum Checksum | `***` twice.
  timezone? string
  gcpp_host? Region
  user? User
"#;

const LOGS: Operation = Operation { tag: "Request log", faults: Shape::Own, ..Operation::EMPTY };

const fn query(name: &'static str, shape: &'static str, about: &'static str) -> Parameter {
    Parameter { name, place: Place::Query, required: false, shape, about }
}

/// As the fields of `LogsFilter`; a test compares them.
const EXPORT: &[Parameter] = &[
    query("format", "'jsonl'|'csv'", "`jsonl` unless said."),
    query("limit", "positive", "Most entries; all unless said."),
    query("offset", "uint", "How many are left out at the beginning."),
    query("reverse", "bool", "The newest first."),
    query("cursor", "text", "Behind which entry to begin, by its id."),
    query("from_date", "time", "The earliest."),
    query("to_date", "time", "The latest."),
    query("user_id", "string", "Of the account."),
    query("email", "string", "A part of the account's."),
    query("membership_type", "string", "Of the account."),
    query("status", "string", "`pending`, `success` or `failure`."),
    query("model", "string", "A part of its name."),
    query("include_models", "[string]", "Only these; may stand there several times."),
    query("exclude_models", "[string]", "All but these; may stand there several times."),
    query("stream", "bool", "Whether it was streamed."),
    query("has_chain", "bool", "Whether it is known when the text came."),
    query("has_usage", "bool", "Whether tokens are known."),
    query("has_error", "bool", "Whether it failed."),
    query("error", "string", "A part of the error."),
    query("min_total_time", "number", "Seconds."),
    query("max_total_time", "number", "Seconds."),
    query("min_tokens", "uint", "Input and output together."),
    query("max_tokens", "uint", "The same."),
    query("key", "string", "The id of a client's key, `auth_token` or `shared_token`."),
    query("account", "string", "An alias, or the `key` of `token_info`."),
    query("dialect", "string", "The client's API, as entries name it."),
    query("request_id", "string", "What `x-request-id` said."),
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/logs",
        id: "showLogs",
        summary: "A page that shows the request log",
        about: "It holds nothing of the log and asks for it with the key that its reader types in. \
                The settings may put another page or a text in its place.",
        answers: &[Answer {
            status: 200,
            about: "The page.",
            content: &[
                Content::Text("text/html; charset=utf-8", "A page."),
                Content::Text(PLAIN, "A text."),
            ],
        }],
        ..LOGS
    },
    Operation {
        method: "POST",
        path: "/logs/get",
        id: "getLogs",
        summary: "Requests that were answered",
        about: "The administrator sees all, everybody else those of the own key. 404 when no log is \
                kept.",
        body: Body::MayBeJson("LogsQuery", r#"{"query": {"limit": 20, "reverse": true}}"#),
        answers: &[json_of(&[Content::Json("Logs")])],
        headers: OWN.headers,
        statuses: &[404],
        ..LOGS
    },
    Operation {
        method: "POST",
        path: "/logs/tokens/get",
        id: "getLogTokens",
        summary: "Accounts that the log names",
        about: "The administrator sees all, with their tokens; everybody else the account that came \
                with the own key.",
        body: Body::Json("[string]", r#"["1", "2"]"#),
        answers: &[json_of(&[Content::Json("LogTokens")])],
        headers: OWN.headers,
        ..LOGS
    },
    Operation {
        path: "/logs/export",
        id: "exportLogs",
        summary: "The request log as a file",
        about: "Takes the filters of `/logs/get`, and may send any number of entries. One that breaks \
                off ends the connection without an end of the body; as `jsonl`, its last line is \
                `{\"error\": …}`. 404 when no log is kept.",
        parameters: EXPORT,
        answers: &[Answer {
            status: 200,
            about: "The log, line by line.",
            content: &[
                Content::Text("application/jsonl; charset=utf-8", "One `LogEntry` on each line."),
                Content::Text(
                    "text/csv; charset=utf-8; header=present",
                    "A table with a head (RFC 4180), safe to be opened by a spreadsheet.",
                ),
            ],
        }],
        headers: OWN.headers,
        statuses: &[400, 404],
        ..LOGS
    },
];
