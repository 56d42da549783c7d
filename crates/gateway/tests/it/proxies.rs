//! Outbound proxies: the table, who goes which way, and that nothing ever goes out directly
//! because a proxy is missing.

use std::sync::Arc;
use std::time::Duration;

use accounts::ProxyName;
use conversation::{FailureClass, Scope};
use gateway::{AccountInput, AdminError, Gateway, KeyInput, KeyOptionsInput};
use secrecy::ExposeSecret as _;
use simulator::Config;
use store::{Change, Store as _};
use upstream::Flow;

use crate::rig::{ANN, BOB, FLOWS, Rig, grant, input, memory, names, options, session, soon, turn};
use servers::{Manner, Proxy, Rules};

#[path = "../../../upstream/tests/it/proxies/servers.rs"]
#[allow(dead_code, reason = "only a part of what they can do is needed here")]
pub(crate) mod servers;

const HELLO: &str = "[[sim: say hello]]";

async fn with(rows: Vec<AccountInput>) -> Rig {
    Rig::over(memory(), rows, options(), Config::default()).await
}

fn url(proxy: &Proxy) -> String {
    format!("http://{}", proxy.address)
}

async fn add(gateway: &Gateway, name: &str, address: &str) {
    let added = gateway.add_proxies(vec![(name.into(), address.into())]).await.expect("told");
    assert_eq!(added.failed, []);
}

fn table(gateway: &Gateway) -> (Vec<(String, String)>, String) {
    let list = gateway.proxies();
    (list.proxies.into_iter().map(|entry| (entry.name, entry.masked)).collect(), list.general)
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, address)| ((*name).into(), (*address).into())).collect()
}

#[tokio::test]
async fn a_first_start_has_a_table_that_stays() {
    let store = memory();
    let mut rig = Rig::over(store.clone(), Vec::new(), options(), Config::default()).await;
    let first = (pairs(&[("non", "non"), ("sys", "sys")]), "sys".to_owned());
    assert_eq!(table(&rig.gateway), first);
    assert_eq!(store.load().await.expect("loaded").proxies.len(), 2);
    let list =
        vec![("mine".into(), "http://u:secret@127.0.0.1:1".into()), ("non".into(), "non".into())];
    assert_eq!(rig.gateway.set_proxies(list, "mine".into()).await.expect("set"), 2);
    rig.restart(store, Vec::new(), options()).await;
    let (entries, general) = table(&rig.gateway);
    assert_eq!(general, "mine");
    assert_eq!(entries.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["mine", "non"]);
    assert!(!entries[0].1.contains("secret"), "{entries:?}");
    let shown = rig.gateway.proxies().proxies.swap_remove(0).address;
    assert_eq!(shown.expose_secret(), "http://u:secret@127.0.0.1:1");
}

#[tokio::test]
async fn what_is_in_use_or_taken_stays_as_it_is() {
    let rig = with(vec![input("ann", &session(ANN))]).await;
    let gateway = &rig.gateway;
    let list = ["a", "b", "a", "", "c"].map(|name| (name.to_owned(), "http://127.0.0.1:1".into()));
    let mut list = list.to_vec();
    list.push(("bad".into(), "gopher://canary@x".into()));
    let touched = gateway.add_proxies(list).await.expect("told");
    assert_eq!(touched.done, ["a", "b", "c"]);
    let failed: Vec<&str> = touched.failed.iter().map(|failed| failed.name.as_str()).collect();
    assert_eq!(failed, ["a", "", "bad"]);
    assert!(touched.failed.iter().all(|failed| !failed.reason.contains("canary")));
    gateway.set_account_proxy(&names(["ann"]), Some("a".into())).await.expect("set");
    let options = KeyOptionsInput { proxy: Some("b".into()), ..KeyOptionsInput::default() };
    gateway.create_key(KeyInput { options, ..KeyInput::default() }).await.expect("made");
    let touched =
        gateway.remove_proxies(&names(["a", "b", "c", "sys", "none"])).await.expect("told");
    assert_eq!(touched.done, ["c"]);
    let reasons: Vec<&str> = touched.failed.iter().map(|failed| failed.reason.as_str()).collect();
    for (reason, word) in reasons.iter().zip(["`ann`", "key", "general", "no such"]) {
        assert!(reason.contains(word), "{reason}");
    }
    let only_a = || vec![("a".to_owned(), "http://127.0.0.1:2".into())];
    gateway.set_proxies(only_a(), "a".into()).await.expect_err("the key needs b");
    gateway.set_proxies(only_a(), "none".into()).await.expect_err("no such general one");
    gateway.set_general_proxy("none").await.expect_err("no such proxy");
    let (entries, general) = table(gateway);
    assert_eq!((entries.len(), general.as_str()), (4, "sys"));
    gateway.set_general_proxy("non").await.expect("set");
    assert_eq!(table(gateway).1, "non");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_lets_nothing_out() {
    for flow in FLOWS {
        let store = memory();
        let options = gateway::Options { flow, ..options() };
        let mut rig = Rig::over(
            store.clone(),
            vec![input("ann", &session(ANN))],
            options.clone(),
            Config::default(),
        )
        .await;
        add(&rig.gateway, "gone", "http://127.0.0.1:1").await;
        rig.gateway.set_account_proxy(&names(["ann"]), Some("gone".into())).await.expect("set");
        let gone = ProxyName::new("gone");
        store.apply(vec![Change::RemoveProxy(gone)]).await.expect("removed");
        rig.restart(store.clone(), Vec::new(), options.clone()).await;
        let failure = rig.ask(HELLO).await.expect_err("no proxy");
        assert_eq!((failure.class, failure.scope), (FailureClass::UpstreamFailed, Scope::Network));
        assert!(failure.log.contains("`gone`"), "{}", failure.log);
        assert!(!failure.client.contains("gone"), "{}", failure.client);
        rig.gateway.refresh_accounts(&names(["ann"])).await.expect("told");
        // The same for a general one that has gone.
        rig.gateway.set_account_proxy(&names(["ann"]), None).await.expect("set");
        store.apply(vec![Change::RemoveProxy(ProxyName::new("sys"))]).await.expect("removed");
        rig.restart(store, Vec::new(), options).await;
        rig.ask(HELLO).await.expect_err("no proxy");
        assert!(rig.control.calls().is_empty() && rig.control.connections() == 0);
    }
}

#[tokio::test]
async fn a_keys_way_beats_the_accounts_and_that_the_general_one() {
    for flow in FLOWS {
        for socks in [false, true] {
            let start = || async {
                match socks {
                    true => Proxy::socks5(Rules::default()).await,
                    false => Proxy::http(Rules::default()).await,
                }
            };
            let (general, accounts, keys) = (start().await, start().await, start().await);
            let options = gateway::Options { flow, ..options() };
            let rig = Rig::over(memory(), Vec::new(), options, Config::default()).await;
            let gateway = &rig.gateway;
            let scheme = if socks { "socks5" } else { "http" };
            for (name, proxy) in [("general", &general), ("account", &accounts), ("key", &keys)] {
                add(gateway, name, &format!("{scheme}://{}", proxy.address)).await;
            }
            gateway.set_general_proxy("general").await.expect("set");
            gateway
                .add_accounts(vec![input("ann", "key_0123456789abcdef")], true)
                .await
                .expect("added");
            let tunnels = || [&general, &accounts, &keys].map(|proxy| proxy.tunnels() > 0);
            rig.ask(HELLO).await.expect("answered");
            assert_eq!(tunnels(), [true, false, false], "exchange and all");
            gateway.set_account_proxy(&names(["ann"]), Some("account".into())).await.expect("set");
            rig.ask(HELLO).await.expect("answered");
            assert_eq!(tunnels(), [true, true, false]);
            let options = KeyOptionsInput { proxy: Some("key".into()), ..Default::default() };
            let key = gateway.create_key(KeyInput { options, ..KeyInput::default() }).await;
            let key = gateway.authenticate(key.expect("made").text.expose_secret());
            let key = Arc::new(key.expect("opens"));
            rig.ask_as(&key, turn(HELLO)).await.0.expect("answered");
            assert_eq!(tunnels(), [true, true, true]);
            let through: usize =
                [&general, &accounts, &keys].iter().map(|p| p.open_tunnels()).sum();
            assert!(rig.control.connections() <= through, "nothing went out directly");
        }
    }
}

#[tokio::test]
async fn a_proxy_is_tried_out_by_name() {
    let login = Some(("user".to_owned(), "canary-password".to_owned()));
    let good = Proxy::http(Rules { login: login.clone(), ..Rules::default() }).await;
    let bad = Proxy::http(Rules { manner: Manner::Refuse, ..Rules::default() }).await;
    let rig = with(Vec::new()).await;
    add(&rig.gateway, "good", &format!("http://user:canary-password@{}", good.address)).await;
    add(&rig.gateway, "wrong", &format!("http://user:canary-other@{}", good.address)).await;
    add(&rig.gateway, "bad", &url(&bad)).await;
    let took = soon("the test", rig.gateway.test_proxy("good")).await.expect("through");
    assert!(took < Duration::from_secs(5));
    assert_eq!(good.tunnels(), 1);
    for name in ["wrong", "bad"] {
        let error = soon("the test", rig.gateway.test_proxy(name)).await.expect_err("refused");
        assert!(matches!(error, AdminError::Upstream(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
    let unknown = rig.gateway.test_proxy("none").await.expect_err("none");
    assert!(matches!(unknown, AdminError::NotFound(_)), "{unknown}");
}

#[tokio::test]
async fn a_dead_proxy_is_to_blame_and_not_the_account_behind_it() {
    for flow in FLOWS {
        let dead = Proxy::http(Rules { manner: Manner::Cut, ..Rules::default() }).await;
        let options = gateway::Options { flow, ..options() };
        let rows = vec![input("ann", &session(ANN)), input("bob", &session(BOB))];
        let rig = Rig::over(memory(), rows, options, Config::default()).await;
        add(&rig.gateway, "dead", &url(&dead)).await;
        rig.gateway.set_account_proxy(&names(["ann"]), Some("dead".into())).await.expect("set");
        assert_eq!(rig.ask(HELLO).await.expect("answered").text(), "hello");
        let seen = dead.connections();
        assert!(seen >= 1, "it was tried");
        for _ in 0..3 {
            let (reply, report) = rig.ask_as(&grant(), turn(HELLO)).await;
            reply.expect("answered");
            let passed: Vec<String> =
                report.passed_over().iter().map(|(alias, why)| format!("{alias} {why}")).collect();
            assert_eq!(passed, ["ann is behind a proxy or network that fails"]);
        }
        assert_eq!((dead.connections(), rig.users()), (seen, vec![BOB.to_owned(); 4]));
        assert_eq!(rig.mark("ann"), None);
        assert_eq!(rig.account("ann").state.coolings, []);
        // When its rest is over it is tried again.
        rig.clock.shift(120);
        for _ in 0..2 {
            rig.ask(HELLO).await.expect("answered");
        }
        assert!(dead.connections() > seen);
    }
}

#[tokio::test]
async fn a_dead_proxy_of_a_key_hurts_no_other_request() {
    let dead = Proxy::http(Rules { manner: Manner::Cut, ..Rules::default() }).await;
    let rig = Rig::new(Flow::Agent).await;
    add(&rig.gateway, "dead", &url(&dead)).await;
    let options = KeyOptionsInput { proxy: Some("dead".into()), ..Default::default() };
    let key = rig.gateway.create_key(KeyInput { options, ..KeyInput::default() }).await;
    let key = rig.gateway.authenticate(key.expect("made").text.expose_secret()).expect("opens");
    let key = Arc::new(key);
    for _ in 0..3 {
        let failure = rig.ask_as(&key, turn(HELLO)).await.0.expect_err("dead");
        assert_eq!(failure.scope, Scope::Network);
        rig.ask(HELLO).await.expect("answered");
    }
    assert_eq!(rig.users().len(), 3, "none of the key's requests went out another way");
}
