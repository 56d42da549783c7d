//! Keeps secrets out of what is told and kept: those that the gateway knows, and what looks like one.
//!
//! An upstream may quote in an error what it was sent; a client may paste a key where it does not
//! belong.

use std::sync::Arc;

use arc_swap::ArcSwap;
use conversation::Failure;
use secrecy::{ExposeSecret, SecretString};

/// Shorter ones would take words out of ordinary text.
const SHORTEST: usize = 8;
const REDACTED: &str = "[redacted]";

#[derive(Debug, Default)]
pub(crate) struct Redaction(ArcSwap<Vec<SecretString>>);

impl Redaction {
    pub(crate) fn new(known: Vec<SecretString>) -> Self {
        Self(ArcSwap::from_pointee(known))
    }

    pub(crate) fn set(&self, known: Vec<SecretString>) {
        self.0.store(Arc::new(known));
    }

    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = request_log::redacted(text).into_owned();
        for secret in self.0.load().iter().map(ExposeSecret::expose_secret) {
            if secret.len() >= SHORTEST && text.contains(secret) {
                text = text.replace(secret, REDACTED);
            }
        }
        text
    }

    pub(crate) fn failure(&self, failure: Failure) -> Failure {
        let (client, log) = (self.text(&failure.client), self.text(&failure.log));
        Failure { client, log, ..failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_secrets_and_what_looks_like_one_are_taken_out() {
        let known = ["operators-own-word", "short"].map(|text| text.to_owned().into());
        let redaction = Redaction::new(known.into());
        assert_eq!(redaction.text("is operators-own-word short?"), "is [redacted] short?");
        assert_eq!(
            redaction.text("token eyJhbGciOiJI.eyJzdWIiOiJ4.c2ln bad"),
            "token [redacted] bad"
        );
    }
}
