//! Outbound proxies over real sockets, with the simulated backend behind them.

mod failures;
mod garbage;
mod keeping;
mod servers;
mod through;

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conversation::{Event, Fold, Turn};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use simulator::{Config, Tls};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;
use upstream::agent::{AgentOptions, HistoryChannel, InstructionChannel};
use upstream::chat::ChatOptions;
use upstream::transport::{Dialer, Origin, Pool, Received, TransportOptions, Via, Way};
use upstream::{
    Actions, Backend, Caller, Flow, ModelQuery, Opening, Route, UpstreamError, classify,
};
use uuid::Uuid;

use crate::support::{Simulated, backend, caller, soon, stamp};
use servers::{Proxy, Rules};

const USER: &str = "operator";
const PASSWORD: &str = "canary-p%4/ss:w@rd ä";

/// The proxies of the tests, by the scheme of their URL.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// A simulator, plain and encrypted, a proxy's certificate, and a pool that trusts all of them.
struct World {
    plain: Simulated,
    encrypted: Simulated,
    proxy_tls: TlsAcceptor,
    pool: Pool,
    _authorities: NamedTempFile,
}

impl World {
    async fn start() -> Self {
        Self::with(TransportOptions::default()).await
    }

    async fn with(options: TransportOptions) -> Self {
        let (tls, authority) = Tls::self_signed().expect("certificate");
        let (proxy_tls, proxy_authority) = Tls::self_signed().expect("certificate");
        let mut authorities = NamedTempFile::new().expect("a file");
        authorities.write_all(&[authority, proxy_authority].concat()).expect("written");
        let dialer = Dialer::new(Some(authorities.path().to_owned()));
        Self {
            plain: Simulated::start(Config::default()).await,
            encrypted: Simulated::start(Config { tls: Some(tls), ..Config::default() }).await,
            proxy_tls: acceptor(&proxy_tls),
            pool: Pool::new(options, dialer),
            _authorities: authorities,
        }
    }

    /// A proxy of this scheme, and the way through it without credentials.
    async fn proxy(&self, scheme: &str, rules: Rules) -> (Proxy, Via) {
        self.proxy_for(scheme, rules, "").await
    }

    /// The same with `user:password@` of the URL.
    async fn proxy_for(&self, scheme: &str, rules: Rules, userinfo: &str) -> (Proxy, Via) {
        let proxy = match scheme {
            "http" => Proxy::http(rules).await,
            "https" => {
                let tls = self.proxy_tls.clone();
                let accept = move |stream| {
                    let tls = tls.clone();
                    async move { tls.accept(stream).await.ok() }
                };
                Proxy::https(rules, accept).await
            }
            "socks5" | "socks5h" => Proxy::socks5(rules).await,
            other => panic!("{other}"),
        };
        let via = via(&format!("{scheme}://{userinfo}localhost:{}", proxy.address.port()));
        (proxy, via)
    }

    fn plain(&self) -> Origin {
        origin(&format!("http://localhost:{}", self.plain.address.port()))
    }

    fn encrypted(&self) -> Origin {
        origin(&format!("https://localhost:{}", self.encrypted.address.port()))
    }

    /// Neither simulator was reached by any way.
    fn assert_untouched(&self) {
        for simulated in [&self.plain, &self.encrypted] {
            assert_eq!(simulated.control.connections(), 0);
            assert!(simulated.control.calls().is_empty());
        }
    }

    /// The error of a call through `via`.
    async fn error(&self, origin: &Origin, via: &Via) -> UpstreamError {
        models(&self.pool, origin, via).await.expect_err("an error")
    }
}

/// HTTP/1.1 only, as most proxies.
fn acceptor(tls: &Tls) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(&tls.certificate_pem);
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(&tls.private_key_pem).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate with its key");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

fn origin(url: &str) -> Origin {
    Origin::parse(url).expect("origin")
}

fn via(url: &str) -> Via {
    Via::Proxy(Arc::new(upstream::transport::Proxy::parse(url).expect("a proxy")))
}

fn way(origin: &Origin, via: &Via) -> Way {
    Way { origin: origin.clone(), via: via.clone() }
}

/// `USER` and `PASSWORD` as they stand in a URL.
fn userinfo() -> String {
    let encoded: String = PASSWORD.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("{USER}:{encoded}@")
}

fn login() -> Option<(String, String)> {
    Some((USER.into(), PASSWORD.into()))
}

fn caller_by(via: &Via) -> Caller {
    Caller { via: via.clone(), ..caller() }
}

/// A unary call.
async fn models(pool: &Pool, origin: &Origin, via: &Via) -> Result<usize, UpstreamError> {
    let backend = backend(origin.clone(), pool.clone());
    let (caller, query) = (caller_by(via), ModelQuery::default());
    let models = soon("the models", backend.models(&caller, stamp(), &query)).await;
    models.map(|models| models.len())
}

/// A whole stream; the text of its answer, or how it failed.
async fn stream(backend: &Backend, via: &Via, flow: Flow, prompt: &str) -> Result<String, String> {
    let turn = Turn::of_text("claude-4.5-sonnet", prompt);
    let route = Route::plain(&turn.model);
    let opening = Opening::plain(&turn, &route);
    let agent = AgentOptions {
        instructions: InstructionChannel::default(),
        history: HistoryChannel::default(),
        timezone: "UTC".into(),
        call_window: Duration::from_millis(150),
    };
    let opened = match flow {
        Flow::Agent => upstream::agent::open(&opening, &agent, &mut Uuid::new_v4),
        Flow::Chat => upstream::chat::open(&opening, ChatOptions::default(), &mut Uuid::new_v4),
    };
    let (message, mut session) = opened.expect("opens");
    let opened = backend.open(&caller_by(via), stamp(), &message).await;
    let mut exchange = opened.map_err(|error| error.to_string())?;
    let (mut actions, mut fold) = (Actions::default(), Fold::default());
    loop {
        let wake = session.tick(Instant::now(), &mut actions);
        for message in actions.send.drain(..) {
            message.send(&mut exchange).expect("sent");
        }
        for event in actions.events.drain(..) {
            let last = matches!(event, Event::Finished(_));
            fold.push(event).expect("the grammar");
            if last {
                return Ok(fold.finish().expect("a reply").text().to_owned());
            }
        }
        let wake = wake.unwrap_or_else(|| Instant::now() + Duration::from_secs(5));
        let went_on = tokio::select! {
            received = soon("the answer", exchange.next()) => match received {
                Received::Message(message) => session.receive(&message, &mut actions),
                Received::End(result) => session.end(result, &mut actions),
            },
            () = tokio::time::sleep_until(wake.into()) => Ok(()),
        };
        went_on.map_err(|failure| failure.log)?;
    }
}

/// An error of the proxy's making: recognised as such, and silent about secrets.
fn assert_blames_proxy(error: &UpstreamError) {
    assert!(matches!(error, UpstreamError::Proxy(_)), "{error:?}");
    assert_silent(error);
    let failure = classify(error);
    assert_eq!(failure.class, conversation::FailureClass::UpstreamFailed);
    assert_eq!(failure.scope, conversation::Scope::Network);
    assert_eq!(failure.retry, conversation::Retry::Elsewhere);
    assert_eq!(failure.client, "The gateway's outbound proxy cannot be reached.");
}

fn assert_silent(error: &UpstreamError) {
    let failure = classify(error);
    let shown = format!("{error} {error:?} {failure:?}");
    for secret in ["canary", "secretive", &servers::base64(&format!("{USER}:{PASSWORD}"))] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
