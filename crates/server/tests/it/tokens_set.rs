//! `POST /tokens/set`.

use serde_json::json;

use crate::rig::{ANN, BOB, Rig, session};

#[tokio::test]
async fn the_list_takes_the_place_of_all_accounts() {
    let rig = Rig::new().await;
    let answer = rig.post("/tokens/set", &json!([["eve", {"primary_token": session(BOB)}]])).await;
    assert_eq!(
        answer.json(),
        json!({"status": "success", "tokens_count": 1,
            "message": "Token files have been updated and reloaded"})
    );
    assert_eq!(rig.aliases().await, ["eve"]);
}

#[tokio::test]
async fn what_get_gives_set_takes_back_unchanged() {
    let rig = Rig::new().await;
    rig.post("/tokens/status/set", &json!({"aliases": ["bob"], "enabled": false})).await;
    rig.post("/tokens/profile/update", &json!(["ann"])).await;
    let before = rig.post("/tokens/get", &json!({})).await.json();
    for body in [&before, &before["tokens"]] {
        let answer = rig.post("/tokens/set", body).await;
        assert_eq!((answer.status, &answer.json()["tokens_count"]), (200, &json!(2)), "{answer:?}");
        assert_eq!(answer.header("x-ignored-fields"), None);
        assert_eq!(rig.post("/tokens/get", &json!({})).await.json(), before);
    }
    assert_eq!(before["tokens"][1][2]["status"]["state"], "disabled");
}

#[tokio::test]
async fn one_bad_row_changes_nothing_and_is_named() {
    let rig = Rig::new().await;
    let rows = json!([["eve", {"primary_token": session(ANN)}], ["mal", {"primary_token": "x"}]]);
    let answer = rig.post("/tokens/set", &rows).await;
    assert_eq!(answer.status, 400);
    let error = answer.json()["error"].as_str().expect("text").to_owned();
    assert!(error.starts_with("[1].primary_token: "), "{error}");
    assert_eq!(rig.aliases().await, ["ann", "bob"]);
}

#[tokio::test]
async fn another_type_is_refused_with_its_path() {
    let rig = Rig::empty().await;
    for (body, error) in [
        (json!([["a", {"primary_token": 5}]]), "[0][1].primary_token: expected a string"),
        (json!([["a", {"checksum": {"first": "1"}}]]), "[0][1].checksum: missing field `second`"),
        (json!(5), "expected a list or an object"),
    ] {
        let answer = rig.post("/tokens/set", &body).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!(error)));
    }
}
