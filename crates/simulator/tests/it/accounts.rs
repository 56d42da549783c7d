//! Who is let in, and how accounts are treated.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use simulator::{AccountBehaviour, CallOutcome, tokens};

use super::chat_client::Chat;
use super::client::{CHAT, Connection, Got, RUN, Server, USER, post, token, unary, vector};

const MODELS: &str = "/aiserver.v1.AiService/AvailableModels";

fn stream_request(path: &str, token: &str) -> http::request::Builder {
    post(path, token)
        .header("content-type", "application/connect+proto")
        .header("x-cursor-client-version", "2.6.22")
}

async fn refusal(connection: &mut Connection, request: http::request::Builder) -> (u16, Value) {
    let (status, _, body) = connection.call(request, Vec::new()).await;
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn only_a_valid_session_is_let_in() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let now = SystemTime::now();
    let later = now + Duration::from_secs(60);
    let expected = vector("errors", "unary_error_body");
    for token in [
        tokens::session_token(USER, now - Duration::from_secs(1)),
        tokens::web_token(USER, later),
        "key_0123456789abcdef".to_owned(),
        "nonsense".to_owned(),
    ] {
        for request in [
            stream_request(RUN, &token),
            stream_request(CHAT, &token),
            post(MODELS, &token).header("content-type", "application/proto"),
        ] {
            let (status, body) = refusal(&mut connection, request).await;
            assert_eq!(status, 401);
            assert_eq!(body["code"], expected["json"]["code"]);
            assert_eq!(body["details"][0]["value"], expected["json"]["details"][0]["value"]);
        }
    }
    assert!(server.control.calls().iter().all(|call| call.outcome == CallOutcome::Refused(401)));
}

#[tokio::test]
async fn paths_methods_and_content_types() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let token = token(USER);
    let status = async |connection: &mut Connection, request| refusal(connection, request).await.0;
    assert_eq!(status(&mut connection, unary("/aiserver.v1.AiService/Nothing")).await, 404);
    let json = post(RUN, &token).header("content-type", "application/json");
    assert_eq!(status(&mut connection, json).await, 415);
    let json = post(MODELS, &token).header("content-type", "application/json");
    assert_eq!(status(&mut connection, json).await, 415);
    let get = http::Request::get(format!("http://localhost{RUN}"));
    assert_eq!(status(&mut connection, get).await, 405);
}

#[tokio::test]
async fn the_client_must_say_what_it_is() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let without = post(CHAT, &token(USER)).header("content-type", "application/connect+proto");
    let mut stream = connection.send(without).await;
    let Got::End(end) = stream.next().await else { panic!() };
    assert_eq!(end, vector("errors", "error_outdated_client")["end_stream_json"]);
    let wrong = stream_request(CHAT, &token(USER)).header("x-cursor-checksum", "abc");
    let mut stream = connection.send(wrong).await;
    assert!(
        matches!(stream.next().await, Got::End(end) if end["error"]["code"] == "permission_denied")
    );
    let (status, body) = refusal(
        &mut connection,
        post(MODELS, &token(USER)).header("content-type", "application/proto"),
    )
    .await;
    assert_eq!((status, &body["code"]), (400, &json!("failed_precondition")));
}

#[tokio::test]
async fn behaviours_of_accounts() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let control = server.control.clone();
    let set = |behaviour| control.set_account(USER, behaviour);
    set(AccountBehaviour::RateLimited { retry_after: Some(Duration::from_millis(1500)) });
    let end = Chat::ask(&mut connection, "hi").await.end.unwrap();
    assert_eq!(
        (&end["error"]["code"], &end["metadata"]),
        (&json!("resource_exhausted"), &json!({"retry-after": ["2"]}))
    );
    assert_eq!(refusal(&mut connection, unary(MODELS)).await.0, 200);
    set(AccountBehaviour::QuotaReached);
    let end = Chat::ask(&mut connection, "hi").await.end.unwrap();
    assert_eq!(end["error"]["details"][0]["debug"]["error"], "ERROR_USAGE_PRICING_REQUIRED");
    for (behaviour, status) in [
        (AccountBehaviour::LoggedOut, 401),
        (AccountBehaviour::Blocked, 403),
        (AccountBehaviour::HttpStatus(502), 502),
    ] {
        set(behaviour);
        let (got, _) = refusal(&mut connection, stream_request(RUN, &token(USER))).await;
        assert_eq!(got, status);
        assert_eq!(refusal(&mut connection, unary(MODELS)).await.0, status);
    }
    set(AccountBehaviour::Healthy);
    assert_eq!(Chat::ask(&mut connection, "hi").await.text, "echo: hi");
    // Another account is not concerned by a connection's end.
    set(AccountBehaviour::Down);
    assert!(Chat::ask(&mut connection, "hi").await.broken);
    let mut connection = server.connect().await;
    let mut stream = connection.stream_as(CHAT, &token("user_other")).await;
    stream.half_close();
    assert!(matches!(stream.next().await, Got::End(_)));
}
