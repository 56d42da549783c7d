//! The agent run over HTTP/1.1: a server stream and appended client messages.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cursor_proto::agent::AgentClientMessage;
use serde_json::Value;

use crate::fixture::{Vector, unhex, vector};
use crate::{meaning, messages};

vectors!(
    "agent_http1",
    check_http1,
    [
        run_sse_request,
        append_0_run_minimal,
        append_1_kv_set_ok,
        append_2_exec_result_request_context,
        append_3_client_heartbeat,
        append_binary,
        append_response,
        poll_response,
        name_agent,
        name_agent_response,
    ]
);

fn check_http1(message: &Vector) {
    let message_type = message.text("message_type");
    let wire = if message.name() == MISWRITTEN { corrected(message) } else { message.bytes("hex") };
    messages::check_message(message, &wire);
    if let Some(body) = message.get("connect_json_body") {
        // The JSON form of the same call: camelCase names, defaults written out.
        messages::check_wire(message_type, &wire, body);
    }
    if let Some(appended) = appended(message.value("json")) {
        let _: AgentClientMessage = messages::decode(&appended);
        let unknown = meaning::unknown_fields("agent.v1.AgentClientMessage", &appended);
        assert!(unknown.is_empty(), "{unknown:?}");
        if let Some(client) = message.name().strip_prefix("append_").and_then(client_vector) {
            assert_eq!(appended, vector("agent_client", client).bytes("hex"));
        }
    }
}

/// The one vector that contradicts itself. It carries the client message as hex text, in which
/// the folder `/home/demo` is `/work/demo` in `hex` only; `json`, `connect_json_body` and the
/// vector of the client message itself agree on `/home/demo`.
const MISWRITTEN: &str = "append_2_exec_result_request_context";

fn corrected(message: &Vector) -> Vec<u8> {
    // Hex of the text in `data`, which is itself hex.
    let twice = |folder: &str| hex::encode(hex::encode(folder));
    let (wrong, right) = (twice("/work/demo"), twice("/home/demo"));
    let wire = message.text("hex");
    assert_eq!(wire.matches(&wrong).count(), 2, "the vector was corrected: drop this exception");
    unhex(&wire.replace(&wrong, &right))
}

/// The client message inside a `BidiAppendRequest`: hex text, or bytes in the newer form.
fn appended(request: &Value) -> Option<Vec<u8>> {
    request.get("request_id")?.get("request_id")?;
    match (request.get("data"), request.get("data_binary")) {
        (Some(Value::String(data)), None) => Some(unhex(data)),
        (None, Some(Value::String(data))) => Some(STANDARD.decode(data).expect("base64")),
        _ => panic!("one form of data: {request}"),
    }
}

/// `0_run_minimal` is the vector `run_minimal`, `binary` carries that one too.
fn client_vector(rest: &str) -> Option<&str> {
    match rest {
        "binary" => Some("run_minimal"),
        _ => rest.split_once('_').map(|(_number, name)| name),
    }
}
