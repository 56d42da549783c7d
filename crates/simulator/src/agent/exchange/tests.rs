//! Tests of `exchange`.

use cursor_proto::Message as _;
use serde_json::Value;

use super::*;

/// A client message of the golden vectors.
fn vector(name: &str) -> AgentClientMessage {
    let text = include_str!("../../../../../fixtures/vectors/agent_client.json");
    let all: Value = serde_json::from_str(text).expect("a JSON file");
    let mut vectors = all["vectors"].as_array().into_iter().flatten();
    let found = vectors.find(|vector| vector["name"] == name).expect("the vector");
    let bytes = hex::decode(found["hex"].as_str().expect("hex")).expect("hex");
    AgentClientMessage::decode_from_slice(&bytes).expect("a client message")
}

fn refused(result: Result<Note, Halt>) -> String {
    match result {
        Err(Halt::Failure(failure)) => {
            assert_eq!(failure.code, Code::InvalidArgument);
            failure.body()["details"][0]["debug"]["details"]["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        }
        other => panic!("{other:?}"),
    }
}

/// An exchange that asked these exec requests, from id 1 on.
fn asked(expected: &[Expected]) -> Exchange {
    let mut exchange = Exchange::default();
    for kind in expected {
        exchange.ask_exec(*kind);
    }
    exchange
}

#[test]
fn answers_are_matched_to_requests() {
    let mut exchange = asked(&[Expected::Context, Expected::Mcp]);
    assert_eq!(exchange.accept(vector("exec_result_request_context")).expect("fits"), Note::Other);
    assert!(
        matches!(exchange.exec_answer(1), Some(ExecAnswer::Context(context)) if context.tools.len() == 1)
    );
    assert!(exchange.exec_answer(2).is_none());
    exchange.accept(vector("exec_heartbeat")).expect("fits");
    exchange.accept(vector("exec_result_mcp_text")).expect("fits");
    exchange.accept(vector("exec_stream_close")).expect("fits");
    assert!(matches!(exchange.exec_answer(2), Some(ExecAnswer::Mcp(_))));
    assert_eq!(exchange.accept(vector("client_heartbeat")).expect("fits"), Note::Heartbeat);
}

#[test]
fn what_was_never_asked_is_refused() {
    let never = |name| refused(Exchange::default().accept(vector(name)));
    assert_eq!(never("exec_result_mcp_text"), "Exec 2 was never requested");
    assert_eq!(never("exec_stream_close"), "Exec 2 was never requested");
    assert_eq!(never("exec_heartbeat"), "Exec 2 was never requested");
    assert_eq!(never("exec_throw"), "Exec 11 was never requested");
    assert_eq!(never("kv_set_ok"), "KV 1 was never requested");
    assert_eq!(never("interaction_web_search_approved"), "Query 42 was never requested");
    assert_eq!(never("run_minimal"), "Run request was already received");
}

#[test]
fn a_second_answer_and_a_wrong_arm_are_refused() {
    let mut exchange = asked(&[Expected::Context, Expected::Mcp]);
    exchange.accept(vector("exec_result_mcp_text")).expect("fits");
    assert_eq!(
        refused(exchange.accept(vector("exec_result_mcp_text"))),
        "Exec 2 was already answered"
    );
    let mut exchange = asked(&[Expected::Mcp, Expected::Throw]);
    let wrong = "was answered with another kind of result";
    assert!(refused(exchange.accept(vector("exec_result_request_context"))).contains(wrong));
    assert!(refused(exchange.accept(vector("exec_result_mcp_text"))).contains(wrong));
    let mut exchange = Exchange::default();
    exchange.ask_get(vec![0; 32]);
    assert!(refused(exchange.accept(vector("kv_set_ok"))).contains(wrong));
}

#[test]
fn another_exec_id_is_refused() {
    let mut exchange = asked(&[Expected::Mcp, Expected::Mcp]);
    let mut message = vector("exec_result_mcp_text");
    if let Some(client::Message::ExecClientMessage(answer)) = &mut message.message {
        answer.exec_id = "e9".into();
    }
    assert_eq!(refused(exchange.accept(message)), "Exec 2 has another exec_id");
}

#[test]
fn blobs_are_checked() {
    let mut exchange = Exchange::default();
    exchange.ask_set();
    let system = blobs::Blob::system();
    exchange.ask_get(system.id.clone());
    exchange.ask_get(vec![0; 32]);
    exchange.accept(vector("kv_set_ok")).expect("fits");
    exchange.accept(vector("kv_get_found")).expect("fits");
    assert_eq!(exchange.blobs.get(&system.id), Some(&system.data));
    assert!(!exchange.kvs_are_answered());
    match exchange.accept(vector("kv_get_missing")) {
        Err(Halt::Failure(failure)) => assert_eq!(failure.body(), Failure::blob_missing().body()),
        other => panic!("{other:?}"),
    }
    let mut exchange = Exchange::default();
    exchange.ask_set();
    assert!(matches!(exchange.accept(vector("kv_set_error")), Err(Halt::Failure(_))));
}

#[test]
fn natives_give_their_text() {
    let cases = [
        (Native::Read, 3, "exec_result_read_rejected", "use the MCP tools"),
        (Native::Read, 3, "exec_result_read", "line 1\n"),
        (Native::Read, 3, "exec_result_read_not_found", "file not found: /nope"),
        (Native::Write, 4, "exec_result_write", "wrote /home/demo/b.txt"),
        (Native::Delete, 5, "exec_result_delete", "no"),
        (Native::Shell, 6, "exec_result_shell", "ran true"),
        (Native::Grep, 8, "exec_result_grep_error", "not available"),
        (Native::Ls, 9, "exec_result_ls_rejected", "no"),
        (Native::Fetch, 10, "exec_result_fetch", "blocked"),
    ];
    for (native, id, name, text) in cases {
        let mut exchange = asked(&vec![Expected::Native(native); id as usize]);
        exchange.accept(vector(name)).expect("fits");
        let found = exchange.exec_answer(id);
        assert!(
            matches!(found, Some(ExecAnswer::Text(found)) if found == text),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn a_shell_stream_ends_with_its_exit() {
    let mut exchange = asked(&[Expected::Native(Native::ShellStream); 7]);
    for name in ["start", "stdout", "stderr"] {
        exchange.accept(vector(&format!("exec_shell_stream_{name}"))).expect("fits");
        assert!(exchange.exec_answer(7).is_none());
    }
    exchange.accept(vector("exec_shell_stream_exit")).expect("fits");
    assert!(
        matches!(exchange.exec_answer(7), Some(ExecAnswer::Text(text)) if text == "hello\nwarn\nexit 2")
    );
}

#[test]
fn queries_and_throws() {
    let mut exchange = Exchange::default();
    for _ in 0..41 {
        exchange.ask_query(None);
    }
    exchange.ask_query(Some(Query::WebSearch));
    exchange.ask_query(Some(Query::WebFetch));
    exchange.ask_query(Some(Query::Question));
    exchange.accept(vector("interaction_web_search_approved")).expect("fits");
    exchange.accept(vector("interaction_web_fetch_rejected")).expect("fits");
    exchange.accept(vector("interaction_question_answered")).expect("fits");
    let answers = [42, 43, 44].map(|id| exchange.query_answer(id));
    assert_eq!(answers, [Some("approved"), Some("rejected"), Some("approved")]);
    let mut exchange = asked(&[Expected::Throw; 11]);
    exchange.accept(vector("exec_throw")).expect("fits");
    assert!(
        matches!(exchange.exec_answer(11), Some(ExecAnswer::Thrown(text)) if text == "not supported")
    );
}

#[test]
fn a_cancel_withdraws_the_question() {
    assert!(matches!(Exchange::default().accept(vector("cancel")), Err(Halt::Withdrawn)));
    assert!(
        refused(Exchange::default().accept(AgentClientMessage::default())).contains("required")
    );
}
