//! What every store must do. Each check runs on each of them, before and after a restart.

use accounts::{AccountId, KeyId, ProxyName};
use secrecy::ExposeSecret as _;
use store::{Change, StoreError};

use crate::rig::{Backend, Draw, TEXTS, facts, put_account, put_key};

macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&mut crate::rig::Backend::memory()).await;
            })+
        }
        mod in_a_file {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&mut crate::rig::Backend::file()).await;
            })+
        }
    };
}

contract!(
    a_new_store_is_empty,
    a_put_account_is_there_and_replaced_by_id,
    a_removed_account_takes_its_profile_along,
    ids_are_never_given_twice,
    a_profile_needs_its_account_and_is_replaced,
    proxies_are_kept_by_name,
    the_general_proxy_is_set_and_cleared,
    a_removed_key_takes_its_usage_along,
    a_replaced_record_keeps_what_hangs_on_it,
    every_field_survives,
    records_come_in_order,
    big_texts_survive,
    a_conflict_changes_nothing,
    two_keys_cannot_have_one_secret,
    aliases_can_be_swapped,
    an_alias_can_be_taken_over_in_one_go,
    an_alias_held_for_a_moment_goes_back,
    an_empty_list_is_no_error,
);

async fn a_new_store_is_empty(backend: &mut Backend) {
    let kept = backend.kept().await;
    assert_eq!(kept.next_account, 1);
    assert_eq!(facts(&kept), ["next 1, general None", "[]"]);
}

async fn a_put_account_is_there_and_replaced_by_id(backend: &mut Backend) {
    backend.apply(vec![put_account(3, "first")]).await.unwrap();
    let mut changed = Draw(99).account(3, "second");
    changed.tokens.primary = "new".to_owned().into();
    backend.apply(vec![Change::PutAccount(Box::new(changed))]).await.unwrap();
    let kept = backend.kept().await;
    assert_eq!(kept.accounts.len(), 1);
    assert_eq!(kept.accounts[0].alias.as_str(), "second");
    assert_eq!(kept.accounts[0].tokens.primary.expose_secret(), "new");
}

async fn a_removed_account_takes_its_profile_along(backend: &mut Backend) {
    let profile = |id| Change::PutProfile(AccountId(id), format!("{{\"id\":{id}}}"));
    backend
        .apply(vec![put_account(1, "a"), put_account(2, "b"), profile(1), profile(2)])
        .await
        .unwrap();
    backend.apply(vec![Change::RemoveAccount(AccountId(1))]).await.unwrap();
    let kept = backend.kept().await;
    assert_eq!(kept.accounts.len(), 1);
    assert_eq!(kept.profiles, [(AccountId(2), "{\"id\":2}".to_owned())]);
    // It does not come back with the number.
    backend.apply(vec![put_account(1, "a")]).await.unwrap();
    assert_eq!(backend.kept().await.profiles.len(), 1);
    // What is not there is not missed.
    backend.apply(vec![Change::RemoveAccount(AccountId(77))]).await.unwrap();
}

async fn ids_are_never_given_twice(backend: &mut Backend) {
    backend.apply(vec![put_account(5, "a"), put_account(2, "b")]).await.unwrap();
    assert_eq!(backend.kept().await.next_account, 6);
    backend.apply(vec![Change::RemoveAccount(AccountId(5))]).await.unwrap();
    assert_eq!(backend.kept().await.next_account, 6);
    // Not even when it lived only inside one list.
    let brief = vec![put_account(9, "c"), Change::RemoveAccount(AccountId(9))];
    backend.apply(brief).await.unwrap();
    assert_eq!(backend.kept().await.next_account, 10);
    backend.apply(vec![put_account(u64::MAX, "last")]).await.unwrap();
    assert_eq!(backend.kept().await.next_account, u64::MAX);
}

async fn a_profile_needs_its_account_and_is_replaced(backend: &mut Backend) {
    let put = |id, text: &str| Change::PutProfile(AccountId(id), text.to_owned());
    backend.apply(vec![put(1, "early"), put_account(1, "a"), put(2, "nobody's")]).await.unwrap();
    assert!(backend.kept().await.profiles.is_empty());
    backend.apply(vec![put(1, "one")]).await.unwrap();
    backend.apply(vec![put(1, "two")]).await.unwrap();
    assert_eq!(backend.kept().await.profiles, [(AccountId(1), "two".to_owned())]);
}

async fn proxies_are_kept_by_name(backend: &mut Backend) {
    let put = |name, address: &str| {
        let mut proxy = Draw(0).proxy(name);
        proxy.address = address.to_owned().into();
        Change::PutProxy(proxy)
    };
    backend.apply(vec![put("b", "non"), put("a", "sys")]).await.unwrap();
    backend.apply(vec![put("b", "http://user:word@host:1/")]).await.unwrap();
    let kept = backend.kept().await;
    let shown: Vec<_> = kept
        .proxies
        .iter()
        .map(|proxy| (proxy.name.as_str(), proxy.address.expose_secret()))
        .collect();
    assert_eq!(shown, [("a", "sys"), ("b", "http://user:word@host:1/")]);
    backend.apply(vec![Change::RemoveProxy(ProxyName::new("a"))]).await.unwrap();
    assert_eq!(backend.kept().await.proxies.len(), 1);
}

async fn the_general_proxy_is_set_and_cleared(backend: &mut Backend) {
    for name in TEXTS.map(ProxyName::new) {
        backend.apply(vec![Change::SetGeneralProxy(Some(name.clone()))]).await.unwrap();
        assert_eq!(backend.kept().await.general_proxy, Some(name));
    }
    backend.apply(vec![Change::SetGeneralProxy(None)]).await.unwrap();
    assert_eq!(backend.kept().await.general_proxy, None);
}

async fn a_removed_key_takes_its_usage_along(backend: &mut Backend) {
    let usage = |key, seed| Change::PutKeyUsage(Draw(seed).usage(key));
    backend.apply(vec![put_key("key_a", 1), put_key("key_b", 2), usage("key_a", 1)]).await.unwrap();
    backend.apply(vec![usage("key_a", 2), usage("key_b", 3), usage("key_c", 4)]).await.unwrap();
    let kept = backend.kept().await;
    assert_eq!(kept.key_usage, [Draw(2).usage("key_a"), Draw(3).usage("key_b")]);
    backend.apply(vec![Change::RemoveKey(KeyId::new("key_a"))]).await.unwrap();
    let kept = backend.kept().await;
    assert_eq!(kept.keys.len(), 1);
    assert_eq!(kept.key_usage, [Draw(3).usage("key_b")]);
}

async fn a_replaced_record_keeps_what_hangs_on_it(backend: &mut Backend) {
    let usage = Draw(1).usage("key_a");
    backend
        .apply(vec![
            put_account(1, "a"),
            Change::PutProfile(AccountId(1), "{}".to_owned()),
            put_key("key_a", 1),
            Change::PutKeyUsage(usage.clone()),
        ])
        .await
        .unwrap();
    backend.apply(vec![put_account(1, "b"), put_key("key_a", 2)]).await.unwrap();
    let kept = backend.kept().await;
    assert_eq!(kept.profiles.len(), 1);
    assert_eq!(kept.key_usage, [usage]);
}

async fn every_field_survives(backend: &mut Backend) {
    let mut expected = Vec::new();
    let mut changes = Vec::new();
    for seed in 0..200 {
        let draw = &mut Draw(seed);
        let account = draw.account(seed, &format!("alias {seed}"));
        let key = draw.key(&format!("key_{seed:04}"), u8::try_from(seed).unwrap());
        let proxy = draw.proxy(&format!("proxy {seed:04}"));
        let usage = draw.usage(&format!("key_{seed:04}"));
        let profile = (AccountId(seed), draw.text());
        expected.push((
            account.clone(),
            profile.clone(),
            proxy.clone(),
            key.clone(),
            usage.clone(),
        ));
        changes.extend([
            Change::PutAccount(Box::new(account)),
            Change::PutProfile(profile.0, profile.1),
            Change::PutProxy(proxy),
            Change::PutKey(Box::new(key)),
            Change::PutKeyUsage(usage),
        ]);
    }
    backend.apply(changes).await.unwrap();
    let kept = backend.kept().await;
    let mut wanted = store::Snapshot { next_account: 200, ..Default::default() };
    for (account, profile, proxy, key, usage) in expected {
        wanted.accounts.push(account);
        wanted.profiles.push(profile);
        wanted.proxies.push(proxy);
        wanted.keys.push(key);
        wanted.key_usage.push(usage);
    }
    assert_eq!(facts(&kept), facts(&wanted));
}

async fn records_come_in_order(backend: &mut Backend) {
    let ids = [7, u64::MAX, 1, 1 << 63, 10];
    for (place, id) in ids.into_iter().enumerate() {
        let profile = Change::PutProfile(AccountId(id), String::new());
        backend.apply(vec![put_account(id, TEXTS[place]), profile]).await.unwrap();
    }
    let mut number = 0;
    for name in TEXTS {
        number += 1;
        let proxy = Change::PutProxy(Draw(1).proxy(name));
        let usage = Change::PutKeyUsage(Draw(1).usage(name));
        backend.apply(vec![proxy, put_key(name, number), usage]).await.unwrap();
    }
    let kept = backend.kept().await;
    let wanted = [1, 7, 10, 1 << 63, u64::MAX].map(AccountId);
    assert_eq!(kept.accounts.iter().map(|account| account.id).collect::<Vec<_>>(), wanted);
    assert_eq!(kept.profiles.iter().map(|profile| profile.0).collect::<Vec<_>>(), wanted);
    let mut names = TEXTS;
    names.sort_unstable();
    assert_eq!(kept.proxies.iter().map(|proxy| proxy.name.as_str()).collect::<Vec<_>>(), names);
    assert_eq!(kept.keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), names);
    assert_eq!(kept.key_usage.iter().map(|usage| usage.key.as_str()).collect::<Vec<_>>(), names);
}

async fn big_texts_survive(backend: &mut Backend) {
    let big = "0123456789é\0".repeat(80_000);
    let mut account = Draw(1).account(1, &big);
    account.tokens.primary = big.clone().into();
    let profile = Change::PutProfile(AccountId(1), big.clone());
    backend.apply(vec![Change::PutAccount(Box::new(account)), profile]).await.unwrap();
    let kept = backend.kept().await;
    assert!(kept.accounts[0].alias.as_str() == big);
    assert!(kept.accounts[0].tokens.primary.expose_secret() == big);
    assert!(kept.profiles[0].1 == big);
}

async fn a_conflict_changes_nothing(backend: &mut Backend) {
    backend.apply(vec![put_account(1, "taken"), put_account(2, "free")]).await.unwrap();
    let before = facts(&backend.kept().await);
    let changes = vec![
        Change::RemoveAccount(AccountId(2)),
        Change::PutProxy(Draw(1).proxy("p")),
        Change::SetGeneralProxy(Some(ProxyName::new("p"))),
        put_key("key_a", 1),
        put_account(30, "taken"),
    ];
    let error = backend.apply(changes).await.unwrap_err();
    assert!(matches!(&error, StoreError::Conflict(_)), "{error:?}");
    assert_eq!(error.to_string(), "there is already an account with the alias \"taken\"");
    assert_eq!(facts(&backend.kept().await), before);
    // Nor does it hold up what comes next.
    backend.apply(vec![put_account(3, "other")]).await.unwrap();
    assert_eq!(backend.kept().await.next_account, 4);
}

async fn two_keys_cannot_have_one_secret(backend: &mut Backend) {
    backend.apply(vec![put_key("key_a", 1)]).await.unwrap();
    let error = backend.apply(vec![put_key("key_b", 2), put_key("key_c", 1)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    assert_eq!(backend.kept().await.keys.len(), 1);
    backend.apply(vec![put_key("key_b", 2)]).await.unwrap();
    // Two keys may change hands like aliases.
    backend.apply(vec![put_key("key_a", 2), put_key("key_b", 1)]).await.unwrap();
    let hashes: Vec<_> = backend.kept().await.keys.iter().map(|key| key.hash.0[0]).collect();
    assert_eq!(hashes, [2, 1]);
}

async fn aliases(backend: &mut Backend) -> Vec<(u64, String)> {
    let kept = backend.kept().await;
    kept.accounts.iter().map(|account| (account.id.0, account.alias.as_str().to_owned())).collect()
}

async fn aliases_can_be_swapped(backend: &mut Backend) {
    backend
        .apply(vec![put_account(1, "a"), put_account(2, "b"), put_account(3, "c")])
        .await
        .unwrap();
    backend.apply(vec![put_account(1, "b"), put_account(2, "a")]).await.unwrap();
    let wanted = [(1, "b"), (2, "a"), (3, "c")].map(|(id, alias)| (id, alias.to_owned()));
    assert_eq!(aliases(backend).await, wanted);
    // In a ring of three.
    backend
        .apply(vec![put_account(1, "c"), put_account(2, "b"), put_account(3, "a")])
        .await
        .unwrap();
    let wanted = [(1, "c"), (2, "b"), (3, "a")].map(|(id, alias)| (id, alias.to_owned()));
    assert_eq!(aliases(backend).await, wanted);
}

async fn an_alias_can_be_taken_over_in_one_go(backend: &mut Backend) {
    backend.apply(vec![put_account(1, "a")]).await.unwrap();
    // In either order.
    let remove = Change::RemoveAccount(AccountId(1));
    backend.apply(vec![put_account(2, "a"), remove]).await.unwrap();
    let remove = Change::RemoveAccount(AccountId(2));
    backend.apply(vec![remove, put_account(3, "a")]).await.unwrap();
    assert_eq!(aliases(backend).await, [(3, "a".to_owned())]);
}

async fn an_alias_held_for_a_moment_goes_back(backend: &mut Backend) {
    backend.apply(vec![put_account(1, "a"), put_account(2, "b")]).await.unwrap();
    backend.apply(vec![put_account(2, "a"), put_account(2, "c")]).await.unwrap();
    assert_eq!(aliases(backend).await, [(1, "a".to_owned()), (2, "c".to_owned())]);
}

async fn an_empty_list_is_no_error(backend: &mut Backend) {
    backend.apply(Vec::new()).await.unwrap();
    assert!(backend.kept().await.accounts.is_empty());
}

#[tokio::test]
async fn the_store_in_memory_fails_on_demand_once_each() {
    use store::{MemoryStore, Store as _};
    let store = MemoryStore::new();
    store.fail_next(StoreError::Unavailable("disk".to_owned()));
    store.fail_next(StoreError::Key("wrong".to_owned()));
    let failed = store.apply(vec![put_account(1, "a")]).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.load().await, Err(StoreError::Key(_))));
    assert!(store.load().await.unwrap().accounts.is_empty());
    store.apply(vec![put_account(1, "a")]).await.unwrap();
}
