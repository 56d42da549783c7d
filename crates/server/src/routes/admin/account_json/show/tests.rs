//! What is shown of an account, field by field.

use std::sync::Arc;

use accounts::{
    AccountId, AccountTokens, Alias, Cooling, Device, Hex64, Mark, MarkKind, ProxyName, Region,
    UpstreamFlow,
};
use serde_json::json;

use super::super::super::input::parse;
use super::super::read::Row;
use super::*;

const NOW: UnixMs = UnixMs(1_769_950_000_000);

fn record() -> AccountRecord {
    AccountRecord {
        id: AccountId(7),
        alias: Alias::new("work"),
        tokens: AccountTokens {
            primary: SecretString::from("canary-primary-0123456789"),
            secondary: Some(SecretString::from("canary-secondary-0123456789")),
            refresh: Some(SecretString::from("canary-refresh-0123456789")),
        },
        device: Device {
            machine_id: Hex64::of([1; 32]),
            mac_machine_id: Hex64::of([2; 32]),
            client_key: Some(Hex64::of([3; 32])),
            session_id: Some(uuid::Uuid::from_u128(4)),
            config_version: Some(uuid::Uuid::from_u128(5)),
        },
        proxy: Some(ProxyName::new("tunnel")),
        timezone: Some("Asia/Shanghai".to_owned()),
        region: Some(Region::Eu),
        flow: Some(UpstreamFlow::Chat),
        enabled: true,
        owner: None,
        declared: None,
        mark: None,
    }
}

fn view(record: AccountRecord, profile: Profile) -> AccountView {
    AccountView {
        record: Arc::new(record),
        profile: Arc::new(profile),
        state: member(),
        expires: Some(NOW),
        credential: "session",
    }
}

fn member() -> MemberState {
    MemberState { active: true, in_use: 2, started: 9, coolings: Vec::new(), mark: None }
}

fn profile() -> Profile {
    serde_json::from_value(json!({
        "user": {"user_id": 1, "email": "a@example.com", "first_name": "A", "last_name": "B",
            "workos_id": "user_1", "team_id": 3, "created_at": "2026-01-05T10:00:00.000Z",
            "is_enterprise_user": false, "is_on_new_pricing": true,
            "privacy_mode_info": {"privacy_mode": "no_storage", "is_enforced_by_team": true}},
        "usage": {"billing_cycle_start": "2026-01-05T10:00:00.000Z",
            "billing_cycle_end": "2026-02-05T10:00:00.000Z", "membership_type": "pro_plus",
            "limit_type": "team", "is_unlimited": false,
            "individual_usage": {
                "plan": {"enabled": true, "used": 1, "limit": 2, "remaining": 1,
                    "breakdown": {"included": 2, "bonus": 0, "total": 2}},
                "on_demand": {"enabled": true, "used": 1, "limit": 2, "remaining": 1}},
            "team_usage": {}},
        "stripe": {"membership_type": "pro_plus", "payment_id": "cus_1",
            "days_remaining_on_trial": 0, "subscription_status": "past_due",
            "verified_student": false, "trial_eligible": false, "trial_length_days": 7,
            "is_on_student_plan": false, "is_on_billable_auto": false, "customer_balance": -1.5,
            "trial_was_cancelled": false, "is_team_member": true,
            "team_membership_type": "enterprise", "individual_membership_type": "free"},
        "sessions": [{"session_id": "ab", "type": "background_agent",
            "created_at": "2026-01-05T10:00:00.000Z", "expires_at": "2026-03-06T10:00:00.000Z"}]
    }))
    .expect("profile")
}

#[test]
fn an_account_is_shown_field_by_field() {
    let profile = profile();
    let account = view(record(), profile.clone());
    let shown = serde_json::to_value(ShownRow::of(&account, false, NOW)).expect("JSON");
    assert_eq!(
        shown,
        json!([7, "work", {
            "primary_token": "canary-primary-0123456789",
            "secondary_token": "canary-secondary-0123456789",
            "refresh_token": "canary-refresh-0123456789",
            "checksum": {"first": "01".repeat(32), "second": "02".repeat(32)},
            "client_key": "03".repeat(32),
            "config_version": "00000000-0000-0000-0000-000000000005",
            "session_id": "00000000-0000-0000-0000-000000000004",
            "proxy": "tunnel",
            "timezone": "Asia/Shanghai",
            "gcpp_host": "EU",
            "flow": "chat",
            "credential": "session",
            "expires_at": "2026-02-01T12:46:40Z",
            "status": {"enabled": true, "state": "ready", "active": true, "in_use": 2,
                "coolings": []},
            "user": profile.user, "usage": profile.usage, "stripe": profile.stripe,
            "sessions": profile.sessions,
        }])
    );
    assert!(!format!("{:?}", ShownRow::of(&account, false, NOW)).contains("canary"));
}

#[test]
fn what_is_not_known_is_left_out() {
    let mut record = record();
    record.tokens.secondary = None;
    record.tokens.refresh = None;
    record.device.client_key = None;
    record.device.session_id = None;
    record.device.config_version = None;
    (record.proxy, record.timezone, record.region, record.flow) = (None, None, None, None);
    let account = AccountView { expires: None, ..view(record, Profile::default()) };
    let shown = serde_json::to_value(ShownRow::of(&account, false, NOW)).expect("JSON");
    let fields: Vec<&String> = shown[2].as_object().expect("object").keys().collect();
    assert_eq!(fields, ["checksum", "credential", "primary_token", "status"]);
}

#[test]
fn masked_accounts_show_no_secret() {
    let account = view(record(), Profile::default());
    let shown = serde_json::to_value(ShownRow::of(&account, true, NOW)).expect("JSON");
    assert_eq!(shown[2]["primary_token"], "canary***6789");
    assert_eq!(shown[2]["client_key"], "030303***0303");
    assert!(!shown.to_string().contains("0123456789"));
}

#[test]
fn what_is_shown_can_be_set_unchanged() {
    let account = view(record(), profile());
    let shown = serde_json::to_vec(&[ShownRow::of(&account, false, NOW)]).expect("JSON");
    let input = parse::<Vec<Row>>(&shown).expect("rows");
    assert_eq!(input.unused.to_string(), "");
    let [Row { alias, info }] = <[Row; 1]>::try_from(input.value).expect("one row");
    let input = info.into_input(Some(alias));
    let exposed = |secret: &Option<SecretString>| {
        secret.as_ref().map(|secret| secret.expose_secret().to_owned())
    };
    assert_eq!(exposed(&input.primary).as_deref(), Some("canary-primary-0123456789"));
    assert_eq!(exposed(&input.refresh).as_deref(), Some("canary-refresh-0123456789"));
    assert_eq!(input.alias.as_deref(), Some("work"));
    assert_eq!(input.region.as_deref(), Some("EU"));
    assert_eq!(input.flow.as_deref(), Some("chat"));
    assert_eq!(input.enabled, Some(true));
    assert_eq!(input.profile, Some(profile()));
}

#[test]
fn states_come_from_what_keeps_the_account_out() {
    let mark = |kind, until| Mark { kind, reason: "used up".to_owned(), since: UnixMs(0), until };
    let later = UnixMs(NOW.0 + 60_000);
    let cooling = |until| Cooling { model: Some("m".to_owned()), until };
    let state = |record: &AccountRecord, member: &MemberState| State::of(record, member, NOW);
    let limit = MemberState { mark: Some(mark(MarkKind::Limit, Some(later))), ..member() };
    let shown = state(&record(), &limit);
    assert_eq!((shown.state, shown.reason.as_deref()), ("limit", Some("used up")));
    assert_eq!(shown.since.as_deref(), Some("1970-01-01T00:00:00Z"));
    assert_eq!(shown.until.as_deref(), Some("2026-02-01T12:47:40Z"));
    let over = MemberState { mark: Some(mark(MarkKind::Limit, Some(NOW))), ..member() };
    assert_eq!(state(&record(), &over).state, "ready");
    let abnormal = AccountRecord { mark: Some(mark(MarkKind::Abnormal, None)), ..record() };
    assert_eq!(state(&abnormal, &member()).state, "abnormal");
    let cooled = MemberState { coolings: vec![cooling(later), cooling(NOW)], ..member() };
    let shown = state(&record(), &cooled);
    assert_eq!((shown.state, shown.coolings.len()), ("cooling", 1));
    assert_eq!(shown.until, Some(times::show(later)));
    let disabled = AccountRecord { enabled: false, ..record() };
    let shown = state(&disabled, &limit);
    assert_eq!((shown.state, shown.reason.as_deref()), ("disabled", Some("used up")));
}
