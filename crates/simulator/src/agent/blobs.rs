//! Blobs of agent.v1: content under its SHA-256, kept by the client.
//!
//! What the server stores there and the checkpoint that refers to it
//! (`reference/messages/agent.md`, "Blob format").

use cursor_proto::Message as _;
use cursor_proto::agent::{
    AgentConversationTurnStructure, AssistantMessage, ConversationStep, ConversationTurnStructure,
    UserMessage,
};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// One blob.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) id: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

impl Blob {
    pub(crate) fn new(data: Vec<u8>) -> Self {
        Self { id: id_of(&data), data }
    }

    fn root(role: &str, content: Content<'_>, id: Option<&str>) -> Self {
        Self::new(serde_json::to_vec(&Root { role, content, id }).unwrap_or_default())
    }

    /// The server's own system prompt.
    pub(crate) fn system() -> Self {
        Self::root("system", Content::Plain("You are a helpful assistant."), None)
    }

    /// A user message as the prompt holds it.
    pub(crate) fn user(text: &str) -> Self {
        Self::root("user", Content::Parts(vec![Part::text(text)]), None)
    }

    /// The final message of a turn; `calls` are the parts of its tool calls.
    pub(crate) fn assistant(text: &str, calls: &[Value]) -> Self {
        let mut content = Vec::with_capacity(calls.len() + 1);
        if !text.is_empty() || calls.is_empty() {
            content.push(Part::text(text));
        }
        content.extend(calls.iter().map(Part::Other));
        Self::root("assistant", Content::Parts(content), Some("1"))
    }
}

/// A root message; its fields in the order of the captured ones.
#[derive(Serialize)]
struct Root<'a> {
    role: &'a str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Plain(&'a str),
    Parts(Vec<Part<'a>>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Part<'a> {
    Text {
        #[serde(rename = "type")]
        kind: &'a str,
        text: &'a str,
    },
    Other(&'a Value),
}

impl<'a> Part<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text { kind: "text", text }
    }
}

/// The id of a blob.
pub(crate) fn id_of(data: &[u8]) -> Vec<u8> {
    Sha256::digest(data).to_vec()
}

/// The blobs of a finished turn, the turn itself last.
pub(crate) fn turn(user: &UserMessage, text: &str, request_id: Option<String>) -> Vec<Blob> {
    let user = Blob::new(user.encode_to_vec());
    let step = ConversationStep {
        message: AssistantMessage { text: text.to_owned(), ..Default::default() }.into(),
        ..Default::default()
    };
    let step = Blob::new(step.encode_to_vec());
    let turn = AgentConversationTurnStructure {
        user_message: user.id.clone(),
        steps: vec![step.id.clone()],
        request_id,
        ..Default::default()
    };
    let turn = ConversationTurnStructure { turn: turn.into(), ..Default::default() };
    vec![user, step, Blob::new(turn.encode_to_vec())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_and_ids_of_the_vectors() {
        let text = include_str!("../../../../fixtures/vectors/agent_blobs.json");
        let all: Value = serde_json::from_str(text).expect("a JSON file");
        let vectors = all["vectors"].as_array().into_iter().flatten();
        let known: Vec<_> =
            vectors.map(|v| (v["blob_id_hex"].clone(), v["content_text"].clone())).collect();
        for blob in [Blob::system(), Blob::user("What is 2+2?"), Blob::assistant("Hello", &[])] {
            let content = String::from_utf8(blob.data).expect("text");
            let vector = (Value::from(hex::encode(&blob.id)), Value::from(content));
            assert!(known.contains(&vector), "{vector:?}");
        }
    }

    #[test]
    fn a_turn_refers_to_its_parts() {
        let user = UserMessage { text: "q".into(), ..Default::default() };
        let blobs = turn(&user, "a", None);
        let last = blobs.last().expect("the turn");
        for part in &blobs[..2] {
            assert!(last.data.windows(32).any(|window| window == part.id));
        }
    }
}
