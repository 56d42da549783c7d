//! An editor stays with its account, because its files are there, and moves when it has to.

use accounts::{PoolPolicy, Rotation};
use serde_json::json;
use simulator::AccountBehaviour;

use super::{
    KNOWN, SYNC, UPLOAD, about, complete, events, outcome, sync, synced, text, upload, users,
};
use crate::rig::{ADMIN, ANN, BOB, Rig};

async fn rotating(rotation: Rotation) -> Rig {
    let rig = Rig::set_up(|setup| {
        setup.gateway.pool = PoolPolicy { rotation, ..PoolPolicy::default() };
    });
    rig.await.peopled().await
}

#[tokio::test]
async fn an_editor_stays_with_its_account_under_every_rotation() {
    for rotation in Rotation::ALL {
        let rig = rotating(rotation).await;
        assert_eq!(outcome(&rig, "/file/upload", &upload("f(", 1)).await, "unspecified");
        for version in 2..6 {
            // Other requests, of which round robin would give each account its share.
            assert_eq!(rig.chat(ADMIN).await.status, 200);
            let after = format!("{}f(", "a".repeat(usize::try_from(version - 1).expect("fits")));
            let change = sync(version, (0, 0), "a", &after);
            assert_eq!(outcome(&rig, "/file/sync", &change).await, "unspecified", "{rotation:?}");
        }
        let answer = complete(&rig, &synced(5, "aaaaf(", 0, 6)).await;
        assert_eq!(text(&events(&answer)), "\naaaaf()", "{rotation:?}");
        let mut all = [users(&rig, UPLOAD), users(&rig, SYNC), users(&rig, super::STREAM)].concat();
        assert_eq!(all.len(), 6);
        all.dedup();
        assert_eq!(all.len(), 1, "{rotation:?} {all:?}");
    }
}

#[tokio::test]
async fn editors_share_the_accounts_out() {
    let rig = rotating(Rotation::RoundRobin).await;
    for round in 1..4 {
        for number in 0..4 {
            let key = format!("{number}").repeat(64);
            let known = [("x-client-key", key.as_str())];
            let answer = rig.post_with("/file/upload", &known, &upload("a", round)).await;
            assert_eq!(answer.json(), json!({"error": "unspecified"}));
        }
    }
    let users = users(&rig, UPLOAD);
    assert_eq!(users[..4], [ANN, BOB, ANN, BOB]);
    assert_eq!((&users[..4], &users[..4]), (&users[4..8], &users[8..]));
}

/// Brings the editor to Ann and has her go away by `behaviour` in a completion.
async fn moved_by(behaviour: AccountBehaviour) {
    let rig = Rig::new().await;
    assert_eq!(outcome(&rig, "/file/upload", &upload("f(", 1)).await, "unspecified");
    assert_eq!(users(&rig, UPLOAD), [ANN]);
    rig.control.set_account(ANN, behaviour.clone());
    let answer = complete(&rig, &about("f(", 0, 2)).await;
    assert_eq!(text(&events(&answer)), "\nf()", "{behaviour:?}");
    assert_eq!(users(&rig, super::STREAM), [ANN, BOB], "{behaviour:?}");
    let change = sync(2, (2, 2), "a, ", "f(a, ");
    assert_eq!(outcome(&rig, "/file/sync", &change).await, "non_existant", "{behaviour:?}");
    assert_eq!(outcome(&rig, "/file/upload", &upload("f(", 1)).await, "unspecified");
    assert_eq!(outcome(&rig, "/file/sync", &change).await, "unspecified");
    // Also once Ann could serve again.
    rig.control.set_account(ANN, AccountBehaviour::Healthy);
    rig.post("/tokens/status/set", &json!({"aliases": ["ann"], "enabled": true})).await;
    let answer = complete(&rig, &synced(2, "f(a, ", 0, 2)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!([users(&rig, UPLOAD), users(&rig, SYNC)].concat(), [ANN, BOB, BOB, BOB]);
    assert_eq!(users(&rig, super::STREAM), [ANN, BOB, BOB]);
}

#[tokio::test]
async fn an_editor_moves_when_its_account_is_marked() {
    moved_by(AccountBehaviour::QuotaReached).await;
    moved_by(AccountBehaviour::LoggedOut).await;
    moved_by(AccountBehaviour::Blocked).await;
}

#[tokio::test]
async fn a_change_that_its_account_cannot_take_finds_no_copy_elsewhere() {
    let rig = Rig::new().await;
    outcome(&rig, "/file/upload", &upload("a", 1)).await;
    rig.control.set_account(ANN, AccountBehaviour::LoggedOut);
    let change = sync(2, (1, 1), "b", "ab");
    assert_eq!(outcome(&rig, "/file/sync", &change).await, "non_existant");
    assert_eq!(users(&rig, SYNC).last().map(String::as_str), Some(BOB));
    assert_eq!(outcome(&rig, "/file/upload", &upload("a", 1)).await, "unspecified");
    assert_eq!(outcome(&rig, "/file/sync", &change).await, "unspecified");
}

#[tokio::test]
async fn an_account_that_is_switched_off_serves_no_editor() {
    let rig = Rig::new().await;
    outcome(&rig, "/file/upload", &upload("a", 1)).await;
    rig.post("/tokens/status/set", &json!({"aliases": ["ann"], "enabled": false})).await;
    let change = sync(2, (1, 1), "b", "ab");
    assert_eq!(outcome(&rig, "/file/sync", &change).await, "non_existant");
    rig.post("/tokens/del", &json!({"aliases": ["bob"], "include_failed_tokens": false})).await;
    let answer = rig.post_with("/file/sync", &KNOWN, &change).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (503, &json!(503)), "{answer:?}");
}
