//! Arguments of calls: JSON text that is streamed in one form and repeated whole in another.

use serde_json::Value;

/// What is missing after `told` to make it say the same as `whole`. `None` if nothing can: then
/// what was told is wrong.
pub(crate) fn rest(told: &str, whole: &str) -> Option<String> {
    if let Some(rest) = whole.strip_prefix(told) {
        return Some(rest.to_owned());
    }
    if let Some(rest) = spaced(whole).strip_prefix(told) {
        return Some(rest.to_owned());
    }
    let told: Value = serde_json::from_str(told).ok()?;
    let whole: Value = serde_json::from_str(whole).ok()?;
    same(&told, &whole).then(String::new)
}

/// Whether the text is a whole JSON value.
pub(crate) fn is_whole(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether a streamed text is in the form that models write: a blank after the first separator.
/// The server repeats calls in compact form, which is no continuation
/// (`reference/upstream-protocol.md` §8.2). Without a separator both forms are one.
pub(crate) fn is_spaced(text: &str) -> bool {
    let mut after = None;
    outside_strings(text, |c| {
        if after.is_none() {
            after = match c {
                ':' | ',' => Some(None),
                _ => None,
            };
        } else if after == Some(None) {
            after = Some(Some(c));
        }
    });
    // A separator that ends the text is not known yet.
    after.flatten().is_none_or(char::is_whitespace)
}

/// The same JSON with a blank after every separator.
fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut string = Strings::default();
    for c in text.chars() {
        let outside = string.is_outside(c);
        if outside && c.is_whitespace() {
            continue;
        }
        out.push(c);
        if outside && matches!(c, ':' | ',') {
            out.push(' ');
        }
    }
    out
}

fn outside_strings(text: &str, mut see: impl FnMut(char)) {
    let mut string = Strings::default();
    for c in text.chars() {
        if string.is_outside(c) {
            see(c);
        } else {
            // A string's place counts, its content does not.
            see('"');
        }
    }
}

/// Follows JSON text through its strings.
#[derive(Default)]
struct Strings {
    inside: bool,
    escaped: bool,
}

impl Strings {
    /// Whether this character belongs to no string; quotes belong to theirs.
    fn is_outside(&mut self, c: char) -> bool {
        if !self.inside {
            self.inside = c == '"';
            return !self.inside;
        }
        match c {
            _ if self.escaped => self.escaped = false,
            '\\' => self.escaped = true,
            '"' => self.inside = false,
            _ => {}
        }
        false
    }
}

/// Whether two values are the same; `1` and `1.0` are.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(told: &str, whole: &str) -> Option<String> {
        rest(told, whole).map(|rest| format!("{told}{rest}"))
    }

    #[test]
    fn what_was_told_is_completed_in_its_own_form() {
        let whole = r#"{"city":"Os, lo","n":1}"#;
        assert_eq!(completed("", whole).as_deref(), Some(whole));
        assert_eq!(completed(r#"{"ci"#, whole).as_deref(), Some(whole));
        let spaced = r#"{"city": "Os, lo", "n": 1}"#;
        assert_eq!(completed(r#"{"city": "Os"#, whole).as_deref(), Some(spaced));
        assert_eq!(completed(spaced, whole).as_deref(), Some(spaced));
        let reordered = r#"{ "n": 1.0, "city": "Os, lo" }"#;
        assert_eq!(completed(reordered, whole).as_deref(), Some(reordered));
    }

    #[test]
    fn what_was_told_wrong_cannot_be_completed() {
        assert_eq!(rest(r#"{"city":"Be"#, r#"{"city":"Oslo"}"#), None);
        assert_eq!(rest(r#"{"city":"Bergen"}"#, r#"{"city":"Oslo"}"#), None);
        assert_eq!(rest("nonsense", "{}"), None);
    }

    #[test]
    fn compact_repeats_are_told_from_the_models_text() {
        for text in ["", "{", r#"{"a"#, r#"{"a":"#, r#"{"a": 1,"#, r#"{"a:b,c"#, r#"{"a": "x:y"}"#]
        {
            assert!(is_spaced(text), "{text}");
        }
        for text in [r#"{"a":1"#, r#"{"a":"x"#, r#"{"a":{"b": 1}}"#] {
            assert!(!is_spaced(text), "{text}");
        }
    }

    #[test]
    fn whole_values_are_known() {
        assert!(is_whole("{}") && is_whole(r#"{"a": [1]}"#));
        assert!(!is_whole(r#"{"a""#) && !is_whole(""));
    }
}
