//! What a client asks for: one turn of a conversation, with all that came before it.
//!
//! Dialects build these values from their own JSON; sessions of `upstream` turn them into the
//! messages of their flow. Nothing here is validated twice: a value that exists is a legal one.

use std::fmt;

/// One request: the conversation so far and what is wanted next.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub model: ModelName,
    /// System and developer text that stands before the first message, in order.
    pub instructions: Vec<String>,
    pub messages: Vec<Message>,
    pub tools: Tools,
    pub sampling: Sampling,
    pub reasoning: Reasoning,
    pub output: OutputShape,
    pub limits: Limits,
    pub continuity: Continuity,
}

impl Turn {
    /// A turn of one user message; what tests and probes need.
    #[must_use]
    pub fn of_text(model: &str, text: &str) -> Self {
        Self {
            model: ModelName::new(model),
            instructions: Vec::new(),
            messages: vec![Message::User(vec![Part::Text(text.to_owned())])],
            tools: Tools::default(),
            sampling: Sampling::default(),
            reasoning: Reasoning::default(),
            output: OutputShape::default(),
            limits: Limits::default(),
            continuity: Continuity::default(),
        }
    }

    /// All images of user messages and tool results, oldest first.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.messages.iter().flat_map(|message| {
            let parts: Vec<&Part> = match message {
                Message::User(parts) | Message::Assistant(parts) => parts.iter().collect(),
                Message::Instruction(_) => Vec::new(),
                Message::ToolResults(results) => {
                    results.iter().flat_map(|result| &result.content).collect()
                }
            };
            parts.into_iter().filter_map(|part| match part {
                Part::Image(image) => Some(image),
                Part::Text(_) | Part::File(_) | Part::Reasoning(_) | Part::ToolCall(_) => None,
            })
        })
    }
}

/// The model a client names; compared and shown exactly as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelName(String);

impl ModelName {
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One message. Neither upstream flow has a system role inside the conversation, so text that a
/// client puts there keeps its place as [`Message::Instruction`].
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    User(Vec<Part>),
    Assistant(Vec<Part>),
    ToolResults(Vec<ToolResult>),
    /// System or developer text after the first message.
    Instruction(String),
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text(String),
    Image(Image),
    File(File),
    Reasoning(ReasoningPart),
    ToolCall(ToolCall),
}

/// A picture whose bytes were looked at: format and size are those of the data, not of a label.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    pub format: ImageFormat,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    pub data: Vec<u8>,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image")
            .field("format", &self.format)
            .field("width", &self.width)
            .field("height", &self.height)
            .field("bytes", &self.data.len())
            .finish()
    }
}

/// Formats that the upstream takes (`reference/upstream-protocol.md` §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    Png,
    Jpeg,
    WebP,
    /// Still pictures only.
    Gif,
}

impl ImageFormat {
    #[must_use]
    pub fn mime_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    /// File name ending, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Gif => "gif",
        }
    }
}

/// A document that came with a message, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub mime_type: String,
    pub text: String,
}

/// Reasoning of an earlier answer, handed back by the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasoningPart {
    pub text: String,
    /// The provider's opaque proof; must go back unchanged with the same text.
    pub seal: Option<String>,
}

/// A call the model made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// JSON text, exactly as the model wrote it.
    pub arguments: String,
}

/// What the client's tool answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    pub call_id: String,
    pub content: Vec<Part>,
    pub is_error: bool,
}

/// The tools a client offers in this turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Tools {
    pub declared: Vec<Tool>,
    pub choice: ToolChoice,
    /// Whether the model may make several calls in one answer.
    pub parallel: bool,
}

impl Default for Tools {
    fn default() -> Self {
        Self { declared: Vec::new(), choice: ToolChoice::Auto, parallel: true }
    }
}

/// A tool that the client runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    pub name: String,
    pub description: String,
    /// JSON Schema, as text.
    pub parameters: String,
}

/// Which tools the model may or must call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ToolChoice {
    #[default]
    Auto,
    None,
    Required,
    Named(String),
}

/// Sampling wishes. Neither flow carries them; the dialect reports them as ignored.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sampling {
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub seed: Option<i64>,
}

/// How much the model should think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasoning {
    /// Whether the client wants it at all; `None` leaves that to the model it named.
    pub wanted: Option<bool>,
    pub effort: Option<ReasoningEffort>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasoningEffort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
}

/// The form the answer's text must have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OutputShape {
    #[default]
    Text,
    Json,
    JsonSchema {
        name: String,
        /// JSON Schema, as text.
        schema: String,
    },
}

/// Where the gateway ends an answer by itself: the upstream has no such fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    pub max_output_tokens: Option<u64>,
    /// Texts at which the answer ends; none of them is empty.
    pub stop: Vec<String>,
}

/// What ties this turn to earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Continuity {
    /// A key the client gives for one conversation or user, if it gives one.
    pub cache_key: Option<String>,
}
