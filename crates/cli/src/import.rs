//! Accounts as older versions wrote them down: read from bytes, without any effect.
//!
//! Nothing here echoes a token: reasons name what is wrong, never what was found.

use std::collections::BTreeSet;

use accounts::Credential;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use crate::args::ImportFormat;

mod json;
mod plan;
#[cfg(test)]
mod properties;

pub(crate) use plan::{Planned, plan};

/// Longest file that is read.
pub(crate) const LONGEST: usize = 64 << 20;
/// Most accounts in one file.
const MOST: usize = 100_000;

/// What a file holds.
#[derive(Default)]
pub(crate) struct Parsed {
    pub(crate) entries: Vec<Entry>,
    pub(crate) rejected: Vec<Row>,
    /// Lines behind `#`, which older versions delete.
    pub(crate) commented: usize,
    /// Fields that have no effect here.
    pub(crate) ignored: BTreeSet<String>,
}

/// An account that was read; its credential has the form of one.
pub(crate) struct Entry {
    /// From 1: the line, or the row of a list.
    pub(crate) number: usize,
    pub(crate) alias: Option<String>,
    pub(crate) token: SecretString,
    pub(crate) enabled: bool,
    /// Whose token it is; `None` for an API key, which does not tell.
    user: Option<String>,
    secondary: Option<SecretString>,
    refresh: Option<SecretString>,
    /// As `/tokens/add` takes it: checksum, proxy and the like.
    rest: Map<String, Value>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) number: usize,
    pub(crate) alias: Option<String>,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Added,
    /// It is there already.
    Skipped(String),
    Rejected(String),
}

impl Entry {
    /// # Errors
    /// The token has not the form of a credential.
    pub(crate) fn new(number: usize, alias: Option<String>, token: &str) -> Result<Self, Row> {
        let alias = alias.filter(|alias| !alias.is_empty());
        if alias.as_deref().is_some_and(is_no_name) {
            let text = "the name is a token, or longer than 128 characters";
            return Err(Row::rejected(number, None, text));
        }
        match Credential::parse(token) {
            Ok(credential) => Ok(Self {
                number,
                alias,
                token: SecretString::from(token.trim()),
                enabled: true,
                user: match &credential {
                    Credential::Session(token) | Credential::Web(token) => {
                        Some(token.claims().user_id.clone())
                    }
                    Credential::ApiKey(_) => None,
                },
                secondary: None,
                refresh: None,
                rest: Map::new(),
            }),
            Err(error) => Err(Row::rejected(number, alias, &format!("no credential: {error}"))),
        }
    }

    pub(crate) fn with_refresh(mut self, refresh: Option<SecretString>) -> Self {
        self.refresh = refresh;
        self
    }

    /// An entry of `/tokens/add`.
    pub(crate) fn body(&self, alias: &str) -> Value {
        let mut body = self.rest.clone();
        let mut put = |name: &str, text: &str| body.insert(name.to_owned(), text.into());
        put("alias", alias);
        put("token", self.token.expose_secret());
        if let Some(secondary) = &self.secondary {
            put("secondary_token", secondary.expose_secret());
        }
        if let Some(refresh) = &self.refresh {
            put("refresh_token", refresh.expose_secret());
        }
        Value::Object(body)
    }
}

impl Row {
    fn rejected(number: usize, alias: Option<String>, reason: &str) -> Self {
        Self { number, alias, outcome: Outcome::Rejected(reason.to_owned()) }
    }
}

/// Names are shown, so what may be a token must not become one.
fn is_no_name(alias: &str) -> bool {
    alias.chars().count() > 128 || alias.starts_with("eyJ") || Credential::parse(alias).is_ok()
}

/// Reads a file; `name` helps to tell its format.
///
/// # Errors
/// The file as a whole cannot be read that way.
pub(crate) fn parse(name: &str, content: &[u8], format: ImportFormat) -> Result<Parsed, String> {
    if content.len() > LONGEST {
        return Err(format!("is longer than {} MiB", LONGEST >> 20));
    }
    let text = std::str::from_utf8(content).map_err(|_| "is no UTF-8 text".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match told(name, text, format) {
        Told::Token => lines(text, false),
        Told::Tokens => lines(text, true),
        Told::Json => json::parse(text),
    }
}

/// The format once `auto` is decided.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Token,
    Tokens,
    Json,
}

fn told(name: &str, text: &str, format: ImportFormat) -> Told {
    match format {
        ImportFormat::Token => return Told::Token,
        ImportFormat::Tokens => return Told::Tokens,
        ImportFormat::Json => return Told::Json,
        ImportFormat::Auto => {}
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&[".json"]) || text.trim_start().starts_with(['{', '[']) {
        Told::Json
    } else if ends(&[".tokens", ".token-list"]) {
        Told::Tokens
    } else if ends(&[".token"]) {
        Told::Token
    } else if accounts_of(text).any(|(_, line)| line.contains(',')) {
        Told::Tokens
    } else {
        Told::Token
    }
}

/// Lines that hold something, with their numbers.
fn accounts_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn lines(text: &str, with_checksums: bool) -> Result<Parsed, String> {
    let is_comment = |line: &&str| line.trim().starts_with('#');
    let commented = text.lines().filter(is_comment).count();
    let mut parsed = Parsed { commented, ..Parsed::default() };
    for (count, (number, line)) in accounts_of(text).enumerate() {
        bounded(count)?;
        let (account, checksum) = match line.split_once(',') {
            Some((account, checksum)) if with_checksums => (account.trim(), Some(checksum.trim())),
            Some(_) | None => (line, None),
        };
        let (alias, token) = named(account);
        match Entry::new(number, alias, token) {
            Ok(mut entry) => {
                if let Some(checksum) = checksum.filter(|checksum| !checksum.is_empty()) {
                    entry.rest.insert("checksum".to_owned(), checksum.into());
                }
                parsed.entries.push(entry);
            }
            Err(row) => parsed.rejected.push(row),
        }
    }
    Ok(parsed)
}

/// `alias::token`, unless it is the web cookie's own form, `user_…::token`.
fn named(account: &str) -> (Option<String>, &str) {
    match account.split_once("::") {
        Some((alias, token)) if Credential::parse(account).is_err() => {
            (Some(alias.trim().to_owned()), token.trim())
        }
        Some(_) | None => (None, account),
    }
}

fn bounded(count: usize) -> Result<(), String> {
    if count < MOST { Ok(()) } else { Err(format!("holds more than {MOST} accounts")) }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use simulator::tokens::session_token;

    use super::*;

    fn token(user: &str) -> String {
        session_token(user, SystemTime::now() + Duration::from_secs(9999))
    }

    fn read(text: &str, format: ImportFormat) -> Parsed {
        parse("file", text.as_bytes(), format).unwrap_or_else(|error| panic!("{error}"))
    }

    fn seen(parsed: &Parsed) -> Vec<(usize, Option<&str>, &str)> {
        let entry = |e| -> (usize, Option<&str>, &str) {
            let e: &Entry = e;
            (e.number, e.alias.as_deref(), e.token.expose_secret())
        };
        parsed.entries.iter().map(entry).collect()
    }

    #[test]
    fn a_token_file_has_bare_tokens_names_and_comments() {
        let (a, b) = (token("user_a"), token("user_b"));
        let text =
            format!("\u{feff}# note\r\n{a}\r\n\n  mine::{b}  \n#{a}\nkey_0123456789abcdef\n");
        let parsed = read(&text, ImportFormat::Auto);
        assert_eq!(
            seen(&parsed),
            [(2, None, a.as_str()), (4, Some("mine"), &b), (6, None, "key_0123456789abcdef")]
        );
        assert_eq!(parsed.commented, 2);
        assert!(parsed.rejected.is_empty());
    }

    #[test]
    fn the_cookie_form_is_no_alias() {
        let token = token("user_a");
        for cookie in [format!("user_a::{token}"), format!("user_a%3A%3A{token}")] {
            for (line, alias) in [(cookie.clone(), None), (format!("me::{cookie}"), Some("me"))] {
                let parsed = read(&line, ImportFormat::Token);
                assert_eq!(seen(&parsed), [(1, alias, cookie.as_str())]);
                assert_eq!(parsed.entries[0].user.as_deref(), Some("user_a"));
            }
        }
        let parsed = read(&format!("user_b::{token}"), ImportFormat::Token);
        assert_eq!(seen(&parsed), [(1, Some("user_b"), token.as_str())]);
    }

    #[test]
    fn a_token_list_has_checksums() {
        let (a, b) = (token("user_a"), token("user_b"));
        let text = format!("{a},sum1\nmine::{b} , sum2\n# {a},sum1\n{a}\n");
        let parsed = read(&text, ImportFormat::Auto);
        assert_eq!(seen(&parsed), [(1, None, a.as_str()), (2, Some("mine"), &b), (4, None, &a)]);
        let sums: Vec<_> = parsed.entries.iter().map(|e| e.rest.get("checksum")).collect();
        assert_eq!(sums, [Some(&"sum1".into()), Some(&"sum2".into()), None]);
        assert_eq!(parsed.entries[1].body("x")["checksum"], "sum2");
        assert_eq!(parsed.entries[1].body("x")["token"], b.as_str());
    }

    #[test]
    fn the_format_is_told_by_name_then_by_content() {
        let auto = |name: &str, text: &str| told(name, text, ImportFormat::Auto);
        assert_eq!(auto(".token-list", "a"), Told::Tokens);
        assert_eq!(auto("old/.tokens", "a"), Told::Tokens);
        assert_eq!(auto(".token", "a,b::c"), Told::Token);
        assert_eq!(auto("x.json", "a"), Told::Json);
        assert_eq!(auto("x", "\n [1]"), Told::Json);
        assert_eq!(auto("x", "# a,b\nc"), Told::Token);
        assert_eq!(auto("x", "c,d"), Told::Tokens);
    }

    #[test]
    fn what_is_no_credential_is_rejected_without_being_shown() {
        let parsed = read("canary\nmine::canary.a.b\n", ImportFormat::Token);
        assert!(parsed.entries.is_empty());
        let rows: Vec<_> = parsed.rejected.iter().map(|r| (r.number, r.alias.as_deref())).collect();
        assert_eq!(rows, [(1, None), (2, Some("mine"))]);
        assert!(!format!("{:?}", parsed.rejected).contains("canary"));
    }

    #[test]
    fn a_token_in_the_place_of_a_name_is_not_taken_for_one() {
        let (a, b) = (token("user_a"), token("user_b"));
        let text = format!("{a}::{b}\nkey_0123456789abcdef::{b}\n{}::{b}\n", "x".repeat(129));
        let parsed = read(&text, ImportFormat::Token);
        assert!(parsed.entries.is_empty());
        assert!(parsed.rejected.iter().all(|row| row.alias.is_none()));
        assert_eq!(parsed.rejected.len(), 3);
    }

    #[test]
    fn files_that_are_no_text_or_too_long_are_refused() {
        let refused = |content: &[u8]| parse("f", content, ImportFormat::Auto).err();
        assert_eq!(refused(b"\xff\xfe").as_deref(), Some("is no UTF-8 text"));
        assert_eq!(refused(&vec![b'\n'; LONGEST + 1]).as_deref(), Some("is longer than 64 MiB"));
        let many = "x\n".repeat(MOST + 1);
        assert_eq!(refused(many.as_bytes()).as_deref(), Some("holds more than 100000 accounts"));
        assert!(refused("x\n".repeat(MOST).as_bytes()).is_none());
    }
}
