//! Strings that are opaque to clients and come back as they were: reasoning with the provider's seal
//! of it, and compactions. Not encrypted: all of it came from the client's own conversation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conversation::ReasoningPart;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::json;

/// Prefixes tell our strings from those of other services, and these forms from later ones.
const REASONING: &str = "cr1.";
const COMPACTION: &str = "cc1.";

fn write(prefix: &str, content: &impl Serialize) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(json::to_vec(content)))
}

/// `None` for a string that is not ours or was damaged.
fn read<T: DeserializeOwned>(prefix: &str, opaque: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(opaque.strip_prefix(prefix)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

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

/// The opaque string of a reasoning block: the text and the provider's seal of it.
pub(crate) fn wrap(text: &str, seal: Option<&str>) -> String {
    write(REASONING, &Written { text, seal })
}

/// What [`wrap`] was given; `None` for a string that is not ours or was damaged.
pub(crate) fn unwrap(opaque: &str) -> Option<ReasoningPart> {
    let Read { text, seal } = read(REASONING, opaque)?;
    Some(ReasoningPart { text, seal })
}

#[derive(Serialize, Deserialize)]
struct Summary {
    summary: String,
}

/// The opaque string of a compaction.
pub(crate) fn wrap_summary(summary: String) -> String {
    write(COMPACTION, &Summary { summary })
}

/// What [`wrap_summary`] was given; `None` for a string that is not ours or was damaged.
pub(crate) fn unwrap_summary(opaque: &str) -> Option<String> {
    read(COMPACTION, opaque).map(|Summary { summary }| summary)
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
        assert_eq!(unwrap_summary(&ours), None, "another kind");
    }

    #[test]
    fn summaries_have_a_form_of_their_own() {
        let ours = wrap_summary("a \u{2028}\"b\"".into());
        assert_eq!(unwrap_summary(&ours).as_deref(), Some("a \u{2028}\"b\""));
        assert_eq!(unwrap(&ours), None);
        for opaque in ["", "cc1.", "gAAAAABo", "cc1.!!", &ours[4..], &ours[..ours.len() - 3]] {
            assert_eq!(unwrap_summary(opaque), None, "{opaque}");
        }
    }
}
