//! Code completion: what the gateway adds to the time until the first edit is there, against the
//! simulated backend itself. The same file goes to both in turns, without other load: to the
//! backend as its own protocol over HTTP/2, to the gateway as JSON over HTTP/1.1.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::{Buf as _, Bytes, BytesMut};
use cursor_proto::Message as _;
use cursor_proto::aiserver::{
    CppFileDiffHistory, CurrentFileInfo, CursorPosition, StreamCppRequest, StreamCppResponse,
};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{frame, quoted};
use crate::load::{KEY, Scale};

const PATH: &str = "src/main.rs";
const LANGUAGE: &str = "rust";
/// Names the editor to the file service.
const EDITOR: &str = "00000000000000000000000000000000000000000000000000000000000000c8";
/// Text of one edit that is no renaming, so the simulated backend closes the open line instead.
const DIFF: &str = "101+|    let total =\n";
/// The cursor's line, from 0, behind `let total =`.
const LINE: usize = 100;
const COLUMN: usize = 15;
/// A file of 200 lines, 9 kB.
const LINES: usize = 200;

/// The two ends that are compared.
pub(crate) struct Ends {
    backend: Backend,
    gateway: Gateway,
}

/// Times until the first edit, sorted; the median over the rounds is in [`Figures`].
#[derive(Default)]
pub(crate) struct Figures {
    direct: Rounds,
    through: Rounds,
}

/// In milliseconds, of each round.
#[derive(Default)]
struct Rounds {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Ends {
    /// Connects to both and warms them up.
    pub(crate) async fn open(backend: &str, token: &str, gateway: &str) -> Result<Self> {
        let mut ends = Self {
            backend: Backend::open(backend, token).await?,
            gateway: Gateway::open(gateway).await?,
        };
        for _ in 0..50 {
            ends.backend.first_edit().await.context("simulator")?;
            ends.gateway.first_edit().await.context("gateway")?;
        }
        Ok(ends)
    }

    /// One request after the other, in turns.
    pub(crate) async fn measure(&mut self, scale: Scale, figures: &mut Figures) -> Result<()> {
        let (mut direct, mut through) = (Vec::new(), Vec::new());
        let until = Instant::now() + Duration::from_secs(scale.seconds());
        while Instant::now() < until {
            direct.push(self.backend.first_edit().await.context("simulator")?);
            through.push(self.gateway.first_edit().await.context("gateway")?);
        }
        figures.direct.add(direct);
        figures.through.add(through);
        Ok(())
    }
}

/// The backend's own protocol, on one HTTP/2 connection as the gateway has it.
struct Backend {
    sender: http2::SendRequest<Full<Bytes>>,
    url: String,
    token: String,
    body: Bytes,
    _task: JoinSet<()>,
}

impl Backend {
    async fn open(address: &str, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream)).await?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            let _ = connection.await;
        });
        let url = format!("http://{address}/aiserver.v1.AiService/StreamCpp");
        let body = frame(&protobuf()?.encode_to_vec());
        Ok(Self { sender, url, token: token.to_owned(), body, _task: task })
    }

    async fn first_edit(&mut self) -> Result<Duration> {
        let request = Request::post(&self.url)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/connect+proto")
            .header("connect-protocol-version", "1")
            .header("x-cursor-client-type", "ide")
            .header("x-cursor-client-version", "2.6.22")
            .header("x-fs-client-key", EDITOR)
            .body(Full::new(self.body.clone()))?;
        let started = Instant::now();
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        ensure!(response.status() == 200, "status {}", response.status());
        first(started, response.into_body(), message_with_edit).await
    }
}

/// The gateway's `/cpp/stream`, on one kept connection.
struct Gateway {
    sender: http1::SendRequest<Full<Bytes>>,
    address: String,
    body: Bytes,
    _task: JoinSet<()>,
}

impl Gateway {
    async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            let _ = connection.await;
        });
        Ok(Self { sender, address: address.to_owned(), body: json().into(), _task: task })
    }

    async fn first_edit(&mut self) -> Result<Duration> {
        let request = Request::post("/cpp/stream")
            .header("host", &self.address)
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/json")
            .header("x-client-key", EDITOR)
            .body(Full::new(self.body.clone()))?;
        let started = Instant::now();
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        ensure!(response.status() == 200, "status {}", response.status());
        first(started, response.into_body(), event_with_edit).await
    }
}

/// Reads an answer to its end; tells when `found` first found an edit in what had come.
async fn first(
    started: Instant,
    mut body: Incoming,
    found: fn(&mut BytesMut) -> Result<bool>,
) -> Result<Duration> {
    let mut came = BytesMut::new();
    let mut at = None;
    while let Some(piece) = body.frame().await {
        if let (None, Some(data)) = (at, piece?.data_ref()) {
            came.extend_from_slice(data);
            if found(&mut came)? {
                at = Some(started.elapsed());
            }
        }
    }
    at.context("no edit in the answer")
}

/// Takes whole messages off, up to one that says what is to be replaced.
fn message_with_edit(came: &mut BytesMut) -> Result<bool> {
    while let Some((head, rest)) = came.split_first_chunk::<5>() {
        let [flag, length @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes(length))?;
        let Some(message) = rest.get(..length) else { return Ok(false) };
        ensure!(flag == 0, "the answer ended or is compressed before an edit");
        if StreamCppResponse::decode_from_slice(message)?.range_to_replace.is_set() {
            return Ok(true);
        }
        came.advance(5 + length);
    }
    Ok(false)
}

fn event_with_edit(came: &mut BytesMut) -> Result<bool> {
    const EVENT: &[u8] = b"event: range_replace\n";
    Ok(came.windows(EVENT.len()).any(|part| part == EVENT))
}

fn contents() -> String {
    let line = |at: usize| match at {
        LINE => "    let total =\n".to_owned(),
        _ => format!("    print(\"a line of the file, number {at}\");\n"),
    };
    (0..LINES).map(line).collect()
}

fn protobuf() -> Result<StreamCppRequest> {
    let cursor = CursorPosition {
        line: i32::try_from(LINE)?,
        column: i32::try_from(COLUMN)?,
        ..Default::default()
    };
    let file = CurrentFileInfo {
        relative_workspace_path: PATH.to_owned(),
        contents: contents(),
        cursor_position: cursor.into(),
        total_number_of_lines: i32::try_from(LINES)?,
        language_id: LANGUAGE.to_owned(),
        ..Default::default()
    };
    let history = CppFileDiffHistory {
        file_name: PATH.to_owned(),
        diff_history: vec![DIFF.to_owned()],
        ..Default::default()
    };
    Ok(StreamCppRequest {
        current_file: file.into(),
        file_diff_histories: vec![history],
        ..Default::default()
    })
}

fn json() -> String {
    format!(
        r#"{{"current_file":{{"relative_workspace_path":"{PATH}","contents":{contents},"cursor_position":{{"line":{LINE},"column":{COLUMN}}},"total_number_of_lines":{LINES},"language_id":"{LANGUAGE}"}},"file_diff_histories":[{{"file_name":"{PATH}","diff_history":[{diff}]}}]}}"#,
        contents = quoted(&contents()),
        diff = quoted(DIFF),
    )
}

impl Rounds {
    fn add(&mut self, mut times: Vec<Duration>) {
        times.sort_unstable();
        let at = |share: f64| {
            let index = (times.len().saturating_sub(1) as f64 * share) as usize;
            times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
        };
        self.p50.push(at(0.5));
        self.p99.push(at(0.99));
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<32}{:>12}{:>14}{:>8}", "code completion", "simulator", "gateway", "added")?;
        let mut row = |name: &str, direct: &[f64], through: &[f64]| {
            let (direct, through) = (median(direct), median(through));
            writeln!(f, "{name:<32}{direct:>12.2}{through:>14.2}{:>8.2}", through - direct)
        };
        row("first edit p50, ms", &self.direct.p50, &self.through.p50)?;
        row("first edit p99, ms", &self.direct.p99, &self.through.p99)
    }
}
