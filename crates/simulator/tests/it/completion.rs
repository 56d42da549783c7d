//! Code completion: the rule, the synced copy, the order of events, the calls around it.

use cursor_proto::Message as _;
use cursor_proto::aiserver::{
    AvailableCppModelsResponse, CppConfigRequest, CppConfigResponse, StreamCppRequest,
};
use serde_json::Value;

use super::client::{Server, USER, unary, vector_bytes};
use super::completion_client::{
    STREAM, about, after_edit, ask, ask_text, finish, open, post_stream,
};
use super::connections::http1_with;
use super::filesync_client::{COOKIE, edit, hash, send_upload, upload};

#[tokio::test]
async fn a_rename_goes_on_and_predicts_where() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let text = "let total = 1;\nlet sum2 = 2;\nprintln!(\"{sum}\", sum);\n\nreturn sum;\n";
    let request = after_edit(about(text, 0, 9), "1-|let sum = 1;\n1+|let total = 1;\n");
    let seen = ask(&mut connection, &request).await;
    assert_eq!(
        seen.joined(),
        [
            "info",
            "range 3-3 id:0",
            "text println!(\"{total}\", total);",
            "predict a.rs 5 \"return sum;\" id:1",
            "done_edit",
            "done_stream",
        ]
    );
    assert!(seen.events().len() > seen.joined().len(), "the text comes in pieces");
    assert_eq!(seen.end, Some(serde_json::json!({})));
    assert_eq!(ask(&mut connection, &request).await.messages, seen.messages, "deterministic");
    let info = seen.messages[0].model_info.as_option().unwrap();
    assert!(info.is_fused_cursor_prediction_model && info.is_multidiff_model);
}

#[tokio::test]
async fn an_open_bracket_is_closed_and_else_nothing_is_suggested() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = ask(&mut connection, &about("fn main() {\r\n    f(\r\n}\r\n", 1, 6)).await;
    assert_eq!(
        seen.joined(),
        ["info", "range 2-2 id:0 eol", "text \r\n    f()", "done_edit", "done_stream"]
    );
    assert!(ask(&mut connection, &about("fn main() {}\n", 0, 3)).await.is_empty());
    assert!(ask_text(&mut connection, "").await.is_empty());
    let mut cut = about("x\n  g[\n", 41, 4);
    cut.current_file.get_or_insert_default().contents_start_at_line = 40;
    assert_eq!(
        ask(&mut connection, &cut).await.joined()[1..3],
        ["range 42-42 id:0 eol", "text \n  g[]"]
    );
}

#[tokio::test]
async fn the_vectors_as_requests() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let full = vector_bytes("cpp", "stream_cpp_request_full");
    let seen = finish(open(&mut connection, post_stream(), &full).await).await;
    assert!(seen.is_empty(), "{seen:?}");
    let small = vector_bytes("cpp", "stream_cpp_request_small");
    let seen = finish(open(&mut connection, post_stream(), &small).await).await;
    assert!(seen.is_empty(), "{seen:?}");
    assert_eq!(server.control.calls()[0].model.as_deref(), Some("fast"));
    // The vector's file: `pri`, which its update makes `print`.
    let mut before = upload("pri", 2);
    before.relative_workspace_path = "a.py".into();
    send_upload(&mut connection, &before).await;
    let synced = vector_bytes("cpp", "stream_cpp_request_filesync");
    let seen = finish(open(&mut connection, post_stream(), &synced).await).await;
    assert!(seen.is_empty(), "{seen:?}");
    for name in ["control_token_quiet", "control_token_loud", "control_token_op"] {
        let seen =
            finish(open(&mut connection, post_stream(), &vector_bytes("cpp", name)).await).await;
        assert_eq!(seen.error_code(), Some("invalid_argument"), "there is no file");
    }
}

fn relying(version: i32, after: &str) -> StreamCppRequest {
    let mut request = about("", 0, 2);
    let file = request.current_file.get_or_insert_default();
    file.rely_on_filesync = true;
    file.file_version = Some(version);
    file.sha_256_hash = Some(hash(after));
    request
}

#[tokio::test]
async fn the_synced_copy_stands_in_for_the_text() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let request = relying(1, "f(");
    let missing = ask(&mut connection, &request).await;
    assert_eq!((missing.messages.len(), missing.error_code()), (0, Some("not_found")));
    assert_eq!(missing.error_kind(), Some("ERROR_NOT_FOUND"));
    send_upload(&mut connection, &upload("f(", 1)).await;
    let seen = ask(&mut connection, &request).await;
    assert_eq!(seen.joined()[1..3], ["range 1-1 id:0 eol", "text \nf()"]);
    let mut newer = relying(3, "g(");
    newer.filesync_updates = vec![edit(3, &[(0, 1, "g")], 2)];
    assert_eq!(ask(&mut connection, &newer).await.joined()[2], "text \ng()");
    assert_eq!(ask(&mut connection, &request).await.joined()[2], "text \nf()", "nothing was kept");
    newer.filesync_updates[0].expected_file_length = 3;
    for wrong in [newer, relying(2, "f("), relying(1, "g(")] {
        assert_eq!(ask(&mut connection, &wrong).await.error_code(), Some("not_found"));
    }
    let other = post_stream();
    let (mut other, key) = (other, "f".repeat(64).parse().unwrap());
    other.headers_mut().unwrap().insert("x-fs-client-key", key);
    let seen = finish(open(&mut connection, other, &request.encode_to_vec()).await).await;
    assert_eq!(seen.error_code(), Some("not_found"), "another client's copy");
}

#[tokio::test]
async fn requests_that_break_the_rules() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut model = about("f(", 0, 2);
    model.model_name = Some("no-such-model-xyz".into());
    let seen = ask(&mut connection, &model).await;
    assert_eq!(seen.error_kind(), Some("ERROR_BAD_MODEL_NAME"));
    for wrong in [about("", -1, 0), about("", 0, -1), StreamCppRequest::default()] {
        let seen = ask(&mut connection, &wrong).await;
        assert_eq!((seen.status, seen.error_code()), (200, Some("invalid_argument")));
    }
    let seen = finish(open(&mut connection, post_stream(), b"nonsense").await).await;
    assert_eq!(seen.error_code(), Some("invalid_argument"));
    let mut nothing = connection.send(post_stream()).await;
    nothing.half_close();
    assert_eq!(finish(nothing).await.error_code(), Some("invalid_argument"));
    for key in ["", "abc"] {
        let mut request = post_stream();
        request.headers_mut().unwrap().insert("x-fs-client-key", key.parse().unwrap());
        let stream = open(&mut connection, request, &about("f(", 0, 2).encode_to_vec()).await;
        assert_eq!(finish(stream).await.error_code(), Some("invalid_argument"));
    }
    let request = unary(STREAM);
    assert_eq!(connection.call(request, Vec::new()).await.0, 415);
}

#[tokio::test]
async fn a_command_line_client_gets_nothing() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let message = about("f(", 0, 2).encode_to_vec();
    for (name, value) in
        [("x-cursor-client-type", "cli"), ("x-cursor-client-version", "cli-2026.07.16")]
    {
        let mut request = post_stream();
        request.headers_mut().unwrap().insert(name, value.parse().unwrap());
        let seen = finish(open(&mut connection, request, &message).await).await;
        assert!(seen.is_empty(), "{name}: {seen:?}");
    }
    let seen = finish(open(&mut connection, post_stream(), &message).await).await;
    assert_eq!(seen.joined().len(), 5);
}

#[tokio::test]
async fn debug_events_come_when_asked_for() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut request = about("f(", 0, 2);
    assert_eq!(ask(&mut connection, &request).await.events().last().unwrap(), "done_stream");
    request.give_debug_output = Some(true);
    let seen = ask(&mut connection, &request).await;
    assert_eq!(seen.events().last().unwrap(), "debug");
    let debug = seen.messages.last().unwrap();
    assert_eq!(debug.debug_model_output.as_deref(), Some("\nf()"));
    assert_eq!(debug.debug_model_input.as_deref(), Some("a.rs:0:2"));
    assert!(debug.debug_stream_time.is_some() && debug.debug_total_time.is_some());
    assert!(debug.debug_ttft_time.is_some());
}

#[tokio::test]
async fn compressed_requests_and_cookies_are_taken() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let request = post_stream()
        .header("connect-content-encoding", "gzip")
        .header("cookie", format!("{COOKIE}; a=b"));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, &about("f(", 0, 2).encode_to_vec()).unwrap();
    let payload = encoder.finish().unwrap();
    let mut frame = vec![1];
    frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    let mut stream = connection.send(request).await;
    stream.send_raw(frame).await;
    stream.half_close();
    assert_eq!(finish(stream).await.joined().len(), 5);
    let cookies = server.control.calls().pop().unwrap().cookies.unwrap();
    assert_eq!((cookies.values.len(), cookies.others), (1, 1));
}

#[tokio::test]
async fn one_request_and_one_answer_fit_into_http1() {
    let server = Server::plain().await;
    let message = about("f(", 0, 2).encode_to_vec();
    let frame = [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()], &message[..]].concat();
    let (status, body) =
        http1_with(&server, post_stream(), std::str::from_utf8(&frame).unwrap()).await;
    assert_eq!(status, 200);
    assert!(body.ends_with(b"\x02\0\0\0\x02{}"), "{body:?}");
    let config = unary("/aiserver.v1.AiService/CppConfig");
    let (_, body) = http1_with(&server, config, "").await;
    let answer = CppConfigResponse::decode_from_slice(&body).unwrap();
    assert!(answer.cpp_url.starts_with("http://"), "{}", answer.cpp_url);
}

#[tokio::test]
async fn configuration_leads_back_here() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let config = || unary("/aiserver.v1.AiService/CppConfig");
    let request = vector_bytes("cpp", "cpp_config_request");
    let (status, _, body) = connection.call(config(), request).await;
    let mut answer = CppConfigResponse::decode_from_slice(&body).unwrap();
    assert_eq!((status, answer.cpp_url.as_str()), (200, "http://localhost"));
    assert_eq!(answer.geo_cpp_backend_url, answer.cpp_url);
    let told = vector_bytes("cpp", "cpp_config_response");
    let told = CppConfigResponse::decode_from_slice(&told).unwrap();
    answer.cpp_url.clone_from(&told.cpp_url);
    answer.geo_cpp_backend_url.clone_from(&told.geo_cpp_backend_url);
    assert_eq!(answer, told);
    let unknown = CppConfigRequest { model: "no-such-model-xyz".into(), ..Default::default() };
    assert_eq!(connection.call(config(), unknown.encode_to_vec()).await.0, 400);
}

#[tokio::test]
async fn models_and_fates() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let service = |name: &str| unary(&format!("/aiserver.v1.CppService/{name}"));
    let (_, _, body) = connection.call(service("AvailableModels"), Vec::new()).await;
    let told = vector_bytes("models", "cpp_models");
    let told = AvailableCppModelsResponse::decode_from_slice(&told).unwrap();
    assert_eq!(AvailableCppModelsResponse::decode_from_slice(&body).unwrap(), told);
    let fate = vector_bytes("cpp", "record_cpp_fate");
    let (status, _, body) = connection.call(service("RecordCppFate"), fate).await;
    assert_eq!((status, body.len()), (200, 0));
    let [fate] = &server.control.fates()[..] else { panic!("one report") };
    assert_eq!((fate.user.as_str(), fate.fate), (USER, "CPP_FATE_ACCEPT"));
    assert_eq!(fate.request_id, "11111111-1111-4111-8111-000000000385:0");
    assert_eq!(fate.extension, "rs");
    let (status, _, body) = connection.call(service("RecordCppFate"), Vec::new()).await;
    let error: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, error["code"].as_str()), (400, Some("invalid_argument")));
}
