//! `POST /pool/get`.

use serde_json::json;

use crate::rig::{ADMIN, Rig};

#[tokio::test]
async fn the_pool_shows_its_policy_and_how_each_account_stands() {
    let rig = Rig::new().await;
    rig.post("/tokens/status/set", &json!({"aliases": ["bob"], "enabled": false})).await;
    assert_eq!(rig.chat(ADMIN).await.status, 200);
    let answer = rig.post("/pool/get", &json!({})).await;
    let json = answer.json();
    assert_eq!(json["status"], "success");
    assert_eq!(json["policy"]["rotation"], "round_robin");
    assert_eq!(json["states"], json!({"disabled": 1, "ready": 1}));
    let ann = &json["accounts"][0];
    assert_eq!((&ann["alias"], &ann["state"]), (&json!("ann"), &json!("ready")));
    assert_eq!((&ann["enabled"], &ann["started"]), (&json!(true), &json!(1)));
    assert_eq!(json["accounts"][1]["state"], "disabled");
}
