//! What `/tokens/set`, `/tokens/add`, `/tokens/merge` and the calls for one token take.

use std::fmt;

use gateway::profile::{Profile, SessionInfo, Stripe, Usage, User};
use gateway::{AccountInput, ChecksumInput};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;

use super::super::shapes::{ListOr, TextOr};

/// Two machine ids, or the text of the header.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(in super::super) struct Checksum(TextOr<Pair>);

#[derive(Debug, Deserialize)]
struct Pair {
    first: String,
    second: String,
}

impl Checksum {
    pub(in super::super) fn into_input(self) -> ChecksumInput {
        match self.0 {
            TextOr::Text(text) => ChecksumInput::Header(text),
            TextOr::Object(Pair { first, second }) => ChecksumInput::Pair { first, second },
        }
    }
}

/// An account as `/tokens/get` shows it; which fields must be there is the gateway's to say.
#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Info {
    primary_token: Option<SecretString>,
    secondary_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
    checksum: Option<Checksum>,
    client_key: Option<String>,
    config_version: Option<String>,
    session_id: Option<String>,
    proxy: Option<String>,
    timezone: Option<String>,
    gcpp_host: Option<String>,
    flow: Option<String>,
    user: Option<User>,
    status: Option<Status>,
    usage: Option<Usage>,
    stripe: Option<Stripe>,
    sessions: Option<Vec<SessionInfo>>,
    /// Shown, and found out anew from the tokens.
    #[serde(rename = "credential")]
    _credential: Option<Value>,
    #[serde(rename = "expires_at")]
    _expires_at: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    enabled: Option<bool>,
    /// What was observed of the account is not for others to say.
    #[serde(rename = "state")]
    _state: Option<Value>,
    #[serde(rename = "reason")]
    _reason: Option<Value>,
    #[serde(rename = "since")]
    _since: Option<Value>,
    #[serde(rename = "until")]
    _until: Option<Value>,
    #[serde(rename = "active")]
    _active: Option<Value>,
    #[serde(rename = "in_use")]
    _in_use: Option<Value>,
    #[serde(rename = "coolings")]
    _coolings: Option<Value>,
}

impl Info {
    pub(in super::super) fn into_input(self, alias: Option<String>) -> AccountInput {
        let (user, usage, stripe, sessions) = (self.user, self.usage, self.stripe, self.sessions);
        let known = user.is_some() || usage.is_some() || stripe.is_some() || sessions.is_some();
        AccountInput {
            alias,
            primary: self.primary_token,
            secondary: self.secondary_token,
            refresh: self.refresh_token,
            checksum: self.checksum.map(Checksum::into_input),
            client_key: self.client_key,
            config_version: self.config_version,
            session_id: self.session_id,
            proxy: self.proxy,
            timezone: self.timezone,
            region: self.gcpp_host,
            flow: self.flow,
            enabled: self.status.and_then(|status| status.enabled),
            profile: known.then_some(Profile { user, usage, stripe, sessions }),
        }
    }
}

/// `[alias, info]`, or with the number in front as `/tokens/get` shows it.
#[derive(Debug)]
pub(in super::super) struct Row {
    pub(in super::super) alias: String,
    pub(in super::super) info: Info,
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tuple;
        impl<'de> Visitor<'de> for Tuple {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[alias, account] or [number, alias, account]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Row, A::Error> {
                let short = |length| A::Error::invalid_length(length, &Tuple);
                let (alias, length) = match access.next_element()?.ok_or_else(|| short(0))? {
                    Head::Alias(alias) => (alias, 1),
                    Head::Number => (access.next_element()?.ok_or_else(|| short(1))?, 2),
                };
                let info = access.next_element()?.ok_or_else(|| short(length))?;
                match access.next_element::<IgnoredAny>()? {
                    None => Ok(Row { alias, info }),
                    Some(_) => Err(short(length + 2)),
                }
            }
        }
        deserializer.deserialize_seq(Tuple)
    }
}

enum Head {
    Number,
    Alias(String),
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Head;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an alias or a number")
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Head, E> {
                Ok(Head::Number)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Head, E> {
                Ok(Head::Alias(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The body of `/tokens/add`: with or without the object around the list.
pub(in super::super) type AddedList = ListOr<TextOr<Added>, AddedObject>;

#[derive(Debug, Deserialize)]
pub(in super::super) struct AddedObject {
    pub(in super::super) tokens: Vec<TextOr<Added>>,
    pub(in super::super) enabled: Option<bool>,
}

/// An entry of `/tokens/add`, and what `/build-key` and `/config-version/get` say of a token.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Added {
    alias: Option<String>,
    #[serde(alias = "primary_token")]
    token: SecretString,
    secondary_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
    checksum: Option<Checksum>,
    client_key: Option<String>,
    session_id: Option<String>,
    config_version: Option<String>,
    proxy: Option<String>,
    timezone: Option<String>,
    gcpp_host: Option<String>,
    flow: Option<String>,
}

impl Added {
    pub(in super::super) fn into_input(self) -> AccountInput {
        AccountInput {
            alias: self.alias,
            primary: Some(self.token),
            secondary: self.secondary_token,
            refresh: self.refresh_token,
            checksum: self.checksum.map(Checksum::into_input),
            client_key: self.client_key,
            config_version: self.config_version,
            session_id: self.session_id,
            proxy: self.proxy,
            timezone: self.timezone,
            region: self.gcpp_host,
            flow: self.flow,
            enabled: None,
            profile: None,
        }
    }
}

/// An entry that may be the bare token.
pub(in super::super) fn added(entry: TextOr<Added>) -> AccountInput {
    match entry {
        TextOr::Text(token) => {
            AccountInput { primary: Some(SecretString::from(token)), ..AccountInput::default() }
        }
        TextOr::Object(added) => added.into_input(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde::de::DeserializeOwned;

    use super::super::super::input::parse;
    use super::*;

    fn read<T: DeserializeOwned>(text: &str) -> T {
        let input = parse(text.as_bytes()).expect("body");
        assert_eq!(input.unused.to_string(), "");
        input.value
    }

    fn refused<T: DeserializeOwned + fmt::Debug>(text: &str) -> String {
        parse::<T>(text.as_bytes()).expect_err("refused").client
    }

    fn exposed(secret: Option<&SecretString>) -> Option<&str> {
        secret.map(ExposeSecret::expose_secret)
    }

    #[test]
    fn a_row_of_set_is_read_field_by_field() {
        let rows: Vec<Row> = read(
            r#"[["a", {"primary_token": "P", "secondary_token": "S",
                "checksum": {"first": "1", "second": "2"}, "client_key": "K",
                "config_version": "V", "session_id": "I", "proxy": "x", "timezone": "UTC",
                "gcpp_host": "Asia", "status": {"enabled": false},
                "user": {"user_id": 7, "is_enterprise_user": false, "is_on_new_pricing": true,
                    "privacy_mode_info": {"privacy_mode": "no_training"}}}]]"#,
        );
        let [Row { alias, info }] = <[Row; 1]>::try_from(rows).expect("one row");
        let input = info.into_input(Some(alias));
        assert_eq!(input.alias.as_deref(), Some("a"));
        assert_eq!(exposed(input.primary.as_ref()), Some("P"));
        assert_eq!(exposed(input.secondary.as_ref()), Some("S"));
        assert!(matches!(&input.checksum,
            Some(ChecksumInput::Pair { first, second }) if first == "1" && second == "2"));
        assert_eq!(input.client_key.as_deref(), Some("K"));
        assert_eq!(input.config_version.as_deref(), Some("V"));
        assert_eq!(input.session_id.as_deref(), Some("I"));
        assert_eq!(input.proxy.as_deref(), Some("x"));
        assert_eq!(input.timezone.as_deref(), Some("UTC"));
        assert_eq!(input.region.as_deref(), Some("Asia"));
        assert_eq!(input.enabled, Some(false));
        assert_eq!(
            input.profile.and_then(|profile| profile.user).map(|user| user.user_id),
            Some(7)
        );
    }

    #[test]
    fn a_row_may_begin_with_its_number() {
        let rows: Vec<Row> = read(r#"[[3, "a", {"primary_token": "P"}], ["b", {}]]"#);
        let aliases: Vec<&str> = rows.iter().map(|row| row.alias.as_str()).collect();
        assert_eq!(aliases, ["a", "b"]);
    }

    #[test]
    fn rows_of_another_shape_are_told_with_their_path() {
        assert_eq!(
            refused::<Vec<Row>>(r#"[["a", {}], ["b", {"checksum": {"first": 1}}]]"#),
            "[1][1].checksum.first: expected a string"
        );
        assert_eq!(
            refused::<Vec<Row>>(r#"[["a"]]"#),
            "[0]: expected [alias, account] or [number, alias, account]"
        );
        assert!(refused::<Vec<Row>>(r#"[["a", {}, 1]]"#).starts_with("[0]"));
        assert_eq!(
            refused::<Vec<Row>>(r#"[[true, "a", {}]]"#),
            "[0][0]: expected an alias or a number"
        );
    }

    #[test]
    fn add_takes_lists_and_bare_tokens() {
        let tokens = |list: AddedList| match list {
            ListOr::List(tokens) => (tokens, None),
            ListOr::Object(AddedObject { tokens, enabled }) => (tokens, enabled),
        };
        let (entries, enabled) = tokens(read(
            r#"{"tokens": [{"alias": "a", "token": "T", "checksum": "H"}, "U"], "enabled": false}"#,
        ));
        assert_eq!(enabled, Some(false));
        let inputs: Vec<AccountInput> = entries.into_iter().map(added).collect();
        assert_eq!(exposed(inputs[0].primary.as_ref()), Some("T"));
        assert!(matches!(&inputs[0].checksum, Some(ChecksumInput::Header(text)) if text == "H"));
        assert_eq!(exposed(inputs[1].primary.as_ref()), Some("U"));
        assert_eq!(inputs[1].alias, None);
        let (entries, enabled) = tokens(read(r#"["U"]"#));
        assert_eq!((entries.len(), enabled), (1, None));
        assert_eq!(
            refused::<AddedList>(r#"{"tokens": [{"token": "T", "proxy": 5}]}"#),
            "tokens[0].proxy: expected a string"
        );
        assert_eq!(
            refused::<AddedList>(r#"{"tokens": [{"alias": "a"}]}"#),
            "tokens[0]: missing field `token`"
        );
    }

    #[test]
    fn no_secret_is_printed() {
        let list: AddedList = read(r#"[{"token": "canary"}]"#);
        assert!(!format!("{list:?}").contains("canary"));
    }
}
