//! Secrets appear nowhere but where the administrator asks for them.

use serde_json::json;
use simulator::AccountBehaviour;

use crate::rig::{ADMIN, ANN, Answer, BOB, Rig, SHARED, session};
use crate::watch;

/// What cannot be mistaken in a token: its signature.
fn signature(token: &str) -> String {
    token.rsplit('.').next().expect("signature").to_owned()
}

fn free_of(secrets: &[String], answer: &Answer) {
    let headers = format!("{:?}", answer.headers);
    for secret in secrets {
        assert!(!answer.text.contains(secret), "{secret} in {answer:?}");
        assert!(!headers.contains(secret), "{secret} in {headers}");
    }
}

#[tokio::test]
async fn secrets_are_shown_to_nobody_and_logged_nowhere() {
    let rig = Rig::empty().await;
    let (ann, bob) = (session(ANN), session(BOB));
    let api_key = "key_canary0123456789abcdef0123456789abcdef".to_owned();
    let password = "canary-of-the-proxy".to_owned();
    let key = {
        rig.post(
            "/tokens/add",
            &json!([{"alias": "ann", "token": ann}, {"alias": "key", "token": api_key}]),
        )
        .await;
        rig.key(&json!({"name": "client"})).await
    };
    let built = rig.post("/build-key", &json!({"token": bob})).await.json();
    let built = built["keys"][0].as_str().expect("key").to_owned();
    let mut secrets = vec![signature(&ann), signature(&bob), api_key, password.clone()];
    secrets.extend([ADMIN.to_owned(), SHARED.to_owned(), built.clone()]);
    secrets.extend(key.forms.iter().cloned());
    secrets.iter().for_each(|secret| watch::secret(secret));

    let tunnel = format!("http://user:{password}@127.0.0.1:1");
    let proxies = json!({"proxies": {"tunnel": tunnel, "direct": "non"}, "general": "direct"});
    free_of(&secrets, &rig.post("/proxies/set", &proxies).await);
    for (path, body) in [
        ("/tokens/get", json!({"mask": true})),
        ("/proxies/get", json!({})),
        ("/proxies/test", json!({"name": "tunnel"})),
        ("/proxies/del", json!({"names": [], "expectation": "detailed"})),
        ("/keys/get", json!({})),
        ("/pool/get", json!({})),
        ("/tokens/test", json!(["ann", "key"])),
        ("/tokens/profile/update", json!(["ann", "key"])),
        ("/tokens/refresh", json!(["ann", "key"])),
        ("/tokens/proxy/set", json!({"aliases": ["ann"], "proxy": "tunnel"})),
        ("/tokens/test", json!(["ann"])),
        ("/tokens/proxy/set", json!({"aliases": ["ann"]})),
        ("/tokens/add", json!([ann])),
        ("/tokens/add", json!({"tokens": [{"token": ann, "checksum": ann}]})),
        ("/tokens/merge", json!({"ann": {"client_key": password}})),
        ("/proxies/add", json!({"proxies": {"odd": format!("odd://user:{password}@x")}})),
    ] {
        free_of(&secrets, &rig.post(path, &body).await);
    }
    // Keys where no keys belong.
    for key in secrets[2..].iter().filter(|key| !key.contains("of-the-proxy")) {
        let headers = [("x-api-key", ADMIN)];
        rig.call("GET", &format!("/v1/models/{key}"), &headers, "").await;
        rig.call("GET", &format!("/{key}"), &[], "").await;
        rig.call("POST", &format!("/v1/models/{key}"), &headers, "").await;
        free_of(&secrets, &rig.post("/keys/revoke", &json!([key])).await);
    }
    for user in [ANN, BOB] {
        for behaviour in
            [AccountBehaviour::Healthy, AccountBehaviour::QuotaReached, AccountBehaviour::LoggedOut]
        {
            rig.control.set_account(user, behaviour);
            for key in [ADMIN, SHARED, &key.forms[0], &key.forms[1], &built, "sk-wrong"] {
                free_of(&secrets, &rig.chat(key).await);
            }
        }
    }
    let debug = format!("{:?} {:#?}", rig.app, rig.app);
    assert!(secrets.iter().all(|secret| !debug.contains(secret)), "{debug}");
    let (leaks, lines) = watch::leaks();
    assert!(lines > 100, "the log was read: {lines}");
    assert!(leaks.is_empty(), "{} of {lines} lines: {}", leaks.len(), leaks[0]);
}
