//! What must hold for any file.

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use simulator::tokens::session_token;

use super::{Outcome, Parsed, parse};
use crate::args::ImportFormat;

const FORMATS: [ImportFormat; 4] =
    [ImportFormat::Auto, ImportFormat::Token, ImportFormat::Tokens, ImportFormat::Json];

fn token(user: &str) -> String {
    session_token(user, UNIX_EPOCH + Duration::from_secs(4_000_000_000))
}

/// Pieces that files of this kind are made of, whole and broken.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("::".to_owned()),
        Just(",".to_owned()),
        Just("\n".to_owned()),
        Just("#".to_owned()),
        Just("{\"tokens\":[".to_owned()),
        Just("\"canary\"".to_owned()),
        Just("]}".to_owned()),
        Just(token("user_a")),
        Just("canary.canary.canary".to_owned()),
        "\\PC{0,8}",
    ]
}

fn shown(parsed: &Parsed) -> String {
    format!("{:?} {:?} {}", parsed.rejected, parsed.ignored, parsed.commented)
}

proptest! {
    #[test]
    fn no_bytes_break_it(content in proptest::collection::vec(any::<u8>(), 0..400)) {
        for format in FORMATS {
            let _ = parse("f", &content, format);
        }
    }

    /// Behind an alias's `::` stands what the file calls a token, in front of it what it calls a
    /// name; only names are shown.
    #[test]
    fn no_token_is_shown(pieces in proptest::collection::vec(piece(), 0..30)) {
        let text = pieces.concat();
        for format in FORMATS {
            if let Ok(parsed) = parse("f", text.as_bytes(), format) {
                for row in &parsed.rejected {
                    let Outcome::Rejected(reason) = &row.outcome else {
                        panic!("{row:?}");
                    };
                    prop_assert!(!reason.contains("canary") && !reason.contains("eyJ"), "{reason}");
                }
            } else if let Err(error) = parse("f", text.as_bytes(), format) {
                prop_assert!(!error.contains("canary") && !error.contains("eyJ"), "{error}");
            }
        }
    }

    #[test]
    fn every_line_is_an_account_or_a_rejection(
        lines in proptest::collection::vec("[a-zA-Z0-9:,.#]{0,12}", 0..40),
    ) {
        let text = lines.join("\n");
        let parsed = parse("f", text.as_bytes(), ImportFormat::Token).expect("text");
        let counted = parsed.entries.len() + parsed.rejected.len() + parsed.commented;
        let written = text.lines().filter(|line| !line.trim().is_empty()).count();
        prop_assert_eq!(counted, written, "{}", shown(&parsed));
    }

    #[test]
    fn what_is_written_is_read_back(
        accounts in proptest::collection::vec(("[a-z0-9]{1,10}", proptest::option::of("[a-z ü@.-]{1,12}")), 1..30),
        with_checksums: bool,
    ) {
        let written: Vec<(String, Option<String>)> = accounts
            .into_iter()
            .map(|(user, alias)| {
                let alias = alias.map(|alias| alias.trim().to_owned());
                (token(&format!("user_{user}")), alias.filter(|alias| !alias.is_empty()))
            })
            .collect();
        let text: String = written
            .iter()
            .map(|(token, alias)| {
                let alias = alias.as_ref().map_or_else(String::new, |alias| format!("{alias}::"));
                format!("{alias}{token}{}\n", if with_checksums { ",sum" } else { "" })
            })
            .collect();
        let format = if with_checksums { ImportFormat::Tokens } else { ImportFormat::Token };
        let parsed = parse("f", text.as_bytes(), format).expect("text");
        let read: Vec<(String, Option<String>)> = parsed
            .entries
            .iter()
            .map(|entry| (entry.token.expose_secret().to_owned(), entry.alias.clone()))
            .collect();
        prop_assert_eq!(read, written);
    }
}
