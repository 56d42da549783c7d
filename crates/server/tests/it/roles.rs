//! Who may call what.

use serde_json::json;
use server::{Access, ROUTES};

use crate::rig::{ADMIN, Rig, SHARED};

const WRONG: &str = "sk-wrong";

/// A path of the table that can be called.
fn concrete(path: &str) -> String {
    path.replace("{*id}", "x").replace("{*page}", "README.md").replace("{id}", "x")
}

/// Invariant: every route asks for what the table says, however the key comes.
#[tokio::test]
async fn every_route_lets_in_whom_the_table_names() {
    let rig = Rig::empty().await;
    let client = rig.key(&json!({})).await;
    for route in ROUTES {
        let path = concrete(route.path);
        for (who, key) in [
            ("nobody", None),
            ("wrong", Some(WRONG)),
            ("client", Some(client.forms[0].as_str())),
            ("shared", Some(SHARED)),
            ("admin", Some(ADMIN)),
        ] {
            let expected = match (route.access, who) {
                (Access::Open, _) | (_, "admin") => None,
                (_, "nobody" | "wrong") => Some(401),
                (Access::Key, _) | (Access::AdminOrShared, "shared") => None,
                (Access::Admin | Access::AdminOrShared, _) => Some(403),
            };
            let forms = match key {
                None => vec![vec![]],
                Some(key) => vec![
                    vec![("authorization", format!("Bearer {key}"))],
                    vec![("x-api-key", key.to_owned())],
                    vec![("api-key", key.to_owned())],
                ],
            };
            for headers in forms {
                let headers: Vec<(&str, &str)> =
                    headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let answer = rig.call(route.method, &path, &headers, "{}").await;
                let refused = Some(answer.status).filter(|status| [401, 403].contains(status));
                let call = format!("{} {path} as {who} by {headers:?}", route.method);
                assert_eq!(refused, expected, "{call}: {answer:?}");
                if let Some(status) = expected
                    && matches!(route.access, Access::Admin | Access::AdminOrShared)
                {
                    assert_eq!(answer.header("cache-control"), Some("no-store"), "{call}");
                    let json = answer.json();
                    assert!(json["error"].is_string(), "{call}: {json}");
                    let unified = json.get("status").is_some();
                    assert!(!unified || json["code"] == status, "{call}: {json}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_method_of_an_admin_path_asks_for_the_key_first() {
    let rig = Rig::empty().await;
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        assert_eq!(rig.call(method, "/tokens/get", &[], "").await.status, 401, "{method}");
    }
}

#[tokio::test]
async fn a_key_may_come_bare_below_cursor_only() {
    let rig = Rig::empty().await;
    let bare = [("authorization", ADMIN)];
    assert_eq!(rig.call("GET", "/cursor/v1/models", &bare, "").await.status, 200);
    assert_eq!(rig.call("GET", "/v1/models", &bare, "").await.status, 401);
}

#[tokio::test]
async fn one_right_key_among_several_is_enough() {
    let rig = Rig::empty().await;
    let bearer = format!("Bearer {WRONG}");
    let both = [("authorization", bearer.as_str()), ("x-api-key", ADMIN)];
    assert_eq!(rig.call("GET", "/v1/models", &both, "").await.status, 200);
    let none = [("authorization", bearer.as_str()), ("x-api-key", WRONG)];
    assert_eq!(rig.call("GET", "/v1/models", &none, "").await.status, 401);
}

#[tokio::test]
async fn the_token_with_an_alias_is_served_by_that_account() {
    let rig = Rig::new().await;
    let renamed = rig.post("/tokens/alias/set", &json!({"bob": "bob-2-b"})).await;
    assert_eq!(renamed.status, 200);
    for _ in 0..3 {
        let answer = rig.chat(&format!("{ADMIN}-bob-2-b")).await;
        assert_eq!((answer.status, answer.header("x-cursor-account")), (200, Some("bob-2-b")));
    }
}

#[tokio::test]
async fn only_who_has_the_token_is_told_that_an_alias_does_not_exist() {
    let rig = Rig::new().await;
    let answer = rig.chat(&format!("{ADMIN}-nobody")).await;
    assert_eq!(answer.status, 401);
    assert!(answer.text.contains("`nobody`"), "{answer:?}");
    for key in [format!("{WRONG}-nobody"), format!("{ADMIN}-"), format!("{ADMIN}x")] {
        let answer = rig.chat(&key).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.text.contains("alias"), "{answer:?}");
    }
}

#[tokio::test]
async fn keys_of_old_versions_are_refused_with_an_explanation() {
    let rig = Rig::empty().await;
    let token = crate::rig::session(crate::rig::ANN);
    let answer = rig.chat(&token).await;
    assert_eq!(answer.status, 401);
    assert!(answer.text.contains("/tokens/add"), "{answer:?}");
    assert!(!answer.text.contains(&token));
}

#[tokio::test]
async fn the_shared_token_is_served() {
    let rig = Rig::new().await;
    let answer = rig.chat(SHARED).await;
    assert_eq!((answer.status, answer.header("x-cursor-account")), (200, None), "{answer:?}");
}
