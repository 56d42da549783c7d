//! Seals of reasoning as this dialect shows them. Every thinking block has a `signature` there,
//! and clients hand it back; a block that has no seal gets a marker, which is taken off again. Where
//! the text is left out, the signature holds it (see [`crate::sealed`]).

use conversation::ReasoningPart;

use crate::sealed;

/// The signature of reasoning without a seal; base64 of a sentence that says so.
pub(super) const UNSIGNED: &str = "Y3Vyc29yLWFwaTogbm8gc2lnbmF0dXJl";

/// The signature to show.
pub(super) fn to_signature(seal: Option<&str>) -> &str {
    seal.filter(|seal| !seal.is_empty()).unwrap_or(UNSIGNED)
}

/// The signature of a block whose text is left out.
pub(super) fn with_text(text: &str, seal: Option<&str>) -> String {
    sealed::wrap(text, seal)
}

/// A block that comes back, whole again if its text was left out.
pub(super) fn restore(text: String, signature: Option<String>) -> ReasoningPart {
    if let Some(part) = signature.as_deref().and_then(sealed::unwrap) {
        return part;
    }
    let seal = signature.filter(|signature| !signature.is_empty() && signature != UNSIGNED);
    ReasoningPart { text, seal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_survives_the_way_to_the_client_and_back() {
        for seal in [None, Some("c2VhbA==")] {
            let signature = to_signature(seal).to_owned();
            assert!(!signature.is_empty());
            let part = restore("hm".into(), Some(signature));
            assert_eq!((part.text.as_str(), part.seal.as_deref()), ("hm", seal));
            let part = restore(String::new(), Some(with_text("hm", seal)));
            assert_eq!((part.text.as_str(), part.seal.as_deref()), ("hm", seal));
        }
        assert_eq!(restore("hm".into(), Some(String::new())).seal, None);
        assert_eq!(restore("hm".into(), None).seal, None);
        assert_eq!(to_signature(Some("")), UNSIGNED);
    }
}
