//! The agent's side of a conversation's memory: where a follow-up turn goes on.

use bytes::Bytes;
use cursor_proto::Message as _;
use cursor_proto::agent::oneof::agent_server_message::Message;
use cursor_proto::agent::{AgentServerMessage, ConversationStateStructure};

use super::blobs::Blobs;

/// What a run left for the next one.
#[derive(Debug, Clone)]
pub(crate) struct AgentMemory {
    pub(super) conversation_id: String,
    /// The server's message with the last checkpoint, as it arrived: most are never read, and
    /// fields that we do not know are in it.
    pub(super) checkpoint: Option<Bytes>,
    /// What the server stored here, the parts of the checkpoint among it.
    pub(super) blobs: Blobs,
}

impl AgentMemory {
    pub(crate) fn bytes(&self) -> usize {
        let checkpoint = self.checkpoint.as_ref().map_or(0, Bytes::len);
        self.conversation_id.len() + checkpoint + self.blobs.bytes()
    }

    /// The last checkpoint; empty if there was none.
    pub(super) fn state(&self) -> ConversationStateStructure {
        let message = self.checkpoint.as_deref().map(AgentServerMessage::decode_from_slice);
        match message {
            Some(Ok(AgentServerMessage {
                message: Some(Message::ConversationCheckpointUpdate(checkpoint)),
                ..
            })) => *checkpoint,
            Some(_) | None => ConversationStateStructure::default(),
        }
    }
}
