//! Whole streams of the chat flow.

use cursor_proto::Message as _;
use cursor_proto::aiserver::oneof::client_side_tool_v2call::Params;
use cursor_proto::aiserver::oneof::stream_unified_chat_request_with_tools::Request;
use cursor_proto::aiserver::{
    ClientSideToolV2, ClientSideToolV2Result, GetTokenUsageRequest, GetTokenUsageResponse,
    MCPResult, StreamUnifiedChatRequestWithTools, ToolResultError, mcp_params,
};
use serde_json::{Value, json};

use super::chat_client::{Chat, Seen, request};
use super::client::{CHAT, Connection, Server, unary, vector, vector_bytes};

/// The golden request of the timeline `text_only`.
#[tokio::test]
async fn golden_text() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut chat = Chat::open(&mut connection, &vector_bytes("chat_requests", "chat_text")).await;
    chat.stream.half_close();
    let seen = chat.finish().await;
    assert_eq!((seen.text.as_str(), seen.end), ("echo: Hello", Some(json!({}))));
    assert_eq!(seen.order, ["start", "bubble", "text", "window", "usage"]);
}

/// A compressed golden frame.
#[tokio::test]
async fn golden_gzip_frame() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let stream = connection.stream(CHAT).await;
    let frame = vector("chat_requests", "chat_tool_history_gzip_frame");
    let frame = frame["frame_hex"].as_str().or(frame["hex"].as_str()).unwrap();
    let bytes = hex::decode(frame).unwrap();
    // Cut anywhere.
    for piece in bytes.chunks(7) {
        stream.send_raw(piece.to_vec()).await;
    }
    let mut chat = Chat { stream, seen: Seen::default() };
    chat.stream.half_close();
    assert_eq!(chat.finish().await.text, "echo: Thanks, and tomorrow?");
}

/// `chat_tools` with another text.
fn with_tools(text: &str) -> Vec<u8> {
    let bytes = vector_bytes("chat_requests", "chat_tools");
    let mut message = StreamUnifiedChatRequestWithTools::decode_from_slice(&bytes).unwrap();
    let Some(Request::StreamUnifiedChatRequest(request)) = &mut message.request else { panic!() };
    request.conversation[0].text = text.into();
    let parameters = r#"{"type":"object"}"#.into();
    let second = mcp_params::Tool {
        name: "other".into(),
        parameters,
        server_name: "custom".into(),
        ..Default::default()
    };
    request.mcp_tools.push(second);
    message.encode_to_vec()
}

fn answer(id: &str, text: &str) -> Vec<u8> {
    let result = json!({"content": [{"type": "text", "text": text}], "isError": false}).to_string();
    let result = ClientSideToolV2Result {
        tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
        tool_call_id: id.into(),
        result: MCPResult { result, ..Default::default() }.into(),
        ..Default::default()
    };
    StreamUnifiedChatRequestWithTools { request: result.into(), ..Default::default() }
        .encode_to_vec()
}

#[tokio::test]
async fn golden_tool_round_trip_on_one_stream() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let program = r#"[[sim: say x]] [[sim: tool get_weather={"city":"Oslo","days":[1,2]}]] [[sim: tool other={}]]"#;
    let mut chat = Chat::open(&mut connection, &with_tools(program)).await;
    chat.until(|seen| seen.order.contains(&"parallel_complete")).await;
    assert_eq!(
        chat.seen.order,
        ["start", "bubble", "text", "partial", "call", "partial", "call", "parallel_complete"]
    );
    let last: Vec<_> =
        chat.seen.calls.iter().filter(|call| call.is_last_message).cloned().collect();
    assert_eq!(last.len(), 2);
    assert_eq!(last[0].raw_args, r#"{"city": "Oslo", "days": [1, 2]}"#);
    assert_eq!(last[0].name, "mcp_custom_get_weather");
    assert!(last[0].tool_call_id.starts_with("call_") && last[0].tool_call_id.contains("\nfc_"));
    assert_eq!((last[0].tool_index, last[1].tool_index), (Some(0), Some(1)));
    assert!(
        matches!(&last[1].params, Some(Params::McpParams(params)) if params.tools[0].name == "other")
    );
    let growing: Vec<_> =
        chat.seen.calls.iter().filter(|call| call.tool_index == Some(0)).collect();
    assert!(growing.len() > 1 && growing.iter().all(|call| call.is_streaming));
    assert!(growing.windows(2).all(|pair| pair[1].raw_args.starts_with(&pair[0].raw_args)));
    // In the other order.
    chat.stream.send(&answer(&last[1].tool_call_id, "two")).await;
    chat.stream.send(&answer(&last[0].tool_call_id, "one")).await;
    let seen = chat.finish().await;
    assert_eq!(seen.text, "xtool result: one\ntool result: two");
    assert_eq!(seen.end, Some(json!({})));
}

#[tokio::test]
async fn a_transport_failure_of_a_tool_is_its_result() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut chat = Chat::open(&mut connection, &with_tools("[[sim: tool other={}]]")).await;
    chat.until(|seen| seen.order.contains(&"parallel_complete")).await;
    let error = ToolResultError {
        model_visible_error_message: "no such tool".into(),
        ..Default::default()
    };
    let result = ClientSideToolV2Result {
        tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
        tool_call_id: chat.seen.calls[0].tool_call_id.clone(),
        error: error.into(),
        ..Default::default()
    };
    let message =
        StreamUnifiedChatRequestWithTools { request: result.into(), ..Default::default() };
    chat.stream.send(&message.encode_to_vec()).await;
    assert_eq!(chat.finish().await.text, "tool result: no such tool");
}

#[tokio::test]
async fn a_stray_result_is_refused() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut chat = Chat::open(&mut connection, &with_tools("[[sim: tool other={}]]")).await;
    chat.until(|seen| seen.order.contains(&"parallel_complete")).await;
    chat.stream.send(&answer("call_x", "x")).await;
    assert_eq!(chat.finish().await.end.unwrap()["error"]["code"], "invalid_argument");
}

#[tokio::test]
async fn a_tool_call_after_the_end_of_the_request() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut chat = Chat::open(&mut connection, &with_tools("[[sim: tool other={}]]")).await;
    chat.stream.half_close();
    let seen = chat.finish().await;
    assert!(seen.calls.iter().any(|call| call.is_last_message));
    let end = seen.end.unwrap();
    assert_eq!(end, vector("errors", "error_user_aborted")["end_stream_json"]);
}

#[tokio::test]
async fn thinking_is_signed_and_closed() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = Chat::ask(&mut connection, "[[sim: think hmmmmm]] [[sim: say 4]]").await;
    assert_eq!((seen.thinking.as_str(), seen.text.as_str()), ("hmmmmm", "4"));
    assert_eq!(
        seen.order,
        ["start", "bubble", "thinking", "signature", "last_thinking", "text", "window", "usage"]
    );
}

#[tokio::test]
async fn usage_is_found_by_its_uuid() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = Chat::ask(&mut connection, "[[sim: say x]] [[sim: usage 120 7]]").await;
    let usage = token_usage(&mut connection, &seen.usage_uuid.unwrap()).await.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (120, 7));
    assert_eq!(token_usage(&mut connection, "none").await, Err(404));
}

async fn token_usage(
    connection: &mut Connection,
    usage_uuid: &str,
) -> Result<GetTokenUsageResponse, u16> {
    let request = GetTokenUsageRequest { usage_uuid: usage_uuid.into(), ..Default::default() };
    let path = "/aiserver.v1.DashboardService/GetTokenUsage";
    let (status, _, body) = connection.call(unary(path), request.encode_to_vec()).await;
    if status == 200 {
        Ok(GetTokenUsageResponse::decode_from_slice(&body).unwrap())
    } else {
        Err(status)
    }
}

#[tokio::test]
async fn the_request_is_checked() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut changed = request(&["a", "b"]);
    if let Some(Request::StreamUnifiedChatRequest(request)) = &mut changed.request {
        request.full_conversation_headers_only.pop();
    }
    for bytes in [changed.encode_to_vec(), answer("x", "y"), Vec::new(), vec![0xff]] {
        let chat = Chat::open(&mut connection, &bytes).await;
        assert_eq!(chat.finish().await.end.unwrap()["error"]["code"], "invalid_argument");
    }
}

#[tokio::test]
async fn report_in_the_chat_flow() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut chat =
        Chat::open(&mut connection, &with_tools("[[sim: report]] [[sim: schema other]]")).await;
    chat.stream.half_close();
    let text = chat.finish().await.text;
    let (report, schema) = text.split_once("}}").unwrap();
    let report: Value = serde_json::from_str(&format!("{report}}}}}")).unwrap();
    assert_eq!(report["sim_report"]["tools"], json!(["get_weather", "other"]));
    assert_eq!(report["sim_report"]["turns"], 1);
    assert_eq!(schema, r#"{"sim_schema":{"type":"object"}}"#);
}

#[tokio::test]
async fn a_built_in_tool_is_answered_with_an_error() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut chat =
        Chat::open(&mut connection, &with_tools("[[sim: native read]] [[sim: query question]]"))
            .await;
    chat.until(|seen| !seen.calls.is_empty()).await;
    let call = &chat.seen.calls[0];
    assert_eq!(call.name, "read_file");
    let error =
        ToolResultError { model_visible_error_message: "not here".into(), ..Default::default() };
    let result = ClientSideToolV2Result {
        tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_READ_FILE.into(),
        tool_call_id: call.tool_call_id.clone(),
        error: error.into(),
        ..Default::default()
    };
    let message =
        StreamUnifiedChatRequestWithTools { request: result.into(), ..Default::default() };
    chat.stream.send(&message.encode_to_vec()).await;
    assert_eq!(chat.finish().await.text, "native read: not herequery question: not available");
}
