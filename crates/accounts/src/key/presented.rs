//! What a client presented as its key, told apart by shape.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::secret::{Framed, KeySecret, MAGIC_TEXT};

/// Longer texts are not looked at.
const LONGEST: usize = 16 * 1024;
/// The prefix of keys that were made before the setting was changed.
const USUAL_PREFIX: &str = "sk-";
/// A key of 0.3 or 0.4 holds a whole token and more.
const SHORTEST_OLD: usize = 64;

#[derive(Debug, Clone)]
pub enum PresentedKey {
    /// One of our three forms.
    Secret(KeySecret),
    /// A form of earlier versions, which carried the account's token: refused with an explanation.
    Legacy(LegacyKey),
    /// Our form with a typing mistake in it.
    Damaged,
    /// Nothing that we give out.
    Unknown,
}

/// What earlier versions took as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegacyKey {
    /// A key with the configuration inside, as `/build-key` of 0.3 and 0.4 made it.
    V03,
    /// `token,checksum`.
    TokenAndChecksum,
    /// An account's token or cookie by itself.
    SessionToken,
}

impl PresentedKey {
    /// Keys with the usual prefix are understood whatever `prefix` is.
    #[must_use]
    pub fn parse(text: &str, prefix: &str) -> Self {
        let text = text.trim();
        if text.len() > LONGEST {
            return Self::Unknown;
        }
        let mut damaged = false;
        let mut old = false;
        for body in [prefix, USUAL_PREFIX].iter().filter_map(|prefix| text.strip_prefix(prefix)) {
            match KeySecret::read_framed(body) {
                Framed::Whole(secret) => return Self::Secret(secret),
                Framed::Damaged => damaged = true,
                Framed::Foreign => {
                    damaged |= mangled(body);
                    old |= holds_configuration(body);
                }
            }
        }
        let number = KeySecret::read_base64(text).or_else(|| KeySecret::read_number(text));
        if let Some(secret) = number {
            return Self::Secret(secret);
        }
        if damaged {
            return Self::Damaged;
        }
        if let Some((token, _)) = text.split_once(',')
            && is_token(token)
        {
            return Self::Legacy(LegacyKey::TokenAndChecksum);
        }
        if is_token(text) {
            return Self::Legacy(LegacyKey::SessionToken);
        }
        if old {
            return Self::Legacy(LegacyKey::V03);
        }
        Self::Unknown
    }
}

/// Begins like one of ours and is about as long, but a character is missing, doubled or illegal.
fn mangled(body: &str) -> bool {
    body.starts_with(MAGIC_TEXT) && (30..=46).contains(&body.chars().count())
}

fn holds_configuration(body: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(body.trim_end_matches('='))
        .is_ok_and(|bytes| bytes.len() >= SHORTEST_OLD)
}

/// A JWT, by itself, as a cookie, or behind a user id or alias.
fn is_token(text: &str) -> bool {
    let text = text.strip_prefix("WorkosCursorSessionToken=").unwrap_or(text);
    let token = ["::", "%3A%3A", "%3a%3a"]
        .iter()
        .find_map(|mark| text.split_once(mark))
        .map_or(text, |(_, token)| token);
    let mut parts = token.split('.');
    let legal = |part: Option<&str>| {
        part.is_some_and(|part| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b))
        })
    };
    token.starts_with("eyJ")
        && legal(parts.next())
        && legal(parts.next())
        && legal(parts.next())
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::id::AccountId;
    use crate::record::{KeyHash, KeyKind};

    const BUILT: KeyKind = KeyKind::Built { account: AccountId(1) };

    fn forms(secret: &KeySecret, prefix: &str) -> Vec<String> {
        [
            secret.text(prefix, BUILT),
            secret.text(prefix, KeyKind::Managed),
            secret.number_base64(),
            secret.number(),
        ]
        .iter()
        .map(|text| text.expose_secret().to_owned())
        .collect()
    }

    fn read(text: &str, prefix: &str) -> Option<KeyHash> {
        match PresentedKey::parse(text, prefix) {
            PresentedKey::Secret(secret) => Some(secret.hash()),
            PresentedKey::Legacy(_) | PresentedKey::Damaged | PresentedKey::Unknown => None,
        }
    }

    #[test]
    fn the_forms_are_what_the_documents_say() {
        let mut bytes = [0; 24];
        bytes[15] = 7;
        bytes[22] = 1;
        let secret = KeySecret::from_bytes(bytes);
        let forms = forms(&secret, "sk-");
        assert_eq!(forms[3], "7-256");
        assert_eq!(forms[2], "AAAAAAAAAAAAAAAAAAAABwAAAAAAAAEA");
        assert!(forms[0].starts_with("sk-ca") && forms[0].len() == 3 + 38, "{}", forms[0]);
        assert_ne!(forms[0], forms[1]);
        let all = KeySecret::from_bytes([0xff; 24]);
        assert_eq!(
            all.number().expose_secret(),
            "340282366920938463463374607431768211455-18446744073709551615"
        );
    }

    #[test]
    fn a_hash_is_not_the_plain_digest_and_nothing_is_printed() {
        use sha2::Digest as _;
        let secret = KeySecret::from_bytes([7; 24]);
        let plain: [u8; 32] = sha2::Sha256::digest([7; 24]).into();
        assert_ne!(secret.hash().0, plain);
        assert_eq!(format!("{:?}", PresentedKey::Secret(secret)), "Secret(KeySecret(…))");
    }

    #[test]
    fn keys_of_earlier_versions_are_recognised() {
        let legacy = |text: &str| match PresentedKey::parse(text, "sk-") {
            PresentedKey::Legacy(legacy) => Some(legacy),
            PresentedKey::Secret(_) | PresentedKey::Damaged | PresentedKey::Unknown => None,
        };
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyXzEifQ.AAAA-_AA";
        let old = format!("sk-{}", URL_SAFE_NO_PAD.encode([5; 200]));
        assert_eq!(legacy(&old), Some(LegacyKey::V03));
        assert_eq!(legacy(&format!("{jwt},abc/def")), Some(LegacyKey::TokenAndChecksum));
        assert_eq!(legacy(&format!("user_1::{jwt},abc")), Some(LegacyKey::TokenAndChecksum));
        for text in [
            jwt.to_owned(),
            format!("user_1::{jwt}"),
            format!("WorkosCursorSessionToken=user_1%3A%3A{jwt}"),
        ] {
            assert_eq!(legacy(&text), Some(LegacyKey::SessionToken), "{text}");
        }
        for text in ["", "sk-", "sk-test", "hello, world", "a.b.c", "eyJ.a", "eyJ..a", "1-", "+1-2"]
        {
            assert!(matches!(PresentedKey::parse(text, "sk-"), PresentedKey::Unknown), "{text}");
        }
        let long = format!("sk-{}", "A".repeat(LONGEST));
        assert!(matches!(PresentedKey::parse(&long, "sk-"), PresentedKey::Unknown));
    }

    #[test]
    fn a_wrong_character_is_noticed_wherever_it_is() {
        let text = KeySecret::from_bytes([9; 24]).text("sk-", KeyKind::Managed);
        for at in 5..text.expose_secret().len() {
            let mut wrong = text.expose_secret().to_owned();
            wrong.replace_range(at..=at, if &wrong[at..=at] == "A" { "B" } else { "A" });
            let read = PresentedKey::parse(&wrong, "sk-");
            assert!(matches!(read, PresentedKey::Damaged), "{at}: {read:?}");
        }
    }

    proptest! {
        #[test]
        fn every_form_of_every_secret_is_read_back(bytes: [u8; 24], prefix in "(sk-|[a-z]{0,6}|ca)") {
            let secret = KeySecret::from_bytes(bytes);
            for form in forms(&secret, &prefix) {
                prop_assert_eq!(read(&form, &prefix), Some(secret.hash()), "{}", form);
            }
            let usual = secret.text("sk-", BUILT);
            prop_assert_eq!(read(usual.expose_secret(), &prefix), Some(secret.hash()));
        }

        #[test]
        fn a_slip_of_the_pen_is_never_another_key(bytes: [u8; 24], at in 5_usize..41, to in "[A-Za-z0-9_-]") {
            let secret = KeySecret::from_bytes(bytes);
            let text = secret.text("sk-", BUILT).expose_secret().to_owned();
            let mut wrong = text.clone();
            wrong.replace_range(at..=at, &to);
            prop_assume!(wrong != text);
            match PresentedKey::parse(&wrong, "sk-") {
                PresentedKey::Damaged => {}
                // One in 65,536 passes the checksum.
                PresentedKey::Secret(other) => prop_assert_ne!(other.hash(), secret.hash()),
                other => prop_assert!(false, "{:?}", other),
            }
            wrong.remove(at);
            prop_assert!(matches!(PresentedKey::parse(&wrong, "sk-"), PresentedKey::Damaged));
        }

        #[test]
        fn no_text_panics(text in "\\PC*", prefix in "\\PC{0,3}") {
            let _ = PresentedKey::parse(&text, &prefix);
            let _ = PresentedKey::parse(&format!("{prefix}ca{text}"), &prefix);
            let _ = PresentedKey::parse(&format!("sk-{text},{text}::eyJ.{text}.a"), &prefix);
        }
    }
}
