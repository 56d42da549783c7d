//! HTTP/1.1 by hand, so that a test decides when it reads, how much, and when it leaves.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::{KEY, PATIENCE};

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The assistant's text of a whole completion.
    pub(crate) fn text(&self) -> String {
        let json = self.json();
        json["choices"][0]["message"]["content"].as_str().expect("text").to_owned()
    }
}

pub(crate) fn completion(prompt: &str, stream: bool) -> Value {
    json!({
        "model": "gpt-5",
        "stream": stream,
        "messages": [{ "role": "user", "content": prompt }],
    })
}

/// One call in progress.
pub(crate) struct Call {
    stream: TcpStream,
    /// Everything read so far, head included.
    pub(crate) seen: Vec<u8>,
}

impl Call {
    pub(crate) async fn send(address: SocketAddr, head: &str, body: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let length = body.len();
        let head =
            format!("{head}host: gateway\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream.write_all(body).await.expect("sent");
        Self { stream, seen: Vec::new() }
    }

    /// A streamed completion with the right key.
    pub(crate) async fn stream(address: SocketAddr, prompt: &str) -> Self {
        let head = post("/v1/chat/completions", KEY);
        Self::send(address, &head, completion(prompt, true).to_string().as_bytes()).await
    }

    /// Reads at most `most` bytes; how many there were, 0 at the end.
    pub(crate) async fn read(&mut self, most: usize) -> usize {
        let mut buffer = vec![0; most];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await;
        // A reset is an end too.
        let read = read.expect("something within the deadline").unwrap_or(0);
        self.seen.extend_from_slice(&buffer[..read]);
        read
    }

    pub(crate) async fn until(&mut self, text: &str) {
        while !self.has(text) {
            let read = self.read(4096).await;
            assert!(read > 0, "ended before {text:?}: {}", self.all());
        }
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.seen.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub(crate) fn all(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Reads to the end of the connection.
    pub(crate) async fn rest(mut self) -> Answer {
        while self.read(64 << 10).await > 0 {}
        parse(&self.seen)
    }
}

pub(crate) fn post(path: &str, key: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nauthorization: Bearer {key}\r\n")
}

pub(crate) async fn get(address: SocketAddr, path: &str, key: &str) -> Answer {
    let head = format!("GET {path} HTTP/1.1\r\nauthorization: Bearer {key}\r\n");
    Call::send(address, &head, b"").await.rest().await
}

/// A whole completion.
pub(crate) async fn ask(address: SocketAddr, prompt: &str) -> Answer {
    let head = post("/v1/chat/completions", KEY);
    Call::send(address, &head, completion(prompt, false).to_string().as_bytes()).await.rest().await
}

/// Answers in progress by the gateway's own count.
pub(crate) async fn active(address: SocketAddr) -> u64 {
    let health = get(address, "/health", KEY).await.json();
    health["runtime"]["requests"]["active"].as_u64().expect("a figure")
}

/// Waits until no answer is in progress.
pub(crate) async fn idle(address: SocketAddr) {
    let waiting = async {
        while active(address).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("answers still in progress");
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = match head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        true => unchunked(body),
        false => body.to_owned(),
    };
    Answer { status, head: head.to_owned(), body }
}

/// Joins chunks; what is no chunk ends it.
fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, tail)) = rest.split_once("\r\n") {
        let Ok(length) = usize::from_str_radix(length, 16) else { break };
        let Some(chunk) = tail.get(..length).filter(|chunk| !chunk.is_empty()) else { break };
        body.push_str(chunk);
        rest = tail.get(length + 2..).unwrap_or_default();
    }
    body
}
