//! Tools against the simulated backend, on both flows: called, answered on the same stream or in
//! a later request, late, renamed, one at a time; and the memory of a conversation.

use std::time::{Duration, Instant};

use conversation::{
    Block, BlockKind, Event, Failure, FailureClass, Fold, Image, ImageFormat, Message, ModelName,
    Part, ReasoningEffort, Reply, StopReason, Tool, ToolCall, ToolChoice, ToolResult, Tools, Turn,
};
use simulator::Config;
use upstream::agent::{AgentOptions, HistoryChannel, InstructionChannel};
use upstream::chat::ChatOptions;
use upstream::transport::{Exchange, Received};
use upstream::{Actions, Flow, Memory, Opening, Route, Session};
use uuid::Uuid;

use crate::support::{Simulated, caller, soon, stamp};

const FLOWS: [Flow; 2] = [Flow::Agent, Flow::Chat];

/// A stream that is being driven.
struct Live {
    exchange: Exchange,
    session: Session,
}

/// One answer, and whether the model waits for its calls.
struct Answered {
    reply: Reply,
    suspended: bool,
}

impl Live {
    async fn open(
        simulated: &Simulated,
        flow: Flow,
        turn: &Turn,
        route: &Route,
        memory: Option<&Memory>,
    ) -> Self {
        let opening = Opening { memory, ..Opening::plain(turn, route) };
        let agent = AgentOptions {
            instructions: InstructionChannel::default(),
            history: HistoryChannel::default(),
            timezone: "UTC".into(),
            call_window: Duration::from_millis(150),
        };
        let opened = match flow {
            Flow::Agent => upstream::agent::open(&opening, &agent, &mut Uuid::new_v4),
            Flow::Chat => upstream::chat::open(&opening, ChatOptions::default(), &mut Uuid::new_v4),
        };
        let (message, session) = opened.expect("opens");
        let backend = simulated.backend();
        let exchange = backend.open(&caller(), stamp(), &message).await.expect("opened");
        Self { exchange, session }
    }

    /// Drives the stream to the end of an answer.
    async fn answer(&mut self) -> Result<Answered, Failure> {
        self.go_on(Actions::default()).await
    }

    async fn resume(&mut self, results: &[ToolResult]) -> Result<Answered, Failure> {
        let mut actions = Actions::default();
        self.session.resume(Uuid::new_v4().to_string(), results, &mut actions);
        self.go_on(actions).await
    }

    async fn go_on(&mut self, mut actions: Actions) -> Result<Answered, Failure> {
        let mut fold = Fold::default();
        loop {
            let wake = self.session.tick(Instant::now(), &mut actions);
            for message in actions.send.drain(..) {
                message.send(&mut self.exchange).expect("sent");
            }
            for event in actions.events.drain(..) {
                let last = matches!(event, Event::Finished(_));
                fold.push(event)?;
                if last {
                    let reply = fold.finish()?;
                    return Ok(Answered { reply, suspended: actions.suspended });
                }
            }
            let wake = wake.unwrap_or_else(|| Instant::now() + Duration::from_secs(5));
            tokio::select! {
                received = soon("the answer", self.exchange.next()) => match received {
                    Received::Message(message) => self.session.receive(&message, &mut actions)?,
                    Received::End(result) => self.session.end(result, &mut actions)?,
                },
                () = tokio::time::sleep_until(wake.into()) => {}
            }
        }
    }
}

impl Answered {
    /// Id, name and arguments of the calls.
    fn calls(&self) -> Vec<(&str, &str, &str)> {
        fn told(block: &Block) -> Option<(&str, &str, &str)> {
            match &block.kind {
                BlockKind::ToolCall { id, name } => Some((id, name, &block.text)),
                BlockKind::Text | BlockKind::Reasoning => None,
            }
        }
        self.reply.blocks.iter().filter_map(told).collect()
    }
}

fn tool(name: &str) -> Tool {
    let parameters = r#"{"type":"object","properties":{"city":{"type":"string"}}}"#.into();
    Tool { name: name.into(), description: "A tool".into(), parameters }
}

fn turn(program: &str, names: &[&str]) -> Turn {
    let mut turn = Turn::of_text("claude-4.5-sonnet", program);
    let declared = names.iter().map(|name| tool(name)).collect();
    turn.tools = Tools { declared, choice: ToolChoice::Auto, parallel: true };
    turn
}

fn result(id: &str, text: &str) -> ToolResult {
    ToolResult { call_id: id.into(), content: vec![Part::Text(text.into())], is_error: false }
}

async fn open(simulated: &Simulated, flow: Flow, turn: &Turn) -> Live {
    Live::open(simulated, flow, turn, &Route::plain(&turn.model), None).await
}

#[tokio::test]
async fn a_call_is_answered_on_the_same_stream() {
    let simulated = Simulated::start(Config::default()).await;
    for flow in FLOWS {
        let program = r#"[[sim: say "Let me see."]] [[sim: tool get_weather={"city":"Oslo, Norway","days":3}]]
            [[sim: next]] [[sim: think "so"]] [[sim: say "cold"]]"#;
        let mut live = open(&simulated, flow, &turn(program, &["get_weather"])).await;
        let first = live.answer().await.expect("an answer");
        assert!(first.suspended);
        assert_eq!(first.reply.stop, StopReason::ToolCalls);
        assert_eq!(first.reply.text(), "Let me see.");
        let calls = first.calls();
        assert_eq!((calls.len(), calls[0].1), (1, "get_weather"), "{flow:?}");
        let arguments: serde_json::Value = serde_json::from_str(calls[0].2).expect("JSON");
        assert_eq!(arguments, serde_json::json!({"city": "Oslo, Norway", "days": 3}));
        assert_eq!(live.session.pending_calls(), [calls[0].0]);
        let second = live.resume(&[result(calls[0].0, "-3 C")]).await.expect("an answer");
        assert_eq!((second.reply.text().as_str(), second.suspended), ("cold", false));
        assert_eq!(second.reply.stop, StopReason::EndTurn);
        assert_ne!(second.reply.id, first.reply.id);
    }
}

#[tokio::test]
async fn results_of_every_kind_reach_the_model() {
    let simulated = Simulated::start(Config::default()).await;
    let image = Image { format: ImageFormat::Png, width: 1, height: 1, data: vec![1, 2, 3] };
    for flow in FLOWS {
        let program = "[[sim: tool a={}]] [[sim: tool b={}]] [[sim: tool c={}]]";
        let mut live = open(&simulated, flow, &turn(program, &["a", "b", "c"])).await;
        let first = live.answer().await.expect("an answer");
        let ids: Vec<&str> = first.calls().iter().map(|call| call.0).collect();
        assert_eq!(ids.len(), 3, "parallel calls are one answer");
        let results = [
            ToolResult { is_error: true, ..result(ids[1], "broken") },
            ToolResult {
                content: vec![Part::Text("seen".into()), Part::Image(image.clone())],
                ..result(ids[2], "")
            },
            result(ids[0], "fine"),
        ];
        let second = live.resume(&results).await.expect("an answer");
        let text = second.reply.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "tool result: fine", "{flow:?}: {text}");
        assert!(lines[1].contains("broken") && lines[2].contains("seen"), "{flow:?}: {text}");
    }
}

#[tokio::test]
async fn a_late_call_is_one_of_the_next_answer() {
    let simulated = Simulated::start(Config::default()).await;
    // The chat flow says when its calls are complete, which is after the late one.
    let program = r#"[[sim: tool a={}]] [[sim: wait 600ms]] [[sim: tool b={}]] [[sim: next]] [[sim: say done]]"#;
    for flow in FLOWS {
        let mut live = open(&simulated, flow, &turn(program, &["a", "b"])).await;
        let first = live.answer().await.expect("an answer");
        assert_eq!(first.calls().iter().map(|call| call.1).collect::<Vec<_>>(), ["a"], "{flow:?}");
        let second = live.resume(&[result(first.calls()[0].0, "x")]).await.expect("an answer");
        assert_eq!(second.calls().iter().map(|call| call.1).collect::<Vec<_>>(), ["b"], "{flow:?}");
        let third = live.resume(&[result(second.calls()[0].0, "y")]).await.expect("an answer");
        assert_eq!(third.reply.text(), "done", "{flow:?}");
    }
}

#[tokio::test]
async fn one_at_a_time_gives_one_call_per_answer() {
    let simulated = Simulated::start(Config::default()).await;
    let program = "[[sim: tool a={}]] [[sim: tool b={}]] [[sim: next]] [[sim: say done]]";
    for flow in FLOWS {
        let mut turn = turn(program, &["a", "b"]);
        turn.tools.parallel = false;
        let mut live = open(&simulated, flow, &turn).await;
        let first = live.answer().await.expect("an answer");
        assert_eq!(first.calls().len(), 1);
        let second = live.resume(&[result(first.calls()[0].0, "x")]).await.expect("an answer");
        assert_eq!(second.calls().iter().map(|call| call.1).collect::<Vec<_>>(), ["b"]);
        let third = live.resume(&[result(second.calls()[0].0, "y")]).await.expect("an answer");
        assert_eq!(third.reply.text(), "done");
    }
}

#[tokio::test]
async fn reserved_odd_and_long_names_are_called_by_their_own_name() {
    let config = Config { refuse_reserved_tools: true, ..Config::default() };
    let simulated = Simulated::start(config).await;
    let long = format!("mcp__server__{}", "x".repeat(60));
    for flow in FLOWS {
        for name in ["Task", "todowrite", "files.read", "mcp__files__read_file", &long] {
            let program = format!("[[sim: tool {name}={{}}]]");
            let mut live = open(&simulated, flow, &turn(&program, &[name, "other"])).await;
            let first = live.answer().await.expect("an answer");
            let calls: Vec<&str> = first.calls().iter().map(|call| call.1).collect();
            assert_eq!(calls, [name], "{flow:?}: {}", first.reply.text());
        }
    }
}

#[tokio::test]
async fn the_choice_of_tools_is_what_the_model_is_offered() {
    let simulated = Simulated::start(Config::default()).await;
    for flow in FLOWS {
        for (choice, offered) in [
            (ToolChoice::Auto, r#""tools":["a","b"]"#),
            (ToolChoice::Required, r#""tools":["a","b"]"#),
            (ToolChoice::Named("b".into()), r#""tools":["b"]"#),
            (ToolChoice::None, r#""tools":[]"#),
        ] {
            let mut turn = turn("[[sim: report]]", &["a", "b"]);
            turn.tools.choice = choice.clone();
            let reply = open(&simulated, flow, &turn).await.answer().await.expect("an answer");
            assert!(reply.reply.text().contains(offered), "{flow:?} {choice:?}");
        }
    }
}

#[tokio::test]
async fn schemas_reach_the_model_unchanged() {
    let simulated = Simulated::start(Config::default()).await;
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer","minimum":1},"s":{"enum":["a",null]}},"required":["n"],"additionalProperties":false}"#;
    for flow in FLOWS {
        let mut turn = turn("[[sim: schema a]]", &["a"]);
        turn.tools.declared[0].parameters = schema.into();
        let reply = open(&simulated, flow, &turn).await.answer().await.expect("an answer");
        let seen: serde_json::Value = serde_json::from_str(&reply.reply.text()).expect("JSON");
        let expected: serde_json::Value = serde_json::from_str(schema).expect("JSON");
        assert_eq!(seen["sim_schema"], expected, "{flow:?}");
    }
}

/// The stream is gone: the next request tells the calls and their results as history.
#[tokio::test]
async fn results_in_a_later_request_go_on_from_the_calls() {
    let simulated = Simulated::start(Config::default()).await;
    let program = r#"[[sim: tool Task={"city":"Oslo"}]] [[sim: next]] [[sim: recall r]] [[sim: say " done"]]"#;
    for flow in FLOWS {
        let mut turn = turn(program, &["Task"]);
        let mut live = open(&simulated, flow, &turn).await;
        let first = live.answer().await.expect("an answer");
        let calls = first.calls();
        turn.messages.push(Message::Assistant(vec![Part::ToolCall(ToolCall {
            id: calls[0].0.into(),
            name: calls[0].1.into(),
            arguments: calls[0].2.into(),
        })]));
        turn.messages.push(Message::ToolResults(vec![result(calls[0].0, "[[mem r=cold]]")]));
        let memory = live.session.memory();
        drop(live);
        for memory in [None, Some(&memory)] {
            let route = Route::plain(&turn.model);
            let mut live = Live::open(&simulated, flow, &turn, &route, memory).await;
            let second = live.answer().await.expect("an answer");
            assert_eq!(second.reply.text(), "cold done", "{flow:?}");
        }
    }
}

#[tokio::test]
async fn a_conversation_is_remembered_on_the_agent_flow() {
    let simulated = Simulated::start(Config::default()).await;
    let mut turn = turn(&format!("[[sim: say hello]] {}", "pad ".repeat(100)), &[]);
    let route = Route::plain(&turn.model);
    let mut live = Live::open(&simulated, Flow::Agent, &turn, &route, None).await;
    let first = live.answer().await.expect("an answer");
    assert_eq!(first.reply.usage.expect("usage").cache_read, Some(0));
    let memory = live.session.memory();
    assert!(memory.bytes() > 500, "{}", memory.bytes());
    turn.messages.push(Message::Assistant(vec![Part::Text(first.reply.text())]));
    turn.messages.push(Message::User(vec![Part::Text("[[sim: report]]".into())]));
    let mut live = Live::open(&simulated, Flow::Agent, &turn, &route, Some(&memory)).await;
    let second = live.answer().await.expect("the blobs of the checkpoint are served");
    assert!(second.reply.usage.expect("usage").cache_read > Some(0), "the same conversation");
    assert!(second.reply.text().contains(r#""turns":3"#), "{}", second.reply.text());
    // Another flow's memory is none.
    let mut live = Live::open(&simulated, Flow::Chat, &turn, &route, Some(&memory)).await;
    assert!(live.answer().await.is_ok());
}

#[tokio::test]
async fn a_refused_native_tool_does_not_end_the_turn() {
    let simulated = Simulated::start(Config::default()).await;
    for flow in FLOWS {
        let program = "[[sim: native read]] [[sim: tool a={}]]";
        let mut live = open(&simulated, flow, &turn(program, &["a"])).await;
        let first = live.answer().await.expect("an answer");
        let text = first.reply.text();
        assert!(text.contains("Use one of the client's own tools instead:"), "{flow:?}: {text}");
        assert_eq!(first.calls().len(), 1);
    }
}

#[tokio::test]
async fn a_search_of_the_web_is_approved_when_it_is_wanted() {
    let simulated = Simulated::start(Config::default()).await;
    let turn = turn("[[sim: query web_search]]", &[]);
    for (web_search, said) in [(true, "approved"), (false, "rejected")] {
        let route = Route { web_search, ..Route::plain(&turn.model) };
        let mut live = Live::open(&simulated, Flow::Agent, &turn, &route, None).await;
        let text = live.answer().await.expect("an answer").reply.text();
        assert_eq!(text, format!("query web_search: {said}"));
    }
}

#[tokio::test]
async fn the_route_names_the_model_and_the_client_sees_its_own_word() {
    let simulated = Simulated::start(Config::default()).await;
    let mut turn = turn("[[sim: report]]", &[]);
    turn.model = ModelName::new("my-alias");
    let route = Route {
        max_mode: true,
        effort: Some(ReasoningEffort::High),
        ..Route::plain(&ModelName::new("gpt-5"))
    };
    for flow in FLOWS {
        let mut live = Live::open(&simulated, flow, &turn, &route, None).await;
        let reply = live.answer().await.expect("an answer").reply;
        assert_eq!(reply.model, "my-alias");
        assert!(reply.text().contains(r#""model":"gpt-5""#), "{}", reply.text());
    }
}

#[tokio::test]
async fn tokens_are_counted_with_tools_and_history() {
    let simulated = Simulated::start(Config::default()).await;
    let backend = simulated.backend();
    let count = async |turn: &Turn| {
        let route = Route::plain(&turn.model);
        let caller = caller();
        let call = backend.count_tokens(&caller, stamp(), turn, &route);
        soon("the count", call).await.expect("counted").expect("told")
    };
    let bare = count(&turn("hello", &[])).await;
    let with_tools = count(&turn("hello", &["a", "b"])).await;
    let longer = count(&turn(&"hello ".repeat(100), &[])).await;
    assert!(bare > 0 && with_tools > bare && longer > with_tools, "{bare} {with_tools} {longer}");
    let unknown = Route::plain(&ModelName::new("no-such-model-xyz"));
    let error = backend.count_tokens(&caller(), stamp(), &turn("x", &[]), &unknown).await;
    let failure = upstream::classify(&error.expect_err("no such model"));
    assert_eq!(failure.class, FailureClass::UnknownModel);
}
