//! Blobs that the server keeps at the client, named by their hash.
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::fixture::Vector;
use crate::{meaning, messages};

vectors!(
    "agent_blobs",
    check_blob,
    [
        json_root_message_system_e48112da = "JSON_root_message_(system)_e48112da",
        json_root_message_user_c4d25410 = "JSON_root_message_(user)_c4d25410",
        json_root_message_assistant_e73f3417 = "JSON_root_message_(assistant)_e73f3417",
        agent_v1_user_message_2051fd2c = "agent.v1.UserMessage_2051fd2c",
        agent_v1_conversation_step_5f6f39bc = "agent.v1.ConversationStep_5f6f39bc",
        agent_v1_conversation_turn_structure_d8e467c5 =
            "agent.v1.ConversationTurnStructure_d8e467c5",
        final_assistant_message_as_the_server_st_b9302ed9,
    ]
);

fn check_blob(blob: &Vector) {
    let content = blob.bytes("content_hex");
    let id = Sha256::digest(&content);
    assert_eq!(id.as_slice(), blob.bytes("blob_id_hex"), "the id is the hash of the content");
    match blob.get("content_text").and_then(Value::as_str) {
        Some(text) => {
            assert_eq!(text.as_bytes(), content);
            let json: Value = serde_json::from_str(text).expect("a message of the model is JSON");
            assert!(json["role"].is_string() && !json["content"].is_null(), "{json}");
        }
        None => check_message(blob.text("what"), &content),
    }
}

/// No JSON is given, so the second implementation makes it from the bytes.
fn check_message(message_type: &str, content: &[u8]) {
    let unknown = meaning::unknown_fields(message_type, content);
    assert!(unknown.is_empty(), "{unknown:?}");
    messages::check_wire(message_type, content, &meaning::read(message_type, content));
}
