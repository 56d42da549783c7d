//! What the agent session answers the server, and what it makes of unusual streams.

use cursor_proto::Message as _;
use cursor_proto::agent::oneof::agent_client_message::Message as Client;
use cursor_proto::agent::oneof::exec_client_control_message::Message as Control;
use cursor_proto::agent::oneof::exec_client_message::Message as Exec;
use cursor_proto::agent::oneof::interaction_response::Result as Answer;
use cursor_proto::agent::oneof::{
    ask_question_result, read_result, request_context_result, shell_stream,
    web_fetch_request_response, web_search_request_response,
};
use cursor_proto::agent::{AgentClientMessage, ExecClientMessage, RequestContext};

use super::*;

fn timeline(name: &str) -> Run {
    play_whole(Flow::Agent, &unhex(&vector(File::AgentTimelines, name)["server_bytes_hex"]))
}

fn played(names: &[&str]) -> Run {
    play_whole(Flow::Agent, &stream(File::AgentServer, names))
}

/// The answers as the server reads them: from their bytes.
fn read(run: &Run) -> Vec<Client> {
    run.sent
        .iter()
        .map(|message| match message {
            ClientMessage::Agent(message) => {
                let bytes = message.encode_to_vec();
                let read = AgentClientMessage::decode_from_slice(&bytes).expect("decodes");
                read.message.expect("an arm")
            }
            ClientMessage::Chat(_) => panic!("a chat message on the agent flow"),
        })
        .collect()
}

/// The client message of a vector.
fn golden(name: &str) -> Client {
    let bytes = payload(File::AgentClient, name);
    AgentClientMessage::decode_from_slice(&bytes).expect(name).message.expect(name)
}

fn exec(message: &Client) -> &ExecClientMessage {
    match message {
        Client::ExecClientMessage(message) => message,
        other => panic!("an exec result, not {other:?}"),
    }
}

fn closed_exec(message: &Client) -> u32 {
    match message {
        Client::ExecClientControlMessage(control) => match &control.message {
            Some(Control::StreamClose(close)) => close.id,
            other => panic!("stream_close, not {other:?}"),
        },
        other => panic!("a control message, not {other:?}"),
    }
}

fn context(message: &Client) -> RequestContext {
    match &exec(message).message {
        Some(Exec::RequestContextResult(result)) => match &result.result {
            Some(request_context_result::Result::Success(success)) => {
                success.request_context.as_option().expect("context").clone()
            }
            other => panic!("success, not {other:?}"),
        },
        other => panic!("a request context, not {other:?}"),
    }
}

#[test]
fn stored_blobs_and_the_request_context_are_answered_in_order() {
    let answers = read(&timeline("text_only"));
    assert_eq!(answers[0], golden("kv_set_ok"));
    let asked = exec(&golden("exec_result_request_context")).clone();
    assert_eq!((exec(&answers[1]).id, &exec(&answers[1]).exec_id), (asked.id, &asked.exec_id));
    let context = context(&answers[1]);
    assert_eq!(context.cloud_rule.as_deref(), Some("You are a helpful assistant."));
    let env = context.env.as_option().expect("env");
    assert_eq!(env.time_zone, "Europe/Berlin");
    assert!(!env.workspace_paths.is_empty() && !env.shell.is_empty());
    assert_eq!(closed_exec(&answers[2]), asked.id);
    assert_eq!(answers.len(), 3);
}

#[test]
fn a_turn_without_instructions_sends_no_rule() {
    let mut turn = turn();
    turn.instructions.clear();
    let route = Route::plain(&turn.model);
    let opening = Opening::plain(&turn, &route);
    let mut session =
        crate::agent::open(&opening, &agent_options(), &mut Uuid::nil).expect("opens").1;
    let mut actions = Actions::default();
    let asked = payload(File::AgentServer, "request_context").into();
    session.receive(&asked, &mut actions).expect("a message");
    let run = Run { events: Vec::new(), sent: actions.send, result: Ok(()) };
    assert_eq!(context(&read(&run)[0]).cloud_rule, None);
}

#[test]
fn blobs_are_served_when_known_and_absent_when_not() {
    let names = ["kv_set_blob", "kv_get_blob", "kv_get_unknown_blob", "text_delta_1", "turn_ended"];
    let answers = read(&played(&names));
    assert_eq!(answers, [golden("kv_set_ok"), golden("kv_get_found"), golden("kv_get_missing")]);
}

#[test]
fn a_native_read_is_rejected_under_the_same_ids() {
    let answers = read(&timeline("native_tool_rejected"));
    let rejected = |message: &Client| match &exec(message).message {
        Some(Exec::ReadResult(result)) => match &result.result {
            Some(read_result::Result::Rejected(rejected)) => rejected.path.clone(),
            other => panic!("rejected, not {other:?}"),
        },
        other => panic!("a read result, not {other:?}"),
    };
    let golden = golden("exec_result_read_rejected");
    assert_eq!(exec(&answers[2]).id, exec(&golden).id);
    assert_eq!(exec(&answers[2]).exec_id, exec(&golden).exec_id);
    assert_eq!(rejected(&answers[2]), rejected(&golden));
    assert_eq!(closed_exec(&answers[3]), exec(&golden).id);
    // The MCP tool that nobody declared: answered too, and closed.
    assert!(matches!(exec(&answers[4]).message, Some(Exec::McpResult(_))));
    assert_eq!((exec(&answers[4]).id, exec(&answers[4]).exec_id.as_str()), (2, "e2"));
    assert_eq!(golden_close(), answers[5]);
}

fn golden_close() -> Client {
    golden("exec_stream_close")
}

/// Defect of other gateways: a `shell_result` on a streamed shell is ignored by the server.
#[test]
fn a_streamed_shell_is_rejected_as_a_stream() {
    let answers = read(&timeline("shell_stream"));
    match &exec(&answers[2]).message {
        Some(Exec::ShellStream(stream)) => match &stream.event {
            Some(shell_stream::Event::Rejected(rejected)) => {
                assert_eq!(rejected.command, "make");
                assert_eq!(rejected.working_directory, "/home/demo");
            }
            other => panic!("rejected, not {other:?}"),
        },
        other => panic!("a shell stream, not {other:?}"),
    }
    assert_eq!((exec(&answers[2]).id, exec(&answers[2]).exec_id.as_str()), (7, "e7"));
    assert_eq!(closed_exec(&answers[3]), 7);
}

#[test]
fn every_native_tool_gets_the_result_of_its_own_kind_with_its_own_ids() {
    type Is = fn(&Exec) -> bool;
    let natives: [(&str, u32, &str, Is); 10] = [
        ("exec_mcp", 2, "e2", |m| matches!(m, Exec::McpResult(_))),
        ("exec_read", 3, "e3", |m| matches!(m, Exec::ReadResult(_))),
        ("exec_write", 4, "e4", |m| matches!(m, Exec::WriteResult(_))),
        ("exec_delete", 5, "e5", |m| matches!(m, Exec::DeleteResult(_))),
        ("exec_shell", 6, "e6", |m| matches!(m, Exec::ShellResult(_))),
        ("exec_shell_stream", 7, "e7", |m| matches!(m, Exec::ShellStream(_))),
        ("exec_grep", 8, "e8", |m| matches!(m, Exec::GrepResult(_))),
        ("exec_ls", 9, "e9", |m| matches!(m, Exec::LsResult(_))),
        ("exec_fetch", 10, "e10", |m| matches!(m, Exec::FetchResult(_))),
        ("exec_diagnostics", 11, "e11", |m| matches!(m, Exec::DiagnosticsResult(_))),
    ];
    for (name, id, exec_id, is) in natives {
        let answers = read(&played(&[name, "text_delta_1"]));
        assert_eq!(answers.len(), 2, "{name}");
        let result = exec(&answers[0]);
        assert!(is(result.message.as_ref().expect(name)), "{name}: {result:?}");
        assert_eq!((result.id, result.exec_id.as_str()), (id, exec_id), "{name}");
        assert_eq!(closed_exec(&answers[1]), id, "{name}");
    }
}

#[test]
fn an_unknown_exec_is_thrown_and_closed() {
    // exec_server_message { id: 11, exec_id: "e11", field 200: "" }
    let unknown = hex::decode("120a080b7a03653131c20c00").expect("hex");
    let mut bytes = framed(0, &unknown);
    bytes.extend(stream(File::AgentServer, &["text_delta_1", "turn_ended"]));
    let run = play_whole(Flow::Agent, &bytes);
    let answers = read(&run);
    assert_eq!(run.text(), "Hel");
    match &answers[0] {
        Client::ExecClientControlMessage(control) => match &control.message {
            Some(Control::Throw(throw)) => {
                assert_eq!(throw.id, 11);
                assert!(!throw.error.is_empty());
            }
            other => panic!("throw, not {other:?}"),
        },
        other => panic!("a control message, not {other:?}"),
    }
    assert_eq!(closed_exec(&answers[1]), 11);
    assert_eq!(answers.len(), 2);
}

#[test]
fn questions_are_declined_with_the_arm_of_the_same_number() {
    let answers =
        read(&played(&["query_web_search", "query_web_fetch", "query_question", "text_delta_1"]));
    let answer = |message: &Client| match message {
        Client::InteractionResponse(response) => (response.id, response.result.clone()),
        other => panic!("an interaction response, not {other:?}"),
    };
    match answer(&answers[0]) {
        (42, Some(Answer::WebSearchRequestResponse(response))) => assert!(matches!(
            response.result,
            Some(web_search_request_response::Result::Rejected(_))
        )),
        other => panic!("{other:?}"),
    }
    match (answer(&answers[1]), answer(&golden("interaction_web_fetch_rejected"))) {
        (
            (id, Some(Answer::WebFetchRequestResponse(ours))),
            (expected, Some(Answer::WebFetchRequestResponse(_))),
        ) => {
            assert_eq!(id, expected);
            assert!(matches!(ours.result, Some(web_fetch_request_response::Result::Rejected(_))));
        }
        other => panic!("{other:?}"),
    }
    match answer(&answers[2]) {
        (44, Some(Answer::AskQuestionInteractionResponse(response))) => assert!(matches!(
            response.result.as_option().expect("result").result,
            Some(ask_question_result::Result::Rejected(_))
        )),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_question_gets_its_bare_id_back() {
    // interaction_query { id: 45, field 200: "" }
    let unknown = hex::decode("3a05082dc20c00").expect("hex");
    let mut bytes = framed(0, &unknown);
    bytes.extend(stream(File::AgentServer, &["text_delta_1", "turn_ended"]));
    let answers = read(&play_whole(Flow::Agent, &bytes));
    match &answers[0] {
        Client::InteractionResponse(response) => {
            assert_eq!((response.id, &response.result), (45, &None));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_heartbeat_goes_out_every_five_seconds() {
    let mut session = session(Flow::Agent);
    let mut actions = Actions::default();
    let start = Instant::now();
    let mut due = session.tick(start, &mut actions).expect("a duty");
    assert!(actions.send.is_empty(), "none at the very start");
    assert_eq!(due, start + Duration::from_secs(5));
    for beat in 1..=20_u32 {
        // Too early: nothing happens and the duty stays.
        let early = due - Duration::from_millis(1);
        assert_eq!(session.tick(early, &mut actions), Some(due));
        assert_eq!(actions.send.len(), beat as usize - 1);
        due = session.tick(due, &mut actions).expect("a duty");
        assert_eq!(due, start + Duration::from_secs(5) * (beat + 1));
    }
    let run = Run { events: Vec::new(), sent: actions.send, result: Ok(()) };
    assert!(read(&run).iter().all(|message| *message == golden("client_heartbeat")));
    assert!(!actions.progress, "our own heartbeats are no progress");
}

#[test]
fn the_servers_heartbeats_and_empty_messages_are_no_progress_and_everything_else_is() {
    let mut session = session(Flow::Agent);
    let mut progress = |message: Vec<u8>| {
        let mut actions = Actions::default();
        session.receive(&message.into(), &mut actions).expect("a message");
        actions.progress
    };
    assert!(!progress(payload(File::AgentServer, "server_heartbeat")));
    assert!(!progress(Vec::new()));
    for name in ["token_delta", "text_delta_1", "kv_set_blob", "exec_read", "query_web_search"] {
        assert!(progress(payload(File::AgentServer, name)), "{name}");
    }
}

#[test]
fn unknown_fields_and_arms_are_skipped() {
    let mut bytes = Vec::new();
    // agent_server_message { field 1000: "x" }; interaction_update { field 200: "x" };
    // text_delta with an unknown field beside it.
    for unknown in ["c23e0178", "0a04c20c0178", "0a0c0a0a0a0348656cc23e02aabb"] {
        bytes.extend(framed(0, &hex::decode(unknown).expect("hex")));
    }
    for name in [
        "exec_abort",
        "partial_tool_call",
        "tool_call_started",
        "tool_call_completed",
        "shell_output_delta",
        "summary",
        "prompt_suggestion",
        "step_completed",
        "checkpoint",
    ] {
        bytes.extend(framed(0, &payload(File::AgentServer, name)));
    }
    bytes.extend(stream(File::AgentServer, &["text_delta_2", "turn_ended"]));
    let run = play_whole(Flow::Agent, &bytes);
    assert_eq!(run.text(), "Hello");
    assert_eq!(run.sent, []);
}

#[test]
fn nonsense_instead_of_a_message_is_a_failure() {
    let mut session = session(Flow::Agent);
    let failure = session
        .receive(&Bytes::from_static(b"\xff\xff\xff"), &mut Actions::default())
        .expect_err("nonsense");
    assert_eq!(failure.class, FailureClass::UpstreamFailed);
}

#[test]
fn usage_counts_reasoning_when_it_is_told() {
    let run = played(&["text_delta_1", "turn_ended_reasoning"]);
    let usage = run.usage().expect("usage");
    assert_eq!((usage.reasoning, usage.cache_write), (Some(12), Some(100)));
}

#[test]
fn a_turn_that_tells_no_usage_reports_none() {
    assert_eq!(played(&["text_delta_1", "turn_ended_empty"]).usage(), None);
}

#[test]
fn thinking_and_text_are_blocks_of_their_own() {
    let names = ["thinking_delta", "text_delta_1", "thinking_delta", "text_delta_2"];
    assert_eq!(
        played(&names).shape(),
        ["Reasoning", "closed -", "Text", "closed -", "Reasoning", "closed -", "Text", "closed -"]
    );
}

#[test]
fn an_answer_that_says_nothing_is_a_failure() {
    for names in [&[][..], &["turn_ended"], &["thinking_completed", "turn_ended_empty"]] {
        let run = played(names);
        assert_eq!(run.class(), Some(FailureClass::UpstreamFailed), "{names:?}");
    }
}

#[test]
fn an_error_after_the_turn_has_ended_costs_nothing() {
    let mut bytes = cut_stream(File::AgentServer, &["text_delta_1", "turn_ended"]);
    let cut = play_whole(Flow::Agent, &bytes);
    assert_eq!((cut.text().as_str(), cut.result), ("Hel", Ok(())));
    bytes.extend(error_frame("error_provider_error"));
    let run = play_whole(Flow::Agent, &bytes);
    assert_eq!((run.text().as_str(), run.result), ("Hel", Ok(())));
}

#[test]
fn an_error_before_the_turn_has_ended_is_one() {
    let mut bytes = cut_stream(File::AgentServer, &["text_delta_1"]);
    bytes.extend(error_frame("error_provider_error"));
    let run = play_whole(Flow::Agent, &bytes);
    assert_eq!((run.text().as_str(), run.class()), ("Hel", Some(FailureClass::UpstreamFailed)));
}
