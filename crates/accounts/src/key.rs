//! The keys by which clients of the gateway prove themselves.

mod presented;
mod ring;
mod secret;

pub use presented::{LegacyKey, PresentedKey};
pub use ring::{KeyProblem, KeyRing};
use secrecy::{ExposeSecret as _, SecretString};
pub use secret::KeySecret;
use subtle::ConstantTimeEq as _;

/// A client key of the settings, any text. Compared in constant time, never printed.
#[derive(Clone)]
pub struct ClientKey(SecretString);

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientKey(…)")
    }
}

impl ClientKey {
    /// `None` when the text is empty: an empty key would open the door to everybody.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(SecretString::from(text)))
    }

    /// Whether the presented text is this key; takes as long whatever the text is.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// The one door out, for a demo that shows its own key.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_matches_and_nothing_is_printed() {
        let key = ClientKey::new("sk-canary").expect("key");
        assert!(key.matches("sk-canary"));
        assert!(!key.matches("sk-canar") && !key.matches("sk-canaryy") && !key.matches(""));
        assert!(!format!("{key:?}").contains("canary"));
    }

    #[test]
    fn an_empty_key_is_no_key() {
        assert!(ClientKey::new("  ").is_none());
    }
}
