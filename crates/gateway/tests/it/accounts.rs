//! The administrator's accounts: put in, changed, taken out, and still there after a restart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use accounts::{MarkKind, MarkTexts, Region, UpstreamFlow};
use gateway::{AccountInput, AdminError, ChecksumInput, Options};
use secrecy::ExposeSecret as _;
use simulator::Config;

use crate::rig::{ANN, BOB, Clock, Rig, input, memory, names, open, options, session, session_for};

/// Nobody listens here.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

pub(crate) async fn alone() -> gateway::Gateway {
    open(NOWHERE, options(), Arc::new(Clock::default()), memory(), Vec::new()).await
}

pub(crate) fn aliases(gateway: &gateway::Gateway) -> Vec<String> {
    gateway.accounts().iter().map(|view| view.record.alias.as_str().to_owned()).collect()
}

pub(crate) fn primary(view: &gateway::AccountView) -> String {
    view.record.tokens.primary.expose_secret().to_owned()
}

#[tokio::test]
async fn an_account_without_a_name_is_called_after_its_user() {
    let gateway = alone().await;
    let hour = |hours: u64| session_for(ANN, Duration::from_secs(3600 * hours));
    let rows = [hour(1), hour(2), "key_0123456789abcdef".into(), "key_fedcba9876543210".into()];
    let rows = rows.map(|token| AccountInput { alias: None, ..input("", &token) });
    let touched = gateway.add_accounts(rows.to_vec(), true).await.expect("added");
    assert_eq!(touched.done, [ANN, &format!("{ANN}-2"), "api-key", "api-key-2"]);
    assert_eq!(touched.failed, []);
    assert!(gateway.accounts().iter().all(|view| view.record.enabled));
    let kinds: Vec<_> = gateway.accounts().iter().map(|view| view.credential).collect();
    assert_eq!(kinds, ["session", "session", "api_key", "api_key"]);
}

#[tokio::test]
async fn a_row_that_cannot_be_added_says_why_and_the_others_are_added() {
    let gateway = alone().await;
    let token = session(ANN);
    gateway.add_accounts(vec![input("ann", &token)], true).await.expect("added");
    let rows = vec![
        input("ann", &session(BOB)),
        input("other", &token),
        input("broken", "canary-no-token"),
        AccountInput { alias: None, ..input("", "canary.two.parts") },
        AccountInput { alias: None, primary: None, ..AccountInput::default() },
        input(" blank", &session(BOB)),
        AccountInput { timezone: Some("Moon/Base".into()), ..input("moon", &session(BOB)) },
        input("bob", &session(BOB)),
        input("bob-again", &session(BOB)),
    ];
    let touched = gateway.add_accounts(rows, true).await.expect("told");
    assert_eq!(touched.done, ["bob"]);
    let told: Vec<(&str, &str)> =
        touched.failed.iter().map(|f| (f.name.as_str(), f.reason.as_str())).collect();
    assert_eq!(
        told.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["ann", "other", "broken", "tokens[3]", "tokens[4]", " blank", "moon", "bob-again"]
    );
    for ((_, reason), word) in told.iter().zip([
        "already an account `ann`",
        "that of `ann`",
        "neither a session token",
        "claims sub and exp",
        "missing",
        "blank",
        "Moon/Base",
        "that of `bob`",
    ]) {
        assert!(reason.contains(word), "{reason} has no {word}");
        assert!(!reason.contains("canary"), "{reason}");
    }
    assert_eq!(aliases(&gateway), ["ann", "bob"]);
}

#[tokio::test]
async fn accounts_can_be_added_switched_off() {
    let gateway = alone().await;
    let on = AccountInput { enabled: Some(true), ..input("on", &session(BOB)) };
    gateway.add_accounts(vec![input("off", &session(ANN)), on], false).await.expect("added");
    let enabled: Vec<bool> = gateway.accounts().iter().map(|view| view.record.enabled).collect();
    assert_eq!(enabled, [false, true], "the row outweighs the request");
}

/// Defect: names made up for rows of the same kind took time by the cube of their number.
#[tokio::test]
async fn a_thousand_nameless_rows_take_seconds() {
    let gateway = alone().await;
    let row =
        |number: usize| AccountInput { alias: None, ..input("", &format!("key_{number:0>20}")) };
    let mut rows: Vec<AccountInput> = (0..1000).map(row).collect();
    rows[500] = row(499);
    let started = Instant::now();
    let touched = gateway.add_accounts(rows, true).await.expect("added");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!((touched.done.len(), touched.failed.len()), (999, 1));
    assert_eq!(touched.failed[0].name, "tokens[500]");
    assert_eq!(gateway.accounts().len(), 999);
}

#[tokio::test]
async fn a_list_is_set_as_a_whole_or_not_at_all_and_numbers_stay() {
    let gateway = alone().await;
    let rows = vec![input("a", &session(ANN)), input("b", &session(BOB))];
    assert_eq!(gateway.set_accounts(rows).await.expect("set"), 2);
    let number = |alias: &str| gateway.account(alias).expect("there").record.id.0;
    let before = (number("a"), number("b"));
    for (bad, field) in [
        (input("c", "no token"), "[1].primary_token"),
        (AccountInput { alias: None, ..input("", &session(ANN)) }, "[1].alias"),
        (input("b", &session(ANN)), "[1].alias"),
        (AccountInput { proxy: Some("gone".into()), ..input("c", &session(ANN)) }, "[1].proxy"),
    ] {
        let list = vec![input("b", &session_for(BOB, Duration::from_secs(9000))), bad];
        match gateway.set_accounts(list).await.expect_err("refused") {
            AdminError::Invalid { field: at, .. } => assert_eq!(at, field),
            other => panic!("{other}"),
        }
        assert_eq!(aliases(&gateway), ["a", "b"]);
        assert_eq!((number("a"), number("b")), before);
    }
    let token = session_for(BOB, Duration::from_secs(9000));
    let list = vec![input("c", &session(ANN)), input("b", &token)];
    gateway.set_accounts(list).await.expect("set");
    assert_eq!(aliases(&gateway), ["b", "c"], "by number");
    assert_eq!(number("b"), before.1);
    assert!(number("c") > before.1, "numbers are not given twice");
    assert_eq!(primary(&gateway.account("b").expect("there")), token);
    assert_eq!(gateway.set_accounts(Vec::new()).await.expect("emptied"), 0);
    assert!(gateway.accounts().is_empty());
}

/// Marks by the operator's own words, so that nothing but the words decides.
fn with_words() -> Options {
    Options { texts: MarkTexts::parse("coffee is out", "tea is cold"), ..options() }
}

#[tokio::test]
async fn a_mark_and_the_declaration_stay_with_the_same_credential_only() {
    let ann = session(ANN);
    // Words never mark the last account.
    let bob = session(BOB);
    let both = |ann: &str| vec![input("ann", ann), input("bob", &bob)];
    let rig = Rig::over(memory(), both(&ann), with_words(), Config::default()).await;
    let declared = rig.account("ann").record.declared;
    assert!(declared.is_some());
    rig.ask("[[sim: error internal \"coffee is out\"]]").await.expect_err("refused");
    crate::rig::until(crate::rig::PATIENCE, "the mark", || rig.mark("ann").is_some()).await;
    rig.gateway.set_accounts(both(&ann)).await.expect("set");
    assert_eq!(rig.mark("ann").expect("kept").kind, MarkKind::Limit);
    assert_eq!(rig.account("ann").record.declared, declared);
    let other = session_for(ANN, Duration::from_secs(9000));
    rig.gateway.set_accounts(both(&other)).await.expect("set");
    assert_eq!(rig.mark("ann"), None);
    assert_eq!(rig.account("ann").record.declared, None);
    assert_eq!(rig.ask("[[sim: say hello]]").await.expect("answered").text(), "hello");
}

/// What is merged, how to read it, and what is to be read then.
type Merge = (AccountInput, fn(&accounts::AccountRecord) -> String, String);

#[tokio::test]
async fn each_field_is_merged_and_the_rest_stays() {
    let gateway = alone().await;
    gateway.add_accounts(vec![input("a", &session(ANN))], true).await.expect("added");
    let hex = |digit: &str| digit.repeat(64);
    let id = "11111111-1111-4111-8111-000000000001";
    let none = AccountInput::default;
    let bob = session(BOB);
    let merges: Vec<Merge> = vec![
        (
            AccountInput { primary: Some(bob.as_str().into()), ..none() },
            |r| r.tokens.primary.expose_secret().to_owned(),
            bob.clone(),
        ),
        (
            AccountInput { secondary: Some(bob.as_str().into()), ..none() },
            |r| r.tokens.secondary.as_ref().expect("there").expose_secret().to_owned(),
            bob.clone(),
        ),
        (
            AccountInput { refresh: Some("refresh".into()), ..none() },
            |r| r.tokens.refresh.as_ref().expect("there").expose_secret().to_owned(),
            "refresh".into(),
        ),
        (
            AccountInput {
                checksum: Some(ChecksumInput::Pair { first: hex("A"), second: hex("b") }),
                ..none()
            },
            |r| format!("{}{}", r.device.machine_id.as_str(), r.device.mac_machine_id.as_str()),
            hex("a") + &hex("b"),
        ),
        (
            AccountInput {
                checksum: Some(ChecksumInput::Header(format!("12345678{}/{}", hex("c"), hex("d")))),
                ..none()
            },
            |r| format!("{}{}", r.device.machine_id.as_str(), r.device.mac_machine_id.as_str()),
            hex("c") + &hex("d"),
        ),
        (
            AccountInput { client_key: Some(hex("e")), ..none() },
            |r| r.device.client_key.as_ref().expect("there").as_str().to_owned(),
            hex("e"),
        ),
        (
            AccountInput { config_version: Some(id.into()), ..none() },
            |r| r.device.config_version.expect("there").to_string(),
            id.into(),
        ),
        (
            AccountInput { session_id: Some(id.into()), ..none() },
            |r| r.device.session_id.expect("there").to_string(),
            id.into(),
        ),
        (
            AccountInput { proxy: Some("non".into()), ..none() },
            |r| r.proxy.as_ref().expect("there").as_str().to_owned(),
            "non".into(),
        ),
        (
            AccountInput { timezone: Some("Asia/Tokyo".into()), ..none() },
            |r| r.timezone.clone().expect("there"),
            "Asia/Tokyo".into(),
        ),
        (
            AccountInput { region: Some("eu".into()), ..none() },
            |r| r.region.map(Region::as_str).expect("there").to_owned(),
            "EU".into(),
        ),
        (
            AccountInput { flow: Some("chat".into()), ..none() },
            |r| r.flow.map(UpstreamFlow::as_str).expect("there").to_owned(),
            "chat".into(),
        ),
        (
            AccountInput { enabled: Some(false), ..none() },
            |r| r.enabled.to_string(),
            "false".into(),
        ),
    ];
    let record = || gateway.account("a").expect("there").record;
    let id_before = record().id;
    for (at, (merge, read, expected)) in merges.iter().enumerate() {
        let merged = gateway.merge_accounts(vec![("a".into(), merge.clone())]).await;
        assert_eq!(merged.expect("merged").done, ["a"]);
        assert_eq!(read(&record()), *expected);
        for (number, (_, read, expected)) in merges[..at].iter().enumerate() {
            // Of the two ways to write machine ids the later one counts.
            assert!(number == 3 || read(&record()) == *expected, "{number} is gone after {at}");
        }
    }
    assert_eq!(record().id, id_before);
    let merges = vec![
        ("a".into(), none()),
        ("nobody".into(), AccountInput { enabled: Some(true), ..none() }),
        ("a".into(), AccountInput { client_key: Some("short".into()), ..none() }),
        ("a".into(), AccountInput { enabled: Some(true), ..none() }),
    ];
    let touched = gateway.merge_accounts(merges).await.expect("told");
    assert_eq!(touched.done, ["a"]);
    let failed: Vec<&str> = touched.failed.iter().map(|failed| failed.reason.as_str()).collect();
    assert!(failed[0].contains("at least one"), "{failed:?}");
    assert!(failed[1].contains("no such account"), "{failed:?}");
    assert!(failed[2].starts_with("client_key"), "{failed:?}");
}

#[tokio::test]
async fn removed_accounts_serve_nobody_and_unknown_ones_are_told_of() {
    let rig = Rig::new(upstream::Flow::Agent).await;
    let gone = names(["account-0", "nobody"]);
    let touched = rig.gateway.remove_accounts(&gone).await.expect("told");
    assert_eq!((touched.done.as_slice(), touched.failed.len()), (&names(["account-0"])[..], 1));
    for _ in 0..3 {
        rig.ask("[[sim: say a]]").await.expect("answered");
    }
    assert_eq!(rig.users(), [BOB, BOB, BOB]);
}

async fn renamed(gateway: &gateway::Gateway, pairs: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let pairs = pairs.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned()));
    let touched = gateway.rename_accounts(pairs.collect()).await.expect("told");
    (touched.done, touched.failed.into_iter().map(|failed| failed.name).collect())
}

#[tokio::test]
async fn accounts_can_swap_their_names_and_keep_their_numbers() {
    let gateway = alone().await;
    let rows =
        vec![input("a", &session(ANN)), input("b", &session(BOB)), input("c", "key_00000001")];
    gateway.add_accounts(rows, true).await.expect("added");
    let number = |alias: &str| gateway.account(alias).expect("there").record.id.0;
    let before = (number("a"), number("b"), number("c"));
    let (done, failed) = renamed(&gateway, &[("a", "b"), ("b", "a")]).await;
    assert_eq!((done.len(), failed.len()), (2, 0));
    assert_eq!((number("b"), number("a"), number("c")), before);
    let (done, failed) = renamed(&gateway, &[("a", "b"), ("b", "c"), ("c", "a")]).await;
    assert_eq!((done.len(), failed.len()), (3, 0));
    assert_eq!((number("c"), number("b"), number("a")), before);
}

/// Defect: one name that was not free stopped all the others of the same request.
#[tokio::test]
async fn a_name_that_is_taken_stops_only_those_who_want_it() {
    let gateway = alone().await;
    let rows = ["a", "b", "c", "d"].map(|n| input(n, &format!("key_{n}{n}{n}{n}{n}{n}{n}{n}")));
    gateway.add_accounts(rows.to_vec(), true).await.expect("added");
    // `c` stays where it is, so `b` cannot go there, so `a` cannot follow.
    let (done, mut failed) =
        renamed(&gateway, &[("a", "b"), ("b", "c"), ("d", "e"), ("x", "y"), ("c", "")]).await;
    failed.sort();
    assert_eq!((done, failed), (vec!["d".into()], names(["a", "b", "c", "x"]).to_vec()));
    assert_eq!(aliases(&gateway), ["a", "b", "c", "e"]);
    let (done, failed) = renamed(&gateway, &[("a", "z"), ("b", "z"), ("c", "q"), ("c", "r")]).await;
    assert_eq!((done, failed), (names(["a", "c"]).to_vec(), names(["b", "c"]).to_vec()));
    assert_eq!(aliases(&gateway), ["z", "b", "q", "e"]);
}

#[tokio::test]
async fn proxy_and_time_zone_are_set_for_those_who_are_there() {
    let rig = Rig::new(upstream::Flow::Agent).await;
    let both = names(["account-0", "nobody"]);
    let gateway = &rig.gateway;
    let touched = gateway.set_account_proxy(&both, Some("non".into())).await.expect("told");
    assert_eq!((touched.done.len(), touched.failed.len()), (1, 1));
    gateway.set_account_proxy(&both, Some("gone".into())).await.expect_err("no such proxy");
    let view = rig.account("account-0");
    assert_eq!(view.record.proxy.as_ref().expect("set").as_str(), "non");
    gateway.set_account_timezone(&both, Some("Moon/Base".into())).await.expect_err("no zone");
    gateway.set_account_timezone(&both, Some("Asia/Tokyo".into())).await.expect("told");
    rig.ask("[[sim: say a]]").await.expect("answered");
    rig.ask("[[sim: say b]]").await.expect("answered");
    let zone = |user: &str| {
        let calls = rig.control.calls();
        let mut streams = calls.iter().filter(|call| call.user.as_deref() == Some(user));
        let stream = streams.find(|call| call.path == upstream::agent::PATH).expect("a stream");
        stream.headers.get("x-cursor-timezone").cloned()
    };
    assert_eq!(zone(ANN).as_deref(), Some("Asia/Tokyo"));
    assert_eq!(zone(BOB).as_deref(), Some("UTC"));
    gateway.set_account_proxy(&both, None).await.expect("told");
    gateway.set_account_timezone(&both, None).await.expect("told");
    let record = rig.account("account-0").record;
    assert_eq!((record.proxy.clone(), record.timezone.clone()), (None, None));
}

#[tokio::test]
async fn switching_an_account_off_and_on_holds_from_the_next_request() {
    let rig = Rig::new(upstream::Flow::Agent).await;
    let ann = names(["account-0"]);
    rig.gateway.enable_accounts(&ann, false).await.expect("off");
    for _ in 0..3 {
        rig.ask("[[sim: say a]]").await.expect("answered");
    }
    assert_eq!(rig.users(), [BOB, BOB, BOB]);
    rig.gateway.enable_accounts(&ann, true).await.expect("on");
    rig.ask("[[sim: say a]]").await.expect("answered");
    assert_eq!(rig.users()[3], ANN);
}
