//! Who sees what of the request log, and that no secret is in it.

use accounts::KeyId;
use request_log::Who;
use serde_json::json;
use store::RequestLog as _;

use crate::logs::{ask, entry, full, ids, of_key, rig};
use crate::rig::{ADMIN, ANN, Answer, BOB, Rig, SHARED, session};

async fn export(rig: &Rig, key: &str, query: &str) -> Answer {
    rig.call("GET", &format!("/logs/export?{query}"), &[("x-api-key", key)], "").await
}

/// Invariant: a key sees the requests that came with it and no others.
#[tokio::test]
async fn a_key_sees_its_own_requests_only() {
    let (rig, log) = rig(Vec::new()).await;
    let (mine, other) = (rig.key(&json!({})).await, rig.key(&json!({})).await);
    let shared = request_log::Entry { who: Who::Shared, ..entry(4) };
    let entries = vec![
        full(1, Who::Key(KeyId::new(mine.id.clone())), 1),
        of_key(2, &other.id),
        entry(3),
        shared,
        of_key(5, &mine.id),
    ];
    log.put(entries).await.expect("put");
    for (key, own, seen) in [
        (mine.forms[0].as_str(), mine.id.as_str(), vec![1, 5]),
        (&mine.forms[1], &mine.id, vec![1, 5]),
        (&other.forms[0], &other.id, vec![2]),
        (SHARED, "shared_token", vec![4]),
    ] {
        let answer = ask(&rig, key, json!({})).await;
        assert_eq!(ids(&answer), seen);
        assert_eq!(answer.json()["total"], seen.len());
        assert_eq!(ids(&ask(&rig, key, json!({"key": own})).await), seen);
        let strangers = [mine.id.as_str(), &other.id, "auth_token", "shared_token", "key_none"];
        for stranger in strangers.into_iter().filter(|name| *name != own) {
            let answer = ask(&rig, key, json!({ "key": stranger })).await;
            assert_eq!((ids(&answer), answer.json()["total"].clone()), (vec![], json!(0)));
            assert_eq!(export(&rig, key, &format!("key={stranger}")).await.text, "");
        }
        assert_eq!(ids(&ask(&rig, key, json!({"request_id": "req_3"})).await), [0; 0]);
        let lines = export(&rig, key, "").await;
        assert_eq!(lines.text.lines().count(), seen.len());
        let table = export(&rig, key, "format=csv").await;
        assert_eq!(table.text.lines().count(), seen.len() + 1);
        for answer in [&answer, &lines, &table] {
            let json = &answer.text;
            for hidden in ["for-admins", "attempts", "\"active\"", "stripe", "account"] {
                assert!(!json.contains(hidden), "{hidden} in {json}");
            }
        }
    }
    assert_eq!(ids(&ask(&rig, ADMIN, json!({})).await), [1, 2, 3, 4, 5]);
    assert_eq!(ids(&ask(&rig, &format!("{ADMIN}-bob"), json!({})).await), [1, 2, 3, 4, 5]);
    // What the accounts are is not to be found out by asking.
    for query in [json!({"account": "ann"}), json!({"account": "1"}), json!({"user_id": ANN})] {
        assert_eq!(ids(&ask(&rig, &mine.forms[0], query).await), [0; 0]);
    }
    let told = ask(&rig, &mine.forms[0], json!({})).await.json();
    assert_eq!(told["logs"][0]["error"], "It broke.");
    assert_eq!(told["logs"][0]["token_info"], json!({"key": ""}));
    assert_eq!(told["logs"][0]["content"]["answer"], "he said");
}

async fn tokens(rig: &Rig, key: &str, names: &serde_json::Value) -> Answer {
    let headers = [("x-api-key", key)];
    rig.call("POST", "/logs/tokens/get", &headers, &names.to_string()).await
}

#[tokio::test]
async fn accounts_of_the_log_are_told_in_full_to_the_administrator_alone() {
    let (rig, _log) = rig(Vec::new()).await;
    let built = rig.post("/build-key", &json!({"token": session("user_01CC")})).await.json();
    let built = built["keys"][0].as_str().expect("key").to_owned();
    let managed = rig.key(&json!({})).await;
    let rows = rig.post("/tokens/get", &json!({})).await.json();
    let numbers: Vec<String> = (0..2).map(|row| rows["tokens"][row][0].to_string()).collect();
    let own = (numbers[1].parse::<u64>().expect("number") + 1).to_string();
    let names = json!([numbers[0], numbers[1], own, "999", "ann", "-1", "01", numbers[0]]);

    let answer = tokens(&rig, ADMIN, &names).await.json();
    assert_eq!((&answer["status"], &answer["total"]), (&json!("success"), &json!(3)));
    assert_eq!(answer["tokens"][&numbers[0]], rows["tokens"][0][2]);
    assert!(answer["tokens"][&own]["primary_token"].as_str().expect("token").len() > 20);
    assert!(answer["timestamp"].is_string());

    let answer = tokens(&rig, &built, &names).await.json();
    assert_eq!(answer["total"], 1, "{answer}");
    let shown = &answer["tokens"][&own];
    assert_eq!(shown["primary_token"], "***");
    assert_eq!(shown["checksum"], json!({"first": "***", "second": "***"}));
    for key in [SHARED, &managed.forms[0]] {
        let answer = tokens(&rig, key, &names).await.json();
        assert_eq!((&answer["tokens"], &answer["total"]), (&json!({}), &json!(0)));
    }
    let refused = tokens(&rig, ADMIN, &json!({"a": 1})).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("expected a list")));
}

/// Invariant: what opens something is not in the log's answers.
#[tokio::test]
async fn no_secret_is_told_to_those_who_are_not_the_administrator() {
    let (rig, log) = rig(Vec::new()).await;
    let password = "canary-of-the-logs-proxy";
    let tunnel = format!("http://user:{password}@127.0.0.1:1");
    rig.post("/proxies/add", &json!({"proxies": {"tunnel": tunnel}})).await;
    rig.post("/tokens/proxy/set", &json!({"aliases": ["ann"], "proxy": "tunnel"})).await;
    let key = rig.key(&json!({})).await;
    let built = rig.post("/build-key", &json!({"token": session("user_01CC")})).await.json();
    let built = built["keys"][0].as_str().expect("key").to_owned();
    let keys = rig.post("/keys/get", &json!({})).await.json();
    let keys = keys["keys"].as_array().expect("keys").iter();
    let id = keys.clone().find(|key| key["kind"] == "built").expect("the built key")["id"].clone();
    let id = id.as_str().expect("id").to_owned();
    let mut entries: Vec<_> =
        (1..=3).map(|n| full(n, Who::Key(KeyId::new(key.id.clone())), n)).collect();
    entries.extend((4..=6).map(|n| full(n, Who::Key(KeyId::new(id.clone())), n - 3)));
    log.put(entries).await.expect("put");
    let signature = |user| session(user).rsplit('.').next().expect("signature").to_owned();
    let mut secrets = vec![password.to_owned(), signature(ANN), signature(BOB)];
    secrets.extend([ADMIN.to_owned(), SHARED.to_owned(), built.clone(), "eyJ".to_owned()]);
    secrets.extend(key.forms.iter().cloned());
    for caller in [SHARED, &key.forms[0], &built] {
        let first = ask(&rig, caller, json!({})).await;
        assert_eq!(ids(&first).is_empty(), caller == SHARED, "there is something to leak");
        let answers = [
            first,
            ask(&rig, caller, json!({"key": key.forms[0], "account": "ann"})).await,
            tokens(&rig, caller, &json!(["1", "2", "3", key.forms[0]])).await,
            export(&rig, caller, "").await,
            export(&rig, caller, "format=csv").await,
            export(&rig, caller, &format!("key={}&odd={}", key.forms[0], key.forms[2])).await,
            rig.call("GET", "/logs", &[("x-api-key", caller)], "").await,
        ];
        for answer in answers {
            let all = format!("{} {:?}", answer.text, answer.headers);
            assert!(secrets.iter().all(|secret| !all.contains(secret)), "{all}");
        }
    }
    // To the administrator the log itself tells none either.
    for answer in [ask(&rig, ADMIN, json!({})).await, export(&rig, ADMIN, "").await] {
        assert!(secrets.iter().all(|secret| !answer.text.contains(secret)), "{answer:?}");
    }
}
