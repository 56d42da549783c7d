//! The headers by which the upstream knows a client (`reference/upstream-protocol.md` §5.1–5.2).
//!
//! Only what the protocol needs is sent, and every value is a setting. Machine ids are derived
//! from the account so that they stay the same over restarts.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::transport::Via;

/// Which product the gateway names itself as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientType {
    Ide,
    Cli,
}

impl ClientType {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ide => "ide",
            Self::Cli => "cli",
        }
    }
}

/// Alphabet of the checksum's eight time characters. Sources disagree and the server takes both;
/// URL-safe equals the IDE in every byte (§5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChecksumAlphabet {
    #[default]
    UrlSafe,
    Standard,
}

/// What is the same for every call.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Must be a real release; old ones are answered with "Update Required" (§15).
    pub client_version: String,
    pub client_type: ClientType,
    /// IANA name.
    pub timezone: String,
    /// `x-ghost-mode`.
    pub privacy_mode: bool,
    pub checksum_alphabet: ChecksumAlphabet,
    /// Random per program start.
    pub session_id: Uuid,
    /// `x-cursor-config-version`; a random UUID is accepted.
    pub config_version: Uuid,
}

/// What is the account's own: credential and machine.
#[derive(Debug, Clone)]
pub struct Caller {
    pub bearer: SecretString,
    pub machine: MachineIds,
    /// Overrides [`Identity::timezone`].
    pub timezone: Option<String>,
    /// `x-client-key`; none sends none.
    pub client_key: Option<String>,
    /// Overrides [`Identity::session_id`].
    pub session_id: Option<Uuid>,
    /// Overrides [`Identity::config_version`].
    pub config_version: Option<Uuid>,
    pub via: Via,
}

/// Two ids of 64 lower-case hex characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineIds {
    pub machine: String,
    pub mac_machine: String,
}

impl MachineIds {
    /// SHA-256 of the seed and a word each, as unofficial clients do (§5.2).
    #[must_use]
    pub fn derive(seed: &str) -> Self {
        Self {
            machine: hex_sha256(&[seed, "machineId"]),
            mac_machine: hex_sha256(&[seed, "macMachineId"]),
        }
    }
}

fn hex_sha256(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// `x-cursor-checksum` at an instant (§5.2): eight characters of scrambled kiloseconds, then the
/// machine ids.
#[must_use]
pub fn checksum(unix_ms: u64, machine: &MachineIds, alphabet: ChecksumAlphabet) -> String {
    let e = (unix_ms / 1_000_000).to_le_bytes();
    // JavaScript shifts 32-bit numbers: `>> 40` acts as `>> 8`, `>> 32` as `>> 0`.
    let mut bytes = [e[1], e[0], e[3], e[2], e[1], e[0]];
    let mut key = 165_u8;
    for (i, byte) in (0_u8..).zip(bytes.iter_mut()) {
        *byte = (*byte ^ key).wrapping_add(i);
        key = *byte;
    }
    let prefix = match alphabet {
        ChecksumAlphabet::UrlSafe => URL_SAFE_NO_PAD.encode(bytes),
        ChecksumAlphabet::Standard => STANDARD_NO_PAD.encode(bytes),
    };
    format!("{prefix}{}/{}", machine.machine, machine.mac_machine)
}

/// The instant and the randomness of one call; injected, so that headers are reproducible.
#[derive(Debug, Clone, Copy)]
pub struct CallStamp {
    pub unix_ms: u64,
    pub request_id: Uuid,
}

impl Identity {
    /// Writes the identity headers of one RPC.
    pub fn write(&self, caller: &Caller, stamp: CallStamp, headers: &mut HeaderMap) {
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {}", caller.bearer.expose_secret()))
                .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        headers.insert(header::USER_AGENT, HeaderValue::from_static("connect-es/1.6.1"));
        let checksum = checksum(stamp.unix_ms, &caller.machine, self.checksum_alphabet);
        let timezone = caller.timezone.as_deref().unwrap_or(&self.timezone);
        let request_id = stamp.request_id.to_string();
        let texts: [(&'static str, &str); 8] = [
            ("x-cursor-checksum", &checksum),
            ("x-cursor-client-version", &self.client_version),
            ("x-cursor-client-type", self.client_type.as_str()),
            ("x-cursor-timezone", timezone),
            ("x-ghost-mode", if self.privacy_mode { "true" } else { "false" }),
            ("x-cursor-streaming", "true"),
            ("x-request-id", &request_id),
            (
                "x-cursor-config-version",
                &caller.config_version.unwrap_or(self.config_version).to_string(),
            ),
        ];
        for (name, value) in texts {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        if let Some(key) = &caller.client_key
            && let Ok(mut value) = HeaderValue::from_str(key)
        {
            value.set_sensitive(true);
            headers.insert("x-client-key", value);
        }
        let session_id = caller.session_id.unwrap_or(self.session_id);
        if let Ok(value) = HeaderValue::from_str(&session_id.to_string()) {
            headers.insert("x-session-id", value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(text: &str) -> Vec<serde_json::Value> {
        let file: serde_json::Value = serde_json::from_str(text).expect("fixture");
        file["vectors"].as_array().expect("vectors").clone()
    }

    #[test]
    fn checksum_vectors_by_name() {
        let names: Vec<String> = [
            1_700_000_000_000_u64,
            1_733_000_000_000,
            1_769_525_000_000,
            1_769_525_999_999,
            1_769_526_000_000,
            1_783_609_000_000,
            1_790_000_123_456,
            1_800_000_000_000,
            2_000_000_000_000,
        ]
        .iter()
        .map(|ms| format!("checksum_{ms}"))
        .collect();
        let vectors = vectors(include_str!("../../../fixtures/vectors/checksum.json"));
        let found: Vec<&str> = vectors.iter().map(|v| v["name"].as_str().expect("name")).collect();
        assert_eq!(found, names);
        for vector in &vectors {
            let text = |key: &str| vector[key].as_str().expect(key).to_owned();
            let machine =
                MachineIds { machine: text("machine_id"), mac_machine: text("mac_machine_id") };
            let unix_ms = vector["unix_ms"].as_u64().expect("unix_ms");
            let header = checksum(unix_ms, &machine, ChecksumAlphabet::UrlSafe);
            assert_eq!(header, text("header_two_ids"));
            assert_eq!(header.len(), 137);
            let standard = checksum(unix_ms, &machine, ChecksumAlphabet::Standard);
            assert_eq!(standard[..8], text("prefix_standard"));
        }
    }

    #[test]
    fn machine_ids_follow_the_auth_vector() {
        let vectors = vectors(include_str!("../../../fixtures/vectors/auth.json"));
        let vector =
            vectors.iter().find(|v| v["name"] == "machine_ids_from_token").expect("vector");
        let ids = MachineIds::derive(vector["token"].as_str().expect("token"));
        assert_eq!(ids.machine, vector["machine_id"]);
        assert_eq!(ids.mac_machine, vector["mac_machine_id"]);
    }

    #[test]
    fn the_bearer_is_marked_sensitive_and_never_printed() {
        let identity = Identity {
            client_version: "2.6.21".into(),
            client_type: ClientType::Ide,
            timezone: "UTC".into(),
            privacy_mode: true,
            checksum_alphabet: ChecksumAlphabet::default(),
            session_id: Uuid::nil(),
            config_version: Uuid::nil(),
        };
        let caller = Caller {
            bearer: SecretString::from("synthetic-canary"),
            machine: MachineIds::derive("seed"),
            timezone: None,
            client_key: None,
            session_id: None,
            config_version: None,
            via: Via::Direct,
        };
        let mut headers = HeaderMap::new();
        let stamp = CallStamp { unix_ms: 1_769_525_000_000, request_id: Uuid::nil() };
        identity.write(&caller, stamp, &mut headers);
        assert!(!format!("{headers:?} {caller:?}").contains("canary"));
        assert_eq!(headers["x-ghost-mode"], "true");
        assert!(headers["x-cursor-checksum"].to_str().expect("text").starts_with("pZGTi4-_"));
    }
}
