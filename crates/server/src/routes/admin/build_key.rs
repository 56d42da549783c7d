//! `/build-key`: a key around an account that the request brings along.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use conversation::{Failure, FailureClass};
use gateway::{AccountInput, KeyInput};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::account_json::Checksum;
use super::input::Input;
use super::key_json::{OptionsIn, UsageCheckModels, Wrong, expiry};
use super::keys::texts_of;
use super::{Answered, answer, body, invalid, refuse_as};
use crate::App;
use crate::auth::Trusted;
use crate::router::Visit;

#[derive(Debug, Deserialize)]
struct BuildKey {
    token: SecretString,
    checksum: Option<Checksum>,
    client_key: Option<String>,
    config_version: Option<String>,
    session_id: Option<String>,
    proxy_name: Option<String>,
    timezone: Option<String>,
    gcpp_host: Option<String>,
    disable_vision: Option<bool>,
    enable_slow_pool: Option<bool>,
    include_web_references: Option<bool>,
    usage_check_models: Option<UsageCheckModels>,
    log_content: Option<bool>,
    name: Option<String>,
    expires: Option<String>,
    expires_in: Option<u64>,
}

impl BuildKey {
    fn into_input(self, now: accounts::UnixMs) -> Result<(AccountInput, KeyInput), Wrong> {
        let account = AccountInput {
            primary: Some(self.token),
            checksum: self.checksum.map(Checksum::into_input),
            client_key: self.client_key,
            config_version: self.config_version,
            session_id: self.session_id,
            ..AccountInput::default()
        };
        let options = OptionsIn {
            proxy_name: self.proxy_name,
            timezone: self.timezone,
            gcpp_host: self.gcpp_host,
            disable_vision: self.disable_vision,
            enable_slow_pool: self.enable_slow_pool,
            include_web_references: self.include_web_references,
            usage_check_models: self.usage_check_models,
            log_content: self.log_content,
        };
        let key = KeyInput {
            name: self.name,
            expires: expiry(self.expires.as_deref(), self.expires_in, now)?,
            options: options.into_input()?,
            ..KeyInput::default()
        };
        Ok((account, key))
    }
}

/// `POST /build-key`.
pub(crate) async fn build(
    _: Trusted,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    #[derive(Serialize)]
    struct Keys {
        keys: [String; 3],
    }
    let Input { value, unused } = body::<BuildKey>(&app, &visit, bytes).await?;
    // What is kept on the operator's disk is the operator's to say.
    if value.log_content.is_some() && !visit.trace.is_shown() {
        let text = "log_content is for the administrator to set.";
        let failure =
            Failure { class: FailureClass::Forbidden, ..Failure::invalid("log_content", text) };
        return Err(visit.refusal(failure));
    }
    let input = value.into_input(app.now());
    let (account, key) = input.map_err(|(field, text)| invalid(&visit, field, text))?;
    let key = app.0.gateway.build_key(account, key).await;
    let key = key.map_err(|error| refuse_as(&visit, error, "primary_token", "token"))?;
    answer(&visit, &unused, &Keys { keys: texts_of(&key) })
}

#[cfg(test)]
mod tests {
    use accounts::{UnixMs, UsageCheck};
    use gateway::ChecksumInput;

    use super::super::input::parse;
    use super::*;

    #[test]
    fn every_documented_field_has_its_place() {
        let body = serde_json::json!({
            "token": "canary", "checksum": {"first": "1", "second": "2"}, "client_key": "3",
            "config_version": "4", "session_id": "5", "proxy_name": "6", "timezone": "7",
            "gcpp_host": "8", "disable_vision": true, "enable_slow_pool": true,
            "include_web_references": false, "log_content": true,
            "usage_check_models": {"type": "custom", "model_ids": "a,b"}
        });
        let input = parse::<BuildKey>(body.to_string().as_bytes()).expect("body");
        assert_eq!(input.unused.to_string(), "");
        assert!(!format!("{:?}", input.value).contains("canary"));
        let (account, key) = input.value.into_input(UnixMs(0)).expect("input");
        assert!(matches!(account.checksum,
            Some(ChecksumInput::Pair { first, second }) if first == "1" && second == "2"));
        assert_eq!(account.client_key.as_deref(), Some("3"));
        assert_eq!(account.config_version.as_deref(), Some("4"));
        assert_eq!(account.session_id.as_deref(), Some("5"));
        assert_eq!(key.options.proxy.as_deref(), Some("6"));
        assert_eq!(key.options.timezone.as_deref(), Some("7"));
        assert_eq!(key.options.region.as_deref(), Some("8"));
        assert_eq!(key.options.disable_vision, Some(true));
        assert_eq!(key.options.slow_pool, Some(true));
        assert_eq!(key.options.web_references, Some(false));
        assert_eq!(key.options.log_content, Some(true));
        assert_eq!(
            key.options.usage_check,
            Some(UsageCheck::Models(vec!["a".to_owned(), "b".to_owned()]))
        );
        assert_eq!((key.name, key.expires), (None, None));
    }
}
