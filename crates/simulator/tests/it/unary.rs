//! Unary calls and the REST path.

use cursor_proto::Message as _;
use cursor_proto::agent::{GetDefaultModelForCliResponse, GetUsableModelsResponse};
use cursor_proto::aiserver::oneof::stream_unified_chat_request_with_tools::Request;
use cursor_proto::aiserver::{
    AvailableModelsRequest, AvailableModelsResponse, ClientSideToolV2, GetPromptDryRunResponse,
    GetServerConfigResponse, mcp_params,
};
use serde_json::{Value, json};
use simulator::tokens;

use super::chat_client::request;
use super::client::{Server, USER, gunzip, post, token, unary};

const AVAILABLE: &str = "/aiserver.v1.AiService/AvailableModels";
const USABLE: &str = "/agent.v1.AgentService/GetUsableModels";

#[tokio::test]
async fn available_models_and_their_filters() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let ask = AvailableModelsRequest {
        include_long_context_models: true,
        exclude_max_named_models: true,
        additional_model_names: vec!["cursor-small".into(), "no-such-model-xyz".into()],
        ..Default::default()
    };
    let (status, headers, body) = connection.call(unary(AVAILABLE), ask.encode_to_vec()).await;
    assert_eq!((status, &headers["content-type"]), (200, &"application/proto".parse().unwrap()));
    let answer = AvailableModelsResponse::decode_from_slice(&body).unwrap();
    assert_eq!(answer.models.len(), answer.model_names.len());
    let has = |name: &str| answer.model_names.iter().any(|known| known == name);
    assert!(has("default") && has("claude-4-sonnet-1m") && has("cursor-small"));
    assert!(!has("gpt-5.1-codex-max") && !has("no-such-model-xyz"));
    let sonnet =
        answer.models.iter().find(|model| model.name == "claude-4.5-sonnet-thinking").unwrap();
    assert_eq!((sonnet.supports_thinking, sonnet.supports_images), (Some(true), Some(true)));
    assert_eq!(sonnet.context_token_limit_for_max_mode, Some(1_000_000));
}

#[tokio::test]
async fn gzip_both_ways() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let ask = AvailableModelsRequest { include_long_context_models: true, ..Default::default() };
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, &ask.encode_to_vec()).unwrap();
    let request =
        unary(AVAILABLE).header("content-encoding", "gzip").header("accept-encoding", "br, gzip");
    let (status, headers, body) = connection.call(request, encoder.finish().unwrap()).await;
    assert_eq!((status, &headers["content-encoding"]), (200, &"gzip".parse().unwrap()));
    let answer = AvailableModelsResponse::decode_from_slice(&gunzip(&body)).unwrap();
    assert!(answer.model_names.iter().any(|name| name == "claude-4-sonnet-1m"));
    let request = unary(AVAILABLE).header("content-encoding", "gzip");
    assert_eq!(connection.call(request, b"junk".to_vec()).await.0, 400);
}

#[tokio::test]
async fn usable_models_as_proto_and_json() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let (_, _, body) = connection.call(unary(USABLE), Vec::new()).await;
    let proto = GetUsableModelsResponse::decode_from_slice(&body).unwrap();
    let json_request = post(USABLE, &token(USER))
        .header("content-type", "application/json")
        .header("x-cursor-client-version", "2.6.22");
    let (status, _, body) = connection.call(json_request, b"{}".to_vec()).await;
    assert_eq!(status, 200);
    let json: Value = serde_json::from_slice(&body).unwrap();
    let models = json["models"].as_array().unwrap();
    assert_eq!(models.len(), proto.models.len());
    for (json, proto) in models.iter().zip(&proto.models) {
        assert_eq!(json["modelId"], proto.model_id.as_str());
        assert_eq!(json["thinkingDetails"].is_object(), proto.thinking_details.is_set());
    }
}

#[tokio::test]
async fn small_answers() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let path = "/agent.v1.AgentService/GetDefaultModelForCli";
    let (_, _, body) = connection.call(unary(path), Vec::new()).await;
    assert_eq!(
        GetDefaultModelForCliResponse::decode_from_slice(&body).unwrap().model.model_id,
        "default"
    );
    let path = "/aiserver.v1.ServerConfigService/GetServerConfig";
    let (_, _, body) = connection.call(unary(path), Vec::new()).await;
    assert_eq!(GetServerConfigResponse::decode_from_slice(&body).unwrap().config_version.len(), 36);
    let Some(Request::StreamUnifiedChatRequest(chat)) =
        request(&["x".repeat(400).as_str()]).request
    else {
        panic!()
    };
    let path = "/aiserver.v1.ChatService/GetPromptDryRun";
    let (_, _, body) = connection.call(unary(path), chat.encode_to_vec()).await;
    let answer = GetPromptDryRunResponse::decode_from_slice(&body).unwrap();
    assert_eq!(answer.user_message_token_count.num_tokens, Some(100));
    assert_eq!(connection.call(unary(path), vec![0xff]).await.0, 400);
}

/// Defect: a tool counted its name and a fixed sum, so a client that measures its tools found that
/// they were next to nothing.
#[tokio::test]
async fn a_dry_run_counts_all_that_the_model_reads_of_a_tool() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut counts = Vec::new();
    for (description, property) in [(0, 1), (400, 1), (400, 801)] {
        let Some(Request::StreamUnifiedChatRequest(mut chat)) = request(&["hello"]).request else {
            panic!()
        };
        chat.is_agentic = true;
        chat.supported_tools = vec![ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into()];
        chat.mcp_tools = vec![mcp_params::Tool {
            name: "get_weather".into(),
            description: "d".repeat(description),
            parameters: json!({"properties": {"p".repeat(property): {}}}).to_string(),
            server_name: "custom".into(),
            ..Default::default()
        }];
        let path = "/aiserver.v1.ChatService/GetPromptDryRun";
        let (status, _, body) = connection.call(unary(path), chat.encode_to_vec()).await;
        assert_eq!(status, 200);
        let answer = GetPromptDryRunResponse::decode_from_slice(&body).unwrap();
        counts.push(answer.full_conversation_token_count.num_tokens.unwrap());
    }
    let growth: Vec<_> = counts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(growth, [100, 200], "{counts:?}");
}

#[tokio::test]
async fn an_api_key_becomes_a_session() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let exchange = |secret: &str| {
        post("/auth/exchange_user_api_key", secret).header("content-type", "application/json")
    };
    let key = "crsr_0123456789abcdef0123";
    let (status, _, body) = connection.call(exchange(key), b"{}".to_vec()).await;
    assert_eq!(status, 200);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let access = answer["accessToken"].as_str().unwrap();
    let usable = post(USABLE, access)
        .header("content-type", "application/proto")
        .header("x-cursor-client-version", "2.6.22");
    assert_eq!(connection.call(usable, Vec::new()).await.0, 200);
    assert_eq!(server.control.calls().last().unwrap().user, tokens::user_of_api_key(key));
    let refresh = answer["refreshToken"].as_str().unwrap();
    assert_eq!(connection.call(exchange(refresh), b"{}".to_vec()).await.0, 200);
    let (status, _, body) = connection.call(exchange("unknown"), b"{}".to_vec()).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &body["error"]), (401, &json!("not_authenticated")));
}
