//! What the agent session does while the client runs its tools, and how streams end around calls.

use cursor_proto::Message as _;
use cursor_proto::agent::exec_client_control_message::Message as Control;
use cursor_proto::agent::oneof::agent_client_message::Message as Client;
use cursor_proto::agent::{AgentServerMessage, ExecServerAbort, ExecServerControlMessage};

use super::agent_tools::{exec, partial, said, weather};
use super::rig::*;
use super::*;

#[test]
fn a_replayed_exec_is_answered_from_memory_once() {
    let mut rig = weather();
    rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    let again = rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    assert!(again.events.is_empty() && again.sent.is_empty(), "it is being run");
    rig.wait(150);
    let answered = rig.resume(&[text_result("c1", "x")]).bytes();
    let replayed = rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    assert_eq!((replayed.bytes(), replayed.calls().len()), (answered, 0));
    assert!(rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]).sent.is_empty());
}

#[test]
fn while_suspended_duties_go_on_and_what_comes_is_held_back() {
    let mut rig = weather();
    rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    rig.wait(150);
    let step = rig.vectors(File::AgentServer, &["kv_set_blob", "request_context", "exec_read"]);
    assert_eq!(step.sent.len(), 5);
    assert!(step.events.is_empty());
    let step = rig.messages(&[said("late"), exec(3, "c2", "get_weather", "Bergen")]);
    assert!(step.events.is_empty() && !step.suspended);
    assert_eq!(rig.session.pending_calls(), ["c1"]);
    let beats = |step: &Step| {
        let beat = |message: &Client| match message {
            Client::ExecClientControlMessage(control) => match &control.message {
                Some(Control::Heartbeat(beat)) => Some(beat.id),
                _ => None,
            },
            _ => None,
        };
        step.agent().iter().filter_map(beat).collect::<Vec<_>>()
    };
    assert_eq!(beats(&rig.wait(3000)), [2, 3]);
    let step = rig.wait(2000);
    assert!(step.agent().iter().any(|m| matches!(m, Client::ClientHeartbeat(_))));

    let step = rig.resume(&[text_result("c1", "x")]);
    assert_eq!(step.text(), "late");
    assert_eq!(step.calls(), [call("c2", "get_weather", r#"{"city":"Bergen"}"#)]);
    assert!(!step.suspended);
    assert!(rig.wait(150).suspended, "a late call is one of the next answer");
    assert_eq!(rig.session.pending_calls(), ["c2"]);
}

#[test]
fn a_server_that_floods_a_suspended_session_is_given_up() {
    let mut rig = weather();
    rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    rig.wait(150);
    let flood: Bytes = said(&"x".repeat(1 << 16)).encode_to_vec().into();
    let mut actions = Actions::default();
    let taken = (0..64).take_while(|_| rig.session.receive(&flood, &mut actions).is_ok()).count();
    assert!((8..17).contains(&taken), "{taken}");
    assert!(actions.events.is_empty());
}

#[test]
fn an_aborted_exec_gets_no_result_and_no_heartbeat() {
    let mut rig = weather();
    rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    rig.wait(150);
    rig.messages(&[AgentServerMessage {
        message: ExecServerControlMessage {
            message: ExecServerAbort { id: 2, ..Default::default() }.into(),
            ..Default::default()
        }
        .into(),
        ..Default::default()
    }]);
    assert!(rig.wait(3000).sent.is_empty());
    assert!(rig.resume(&[text_result("c1", "x")]).sent.is_empty());
}

#[test]
fn a_stream_that_ends_while_results_are_awaited_is_lost() {
    let mut rig = weather();
    rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    rig.wait(150);
    assert!(rig.end().is_err());
}

#[test]
fn a_stream_that_ends_with_calls_ends_the_answer_with_them() {
    let mut rig = weather();
    rig.messages(&[exec(2, "c1", "get_weather", "Oslo")]);
    let end = rig.end().expect("ends");
    assert_eq!(end.events, [Event::Finished(conversation::StopReason::ToolCalls)]);
    assert!(end.done && !end.suspended);
}

#[test]
fn a_call_half_told_is_a_cut() {
    let mut rig = weather();
    rig.messages(&[partial("c1", "get_weather", r#"{"ci"#)]);
    assert!(!rig.wait(60_000).suspended);
    assert!(rig.end().is_err());
}

#[test]
fn arguments_that_change_midway_fail_the_turn() {
    let mut rig = weather();
    rig.messages(&[partial("c1", "get_weather", r#"{"city":"Be"#)]);
    let exec: Bytes = exec(2, "c1", "get_weather", "Oslo").encode_to_vec().into();
    let failure = rig.session.receive(&exec, &mut Actions::default()).expect_err("contradiction");
    assert_eq!(failure.class, FailureClass::UpstreamFailed);
}

/// Defect: text that had come before the name was forgotten when the answer ended, and what came
/// after the name was told as if it were the beginning.
#[test]
fn arguments_that_came_before_their_name_are_told_from_their_beginning() {
    for (beginning, rest) in [(r#"{"city":"#, r#""Bergen"}"#), (r#"{"city":"Bergen"}"#, "")] {
        let mut rig = weather();
        rig.messages(&[exec(2, "c1", "get_weather", "Oslo"), partial("c2", "", beginning)]);
        assert!(rig.wait(1500).suspended);
        assert_eq!(rig.session.pending_calls(), ["c1"], "the other one has no name yet");
        rig.resume(&[text_result("c1", "x")]);
        let step = rig.messages(&[
            partial("c2", "get_weather", rest),
            exec(3, "c2", "get_weather", "Bergen"),
        ]);
        assert_eq!(step.calls(), [call("c2", "get_weather", r#"{"city":"Bergen"}"#)]);
        assert!(rig.wait(150).suspended);
        assert_eq!(rig.session.pending_calls(), ["c2"]);
    }
}
