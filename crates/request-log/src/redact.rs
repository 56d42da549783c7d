//! Takes out of what was said what should not be kept: things that look like secrets.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";
/// Stands where text was left out.
const CUT: &str = "…";

static SECRETS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const KINDS: [&str; 8] = [
        // Tokens with three parts, as sessions have.
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        // Keys of this and other services, known by how they begin.
        r"\b(?:sk|pk|rk|key|crsr|ghp|gho|ghs|ghu|github_pat|glpat|xox[abprs]|hf|npm|pypi)[-_][A-Za-z0-9_-]{16,}",
        // Keys of this service behind any prefix, and as two numbers.
        r"ca[E-L][A-Za-z0-9_-]{35}",
        r"\b[0-9]{34,39}-[0-9]{15,20}\b",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"\bAIza[0-9A-Za-z_-]{30,}",
        // A password in a URL.
        r"(?:[a-z][a-z0-9+.-]*://)[^\s/:@]+:[^\s/@]+@",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-{5}[^-]*(?:-----END [A-Z ]*PRIVATE KEY-{5})?",
    ];
    Regex::new(&KINDS.join("|")).ok()
});

/// Longer runs of their characters are no secrets.
const LONGEST: usize = 4 << 10;

/// What secrets are made of; a text is cut between others.
fn is_of_secrets(c: char) -> bool {
    c.is_ascii_graphic() && !"\"'`{}[]()<>,;".contains(c)
}

/// The text without what looks like a secret.
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    match SECRETS.as_ref() {
        Some(secrets) => secrets.replace_all(text, REDACTED),
        // The pattern is a constant and tested; without it nothing may be kept.
        None => Cow::Borrowed(REDACTED),
    }
}

/// Text that is kept up to a bound, from its beginning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Excerpt {
    text: String,
    is_cut: bool,
}

impl Excerpt {
    /// Takes as much as there is room for below `most` bytes.
    pub fn push(&mut self, text: &str, most: usize) {
        if self.is_cut {
            return;
        }
        let room = most.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return;
        }
        self.is_cut = true;
        self.text.push_str(&text[..text.floor_char_boundary(room)]);
    }

    /// Redacted. A word that was cut goes as a whole, for half a secret does not look like one.
    #[must_use]
    pub fn finish(self) -> String {
        let Self { text, is_cut } = self;
        if !is_cut {
            return redacted(&text).into_owned();
        }
        let kept = text.trim_end_matches(is_of_secrets).trim_end();
        // A run that is longer than any secret is none.
        let end = if text.len() - kept.len() > LONGEST { text.len() } else { kept.len() };
        format!("{}{CUT}", redacted(&text[..end]))
    }
}

/// The end of a text, at most `most` bytes of it, redacted: of a conversation, what came last.
#[must_use]
pub fn tail(text: &str, most: usize) -> String {
    if text.len() <= most {
        return redacted(text).into_owned();
    }
    let start = text.ceil_char_boundary(text.len() - most);
    let kept = text[start..].trim_start_matches(is_of_secrets);
    let start =
        if text.len() - start - kept.len() > LONGEST { start } else { text.len() - kept.len() };
    format!("{CUT}{}", redacted(&text[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_taken_out() {
        for secret in [
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
            "sk-abcdefghijklmnop1234",
            "acme-caFaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWg",
            "acme.caL__________________________________w",
            "caEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "120099658913272398869426332034741721690-6510615555426900570",
            "crsr_0123456789abcdef0123",
            "key_0123456789abcdef0123",
            "ghp_0123456789abcdef0123",
            "AKIAIOSFODNN7EXAMPLE",
            "https://user:hunter2@",
            "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----",
        ] {
            let text = format!("before {secret} after");
            let kept = redacted(&text);
            assert!(!kept.contains(&secret[6..]), "{kept}");
            assert!(kept.starts_with("before ") && kept.ends_with(" after"), "{kept}");
        }
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["a key_value pair", "https://host/path?q=a@b", "skip-list", "1.2.3", ""] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn an_excerpt_is_bounded_and_shows_no_half_of_a_secret() {
        let mut excerpt = Excerpt::default();
        for piece in ["the key is sk-abcdef", "ghijklmnop1234567", "89 and so on"] {
            excerpt.push(piece, 30);
        }
        assert_eq!(excerpt.finish(), "the key is…");
        let mut whole = Excerpt::default();
        whole.push("grün", 5);
        assert_eq!(whole.finish(), "grün");
    }

    /// Defect: a text without blanks was lost whole.
    #[test]
    fn a_text_without_blanks_is_cut_where_the_bound_is() {
        let text = "今天天气很好，".repeat(100);
        let kept = tail(&text, 300);
        assert!(kept.len() > 290 && kept.len() <= 303, "{}", kept.len());
        let mut excerpt = Excerpt::default();
        excerpt.push(&text, 300);
        let kept = excerpt.finish();
        assert!(kept.len() > 290 && kept.len() <= 303, "{}", kept.len());
        let blob = "A".repeat(40_000);
        assert_eq!(tail(&blob, 20_000).len(), 20_003);
    }

    #[test]
    fn a_tail_begins_with_a_whole_word() {
        assert_eq!(tail("one two three", 8), "… three");
        assert_eq!(tail("one", 8), "one");
        assert_eq!(tail("sk-abcdefghijklmnop1234", 8), "…");
    }
}
