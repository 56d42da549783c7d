//! How commands reach the data: by the gateway's admin API. A gateway that runs is asked over HTTP;
//! when none runs, the same routes are called in this process.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use gateway::Gateway;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use settings::{LogSettings, Settings};
use store::{SqliteStore, StoreError};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use crate::args::SettingsArgs;
use crate::compose::{assemble, open_store, parts, store_problem};
use crate::terminal::Refused;
use crate::{logging, sources};

/// For calls that only read and write what is kept.
const PATIENCE: Duration = Duration::from_secs(60);
/// For calls that make the gateway ask the upstream.
pub(crate) const LONG_PATIENCE: Duration = Duration::from_secs(600);
const CONNECT: Duration = Duration::from_secs(5);
/// Twenty thousand accounts with all that is known of them are a tenth of it.
const LONGEST_ANSWER: usize = 512 << 20;

/// A way to the admin API.
pub(crate) struct AdminClient {
    way: Way,
    key: SecretString,
}

enum Way {
    /// No gateway runs.
    Within {
        router: Router,
        gateway: Box<Gateway>,
    },
    Running(SocketAddr),
}

/// Why a call did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// In the gateway's words.
    #[error("{text}")]
    Refused { status: StatusCode, text: String },
    #[error("{0}")]
    Failed(String),
}

impl CallError {
    /// Whether the same call may go well later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Refused { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Failed(_) => true,
        }
    }

    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::NOT_FOUND, .. })
    }
}

impl AdminClient {
    /// Also gives the settings, and starts the log: warnings only.
    ///
    /// # Errors
    /// Settings that cannot be used, or data that cannot be opened.
    pub(crate) async fn open(args: &SettingsArgs) -> Result<(Self, Settings), Refused> {
        let settings = sources::settings(args)?;
        let format = settings.log.format;
        logging::start(&LogSettings { filter: "warn".to_owned(), format })?;
        let parts = parts(&settings)?;
        let key = settings.auth_token.clone().unwrap_or_default();
        let way = match store_or_gateway(&settings).await? {
            Holder::Nobody(store) => {
                let composed = Box::pin(assemble(&settings, parts, store)).await?;
                let router = server::router(composed.app);
                Way::Within { router, gateway: Box::new(composed.gateway) }
            }
            Holder::Gateway(address) => Way::Running(address),
        };
        Ok((Self { way, key }, settings))
    }

    /// Posts to one of the gateway's own endpoints.
    ///
    /// # Errors
    /// The gateway refuses it, cannot be reached, or does not answer in time.
    pub(crate) async fn call(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.call_within(path, body, PATIENCE).await
    }

    /// # Errors
    /// As [`AdminClient::call`].
    pub(crate) async fn call_within(
        &self,
        path: &str,
        body: &Value,
        patience: Duration,
    ) -> Result<Value, CallError> {
        let asking = async {
            let request = self.request(path, body)?;
            let response = match &self.way {
                Way::Within { router, .. } => within(router.clone(), request).await?,
                Way::Running(address) => running(*address, request).await?,
            };
            self.read(path, response).await
        };
        let late = || CallError::Failed(format!("{path}: no answer within {patience:?}"));
        tokio::time::timeout(patience, asking).await.map_err(|_| late())?
    }

    /// Whether a gateway answers, and not this process, which then has the data folder.
    pub(crate) fn gateway_runs(&self) -> bool {
        match self.way {
            Way::Within { .. } => false,
            Way::Running(_) => true,
        }
    }

    /// Ends what the calls may have begun.
    pub(crate) async fn close(self) {
        match self.way {
            Way::Within { gateway, .. } => gateway.shut_down(Duration::ZERO).await,
            Way::Running(_) => {}
        }
    }

    fn request(&self, path: &str, body: &Value) -> Result<Request<Full<Bytes>>, CallError> {
        let body = Full::new(Bytes::from(body.to_string()));
        let mut key = http::HeaderValue::try_from(format!("Bearer {}", self.key.expose_secret()))
            .map_err(|_| {
            CallError::Failed("auth_token does not fit into a header".to_owned())
        })?;
        key.set_sensitive(true);
        Request::post(path)
            .header(header::HOST, "cursor-api")
            .header(header::AUTHORIZATION, key)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT_LANGUAGE, "en")
            .body(body)
            .map_err(|error| CallError::Failed(format!("{path}: {error}")))
    }

    async fn read(
        &self,
        path: &str,
        response: Response<Limited<Body>>,
    ) -> Result<Value, CallError> {
        let (head, body) = response.into_parts();
        let bytes = body
            .collect()
            .await
            .map_err(|error| CallError::Failed(format!("{path}: the answer broke off: {error}")))?;
        let json: Option<Value> = serde_json::from_slice(&bytes.to_bytes()).ok();
        let told = |json: &Value| json["error"].as_str().map(str::to_owned);
        match (head.status, json) {
            (StatusCode::UNAUTHORIZED, _) => Err(CallError::Refused {
                status: head.status,
                text: format!(
                    "the gateway{} does not take this auth_token: use the settings it was \
                     started with",
                    self.place()
                ),
            }),
            (StatusCode::OK, Some(json)) => Ok(json),
            (status, Some(json)) if json["status"] == "error" => {
                let text = told(&json).unwrap_or_else(|| format!("{path}: {status}"));
                Err(CallError::Refused { status, text })
            }
            (status, _) => Err(CallError::Failed(format!(
                "{path}: {status}: what answers{} is no cursor-api, or one of another version",
                self.place()
            ))),
        }
    }

    fn place(&self) -> String {
        match &self.way {
            Way::Within { .. } => String::new(),
            Way::Running(address) => format!(" at {address}"),
        }
    }
}

/// Who has the data folder.
enum Holder {
    Nobody(SqliteStore),
    /// Or so it seems: what listens there is asked.
    Gateway(SocketAddr),
}

/// Another command has the folder for a moment only, so it is waited for; a gateway keeps it.
async fn store_or_gateway(settings: &Settings) -> Result<Holder, Refused> {
    const WAIT: Duration = Duration::from_secs(3);
    const AGAIN: Duration = Duration::from_millis(50);
    let deadline = tokio::time::Instant::now() + WAIT;
    loop {
        match open_store(settings) {
            Ok(store) => return Ok(Holder::Nobody(store)),
            Err(StoreError::InUse(_)) => {}
            Err(error) => return Err(store_problem(settings, &error)),
        }
        let is_late = tokio::time::Instant::now() >= deadline;
        match address(settings.listen) {
            Ok(address) if is_late || connect(address).await.is_ok() => {
                return Ok(Holder::Gateway(address));
            }
            Err(refused) if is_late => return Err(refused),
            Ok(_) | Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(|error| error.to_string()),
        Err(_) => Err("no connection in time".to_owned()),
    }
}

async fn within(
    router: Router,
    request: Request<Full<Bytes>>,
) -> Result<Response<Limited<Body>>, CallError> {
    let answered = router.oneshot(request.map(Body::new)).await;
    let response = answered.map_err(|never| match never {})?;
    Ok(response.map(|body| Limited::new(body, LONGEST_ANSWER)))
}

async fn running(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<Response<Limited<Body>>, CallError> {
    let failed = |why: String| {
        CallError::Failed(format!(
            "the data folder is in use, but no gateway can be asked at {address}: {why} (name its \
             address with --host and --port if it was started with these)"
        ))
    };
    let stream = connect(address).await.map_err(failed)?;
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .map_err(|error| failed(error.to_string()))?;
    let asking = async {
        let response =
            sender.send_request(request).await.map_err(|error| failed(error.to_string()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await;
        let body = body.map_err(|error| failed(error.to_string()))?.to_bytes();
        Ok(Response::from_parts(head, Limited::new(Body::from(body), LONGEST_ANSWER)))
    };
    tokio::pin!(asking);
    tokio::select! {
        answer = &mut asking => answer,
        // Ends first when the other side closes; what was read before still counts.
        _ = connection => asking.await,
    }
}

/// Where a gateway that listens there can be reached from this machine.
fn address(listen: SocketAddr) -> Result<SocketAddr, Refused> {
    if listen.port() == 0 {
        return Err(Refused(
            "the data folder is in use, and the port of the gateway is not known (setting `port` is \
             0): name it with --port"
                .to_owned(),
        ));
    }
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    Ok(SocketAddr::new(ip, listen.port()))
}

/// The entries of an answer's `failed` list: name and reason.
pub(crate) fn failures(answer: &Value, name: &str) -> Vec<(String, String)> {
    let failed = answer["failed"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    failed.iter().map(|entry| (text(&entry[name]), text(&entry["reason"]))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gateway_that_listens_everywhere_is_asked_on_loopback() {
        let asked = |text: &str| address(text.parse().expect("address")).map(|a| a.to_string());
        assert_eq!(asked("0.0.0.0:3000").expect("address"), "127.0.0.1:3000");
        assert_eq!(asked("[::]:3000").expect("address"), "[::1]:3000");
        assert_eq!(asked("192.0.2.1:80").expect("address"), "192.0.2.1:80");
        assert!(asked("127.0.0.1:0").expect_err("no port").0.contains("--port"));
    }

    #[test]
    fn failures_are_read_with_their_names() {
        let answer = json!({"failed": [{"alias": "a", "reason": "gone"}, {"reason": 1}]});
        let read = failures(&answer, "alias");
        assert_eq!(read, [("a".to_owned(), "gone".to_owned()), (String::new(), String::new())]);
        assert!(failures(&json!({}), "alias").is_empty());
    }

    #[test]
    fn what_may_pass_is_told_from_what_is_final() {
        let refused = |status| CallError::Refused { status, text: String::new() };
        assert!(refused(StatusCode::BAD_GATEWAY).may_pass());
        assert!(refused(StatusCode::TOO_MANY_REQUESTS).may_pass());
        assert!(!refused(StatusCode::CONFLICT).may_pass());
        assert!(refused(StatusCode::NOT_FOUND).is_not_found());
        assert!(CallError::Failed(String::new()).may_pass());
    }
}
