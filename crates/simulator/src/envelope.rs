//! Connect envelopes: one byte of flags, four bytes of length (big endian), the payload.
//!
//! Reads frames cut anywhere and writes frames into a shared chunk. Own code on purpose: the
//! client must not be tested against its own framing (`reference/upstream-protocol.md` §3.3).

use bytes::{Buf, BufMut, Bytes, BytesMut};
use cursor_proto::Message;

use crate::gzip::{self, GzipError};

/// The payload is gzip.
pub(crate) const COMPRESSED: u8 = 0x01;
/// The payload is the end-of-stream JSON.
pub(crate) const END: u8 = 0x02;
/// The largest message, before and after expansion. The server's own limit is not known; clients
/// refuse frames above this.
pub(crate) const MAX_MESSAGE: usize = 64 << 20;

const HEADER: usize = 5;

/// Why a request frame was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameError {
    /// A flag that a client may not set.
    Flags(u8),
    /// Longer than [`MAX_MESSAGE`], or expands to more.
    TooLarge,
    /// Not gzip although the flag says so.
    Corrupt,
    /// Compressed although the headers did not announce it.
    Unannounced,
}

/// Cuts a byte stream into request messages.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    buffer: BytesMut,
    gzip: bool,
}

impl Decoder {
    /// `gzip`: whether the request headers announced compressed frames.
    pub(crate) fn new(gzip: bool) -> Self {
        Self { buffer: BytesMut::new(), gzip }
    }

    /// Adds received bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether a frame was begun and not finished.
    pub(crate) fn is_cut(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The next whole message, expanded.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(&[flags, a, b, c, d]) = self.buffer.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if flags & !COMPRESSED != 0 {
            return Err(FrameError::Flags(flags));
        }
        if length > MAX_MESSAGE {
            return Err(FrameError::TooLarge);
        }
        if self.buffer.len() < HEADER + length {
            return Ok(None);
        }
        self.buffer.advance(HEADER);
        let payload = self.buffer.split_to(length).freeze();
        if flags & COMPRESSED == 0 {
            return Ok(Some(payload));
        }
        if !self.gzip {
            return Err(FrameError::Unannounced);
        }
        match gzip::expand(&payload, MAX_MESSAGE) {
            Ok(expanded) => Ok(Some(expanded.into())),
            Err(GzipError::TooLarge) => Err(FrameError::TooLarge),
            Err(GzipError::Corrupt) => Err(FrameError::Corrupt),
        }
    }
}

/// Appends a message frame.
pub(crate) fn put_message(out: &mut BytesMut, message: &impl Message, compressed: bool) {
    if compressed {
        put(out, COMPRESSED, &gzip::compress(&message.encode_to_vec()));
        return;
    }
    // Encoded in place: the length is written when it is known.
    let start = out.len();
    out.put_bytes(0, HEADER);
    message.encode(out);
    let length = wire_length(out.len() - start - HEADER);
    out[start + 1..start + HEADER].copy_from_slice(&length);
}

/// Appends a frame with this payload.
pub(crate) fn put(out: &mut BytesMut, flags: u8, payload: &[u8]) {
    out.reserve(HEADER + payload.len());
    out.put_u8(flags);
    out.put_slice(&wire_length(payload.len()));
    out.put_slice(payload);
}

fn wire_length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use cursor_proto::agent::TextDeltaUpdate;

    use super::*;

    fn drain(decoder: &mut Decoder) -> Vec<Bytes> {
        let mut all = Vec::new();
        while let Some(message) = decoder.next().expect("well-formed") {
            all.push(message);
        }
        all
    }

    #[test]
    fn cut_anywhere() {
        let mut wire = BytesMut::new();
        put(&mut wire, 0, b"first");
        put(&mut wire, 0, b"");
        put(&mut wire, COMPRESSED, &gzip::compress(b"third"));
        for cut in 0..=wire.len() {
            let mut decoder = Decoder::new(true);
            decoder.push(&wire[..cut]);
            let mut all = drain(&mut decoder);
            decoder.push(&wire[cut..]);
            all.extend(drain(&mut decoder));
            assert_eq!(all, [&b"first"[..], b"", b"third"], "cut at {cut}");
            assert!(!decoder.is_cut());
        }
        let mut decoder = Decoder::new(true);
        let mut all = Vec::new();
        for byte in &wire {
            decoder.push(&[*byte]);
            all.extend(drain(&mut decoder));
        }
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn refusals() {
        let next = |bytes: &[u8], gzip| {
            let mut decoder = Decoder::new(gzip);
            decoder.push(bytes);
            decoder.next()
        };
        assert_eq!(next(b"\x04\0\0\0\0", true), Err(FrameError::Flags(4)));
        assert_eq!(next(b"\x02\0\0\0\0", true), Err(FrameError::Flags(2)));
        assert_eq!(next(b"\0\xff\xff\xff\xff", true), Err(FrameError::TooLarge));
        assert_eq!(next(b"\x01\0\0\0\x01x", true), Err(FrameError::Corrupt));
        assert_eq!(next(b"\x01\0\0\0\x01x", false), Err(FrameError::Unannounced));
        assert_eq!(next(b"\0\0\0\0\x02x", true), Ok(None));
    }

    #[test]
    fn messages_are_written_in_place() {
        let message = TextDeltaUpdate { text: "Hello".into(), ..Default::default() };
        let mut wire = BytesMut::from(&b"before"[..]);
        put_message(&mut wire, &message, false);
        assert_eq!(&wire[..], b"before\0\0\0\0\x07\x0a\x05Hello");
        let mut compressed = BytesMut::new();
        put_message(&mut compressed, &message, true);
        let mut decoder = Decoder::new(true);
        decoder.push(&compressed);
        assert_eq!(drain(&mut decoder), [&b"\x0a\x05Hello"[..]]);
    }
}
