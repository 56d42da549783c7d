//! All client keys, found by their hash.

use std::collections::HashMap;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use crate::id::{KeyId, UnixMs};
use crate::record::{KeyHash, KeyRecord};

/// Finding a key takes as long among 100,000 as among ten.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    by_id: HashMap<KeyId, Arc<KeyRecord>>,
    /// Present and previous hashes.
    by_hash: HashMap<KeyHash, Arc<KeyRecord>>,
}

/// Why a key does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    #[error("the key is not known")]
    Unknown,
    /// Also: it was rotated, and its grace is over.
    #[error("the key has expired")]
    Expired,
    #[error("the key was revoked")]
    Revoked,
}

impl KeyRing {
    #[must_use]
    pub fn new(keys: Vec<KeyRecord>) -> Self {
        let mut ring = Self::default();
        keys.into_iter().for_each(|key| ring.put(key));
        ring
    }

    /// The key whose hash this is, before or after its rotation.
    ///
    /// # Errors
    /// There is none, or it is not accepted now.
    pub fn find(&self, hash: &KeyHash, now: UnixMs) -> Result<&Arc<KeyRecord>, KeyProblem> {
        let key = self.by_hash.get(hash).ok_or(KeyProblem::Unknown)?;
        let same = |kept: &KeyHash| bool::from(kept.0.ct_eq(&hash.0));
        let until = if same(&key.hash) {
            key.expires
        } else {
            let previous = key.previous.filter(|(kept, _)| same(kept));
            let (_, grace) = previous.ok_or(KeyProblem::Unknown)?;
            Some(key.expires.map_or(grace, |expires| expires.min(grace)))
        };
        if key.revoked.is_some() {
            return Err(KeyProblem::Revoked);
        }
        if until.is_some_and(|until| until <= now) {
            return Err(KeyProblem::Expired);
        }
        Ok(key)
    }

    /// Puts a key in, or replaces the one of the same id.
    pub fn put(&mut self, key: KeyRecord) {
        self.remove(&key.id);
        let key = Arc::new(key);
        for hash in hashes(&key) {
            self.by_hash.insert(hash, Arc::clone(&key));
        }
        self.by_id.insert(key.id.clone(), key);
    }

    pub fn remove(&mut self, id: &KeyId) {
        let Some(key) = self.by_id.remove(id) else { return };
        for hash in hashes(&key) {
            if self.by_hash.get(&hash).is_some_and(|kept| kept.id == *id) {
                self.by_hash.remove(&hash);
            }
        }
    }

    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&Arc<KeyRecord>> {
        self.by_id.get(id)
    }

    /// In no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<KeyRecord>> {
        self.by_id.values()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

fn hashes(key: &KeyRecord) -> impl Iterator<Item = KeyHash> + use<> {
    [Some(key.hash), key.previous.map(|(hash, _)| hash)].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeySecret;
    use crate::record::{KeyKind, KeyLimits, KeyOptions};

    const NOW: UnixMs = UnixMs(1_000_000);

    fn hash(number: u64) -> KeyHash {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        KeySecret::from_bytes(bytes).hash()
    }

    fn key(number: u64) -> KeyRecord {
        KeyRecord {
            id: KeyId::new(format!("key_{number}")),
            name: "n".into(),
            kind: KeyKind::Managed,
            hash: hash(number),
            previous: None,
            created: UnixMs(0),
            expires: None,
            revoked: None,
            options: KeyOptions::default(),
            limits: KeyLimits::default(),
        }
    }

    fn find(ring: &KeyRing, number: u64, now: UnixMs) -> Result<&str, KeyProblem> {
        ring.find(&hash(number), now).map(|key| key.id.as_str())
    }

    #[test]
    fn a_key_is_found_until_it_expires_or_is_revoked() {
        let mut ring = KeyRing::new(vec![key(1), KeyRecord { expires: Some(NOW), ..key(2) }]);
        assert_eq!(find(&ring, 1, NOW), Ok("key_1"));
        assert_eq!(find(&ring, 2, UnixMs(NOW.0 - 1)), Ok("key_2"));
        assert_eq!(find(&ring, 2, NOW), Err(KeyProblem::Expired));
        assert_eq!(find(&ring, 3, NOW), Err(KeyProblem::Unknown));
        ring.put(KeyRecord { revoked: Some(NOW), ..key(1) });
        assert_eq!(find(&ring, 1, NOW), Err(KeyProblem::Revoked));
        assert_eq!(ring.len(), 2);
        ring.remove(&KeyId::new("key_1"));
        assert_eq!(find(&ring, 1, NOW), Err(KeyProblem::Unknown));
        assert!(ring.get(&KeyId::new("key_1")).is_none() && ring.iter().count() == 1);
    }

    #[test]
    fn the_key_before_a_rotation_works_while_its_grace_lasts() {
        let rotated = KeyRecord { previous: Some((hash(1), NOW)), hash: hash(9), ..key(1) };
        let mut ring = KeyRing::new(vec![key(1)]);
        ring.put(rotated.clone());
        let before = UnixMs(NOW.0 - 1);
        assert_eq!(find(&ring, 9, before), Ok("key_1"));
        assert_eq!(find(&ring, 1, before), Ok("key_1"));
        assert_eq!(find(&ring, 9, NOW), Ok("key_1"));
        assert_eq!(find(&ring, 1, NOW), Err(KeyProblem::Expired));
        // The whole key expires earlier than the grace of its predecessor.
        ring.put(KeyRecord { expires: Some(before), ..rotated.clone() });
        assert_eq!(find(&ring, 1, before), Err(KeyProblem::Expired));
        // Rotated once more: the first one is forgotten.
        ring.put(KeyRecord { previous: Some((hash(9), NOW)), hash: hash(10), ..rotated });
        assert_eq!(find(&ring, 1, before), Err(KeyProblem::Unknown));
        assert_eq!(find(&ring, 9, before), Ok("key_1"));
    }

    #[test]
    fn a_hundred_thousand_keys_are_all_found() {
        let ring = KeyRing::new((0..100_000).map(key).collect());
        for number in (0..100_000).step_by(7) {
            assert_eq!(find(&ring, number, NOW), Ok(format!("key_{number}").as_str()));
        }
        assert_eq!(find(&ring, 100_000, NOW), Err(KeyProblem::Unknown));
    }
}
