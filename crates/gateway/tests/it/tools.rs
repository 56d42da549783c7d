//! Rounds of a client's tools: the stream waits for the results, and where it cannot, the
//! transcript says the same.

use std::time::Duration;

use conversation::{
    BlockKind, Message, Part, Reply, StopReason, Tool, ToolCall, ToolChoice, ToolResult, Turn,
};
use gateway::{Ask, SuspendOptions};
use upstream::Flow;

use crate::rig::{FLOWS, PATIENCE, Rig, of_client, options, read, soon, turn, until};

fn tool(name: &str) -> Tool {
    Tool {
        name: name.into(),
        description: "A tool.".into(),
        parameters: r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#.into(),
    }
}

/// A request of a client that has tools.
fn with_tools(prompt: &str) -> Turn {
    let mut turn = turn(prompt);
    turn.tools.declared = vec![tool("read"), tool("mcp__files__write"), tool("TodoWrite")];
    turn
}

fn calls(reply: &Reply) -> Vec<ToolCall> {
    reply
        .blocks
        .iter()
        .filter_map(|block| match &block.kind {
            BlockKind::ToolCall { id, name } => {
                Some(ToolCall { id: id.clone(), name: name.clone(), arguments: block.text.clone() })
            }
            BlockKind::Text | BlockKind::Reasoning => None,
        })
        .collect()
}

/// The next request: the answer comes back, then a result for each of its calls.
fn answered(mut turn: Turn, reply: &Reply, results: Vec<ToolResult>) -> Turn {
    let mut parts = Vec::new();
    if !reply.text().is_empty() {
        parts.push(Part::Text(reply.text()));
    }
    parts.extend(calls(reply).into_iter().map(Part::ToolCall));
    turn.messages.push(Message::Assistant(parts));
    turn.messages.push(Message::ToolResults(results));
    turn
}

fn result(call_id: &str, text: &str) -> ToolResult {
    let content = vec![Part::Text(text.into())];
    ToolResult { call_id: call_id.into(), content, is_error: false }
}

/// `CALL result` for every call.
fn results(reply: &Reply) -> Vec<ToolResult> {
    calls(reply).iter().map(|call| result(&call.id, &format!("{} result", call.name))).collect()
}

fn without_suspension() -> gateway::Options {
    let suspend = SuspendOptions { timeout: Duration::ZERO, ..options().suspend };
    gateway::Options { suspend, ..options() }
}

const TWO_ROUNDS: &str = "[[sim: say \"I look.\"]] [[sim: tool read={\"n\":1}]] [[sim: next]] \
     [[sim: think \"hm\"]] [[sim: tool mcp__files__write={\"n\":2}]] [[sim: tool TodoWrite={}]] \
     [[sim: next]] [[sim: say \"done\"]]";

/// Plays all rounds; gives the number of upstream streams it took.
async fn two_rounds(rig: &Rig) -> usize {
    let turn = with_tools(TWO_ROUNDS);
    let first = rig.ask_turn(turn.clone()).await.expect("first");
    assert_eq!((first.text().as_str(), &first.stop), ("I look.", &StopReason::ToolCalls));
    assert_eq!(calls(&first)[0].name, "read");
    assert_eq!(calls(&first)[0].arguments.replace(' ', ""), "{\"n\":1}");
    let turn = answered(turn, &first, results(&first));
    let second = rig.ask_turn(turn.clone()).await.expect("second");
    let names: Vec<String> = calls(&second).into_iter().map(|call| call.name).collect();
    assert_eq!(names, ["mcp__files__write", "TodoWrite"]);
    assert_eq!((second.reasoning().as_str(), &second.stop), ("hm", &StopReason::ToolCalls));
    assert_ne!(second.id, first.id);
    // The faster tool's result first.
    let mut back = results(&second);
    back.reverse();
    let last = rig.ask_turn(answered(turn, &second, back)).await.expect("last");
    assert_eq!((last.text().as_str(), &last.stop), ("done", &StopReason::EndTurn));
    rig.settled().await;
    rig.streams().len()
}

#[tokio::test]
async fn the_stream_that_waits_is_taken_on() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        assert_eq!(two_rounds(&rig).await, 1, "{}", flow.name());
    }
}

#[tokio::test]
async fn without_a_stream_that_waits_the_transcript_says_the_same() {
    for flow in FLOWS {
        let rig = Rig::with(flow, without_suspension()).await;
        assert_eq!(two_rounds(&rig).await, 3, "{}", flow.name());
    }
}

#[tokio::test]
async fn results_reach_the_model_both_ways() {
    for flow in FLOWS {
        for options in [options(), without_suspension()] {
            let rig = Rig::with(flow, options).await;
            let turn = with_tools("[[sim: tool read={\"n\":1}]] [[sim: tool read={\"n\":2}]]");
            let reply = rig.ask_turn(turn.clone()).await.expect("calls");
            let calls = calls(&reply);
            assert_eq!(calls.len(), 2);
            let mut back = vec![result(&calls[0].id, "one"), result(&calls[1].id, "two")];
            back[1].is_error = true;
            let reply = rig.ask_turn(answered(turn, &reply, back)).await.expect("quoted");
            assert_eq!(reply.text(), "tool result: one\ntool result: two", "{}", flow.name());
        }
    }
}

/// One round, up to the request that brings the results.
async fn one_call(rig: &Rig) -> Turn {
    let turn = with_tools("[[sim: tool read={\"n\":1}]]");
    let reply = rig.ask_turn(turn.clone()).await.expect("a call");
    assert_eq!(rig.gateway.stats().suspended, 1);
    answered(turn, &reply, results(&reply))
}

#[tokio::test]
async fn a_request_that_brings_more_than_results_is_rebuilt() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let mut next = one_call(&rig).await;
        next.messages.push(Message::User(vec![Part::Text("and now?".into())]));
        let reply = rig.ask_turn(next).await.expect("answered");
        assert!(reply.text().contains("read result"), "{}", reply.text());
        assert_eq!(rig.streams().len(), 2);
        // The one that waited was given up at once.
        assert_eq!(rig.gateway.stats().suspended, 0);
        rig.settled().await;
    }
}

#[tokio::test]
async fn a_request_under_other_terms_is_rebuilt() {
    let rig = Rig::new(Flow::Agent).await;
    let mut next = one_call(&rig).await;
    next.tools.choice = ToolChoice::None;
    let reply = rig.ask_turn(next).await.expect("answered");
    assert_eq!(reply.text(), "tool result: read result");
    assert_eq!(rig.streams().len(), 2);
}

/// Security: the stream of one client is nobody else's.
#[tokio::test]
async fn another_client_does_not_take_the_stream() {
    let rig = Rig::new(Flow::Agent).await;
    let next = one_call(&rig).await;
    let stranger = Ask::new(of_client("stranger"), next.clone());
    let answer = soon("the beginning", rig.gateway.answer(stranger)).await.expect("begun");
    read(answer).await.result.expect("answered from the transcript");
    assert_eq!((rig.streams().len(), rig.gateway.stats().suspended), (2, 1));
    rig.ask_turn(next).await.expect("the owner goes on");
    assert_eq!(rig.streams().len(), 2);
}

#[tokio::test]
async fn a_stream_that_waited_too_long_costs_nothing_but_the_rebuild() {
    for flow in FLOWS {
        let suspend = SuspendOptions { timeout: Duration::from_millis(200), ..options().suspend };
        let rig = Rig::with(flow, gateway::Options { suspend, ..options() }).await;
        let next = one_call(&rig).await;
        until(PATIENCE, "the stream to be given up", || {
            rig.gateway.stats().suspended == 0 && rig.control.active_streams() == 0
        })
        .await;
        let reply = rig.ask_turn(next).await.expect("answered");
        assert_eq!(reply.text(), "tool result: read result");
        assert_eq!(rig.streams().len(), 2, "{}", flow.name());
    }
}

#[tokio::test]
async fn streams_that_wait_are_bounded() {
    let suspend = SuspendOptions { most: 2, ..options().suspend };
    let rig = Rig::with(Flow::Agent, gateway::Options { suspend, ..options() }).await;
    let mut waiting = Vec::new();
    for number in 0..3 {
        let mut turn = with_tools("[[sim: tool read={}]]");
        turn.instructions.push(format!("conversation {number}"));
        turn.messages.insert(0, Message::User(vec![Part::Text(format!("number {number}"))]));
        let reply = rig.ask_turn(turn.clone()).await.expect("a call");
        waiting.push(answered(turn, &reply, results(&reply)));
    }
    until(PATIENCE, "the oldest to go", || rig.control.active_streams() == 2).await;
    assert_eq!(rig.gateway.stats().suspended, 2);
    for next in waiting.into_iter().rev() {
        assert_eq!(rig.ask_turn(next).await.expect("answered").text(), "tool result: read result");
    }
    assert_eq!(rig.streams().len(), 4, "two went on, the oldest was rebuilt");
}

/// Defect of other gateways: an account stays busy for as long as a client thinks.
#[tokio::test]
async fn the_gateway_stops_while_streams_wait() {
    let rig = Rig::new(Flow::Agent).await;
    one_call(&rig).await;
    soon("stopping", rig.gateway.shut_down(Duration::from_secs(1))).await;
    rig.settled().await;
}

#[tokio::test]
async fn a_client_that_wants_no_reasoning_gets_none() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let mut turn = turn("[[sim: think hidden]] [[sim: say shown]]");
        turn.reasoning.wanted = Some(false);
        let reply = rig.ask_turn(turn).await.expect("answered");
        assert_eq!((reply.reasoning().as_str(), reply.text().as_str()), ("", "shown"));
    }
}

#[tokio::test]
async fn a_follow_up_goes_to_the_account_that_knows_the_conversation() {
    for flow in FLOWS {
        let rig = Rig::with(
            flow,
            gateway::Options { pool: accounts::PoolPolicy::default(), ..options() },
        )
        .await;
        let mut conversation = turn("[[sim: say hello]]");
        for _ in 0..4 {
            let reply = rig.ask_turn(conversation.clone()).await.expect("answered");
            conversation.messages.push(Message::Assistant(vec![Part::Text(reply.text())]));
            let next = Part::Text("[[sim: say hello]]".into());
            conversation.messages.push(Message::User(vec![next]));
        }
        let users = rig.users();
        assert!(users.iter().all(|user| *user == users[0]), "{users:?}");
    }
}
