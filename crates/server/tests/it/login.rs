//! `POST /login/start` and `/login/finish`.

use serde_json::json;

use crate::rig::{ANN, Rig, fetch};

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
async fn an_approved_login_becomes_an_account() {
    let rig = Rig::empty().await;
    let started = rig.post("/login/start", &json!({})).await.json();
    let (id, url) = (started["id"].as_str().expect("id"), started["url"].as_str().expect("url"));
    let (address, path) =
        url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("a URL");
    let page = fetch(address, &format!("/{path}"), "").await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(rig.control.approve_login(id, ANN));
    let finished = rig.post("/login/finish", &json!({"id": id, "alias": "ann"})).await;
    assert_eq!(
        (finished.status, finished.json()),
        (200, json!({"status": "success", "alias": "ann"}))
    );
    assert_eq!(rig.aliases().await, ["ann"]);
    assert_eq!(rig.post("/login/finish", &json!({"id": id})).await.status, 404);
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
