//! Ids of calls, as the server writes them and as clients take them.
//!
//! The server's may hold line feeds and anything else; clients want `[a-zA-Z0-9_-]+` and hand the
//! id back with the result. So an id that fits goes as it is and any other is wrapped so that it
//! can be unwrapped without having been remembered.

use std::fmt::Write as _;

/// Marks a wrapped id.
const PREFIX: &str = "cid_";

/// The longest id that goes as it is.
const LONGEST: usize = 64;

/// The id for the client.
pub(crate) fn to_client(id: &str) -> String {
    let fits = (1..=LONGEST).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && !id.starts_with(PREFIX);
    if fits { id.to_owned() } else { wrap(id) }
}

/// The part of a stream's id that tells it from other streams, for ids of calls that are made up.
pub(crate) fn mark(stream: &str) -> String {
    const LENGTH: usize = 12;
    let start = stream.len().saturating_sub(LENGTH);
    stream.get(start..).unwrap_or(stream).to_owned()
}

/// The server's id of a call that a client names. An id that was never wrapped is its own.
pub(crate) fn to_upstream(id: &str) -> String {
    unwrap(id).unwrap_or_else(|| id.to_owned())
}

/// Letters, digits and hyphens stand for themselves, any other byte is `_` and two hex digits.
fn wrap(id: &str) -> String {
    let mut out = PREFIX.to_owned();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            out.push(char::from(byte));
        } else {
            // Writing to memory does not fail.
            let _ = write!(out, "_{byte:02x}");
        }
    }
    out
}

fn unwrap(id: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id.strip_prefix(PREFIX)?.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'_' {
            let (digits, after) = rest.split_at_checked(2)?;
            rest = after;
            let digits = std::str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let unwrapped = String::from_utf8(bytes).ok()?;
    // Another's id that only looks wrapped is left alone.
    (to_client(&unwrapped) == id).then_some(unwrapped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_that_fit_go_as_they_are() {
        for id in ["toolu_1", "call-A_9", &"a".repeat(64)] {
            assert_eq!(to_client(id), id);
            assert_eq!(to_upstream(id), id);
        }
    }

    #[test]
    fn line_feeds_and_lengths_are_wrapped() {
        assert_eq!(to_client("call_1\nfc_1"), "cid_call_5f1_0afc_5f1");
        assert_eq!(to_upstream("cid_call_5f1_0afc_5f1"), "call_1\nfc_1");
        for id in ["", "é", "cid_x", &"a".repeat(65)] {
            assert_ne!(to_client(id), id);
            assert_eq!(to_upstream(&to_client(id)), id);
        }
    }

    #[test]
    fn what_only_looks_wrapped_is_left_alone() {
        for id in ["cid_", "cid_abc", "cid__", "cid__5", "cid__zz", "cid__ff", "cid__0A", "cid__+1"]
        {
            let back = to_upstream(id);
            assert!(back == id || to_client(&back) == id, "{id}");
        }
        assert_eq!(to_upstream("cid_abc"), "cid_abc");
        assert_eq!(to_upstream("cid__0A"), "cid__0A");
    }

    proptest! {
        #[test]
        fn every_id_leads_back(id in any::<String>()) {
            let client = to_client(&id);
            prop_assert!(!client.is_empty());
            let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            prop_assert!(client.bytes().all(legal));
            prop_assert_eq!(to_upstream(&client), id);
        }

        #[test]
        fn ids_of_others_are_stable(id in "[a-zA-Z0-9_-]{1,80}") {
            let once = to_upstream(&id);
            prop_assert!(once == id || to_client(&once) == id);
        }
    }
}
