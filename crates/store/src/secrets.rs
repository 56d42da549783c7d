//! Encryption at rest: XChaCha20-Poly1305, one fresh nonce per text.
//!
//! A sealed text is `version (1) | key id (4) | nonce (24) | ciphertext and tag`. Table, column and
//! row are authenticated with it, so that who can write to the file cannot pass one row's secret
//! off as another's. An older secret of the same place does still fit.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::key::MasterKey;
use crate::{Random, StoreError};

const VERSION: u8 = 1;
const HEAD: usize = 1 + 4 + 24;

/// Where a sealed text belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) row: &'a str,
}

impl Place<'_> {
    /// Our own names hold no NUL and the row comes last, so no two places look the same.
    fn authenticated(&self) -> Vec<u8> {
        format!("cursor-api store\0{}\0{}\0{}", self.table, self.column, self.row).into_bytes()
    }

    fn unreadable(&self, why: &str) -> StoreError {
        StoreError::Key(format!("{}.{} of {:?} {why}", self.table, self.column, self.row))
    }
}

/// Seals with one key, and opens.
pub(crate) struct Vault {
    pub(crate) opener: Opener,
    random: Random,
}

impl Vault {
    pub(crate) fn new(key: &MasterKey, random: Random) -> Self {
        Self { opener: Opener::new(key), random }
    }

    pub(crate) fn seal(&self, place: Place<'_>, text: &str) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; 24];
        (self.random)(&mut nonce);
        let payload = Payload { msg: text.as_bytes(), aad: &place.authenticated() };
        let sealed =
            self.opener.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| {
                StoreError::Unavailable("a text is too large to encrypt".to_owned())
            })?;
        let mut blob = Vec::with_capacity(HEAD + sealed.len());
        blob.push(VERSION);
        blob.extend_from_slice(&self.opener.key_id);
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }
}

/// Opens what was sealed with one key.
pub(crate) struct Opener {
    cipher: XChaCha20Poly1305,
    key_id: [u8; 4],
}

impl Opener {
    pub(crate) fn new(key: &MasterKey) -> Self {
        let key = key.0.expose_secret();
        let digest =
            Sha256::new().chain_update(b"cursor-api key id\0").chain_update(key).finalize();
        let mut key_id = [0; 4];
        key_id.copy_from_slice(&digest[..4]);
        Self { cipher: XChaCha20Poly1305::new(key.into()), key_id }
    }

    /// Whether both work with the same key.
    pub(crate) fn same_key(&self, other: &Self) -> bool {
        self.key_id == other.key_id
    }

    /// # Errors
    /// Another key sealed it, or it was altered or belongs elsewhere.
    pub(crate) fn open(&self, place: Place<'_>, blob: &[u8]) -> Result<SecretString, StoreError> {
        let damaged = || place.unreadable("was altered or belongs to another record");
        let Some((head, sealed)) = blob.split_at_checked(HEAD) else {
            return Err(damaged());
        };
        if head[0] != VERSION {
            return Err(place.unreadable("was encrypted by a newer version of cursor-api"));
        }
        if head[1..5] != self.key_id {
            return Err(StoreError::Key(format!(
                "it was written with the key {}, and the one at hand is {}",
                hex::encode(&head[1..5]),
                hex::encode(self.key_id)
            )));
        }
        let mut nonce = [0; 24];
        nonce.copy_from_slice(&head[5..]);
        let payload = Payload { msg: sealed, aad: &place.authenticated() };
        let text = self.cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| damaged())?;
        String::from_utf8(text).map(SecretString::from).map_err(|error| {
            error.into_bytes().zeroize();
            damaged()
        })
    }
}
