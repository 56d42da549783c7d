//! Keys as they are shown and read.

use std::sync::Arc;

use accounts::{AccountId, Alias, KeyHash, KeyId, KeyUsage, Region};
use serde_json::json;

use super::super::input::parse;
use super::*;

const NOW: UnixMs = UnixMs(1_769_950_000_000);

fn read(body: &serde_json::Value) -> KeyIn {
    let input = parse::<KeyIn>(body.to_string().as_bytes()).expect("body");
    assert_eq!(input.unused.to_string(), "");
    input.value
}

#[test]
fn a_key_is_read_field_by_field() {
    let input = read(&json!({
        "name": "laptop", "expires_in": 60,
        "options": {"proxy_name": "tunnel", "timezone": "UTC", "gcpp_host": "US",
            "disable_vision": true, "enable_slow_pool": false, "include_web_references": true,
            "log_content": false, "usage_check_models": {"type": "custom", "model_ids": "a, b,,"}},
        "limits": {"models": ["claude-*"], "accounts": ["work"], "requests_per_minute": 1,
            "tokens_per_minute": 2, "concurrency": 3, "budget": {"tokens": 4, "period": "month"}}
    }))
    .into_input(NOW)
    .expect("input");
    assert_eq!(input.name.as_deref(), Some("laptop"));
    assert_eq!(input.expires, Some(UnixMs(NOW.0 + 60_000)));
    assert_eq!(input.options.proxy.as_deref(), Some("tunnel"));
    assert_eq!(input.options.region.as_deref(), Some("US"));
    assert_eq!(input.options.disable_vision, Some(true));
    assert_eq!(input.options.slow_pool, Some(false));
    assert_eq!(input.options.web_references, Some(true));
    assert_eq!(input.options.log_content, Some(false));
    assert_eq!(input.options.usage_check, Some(UsageCheck::Models(vec!["a".into(), "b".into()])));
    assert_eq!(
        input.limits,
        KeyLimits {
            models: vec!["claude-*".into()],
            accounts: vec!["work".into()],
            requests_per_minute: Some(1),
            tokens_per_minute: Some(2),
            concurrency: Some(3),
            budget: Some(Budget { tokens: 4, period: Period::Month }),
        }
    );
}

#[test]
fn nothing_is_a_key_without_limits() {
    let input = read(&json!({})).into_input(NOW).expect("input");
    assert_eq!((input.expires, input.limits), (None, KeyLimits::default()));
    assert_eq!(input.options.usage_check, None);
}

#[test]
fn every_word_of_the_usage_check_is_read() {
    for (word, expected) in [
        ("default", UsageCheck::Default),
        ("disabled", UsageCheck::Disabled),
        ("all", UsageCheck::All),
    ] {
        let input = read(&json!({"options": {"usage_check_models": {"type": word}}}));
        let input = input.into_input(NOW).expect("input");
        assert_eq!(input.options.usage_check, Some(expected));
    }
    let custom = read(&json!({"options": {"usage_check_models": {"type": "custom"}}}));
    assert_eq!(custom.into_input(NOW).expect_err("no models").0, "usage_check_models.model_ids");
    let refused = parse::<KeyIn>(br#"{"options":{"usage_check_models":{"type":"some"}}}"#);
    assert_eq!(
        refused.expect_err("unknown word").client,
        "options.usage_check_models.type: expected one of `default`, `disabled`, `all`, `custom`"
    );
}

#[test]
fn a_key_ends_at_one_instant_only() {
    let both = read(&json!({"expires": "2027-01-01T00:00:00Z", "expires_in": 1}));
    assert_eq!(both.into_input(NOW).expect_err("both").0, "expires_in");
    let odd = read(&json!({"expires": "tomorrow"}));
    assert_eq!(odd.into_input(NOW).expect_err("no instant").0, "expires");
    let at = read(&json!({"expires": "2026-02-01T12:46:40Z"})).into_input(NOW).expect("input");
    assert_eq!(at.expires, Some(NOW));
}

fn view() -> KeyView {
    KeyView {
        record: Arc::new(KeyRecord {
            id: KeyId::new("key_1"),
            name: "laptop".to_owned(),
            kind: KeyKind::Built { account: AccountId(1) },
            hash: KeyHash([0xAB; 32]),
            previous: Some((KeyHash([0xCD; 32]), UnixMs(NOW.0 + 1000))),
            created: UnixMs(0),
            expires: Some(UnixMs(NOW.0 + 2000)),
            revoked: None,
            options: KeyOptions { region: Some(Region::Asia), ..KeyOptions::default() },
            limits: KeyLimits { concurrency: Some(3), ..KeyLimits::default() },
        }),
        usage: KeyUsage {
            key: KeyId::new("key_1"),
            requests: 1,
            tokens: 2,
            period_tokens: 3,
            period_start: UnixMs(0),
            last_used: None,
        },
        account: Some(Alias::new("key_1")),
        account_view: None,
    }
}

#[test]
fn a_key_is_shown_without_what_opens() {
    let shown = serde_json::to_value(ShownKey::of(&view(), NOW)).expect("JSON");
    assert_eq!(
        shown,
        json!({
            "id": "key_1", "name": "laptop", "kind": "built",
            "state": "active", "created": "1970-01-01T00:00:00Z",
            "expires": "2026-02-01T12:46:42Z", "previous_until": "2026-02-01T12:46:41Z",
            "options": {"gcpp_host": "Asia", "disable_vision": false,
                "usage_check_models": {"type": "default"}},
            "limits": {"models": [], "accounts": [], "concurrency": 3},
            "usage": {"requests": 1, "tokens": 2, "period_tokens": 3}
        })
    );
    let later = serde_json::to_value(ShownKey::of(&view(), UnixMs(NOW.0 + 2000))).expect("JSON");
    assert_eq!(later["state"], "expired");
    assert!(later.get("previous_until").is_none());
}

#[test]
fn options_and_limits_can_be_set_as_shown() {
    let shown = serde_json::to_value(ShownKey::of(&view(), NOW)).expect("JSON");
    let body = json!({"name": shown["name"], "expires": shown["expires"],
        "options": shown["options"], "limits": shown["limits"]});
    let input = read(&body).into_input(NOW).expect("input");
    assert_eq!(input.limits, view().record.limits);
    assert_eq!(input.options.region.as_deref(), Some("Asia"));
    assert_eq!(input.options.usage_check, Some(UsageCheck::Default));
}
