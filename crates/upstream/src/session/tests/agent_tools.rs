//! Calls on the agent flow: told as they come, answered on the same stream.

use cursor_proto::Message as _;
use cursor_proto::agent::exec_client_message::Message as Answer;
use cursor_proto::agent::mcp_result::Result as Outcome;
use cursor_proto::agent::oneof::agent_client_message::Message as Client;
use cursor_proto::agent::oneof::read_result;
use cursor_proto::agent::{
    AgentServerMessage, ExecServerMessage, InteractionUpdate, McpArgs, McpToolCall,
    PartialToolCallUpdate, TextDeltaUpdate, ToolCall, ToolCallCompletedUpdate,
    ToolCallStartedUpdate,
};
use cursor_proto::protobuf::Value;

use super::rig::*;
use super::*;

pub(super) fn rig(names: &[&str]) -> Rig {
    Rig::new(Flow::Agent, &turn_with(tools(names)))
}

pub(super) fn weather() -> Rig {
    rig(&["get_weather"])
}

pub(super) fn args(id: &str, name: &str, city: &str) -> McpArgs {
    McpArgs {
        name: name.into(),
        tool_name: name.into(),
        tool_call_id: id.into(),
        args: [("city".to_owned(), Value::from(city))].into_iter().collect(),
        ..Default::default()
    }
}

pub(super) fn exec(number: u32, id: &str, name: &str, city: &str) -> AgentServerMessage {
    AgentServerMessage {
        message: ExecServerMessage {
            id: number,
            exec_id: format!("e{number}"),
            message: args(id, name, city).into(),
            ..Default::default()
        }
        .into(),
        ..Default::default()
    }
}

pub(super) fn update<U>(update: U) -> AgentServerMessage
where
    Option<cursor_proto::agent::interaction_update::Message>: From<U>,
{
    AgentServerMessage {
        message: InteractionUpdate { message: update.into(), ..Default::default() }.into(),
        ..Default::default()
    }
}

pub(super) fn shown(args: McpArgs) -> ToolCall {
    ToolCall {
        tool: McpToolCall { args: args.into(), ..Default::default() }.into(),
        ..Default::default()
    }
}

pub(super) fn partial(id: &str, name: &str, piece: &str) -> AgentServerMessage {
    update(PartialToolCallUpdate {
        call_id: id.into(),
        tool_call: shown(McpArgs {
            name: name.into(),
            tool_call_id: id.into(),
            ..Default::default()
        })
        .into(),
        args_text_delta: piece.into(),
        ..Default::default()
    })
}

pub(super) fn started(id: &str, name: &str, city: &str) -> AgentServerMessage {
    update(ToolCallStartedUpdate {
        call_id: id.into(),
        tool_call: shown(args(id, name, city)).into(),
        ..Default::default()
    })
}

pub(super) fn completed(id: &str, name: &str, city: &str) -> AgentServerMessage {
    update(ToolCallCompletedUpdate {
        call_id: id.into(),
        tool_call: shown(args(id, name, city)).into(),
        ..Default::default()
    })
}

pub(super) fn said(text: &str) -> AgentServerMessage {
    update(TextDeltaUpdate { text: text.into(), ..Default::default() })
}

pub(super) fn golden(name: &str) -> Vec<u8> {
    payload(File::AgentClient, name)
}

pub(super) fn oslo(id: &str) -> (String, String, String) {
    call(id, "get_weather", r#"{"city":"Oslo"}"#)
}

#[test]
fn the_golden_timeline_is_two_answers_on_one_stream() {
    let mut rig = weather();
    let step = rig.vectors(File::AgentServer, &["request_context"]);
    let expected = golden("exec_result_request_context");
    let expected =
        cursor_proto::agent::AgentClientMessage::decode_from_slice(&expected).expect("decodes");
    assert_eq!(
        tools_of_context(&step.agent()[0]),
        tools_of_context(&expected.message.expect("arm"))
    );

    let names =
        ["step_started", "text_delta_1", "partial_tool_call", "tool_call_started", "exec_mcp"];
    let step = rig.vectors(File::AgentServer, &names);
    assert_eq!((step.text(), step.calls()), ("Hel".into(), vec![oslo("toolu_1")]));
    assert!(!step.suspended && step.sent.is_empty());
    assert!(rig.session.pending_calls().is_empty());

    let step = rig.wait(150);
    assert!(step.suspended && !step.done);
    assert_eq!(step.events, [Event::Finished(conversation::StopReason::ToolCalls)]);
    assert_eq!(rig.session.pending_calls(), ["toolu_1"]);
    assert_eq!(rig.wait(2850).bytes(), [golden("exec_heartbeat")]);

    let step = rig.resume(&[text_result("toolu_1", "-3 C")]);
    assert_eq!(step.bytes(), [golden("exec_result_mcp_text"), golden("exec_stream_close")]);
    assert!(matches!(&step.events[..], [Event::Started { id, .. }] if id == "next"));
    assert!(rig.session.pending_calls().is_empty());

    let names =
        ["tool_call_completed", "step_completed", "checkpoint", "text_delta_2", "turn_ended"];
    let step = rig.vectors(File::AgentServer, &names);
    assert_eq!((step.text(), step.calls().len()), ("lo".into(), 0));
    let usage =
        step.events.iter().any(|event| matches!(event, Event::Usage(usage) if usage.input == 1200));
    assert!(usage, "{:?}", step.events);
    let end = rig.end().expect("ends");
    assert!(end.done);
    assert_eq!(end.events.last(), Some(&Event::Finished(conversation::StopReason::EndTurn)));
}

fn tools_of_context(message: &Client) -> Vec<cursor_proto::agent::McpToolDefinition> {
    use cursor_proto::agent::request_context_result::Result as Context;
    match message {
        Client::ExecClientMessage(exec) => match &exec.message {
            Some(Answer::RequestContextResult(result)) => match &result.result {
                Some(Context::Success(success)) => success.request_context.tools.clone(),
                None => panic!("success"),
            },
            other => panic!("a context, not {other:?}"),
        },
        other => panic!("an exec result, not {other:?}"),
    }
}

#[test]
fn the_request_declares_the_tools_as_the_vector_does() {
    let run = |message: &cursor_proto::agent::AgentClientMessage| match &message.message {
        Some(Client::RunRequest(run)) => (**run).clone(),
        other => panic!("a run request, not {other:?}"),
    };
    let rig = weather();
    let ClientMessage::Agent(opening) = &rig.opening else { panic!("agent") };
    let expected = golden("run_with_tools");
    let expected =
        cursor_proto::agent::AgentClientMessage::decode_from_slice(&expected).expect("decodes");
    let (run, expected) = (run(opening), run(&expected));
    assert_eq!(run.mcp_tools, expected.mcp_tools);
    let mode = |run: &cursor_proto::agent::AgentRunRequest| match &run.action.action {
        Some(cursor_proto::agent::conversation_action::Action::UserMessageAction(action)) => {
            (action.user_message.mode, action.user_message.text.clone())
        }
        other => panic!("a user message, not {other:?}"),
    };
    assert_eq!(mode(&run), mode(&expected));
}

#[test]
fn results_have_the_bytes_of_the_vectors() {
    for (result, vector) in [
        (text_result("toolu_1", "-3 C"), "exec_result_mcp_text"),
        (error_result("toolu_1", "no such city"), "exec_result_mcp_error_flag"),
        (image_result("toolu_1"), "exec_result_mcp_image"),
    ] {
        let mut rig = weather();
        rig.vectors(File::AgentServer, &["exec_mcp"]);
        assert!(rig.wait(150).suspended);
        assert_eq!(rig.resume(&[result]).bytes()[0], golden(vector), "{vector}");
    }
}

#[test]
fn a_call_without_a_result_is_answered_with_an_error() {
    let mut rig = weather();
    rig.vectors(File::AgentServer, &["exec_mcp"]);
    rig.wait(150);
    let sent = rig.resume(&[text_result("other", "x")]).agent();
    match &sent[0] {
        Client::ExecClientMessage(message) => match &message.message {
            Some(Answer::McpResult(result)) => {
                assert!(matches!(&result.result, Some(Outcome::Error(_))), "{result:?}");
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
    assert_eq!(sent.len(), 2);
}

#[test]
fn all_kinds_of_arguments_become_json() {
    let mut rig = rig(&["t"]);
    let calls = rig.vectors(File::AgentServer, &["exec_mcp_rich_args"]).calls();
    let arguments: serde_json::Value = serde_json::from_str(&calls[0].2).expect("JSON");
    let expected =
        serde_json::json!({"l": [1, "x"], "o": {"k": "v"}, "z": null, "n": 1.5, "b": true});
    assert_eq!(arguments, expected);
}

#[test]
fn arguments_stream_in_the_models_own_form() {
    let mut rig = weather();
    let first = rig.messages(&[partial("c1", "get_weather", r#"{"city": "#)]);
    assert_eq!(first.calls(), [call("c1", "get_weather", r#"{"city": "#)]);
    let step = rig.messages(&[
        partial("c1", "get_weather", r#""Oslo"}"#),
        started("c1", "get_weather", "Oslo"),
        exec(2, "c1", "get_weather", "Oslo"),
    ]);
    assert_eq!(step.events, [Event::Delta(r#""Oslo"}"#.into()), Event::Closed(None)]);
}

#[test]
fn the_window_begins_anew_with_every_frame_of_a_call() {
    let mut rig = weather();
    rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    assert!(!rig.wait(149).suspended);
    rig.messages(&[exec(3, "c2", "get_weather", "Bergen")]);
    assert!(!rig.wait(149).suspended);
    assert!(rig.wait(1).suspended);
    assert_eq!(rig.session.pending_calls(), ["c1", "c2"]);
}

#[test]
fn blocks_of_calls_that_interleave_do_not_overlap() {
    let mut rig = weather();
    let step = rig.messages(&[
        partial("c1", "get_weather", r#"{"city":"#),
        partial("c2", "get_weather", r#"{"city":"Bergen"}"#),
        said("meanwhile"),
        partial("c1", "get_weather", r#""Oslo"}"#),
        exec(3, "c2", "get_weather", "Bergen"),
    ]);
    assert_eq!(step.calls(), [oslo("c1")], "the second waits for the first to end");
    let step = rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    assert_eq!(step.calls(), [call("c2", "get_weather", r#"{"city":"Bergen"}"#)]);
    assert_eq!(step.text(), "meanwhile");
    assert!(rig.wait(150).suspended);
    let step = rig.resume(&[text_result("c2", "b"), text_result("c1", "o")]);
    let ids: Vec<u32> = step
        .agent()
        .iter()
        .filter_map(|message| match message {
            Client::ExecClientMessage(message) => Some(message.id),
            _ => None,
        })
        .collect();
    assert_eq!(ids, [2, 3], "in the order of the calls");
}

#[test]
fn an_announced_call_is_waited_for_beyond_the_window() {
    let mut rig = weather();
    rig.messages(&[exec(2, "c1", "get_weather", "Oslo"), partial("c2", "get_weather", "")]);
    assert!(!rig.wait(1000).suspended);
    let step = rig.messages(&[exec(3, "c2", "get_weather", "Bergen")]);
    assert_eq!(step.calls().len(), 1);
    assert!(rig.wait(150).suspended);
    assert_eq!(rig.session.pending_calls(), ["c1", "c2"]);
}

/// A server that asks for the second call only when the first is answered must not wait for ever.
#[test]
fn a_call_whose_exec_waits_for_another_is_told_from_its_updates() {
    let mut rig = weather();
    rig.messages(&[
        partial("c1", "get_weather", r#"{"city":"Oslo"}"#),
        partial("c2", "get_weather", r#"{"city":"Bergen"}"#),
        exec(2, "c1", "get_weather", "Oslo"),
    ]);
    assert!(!rig.wait(1499).suspended);
    assert!(rig.wait(1).suspended);
    assert_eq!(rig.session.pending_calls(), ["c1", "c2"]);
    let step = rig.resume(&[text_result("c1", "o"), text_result("c2", "b")]);
    assert_eq!(step.sent.len(), 2, "only the first was asked for");
    let step = rig.messages(&[exec(3, "c2", "get_weather", "Bergen")]);
    assert_eq!((step.sent.len(), step.calls().len()), (2, 0), "answered from memory");
}

#[test]
fn a_call_that_the_server_drops_does_not_keep_the_others() {
    let mut rig = weather();
    rig.messages(&[
        started("c2", "get_weather", "Bergen"),
        exec(2, "c1", "get_weather", "Oslo"),
        completed("c2", "get_weather", "Bergen"),
    ]);
    assert!(rig.wait(150).suspended);
    assert_eq!(rig.session.pending_calls(), ["c1"]);
}

#[test]
fn one_at_a_time_ends_the_answer_at_once_and_keeps_the_rest() {
    let mut tools = tools(&["get_weather"]);
    tools.parallel = false;
    let mut rig = Rig::new(Flow::Agent, &turn_with(tools));
    let step = rig.messages(&[
        exec(2, "c1", "get_weather", "Oslo"),
        exec(3, "c2", "get_weather", "Bergen"),
        exec(4, "c3", "get_weather", "Trondheim"),
    ]);
    assert!(step.suspended);
    assert_eq!(step.calls(), [oslo("c1")]);
    for (id, next) in [("c1", "c2"), ("c2", "c3")] {
        assert_eq!(rig.session.pending_calls(), [id]);
        let step = rig.resume(&[text_result(id, "x")]);
        assert!(step.suspended);
        assert_eq!(step.sent.len(), 2);
        assert_eq!(step.calls()[0].0, next);
    }
    let step = rig.resume(&[text_result("c3", "x")]);
    assert!(!step.suspended && step.calls().is_empty());
}

#[test]
fn native_tools_are_refused_with_a_word_on_the_clients() {
    let mut rig = rig(&["get_weather", "Task"]);
    let sent = rig.vectors(File::AgentServer, &["exec_read"]).agent();
    let Client::ExecClientMessage(message) = &sent[0] else { panic!("{sent:?}") };
    let Some(Answer::ReadResult(result)) = &message.message else { panic!("{message:?}") };
    let Some(read_result::Result::Rejected(rejected)) = &result.result else {
        panic!("{result:?}")
    };
    assert!(rejected.reason.contains("get_weather, client_Task"), "{}", rejected.reason);
}

#[test]
fn a_tool_that_nobody_declared_is_not_found() {
    let mut rig = weather();
    let step = rig.messages(&[partial("c1", "other", "{}"), exec(2, "c1", "other", "Oslo")]);
    assert!(step.calls().is_empty());
    let Client::ExecClientMessage(message) = &step.agent()[0] else { panic!("{step:?}") };
    let Some(Answer::McpResult(result)) = &message.message else { panic!("{message:?}") };
    let Some(Outcome::ToolNotFound(missing)) = &result.result else { panic!("{result:?}") };
    assert_eq!(
        (missing.name.as_str(), &missing.available_tools[..]),
        ("other", &["get_weather".to_owned()][..])
    );
}

#[test]
fn reserved_names_and_odd_ids_come_back_as_the_client_knows_them() {
    let mut rig = rig(&["Task", "mcp__files__read"]);
    let step = rig.messages(&[
        exec(2, "call_1\nfc_1", "client_Task", "Oslo"),
        exec(3, "c2", "mcp__files__read", "Oslo"),
    ]);
    let city = r#"{"city":"Oslo"}"#;
    let wrapped = "cid_call_5f1_0afc_5f1";
    assert_eq!(step.calls(), [call(wrapped, "Task", city), call("c2", "mcp__files__read", city)]);
    rig.wait(150);
    assert_eq!(rig.session.pending_calls(), [wrapped, "c2"]);
    let sent = rig.resume(&[text_result(wrapped, "x"), text_result("c2", "y")]).agent();
    assert_eq!(sent.len(), 4);
    assert!(!format!("{sent:?}").contains("no result"), "{sent:?}");
}

#[test]
fn display_of_native_tools_is_no_event() {
    let mut rig = weather();
    let step = rig.messages(&[
        update(PartialToolCallUpdate {
            call_id: "n1".into(),
            args_text_delta: "{}".into(),
            ..Default::default()
        }),
        said("x"),
    ]);
    assert_eq!((step.calls().len(), step.text()), (0, "x".into()));
}
