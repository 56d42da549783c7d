//! What the headers of a request say, and whether the backend would take them.

use std::collections::BTreeMap;

use cursor_proto::aiserver::error_details::Error as Kind;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::failure::{Code, Failure};

/// Headers that a test may want to see; none is a credential.
const TELLING: [&str; 27] = [
    "accept-encoding",
    "connect-accept-encoding",
    "connect-content-encoding",
    "connect-protocol-version",
    "connect-timeout-ms",
    "content-encoding",
    "content-type",
    "origin",
    "traceparent",
    "user-agent",
    "x-amzn-trace-id",
    "x-client-key",
    "x-cursor-agent-allowed-tools",
    "x-cursor-agent-exclude-tools",
    "x-cursor-checksum",
    "x-cursor-client-arch",
    "x-cursor-client-device-type",
    "x-cursor-client-os",
    "x-cursor-client-type",
    "x-cursor-client-version",
    "x-cursor-config-version",
    "x-cursor-streaming",
    "x-cursor-timezone",
    "x-ghost-mode",
    "x-new-onboarding-completed",
    "x-request-id",
    "x-session-id",
];

/// The headers for the record of a call.
pub(crate) fn telling(headers: &HeaderMap) -> BTreeMap<&'static str, String> {
    let found = TELLING.iter().filter_map(|name| Some((*name, header(headers, name)?.to_owned())));
    found.collect()
}

/// A header as text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The content type without parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    let value = header(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// The bearer token.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    header(headers, AUTHORIZATION.as_str())?.strip_prefix("Bearer ")
}

/// Whether the client's program is accepted: a version, and a checksum of the right shape if
/// there is one (`reference/upstream-protocol.md` §5.1, §5.2).
pub(crate) fn client(headers: &HeaderMap) -> Result<(), Failure> {
    if header(headers, "x-cursor-client-version").is_none_or(str::is_empty) {
        return Err(Failure::outdated());
    }
    match headers.get("x-cursor-checksum") {
        Some(checksum) if !checksum.to_str().is_ok_and(is_checksum) => {
            let kind = Kind::ERROR_UNAUTHORIZED;
            let detail = "User is unauthorized";
            Err(Failure::new(Code::PermissionDenied, kind, "Unauthorized", detail).expected())
        }
        Some(_) | None => Ok(()),
    }
}

/// Eight characters of base64, 64 of hex, and optionally `/` and 64 more.
fn is_checksum(text: &str) -> bool {
    let is_hex = |id: &str| {
        id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let Some((stamp, ids)) = text.split_at_checked(8) else {
        return false;
    };
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/".contains(&byte);
    stamp.bytes().all(is_base64)
        && match ids.split_once('/') {
            Some((machine, mac)) => is_hex(machine) && is_hex(mac),
            None => is_hex(ids),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_the_vectors() {
        let text = include_str!("../../../../fixtures/vectors/checksum.json");
        let all: serde_json::Value = serde_json::from_str(text).expect("a JSON file");
        for vector in all["vectors"].as_array().into_iter().flatten() {
            for form in ["header_one_id", "header_two_ids"] {
                assert!(vector[form].as_str().is_some_and(is_checksum), "{vector}");
            }
        }
        let id = "a".repeat(64);
        for right in [format!("pZGTi4-_{id}"), format!("pZGTi4+/{id}/{id}")] {
            assert!(is_checksum(&right), "{right}");
        }
        for wrong in
            [String::new(), "pZGTi4-_".into(), format!("pZGTi4-{id}"), format!("pZGTi4-_{id}/")]
        {
            assert!(!is_checksum(&wrong), "{wrong}");
        }
        assert!(!is_checksum(&format!("pZGTi4-_{}", "A".repeat(64))));
        assert!(!is_checksum(&format!("ééééééé{id}")));
    }

    #[test]
    fn a_client_needs_a_version() {
        let mut headers = HeaderMap::new();
        assert!(client(&headers).is_err());
        headers.insert("x-cursor-client-version", "2.6.22".parse().expect("a header value"));
        assert!(client(&headers).is_ok());
        headers.insert("x-cursor-checksum", "nonsense".parse().expect("a header value"));
        assert!(client(&headers).is_err());
    }

    #[test]
    fn content_types_lose_their_parameters() {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            "application/json; charset=utf-8".parse().expect("a header value"),
        );
        assert_eq!(content_type(&headers), "application/json");
        assert_eq!(content_type(&HeaderMap::new()), "");
    }
}
