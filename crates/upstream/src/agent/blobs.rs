//! The client half of the KV channel: blobs by the SHA-256 of their content, bounded.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

/// What one turn may hold. The server stores prompt parts here, images among them.
const MOST_BYTES: usize = 64 << 20;

/// Blobs of one conversation.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    by_id: HashMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

/// The store is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Blobs {
    /// Keeps content under its own hash.
    pub(super) fn add(&mut self, content: Vec<u8>) -> Vec<u8> {
        let id = Sha256::digest(&content).to_vec();
        self.bytes += content.len();
        self.by_id.insert(id.clone(), content);
        id
    }

    /// Keeps what the server hands over.
    pub(super) fn set(&mut self, id: &[u8], content: &[u8]) -> Result<(), Full> {
        if self.bytes + content.len() > MOST_BYTES {
            return Err(Full);
        }
        self.bytes += content.len();
        if let Some(old) = self.by_id.insert(id.to_vec(), content.to_vec()) {
            self.bytes -= old.len();
        }
        Ok(())
    }

    pub(super) fn get(&self, id: &[u8]) -> Option<&[u8]> {
        self.by_id.get(id).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hashes_as_in_the_vectors() {
        let text = include_str!("../../../../fixtures/vectors/agent_blobs.json");
        let file: serde_json::Value = serde_json::from_str(text).expect("fixture");
        for vector in file["vectors"].as_array().expect("vectors") {
            let content = hex::decode(vector["content_hex"].as_str().expect("hex")).expect("hex");
            let id = Blobs::default().add(content);
            assert_eq!(hex::encode(id), vector["blob_id_hex"], "{}", vector["name"]);
        }
    }

    #[test]
    fn the_store_is_bounded() {
        let mut blobs = Blobs::default();
        assert_eq!(blobs.set(b"a", &vec![0; MOST_BYTES]), Ok(()));
        assert_eq!(blobs.set(b"b", b"x"), Err(Full));
        assert!(blobs.get(b"b").is_none());
    }
}
