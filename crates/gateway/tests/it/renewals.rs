//! Fresh tokens: got once however many want them, by whatever the account has, and kept.

use std::time::Duration;

use gateway::{AccountInput, Gateway};
use secrecy::ExposeSecret as _;
use simulator::{Config, tokens};
use store::Store as _;
use tokio::task::JoinSet;

use crate::proxies::servers::{Proxy, Rules};
use crate::rig::{
    ANN, BOB, FLOWS, PATIENCE, Rig, asked, input, jump, jump_until, memory, names, options, read,
    session, session_for, soon, until, within,
};

const OAUTH: &str = "/oauth/token";
const EXCHANGE: &str = "/auth/exchange_user_api_key";
const UPGRADE: &str = "/loginDeepCallbackControl";
const DAYS: Duration = Duration::from_secs(30 * 24 * 3600);

fn web(user: &str) -> String {
    tokens::web_token(user, std::time::SystemTime::now() + DAYS)
}

/// Tokens that last long enough for nobody to renew them ahead of time.
fn config() -> Config {
    Config { token_lifetime: DAYS, refresh_lifetime: Some(2 * DAYS), ..Config::default() }
}

async fn with_refresh(flow: upstream::Flow, primary: &str, refresh: &str) -> Rig {
    let row = AccountInput { refresh: Some(refresh.into()), ..input("ann", primary) };
    let options = gateway::Options { flow, max_turns: 200, ..options() };
    Rig::over(memory(), vec![row], options, config()).await
}

async fn hundred(gateway: &Gateway) -> Vec<Result<String, conversation::Failure>> {
    let mut turns = JoinSet::new();
    for _ in 0..100 {
        let gateway = gateway.clone();
        turns.spawn(async move {
            let answer = gateway.answer(asked("[[sim: say hello]]")).await?;
            let seen = read(answer).await;
            seen.result.map(|()| seen.text)
        });
    }
    let mut results = Vec::new();
    while let Some(result) = soon("all turns", turns.join_next()).await {
        results.push(result.expect("no panic"));
    }
    results
}

/// The upgrade has begun; its poll is still to come, for nothing else ran meanwhile.
async fn begun(rig: &Rig) {
    while rig.count(UPGRADE) == 0 {
        tokio::task::yield_now().await;
    }
}

fn primary(rig: &Rig, alias: &str) -> String {
    rig.account(alias).record.tokens.primary.expose_secret().to_owned()
}

/// Defect: those whose refusal came late had the token that was fresh by then renewed once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_refusals_cause_one_refresh() {
    for flow in FLOWS {
        let old = session_for(ANN, DAYS);
        let rig = with_refresh(flow, &old, &session_for(ANN, 2 * DAYS)).await;
        rig.ask("[[sim: say a]]").await.expect("answered");
        rig.control.revoke_token(&old);
        for result in hundred(&rig.gateway).await {
            assert_eq!(result.expect("answered"), "hello");
        }
        assert_eq!((rig.count(OAUTH), rig.count(EXCHANGE)), (1, 0), "{}", flow.name());
        assert_ne!(primary(&rig, "ann"), old);
        assert_eq!(rig.mark("ann"), None);
        rig.settled().await;
    }
}

#[tokio::test]
async fn a_refresh_that_fails_is_shared_and_not_repeated_at_once() {
    let old = session_for(ANN, DAYS);
    let refresh = session_for(ANN, 2 * DAYS);
    let rig = with_refresh(upstream::Flow::Agent, &old, &refresh).await;
    rig.control.revoke_token(&old);
    rig.control.revoke_token(&refresh);
    for result in hundred(&rig.gateway).await {
        result.expect_err("revoked");
    }
    assert_eq!(rig.count(OAUTH), 1);
    until(PATIENCE, "the mark", || rig.mark("ann").is_some()).await;
    assert_eq!(rig.count(OAUTH), 1);
}

#[tokio::test]
async fn a_refresh_token_that_is_an_api_key_is_exchanged() {
    let old = session_for(ANN, DAYS);
    let key = "key_0123456789abcdef";
    let rig = with_refresh(upstream::Flow::Agent, &old, key).await;
    rig.control.revoke_token(&old);
    assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
    assert_eq!((rig.count(OAUTH), rig.count(EXCHANGE)), (1, 1));
    let kept = rig.account("ann").record;
    assert_ne!(kept.tokens.refresh.as_ref().expect("new").expose_secret(), key);
}

#[tokio::test]
async fn a_session_token_alone_is_exchanged_for_its_successor() {
    let old = session_for(ANN, DAYS);
    let rig = Rig::over(memory(), vec![input("ann", &old)], options(), config()).await;
    let touched = rig.gateway.refresh_accounts(&names(["ann", "nobody"])).await.expect("told");
    assert_eq!((touched.done.len(), touched.failed.len()), (1, 1));
    assert_eq!((rig.count(OAUTH), rig.count(EXCHANGE)), (0, 1));
    assert_ne!(primary(&rig, "ann"), old);
}

#[tokio::test]
async fn a_web_token_is_upgraded_and_stays_as_the_second_one() {
    let store = memory();
    let token = web(ANN);
    let rig = Rig::over(store.clone(), vec![input("ann", &token)], options(), config()).await;
    assert_eq!(rig.account("ann").credential, "web");
    assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
    assert_eq!(rig.count(UPGRADE), 1);
    let view = rig.account("ann");
    assert_eq!(view.credential, "session");
    assert_eq!(view.record.tokens.secondary.as_ref().expect("kept").expose_secret(), token);
    let kept = store.load().await.expect("loaded");
    let kept = &kept.accounts[0].tokens;
    assert_eq!(kept.primary.expose_secret(), primary(&rig, "ann"));
    assert_eq!(kept.secondary.as_ref().expect("kept").expose_secret(), token);
    assert!(kept.refresh.is_some());
}

#[tokio::test]
async fn a_second_web_token_renews_the_session_when_nothing_else_does() {
    let old = session_for(ANN, DAYS);
    let row = AccountInput { secondary: Some(web(ANN).as_str().into()), ..input("ann", &old) };
    let rig = Rig::over(memory(), vec![row], options(), config()).await;
    rig.control.revoke_token(&old);
    assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
    assert_eq!((rig.count(UPGRADE), rig.count(EXCHANGE)), (1, 0));
    assert_ne!(primary(&rig, "ann"), old);
}

#[tokio::test]
async fn what_was_refreshed_is_in_the_store() {
    let store = memory();
    let old = session_for(ANN, DAYS);
    let row = AccountInput {
        refresh: Some(session_for(ANN, 2 * DAYS).as_str().into()),
        ..input("ann", &old)
    };
    let rig = Rig::over(store.clone(), vec![row], options(), config()).await;
    rig.control.revoke_token(&old);
    rig.ask("[[sim: say a]]").await.expect("answered");
    let kept = store.load().await.expect("loaded");
    assert_ne!(kept.accounts[0].tokens.primary.expose_secret(), old);
    assert_eq!(kept.accounts[0].tokens.primary.expose_secret(), primary(&rig, "ann"));
}

#[tokio::test]
async fn a_token_that_could_not_be_kept_serves_all_the_same() {
    let store = memory();
    let old = session_for(ANN, DAYS);
    let rig = Rig::over(store.clone(), vec![input("ann", &old)], options(), config()).await;
    store.fail_next(store::StoreError::Unavailable("the disk is full".into()));
    rig.gateway.refresh_accounts(&names(["ann"])).await.expect("told");
    assert_eq!(primary(&rig, "ann"), old, "not kept");
    rig.control.revoke_token(&old);
    assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
    assert_eq!(rig.count(EXCHANGE), 1);
}

#[tokio::test]
async fn tokens_are_renewed_before_they_end_without_a_request() {
    let old = session(ANN);
    let rig = Rig::over(memory(), vec![input("ann", &old)], options(), config()).await;
    rig.gateway.start();
    // Defect: a token that lives for an hour was renewed all the time, for less than a day was left.
    for _ in 0..3 {
        jump(15).await;
    }
    assert_eq!(rig.count(EXCHANGE), 0, "it has most of its hour");
    rig.clock.shift(3600 - 600);
    jump_until("a fresh token", || primary(&rig, "ann") != old).await;
    assert_eq!(rig.count(EXCHANGE), 1);
    jump(15).await;
    jump(15).await;
    assert_eq!(rig.count(EXCHANGE), 1, "the fresh one has a month");
    rig.clock.shift(29 * 24 * 3600 + 3600);
    jump_until("another one", || rig.count(EXCHANGE) + rig.count(OAUTH) > 1).await;
}

#[tokio::test]
async fn a_client_that_leaves_does_not_end_the_refresh_it_began() {
    let rig = Rig::over(memory(), vec![input("ann", &web(ANN))], options(), config()).await;
    let gateway = rig.gateway.clone();
    let mut leaving = JoinSet::new();
    leaving.spawn(async move { gateway.answer(asked("[[sim: say a]]")).await.map(drop) });
    begun(&rig).await;
    assert!(leaving.try_join_next().is_none());
    leaving.shutdown().await;
    until(PATIENCE, "the upgrade", || rig.account("ann").credential == "session").await;
    assert_eq!(rig.ask("[[sim: say b]]").await.expect("answered").text(), "b");
    assert_eq!((rig.count(UPGRADE), rig.users().len()), (1, 1));
}

/// Says nothing to whoever connects.
async fn silent() -> (tokio::net::TcpListener, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    (listener, url)
}

#[tokio::test]
async fn a_refresh_that_hangs_keeps_nobody_else_waiting() {
    let (_listener, proxy) = silent().await;
    let rig = Rig::over(memory(), Vec::new(), options(), config()).await;
    rig.gateway.add_proxies(vec![("dead".into(), proxy.into())]).await.expect("added");
    let stuck = AccountInput { proxy: Some("dead".into()), ..input("stuck", &web(ANN)) };
    rig.gateway
        .add_accounts(vec![stuck, input("bob", &session_for(BOB, DAYS))], true)
        .await
        .expect("added");
    let gateway = rig.gateway.clone();
    let mut waiting = JoinSet::new();
    waiting.spawn(async move { gateway.refresh_accounts(&names(["stuck"])).await });
    within(Duration::from_secs(5), "everything else", async {
        rig.gateway.enable_accounts(&names(["stuck"]), false).await.expect("off");
        for _ in 0..5 {
            assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
        }
        let touched = rig.gateway.refresh_accounts(&names(["bob"])).await.expect("told");
        assert_eq!(touched.failed, []);
        rig.gateway.add_accounts(vec![input("new", "key_00000001")], true).await.expect("added");
        rig.gateway.create_key(gateway::KeyInput::default()).await.expect("made");
    })
    .await;
    assert!(waiting.try_join_next().is_none(), "it still hangs");
}

#[tokio::test]
async fn what_keys_have_used_is_written_down_while_a_refresh_hangs() {
    let (listener, _) = silent().await;
    let target = Some(listener.local_addr().expect("address"));
    let tunnels = Proxy::http(Rules { target, ..Rules::default() }).await;
    let proxy = format!("http://{}", tunnels.address);
    let store = memory();
    let rig = Rig::over(store.clone(), Vec::new(), options(), config()).await;
    rig.gateway.add_proxies(vec![("dead".into(), proxy.into())]).await.expect("added");
    let stuck = AccountInput { proxy: Some("dead".into()), ..input("stuck", &web(ANN)) };
    let rows = vec![stuck, input("bob", &session_for(BOB, DAYS))];
    rig.gateway.add_accounts(rows, true).await.expect("added");
    rig.gateway.start();
    let limits =
        accounts::KeyLimits { accounts: vec!["bob".into()], ..accounts::KeyLimits::default() };
    let input = gateway::KeyInput { limits, ..gateway::KeyInput::default() };
    let key = rig.gateway.create_key(input).await.expect("made");
    let key = rig.gateway.authenticate(key.text.expose_secret()).expect("opens");
    let key = std::sync::Arc::new(key);
    rig.ask_as(&key, crate::rig::turn("[[sim: say a]]")).await.0.expect("answered");
    // One round later the refresh still waits for an answer.
    jump(6).await;
    assert_eq!(store.load().await.expect("loaded").key_usage.len(), 1);
}

/// Defect: a refresh under way put the bearer of the old credential over the one that the operator
/// had put in meanwhile.
#[tokio::test]
async fn a_credential_that_is_put_in_during_a_refresh_is_the_one_that_serves() {
    let rig = Rig::over(memory(), vec![input("ann", &web(ANN))], options(), config()).await;
    let gateway = rig.gateway.clone();
    let mut refreshing = JoinSet::new();
    refreshing.spawn(async move { gateway.refresh_accounts(&names(["ann"])).await });
    begun(&rig).await;
    let bob = session_for(BOB, DAYS);
    let merged = AccountInput { primary: Some(bob.as_str().into()), ..AccountInput::default() };
    rig.gateway.merge_accounts(vec![("ann".into(), merged)]).await.expect("merged");
    soon("the refresh", refreshing.join_next())
        .await
        .expect("one")
        .expect("no panic")
        .expect("told");
    assert_eq!(primary(&rig, "ann"), bob);
    rig.ask("[[sim: say a]]").await.expect("answered");
    assert_eq!(rig.users(), [BOB]);
}

/// Defect: for some seconds a new credential shared the failure of the old one.
#[tokio::test]
async fn the_failure_of_an_old_credential_is_not_that_of_the_new_one() {
    let (dead, alive) = ("key_0123456789abcdef", "key_fedcba9876543210");
    let rig = Rig::over(memory(), vec![input("ann", dead)], options(), config()).await;
    rig.control.revoke_token(dead);
    rig.ask("hello").await.expect_err("revoked");
    let merged = AccountInput { primary: Some(alive.into()), ..AccountInput::default() };
    rig.gateway.merge_accounts(vec![("ann".into(), merged)]).await.expect("merged");
    assert_eq!(rig.ask("[[sim: say a]]").await.expect("answered").text(), "a");
}

#[tokio::test]
async fn an_account_that_goes_during_its_refresh_does_not_come_back() {
    let store = memory();
    let rig = Rig::over(store.clone(), vec![input("ann", &web(ANN))], options(), config()).await;
    let gateway = rig.gateway.clone();
    let mut refreshing = JoinSet::new();
    refreshing.spawn(async move { gateway.refresh_accounts(&names(["ann"])).await });
    begun(&rig).await;
    rig.gateway.remove_accounts(&names(["ann"])).await.expect("removed");
    soon("the refresh", refreshing.join_next())
        .await
        .expect("one")
        .expect("no panic")
        .expect("told");
    assert!(rig.gateway.accounts().is_empty());
    assert!(store.load().await.expect("loaded").accounts.is_empty());
}
