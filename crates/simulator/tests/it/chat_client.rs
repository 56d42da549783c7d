//! A client of the chat flow that notes what it saw.

use cursor_proto::Message as _;
use cursor_proto::aiserver::conversation_message::MessageType;
use cursor_proto::aiserver::oneof::stream_unified_chat_response_with_tools as server;
use cursor_proto::aiserver::{
    ClientSideToolV2Call, ConversationMessage, ConversationMessageHeader, ModelDetails,
    StreamUnifiedChatRequest, StreamUnifiedChatRequestWithTools, StreamUnifiedChatResponse,
    StreamUnifiedChatResponseWithTools,
};
use serde_json::Value;

use super::client::{CHAT, Connection, Got, Stream};

/// What a stream brought.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) text: String,
    pub(crate) thinking: String,
    pub(crate) calls: Vec<ClientSideToolV2Call>,
    pub(crate) order: Vec<&'static str>,
    pub(crate) usage_uuid: Option<String>,
    pub(crate) empty: usize,
    pub(crate) end: Option<Value>,
    pub(crate) broken: bool,
}

/// A client.
pub(crate) struct Chat {
    pub(crate) stream: Stream,
    pub(crate) seen: Seen,
}

/// A request with these user messages.
pub(crate) fn request(texts: &[&str]) -> StreamUnifiedChatRequestWithTools {
    let human = MessageType::MESSAGE_TYPE_HUMAN;
    let conversation: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| ConversationMessage {
            text: (*text).into(),
            r#type: human.into(),
            bubble_id: format!("b{number}"),
            ..Default::default()
        })
        .collect();
    let headers = conversation.iter().map(|message| ConversationMessageHeader {
        bubble_id: message.bubble_id.clone(),
        r#type: human.into(),
        ..Default::default()
    });
    let request = StreamUnifiedChatRequest {
        full_conversation_headers_only: headers.collect(),
        conversation,
        model_details: ModelDetails { model_name: Some("gpt-5".into()), ..Default::default() }
            .into(),
        conversation_id: "c".into(),
        ..Default::default()
    };
    StreamUnifiedChatRequestWithTools { request: request.into(), ..Default::default() }
}

impl Chat {
    pub(crate) async fn open(connection: &mut Connection, request: &[u8]) -> Self {
        let stream = connection.stream(CHAT).await;
        stream.send(request).await;
        Self { stream, seen: Seen::default() }
    }

    /// Asks without tools: the body ends at once.
    pub(crate) async fn ask(connection: &mut Connection, text: &str) -> Seen {
        let mut chat = Self::open(connection, &request(&[text]).encode_to_vec()).await;
        chat.stream.half_close();
        chat.finish().await
    }

    pub(crate) async fn finish(mut self) -> Seen {
        while self.step().await {}
        self.seen
    }

    pub(crate) async fn until(&mut self, done: impl Fn(&Seen) -> bool) {
        while !done(&self.seen) {
            assert!(self.step().await, "the stream ended: {:?}", self.seen);
        }
    }

    pub(crate) async fn step(&mut self) -> bool {
        match self.stream.next().await {
            Got::Message { payload, .. } => {
                self.message(&payload);
                true
            }
            Got::End(end) => {
                self.seen.end = Some(end);
                true
            }
            Got::Eof => false,
            Got::Broken => {
                self.seen.broken = true;
                false
            }
        }
    }

    fn message(&mut self, payload: &[u8]) {
        self.seen.empty += usize::from(payload.is_empty());
        use server::Response as R;
        match StreamUnifiedChatResponseWithTools::decode_from_slice(payload).unwrap().response {
            Some(R::StreamStart(_)) => self.note("start"),
            Some(R::ClientSideToolV2Call(call)) => {
                self.note("call");
                self.seen.calls.push(*call);
            }
            Some(R::StreamUnifiedChatResponse(response)) => self.response(*response),
            Some(other) => panic!("unexpected response {other:?}"),
            None => {}
        }
    }

    fn note(&mut self, kind: &'static str) {
        if self.seen.order.last() != Some(&kind) {
            self.seen.order.push(kind);
        }
    }

    fn response(&mut self, response: StreamUnifiedChatResponse) {
        if !response.text.is_empty() {
            self.note("text");
            self.seen.text.push_str(&response.text);
        }
        if let Some(thinking) = response.thinking.as_option() {
            self.note(match thinking {
                last if last.is_last_thinking_chunk => "last_thinking",
                signed if !signed.signature.is_empty() => "signature",
                _ => "thinking",
            });
            self.seen.thinking.push_str(&thinking.text);
        }
        for (is_set, kind) in [
            (response.server_bubble_id.is_some(), "bubble"),
            (response.partial_tool_call.is_set(), "partial"),
            (response.parallel_tool_calls_complete.is_some(), "parallel_complete"),
            (response.context_window_status.is_set(), "window"),
            (response.usage_uuid.is_some(), "usage"),
        ] {
            if is_set {
                self.note(kind);
            }
        }
        self.seen.usage_uuid = response.usage_uuid.or(self.seen.usage_uuid.take());
    }
}
