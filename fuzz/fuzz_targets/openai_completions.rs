//! Bodies of `POST /v1/completions`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let _ = dialects::openai_completions::decode(body);
    if let Ok(request) = dialects::openai_completions::read(body) {
        let _ = request.insertion();
    }
});
