//! The real clock and the real dice.

use std::time::{SystemTime, UNIX_EPOCH};

use gateway::Ambient;
use uuid::Uuid;

/// What the composition root injects.
#[derive(Debug)]
pub(crate) struct SystemAmbient;

impl Ambient for SystemAmbient {
    fn unix_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    /// Without randomness from the system there can be no secrets, and nothing goes on.
    fn secret_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        if let Err(error) = getrandom::fill(&mut bytes) {
            tracing::error!(%error, "the system gives no random bytes");
            std::process::abort();
        }
        bytes
    }
}

/// A key nobody can guess: 128 random bits.
pub(crate) fn random_key(prefix: &str) -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{prefix}{:032x}", u128::from_be_bytes(bytes)))
}
