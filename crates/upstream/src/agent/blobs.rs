//! The client half of the KV channel: blobs by the SHA-256 of their content, bounded.

use std::collections::HashMap;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// What one conversation may hold. The server stores prompt parts here, images among them.
const MOST_BYTES: usize = 64 << 20;

/// Above this a conversation starts afresh, so that the next turn has room.
const NEARLY_FULL: usize = MOST_BYTES / 4 * 3;

/// Blobs of one conversation. Those of our own history are rebuilt every turn and are no part of
/// what is remembered. Cheap to clone by the blob.
#[derive(Debug, Default, Clone)]
pub(super) struct Blobs {
    own: HashMap<Vec<u8>, Bytes>,
    own_bytes: usize,
    stored: HashMap<Vec<u8>, Bytes>,
    stored_bytes: usize,
}

/// What a blob counts: empty ones are not for nothing.
fn cost(id: &[u8], content: &[u8]) -> usize {
    const ENTRY: usize = 64;
    id.len() + content.len() + ENTRY
}

/// The store is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Blobs {
    /// Keeps content of ours under its own hash.
    pub(super) fn add(&mut self, content: Vec<u8>) -> Vec<u8> {
        let id = Sha256::digest(&content).to_vec();
        self.own_bytes += cost(&id, &content);
        self.own.insert(id.clone(), content.into());
        id
    }

    /// Keeps what the server hands over.
    pub(super) fn set(&mut self, id: &[u8], content: &[u8]) -> Result<(), Full> {
        let replaced = self.stored.get(id).map_or(0, |old| cost(id, old));
        let bytes = self.stored_bytes - replaced + cost(id, content);
        if bytes > MOST_BYTES {
            return Err(Full);
        }
        self.stored_bytes = bytes;
        self.stored.insert(id.to_vec(), Bytes::copy_from_slice(content));
        Ok(())
    }

    pub(super) fn get(&self, id: &[u8]) -> Option<&[u8]> {
        self.stored.get(id).or_else(|| self.own.get(id)).map(|content| &content[..])
    }

    /// What the server stored, without our own.
    pub(super) fn remembered(&self) -> Self {
        Self {
            own: HashMap::new(),
            own_bytes: 0,
            stored: self.stored.clone(),
            stored_bytes: self.stored_bytes,
        }
    }

    /// What the server stored, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.stored_bytes
    }

    /// Everything, our own history included.
    pub(super) fn all_bytes(&self) -> usize {
        self.own_bytes + self.stored_bytes
    }

    pub(super) fn is_nearly_full(&self) -> bool {
        self.stored_bytes > NEARLY_FULL
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
        assert_eq!(blobs.set(b"a", &vec![0; MOST_BYTES - cost(b"a", b"")]), Ok(()));
        assert_eq!(blobs.set(b"b", b""), Err(Full));
        assert!(blobs.get(b"b").is_none());
    }

    #[test]
    fn a_blob_that_is_stored_again_counts_once() {
        let mut blobs = Blobs::default();
        for _ in 0..3 {
            assert_eq!(blobs.set(b"a", &vec![0; MOST_BYTES / 2]), Ok(()));
        }
        assert_eq!(blobs.bytes(), cost(b"a", b"") + MOST_BYTES / 2);
    }

    #[test]
    fn only_what_the_server_stored_is_remembered() {
        let mut blobs = Blobs::default();
        let own = blobs.add(b"ours".to_vec());
        blobs.set(b"theirs", b"x").expect("room");
        let remembered = blobs.remembered();
        assert_eq!(remembered.get(&own), None);
        assert_eq!(remembered.get(b"theirs"), Some(&b"x"[..]));
        assert_eq!(remembered.bytes(), cost(b"theirs", b"x"));
    }
}
