//! File sync: uploads, edits, answers, and the hash that goes with a text.
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::fixture::Vector;
use crate::messages;

vectors!(
    "filesync",
    check_sync,
    [
        fs_upload,
        fs_upload_no_hash,
        fs_upload_unicode,
        fs_upload_response_ok,
        fs_upload_response_non_existant,
        fs_upload_response_hash_mismatch,
        fs_sync_one,
        fs_sync_two,
        fs_sync_replace,
        fs_sync_bad_hash,
        fs_sync_response_ok,
        fs_sync_response_non_existant,
        fs_sync_response_hash_mismatch,
        fs_enabled,
        fs_config,
        fs_cookie,
    ]
);

fn check_sync(vector: &Vector) {
    match vector.name() {
        "fs_cookie" => check_cookie(vector),
        "fs_upload" | "fs_upload_unicode" => {
            messages::check(vector);
            let contents = vector.value("json")["contents"].as_str().expect("contents");
            assert_eq!(hash_of(vector), hex::encode(Sha256::digest(contents)));
        }
        "fs_sync_one" => check_hash(vector, "print(12)\n"),
        "fs_sync_two" => check_hash(vector, "print(12)\nx\n"),
        "fs_sync_replace" => check_hash(vector, "log(12)\nx\n"),
        _ => messages::check(vector),
    }
}

/// The hash is of the text after all edits; the lengths are of the text after each of them.
fn check_hash(sync: &Vector, after: &str) {
    messages::check(sync);
    assert_eq!(hash_of(sync), hex::encode(Sha256::digest(after)));
    let edits = sync.value("json")["filesync_updates"].as_array().expect("edits");
    let length = edits.last().and_then(|edit| edit["expected_file_length"].as_u64());
    assert_eq!(length, Some(after.encode_utf16().count() as u64));
}

fn hash_of(vector: &Vector) -> &str {
    vector.value("json")["sha256_hash"].as_str().expect("a hash")
}

/// The cookie to send back: our own first, then name and value of each that was set.
fn check_cookie(cookie: &Vector) {
    let set = cookie.value("set_cookie").as_array().expect("a list");
    let pairs = set.iter().filter_map(Value::as_str).filter_map(|line| line.split(';').next());
    let own = "FilesyncCookie=0123456789abcdef0123456789abcdef";
    let sent: Vec<&str> = std::iter::once(own).chain(pairs).collect();
    assert_eq!(sent.join("; "), cookie.text("cookie_to_send"));
}
