//! Client keys: what opens, what it may do and how much, and when it ends.

use std::sync::Arc;
use std::time::Duration;

use accounts::{
    KeyHash, KeyKind, KeyLimits, KeyOptions, KeyRecord, KeySecret, LegacyKey, UnixMs, UsageCheck,
};
use conversation::{FailureClass, Image, ImageFormat, Message, Part};
use gateway::{
    AccountInput, AdminError, Ambient as _, Ask, ClientId, Gateway, Grant, KeyInput,
    KeyOptionsInput, KeyRefusal, NewKey, Options,
};
use secrecy::{ExposeSecret as _, SecretString};
use simulator::Config;
use store::{Change, Store as _};
use upstream::Flow;

use crate::rig::{
    ANN, BOB, FLOWS, Rig, asked, input, memory, names, options, read, session, soon, turn,
};

fn open(gateway: &Gateway, text: &SecretString) -> Result<Arc<Grant>, KeyRefusal> {
    gateway.authenticate(text.expose_secret()).map(Arc::new)
}

pub(crate) fn granted(rig: &Rig, key: &NewKey) -> Arc<Grant> {
    open(&rig.gateway, &key.text).expect("opens")
}

pub(crate) fn limited(limits: KeyLimits) -> KeyInput {
    KeyInput { limits, ..KeyInput::default() }
}

fn with(options: KeyOptionsInput) -> KeyInput {
    KeyInput { options, ..KeyInput::default() }
}

pub(crate) async fn create(rig: &Rig, input: KeyInput) -> NewKey {
    rig.gateway.create_key(input).await.expect("made")
}

pub(crate) const HELLO: &str = "[[sim: say hello]]";

#[tokio::test]
async fn the_three_forms_of_a_built_key_open_its_own_account_alone() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let cat = "user_01CCCCCCCCCCCCCCCCCCCCCCCC";
        let account = AccountInput { alias: None, ..input("", &session(cat)) };
        let key = rig.gateway.build_key(account, KeyInput::default()).await.expect("built");
        for text in [&key.text, &key.number_base64, &key.number] {
            let grant = open(&rig.gateway, text).expect("opens");
            assert!(!grant.is_operator());
            rig.ask_as(&grant, turn(HELLO)).await.0.expect("answered");
        }
        assert_eq!(rig.users(), [cat, cat, cat]);
        for _ in 0..4 {
            rig.ask(HELLO).await.expect("answered");
        }
        assert_eq!(rig.users()[3..], [ANN, BOB, ANN, BOB], "it never serves the pool");
        assert_eq!(rig.gateway.accounts().len(), 2, "it is not among the pool's accounts");
        let named = key.view.account.expect("an account");
        assert!(rig.gateway.account(named.as_str()).is_none());
    }
}

#[tokio::test]
async fn no_part_of_the_account_is_in_the_key() {
    let rig = Rig::new(Flow::Agent).await;
    let token = session(ANN);
    let first = rig.gateway.build_key(input("", &token), KeyInput::default()).await;
    // An alias cannot be empty.
    assert!(matches!(first, Err(AdminError::Invalid { field, .. }) if field == "alias"));
    let account = || AccountInput { alias: None, ..input("", &token) };
    let first = rig.gateway.build_key(account(), KeyInput::default()).await.expect("built");
    let second = rig.gateway.build_key(account(), KeyInput::default()).await.expect("built");
    assert_ne!(first.text.expose_secret(), second.text.expose_secret(), "made at random");
    assert!(first.text.expose_secret().starts_with("sk-"));
    assert!(first.text.expose_secret().len() < 80);
}

#[tokio::test]
async fn a_key_with_a_mistake_and_old_keys_are_told_apart() {
    let rig = Rig::new(Flow::Agent).await;
    let key = create(&rig, KeyInput::default()).await;
    let text = key.text.expose_secret();
    let refused = |text: &str| rig.gateway.authenticate(text).expect_err("refused");
    let mut wrong: Vec<char> = text.chars().collect();
    let last = wrong.len() - 3;
    wrong[last] = if wrong[last] == 'A' { 'B' } else { 'A' };
    assert_eq!(refused(&wrong.iter().collect::<String>()), KeyRefusal::Damaged);
    for nothing in ["", "sk-", "hello", "sk-hello", &"x".repeat(100_000)] {
        assert_eq!(refused(nothing), KeyRefusal::Unknown);
    }
    let old = format!("sk-{}", "QUJD".repeat(60));
    let token = session(ANN);
    let checksum = format!("{token},{}", "a".repeat(64));
    for (text, kind, hint) in [
        (old.as_str(), LegacyKey::V03, "/build-key"),
        (&token, LegacyKey::SessionToken, "/tokens/add"),
        (&checksum, LegacyKey::TokenAndChecksum, "/tokens/add"),
    ] {
        let refusal = refused(text);
        assert_eq!(refusal, KeyRefusal::Legacy(kind));
        assert!(refusal.to_string().contains(hint), "{refusal}");
        assert!(!refusal.to_string().contains(text));
    }
}

#[tokio::test]
async fn a_key_is_for_the_models_and_accounts_it_names() {
    let rig = Rig::new(Flow::Agent).await;
    let limits = KeyLimits {
        models: vec!["claude-*".into(), "gpt-5".into()],
        accounts: vec!["*-1".into()],
        ..KeyLimits::default()
    };
    let key = create(&rig, limited(limits)).await;
    let grant = granted(&rig, &key);
    assert!(grant.may_use_model("claude-4-sonnet") && !grant.may_use_model("gpt-5-mini"));
    let mut other = turn(HELLO);
    other.model = conversation::ModelName::new("gpt-4.1");
    let failure = rig.ask_as(&grant, other).await.0.expect_err("not its model");
    assert_eq!(failure.class, FailureClass::Forbidden);
    assert_eq!(failure.param.as_deref(), Some("model"));
    assert_eq!(rig.users().len(), 0);
    for _ in 0..3 {
        rig.ask_as(&grant, turn(HELLO)).await.0.expect("answered");
    }
    assert_eq!(rig.users(), [BOB, BOB, BOB]);
    let nobody = |name: &str| KeyLimits { accounts: vec![name.into()], ..KeyLimits::default() };
    let refused = rig.gateway.create_key(limited(nobody("nobody"))).await;
    assert!(matches!(refused, Err(AdminError::Invalid { field, .. }) if field == "accounts"));
    let key = create(&rig, limited(nobody("nobody*"))).await;
    let failure = rig.ask_as(&granted(&rig, &key), turn(HELLO)).await.0.expect_err("nobody");
    assert_eq!(failure.class, FailureClass::Overloaded);
}

/// Defect: a key named its accounts by aliases, and served whoever was called so later.
#[tokio::test]
async fn a_key_follows_its_account_to_another_name() {
    let rig = Rig::new(Flow::Agent).await;
    let limits = KeyLimits { accounts: vec!["account-1".into()], ..KeyLimits::default() };
    let grant = granted(&rig, &create(&rig, limited(limits)).await);
    drop(grant);
    let swap = [("account-0", "account-1"), ("account-1", "account-0")];
    let swap = swap.map(|(old, new)| (old.to_owned(), new.to_owned())).to_vec();
    assert_eq!(rig.gateway.rename_accounts(swap).await.expect("told").failed, []);
    let key = rig.gateway.keys().remove(0);
    assert_eq!(key.record.limits.accounts, ["account-0"]);
}

/// Defect: a revoked key went on with the answers in progress for as long as these lasted.
#[tokio::test]
async fn running_answers_end_with_their_key() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let key = create(&rig, KeyInput::default()).await;
        let grant = granted(&rig, &key);
        let long = turn("[[sim: delay 100ms]] [[sim: chunks 600]]");
        let ask = Ask::new(grant, long);
        let answer = soon("the beginning", rig.gateway.answer(ask)).await.expect("begun");
        let id = key.view.record.id.as_str().to_owned();
        rig.gateway.revoke_keys(&[id]).await.expect("revoked");
        let seen = soon("the end", read(answer)).await;
        assert_eq!(seen.result.expect_err("revoked").class, FailureClass::Unauthenticated);
        rig.settled().await;
    }
}

#[tokio::test]
async fn pictures_are_refused_where_the_key_says_so() {
    let rig = Rig::new(Flow::Agent).await;
    let blind = KeyOptionsInput { disable_vision: Some(true), ..KeyOptionsInput::default() };
    let blind = granted(&rig, &create(&rig, with(blind)).await);
    let seeing = granted(&rig, &create(&rig, KeyInput::default()).await);
    let image = Image { format: ImageFormat::Png, width: 1, height: 1, data: vec![1] };
    let mut picture = turn(HELLO);
    picture.messages = vec![Message::User(vec![Part::Text(HELLO.into()), Part::Image(image)])];
    let failure = rig.ask_as(&blind, picture.clone()).await.0.expect_err("blind");
    assert_eq!((failure.class, rig.users().len()), (FailureClass::Invalid, 0));
    rig.ask_as(&blind, turn(HELLO)).await.0.expect("answered");
    rig.ask_as(&seeing, picture).await.0.expect("answered");
}

#[tokio::test]
async fn the_time_zone_of_a_key_beats_that_of_the_account() {
    for flow in FLOWS {
        let rig = Rig::new(flow).await;
        let both = names(["account-0", "account-1"]);
        rig.gateway.set_account_timezone(&both, Some("Asia/Tokyo".into())).await.expect("set");
        let zone = Some("Europe/Berlin".to_owned());
        let berlin = KeyOptionsInput { timezone: zone, ..KeyOptionsInput::default() };
        let key = create(&rig, with(berlin)).await;
        rig.ask_as(&granted(&rig, &key), turn(HELLO)).await.0.expect("answered");
        rig.ask(HELLO).await.expect("answered");
        let zones: Vec<String> = rig
            .control
            .calls()
            .iter()
            .filter(|call| [upstream::agent::PATH, upstream::chat::PATH].contains(&&*call.path))
            .map(|call| call.headers["x-cursor-timezone"].clone())
            .collect();
        assert_eq!(zones, ["Europe/Berlin", "Asia/Tokyo"]);
    }
}

#[tokio::test]
async fn whether_figures_are_looked_up_is_the_keys_matter() {
    const LOOKUP: &str = "/GetTokenUsage";
    for (default, check, expected) in [
        (true, UsageCheck::Default, 1),
        (false, UsageCheck::Default, 0),
        (true, UsageCheck::Disabled, 0),
        (false, UsageCheck::All, 1),
        (false, UsageCheck::Models(vec!["gpt-5".into()]), 1),
        (true, UsageCheck::Models(vec!["other".into()]), 0),
    ] {
        let rig = Rig::with(Flow::Chat, Options { usage_lookup: default, ..options() }).await;
        let wanted =
            KeyOptionsInput { usage_check: Some(check.clone()), ..KeyOptionsInput::default() };
        let key = create(&rig, with(wanted)).await;
        let prompt = "[[sim: usage 12 3]] [[sim: say a]]";
        rig.ask_as(&granted(&rig, &key), turn(prompt)).await.0.expect("answered");
        assert_eq!(rig.count(LOOKUP), expected, "{default} {check:?}");
    }
}

/// What the model's details say of the slow queue: field 5 of the message behind the name.
async fn slow_pool_of(wanted: Option<bool>) -> Option<bool> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let gateway = crate::rig::gateway(
        &url,
        Flow::Chat,
        &[&session(ANN)],
        Options { max_attempts: 1, ..options() },
        Arc::default(),
    )
    .await;
    let slow = KeyOptionsInput { slow_pool: wanted, ..KeyOptionsInput::default() };
    let key = gateway.create_key(with(slow)).await.expect("made");
    let grant = open(&gateway, &key.text).expect("opens");
    let mut asking = tokio::task::JoinSet::new();
    let asked = gateway::Ask::new(grant, asked("hello").turn().clone());
    asking.spawn(async move { gateway.answer(asked).await.map(drop) });
    let (stream, _) = listener.accept().await.expect("accepted");
    let mut connection = h2::server::handshake(stream).await.expect("handshake");
    let (request, _respond) = connection.accept().await.expect("a call").expect("a call");
    let mut body = request.into_body();
    let mut bytes = Vec::new();
    let name = b"gpt-5";
    let at = crate::rig::soon("the request", async {
        loop {
            tokio::select! {
                data = body.data() => bytes.extend(data.expect("data").expect("data")),
                other = connection.accept() => assert!(other.is_none(), "one call"),
            }
            // The whole message is there when something follows the model's details.
            if let Some(at) = bytes.windows(name.len()).position(|w| w == name)
                && bytes.len() > at + 40
            {
                return at + name.len();
            }
        }
    })
    .await;
    let details = &bytes[at..at + 12];
    details.windows(2).find_map(|pair| match pair {
        [0x28, 1] => Some(true),
        [0x28, 0] => Some(false),
        _ => None,
    })
}

#[tokio::test]
async fn the_slow_queue_is_asked_for_as_the_key_says() {
    for wanted in [None, Some(true), Some(false)] {
        assert_eq!(slow_pool_of(wanted).await, wanted);
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_or_has_expired_opens_nothing_from_then_on() {
    let rig = Rig::new(Flow::Agent).await;
    let key = create(&rig, KeyInput::default()).await;
    let id = key.view.record.id.as_str().to_owned();
    granted(&rig, &key);
    let touched = rig.gateway.revoke_keys(&[id.clone(), "key_none".into()]).await.expect("told");
    assert_eq!((touched.done.as_slice(), touched.failed.len()), (&[id][..], 1));
    assert_eq!(open(&rig.gateway, &key.text).expect_err("revoked"), KeyRefusal::Revoked);
    assert_eq!(rig.gateway.keys().len(), 1, "it stays in the list");
    let rotated = rig.gateway.rotate_key(&key.view.record.id, Duration::from_secs(9)).await;
    rotated.expect_err("revoked");

    let expires = Some(UnixMs(rig.clock.unix_ms() + 60_000));
    let key = create(&rig, KeyInput { expires, ..KeyInput::default() }).await;
    granted(&rig, &key);
    rig.clock.shift(61);
    for text in [&key.text, &key.number_base64, &key.number] {
        assert_eq!(open(&rig.gateway, text).expect_err("expired"), KeyRefusal::Expired);
    }
    let past = KeyInput { expires: Some(UnixMs(1)), ..KeyInput::default() };
    rig.gateway.create_key(past).await.expect_err("has passed");
}

#[tokio::test]
async fn a_rotated_key_works_on_for_its_grace() {
    let rig = Rig::new(Flow::Agent).await;
    let old = create(&rig, KeyInput::default()).await;
    let id = &old.view.record.id;
    let new = rig.gateway.rotate_key(id, Duration::from_secs(60)).await.expect("rotated");
    assert_eq!(new.view.record.id, *id);
    granted(&rig, &old);
    granted(&rig, &new);
    rig.clock.shift(61);
    open(&rig.gateway, &old.text).expect_err("the grace is over");
    granted(&rig, &new);
    let newest = rig.gateway.rotate_key(id, Duration::ZERO).await.expect("rotated");
    assert_eq!(open(&rig.gateway, &new.text).expect_err("at once"), KeyRefusal::Unknown);
    granted(&rig, &newest);
}

#[tokio::test]
async fn a_key_is_removed_with_its_account_and_figures() {
    let store = memory();
    let rig = Rig::over(store.clone(), Vec::new(), options(), Config::default()).await;
    let account = AccountInput { alias: None, ..input("", &session(ANN)) };
    let key = rig.gateway.build_key(account, KeyInput::default()).await.expect("built");
    let grant = granted(&rig, &key);
    rig.ask_as(&grant, turn(HELLO)).await.0.expect("answered");
    let id = key.view.record.id.as_str().to_owned();
    let touched = rig.gateway.remove_keys(&[id.clone(), id]).await.expect("told");
    assert_eq!((touched.done.len(), touched.failed.len()), (1, 1));
    assert_eq!(open(&rig.gateway, &key.text).expect_err("gone"), KeyRefusal::Unknown);
    rig.ask_as(&grant, turn(HELLO)).await.0.expect_err("its account is gone as well");
    let kept = store.load().await.expect("loaded");
    assert_eq!((kept.accounts.len(), kept.keys.len(), kept.key_usage.len()), (0, 0, 0));
}

#[tokio::test]
async fn a_key_is_changed_as_a_whole_and_holds_at_once() {
    let rig = Rig::new(Flow::Agent).await;
    let key = create(&rig, KeyInput::default()).await;
    let limits = KeyLimits { models: vec!["other".into()], ..KeyLimits::default() };
    let input = KeyInput { name: Some("new".into()), limits, ..KeyInput::default() };
    let view = rig.gateway.change_key(&key.view.record.id, input).await.expect("changed");
    assert_eq!(view.record.name, "new");
    let failure = rig.ask_as(&granted(&rig, &key), turn(HELLO)).await.0.expect_err("not its model");
    assert_eq!(failure.class, FailureClass::Forbidden);
    for (bad, field) in [
        (KeyInput { name: Some("x".repeat(201)), ..KeyInput::default() }, "name"),
        (with(KeyOptionsInput { proxy: Some("gone".into()), ..Default::default() }), "proxy_name"),
        (with(KeyOptionsInput { timezone: Some("no".into()), ..Default::default() }), "timezone"),
        (with(KeyOptionsInput { region: Some("no".into()), ..Default::default() }), "gcpp_host"),
        (limited(KeyLimits { concurrency: Some(0), ..Default::default() }), "concurrency"),
    ] {
        match rig.gateway.change_key(&key.view.record.id, bad).await.expect_err(field) {
            AdminError::Invalid { field: at, .. } => assert_eq!(at, field),
            other => panic!("{other}"),
        }
    }
    assert_eq!(rig.gateway.keys()[0].record.name, "new");
}

#[tokio::test]
async fn each_of_a_hundred_thousand_keys_opens_as_itself() {
    const KEYS: u32 = 100_000;
    let secret = |number: u32| {
        let mut bytes = [7; 24];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        KeySecret::from_bytes(bytes)
    };
    let record = |number: u32, hash: KeyHash| KeyRecord {
        id: accounts::KeyId::new(format!("key_{number}")),
        name: String::new(),
        kind: KeyKind::Managed,
        hash,
        previous: None,
        created: UnixMs(0),
        expires: None,
        revoked: number.is_multiple_of(1000).then_some(UnixMs(1)),
        options: KeyOptions::default(),
        limits: KeyLimits::default(),
    };
    let store = memory();
    let put = |number| Change::PutKey(Box::new(record(number, secret(number).hash())));
    store.apply((0..KEYS).map(put).collect()).await.expect("kept");
    let rig = Rig::over(store, Vec::new(), options(), Config::default()).await;
    for number in (0..KEYS).step_by(97).chain([KEYS - 1]) {
        let text = secret(number).text("sk-", KeyKind::Managed);
        match rig.gateway.authenticate(text.expose_secret()) {
            Ok(grant) => assert_eq!(*grant.client(), ClientId::new(format!("key_{number}"))),
            Err(refusal) => assert_eq!((number % 1000, refusal), (0, KeyRefusal::Revoked)),
        }
    }
    let unknown = secret(KEYS).number();
    assert_eq!(open(&rig.gateway, &unknown).expect_err("none"), KeyRefusal::Unknown);
}
