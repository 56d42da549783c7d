//! Where a request may carry a key.

use http::{HeaderMap, header};

use crate::router::CURSOR_BASE;

/// Most keys that one request may try.
const MOST: usize = 4;
/// Longer texts are no keys of ours.
const LONGEST: usize = 16 << 10;

/// Headers whose whole value is the key.
const BARE: [&str; 2] = ["x-api-key", "api-key"];

/// All keys that a request shows, in order of preference: `Authorization: Bearer KEY` (and below
/// `/cursor`, whose clients know no scheme, `Authorization: KEY`), `x-api-key: KEY`, `api-key: KEY`.
pub(super) fn presented<'a>(path: &str, headers: &'a HeaderMap) -> Vec<&'a str> {
    let bare = path.strip_prefix(CURSOR_BASE).is_some_and(|rest| rest.starts_with('/'));
    // Aliases may be of any letters, so the key of `AUTH_TOKEN-<alias>` is UTF-8.
    let text = |name: &str| {
        let values = headers.get_all(name).into_iter();
        values.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok()).map(str::trim)
    };
    let authorization = text(header::AUTHORIZATION.as_str()).filter_map(|value| {
        let bearer =
            value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        match bearer {
            Some((_, key)) => Some(key.trim()),
            None => bare.then_some(value),
        }
    });
    let keys = authorization.chain(BARE.into_iter().flat_map(text));
    keys.filter(|key| !key.is_empty() && key.len() <= LONGEST).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn of(path: &str, headers: &[(&'static str, &'static str)]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        presented(path, &map).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn every_header_that_clients_use_is_read() {
        assert_eq!(of("/v1/models", &[("authorization", "Bearer k")]), ["k"]);
        assert_eq!(of("/v1/models", &[("authorization", "bearer  k ")]), ["k"]);
        assert_eq!(of("/v1/models", &[("x-api-key", "k")]), ["k"]);
        assert_eq!(of("/v1/models", &[("api-key", "k")]), ["k"]);
        assert_eq!(of("/cursor/v1/models", &[("authorization", "k")]), ["k"]);
        assert_eq!(of("/cursor/v1/models", &[("authorization", "Bearer k")]), ["k"]);
    }

    #[test]
    fn other_schemes_and_other_headers_carry_no_key() {
        assert!(of("/v1/models", &[("authorization", "k")]).is_empty());
        assert!(of("/cursory/v1/models", &[("authorization", "k")]).is_empty());
        assert!(of("/v1/models", &[("authorization", "Basic k")]).is_empty());
        assert!(of("/v1/models", &[("x-goog-api-key", "k")]).is_empty());
        assert!(of("/v1/models", &[("x-api-key", "  ")]).is_empty());
    }

    #[test]
    fn a_key_may_have_letters_beyond_ascii() {
        let mut map = HeaderMap::new();
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).expect("value");
        map.append("authorization", value("Bearer k-账号".as_bytes()));
        map.append("x-api-key", value(b"no UTF-8: \xFF"));
        assert_eq!(presented("/v1/models", &map), ["k-账号"]);
    }

    #[test]
    fn all_keys_are_seen_up_to_a_bound() {
        let two = [("x-api-key", "b"), ("authorization", "Bearer a")];
        assert_eq!(of("/v1/messages", &two), ["a", "b"]);
        assert_eq!(of("/v1/messages", &[("x-api-key", "k"); 9]).len(), MOST);
    }
}
