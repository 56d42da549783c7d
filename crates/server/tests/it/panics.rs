//! A panic anywhere in a request is a failure that its client is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gateway::Ambient;
use serde_json::json;
use uuid::Uuid;

use crate::rig::{ADMIN, Real, Rig};

/// Randomness that fails once.
#[derive(Debug)]
struct Fragile {
    /// Ids that are given before the one that panics; negative for any number.
    ids: AtomicI64,
    secrets: AtomicI64,
}

impl Fragile {
    fn new() -> Arc<Self> {
        Arc::new(Self { ids: AtomicI64::new(-1), secrets: AtomicI64::new(-1) })
    }

    fn draw(left: &AtomicI64) {
        if left.load(Ordering::SeqCst) >= 0 {
            assert!(left.fetch_sub(1, Ordering::SeqCst) > 0, "synthetic panic");
        }
    }
}

impl Ambient for Fragile {
    fn unix_ms(&self) -> u64 {
        Real.unix_ms()
    }

    fn uuid(&self) -> Uuid {
        Self::draw(&self.ids);
        Real.uuid()
    }

    fn secret_bytes(&self) -> [u8; 32] {
        Self::draw(&self.secrets);
        Real.secret_bytes()
    }
}

async fn rig(fragile: &Arc<Fragile>) -> Rig {
    let ambient = Arc::clone(fragile);
    let rig = Rig::set_up(move |setup| setup.ambient = ambient).await.peopled().await;
    rig.app.begin();
    rig
}

#[tokio::test]
async fn a_handler_that_panics_is_a_500_with_the_requests_id() {
    let fragile = Fragile::new();
    let rig = rig(&fragile).await;
    let before = rig.app.panics();
    fragile.secrets.store(0, Ordering::SeqCst);
    let answer = rig.call("GET", "/gen-hash", &[], "").await;
    assert_eq!(answer.status, 500);
    let id = answer.header("x-request-id").expect("an id").to_owned();
    assert!(answer.json()["error"].as_str().expect("a text").contains(&id), "{answer:?}");
    assert!(!answer.text.contains("synthetic"), "{answer:?}");
    assert_eq!(rig.app.panics(), before + 1);
    assert_eq!(rig.call("GET", "/gen-hash", &[], "").await.status, 200, "it goes on");
}

/// Wherever on its way the panic is: handler, or the task of the turn before and after its beginning.
#[tokio::test]
async fn a_turn_that_panics_ends_with_an_error_in_its_dialect() {
    let fragile = Fragile::new();
    let rig = rig(&fragile).await;
    let body = json!({"model": "gpt-5", "stream": true, "max_tokens": 100,
        "messages": [{"role": "user", "content": "[[sim: chunks 5]]"}]});
    let (mut failed, mut served) = (0, 0);
    // The first one is the request's own id.
    for ids in 1..12 {
        for (path, end) in
            [("/v1/chat/completions", "data: [DONE]"), ("/v1/messages", "message_stop")]
        {
            fragile.ids.store(ids, Ordering::SeqCst);
            let bearer = format!("Bearer {ADMIN}");
            let headers = [("authorization", bearer.as_str())];
            let answer = rig.call("POST", path, &headers, &body.to_string()).await;
            if answer.text.contains(end) {
                served += 1;
                continue;
            }
            failed += 1;
            assert!(answer.text.contains("\"error\""), "{ids} {path}: {answer:?}");
            assert!(!answer.text.contains("synthetic"), "{answer:?}");
        }
    }
    fragile.ids.store(-1, Ordering::SeqCst);
    assert!(failed >= 2, "{failed} failed, {served} were served");
    assert_eq!(rig.chat(ADMIN).await.status, 200, "it goes on");
    assert_eq!(rig.gateway.stats().active, 0);
}
