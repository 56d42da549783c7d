//! Bodies of `POST /v1/chat/completions`.

#![no_main]

use dialects::{ImagePolicy, Images};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    // Small pictures, so that their decoders do not eat the time that belongs to ours.
    let policy = ImagePolicy { max_pixels: 10_000, remote: true, ..ImagePolicy::default() };
    let _ = dialects::openai_chat::decode(body, &Images::from(policy));
});
