//! Tests of `failure`.

use cursor_proto::aiserver::error_details::Error as Kind;

use super::*;
use crate::script::ErrorCode;

fn vectors() -> Value {
    let text = include_str!("../../../../fixtures/vectors/errors.json");
    serde_json::from_str(text).expect("a JSON file")
}

fn vector(name: &str) -> Value {
    let all = vectors();
    let found = all["vectors"].as_array().into_iter().flatten().find(|v| v["name"] == name);
    found.unwrap_or_else(|| panic!("no vector {name}")).clone()
}

#[test]
fn end_frames_are_those_of_the_vectors() {
    let cases = [
        ("error_user_aborted", Failure::aborted()),
        ("error_outdated_client", Failure::outdated()),
        ("error_outdated_client", Failure::scenario(ErrorCode::Outdated, None, None)),
        ("error_not_logged_in", Failure::not_logged_in()),
        ("error_bad_model", Failure::bad_model("example-model")),
        ("error_custom_message", Failure::blob_missing()),
        ("error_rate_limited", Failure::scenario(ErrorCode::RateLimit, None, None)),
        ("error_conversation_too_long", Failure::scenario(ErrorCode::ContextLength, None, None)),
    ];
    for (name, failure) in cases {
        let end: Value = serde_json::from_slice(&failure.end()).expect("JSON");
        assert_eq!(end, vector(name)["end_stream_json"], "{name}");
    }
}

#[test]
fn the_unary_body_has_no_outer_key() {
    let body = Failure::not_logged_in().body();
    let expected = vector("unary_error_body");
    assert_eq!(body["code"], expected["json"]["code"]);
    assert_eq!(body["details"][0]["value"], expected["json"]["details"][0]["value"]);
    assert_eq!(Failure::not_logged_in().code.status().as_u16(), expected["http_status"]);
}

#[test]
fn every_scenario_error() {
    let expected = [
        (ErrorCode::RateLimit, Code::ResourceExhausted, Kind::ERROR_RATE_LIMITED),
        (ErrorCode::UsageLimit, Code::ResourceExhausted, Kind::ERROR_USAGE_PRICING_REQUIRED),
        (ErrorCode::Overloaded, Code::Unavailable, Kind::ERROR_PROVIDER_ERROR),
        (ErrorCode::Unavailable, Code::Unavailable, Kind::ERROR_PROVIDER_ERROR),
        (ErrorCode::Internal, Code::Internal, Kind::ERROR_INTERNAL),
        (ErrorCode::Deadline, Code::DeadlineExceeded, Kind::ERROR_TIMEOUT),
        (ErrorCode::Unauthenticated, Code::Unauthenticated, Kind::ERROR_NOT_LOGGED_IN),
        (ErrorCode::PermissionDenied, Code::PermissionDenied, Kind::ERROR_UNAUTHORIZED),
        (ErrorCode::InvalidArgument, Code::InvalidArgument, Kind::ERROR_BAD_REQUEST),
        (ErrorCode::ContextLength, Code::InvalidArgument, Kind::ERROR_CONVERSATION_TOO_LONG),
        (ErrorCode::NotFound, Code::NotFound, Kind::ERROR_NOT_FOUND),
    ];
    // The refused version has a vector of its own.
    assert_eq!(expected.len() + 1, ErrorCode::ALL.len());
    for (code, connect, kind) in expected {
        let end: Value = serde_json::from_slice(&Failure::scenario(code, Some("böom"), None).end())
            .expect("JSON");
        let error = &end["error"];
        assert_eq!(error["code"], connect.name());
        assert_eq!(error["message"], "Error");
        assert!(end.get("metadata").is_none());
        let detail = &error["details"][0];
        assert_eq!(detail["debug"]["details"]["detail"], "böom");
        let value = detail["value"].as_str().expect("base64");
        let bytes = STANDARD_NO_PAD.decode(value).expect("base64 without padding");
        let decoded = ErrorDetails::decode_from_slice(&bytes).expect("ErrorDetails");
        assert_eq!(decoded.error, kind);
        assert_eq!(decoded.details.detail, "böom");
    }
}

#[test]
fn retry_after_is_metadata_and_additional_info() {
    let failure = Failure::scenario(ErrorCode::RateLimit, None, Some(7));
    let end: Value = serde_json::from_slice(&failure.end()).expect("JSON");
    assert_eq!(end["metadata"], json!({"retry-after": ["7"]}));
    let info = &end["error"]["details"][0]["debug"]["details"]["additionalInfo"];
    assert_eq!(info, &json!({"retryAfterSeconds": "7"}));
}

#[test]
fn transport_errors_have_a_text_and_no_details() {
    let failure = Failure::transport(Code::Unavailable, "upstream connect error");
    let end: Value = serde_json::from_slice(&failure.end()).expect("JSON");
    assert_eq!(end, vector("end_stream_without_details")["end_stream_json"]);
}
