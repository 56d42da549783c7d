//! A case played through a session: bytes in, the events of every answer out.

use std::time::{Duration, Instant};

use bytes::Bytes;
use connectrpc::ConnectError;
use conversation::{Event, Failure, Grammar, Part, ToolResult, Turn};
use serde::Deserialize as _;
use serde_json::Value;
use upstream::agent::AgentOptions;
use upstream::chat::ChatOptions;
use upstream::{
    Actions, ClientMessage, EnvelopeDecoder, Flow, Frame, Opening, Route, Session, UpstreamError,
};
use uuid::Uuid;

use super::case::{Case, Step};

/// How long no call may move before an answer with calls is complete.
const WINDOW: Duration = Duration::from_millis(150);

/// More than any case needs.
const LIMIT: usize = 1 << 20;

/// The events of one answer, as its client gets them.
pub(super) type Answer = Vec<Result<Event, Failure>>;

/// Opens a session; its ids count up from one.
pub(super) fn open(flow: Flow, turn: &Turn, ids: &mut Ids) -> (ClientMessage, Session) {
    let route = Route::plain(&turn.model);
    let opening = Opening::plain(turn, &route);
    let mut uuid = || ids.next();
    let opened = match flow {
        Flow::Agent => {
            let options = AgentOptions {
                instructions: Default::default(),
                history: Default::default(),
                timezone: "Europe/Oslo".to_owned(),
                call_window: WINDOW,
            };
            upstream::agent::open(&opening, &options, &mut uuid)
        }
        Flow::Chat => {
            let options = ChatOptions { call_window: WINDOW, ..ChatOptions::default() };
            upstream::chat::open(&opening, options, &mut uuid)
        }
    };
    opened.expect("opens")
}

/// Makes ids up.
#[derive(Debug, Default)]
pub(super) struct Ids(u128);

impl Ids {
    fn next(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u128(self.0)
    }
}

/// What the client's tool says to this call.
pub(super) fn result_text(call_id: &str) -> String {
    format!("result of {call_id}")
}

/// Plays a case for this turn, with the bytes cut into pieces of this size. Every call is answered
/// in a later answer on the same stream.
pub(super) fn play(case: &Case, turn: &Turn, size: usize) -> Vec<Answer> {
    let mut ids = Ids::default();
    let (_, session) = open(case.flow, turn, &mut ids);
    let mut player = Player {
        session,
        ids,
        decoder: EnvelopeDecoder::new(LIMIT),
        now: Instant::now(),
        answers: Vec::new(),
        over: false,
    };
    player.wait(Duration::ZERO);
    for step in &case.steps {
        match step {
            Step::Server(bytes) => bytes.chunks(size).for_each(|piece| player.bytes(piece)),
            Step::Client => player.answer(),
        }
    }
    if !player.over && player.session.pending_calls().is_empty() {
        player.end(Err(UpstreamError::Cut));
    }
    player.answers.iter().for_each(check_grammar);
    player.answers
}

struct Player {
    session: Session,
    ids: Ids,
    decoder: EnvelopeDecoder,
    now: Instant,
    answers: Vec<Answer>,
    over: bool,
}

impl Player {
    fn act(
        &mut self,
        act: impl FnOnce(&mut Session, &mut Actions, Instant) -> Result<(), Failure>,
    ) {
        let mut actions = Actions::default();
        let result = act(&mut self.session, &mut actions, self.now);
        for event in actions.events {
            self.put(Ok(event));
        }
        if let Err(failure) = result {
            self.over = true;
            self.put(Err(failure));
        }
    }

    fn put(&mut self, event: Result<Event, Failure>) {
        let ended =
            |answer: &Answer| matches!(answer.last(), Some(Ok(Event::Finished(_)) | Err(_)));
        if self.answers.last().is_none_or(ended) {
            self.answers.push(Vec::new());
        }
        self.answers.last_mut().expect("just pushed").push(event);
    }

    fn bytes(&mut self, piece: &[u8]) {
        self.decoder.push(Bytes::copy_from_slice(piece));
        while let Some(frame) = self.decoder.next_frame().expect("a legal frame") {
            match frame {
                Frame::Message(message) => {
                    self.act(|session, actions, _| session.receive(&message, actions));
                }
                Frame::End(end) => self.end(read_end(&end)),
            }
        }
        self.wait(Duration::ZERO);
    }

    /// Time passes.
    fn wait(&mut self, pause: Duration) {
        if self.over {
            return;
        }
        self.now += pause;
        self.act(|session, actions, now| {
            session.tick(now, actions);
            Ok(())
        });
    }

    /// Gives the results that are waited for, as long as any are.
    fn answer(&mut self) {
        self.wait(WINDOW);
        loop {
            let calls = self.session.pending_calls();
            if calls.is_empty() {
                return;
            }
            let result = |id: &String| ToolResult {
                call_id: id.clone(),
                content: vec![Part::Text(result_text(id))],
                is_error: false,
            };
            let results: Vec<ToolResult> = calls.iter().map(result).collect();
            let id = self.ids.next().simple().to_string();
            self.act(|session, actions, _| {
                session.resume(id, &results, actions);
                Ok(())
            });
        }
    }

    fn end(&mut self, result: Result<(), UpstreamError>) {
        self.act(|session, actions, _| session.end(result, actions));
        self.over = true;
    }
}

/// What an end-of-stream frame states.
fn read_end(payload: &[u8]) -> Result<(), UpstreamError> {
    let end: Value = serde_json::from_slice(payload).expect("JSON");
    match end.get("error") {
        None => Ok(()),
        Some(error) => {
            let error = ConnectError::deserialize(error).expect("an error of Connect");
            Err(error.into())
        }
    }
}

/// The events are legal, and complete unless the answer failed.
fn check_grammar(answer: &Answer) {
    let mut grammar = Grammar::default();
    for (place, event) in answer.iter().enumerate() {
        match event {
            Ok(event) => {
                let legal = grammar.accept(event);
                legal.unwrap_or_else(|violation| panic!("{violation}: {answer:?}"));
            }
            Err(_) => assert_eq!(place, answer.len() - 1, "a failure is last"),
        }
    }
    assert_eq!(grammar.is_ended(), matches!(answer.last(), Some(Ok(_))), "{answer:?}");
}
