//! The load: requests over kept HTTP/1.1 connections, for the gateway in OpenAI's form and for
//! the proxy in the upstream's own.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::{BufMut as _, Bytes, BytesMut};
use cursor_proto::Message as _;
use cursor_proto::aiserver::conversation_message::MessageType;
use cursor_proto::aiserver::stream_unified_chat_request::UnifiedMode;
use cursor_proto::aiserver::{
    ConversationMessage, ConversationMessageHeader, ModelDetails, StreamUnifiedChatRequest,
    StreamUnifiedChatRequestWithTools,
};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Whom the load goes to and in which form.
#[derive(Clone)]
pub(crate) enum Target {
    /// OpenAI chat completions, streamed.
    Gateway { address: String, key: String },
    /// The upstream's chat stream, passed through.
    Proxy { address: String, token: String },
}

impl Target {
    fn address(&self) -> &str {
        match self {
            Self::Gateway { address, .. } | Self::Proxy { address, .. } => address,
        }
    }

    fn request(&self, prompt: &str) -> Result<Request<Full<Bytes>>> {
        let request = match self {
            Self::Gateway { address, key } => Request::post("/v1/chat/completions")
                .header("host", address)
                .header("authorization", format!("Bearer {key}"))
                .header("content-type", "application/json")
                .body(Full::from(format!(
                    r#"{{"model":"gpt-5","stream":true,"messages":[{{"role":"user","content":{}}}]}}"#,
                    quoted(prompt)
                )))?,
            Self::Proxy { address, token } => {
                Request::post("/aiserver.v1.ChatService/StreamUnifiedChatWithTools")
                    .header("host", address)
                    .header("authorization", format!("Bearer {token}"))
                    .header("content-type", "application/connect+proto")
                    .header("connect-protocol-version", "1")
                    .header("x-cursor-client-version", "2.6.22")
                    .body(Full::new(chat_frame(prompt)))?
            }
        };
        Ok(request)
    }
}

/// A JSON string; of control characters only line breaks occur here.
pub(crate) fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}

fn chat_frame(prompt: &str) -> Bytes {
    let id = "11111111-1111-4111-8111-0000000000c8".to_owned();
    let kind = MessageType::MESSAGE_TYPE_HUMAN;
    let request = StreamUnifiedChatRequest {
        conversation: vec![ConversationMessage {
            text: prompt.to_owned(),
            r#type: kind.into(),
            bubble_id: id.clone(),
            ..Default::default()
        }],
        model_details: ModelDetails { model_name: Some("gpt-5".to_owned()), ..Default::default() }
            .into(),
        is_chat: true,
        conversation_id: "11111111-1111-4111-8111-000000000064".to_owned(),
        full_conversation_headers_only: vec![ConversationMessageHeader {
            bubble_id: id,
            r#type: kind.into(),
            ..Default::default()
        }],
        unified_mode: Some(UnifiedMode::UNIFIED_MODE_CHAT.into()),
        should_disable_tools: Some(true),
        ..Default::default()
    };
    let message =
        StreamUnifiedChatRequestWithTools { request: request.into(), ..Default::default() };
    frame(&message.encode_to_vec())
}

/// A message in its envelope.
pub(crate) fn frame(payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(payload.len()).unwrap_or(u32::MAX));
    frame.extend_from_slice(payload);
    frame.freeze()
}

/// One kept connection.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    target: Target,
    _task: JoinSet<()>,
}

/// What one request took.
pub(crate) struct Taken {
    pub(crate) first_byte: Duration,
    pub(crate) bytes: usize,
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(target.address()).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            let _ = connection.await;
        });
        Ok(Self { sender, target: target.clone(), _task: task })
    }

    /// Sends a prompt and reads the answer to its end.
    pub(crate) async fn ask(&mut self, prompt: &str) -> Result<Taken> {
        let started = Instant::now();
        let mut body = self.begin(prompt).await?;
        let mut first_byte = None;
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            if let Some(data) = frame?.data_ref() {
                first_byte.get_or_insert_with(|| started.elapsed());
                bytes += data.len();
            }
        }
        Ok(Taken { first_byte: first_byte.context("empty answer")?, bytes })
    }

    /// Sends a prompt and waits for the first bytes of the answer.
    pub(crate) async fn begin(&mut self, prompt: &str) -> Result<hyper::body::Incoming> {
        self.sender.ready().await?;
        let response = self.sender.send_request(self.target.request(prompt)?).await?;
        ensure!(response.status() == 200, "status {}", response.status());
        Ok(response.into_body())
    }
}
