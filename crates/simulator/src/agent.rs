//! `agent.v1.AgentService/Run`: one stream, one turn.
//!
//! Plays the server's side of the protocol in the order of the captures: blobs, request context,
//! the answer with its tool calls, checkpoint, usage, end (`reference/messages/agent.md`, "Life of
//! a run"). What the answer says is decided by [`crate::player`].

mod answers;
mod blobs;
mod exchange;
mod flow;
mod history;
mod request;
mod tools;
mod updates;
mod values;

use std::time::Duration;

use cursor_proto::agent::{
    AgentRunRequest, AgentServerMessage, ConversationStateStructure, ConversationTokenDetails,
    GetBlobArgs, HeartbeatUpdate, RequestContext, RequestContextArgs, SetBlobArgs, TurnEndedUpdate,
    UserMessage, UserMessageAppendedUpdate,
};
use tokio::time::Instant;

use self::blobs::Blob;
use self::exchange::{Exchange, ExecAnswer, Expected, Note};
use self::updates::{exec, kv, update};
use crate::body::Finish;
use crate::config::HistorySource;
use crate::failure::{Code, Failure};
use crate::head::{self, Head};
use crate::link::{Event, Halt, Link};
use crate::models;
use crate::player;
use crate::view::View;

/// How long the server waits for an answer of the client's program.
const ANSWER: Duration = Duration::from_secs(30);
/// How long it waits for a tool or for the user. The real server has no limit.
const RESULT: Duration = Duration::from_secs(600);
/// Pause between the server's heartbeats while nothing else is sent.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A client that is silent for longer is taken for dead.
const CLIENT_HEARTBEAT: Duration = Duration::from_secs(30);

/// The fault that the run begins with, as far as its first message shows.
pub(crate) fn head(payload: &[u8], source: HistorySource) -> Option<Head> {
    let run = request::first(payload).ok()?;
    let blobs = request::sent_ahead(&run).ok()?;
    let view = request::view(&run, &blobs, source).or_else(|_| {
        // Blobs are still missing: only a program in the message itself can be seen.
        request::view(&run, &blobs, HistorySource::ConversationHistory)
    });
    head::fault(&view.ok()?)
}

/// Plays one run.
pub(crate) async fn run(link: Link) -> Finish {
    let mut agent = Agent::new(link);
    let result = agent.play().await;
    agent.link.close(result).await
}

/// One run.
struct Agent {
    link: Link,
    exchange: Exchange,
    view: View,
    turn: Turn,
    step: flow::Step,
    usage: Option<(i64, i64)>,
    /// When the client last said that it is alive.
    heard: Instant,
    half_closed: bool,
}

/// What the checkpoint will say.
#[derive(Default)]
struct Turn {
    user: UserMessage,
    conversation_id: Option<String>,
    roots: Vec<Vec<u8>>,
    turns: Vec<Vec<u8>>,
    /// The text of the whole answer.
    text: String,
    /// Characters of text and reasoning.
    produced: usize,
}

impl Agent {
    fn new(link: Link) -> Self {
        Self {
            link,
            exchange: Exchange::default(),
            view: View::default(),
            turn: Turn::default(),
            step: flow::Step::default(),
            usage: None,
            heard: Instant::now(),
            half_closed: false,
        }
    }

    async fn play(&mut self) -> Result<(), Halt> {
        let run = self.run_request().await?;
        self.link.call.asks_for(request::model(&run));
        self.fetch_blobs(&run).await?;
        let source = self.link.call.state.config.history;
        self.view = request::view(&run, &self.exchange.blobs, source)?;
        let context = self.request_context().await?;
        request::add_context(&mut self.view, &run, &context);
        if self.view.has_images() && !models::sees(&self.view.model) {
            return Err(Failure::no_images(&self.view.model).into());
        }
        if self.link.call.state.config.refuse_reserved_tools {
            request::check_reserved(&self.view)?;
        }
        drop(run);
        let user_message = self.turn.user.clone().into();
        self.send(&update(UserMessageAppendedUpdate { user_message, ..Default::default() }));
        player::answer(self).await?;
        self.end_turn().await
    }

    async fn run_request(&mut self) -> Result<Box<AgentRunRequest>, Halt> {
        match self.link.event(Instant::now() + ANSWER).await? {
            Event::Message(payload) => Ok(request::first(&payload)?),
            Event::End => Err(Failure::invalid("Run request is required").into()),
            Event::Time => Err(Failure::timeout("No run request was received").into()),
        }
    }

    /// Stores the server's parts of the prompt at the client and asks for the client's.
    async fn fetch_blobs(&mut self, run: &AgentRunRequest) -> Result<(), Halt> {
        self.exchange.blobs = request::sent_ahead(run)?;
        let mut user = request::user_message(run);
        // Shown without what it carries: images would only go back and forth.
        user.selected_context = None.into();
        let state = &run.conversation_state;
        self.turn.conversation_id = run.conversation_id.clone();
        self.turn.turns = state.turns.clone();
        let (system, said) = (Blob::system(), Blob::user(&user.text));
        self.turn.user = user;
        if !state.root_prompt_messages_json.contains(&system.id) {
            self.turn.roots.push(system.id.clone());
        }
        self.turn.roots.extend_from_slice(&state.root_prompt_messages_json);
        self.turn.roots.push(said.id.clone());
        self.set_blob(system);
        self.set_blob(said);
        for blob_id in request::referenced(run) {
            if !self.exchange.blobs.contains_key(&blob_id) {
                let id = self.exchange.ask_get(blob_id.clone());
                self.send(&kv(id, GetBlobArgs { blob_id, ..Default::default() }));
            }
        }
        self.blobs_answered().await
    }

    fn set_blob(&mut self, blob: Blob) {
        let id = self.exchange.ask_set();
        let args = SetBlobArgs { blob_id: blob.id, blob_data: blob.data, ..Default::default() };
        self.send(&kv(id, args));
    }

    async fn blobs_answered(&mut self) -> Result<(), Halt> {
        self.answered(ANSWER, "Blob request timed out", Exchange::kvs_are_answered).await
    }

    async fn request_context(&mut self) -> Result<Box<RequestContext>, Halt> {
        let id = self.exchange.ask_exec(Expected::Context);
        self.send(&exec(id, RequestContextArgs::default()));
        let late = "Failed to get request context";
        self.answered(ANSWER, late, |exchange| exchange.exec_answer(id).is_some()).await?;
        match self.exchange.exec_answer(id) {
            Some(ExecAnswer::Context(context)) => Ok(context.clone()),
            _ => Err(Failure::transport(Code::Internal, late).into()),
        }
    }

    /// Blobs of the turn, checkpoint, usage.
    async fn end_turn(&mut self) -> Result<(), Halt> {
        let answer = Blob::assistant(&self.turn.text, &self.step.finished_calls);
        self.turn.roots.push(answer.id.clone());
        self.set_blob(answer);
        let blobs = blobs::turn(&self.turn.user, &self.turn.text, None);
        self.turn.turns.extend(blobs.last().map(|turn| turn.id.clone()));
        for blob in blobs {
            self.set_blob(blob);
        }
        self.blobs_answered().await?;
        let ended = self.turn_ended();
        self.checkpoint();
        self.send(&update(ended));
        Ok(())
    }

    /// The state of the conversation for the client to keep.
    fn checkpoint(&mut self) {
        let window = models::find(&self.view.model).map_or(0, |model| model.context);
        let state = ConversationStateStructure {
            root_prompt_messages_json: self.turn.roots.clone(),
            turns: self.turn.turns.clone(),
            token_details: ConversationTokenDetails {
                used_tokens: u32::try_from(self.input_estimate()).unwrap_or(u32::MAX),
                max_tokens: window.unsigned_abs(),
                ..Default::default()
            }
            .into(),
            mode: Some(self.turn.user.mode),
            ..Default::default()
        };
        self.send(&AgentServerMessage { message: state.into(), ..Default::default() });
    }

    /// About four characters are a token.
    fn input_estimate(&self) -> i64 {
        i64::try_from(self.view.characters() / 4 + 1).unwrap_or(i64::MAX)
    }

    fn turn_ended(&mut self) -> TurnEndedUpdate {
        let estimate = self.input_estimate();
        let output = i64::try_from(self.turn.produced.div_ceil(4)).unwrap_or(i64::MAX);
        let id = self.turn.conversation_id.as_deref();
        let before = id.and_then(|id| self.link.call.state.note_conversation(id, estimate));
        // A usage that the script dictates is reported as it is.
        let cached = if self.usage.is_some() { 0 } else { before.unwrap_or(0).min(estimate) };
        let (input, output) = self.usage.unwrap_or((estimate, output));
        TurnEndedUpdate {
            input_tokens: Some(input),
            output_tokens: Some(output),
            cache_read_tokens: Some(cached),
            cache_write_tokens: Some(0),
            ..Default::default()
        }
    }

    fn send(&self, message: &AgentServerMessage) {
        self.link.out.message(message);
    }

    /// Waits for an answer of the client.
    async fn answered(
        &mut self,
        limit: Duration,
        late: &str,
        done: impl Fn(&Exchange) -> bool,
    ) -> Result<(), Halt> {
        if self.wait(Instant::now() + limit, true, done).await? {
            return Ok(());
        }
        Err(Failure::timeout(late).into())
    }

    /// Hears the client and keeps the stream alive until `done` or `end`; which of them it was.
    async fn wait(
        &mut self,
        end: Instant,
        needs_client: bool,
        done: impl Fn(&Exchange) -> bool,
    ) -> Result<bool, Halt> {
        let mut beat = Instant::now() + HEARTBEAT;
        loop {
            if done(&self.exchange) {
                return Ok(true);
            }
            if needs_client && self.half_closed {
                return Err(Halt::Unanswered);
            }
            match self.link.event(self.next_instant(end.min(beat))).await? {
                Event::Message(payload) => self.hear(&payload)?,
                Event::End => self.half_closed = true,
                Event::Time => {
                    let now = Instant::now();
                    if now >= end {
                        return Ok(false);
                    }
                    if now >= beat {
                        self.send(&update(HeartbeatUpdate::default()));
                        beat = now + HEARTBEAT;
                    }
                    self.check_alive(now)?;
                }
            }
        }
    }

    /// The client's last chance to be heard of, if that is before `until`.
    fn next_instant(&self, until: Instant) -> Instant {
        if self.link.call.state.config.require_heartbeat {
            until.min(self.heard + CLIENT_HEARTBEAT)
        } else {
            until
        }
    }

    fn check_alive(&self, now: Instant) -> Result<(), Failure> {
        let late = now >= self.heard + CLIENT_HEARTBEAT;
        if late && self.link.call.state.config.require_heartbeat {
            return Err(Failure::timeout("No client heartbeat for 30 seconds"));
        }
        Ok(())
    }

    /// Takes in what is already here.
    async fn hear_now(&mut self) -> Result<(), Halt> {
        loop {
            match self.link.event_now().await? {
                Event::Message(payload) => self.hear(&payload)?,
                Event::End => self.half_closed = true,
                Event::Time => return Ok(self.check_alive(Instant::now())?),
            }
        }
    }

    fn hear(&mut self, payload: &[u8]) -> Result<(), Halt> {
        match self.exchange.accept(request::decode(payload)?)? {
            Note::Heartbeat => self.heard = Instant::now(),
            Note::Other => {}
        }
        Ok(())
    }
}
