//! Connect envelopes: bytes in, frames out (`reference/upstream-protocol.md` §3.3).
//!
//! A machine without I/O. It knows flags, lengths and gzip; what a payload means is the caller's.
//! The declared length is checked before anything is reserved, and the expanded size while
//! expanding.

use std::sync::LazyLock;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use connectrpc::{CompressionRegistry, GzipProvider};
use cursor_proto::Message;

const HEADER: usize = 5;
const COMPRESSED: u8 = 0x01;
const END: u8 = 0x02;

/// Requests of this size and more are compressed where that makes them smaller (§3.3).
const COMPRESS_FROM: usize = 1024;

/// One decoded frame, already expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Message(Bytes),
    /// The JSON of the end-of-stream frame; may be empty, which means success.
    End(Bytes),
}

/// Bytes that are not a legal frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("frame of {length} bytes exceeds the limit of {limit}")]
    TooLong { length: usize, limit: usize },
    #[error("reserved flag bits {0:#04x}")]
    ReservedFlags(u8),
    #[error("frame does not expand: {0}")]
    Gzip(String),
    #[error("data after the end-of-stream frame")]
    AfterEnd,
}

/// Cuts a byte stream into frames. Pieces may be cut anywhere.
pub struct EnvelopeDecoder {
    buffer: BytesMut,
    /// A whole chunk taken without copying while `buffer` is empty.
    chunk: Bytes,
    limit: usize,
    ended: bool,
}

impl std::fmt::Debug for EnvelopeDecoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvelopeDecoder")
            .field("buffered", &(self.buffer.len() + self.chunk.len()))
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl EnvelopeDecoder {
    /// `limit` bounds the payload in bytes, before and after expansion.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), chunk: Bytes::new(), limit, ended: false }
    }

    /// Takes more bytes of the body.
    pub fn push(&mut self, bytes: Bytes) {
        if self.buffer.is_empty() && self.chunk.is_empty() {
            self.chunk = bytes;
            return;
        }
        if !self.chunk.is_empty() {
            self.buffer.extend_from_slice(&self.chunk);
            self.chunk = Bytes::new();
        }
        self.buffer.extend_from_slice(&bytes);
    }

    /// The next complete frame, or `None` while one is incomplete.
    ///
    /// # Errors
    /// The bytes are no legal frame; the stream cannot be read further.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let head: &[u8] = if self.chunk.is_empty() { &self.buffer } else { &self.chunk };
        if self.ended && !head.is_empty() {
            return Err(FrameError::AfterEnd);
        }
        if head.len() < HEADER {
            return Ok(None);
        }
        let flags = head[0];
        if flags & !(COMPRESSED | END) != 0 {
            return Err(FrameError::ReservedFlags(flags));
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if length > self.limit {
            return Err(FrameError::TooLong { length, limit: self.limit });
        }
        if head.len() < HEADER + length {
            return Ok(None);
        }
        let payload = if self.chunk.is_empty() {
            self.buffer.advance(HEADER);
            self.buffer.split_to(length).freeze()
        } else {
            self.chunk.advance(HEADER);
            self.chunk.split_to(length)
        };
        let payload = if flags & COMPRESSED != 0 && !payload.is_empty() {
            gzip_registry()
                .decompress_with_limit("gzip", payload, self.limit)
                .map_err(|error| FrameError::Gzip(error.to_string()))?
        } else {
            payload
        };
        if flags & END != 0 {
            self.ended = true;
            return Ok(Some(Frame::End(payload)));
        }
        Ok(Some(Frame::Message(payload)))
    }

    /// Whether the end-of-stream frame was read. A body that ends earlier was cut.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }
}

/// Writes one message as a frame, compressed where that helps.
pub(crate) fn encode_message(message: &impl Message, compress: bool) -> Bytes {
    let payload = message.encode_to_vec();
    if compress
        && payload.len() >= COMPRESS_FROM
        && let Ok(small) = gzip_registry().compress("gzip", &payload)
        && small.len() < payload.len()
    {
        return frame(COMPRESSED, &small);
    }
    frame(0, &payload)
}

fn frame(flags: u8, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(HEADER + payload.len());
    out.put_u8(flags);
    out.put_u32(u32::try_from(payload.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(payload);
    out.freeze()
}

fn gzip_registry() -> &'static CompressionRegistry {
    static REGISTRY: LazyLock<CompressionRegistry> =
        LazyLock::new(|| CompressionRegistry::new().register(GzipProvider::default()));
    &REGISTRY
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(chunks: &[&[u8]]) -> Result<Vec<Frame>, FrameError> {
        let mut decoder = EnvelopeDecoder::new(1 << 20);
        let mut frames = Vec::new();
        for chunk in chunks {
            decoder.push(Bytes::copy_from_slice(chunk));
            while let Some(frame) = decoder.next_frame()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    /// Every vector of `connect_frames.json` by name, whole and cut at every byte.
    #[test]
    fn golden_frames_decode_whole_and_split() {
        let text = include_str!("../../../fixtures/vectors/connect_frames.json");
        let file: serde_json::Value = serde_json::from_str(text).expect("fixture");
        let mut seen = Vec::new();
        for vector in file["vectors"].as_array().expect("vectors") {
            let name = vector["name"].as_str().expect("name");
            seen.push(name.to_owned());
            let Some(bytes) = vector["hex"].as_str().map(|h| hex::decode(h).expect("hex")) else {
                continue;
            };
            let whole = decode(&[&bytes]);
            let split: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(decode(&split), whole, "{name}: split equals whole");
            match name {
                "oversized_length" => assert!(matches!(whole, Err(FrameError::TooLong { .. }))),
                "unknown_flag" => assert_eq!(whole, Err(FrameError::ReservedFlags(4))),
                "truncated" => assert_eq!(whole.expect("frames").len(), 2),
                "three_frames_one_chunk" => assert_eq!(whole.expect("frames").len(), 3),
                "end_ok" | "end_ok_gzip" => {
                    assert_eq!(whole, Ok(vec![Frame::End(Bytes::from_static(b"{}"))]));
                }
                "end_ok_empty" => assert_eq!(whole, Ok(vec![Frame::End(Bytes::new())])),
                "data_plain" | "stream_start" | "zero_length_data" => {
                    let payload = hex::decode(vector["payload_hex"].as_str().expect("payload"));
                    let payload = Bytes::from(payload.expect("hex"));
                    assert_eq!(whole, Ok(vec![Frame::Message(payload)]));
                }
                "data_gzip" => {
                    let plain = hex::decode(vector["decompressed_hex"].as_str().expect("plain"));
                    let plain = Bytes::from(plain.expect("hex"));
                    assert_eq!(whole, Ok(vec![Frame::Message(plain)]));
                }
                "data_gzip_large" => {
                    let Some(Frame::Message(payload)) = whole.expect("frames").pop() else {
                        panic!("a message");
                    };
                    assert_eq!(payload.len() as u64, vector["decompressed_length"]);
                }
                "end_error_gzip" | "end_with_metadata" => {
                    let Some(Frame::End(json)) = whole.expect("frames").pop() else {
                        panic!("an end");
                    };
                    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
                    assert_eq!(json, vector["json"]);
                }
                other => panic!("vector {other} has no expectation"),
            }
        }
        assert_eq!(seen.len(), 15);
    }

    #[test]
    fn the_split_vector_equals_the_whole_one() {
        let text = include_str!("../../../fixtures/vectors/connect_frames.json");
        let file: serde_json::Value = serde_json::from_str(text).expect("fixture");
        let find = |name: &str| {
            file["vectors"].as_array().expect("vectors").iter().find(|v| v["name"] == name).cloned()
        };
        let split = find("split_chunks").expect("vector");
        let chunks: Vec<Vec<u8>> = split["chunks_hex"]
            .as_array()
            .expect("chunks")
            .iter()
            .map(|c| hex::decode(c.as_str().expect("text")).expect("hex"))
            .collect();
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let whole = find("three_frames_one_chunk").expect("vector");
        let whole = hex::decode(whole["hex"].as_str().expect("hex")).expect("hex");
        assert_eq!(decode(&chunks), decode(&[&whole]));
    }

    #[test]
    fn a_gzip_bomb_is_refused() {
        let bomb = gzip_registry().compress("gzip", &vec![0; 4 << 20]).expect("compress");
        let framed = frame(COMPRESSED, &bomb);
        assert!(matches!(decode(&[&framed]), Err(FrameError::Gzip(_))));
    }

    #[test]
    fn data_after_the_end_is_an_error() {
        let mut bytes = frame(END, b"{}").to_vec();
        bytes.extend_from_slice(&frame(0, b"x"));
        assert_eq!(decode(&[&bytes]), Err(FrameError::AfterEnd));
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8),
            cuts in proptest::collection::vec(1usize..20, 1..40),
        ) {
            let mut bytes: Vec<u8> = Vec::new();
            for payload in &payloads {
                bytes.extend_from_slice(&frame(0, payload));
            }
            let whole = decode(&[&bytes]);
            let mut chunks = Vec::new();
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                chunks.push(head);
                rest = tail;
            }
            prop_assert_eq!(decode(&chunks), whole);
        }
    }
}
