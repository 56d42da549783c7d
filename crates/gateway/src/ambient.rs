//! The wall clock and the dice, injected.

use upstream::CallStamp;
use uuid::Uuid;

/// What the gateway takes from its surroundings. Waiting and deadlines use the runtime's clock,
/// which tests pause.
pub trait Ambient: Send + Sync + 'static {
    /// Milliseconds since 1970.
    fn unix_ms(&self) -> u64;
    /// A fresh random id.
    fn uuid(&self) -> Uuid;

    /// Random bytes that nobody can guess.
    fn secret_bytes(&self) -> [u8; 32];

    /// The stamp of one upstream call.
    fn stamp(&self) -> CallStamp {
        CallStamp { unix_ms: self.unix_ms(), request_id: self.uuid() }
    }
}
