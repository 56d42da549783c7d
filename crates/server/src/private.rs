//! Paths as they are logged and repeated: somebody may have put a key where a name belongs.

/// Shown in the place of what may be a key.
const HIDDEN: &str = "***";
/// Longest path that is shown, in characters.
const LONGEST: usize = 200;

/// The path without segments that look like a key, or that hold one of `known`.
pub(crate) fn path(path: &str, known: &[&str]) -> String {
    let hidden = |segment: &str| {
        let holds = |key: &&str| !key.is_empty() && segment.contains(*key);
        is_keylike(segment) || known.iter().any(holds)
    };
    let shown: Vec<&str> =
        path.split('/').map(|segment| if hidden(segment) { HIDDEN } else { segment }).collect();
    shown.join("/").chars().take(LONGEST).collect()
}

/// A name as it is repeated, unless it looks like a key.
pub(crate) fn is_keylike(text: &str) -> bool {
    /// Keys without a prefix: 192 bits in base64, or a number in two parts.
    const BASE64: usize = 32;
    const SHORTEST_NUMBER: usize = 20;
    /// No name of ours is so long; tokens and API keys of accounts are longer.
    const LONG: usize = 40;
    // Ids of stored responses.
    if text.starts_with("resp_") {
        return false;
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_number = || {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        text.len() >= SHORTEST_NUMBER
            && text.split_once('-').is_some_and(|(a, b)| digits(a) && digits(b))
    };
    let mixed = || {
        let has = |test: fn(&u8) -> bool| text.as_bytes().iter().any(test);
        has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
    };
    text.starts_with("sk-")
        || text.starts_with("crsr_")
        || text.starts_with("eyJ")
        || text.contains("::")
        || text.to_ascii_lowercase().contains("%3a%3a")
        || (text.len() == BASE64 && text.bytes().all(is_word) && mixed())
        || (text.len() >= LONG && text.bytes().all(is_word))
        || is_number()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_paths_are_hidden() {
        for key in [
            "sk-abc",
            "crsr_0123",
            "abcdefghijklmnopqrstuvwxyzABCD_-",
            "12345678901234567890-12345678901234567890",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
            "user_01AAAA::eyJ",
            "user_01AAAA%3A%3AeyJ",
            "key_0123456789abcdef0123456789abcdef0123456789abcdef",
            "my secret word",
        ] {
            assert_eq!(path(&format!("/v1/models/{key}"), &["secret"]), "/v1/models/***", "{key}");
            assert_eq!(path(&format!("/{key}/x"), &["secret"]), "/***/x", "{key}");
        }
    }

    #[test]
    fn other_paths_are_shown() {
        for shown in [
            "/v1/chat/completions",
            "/v1/models/claude-3-5-sonnet-20241022-thinking-max",
            "/v1/models/gpt-5",
            "/v1/responses/resp_0123456789abcdef0123456789abcdef0123456789abcdef",
            "/",
            "",
        ] {
            assert_eq!(path(shown, &["", "secret"]), shown);
        }
        assert_eq!(path(&"/x".repeat(300), &[]).chars().count(), LONGEST);
    }
}
