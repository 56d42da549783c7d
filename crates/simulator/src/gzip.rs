//! gzip with a limit on what it may expand to.
//!
//! The simulator's own, so that a mistake of the client's codec does not cancel itself out.

use std::io::{Read, Write};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};

/// Why a compressed body or frame was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GzipError {
    Corrupt,
    TooLarge,
}

/// Compresses a message.
pub(crate) fn compress(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(data.len() / 2 + 32), Compression::new(6));
    // Writing to memory does not fail.
    let _ = encoder.write_all(data);
    encoder.finish().unwrap_or_default()
}

/// Expands to at most `limit` bytes.
pub(crate) fn expand(data: &[u8], limit: usize) -> Result<Vec<u8>, GzipError> {
    let mut out = Vec::new();
    let one_more = u64::try_from(limit).map_or(u64::MAX, |limit| limit.saturating_add(1));
    MultiGzDecoder::new(data)
        .take(one_more)
        .read_to_end(&mut out)
        .map_err(|_| GzipError::Corrupt)?;
    if out.len() > limit { Err(GzipError::TooLarge) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let text = b"hello ".repeat(1000);
        assert_eq!(expand(&compress(&text), text.len()), Ok(text));
    }

    #[test]
    fn a_bomb_is_bounded() {
        let bomb = compress(&vec![0; 1 << 20]);
        assert!(bomb.len() < 4096);
        assert_eq!(expand(&bomb, 1 << 16), Err(GzipError::TooLarge));
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(expand(b"no gzip", 100), Err(GzipError::Corrupt));
        assert_eq!(expand(&compress(b"hello")[..12], 100), Err(GzipError::Corrupt));
    }
}
