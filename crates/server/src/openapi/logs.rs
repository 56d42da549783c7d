//! The request log.

use super::accounts::OWN;
use super::faults::Shape;
use super::one_token::PLAIN;
use super::operation::{Answer, Body, Content, Operation, Parameter, Place, json_of};

pub(super) const SHAPES: &str = r#"
LogsQuery request
  query? LogsFilter
LogsFilter request | Which requests are wanted; all that is named must hold.
  limit? uint | Most of an answer.
  offset? uint
  reverse? bool | The newest first.
  cursor? any | Where the page before ended, as `next` of its answer.
  from_date? time
  to_date? time
  user_id? string | Of the account.
  email? string | A part of it.
  membership_type? string
  status? string | `pending`, `success` or `failure`; with any other word there is nothing.
  model? string | A part of its name.
  include_models? [string]
  exclude_models? [string]
  stream? bool
  has_chain? bool
  has_usage? bool
  has_error? bool
  error? string | A part of it.
  min_total_time? number | Seconds.
  max_total_time? number
  min_tokens? uint | Input and output together.
  max_tokens? uint
  key? string
  account? string
  dialect? string
Logs answer
  status 'success'
  total uint | How many there are, on this page and others.
  active? uint | Requests in progress.
  error? uint | Requests that failed.
  logs [LogEntry]
  timestamp time
LogEntry answer | One request; more fields may be there.
  id uint
  timestamp time
  model string
  token_info LogToken
  chain LogChain
  timing LogTiming
  stream bool
  status 'pending'|'success'|'failure'
  error? string or LogError
LogToken answer
  key string | Names the account's tokens for `/logs/tokens/get`; opens nothing.
  usage? Usage
  stripe? Stripe
LogChain answer
  delays? any | Characters over time.
  usage? LogUsage
LogUsage answer
  input int32
  output int32
  cache_write int32
  cache_read int32
  cents number
LogTiming answer
  total number | Seconds.
LogError answer
  error string
  details string
LogTokens answer
  status 'success'
  tokens {any} | Accounts by the keys that were asked for.
  total uint
  timestamp time
"#;

const LOGS: Operation = Operation { tag: "Request log", faults: Shape::Own, ..Operation::EMPTY };

const fn query(name: &'static str, shape: &'static str, about: &'static str) -> Parameter {
    Parameter { name, place: Place::Query, required: false, shape, about }
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/logs",
        id: "showLogs",
        summary: "The request log as configured",
        answers: &[Answer {
            status: 200,
            about: "A page, text, or nothing, as the settings say.",
            content: &[
                Content::Text("text/html; charset=utf-8", "A page."),
                Content::Text(PLAIN, "A text."),
            ],
        }],
        statuses: &[404],
        ..LOGS
    },
    Operation {
        method: "POST",
        path: "/logs/get",
        id: "getLogs",
        summary: "Requests that were answered",
        about: "The administrator sees all, the holder of a key his own.",
        body: Body::MayBeJson("LogsQuery", r#"{"query": {"limit": 20, "reverse": true}}"#),
        answers: &[json_of(&[Content::Json("Logs")])],
        headers: OWN.headers,
        statuses: &[503],
        ..LOGS
    },
    Operation {
        method: "POST",
        path: "/logs/tokens/get",
        id: "getLogTokens",
        summary: "Accounts that the log names",
        body: Body::Json("[string]", r#"["12345-67890"]"#),
        answers: &[json_of(&[Content::Json("LogTokens")])],
        headers: OWN.headers,
        statuses: &[503],
        ..LOGS
    },
    Operation {
        path: "/logs/export",
        id: "exportLogs",
        summary: "The request log as a file",
        about: "Takes the filters of `/logs/get` as well.",
        parameters: &[
            query("format", "'jsonl'|'csv'", "`jsonl` unless said."),
            query("from_date", "time", "The earliest."),
            query("to_date", "time", "The latest."),
            query("status", "'pending'|'success'|'failure'", "How it ended."),
            query("model", "string", "A part of the model's name."),
            query("key", "string", "The client's key, by its id."),
            query("account", "string", "The account, by its alias."),
            query("dialect", "string", "The client's API."),
        ],
        answers: &[Answer {
            status: 200,
            about: "The log, line by line.",
            content: &[
                Content::Text("application/x-ndjson", "One `LogEntry` on each line."),
                Content::Text("text/csv; charset=utf-8", "A table with a head."),
            ],
        }],
        statuses: &[400, 503],
        ..LOGS
    },
];
