//! Bodies of `POST /v1/messages`.

#![no_main]

use dialects::{ImagePolicy, Images};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    // Small pictures, so that their decoders do not eat the time that belongs to ours.
    let policy = ImagePolicy { max_pixels: 10_000, remote: true, ..ImagePolicy::default() };
    let images = Images::from(policy);
    let _ = dialects::anthropic::decode(body, &images);
    let _ = dialects::anthropic::decode_count(body, &images);
});
