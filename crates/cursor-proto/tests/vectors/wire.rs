//! Connect envelopes and gzip, by the library that carries our streams.
use bytes::{Bytes, BytesMut};
use connectrpc::envelope::{Envelope, flags};
use connectrpc::{CompressionRegistry, ConnectError};

/// More than any vector needs, and less than the length that `oversized_length` claims.
pub(crate) const LIMIT: usize = 1 << 20;

pub(crate) fn envelope(flags: u8, payload: &[u8]) -> Vec<u8> {
    Envelope { flags, data: Bytes::copy_from_slice(payload) }.encode().into()
}

/// What came out of a stream of chunks: complete frames, and how many bytes were left over.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) frames: Vec<Envelope>,
    pub(crate) rest: usize,
}

impl Stream {
    /// Flags and payload, to compare streams by.
    pub(crate) fn contents(&self) -> Vec<(u8, &[u8])> {
        self.frames.iter().map(|frame| (frame.flags, frame.data.as_ref())).collect()
    }
}

pub(crate) fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Stream, ConnectError> {
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        while let Some(frame) = Envelope::decode_with_limit(&mut buffer, LIMIT)? {
            frames.push(frame);
        }
    }
    Ok(Stream { frames, rest: buffer.len() })
}

/// The frames of `bytes`, after checking that any cut gives the same ones.
#[track_caller]
pub(crate) fn read_cut_everywhere(bytes: &[u8]) -> Stream {
    let whole = read([bytes]).expect("frames");
    let single = read(bytes.chunks(1)).expect("frames, byte by byte");
    assert_eq!(whole.contents(), single.contents(), "whole and byte by byte");
    assert_eq!(whole.rest, single.rest);
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        let halves = read([head, tail]).expect("frames, in two pieces");
        assert_eq!(whole.contents(), halves.contents(), "cut at {cut}");
    }
    whole
}

/// The payload as it was before compression.
pub(crate) fn inflate(frame: &Envelope, limit: usize) -> Result<Bytes, ConnectError> {
    if frame.is_compressed() {
        CompressionRegistry::default().decompress_with_limit("gzip", frame.data.clone(), limit)
    } else {
        Ok(frame.data.clone())
    }
}

/// Bits that no Connect frame may have set.
pub(crate) fn reserved_bits(frame: &Envelope) -> u8 {
    frame.flags & !(flags::COMPRESSED | flags::END_STREAM)
}
