//! What a setting may hold, and how its text is read.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::value;

/// The most that a number may be which nothing else bounds.
pub(crate) const MANY: u64 = u32::MAX as u64;

/// What may be written for a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Text that is never shown.
    Secret,
    /// Headers of a request, `name=value`, separated by commas; never shown.
    Headers,
    Flag,
    /// A whole number.
    Number {
        least: u64,
        most: u64,
    },
    Duration {
        /// Whether it may be nothing.
        zero: bool,
    },
    /// Bytes.
    Size,
    /// A base URL.
    Url,
    /// An IP address.
    Ip,
    /// `ADDRESS:PORT`.
    Socket,
    /// A file or folder.
    Path,
    /// One of these.
    Word(&'static [&'static str]),
    /// Origins of web pages, separated by commas.
    Origins,
    /// The beginning of a URL's path.
    Prefix,
    /// The beginning of a client key.
    KeyPrefix,
}

/// What was written, understood.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, or one of the words, or a path.
    Text(String),
    Flag(bool),
    Number(u64),
    Duration(Duration),
    Size(usize),
    Ip(IpAddr),
    Socket(SocketAddr),
    List(Vec<String>),
}

/// Any may be a secret.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value")
    }
}

impl Kind {
    /// # Errors
    /// What is expected instead; never holds what was written.
    pub(crate) fn read(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Text | Self::Secret | Self::Path => Ok(Value::Text(text.to_owned())),
            Self::Headers => value::headers(text).map(|_| Value::Text(text.to_owned())),
            Self::Flag => value::boolean(text).map(Value::Flag),
            Self::Number { least, most } => number(text, least, most).map(Value::Number),
            Self::Duration { zero: true } => value::duration(text).map(Value::Duration),
            Self::Duration { zero: false } => value::wait(text).map(Value::Duration),
            Self::Size => value::bytes(text).map(Value::Size),
            Self::Url => value::url(text).map(Value::Text),
            Self::Ip => {
                text.parse().map(Value::Ip).map_err(|_| "expected an IP address".to_owned())
            }
            Self::Socket => text
                .parse()
                .map(Value::Socket)
                .map_err(|_| "expected ADDRESS:PORT, such as 127.0.0.1:9090".to_owned()),
            Self::Word(words) if words.contains(&text) => Ok(Value::Text(text.to_owned())),
            Self::Word(words) => Err(format!("expected one of: {}", words.join(", "))),
            Self::Origins => value::origins(text).map(Value::List),
            Self::Prefix => value::prefix(text).map(Value::Text),
            Self::KeyPrefix => value::key_prefix(text).map(Value::Text),
        }
    }

    /// A word for it, for tables and people.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Secret => "secret".to_owned(),
            Self::Headers => "secret headers".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Number { least, most } if most == MANY => {
                format!("number from {least}")
            }
            Self::Number { least, most } => format!("number from {least} to {most}"),
            Self::Duration { zero: true } => "duration or 0".to_owned(),
            Self::Duration { zero: false } => "duration".to_owned(),
            Self::Size => "size".to_owned(),
            Self::Url => "URL".to_owned(),
            Self::Ip => "IP address".to_owned(),
            Self::Socket => "ADDRESS:PORT".to_owned(),
            Self::Path => "path".to_owned(),
            Self::Word(words) => words.join(", "),
            Self::Origins => "list of origins".to_owned(),
            Self::Prefix => "path prefix".to_owned(),
            Self::KeyPrefix => "key prefix".to_owned(),
        }
    }
}

fn number(text: &str, least: u64, most: u64) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ if most == MANY => Err(format!("expected a whole number from {least}")),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}
