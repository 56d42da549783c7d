//! Accounts over restarts, and a store that fails.

use std::sync::Arc;
use std::time::Duration;

use accounts::{MarkKind, MarkTexts};
use gateway::{AccountInput, Options};
use secrecy::ExposeSecret as _;
use simulator::Config;
use store::StoreError;

use crate::accounts::{NOWHERE, aliases, alone, primary};
use crate::rig::{
    ANN, BOB, Clock, Rig, input, memory, names, open, options, session, session_for, sqlite,
};

/// Marks by the operator's own words, so that nothing but the words decides.
fn with_words() -> Options {
    Options { texts: MarkTexts::parse("coffee is out", "tea is cold"), ..options() }
}

/// Defect: a declared refresh token was put over the one that had come with the fresh token.
#[tokio::test]
async fn what_was_refreshed_outlives_a_restart_until_the_declaration_changes() {
    let store = memory();
    let config = Config { refresh_lifetime: Some(Duration::from_secs(9999)), ..Config::default() };
    let refresh = "key_refresh0123456789";
    let old = session(ANN);
    let declared = || vec![AccountInput { refresh: Some(refresh.into()), ..input("ann", &old) }];
    let mut rig = Rig::over(store.clone(), declared(), options(), config).await;
    let touched = rig.gateway.refresh_accounts(&names(["ann"])).await.expect("told");
    assert_eq!(touched.failed, []);
    let fresh = rig.account("ann");
    assert_ne!(primary(&fresh), old);
    let new_refresh = fresh.record.tokens.refresh.as_ref().expect("new").expose_secret().to_owned();
    assert_ne!(new_refresh, refresh);
    rig.restart(store.clone(), declared(), options()).await;
    let again = rig.account("ann");
    assert_eq!(primary(&again), primary(&fresh));
    assert_eq!(again.record.tokens.refresh.as_ref().expect("kept").expose_secret(), new_refresh);
    let changed = session_for(ANN, Duration::from_secs(9000));
    rig.restart(store, vec![input("ann", &changed)], options()).await;
    assert_eq!(primary(&rig.account("ann")), changed);
    assert_eq!(rig.account("ann").record.id, again.record.id);
}

#[tokio::test]
async fn everything_about_an_account_outlives_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rig =
        Rig::over(sqlite(folder.path()), Vec::new(), with_words(), Config::default()).await;
    let ann = AccountInput {
        secondary: Some(session(ANN).as_str().into()),
        refresh: Some("refresh".into()),
        region: Some("US".into()),
        flow: Some("chat".into()),
        timezone: Some("Asia/Tokyo".into()),
        proxy: Some("non".into()),
        ..input("ann", &format!("  {}", session(ANN)))
    };
    let added = rig.gateway.add_accounts(vec![ann, input("bob", &session(BOB))], true).await;
    assert_eq!(added.expect("added").failed, []);
    rig.gateway.update_profiles(&names(["ann"])).await.expect("read");
    rig.ask("[[sim: error internal \"tea is cold\"]]").await.expect_err("refused");
    crate::rig::until(crate::rig::PATIENCE, "the mark", || rig.mark("ann").is_some()).await;
    rig.gateway.enable_accounts(&names(["bob"]), false).await.expect("off");
    let before = (rig.account("ann"), rig.account("bob"));
    // The database is given back with the gateway.
    let nowhere = alone().await;
    let gateway = std::mem::replace(&mut rig.gateway, nowhere);
    gateway.shut_down(Duration::from_secs(1)).await;
    drop(gateway);
    rig.restart(sqlite(folder.path()), Vec::new(), with_words()).await;
    let after = (rig.account("ann"), rig.account("bob"));
    for (before, after) in [(&before.0, &after.0), (&before.1, &after.1)] {
        assert_eq!(format!("{:?}", before.record), format!("{:?}", after.record));
        assert_eq!(primary(before), primary(after), "byte for byte");
        let others = |view: &gateway::AccountView| {
            let tokens = &view.record.tokens;
            [&tokens.secondary, &tokens.refresh]
                .map(|token| token.as_ref().map(|text| text.expose_secret().to_owned()))
        };
        assert_eq!(others(before), others(after));
        assert_eq!(before.profile, after.profile);
    }
    assert!(after.0.profile.usage.is_some());
    assert_eq!(after.0.record.mark.as_ref().expect("kept").kind, MarkKind::Abnormal);
    let added = rig.gateway.add_accounts(vec![input("new", "key_00000001")], true).await;
    added.expect("added");
    assert!(rig.account("new").record.id > after.1.record.id);
}

#[tokio::test]
async fn a_store_that_fails_changes_nothing() {
    let store = memory();
    let gateway = open(
        NOWHERE,
        options(),
        Arc::new(Clock::default()),
        store.clone(),
        vec![input("a", &session(ANN)), input("b", "key_00000000001")],
    )
    .await;
    let shown = || format!("{:?} {:?} {:?}", gateway.accounts(), gateway.proxies(), gateway.keys());
    let before = shown();
    let a = names(["a"]);
    let fail = || store.fail_next(StoreError::Unavailable("the disk is full".into()));
    let new = || vec![input("c", "key_00000000002")];
    let off = AccountInput { enabled: Some(false), ..AccountInput::default() };
    fail();
    gateway.add_accounts(new(), true).await.expect_err("add");
    fail();
    gateway.set_accounts(new()).await.expect_err("set");
    fail();
    gateway.merge_accounts(vec![("a".into(), off)]).await.expect_err("merge");
    fail();
    gateway.remove_accounts(&a).await.expect_err("remove");
    fail();
    gateway.enable_accounts(&a, false).await.expect_err("disable");
    fail();
    gateway.rename_accounts(vec![("a".into(), "z".into())]).await.expect_err("rename");
    fail();
    gateway.set_account_proxy(&a, Some("non".into())).await.expect_err("proxy");
    fail();
    gateway.add_proxies(vec![("p".into(), "http://127.0.0.1:1".into())]).await.expect_err("proxy");
    fail();
    gateway.set_general_proxy("non").await.expect_err("general");
    fail();
    gateway.create_key(gateway::KeyInput::default()).await.expect_err("key");
    fail();
    gateway
        .build_key(input("x", &session(BOB)), gateway::KeyInput::default())
        .await
        .expect_err("key");
    assert_eq!(shown(), before);
    let reopened = open(NOWHERE, options(), Arc::new(Clock::default()), store, Vec::new()).await;
    assert_eq!(aliases(&reopened), ["a", "b"]);
    assert_eq!(reopened.keys().len(), 0);
}
