//! The agent's side of a conversation's memory: where a follow-up turn goes on.

use cursor_proto::agent::ConversationStateStructure;

use super::blobs::Blobs;

/// What a run left for the next one.
#[derive(Debug, Clone)]
pub(crate) struct AgentMemory {
    pub(super) conversation_id: String,
    /// The last checkpoint as it arrived; fields that we do not know are in it.
    pub(super) checkpoint: Option<ConversationStateStructure>,
    /// Its size on the wire.
    pub(super) checkpoint_bytes: usize,
    /// What the server stored here, the parts of the checkpoint among it.
    pub(super) blobs: Blobs,
}

impl AgentMemory {
    pub(crate) fn bytes(&self) -> usize {
        self.conversation_id.len() + self.checkpoint_bytes + self.blobs.bytes()
    }
}
