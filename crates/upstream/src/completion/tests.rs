//! Every field on its way to the wire, against the field table and the golden vectors, and what
//! comes back.

mod decoded;
mod fields;
mod neutral;
mod vectors;

use secrecy::SecretString;
use uuid::Uuid;

use super::*;
use crate::identity::{CallStamp, Caller, ChecksumAlphabet, ClientType, Identity, MachineIds};
use crate::transport::{Dialer, Pool, TransportOptions, Via};
use crate::{Backend, Endpoints};

fn backend(client_type: ClientType, client_version: &str) -> Backend {
    let origin = Origin::parse("http://127.0.0.1:9").expect("origin");
    let endpoints = Endpoints {
        api: origin.clone(),
        agent: origin.clone(),
        completion: CompletionEndpoints::at(&origin),
        web: origin,
        oauth_client_id: String::new(),
    };
    let identity = Identity {
        client_version: client_version.into(),
        client_type,
        timezone: "UTC".into(),
        privacy_mode: true,
        checksum_alphabet: ChecksumAlphabet::default(),
        session_id: Uuid::nil(),
        config_version: Uuid::nil(),
    };
    Backend::new(Pool::new(TransportOptions::default(), Dialer::default()), endpoints, identity)
}

fn headers(
    client_type: ClientType,
    version: &str,
    fs_client_key: &str,
) -> Result<HeaderMap, UpstreamError> {
    let caller = Caller {
        bearer: SecretString::from("synthetic"),
        machine: MachineIds::derive("seed"),
        timezone: None,
        client_key: Some("b".repeat(64)),
        session_id: None,
        config_version: None,
        via: Via::Direct,
    };
    let sent = HeaderMap::from_iter([(
        header::COOKIE,
        HeaderValue::from_static("FilesyncCookie=canary; other=canary"),
    )]);
    let editor = EditorIdentity {
        fs_client_key: fs_client_key.into(),
        cookies: Cookies::read(&sent).expect("legal"),
    };
    assert!(!format!("{editor:?}").contains("canary"));
    assert!(fs_client_key.is_empty() || !format!("{editor:?}").contains(fs_client_key));
    let stamp = CallStamp { unix_ms: 1_769_525_000_000, request_id: Uuid::nil() };
    backend(client_type, version).editor_headers(&caller, stamp, Some(&editor))
}

#[test]
fn an_editor_is_never_a_cli() {
    let key = "a".repeat(64);
    let ide = headers(ClientType::Ide, "9.9.9", &key).expect("headers");
    assert_eq!(ide["x-cursor-client-type"], "ide");
    assert_eq!(ide["x-cursor-client-version"], "9.9.9");
    let cli = headers(ClientType::Cli, "cli-2026.01.01-abc", &key).expect("headers");
    assert_eq!(cli["x-cursor-client-type"], "ide");
    assert_eq!(cli["x-cursor-client-version"], "2.6.22");
}

#[test]
fn what_is_the_editors_own_is_sent_and_never_printed() {
    let key = "0123456789abcdefABCDEF".repeat(3)[..64].to_owned();
    let headers = headers(ClientType::Ide, "2.6.22", &key).expect("headers");
    assert_eq!(headers["x-fs-client-key"], key.as_str());
    assert_eq!(headers["x-client-key"], "b".repeat(64).as_str());
    assert_eq!(headers["cookie"], "FilesyncCookie=canary");
    let printed = format!("{headers:?}");
    assert!(!printed.contains("canary") && !printed.contains(&key), "{printed}");
}

#[test]
fn a_key_that_is_none_is_refused_and_not_repeated() {
    let short = "a".repeat(63);
    let other = format!("{}g", "a".repeat(63));
    let long = "a".repeat(65);
    for key in ["", &short, &other, &long, "a\r\nx: y"] {
        let error = headers(ClientType::Ide, "2.6.22", key).expect_err(key).to_string();
        assert!(error.contains("64 hex"), "{error}");
        assert!(key.is_empty() || !error.contains(key), "{error}");
    }
}

#[test]
fn every_region_has_its_host() {
    let origin = |name: &str| Origin::parse(&format!("https://{name}.example")).expect("origin");
    let endpoints = CompletionEndpoints {
        asia: origin("asia"),
        eu: origin("eu"),
        us: origin("us"),
        config: origin("config"),
    };
    for (region, name) in [(Region::Asia, "asia"), (Region::Eu, "eu"), (Region::Us, "us")] {
        assert_eq!(*endpoints.of(region), origin(name));
    }
}
