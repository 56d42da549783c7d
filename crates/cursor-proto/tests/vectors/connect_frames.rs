//! Connect envelopes: compressed, cut, damaged, oversized.
use connectrpc::ErrorCode;
use connectrpc::envelope::Envelope;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::fixture::{Vector, unhex, vector};
use crate::{meaning, messages, wire};

const CHAT: &str = "aiserver.v1.StreamUnifiedChatResponseWithTools";

vectors!(
    "connect_frames",
    check_frame,
    [
        data_plain,
        data_gzip,
        stream_start,
        zero_length_data,
        end_ok,
        end_ok_empty,
        end_ok_gzip,
        end_error_gzip,
        end_with_metadata,
        three_frames_one_chunk,
        split_chunks,
        truncated,
        data_gzip_large,
        unknown_flag,
        oversized_length,
    ]
);

fn check_frame(vector: &Vector) {
    match vector.name() {
        "three_frames_one_chunk" => check_three_frames(vector),
        "split_chunks" => check_split(vector),
        "truncated" => check_truncated(vector),
        "oversized_length" => check_oversized(vector),
        "unknown_flag" => {
            assert_eq!(wire::reserved_bits(&single_frame(vector)), 4);
        }
        _ => check_single(vector),
    }
}

fn check_single(vector: &Vector) {
    let frame = single_frame(vector);
    assert_eq!(wire::reserved_bits(&frame), 0);
    let content = wire::inflate(&frame, wire::LIMIT).expect("gzip");
    if vector.get("decompressed_hex").is_some() {
        assert_eq!(content, vector.bytes("decompressed_hex"));
    }
    if let Some(length) = vector.get("decompressed_length") {
        assert_eq!(Some(content.len() as u64), length.as_u64());
        let hash = hex::encode(Sha256::digest(&content));
        assert_eq!(hash, vector.text("decompressed_sha256"));
        let refused = wire::inflate(&frame, content.len() - 1).expect_err("over the limit");
        assert_eq!(refused.code, ErrorCode::ResourceExhausted);
    }
    if frame.is_end_stream() {
        check_end(vector, &content);
    } else {
        let json = meaning::read(CHAT, &content);
        messages::check_wire(CHAT, &content, vector.get("json").unwrap_or(&json));
        assert_eq!(meaning::unknown_fields(CHAT, &content), Vec::<String>::new());
    }
}

/// An end frame holds JSON, or nothing at all, which also means success.
fn check_end(vector: &Vector, content: &[u8]) {
    if content.is_empty() {
        return;
    }
    let end: Value = serde_json::from_slice(content).expect("an end frame is JSON");
    match vector.get("json") {
        Some(json) => assert_eq!(&end, json),
        None => assert_eq!(end, serde_json::json!({})),
    }
}

fn check_three_frames(vector: &Vector) {
    let stream = wire::read_cut_everywhere(&vector.bytes("hex"));
    assert_eq!(stream.rest, 0);
    assert_eq!(texts(&stream.frames[..2]), expected_texts(vector));
    assert_eq!(stream.contents()[2], (2, b"{}".as_slice()));
    assert_eq!(stream.frames.len(), 3);
}

fn check_split(split: &Vector) {
    let chunks: Vec<Vec<u8>> = split
        .value("chunks_hex")
        .as_array()
        .expect("a list")
        .iter()
        .map(|chunk| unhex(chunk.as_str().expect("hex")))
        .collect();
    let whole = vector(FILE, "three_frames_one_chunk").bytes("hex");
    assert_eq!(chunks.concat(), whole);
    let stream = wire::read(chunks.iter().map(Vec::as_slice)).expect("frames");
    assert_eq!(stream.contents(), wire::read([whole.as_slice()]).expect("frames").contents());
}

/// Two messages arrive; then bytes are left over, which a reader must report at the end of input.
fn check_truncated(vector: &Vector) {
    let stream = wire::read_cut_everywhere(&vector.bytes("hex"));
    assert_eq!(texts(&stream.frames), ["Hello", ", world"]);
    assert_eq!(stream.rest, 3);
}

/// Refused on the header alone, before anything is reserved or waited for.
fn check_oversized(vector: &Vector) {
    let bytes = vector.bytes("hex");
    let refused = wire::read([bytes.as_slice()]).expect_err("4 GiB");
    assert_eq!(refused.code, ErrorCode::ResourceExhausted);
    assert!(wire::read([&bytes[..4]]).expect("no length yet").frames.is_empty());
}

fn single_frame(vector: &Vector) -> Envelope {
    let mut stream = wire::read_cut_everywhere(&vector.bytes("hex"));
    assert_eq!((stream.frames.len(), stream.rest), (1, 0));
    let frame = stream.frames.remove(0);
    assert_eq!(Some(u64::from(frame.flags)), vector.value("flags").as_u64());
    assert_eq!(Some(frame.data.len() as u64), vector.value("length").as_u64());
    assert_eq!(frame.data, vector.bytes("payload_hex"));
    frame
}

fn texts(frames: &[Envelope]) -> Vec<String> {
    let text = |frame: &Envelope| {
        let json = meaning::read(CHAT, &frame.data);
        json["stream_unified_chat_response"]["text"].as_str().expect("a text").to_owned()
    };
    frames.iter().map(text).collect()
}

fn expected_texts(vector: &Vector) -> Vec<&str> {
    let texts = vector.value("texts").as_array().expect("a list");
    texts.iter().map(|text| text.as_str().expect("a text")).collect()
}
