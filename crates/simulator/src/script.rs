//! The scenario language: directives inside a prompt, cut into steps.
//!
//! Pure: text in, directives out (`reference/simulator-scenarios.md`, "Grammar"). The extra verbs
//! of this simulator (`http`, `noend`, `cut`, `gzip`, `burst`, `silent`, `heartbeats`, `native`,
//! `unknown`, `query`, `empty`) are described in the crate's README. What a directive does is
//! the business of [`crate::player`]; which step is played, of [`crate::view`].

mod parse;

use std::time::Duration;

pub(crate) use parse::{
    Argument, arguments, duration, has_directive, named, parse, without_directives,
};
use serde_json::value::RawValue;

/// One directive, ready to be played.
#[derive(Debug, Clone)]
pub(crate) enum Directive {
    /// Text in pieces.
    Say(String),
    /// Reasoning in pieces.
    Think(String),
    /// This many numbered pieces.
    Chunks(u32),
    /// One call of the client's tool, with its arguments as written.
    Tool { name: String, arguments: Box<RawValue> },
    /// The echo of rule 5.
    Echo,
    /// The value of a `[[mem KEY=VALUE]]` of the request.
    Recall(String),
    /// What the simulator saw of the request.
    Report,
    /// The schema of a tool as received.
    Schema(String),
    /// Code points per piece from here on.
    Split(usize),
    /// A pause after each piece from here on.
    Delay(Duration),
    /// One pause.
    Wait(Duration),
    /// The response body goes out in pieces of this many bytes from here on.
    Fragment(usize),
    /// The usage to report.
    Usage { input: i64, output: i64 },
    /// The answer ends with this upstream error.
    Error { code: ErrorCode, text: Option<String>, retry: Option<u64> },
    /// The stream is reset.
    Drop,
    /// Silence for 60 seconds on an open stream.
    Hang,
    /// The call is counted under this name.
    Tag(String),
    /// The counters of that name.
    Stats(String),
    /// The end of a step.
    Next,
    /// A bare HTTP status instead of a stream.
    Http { status: u16, retry: Option<u64> },
    /// The body ends without an end frame.
    NoEnd,
    /// The TCP connection is closed.
    Cut,
    /// Message frames are compressed from here on.
    Gzip,
    /// The next pieces go out in one chunk.
    Burst(u32),
    /// Not even response headers for 60 seconds.
    Silent,
    /// Nothing but keep-alives for this long.
    Heartbeats(Duration),
    /// A request for one of the client's built-in tools.
    Native(Native),
    /// Fields, arms and requests that the client cannot know.
    Unknown,
    /// A question to the user.
    Query(Query),
    /// The end frame at once.
    Empty,
}

/// The error kinds of the scenario table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    RateLimit,
    UsageLimit,
    Overloaded,
    Unavailable,
    Internal,
    Deadline,
    Unauthenticated,
    PermissionDenied,
    InvalidArgument,
    ContextLength,
    NotFound,
    /// A verb of our own: the client version is not accepted any more.
    Outdated,
}

impl ErrorCode {
    /// Every code, for parsing and for tests.
    pub(crate) const ALL: [(&'static str, Self); 12] = [
        ("rate_limit", Self::RateLimit),
        ("usage_limit", Self::UsageLimit),
        ("overloaded", Self::Overloaded),
        ("unavailable", Self::Unavailable),
        ("internal", Self::Internal),
        ("deadline", Self::Deadline),
        ("unauthenticated", Self::Unauthenticated),
        ("permission_denied", Self::PermissionDenied),
        ("invalid_argument", Self::InvalidArgument),
        ("context_length", Self::ContextLength),
        ("not_found", Self::NotFound),
        ("outdated", Self::Outdated),
    ];
}

/// The built-in tools of a client that `native` can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Native {
    Read,
    Write,
    Delete,
    Shell,
    ShellStream,
    Grep,
    Ls,
    Diagnostics,
    Fetch,
    BackgroundShell,
}

impl Native {
    /// Every kind with its name in the script.
    pub(crate) const ALL: [(&'static str, Self); 10] = [
        ("read", Self::Read),
        ("write", Self::Write),
        ("delete", Self::Delete),
        ("shell", Self::Shell),
        ("shell_stream", Self::ShellStream),
        ("grep", Self::Grep),
        ("ls", Self::Ls),
        ("diagnostics", Self::Diagnostics),
        ("fetch", Self::Fetch),
        ("background_shell", Self::BackgroundShell),
    ];

    /// The name in the script.
    pub(crate) fn name(self) -> &'static str {
        name_of(&Self::ALL, self)
    }
}

/// The questions that `query` can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Query {
    WebSearch,
    WebFetch,
    Question,
}

impl Query {
    /// Every kind with its name in the script.
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("web_search", Self::WebSearch),
        ("web_fetch", Self::WebFetch),
        ("question", Self::Question),
    ];

    /// The name in the script.
    pub(crate) fn name(self) -> &'static str {
        name_of(&Self::ALL, self)
    }
}

fn name_of<T: Copy + PartialEq>(all: &[(&'static str, T)], wanted: T) -> &'static str {
    all.iter().find(|(_, kind)| *kind == wanted).map_or("", |(name, _)| name)
}

/// Cuts a program into its steps (rule 2).
pub(crate) fn steps(directives: Vec<Directive>) -> Vec<Vec<Directive>> {
    let mut steps = vec![Vec::new()];
    for directive in directives {
        if matches!(directive, Directive::Next) {
            steps.push(Vec::new());
        } else if let Some(step) = steps.last_mut() {
            step.push(directive);
        }
    }
    steps
}

/// `text` cut to its first `limit` code points.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    text.char_indices().nth(limit).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests;
