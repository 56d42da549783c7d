//! `POST /login/start` and `/login/finish`.

use serde_json::json;

use crate::rig::{ANN, Rig};

#[tokio::test]
async fn a_login_is_pending_until_its_page_was_approved() {
    let rig = Rig::empty().await;
    let started = rig.post("/login/start", &json!({})).await.json();
    assert_eq!(started["status"], "success");
    let id = started["id"].as_str().expect("id");
    assert!(started["url"].as_str().expect("url").contains(id), "{started}");
    let body = json!({"id": id, "alias": "ann"});
    let pending = rig.post("/login/finish", &body).await;
    assert_eq!((pending.status, pending.json()), (200, json!({"status": "pending"})));
    assert!(rig.aliases().await.is_empty());
}

#[tokio::test]
async fn unknown_logins_and_other_texts_are_refused() {
    let rig = Rig::empty().await;
    let unknown = json!({"id": "0f0e0d0c-0b0a-4908-8706-050403020100"});
    assert_eq!(rig.post("/login/finish", &unknown).await.status, 404);
    let answer = rig.post("/login/finish", &json!({"id": ANN})).await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["error"].as_str().expect("text").starts_with("id: "));
}
