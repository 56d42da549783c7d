//! What the upstream keeps at the client between the turns of one conversation.
//!
//! On the agent flow that is the last checkpoint and the blobs it names (agent.md, "System prompt
//! and history"); on the chat flow only the conversation's id. Nobody outside the flows looks
//! inside.

use std::sync::Arc;

use crate::agent::AgentMemory;

/// The memory of one conversation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Kept>);

#[derive(Debug)]
enum Kept {
    Agent(Box<AgentMemory>),
    Chat { conversation_id: String },
}

impl Memory {
    pub(crate) fn of_agent(memory: AgentMemory) -> Self {
        Self(Arc::new(Kept::Agent(Box::new(memory))))
    }

    pub(crate) fn of_chat(conversation_id: String) -> Self {
        Self(Arc::new(Kept::Chat { conversation_id }))
    }

    /// What the agent flow kept; `None` if another flow made it.
    pub(crate) fn agent(&self) -> Option<&AgentMemory> {
        match &*self.0 {
            Kept::Agent(memory) => Some(memory),
            Kept::Chat { .. } => None,
        }
    }

    /// The conversation's id on the chat flow; `None` if another flow made it.
    pub(crate) fn chat(&self) -> Option<&str> {
        match &*self.0 {
            Kept::Agent(_) => None,
            Kept::Chat { conversation_id } => Some(conversation_id),
        }
    }

    /// How much it holds, in bytes; to bound what is kept of many conversations.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &*self.0 {
            Kept::Agent(memory) => memory.bytes(),
            Kept::Chat { conversation_id } => conversation_id.len(),
        }
    }
}
