//! Reasoning in one string that is opaque to clients: the provider's seal and the text that it
//! seals, for clients that hand it back without showing it. Not encrypted: both came from the
//! client's own conversation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conversation::ReasoningPart;
use serde::{Deserialize, Serialize};

use crate::json;

/// Tells our strings from those of other services, and this form from later ones.
const PREFIX: &str = "cr1.";

#[derive(Serialize)]
struct Written<'a> {
    text: &'a str,
    seal: Option<&'a str>,
}

#[derive(Deserialize)]
struct Read {
    text: String,
    seal: Option<String>,
}

/// The opaque string of a reasoning block.
pub(crate) fn wrap(text: &str, seal: Option<&str>) -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json::to_vec(&Written { text, seal })))
}

/// What [`wrap`] was given; `None` for a string that is not ours or was damaged.
pub(crate) fn unwrap(opaque: &str) -> Option<ReasoningPart> {
    let bytes = URL_SAFE_NO_PAD.decode(opaque.strip_prefix(PREFIX)?).ok()?;
    let Read { text, seal } = serde_json::from_slice(&bytes).ok()?;
    Some(ReasoningPart { text, seal })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_out_comes_back_unchanged() {
        for (text, seal) in [("hm \u{2028}\"", Some("sig=/+")), ("", Some("redacted")), ("x", None)]
        {
            let part = ReasoningPart { text: text.into(), seal: seal.map(str::to_owned) };
            assert_eq!(unwrap(&wrap(text, seal)), Some(part));
        }
    }

    #[test]
    fn what_is_foreign_or_damaged_is_told_apart() {
        let ours = wrap("hm", Some("sig"));
        for opaque in ["", "cr1.", "gAAAAABo", "cr1.!!", &ours[4..], &ours[..ours.len() - 3]] {
            assert_eq!(unwrap(opaque), None, "{opaque}");
        }
    }
}
