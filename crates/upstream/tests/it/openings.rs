//! What the model gets to see: every part of a turn, read back from the simulated backend.

use std::time::Duration;

use conversation::{
    Event, Failure, FailureClass, Fold, Image, ImageFormat, Message, Part, Reply, Turn,
};
use serde_json::Value;
use simulator::{Config, HistorySource};
use upstream::agent::{AgentOptions, HistoryChannel, InstructionChannel};
use upstream::chat::ChatOptions;
use upstream::transport::Received;
use upstream::{Actions, ClientMessage, Flow, Opening, Route, Session};
use uuid::Uuid;

use crate::support::{Simulated, caller, soon, stamp};

fn options() -> AgentOptions {
    AgentOptions {
        instructions: InstructionChannel::default(),
        history: HistoryChannel::default(),
        timezone: "UTC".into(),
        call_window: Duration::from_millis(150),
    }
}

fn open(flow: Flow, turn: &Turn, options: &AgentOptions) -> (ClientMessage, Session) {
    let mut next = 0;
    let mut uuid = || {
        next += 1;
        Uuid::from_u128(next)
    };
    let route = Route::plain(&turn.model);
    let opening = Opening::plain(turn, &route);
    let opened = match flow {
        Flow::Agent => upstream::agent::open(&opening, options, &mut uuid),
        Flow::Chat => upstream::chat::open(&opening, ChatOptions::default(), &mut uuid),
    };
    opened.expect("opens")
}

/// The whole answer of the simulated backend.
async fn ask(
    simulated: &Simulated,
    flow: Flow,
    turn: &Turn,
    options: &AgentOptions,
) -> Result<Reply, Failure> {
    let (opening, mut session) = open(flow, turn, options);
    let backend = simulated.backend();
    let mut exchange = backend.open(&caller(), stamp(), &opening).await.expect("opened");
    let (mut fold, mut actions) = (Fold::default(), Actions::default());
    loop {
        match soon("the answer", exchange.next()).await {
            Received::Message(message) => session.receive(&message, &mut actions)?,
            Received::End(result) => session.end(result, &mut actions)?,
        }
        for message in actions.send.drain(..) {
            message.send(&mut exchange).expect("sent");
        }
        for event in actions.events.drain(..) {
            let last = matches!(event, Event::Finished(_));
            fold.push(event)?;
            if last {
                return fold.finish();
            }
        }
    }
}

fn image() -> Part {
    Part::Image(Image { format: ImageFormat::Png, width: 1, height: 1, data: vec![1, 2, 3, 4, 5] })
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

/// A conversation with everything that must reach the model.
fn conversation(prompt: &str) -> Turn {
    let mut turn = Turn::of_text("claude-4.5-sonnet", prompt);
    turn.instructions = vec!["[[mem system=be brief]]".into(), "[[mem developer=and kind]]".into()];
    turn.messages.splice(
        0..0,
        [
            Message::User(vec![text("[[mem first=from the first message]]"), image()]),
            Message::Assistant(vec![text("[[mem answer=from the first answer]]")]),
            Message::Instruction("[[mem reminder=in between]]".into()),
        ],
    );
    turn
}

const MEMORIES: [(&str, &str); 5] = [
    ("system", "be brief"),
    ("developer", "and kind"),
    ("first", "from the first message"),
    ("answer", "from the first answer"),
    ("reminder", "in between"),
];

async fn everything_is_recalled(simulated: &Simulated, flow: Flow, options: &AgentOptions) {
    for (key, value) in MEMORIES {
        let turn = conversation(&format!("[[sim: recall {key}]]"));
        let reply = ask(simulated, flow, &turn, options).await.expect("answered");
        assert_eq!(reply.text(), value, "{} {options:?}: {key}", flow.name());
    }
    let mut turn = conversation("");
    let Some(Message::User(parts)) = turn.messages.last_mut() else { panic!("a user message") };
    *parts = vec![text("[[sim: report]]"), image(), image()];
    let reply = ask(simulated, flow, &turn, options).await.expect("answered");
    let report: Value = serde_json::from_str(&reply.text()).expect("JSON");
    let report = &report["sim_report"];
    assert_eq!(report["model"], "claude-4.5-sonnet");
    assert_eq!(report["images"], serde_json::json!([5, 5, 5]), "{}: {report}", flow.name());
}

#[tokio::test]
async fn system_text_history_and_images_reach_the_model_on_the_chat_flow() {
    let simulated = Simulated::start(Config::default()).await;
    everything_is_recalled(&simulated, Flow::Chat, &options()).await;
}

#[tokio::test]
async fn system_text_history_and_images_reach_the_model_by_blobs() {
    let simulated = Simulated::start(Config::default()).await;
    everything_is_recalled(&simulated, Flow::Agent, &options()).await;
}

#[tokio::test]
async fn system_text_history_and_images_reach_the_model_by_the_typed_history() {
    let history = HistorySource::ConversationHistory;
    let simulated = Simulated::start(Config { history, ..Config::default() }).await;
    let options = AgentOptions { history: HistoryChannel::ConversationHistory, ..options() };
    everything_is_recalled(&simulated, Flow::Agent, &options).await;
}

#[tokio::test]
async fn system_text_reaches_the_model_before_the_users_text() {
    let simulated = Simulated::start(Config::default()).await;
    let options = AgentOptions { instructions: InstructionChannel::UserText, ..options() };
    everything_is_recalled(&simulated, Flow::Agent, &options).await;
}

#[tokio::test]
async fn a_message_of_a_megabyte_arrives_whole_on_both_flows() {
    let simulated = Simulated::start(Config::default()).await;
    for flow in [Flow::Agent, Flow::Chat] {
        let length = 1 << 20;
        let prompt = format!("{} [[sim: report]]", "é".repeat(length));
        let turn = Turn::of_text("gpt-5", &prompt);
        let reply = ask(&simulated, flow, &turn, &options()).await.expect("answered");
        let report: Value = serde_json::from_str(&reply.text()).expect("JSON");
        assert_eq!(
            report["sim_report"]["last_user_chars"],
            prompt.chars().count(),
            "{}",
            flow.name()
        );
    }
}

#[tokio::test]
async fn every_built_in_tool_and_question_is_declined_and_the_turn_goes_on() {
    let simulated = Simulated::start(Config::default()).await;
    let natives = [
        "native read",
        "native write",
        "native delete",
        "native shell",
        "native shell_stream",
        "native grep",
        "native ls",
        "native diagnostics",
        "native fetch",
        "native background_shell",
        "query web_search",
        "query web_fetch",
        "query question",
        "unknown",
    ];
    for native in natives {
        let turn = Turn::of_text("gpt-5", &format!("[[sim: {native}]] [[sim: say done]]"));
        let reply = ask(&simulated, Flow::Agent, &turn, &options()).await.expect(native);
        assert!(reply.text().ends_with("done"), "{native}: {}", reply.text());
        if native.starts_with("native") {
            assert!(reply.text().contains("no workspace"), "{native}: {}", reply.text());
        }
        if native.starts_with("query") {
            assert!(reply.text().contains("rejected"), "{native}: {}", reply.text());
        }
    }
    for native in ["native read", "unknown"] {
        let turn = Turn::of_text("gpt-5", &format!("[[sim: {native}]] [[sim: say done]]"));
        let reply = ask(&simulated, Flow::Chat, &turn, &options()).await.expect(native);
        assert!(reply.text().ends_with("done"), "{native}: {}", reply.text());
    }
}

#[tokio::test]
async fn reasoning_comes_with_its_seal_on_the_chat_flow() {
    let simulated = Simulated::start(Config::default()).await;
    let turn = Turn::of_text("claude-4.5-sonnet-thinking", "[[sim: think hmm]] [[sim: say 4]]");
    for (flow, seal) in [(Flow::Agent, None), (Flow::Chat, Some("c2lnbmF0dXJl"))] {
        let reply = ask(&simulated, flow, &turn, &options()).await.expect("answered");
        assert_eq!((reply.reasoning().as_str(), reply.text().as_str()), ("hmm", "4"));
        assert_eq!(reply.blocks[0].seal.as_deref(), seal, "{}", flow.name());
    }
}

#[tokio::test]
async fn every_error_of_the_script_has_its_class_on_both_flows() {
    let simulated = Simulated::start(Config::default()).await;
    let expected = [
        ("rate_limit", FailureClass::Busy),
        ("usage_limit", FailureClass::Quota),
        ("overloaded", FailureClass::Overloaded),
        ("unavailable", FailureClass::Overloaded),
        ("internal", FailureClass::UpstreamFailed),
        ("deadline", FailureClass::Timeout),
        ("unauthenticated", FailureClass::AccountRejected),
        ("permission_denied", FailureClass::Forbidden),
        ("invalid_argument", FailureClass::Invalid),
        ("context_length", FailureClass::ContextTooLong),
        ("not_found", FailureClass::UnknownModel),
    ];
    for (code, class) in expected {
        for flow in [Flow::Agent, Flow::Chat] {
            for before in ["", "[[sim: say half]] "] {
                let turn = Turn::of_text("gpt-5", &format!("{before}[[sim: error {code}]]"));
                let failure = ask(&simulated, flow, &turn, &options()).await.expect_err(code);
                assert_eq!(failure.class, class, "{} {code}: {failure:?}", flow.name());
            }
        }
    }
}

#[tokio::test]
async fn a_pause_that_the_upstream_states_is_kept() {
    let simulated = Simulated::start(Config::default()).await;
    let turn = Turn::of_text("gpt-5", "[[sim: error rate_limit retry=23]]");
    for flow in [Flow::Agent, Flow::Chat] {
        let failure = ask(&simulated, flow, &turn, &options()).await.expect_err("rate limit");
        assert_eq!(failure.retry.after(), Some(std::time::Duration::from_secs(23)));
    }
}

#[tokio::test]
async fn an_unknown_model_is_the_requests_fault() {
    let simulated = Simulated::start(Config::default()).await;
    let turn = Turn::of_text("no-such-model-xyz", "Hello");
    for flow in [Flow::Agent, Flow::Chat] {
        let failure = ask(&simulated, flow, &turn, &options()).await.expect_err("no model");
        assert_eq!(failure.class, FailureClass::UnknownModel, "{}", flow.name());
    }
}
