//! How a session ends that went on with results: an answer of its own, with an end of its own.

use cursor_proto::Message as _;
use cursor_proto::agent::TurnEndedUpdate;
use cursor_proto::aiserver::{
    ClientSideToolV2, ClientSideToolV2Call, MCPParams, StreamUnifiedChatResponseWithTools,
    mcp_params,
};

use conversation::{Message, Part, StopReason};

use super::agent_tools::{exec, said, update, weather};
use super::rig::*;
use super::*;

/// A chat session that waits for the result of `call_9`.
fn suspended_chat() -> Rig {
    let mut rig = Rig::new(Flow::Chat, &turn_with(tools(&["get_weather"])));
    let tool = mcp_params::Tool { name: "get_weather".into(), ..Default::default() };
    let call = ClientSideToolV2Call {
        tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
        tool_call_id: "call_9".into(),
        params: MCPParams { tools: vec![tool], ..Default::default() }.into(),
        ..Default::default()
    };
    rig.messages(&[StreamUnifiedChatResponseWithTools {
        response: call.into(),
        ..Default::default()
    }]);
    assert!(rig.wait(150).suspended);
    rig
}

/// An agent session that waits for the result of `c1`.
fn suspended_agent() -> Rig {
    let mut rig = weather();
    rig.messages(&[said("Let me look."), exec(2, "c1", "get_weather", "Oslo")]);
    assert!(rig.wait(150).suspended);
    rig
}

fn turn_ended() -> cursor_proto::agent::AgentServerMessage {
    update(TurnEndedUpdate::default())
}

/// Defect: what the first answer had said made the second, empty one a success.
#[test]
fn a_clean_end_without_a_word_after_results_is_an_empty_answer() {
    for (mut rig, call) in [(suspended_agent(), "c1"), (suspended_chat(), "call_9")] {
        rig.resume(&[text_result(call, "-3 C")]);
        let failure = rig.end().expect_err("nothing was said");
        assert_eq!(failure.class, FailureClass::UpstreamFailed, "{call}");
    }
}

#[test]
fn an_agent_that_ends_its_turn_may_have_nothing_to_add_to_results() {
    let mut rig = suspended_agent();
    rig.resume(&[text_result("c1", "-3 C")]);
    rig.messages(&[turn_ended()]);
    let end = rig.end().expect("a legal end");
    assert_eq!(end.events, [Event::Finished(StopReason::EndTurn)]);
    assert!(end.done);
}

/// Defect: what the model said without the results was taken for what it made of them.
#[test]
fn a_turn_that_ends_while_results_are_awaited_is_lost() {
    let mut rig = suspended_agent();
    let ended: Bytes = turn_ended().encode_to_vec().into();
    let failure = rig.session.receive(&ended, &mut Actions::default()).expect_err("not awaited");
    assert_eq!(failure.class, FailureClass::UpstreamFailed);
}

/// Defect: the id by which the first answer's cost is asked for was still there at the end of the
/// second, which was given the first one's figures.
#[test]
fn the_usage_of_an_answer_is_not_given_to_the_next_one() {
    let mut rig = suspended_chat();
    rig.vectors(File::ChatResponses, &["usage_uuid"]);
    assert!(rig.session.usage_id().is_some());
    rig.resume(&[text_result("call_9", "-3 C")]);
    rig.vectors(File::ChatResponses, &["text_1"]);
    rig.end().expect("ends");
    assert_eq!(rig.session.usage_id(), None);
}

/// Defect: a waiting session counted only what the server had stored, and not the transcript that
/// it serves.
#[test]
fn a_session_counts_the_history_that_it_serves() {
    const LONG: usize = 10 << 20;
    let mut turn = turn_with(tools(&["get_weather"]));
    turn.messages = vec![
        Message::User(vec![Part::Text("x".repeat(LONG))]),
        Message::Assistant(vec![Part::Text("I see.".into())]),
        Message::User(vec![Part::Text("And in Oslo?".into())]),
    ];
    let rig = Rig::new(Flow::Agent, &turn);
    assert!(rig.session.bytes() > LONG, "{}", rig.session.bytes());
    assert!(weather().session.bytes() < LONG / 100);
}
