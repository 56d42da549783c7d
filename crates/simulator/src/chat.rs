//! `aiserver.v1.ChatService/StreamUnifiedChatWithTools`: one stream, which may hold several steps.
//!
//! Plays the server's side in the order of the captures (`reference/upstream-protocol.md` §6 and
//! §8). What the answer says is decided by [`crate::player`].

mod calls;
mod flow;
pub(crate) mod request;
mod result;

use std::time::Duration;

use cursor_proto::Message as _;
use cursor_proto::aiserver::oneof::stream_unified_chat_request_with_tools as client;
use cursor_proto::aiserver::{
    ClientSideToolV2Result, ContextWindowStatus, StreamStart, StreamUnifiedChatRequest,
    StreamUnifiedChatRequestWithTools, StreamUnifiedChatResponse,
    StreamUnifiedChatResponseWithTools,
};
use tokio::time::Instant;
use uuid::Uuid;

use self::calls::Calls;
use crate::body::Finish;
use crate::failure::Failure;
use crate::head::{self, Head};
use crate::link::{Event, Halt, Link};
use crate::models;
use crate::player;
use crate::state::Usage;
use crate::view::View;

/// How long the server waits for the request.
const REQUEST: Duration = Duration::from_secs(30);
/// How long it waits for tool results. The real server's limit is not known.
const RESULT: Duration = Duration::from_secs(600);

/// The fault that the stream begins with.
pub(crate) fn head(payload: &[u8]) -> Option<Head> {
    let request = first(payload).ok()?;
    request::check(&request).ok()?;
    head::fault(&request::view(&request))
}

/// Plays one stream.
pub(crate) async fn run(link: Link) -> Finish {
    let mut chat = Chat::new(link);
    let result = chat.play().await;
    chat.link.close(result).await
}

/// One stream.
struct Chat {
    link: Link,
    view: View,
    calls: Calls,
    /// Text of the step that is played.
    text: String,
    thinking: bool,
    /// Characters of text and reasoning.
    produced: usize,
    usage: Option<Usage>,
    half_closed: bool,
}

impl Chat {
    fn new(link: Link) -> Self {
        Self {
            link,
            view: View::default(),
            calls: Calls::default(),
            text: String::new(),
            thinking: false,
            produced: 0,
            usage: None,
            half_closed: false,
        }
    }

    async fn play(&mut self) -> Result<(), Halt> {
        let payload = match self.link.event(Instant::now() + REQUEST).await? {
            Event::Message(payload) => payload,
            Event::End => return Err(Failure::invalid("Request is required").into()),
            Event::Time => return Err(Failure::timeout("No request was received").into()),
        };
        let request = first(&payload)?;
        self.link.call.asks_for(request.model_details.model_name.as_deref().unwrap_or_default());
        request::check(&request)?;
        self.view = request::view(&request);
        drop(request);
        if self.view.has_images() && !models::sees(&self.view.model) {
            return Err(Failure::no_images(&self.view.model).into());
        }
        let start = StreamStart { padding: "x".repeat(16), ..Default::default() };
        self.send(&StreamUnifiedChatResponseWithTools {
            response: start.into(),
            ..Default::default()
        });
        let server_bubble_id = Some(Uuid::new_v4().to_string());
        self.respond(StreamUnifiedChatResponse { server_bubble_id, ..Default::default() });
        player::answer(self).await?;
        self.end();
        Ok(())
    }

    /// What closes a complete answer.
    fn end(&mut self) {
        let usage = self.usage.unwrap_or_else(|| self.estimate());
        self.respond(StreamUnifiedChatResponse {
            context_window_status: self.window(usage).into(),
            ..Default::default()
        });
        let usage_uuid = Uuid::new_v4().to_string();
        self.link.call.state.set_usage(&usage_uuid, usage);
        self.respond(StreamUnifiedChatResponse {
            usage_uuid: Some(usage_uuid),
            ..Default::default()
        });
    }

    /// About four characters are a token.
    fn estimate(&self) -> Usage {
        let tokens = |characters: usize| i64::try_from(characters.div_ceil(4)).unwrap_or(i64::MAX);
        Usage { input: tokens(self.view.characters() + 4), output: tokens(self.produced) }
    }

    fn window(&self, usage: Usage) -> ContextWindowStatus {
        let limit = models::find(&self.view.model).map_or(200_000, |model| model.context);
        let used = i32::try_from(usage.input + usage.output).unwrap_or(i32::MAX).min(limit);
        #[expect(clippy::cast_precision_loss, reason = "a percentage for display")]
        let remaining = 100.0 - used as f32 * 100.0 / limit as f32;
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 100")]
        let percentage_remaining = remaining as i32;
        ContextWindowStatus {
            percentage_remaining,
            tokens_used: Some(used),
            token_limit: Some(limit),
            percentage_remaining_float: Some(remaining),
            ..Default::default()
        }
    }

    fn send(&self, message: &StreamUnifiedChatResponseWithTools) {
        self.link.out.message(message);
    }

    fn respond(&self, response: StreamUnifiedChatResponse) {
        self.send(&StreamUnifiedChatResponseWithTools {
            response: response.into(),
            ..Default::default()
        });
    }

    /// Hears the client until `done` or `end`; which of them it was.
    async fn wait(
        &mut self,
        end: Instant,
        needs_client: bool,
        done: impl Fn(&Calls) -> bool,
    ) -> Result<bool, Halt> {
        loop {
            if done(&self.calls) {
                return Ok(true);
            }
            if needs_client && self.half_closed {
                // As the real server: the client closed its side, no result can come.
                return Err(Halt::Unanswered);
            }
            match self.link.event(end).await? {
                Event::Message(payload) => self.hear(&payload)?,
                Event::End => self.half_closed = true,
                Event::Time => return Ok(false),
            }
        }
    }

    /// Takes in what is already here.
    async fn hear_now(&mut self) -> Result<(), Halt> {
        loop {
            match self.link.event_now().await? {
                Event::Message(payload) => self.hear(&payload)?,
                Event::End => self.half_closed = true,
                Event::Time => return Ok(()),
            }
        }
    }

    fn hear(&mut self, payload: &[u8]) -> Result<(), Failure> {
        match decode(payload)? {
            client::Request::ClientSideToolV2Result(result) => self.accept(*result),
            client::Request::StreamUnifiedChatRequest(_) => {
                Err(Failure::invalid("The request was already received"))
            }
        }
    }

    fn accept(&mut self, result: ClientSideToolV2Result) -> Result<(), Failure> {
        self.calls.accept(result)
    }
}

fn decode(payload: &[u8]) -> Result<client::Request, Failure> {
    StreamUnifiedChatRequestWithTools::decode_from_slice(payload)
        .map_err(|error| Failure::invalid(format!("parse binary: {error}")))?
        .request
        .ok_or_else(|| Failure::invalid("Request is required"))
}

fn first(payload: &[u8]) -> Result<Box<StreamUnifiedChatRequest>, Failure> {
    match decode(payload)? {
        client::Request::StreamUnifiedChatRequest(request) => Ok(request),
        client::Request::ClientSideToolV2Result(_) => {
            Err(Failure::invalid("The first message must be a chat request"))
        }
    }
}
