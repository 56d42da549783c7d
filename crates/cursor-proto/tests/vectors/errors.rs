//! Errors: their details, and every way they are carried.
use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use connectrpc::envelope::flags;
use connectrpc::{ErrorCode, ErrorDetail};
use cursor_proto::aiserver::ErrorDetails;
use serde_json::Value;

use crate::fixture::{Vector, vector};
use crate::{meaning, messages, wire};

const DETAILS: &str = "aiserver.v1.ErrorDetails";

vectors!(
    "errors",
    check_error,
    [
        error_user_aborted,
        error_outdated_client,
        error_update_required_reused_number,
        error_rate_limited,
        error_usage_pricing_required,
        error_not_logged_in,
        error_bad_model,
        error_conversation_too_long,
        error_custom_message,
        error_provider_error,
        error_unsupported_region,
        error_unicode,
        error_unknown_number,
        end_stream_without_details,
        unary_error_body,
        grpc_web_trailer_frame,
    ]
);

fn check_error(error: &Vector) {
    match error.name() {
        "unary_error_body" => check_unary_body(error),
        "grpc_web_trailer_frame" => check_grpc_web_trailer(error),
        _ => check_stream_error(error),
    }
}

fn check_stream_error(error: &Vector) {
    if error.get("message_type").is_some() {
        messages::check(error);
        check_value(error);
    }
    if let Some(end) = error.get("end_stream_json") {
        check_end_frame(error, end);
        check_details(error, &end["error"]);
    }
}

/// The form in which details travel: base64 without padding, here by the library's own hand.
fn check_value(error: &Vector) {
    let value = error.text("value_base64_nopad");
    let bytes = STANDARD_NO_PAD.decode(value).expect("base64 without padding");
    assert_eq!(bytes, error.bytes("hex"));
    let details: ErrorDetails = messages::decode(&bytes);
    let written = ErrorDetail::from_message(DETAILS, &details).value.expect("a value");
    let again: ErrorDetails =
        messages::decode(&STANDARD_NO_PAD.decode(written).expect("base64 without padding"));
    assert_eq!(again, details);
}

fn check_end_frame(error: &Vector, end: &Value) {
    let stream = wire::read_cut_everywhere(&error.bytes("end_stream_frame_hex"));
    let [frame] = stream.frames.as_slice() else { panic!("one frame: {stream:?}") };
    assert_eq!((frame.flags, stream.rest), (flags::END_STREAM, 0));
    let json: Value = serde_json::from_slice(&frame.data).expect("an end frame is JSON");
    assert_eq!(&json, end);
}

/// A Connect error object: a code that exists, and details that agree with the vector's message.
fn check_details(error: &Vector, object: &Value) {
    let code = object["code"].as_str().expect("a code");
    assert!(ErrorCode::from_str(code).is_ok(), "{code}");
    assert!(object["message"].is_string());
    let Some(details) = object.get("details") else {
        assert_eq!(error.name(), "end_stream_without_details");
        return;
    };
    let details: Vec<ErrorDetail> = serde_json::from_value(details.clone()).expect("details");
    let [detail] = details.as_slice() else { panic!("one detail: {details:?}") };
    assert_eq!(detail.type_url, DETAILS);
    assert_eq!(detail.value.as_deref(), Some(error.text("value_base64_nopad")));
    // `debug` is for people and writes an absent error as its zero; the message is the same.
    let debug = meaning::encode(DETAILS, detail.debug.as_ref().expect("debug"));
    let told: ErrorDetails = messages::decode(&debug);
    assert_eq!(told, messages::decode(&error.bytes("hex")));
}

/// Without a stream the error object is the whole body, and the code is a status as well.
fn check_unary_body(error: &Vector) {
    assert_eq!(error.text("content_type"), "application/json");
    let body = error.value("json");
    let code = ErrorCode::from_str(body["code"].as_str().expect("a code")).expect("a known code");
    let status = error.value("http_status").as_u64();
    assert_eq!(Some(u64::from(code.http_status().as_u16())), status);

    let detail: ErrorDetail = serde_json::from_value(body["details"][0].clone()).expect("a detail");
    assert_eq!(detail.type_url, DETAILS);
    let same = vector(FILE, "error_not_logged_in");
    assert_eq!(detail.value.as_deref(), Some(same.text("value_base64_nopad")));
    assert_eq!(detail.debug.expect("debug")["error"], same.value("json")["error"]);
}

fn check_grpc_web_trailer(error: &Vector) {
    let stream = wire::read_cut_everywhere(&error.bytes("frame_hex"));
    let [frame] = stream.frames.as_slice() else { panic!("one frame: {stream:?}") };
    assert_eq!((frame.flags, stream.rest), (flags::GRPC_WEB_TRAILER, 0));
    let text = std::str::from_utf8(&frame.data).expect("a trailer block is text");
    assert_eq!(text, error.text("trailer_text"));
    let lines: Vec<(&str, &str)> =
        text.lines().map(|line| line.split_once(": ").expect("name: value")).collect();
    assert_eq!(lines, [("grpc-status", "8"), ("grpc-message", "Provider%20Error")]);
    assert_eq!(ErrorCode::from_grpc_code(8), Some(ErrorCode::ResourceExhausted));
}
