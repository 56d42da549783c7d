//! Tests of `request`.

use cursor_proto::agent::{CursorRule, McpTools};
use serde_json::Value;

use super::*;

/// The bytes of a client message of the golden vectors.
fn vector(name: &str) -> Vec<u8> {
    let text = include_str!("../../../../../fixtures/vectors/agent_client.json");
    let all: Value = serde_json::from_str(text).expect("a JSON file");
    let mut vectors = all["vectors"].as_array().into_iter().flatten();
    let found = vectors.find(|vector| vector["name"] == name).expect("the vector");
    hex::decode(found["hex"].as_str().expect("hex")).expect("hex")
}

fn run(name: &str) -> Box<AgentRunRequest> {
    first(&vector(name)).expect("a valid run request")
}

fn refusal(change: impl FnOnce(&mut AgentRunRequest)) -> String {
    let mut run = run("run_minimal");
    change(&mut run);
    let message = AgentClientMessage { message: (*run).into(), ..Default::default() };
    first(&message.encode_to_vec()).expect_err("must be refused").body().to_string()
}

#[test]
fn requests_of_the_vectors_are_accepted() {
    for name in ["run_minimal", "run_ask_mode", "run_with_tools", "run_image", "run_resume"] {
        first(&vector(name)).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
    }
}

#[test]
fn what_is_missing_is_named() {
    for (text, failure) in [
        ("Conversation state is required", refusal(|run| run.conversation_state = None.into())),
        ("Action is required", refusal(|run| run.action = None.into())),
        ("--system-prompt", refusal(|run| run.custom_system_prompt = Some("x".into()))),
        (
            "Model is required",
            refusal(|run| {
                run.requested_model = None.into();
                run.model_details = None.into();
            }),
        ),
        (
            "ERROR_BAD_MODEL_NAME",
            refusal(|run| {
                run.requested_model.get_or_insert_default().model_id = "no-such-model-xyz".into();
            }),
        ),
    ] {
        assert!(failure.contains(text), "{text}: {failure}");
        assert!(failure.contains("invalid_argument"));
    }
    let other = first(&vector("client_heartbeat")).expect_err("must be refused");
    assert!(other.body().to_string().contains("must be a run request"));
    assert!(first(b"\xff").is_err());
}

#[test]
fn the_older_model_field_is_enough() {
    let mut run = run("run_minimal");
    run.requested_model = None.into();
    assert_eq!(model(&run), "default");
}

#[test]
fn history_by_blobs() {
    let run = run("run_with_history_blobs");
    let mut blobs = sent_ahead(&run).expect("right ids");
    assert_eq!(blobs.len(), 2);
    assert_eq!(referenced(&run).len(), 4);
    assert!(view(&run, &blobs, HistorySource::RootBlobs).is_err(), "one blob is missing");
    let answer = br#"{"role":"assistant","content":[{"type":"text","text":"4"}]}"#.to_vec();
    blobs.insert(blobs::id_of(&answer), answer);
    let view = view(&run, &blobs, HistorySource::RootBlobs).expect("complete");
    let texts: Vec<_> = view.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["What is 2+2?", "4", "And 3+3?"]);
    assert!(view.system.is_empty(), "a system blob is ignored");
}

#[test]
fn history_by_typed_messages() {
    let run = run("run_conversation_history");
    for source in [HistorySource::RootBlobs, HistorySource::ConversationHistory] {
        let view = view(&run, &Blobs::new(), source).expect("complete");
        let texts: Vec<_> = view.messages.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(texts, ["What is 2+2?", "4", "ok", "And 3+3?"]);
        assert_eq!(view.messages[1].calls, 1);
        assert_eq!(view.messages[1].reasoning, "sum");
    }
    let blobs = self::run("run_with_history_blobs");
    let view =
        view(&blobs, &Blobs::new(), HistorySource::ConversationHistory).expect("blobs ignored");
    assert_eq!(view.messages.len(), 1);
}

#[test]
fn images_of_the_message() {
    let view = view(&run("run_image"), &Blobs::new(), HistorySource::RootBlobs).expect("complete");
    assert_eq!(view.messages[0].images, [66]);
}

#[test]
fn a_wrong_blob_id_is_refused() {
    let mut run = run("run_with_history_blobs");
    run.pre_fetched_blobs[0].value.push(b' ');
    assert!(sent_ahead(&run).is_err());
}

#[test]
fn tools_and_instructions_of_the_context() {
    let tool = |name: &str| McpToolDefinition { name: name.into(), ..Default::default() };
    let mut request = run("run_minimal");
    let listed = vec![tool("both"), tool("listed")];
    request.mcp_tools = McpTools { mcp_tools: listed, ..Default::default() }.into();
    let context = RequestContext {
        cloud_rule: Some("be brief".into()),
        rules: vec![CursorRule { content: "use tabs".into(), ..Default::default() }],
        tools: vec![tool("both"), tool("Task")],
        ..Default::default()
    };
    let mut view = view(&request, &Blobs::new(), HistorySource::RootBlobs).expect("complete");
    add_context(&mut view, &request, &context);
    assert_eq!(view.system, ["be brief", "use tabs"]);
    let tools: Vec<_> = view.tools.iter().map(|tool| (tool.name.as_str(), tool.callable)).collect();
    assert_eq!(tools, [("both", true), ("Task", true), ("listed", false)]);
    assert!(check_reserved(&view).is_err());
}
