//! Bodies of `POST /cpp/config`, `/cpp/stream`, `/file/upload` and `/file/sync`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let _ = dialects::editor::decode_config(body);
    let _ = dialects::editor::decode_stream(body);
    let _ = dialects::editor::decode_upload(body);
    let _ = dialects::editor::decode_sync(body);
});
