//! The answer in the words of agent.v1: interaction updates, exec requests, queries.

use std::time::Duration;

use cursor_proto::agent::{
    HeartbeatUpdate, StepCompletedUpdate, StepStartedUpdate, TextDeltaUpdate,
    ThinkingCompletedUpdate, ThinkingDeltaUpdate, TokenDeltaUpdate,
};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::exchange::Expected;
use super::tools::PlannedCall;
use super::updates::{self, update};
use super::{ANSWER, Agent, RESULT, answers};
use crate::failure::Failure;
use crate::link::{Halt, Link};
use crate::player::Flow;
use crate::script::{Native, Query};
use crate::view::{Tool, View};
use crate::wire;

/// How long a client may take to refuse what it cannot know.
const THROW: Duration = Duration::from_secs(10);
/// Numbers that no schema uses.
const UNKNOWN_FIELD: u32 = 1007;

/// The model step that is played.
#[derive(Default)]
pub(super) struct Step {
    number: u64,
    since: Option<Instant>,
    thinking_since: Option<Instant>,
    /// Characters since the last `token_delta`.
    uncounted: usize,
    /// Text of this step.
    pub(super) text: String,
    pub(super) calls: Vec<PlannedCall>,
    /// The tool calls of all steps, as the final blob shows them.
    pub(super) finished_calls: Vec<Value>,
}

impl Flow for Agent {
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    fn view(&self) -> &View {
        &self.view
    }

    fn begin_step(&mut self) {
        if self.step.number > 0 {
            self.checkpoint();
        }
        self.step.number += 1;
        self.step.since = Some(Instant::now());
        self.step.text.clear();
        self.send(&update(StepStartedUpdate { step_id: self.step.number, ..Default::default() }));
    }

    fn end_step(&mut self) {
        self.send(&update(StepCompletedUpdate {
            step_id: self.step.number,
            step_duration_ms: i64::from(milliseconds(self.step.since)),
            ..Default::default()
        }));
    }

    fn text(&mut self, piece: &str) {
        self.send(&update(TextDeltaUpdate { text: piece.to_owned(), ..Default::default() }));
        self.step.text.push_str(piece);
        self.turn.text.push_str(piece);
        self.turn.produced += piece.len();
        self.step.uncounted += piece.len();
    }

    fn thinking(&mut self, piece: &str) {
        self.step.thinking_since.get_or_insert_with(Instant::now);
        self.send(&update(ThinkingDeltaUpdate { text: piece.to_owned(), ..Default::default() }));
        self.turn.produced += piece.len();
        self.step.uncounted += piece.len();
    }

    fn end_thinking(&mut self) {
        if self.step.thinking_since.is_some() {
            let thinking_duration_ms = milliseconds(self.step.thinking_since.take());
            self.send(&update(ThinkingCompletedUpdate {
                thinking_duration_ms,
                ..Default::default()
            }));
        }
    }

    fn end_pieces(&mut self) {
        if self.step.uncounted > 0 {
            let tokens = i32::try_from(self.step.uncounted.div_ceil(4)).unwrap_or(i32::MAX);
            self.step.uncounted = 0;
            self.send(&update(TokenDeltaUpdate { tokens, ..Default::default() }));
        }
    }

    fn call(&mut self, tool: &Tool, arguments: &RawValue) {
        self.begin_call(tool, arguments);
    }

    async fn results(&mut self) -> Result<bool, Halt> {
        self.end_calls().await
    }

    async fn pause(&mut self, time: Duration) -> Result<(), Halt> {
        if time.is_zero() {
            return self.hear_now().await;
        }
        self.wait(Instant::now() + time, false, |_| false).await.map(|_| ())
    }

    fn keep_alive(&mut self) {
        self.send(&update(HeartbeatUpdate::default()));
    }

    fn usage(&mut self, input: i64, output: i64) {
        self.usage = Some((input, output));
    }

    async fn native(&mut self, native: Native) -> Result<String, Halt> {
        let id = self.exchange.ask_exec(Expected::Native(native));
        let request = updates::native(native, &super::tools::fresh("toolu_"));
        self.send(&updates::exec(id, request));
        let late = "The built-in tool did not answer";
        self.answered(ANSWER, late, |exchange| exchange.exec_answer(id).is_some()).await?;
        Ok(self.exchange.exec_answer(id).map(answers::text).unwrap_or_default())
    }

    async fn query(&mut self, query: Query) -> Result<String, Halt> {
        let id = self.exchange.ask_query(Some(query));
        self.send(&updates::query(id, query, &super::tools::fresh("toolu_")));
        let late = "The user did not answer";
        self.answered(RESULT, late, |exchange| exchange.query_answer(id).is_some()).await?;
        Ok(self.exchange.query_answer(id).unwrap_or_default().to_owned())
    }

    async fn unknown(&mut self) -> Result<(), Halt> {
        let out = &self.link.out;
        // An unknown update, an unknown field beside a known one, an unknown server message.
        out.frame(0, &wire::message(1, &wire::message(UNKNOWN_FIELD, b"abc")));
        let mut heartbeat = wire::message(1, &wire::message(13, b""));
        wire::field(&mut heartbeat, UNKNOWN_FIELD, b"abc");
        out.frame(0, &heartbeat);
        out.frame(0, &wire::message(UNKNOWN_FIELD, b""));
        let query = self.exchange.ask_query(None);
        out.frame(0, &wire::message(7, &unknown_request(query, None)));
        let id = self.exchange.ask_exec(Expected::Throw);
        out.frame(0, &wire::message(2, &unknown_request(id, Some(&super::exchange::exec_id(id)))));
        let answered = |exchange: &super::Exchange| exchange.exec_answer(id).is_some();
        if self.wait(Instant::now() + THROW, true, answered).await? {
            return Ok(());
        }
        Err(Failure::invalid(format!("Exec {id} has an unknown arm and was not thrown")).into())
    }
}

/// An exec request or a query with an arm of no schema.
fn unknown_request(id: u32, exec_id: Option<&str>) -> Vec<u8> {
    let mut request = Vec::new();
    wire::number(&mut request, 1, u64::from(id));
    if let Some(exec_id) = exec_id {
        wire::field(&mut request, 15, exec_id.as_bytes());
    }
    wire::field(&mut request, UNKNOWN_FIELD, b"");
    request
}

fn milliseconds(since: Option<Instant>) -> i32 {
    since.map_or(0, |since| i32::try_from(since.elapsed().as_millis()).unwrap_or(i32::MAX))
}
