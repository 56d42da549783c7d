//! `GET /logs`: open, as configured, and without an entry of the log.

use server::LogsPage;

use crate::logs::{entry, rig};
use crate::rig::Rig;

#[tokio::test]
async fn the_page_runs_only_its_own_script_and_holds_nothing_of_the_log() {
    let (rig, _log) = rig(vec![entry(1)]).await;
    let answer = rig.call("GET", "/logs", &[], "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(!answer.text.contains("req_1"));
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'nonce-"), "{policy}");
    let nonce = policy.split('\'').nth(3).expect("nonce").strip_prefix("nonce-").expect("nonce");
    assert_eq!(answer.text.matches(&format!("nonce=\"{nonce}\"")).count(), 2);
    assert!(!answer.text.contains("{{"));
    for outside in ["http://", "https://", "src=", "href=", "innerHTML"] {
        assert!(!answer.text.contains(outside), "{outside}");
    }
    let again = rig.call("GET", "/logs", &[], "").await;
    assert_ne!(again.header("content-security-policy"), Some(policy));
}

#[tokio::test]
async fn the_operators_own_page_is_sent_as_it_is() {
    for (page, kind) in [
        (LogsPage::Text("<b>日志</b>".to_owned()), "text/plain; charset=utf-8"),
        (LogsPage::Html("<b>日志</b>".to_owned()), "text/html; charset=utf-8"),
    ] {
        let rig = Rig::with(|options| options.logs_page = page).await;
        let answer = rig.call("GET", "/logs", &[], "").await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "<b>日志</b>"));
        assert_eq!(answer.header("content-type"), Some(kind));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}
