//! Bodies of `POST /v1/responses`.

#![no_main]

use dialects::{ImagePolicy, Images};
use libfuzzer_sys::fuzz_target;

/// What was kept of the answer before.
const EARLIER: &str =
    r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}"#;

fuzz_target!(|body: &[u8]| {
    // Small pictures, so that their decoders do not eat the time that belongs to ours.
    let policy = ImagePolicy { max_pixels: 10_000, remote: true, ..ImagePolicy::default() };
    let images = Images::from(policy);
    let Ok(request) = dialects::openai_responses::read(body) else { return };
    let earlier = match request.previous_response_id() {
        Some(_) => vec![EARLIER.to_owned()],
        None => Vec::new(),
    };
    let _ = request.item_references();
    let _ = request.decode(&earlier, &images);
});
