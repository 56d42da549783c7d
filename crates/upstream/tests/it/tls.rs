//! TLS: the authority of the settings is trusted, others are not, and HTTP/2 must be agreed.

use std::io::Write as _;
use std::sync::Arc;

use http::HeaderMap;
use simulator::{Config, Tls};
use tempfile::NamedTempFile;
use upstream::transport::{Dialer, Exchange, Origin, Pool, Received, TransportOptions, Way};
use upstream::{ModelQuery, UpstreamError};

use crate::support::{Simulated, backend, caller, soon, stamp};

fn pem_file(authority: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(authority).expect("written");
    file
}

fn trusting(authority: &NamedTempFile) -> Pool {
    let dialer = Dialer::new(Some(authority.path().to_owned()));
    Pool::new(TransportOptions::default(), dialer)
}

async fn encrypted() -> (Simulated, Origin, NamedTempFile) {
    let (tls, authority) = Tls::self_signed().expect("certificate");
    let simulated = Simulated::start(Config { tls: Some(tls), ..Config::default() }).await;
    let url = format!("https://localhost:{}", simulated.address.port());
    (simulated, Origin::parse(&url).expect("origin"), pem_file(&authority))
}

#[tokio::test]
async fn an_authority_of_the_settings_is_trusted() {
    let (_simulated, origin, authority) = encrypted().await;
    let backend = backend(origin, trusting(&authority));
    let query = ModelQuery::default();
    let models = soon("the models", backend.models(&caller(), stamp(), &query)).await;
    assert!(models.expect("models").len() > 5);
}

async fn refusal(pool: &Pool, origin: &Origin) -> UpstreamError {
    let first = cursor_proto::agent::AgentClientMessage::default();
    let path = upstream::agent::PATH;
    let way = Way::direct(origin);
    let opening = Exchange::open(pool, &way, path, HeaderMap::new(), &first);
    match soon("the refusal", opening).await {
        Ok(mut exchange) => match exchange.next().await {
            Received::End(Err(error)) => error,
            other => panic!("{other:?}"),
        },
        Err(error) => error,
    }
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let (_simulated, origin, _) = encrypted().await;
    let (_, other) = Tls::self_signed().expect("certificate");
    let error = refusal(&trusting(&pem_file(&other)), &origin).await;
    assert!(matches!(&error, UpstreamError::Connect(_)), "{error:?}");
}

#[tokio::test]
async fn a_missing_or_broken_authority_file_is_named() {
    let (_simulated, origin, _) = encrypted().await;
    let broken = pem_file(b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
    let error = refusal(&trusting(&broken), &origin).await.to_string();
    assert!(error.contains(&broken.path().display().to_string()), "{error}");
    let missing = Dialer::new(Some("/nonexistent/authority.pem".into()));
    let pool = Pool::new(TransportOptions::default(), missing);
    let error = refusal(&pool, &origin).await.to_string();
    assert!(error.contains("/nonexistent/authority.pem"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (simulated, _, authority) = encrypted().await;
    // The loopback address is in the certificate, this name of it is not.
    let origin = format!("https://127.0.0.2:{}", simulated.address.port());
    let error = refusal(&trusting(&authority), &Origin::parse(&origin).expect("origin")).await;
    assert!(matches!(&error, UpstreamError::Connect(_)), "{error:?}");
}

#[tokio::test]
async fn plain_text_to_a_tls_port_and_the_other_way_round_fail_cleanly() {
    let (encrypted, _, authority) = encrypted().await;
    let plain = Simulated::start(Config::default()).await;
    let pool = Arc::new(trusting(&authority));
    let wrong = format!("http://localhost:{}", encrypted.address.port());
    let error = refusal(&pool, &Origin::parse(&wrong).expect("origin")).await;
    assert!(matches!(&error, UpstreamError::Connect(_)), "{error:?}");
    let wrong = format!("https://localhost:{}", plain.address.port());
    let error = refusal(&pool, &Origin::parse(&wrong).expect("origin")).await;
    assert!(matches!(&error, UpstreamError::Connect(_)), "{error:?}");
}
