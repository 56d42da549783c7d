//! The vectors of a login, and the whole schedule of its polls.

use http::HeaderMap;
use serde_json::Value;

use super::*;
use crate::error::{Deadline, read_status};

fn vector(name: &str) -> Value {
    let text = include_str!("../../../../fixtures/vectors/auth.json");
    let file: Value = serde_json::from_str(text).expect("fixture");
    let vectors = file["vectors"].as_array().expect("vectors");
    vectors.iter().find(|vector| vector["name"] == name).expect(name).clone()
}

/// The login of the vectors.
fn pkce() -> Pkce {
    let random = hex::decode(vector("pkce")["verifier_bytes_hex"].as_str().expect("hex"));
    let random = random.expect("hex").try_into().expect("32 bytes");
    Pkce::new(Uuid::from_u128(0x11111111_1111_4111_8111_000000000001), random)
}

#[test]
fn vector_pkce() {
    let (vector, pkce) = (vector("pkce"), pkce());
    assert_eq!(pkce.verifier.expose_secret(), vector["verifier"]);
    assert_eq!(pkce.challenge, vector["challenge"]);
    assert!(!format!("{pkce:?}").contains(pkce.verifier.expose_secret()));
}

#[test]
fn vector_login_url() {
    let (vector, pkce) = (vector("login_url"), pkce());
    let web = Origin::parse("https://cursor.com").expect("origin");
    assert_eq!(pkce.login_url(&web), vector["url"]);
    let poll = vector["poll"].as_str().expect("poll");
    assert_eq!(poll.strip_prefix("https://api2.cursor.sh"), Some(pkce.poll_path().as_str()));
}

#[test]
fn ports_are_written_where_they_are_not_the_schemes_own() {
    for (url, text) in [
        ("https://cursor.com", "https://cursor.com"),
        ("https://cursor.com:443", "https://cursor.com"),
        ("http://x.invalid:80", "http://x.invalid"),
        ("https://x.invalid:80", "https://x.invalid:80"),
        ("http://x.invalid:443", "http://x.invalid:443"),
        ("http://127.0.0.1:3010", "http://127.0.0.1:3010"),
        ("http://[::1]:8443", "http://[::1]:8443"),
    ] {
        assert_eq!(web_text(&Origin::parse(url).expect(url)), text);
    }
}

fn status(code: u16, body: &str) -> Result<Option<LoginTokens>, UpstreamError> {
    let status = StatusCode::from_u16(code).expect("status");
    Err(read_status(status, &HeaderMap::new(), body.as_bytes()))
}

fn done() -> Result<Option<LoginTokens>, UpstreamError> {
    Ok(Some(LoginTokens { access: "synthetic".to_owned().into(), refresh: None, auth_id: None }))
}

#[test]
fn waits_grow_to_ten_seconds_and_end_after_150_tries() {
    let mut schedule = PollSchedule::new();
    let mut waits = Vec::new();
    while let PollStep::Wait(wait) = schedule.after(&Ok(None)) {
        waits.push(wait);
    }
    assert_eq!(waits.len(), 149, "between 150 tries");
    let ms = |wait: &Duration| wait.as_millis();
    assert_eq!(waits[..4].iter().map(ms).collect::<Vec<_>>(), [1000, 1200, 1440, 1728]);
    assert_eq!(ms(&waits[12]), 8916);
    assert!(waits[13..].iter().all(|wait| *wait == Duration::from_secs(10)));
    assert_eq!(schedule.after(&Ok(None)), PollStep::GiveUp, "and stays so");
}

#[test]
fn three_errors_in_a_row_end_it_and_a_404_between_them_does_not_count() {
    let mut schedule = PollSchedule::new();
    for _ in 0..20 {
        assert!(matches!(schedule.after(&status(503, "")), PollStep::Wait(_)));
        let late = Err(UpstreamError::Deadline(Deadline::Total));
        assert!(matches!(schedule.after(&late), PollStep::Wait(_)));
        assert!(matches!(schedule.after(&Ok(None)), PollStep::Wait(_)));
    }
    for _ in 0..2 {
        assert!(matches!(schedule.after(&status(500, "")), PollStep::Wait(_)));
    }
    assert_eq!(schedule.after(&status(500, "")), PollStep::GiveUp);
}

#[test]
fn a_refusal_is_final_and_tokens_end_it() {
    let refused = status(403, r#"{"error":"sign_in_policy_violation"}"#);
    assert_eq!(PollSchedule::new().after(&refused), PollStep::GiveUp);
    let stated = status(403, r#"{"code":"permission_denied","message":"no"}"#);
    assert_eq!(PollSchedule::new().after(&stated), PollStep::GiveUp);
    assert_eq!(PollSchedule::new().after(&done()), PollStep::Done);
}
