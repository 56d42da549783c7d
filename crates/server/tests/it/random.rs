//! `GET /gen-*` and `/get-checksum-header`.

use std::collections::HashSet;

use crate::rig::Rig;

async fn get(rig: &Rig, path: &str) -> String {
    let answer = rig.call("GET", path, &[], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.text
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[tokio::test]
async fn every_value_has_its_form() {
    let rig = Rig::empty().await;
    assert!(get(&rig, "/gen-uuid").await.parse::<uuid::Uuid>().is_ok());
    assert!(is_hex(&get(&rig, "/gen-hash").await, 64));
    assert_eq!(get(&rig, "/get-checksum-header").await.len(), 8);
    let token = get(&rig, "/gen-token").await;
    assert!(token.starts_with("sk-") && token.len() == 51, "{token}");
    let checksum = get(&rig, "/gen-checksum").await;
    let (first, second) = checksum[8..].split_once('/').expect("two ids");
    assert!(is_hex(first, 64) && is_hex(second, 64) && first != second, "{checksum}");
}

#[tokio::test]
async fn no_value_comes_twice() {
    let rig = Rig::empty().await;
    for path in ["/gen-uuid", "/gen-hash", "/gen-checksum", "/gen-token"] {
        let mut seen = HashSet::new();
        for _ in 0..20 {
            assert!(seen.insert(get(&rig, path).await), "{path}");
        }
    }
}
