//! Whole runs of agent.v1.

use std::time::Duration;

use cursor_proto::agent::{McpTools, PreFetchedBlob};
use serde_json::{Value, json};
use simulator::CallOutcome;

use super::agent_client::{Agent, id_of, request, tool};
use super::client::{Got, RUN, Server, USER, vector_bytes};

/// The golden frames of the vectors, in the order of the timeline `text_only`.
#[tokio::test]
async fn golden_minimal_run() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let agent = Agent::open(&mut connection).await;
    agent.stream.send(&vector_bytes("agent_client", "run_minimal")).await;
    agent.stream.send(&vector_bytes("agent_client", "client_heartbeat")).await;
    let seen = agent.finish().await;
    assert_eq!(seen.text, "echo: Hello");
    assert_eq!(seen.end, Some(json!({})));
    assert_eq!(
        seen.order,
        [
            "set_blob",
            "request_context",
            "user_message_appended",
            "step_started",
            "text",
            "token_delta",
            "step_completed",
            "set_blob",
            "checkpoint",
            "turn_ended"
        ]
    );
    assert!(
        seen.usage.is_some_and(|(input, output, cached)| input > 0 && output > 0 && cached == 0)
    );
    let calls = server.control.calls();
    assert_eq!((calls[0].path.as_str(), calls[0].outcome), (RUN, CallOutcome::Completed));
    assert_eq!(
        (calls[0].user.as_deref(), calls[0].model.as_deref()),
        (Some(USER), Some("default"))
    );
    assert_eq!(calls[0].headers["x-cursor-client-version"], "2.6.22");
}

#[tokio::test]
async fn the_checkpoint_refers_to_blobs_the_client_has() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.send(request("[[sim: say hello]]")).await;
    agent.until(|seen| seen.usage.is_some()).await;
    let state = agent.seen.checkpoint.clone().unwrap();
    assert_eq!((state.root_prompt_messages_json.len(), state.turns.len()), (3, 1));
    for id in state.root_prompt_messages_json.iter().chain(&state.turns) {
        assert!(agent.blobs.contains_key(id));
    }
    let last: Value =
        serde_json::from_slice(&agent.blobs[&state.root_prompt_messages_json[2]]).unwrap();
    assert_eq!(last["content"][0]["text"], "hello");
    // The next turn replays it; the blobs are asked for.
    let mut next = Agent::open(&mut connection).await;
    next.blobs = agent.blobs;
    let mut run = request("[[sim: report]]");
    run.conversation_state = state.into();
    next.send(run).await;
    let seen = next.finish().await;
    assert!(seen.order.contains(&"get_blob".to_owned()));
    assert!(seen.text.contains(r#""turns":3"#), "{}", seen.text);
    assert!(
        seen.usage.is_some_and(|(_, _, cached)| cached > 0),
        "the conversation was seen before"
    );
}

#[tokio::test]
async fn thinking_then_text_in_pieces() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen =
        Agent::ask(&mut connection, "[[sim: think hmm]] [[sim: split 2]] [[sim: say héllo]]").await;
    assert_eq!(
        (seen.thinking.as_str(), seen.pieces),
        ("hmm", vec!["hé".into(), "ll".into(), "o".into()])
    );
    let at = |kind: &str| seen.order.iter().position(|seen| seen == kind).unwrap();
    assert!(at("thinking") < at("thinking_completed") && at("thinking_completed") < at("text"));
    let chunks = Agent::ask(&mut connection, "[[sim: chunks 3]] [[sim: usage 12 34]]").await;
    assert_eq!((chunks.text.as_str(), chunks.usage), ("w1 w2 w3 ", Some((12, 34, 0))));
}

#[tokio::test]
async fn parallel_tools_and_the_next_step() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.context.get_or_insert_default().tools = vec![tool("a"), tool("b")];
    agent.results = [("a".into(), "1".into()), ("b".into(), "2".into())].into();
    let program = r#"[[sim: say x]] [[sim: tool a={"n":1}]] [[sim: tool b={}]] [[sim: next]] [[sim: say both]]"#;
    agent.send(request(program)).await;
    let seen = agent.finish().await;
    assert_eq!(seen.text, "xboth");
    let names: Vec<_> = seen.calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_ne!(seen.calls[0].tool_call_id, seen.calls[1].tool_call_id);
    assert_eq!(seen.calls[0].args["n"].as_number(), Some(1.0));
    assert_eq!(seen.calls[0].provider_identifier, "gateway");
    assert_eq!(seen.end, Some(json!({})));
    let from = seen.order.iter().position(|kind| kind == "step_started").unwrap();
    let call = ["partial_tool_call", "tool_call_started", "mcp"];
    let mut expected = vec!["step_started", "text", "token_delta"];
    expected.extend(call);
    expected.extend(call);
    expected.extend([
        "tool_call_completed",
        "step_completed",
        "checkpoint",
        "step_started",
        "text",
    ]);
    assert_eq!(seen.order[from..from + expected.len()], expected);
}

#[tokio::test]
async fn without_a_second_step_the_results_are_quoted() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.context.get_or_insert_default().tools = vec![tool("get_weather")];
    agent.results = [("get_weather".into(), "7 degrees".into())].into();
    agent.send(request(r#"[[sim: tool get_weather={"city":"Oslo"}]]"#)).await;
    assert_eq!(agent.finish().await.text, "tool result: 7 degrees");
}

#[tokio::test]
async fn a_tool_must_be_in_the_request_context() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.context.get_or_insert_default().tools = vec![tool("offered")];
    let mut run = request("[[sim: tool listed={}]] [[sim: report]]");
    run.mcp_tools = McpTools { mcp_tools: vec![tool("listed")], ..Default::default() }.into();
    agent.send(run).await;
    let seen = agent.finish().await;
    assert!(seen.text.starts_with("sim: no tool listed; offered: offered"), "{}", seen.text);
    assert!(seen.text.contains(r#""tools":["listed","offered"]"#));
}

#[tokio::test]
async fn history_in_blobs_selects_the_step() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    let blobs = [
        json!({"role": "system", "content": "[[mem k=hidden]]"}),
        json!({"role": "user", "content": "[[sim: tool f={}]] [[sim: next]] [[sim: recall k]]"}),
        json!({"role": "assistant", "content": [
            {"type": "tool-call", "toolCallId": "c", "toolName": "f", "args": {}}]}),
        json!({"role": "tool", "content": [
            {"type": "tool-result", "toolCallId": "c", "toolName": "f", "result": "[[mem k=seen]]"}]}),
    ]
    .map(|json| json.to_string().into_bytes());
    let mut run = request("");
    run.conversation_state.get_or_insert_default().root_prompt_messages_json =
        blobs.iter().map(|blob| id_of(blob)).collect();
    run.pre_fetched_blobs = vec![PreFetchedBlob {
        id: id_of(&blobs[0]),
        value: blobs[0].clone(),
        ..Default::default()
    }];
    agent.blobs = blobs[1..].iter().map(|blob| (id_of(blob), blob.clone())).collect();
    agent.send(run).await;
    let seen = agent.finish().await;
    assert_eq!(seen.text, "seen");
    assert_eq!(seen.order[..2], ["set_blob", "get_blob"]);
}

#[tokio::test]
async fn instructions_of_the_request_context_are_visible() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.context.get_or_insert_default().cloud_rule = Some("[[mem key=a\nb]]".into());
    agent.send(request("[[sim: recall key]]")).await;
    assert_eq!(agent.finish().await.text, "a\nb");
}

#[tokio::test]
async fn tags_count_calls_and_pieces() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    Agent::ask(&mut connection, "[[sim: tag t]] [[sim: chunks 3]]").await;
    Agent::ask(&mut connection, "[[sim: tag t]] [[sim: say ab]] [[sim: error internal]]").await;
    let mut left = Agent::open(&mut connection).await;
    left.send(request("[[sim: tag t]] [[sim: say x]] [[sim: hang]]")).await;
    left.until(|seen| !seen.text.is_empty()).await;
    let stats = Agent::ask(&mut connection, "[[sim: stats t]]").await.text;
    let expected = |active, cancelled| {
        json!({"sim_stats": {"started": 3, "active": active, "completed": 1, "failed": 1,
            "cancelled": cancelled, "chunks": 5}})
    };
    assert_eq!(serde_json::from_str::<Value>(&stats).unwrap(), expected(1, 0));
    drop(left);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(2);
    loop {
        let stats = Agent::ask(&mut connection, "[[sim: stats t]]").await.text;
        if serde_json::from_str::<Value>(&stats).unwrap() == expected(0, 1) {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the cancellation was not noticed: {stats}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        Agent::ask(&mut connection, "[[sim: stats none]]").await.text,
        r#"{"sim_stats":null}"#
    );
}

#[tokio::test]
async fn errors_before_and_after_output() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen =
        Agent::ask(&mut connection, r#"[[sim: error rate_limit "slow down" retry=3]]"#).await;
    assert_eq!((seen.code(), seen.text.as_str()), ("resource_exhausted", ""));
    let end = seen.end.unwrap();
    assert_eq!(end["metadata"]["retry-after"], json!(["3"]));
    assert_eq!(end["error"]["details"][0]["debug"]["error"], "ERROR_RATE_LIMITED");
    let seen = Agent::ask(
        &mut connection,
        r#"[[sim: say half]] [[sim: error internal boom]] [[sim: say x]]"#,
    )
    .await;
    assert_eq!((seen.code(), seen.text.as_str()), ("internal", "half"));
    assert!(!seen.order.contains(&"turn_ended".to_owned()));
}

#[tokio::test]
async fn headers_come_without_a_first_message() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut stream = connection.stream(RUN).await;
    let head = stream.head().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-type"], "application/connect+proto");
    assert_eq!(head.headers()["connect-content-encoding"], "gzip");
    stream.half_close();
    assert!(
        matches!(stream.next().await, Got::End(end) if end["error"]["code"] == "invalid_argument")
    );
}

#[tokio::test]
async fn a_model_without_images_refuses_them() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let agent = Agent::open(&mut connection).await;
    let mut run = request("[[sim: say x]]");
    run.requested_model.get_or_insert_default().model_id = "grok-code-fast-1".into();
    let image = json!({"role": "user", "content": [{"type": "image", "image": "AAAA"}]});
    let value = image.to_string().into_bytes();
    let id = id_of(&value);
    run.pre_fetched_blobs.push(PreFetchedBlob { id: id.clone(), value, ..Default::default() });
    run.conversation_state.get_or_insert_default().root_prompt_messages_json.push(id);
    agent.send(run).await;
    let seen = agent.finish().await;
    assert_eq!((seen.code(), seen.text.as_str()), ("invalid_argument", ""));
}
