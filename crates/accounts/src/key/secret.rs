//! A client key's secret and the three forms in which it is given out.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::zeroize::{Zeroize as _, Zeroizing};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};

use crate::record::{KeyHash, KeyKind};

/// Bytes of a secret.
pub(super) const SECRET: usize = 24;
/// Bytes of the form with a prefix: two of magic, the secret, two of checksum.
const FRAMED: usize = 2 + SECRET + 2;
/// What the framed form begins with in base64, whatever the kind.
pub(super) const MAGIC_TEXT: &str = "ca";
const BUILT: [u8; 2] = [0x71, 0xa1];
const MANAGED: [u8; 2] = [0x71, 0xa2];

/// 192 random bits, wiped when dropped, never printed. All forms of a key hold just these, so they
/// work, expire and are revoked together; no account's token is in them.
pub struct KeySecret(SecretBox<[u8; SECRET]>);

impl Clone for KeySecret {
    fn clone(&self) -> Self {
        Self::from_bytes(*self.0.expose_secret())
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(…)")
    }
}

/// What the framed form turned out to be.
pub(super) enum Framed {
    Whole(KeySecret),
    /// It was ours, but for a slip of the pen.
    Damaged,
    Foreign,
}

impl KeySecret {
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; SECRET]) -> Self {
        let secret = SecretBox::init_with_mut(|kept: &mut [u8; SECRET]| *kept = bytes);
        bytes.zeroize();
        Self(secret)
    }

    /// What is kept of the key. The secret is random and long, so a fast hash does.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        let mut hash = Sha256::new();
        hash.update(b"cursor-api client key v1\0");
        hash.update(self.0.expose_secret());
        KeyHash(hash.finalize().into())
    }

    /// The form with a prefix (`sk-…`), whose checksum tells a typing mistake from a strange key.
    #[must_use]
    pub fn text(&self, prefix: &str, kind: KeyKind) -> SecretString {
        let magic = match kind {
            KeyKind::Built { .. } => BUILT,
            KeyKind::Managed => MANAGED,
        };
        let mut framed = Zeroizing::new([0; FRAMED]);
        framed[..2].copy_from_slice(&magic);
        framed[2..2 + SECRET].copy_from_slice(self.0.expose_secret());
        let sum = checksum(&framed[..2 + SECRET]);
        framed[2 + SECRET..].copy_from_slice(&sum);
        // Room for all of it at once: a text that grows leaves copies behind.
        let mut text = String::with_capacity(prefix.len() + 2 * FRAMED);
        text.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(&framed[..], &mut text);
        SecretString::from(text)
    }

    /// The numeric form in base64url: 32 characters.
    #[must_use]
    pub fn number_base64(&self) -> SecretString {
        SecretString::from(URL_SAFE_NO_PAD.encode(self.0.expose_secret()))
    }

    /// The numeric form in decimal: the first 128 bits, `-`, the last 64; both big-endian.
    #[must_use]
    pub fn number(&self) -> SecretString {
        let (high, low) = self.0.expose_secret().split_at(16);
        let high = u128::from_be_bytes(high.try_into().expect("16 bytes"));
        let low = u64::from_be_bytes(low.try_into().expect("8 bytes"));
        SecretString::from(format!("{high}-{low}"))
    }

    /// Reads what [`Self::text`] writes, without the prefix.
    pub(super) fn read_framed(text: &str) -> Framed {
        let Some(framed) = decode::<FRAMED>(text) else { return Framed::Foreign };
        let (body, sum) = framed.split_at(2 + SECRET);
        let (magic, secret) = body.split_at(2);
        if magic != BUILT && magic != MANAGED {
            return Framed::Foreign;
        }
        if checksum(body) != sum {
            return Framed::Damaged;
        }
        Framed::Whole(Self::from_bytes(secret.try_into().expect("24 bytes")))
    }

    /// Reads what [`Self::number_base64`] writes.
    pub(super) fn read_base64(text: &str) -> Option<Self> {
        decode::<SECRET>(text).map(|bytes| Self::from_bytes(*bytes))
    }

    /// Reads what [`Self::number`] writes.
    pub(super) fn read_number(text: &str) -> Option<Self> {
        let (high, low) = text.split_once('-')?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(high) || !digits(low) {
            return None;
        }
        let mut bytes = Zeroizing::new([0; SECRET]);
        bytes[..16].copy_from_slice(&high.parse::<u128>().ok()?.to_be_bytes());
        bytes[16..].copy_from_slice(&low.parse::<u64>().ok()?.to_be_bytes());
        Some(Self::from_bytes(*bytes))
    }
}

/// Exactly `N` bytes in base64url, or nothing.
fn decode<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    if text.len() != (N * 4).div_ceil(3) {
        return None;
    }
    // The decoder wants room for its estimate, which may be some bytes too large.
    let mut bytes = Zeroizing::new([0; FRAMED + 4]);
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes[..]).ok()?;
    let mut exact = Zeroizing::new([0; N]);
    exact.copy_from_slice(bytes[..length].get(..N)?);
    (length == N).then_some(exact)
}

fn checksum(bytes: &[u8]) -> [u8; 2] {
    let mut hash = Sha256::new();
    hash.update(b"cursor-api client key checksum v1\0");
    hash.update(bytes);
    let hash = hash.finalize();
    [hash[0], hash[1]]
}
