//! Seals of reasoning as this dialect shows them. Every thinking block has a `signature` there,
//! and clients hand it back; a block that has no seal gets a marker, which is taken off again.

/// The signature of reasoning without a seal; base64 of a sentence that says so.
pub(super) const UNSIGNED: &str = "Y3Vyc29yLWFwaTogbm8gc2lnbmF0dXJl";

/// The signature to show.
pub(super) fn to_signature(seal: Option<&str>) -> &str {
    seal.filter(|seal| !seal.is_empty()).unwrap_or(UNSIGNED)
}

/// The seal of a block that comes back.
pub(super) fn from_signature(signature: Option<String>) -> Option<String> {
    signature.filter(|signature| !signature.is_empty() && signature != UNSIGNED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_survives_the_way_to_the_client_and_back() {
        for seal in [None, Some("c2VhbA==")] {
            let signature = to_signature(seal).to_owned();
            assert!(!signature.is_empty());
            assert_eq!(from_signature(Some(signature)).as_deref(), seal);
        }
        assert_eq!(from_signature(Some(String::new())), None);
        assert_eq!(from_signature(None), None);
        assert_eq!(to_signature(Some("")), UNSIGNED);
    }
}
