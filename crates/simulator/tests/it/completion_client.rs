//! A client of code completion that notes what it saw.

use cursor_proto::Message as _;
use cursor_proto::aiserver::{
    CppFileDiffHistory, CurrentFileInfo, CursorPosition, StreamCppRequest, StreamCppResponse,
};
use serde_json::Value;

use super::client::{Connection, Got, Stream, USER, post, token};
use super::filesync_client::KEY;

pub(crate) const STREAM: &str = "/aiserver.v1.AiService/StreamCpp";

/// What a stream brought.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) messages: Vec<StreamCppResponse>,
    pub(crate) end: Option<Value>,
    pub(crate) broken: bool,
}

impl Seen {
    /// The events in order, with what matters of each.
    pub(crate) fn events(&self) -> Vec<String> {
        self.messages.iter().map(describe).collect()
    }

    /// The same with the pieces of a text as one.
    pub(crate) fn joined(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for event in self.events() {
            match (all.last_mut(), event.strip_prefix("text ")) {
                (Some(last), Some(piece)) if last.starts_with("text ") => last.push_str(piece),
                _ => all.push(event),
            }
        }
        all
    }

    pub(crate) fn error_code(&self) -> Option<&str> {
        self.end.as_ref()?["error"]["code"].as_str()
    }

    pub(crate) fn error_kind(&self) -> Option<&str> {
        self.end.as_ref()?["error"]["details"][0]["debug"]["error"].as_str()
    }

    /// Nothing, in good order.
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty() && !self.broken && self.end == Some(serde_json::json!({}))
    }
}

fn describe(message: &StreamCppResponse) -> String {
    let id = message.binding_id.as_deref().unwrap_or_default();
    if let Some(range) = message.range_to_replace.as_option() {
        let eol = if message.should_remove_leading_eol == Some(true) { " eol" } else { "" };
        let (start, end) = (range.start_line_number, range.end_line_number_inclusive);
        return format!("range {start}-{end} {id}{eol}");
    }
    if let Some(target) = message.cursor_prediction_target.as_option() {
        assert!(target.should_retrigger_cpp);
        let (path, line) = (&target.relative_path, target.line_number_one_indexed);
        return format!("predict {path} {line} {:?} {id}", target.expected_content);
    }
    for (is_set, name) in [
        (message.model_info.is_set(), "info"),
        (message.done_edit == Some(true), "done_edit"),
        (message.begin_edit == Some(true), "begin_edit"),
        (message.done_stream == Some(true), "done_stream"),
        (message.debug_server_timing.is_some(), "debug"),
    ] {
        if is_set {
            return name.to_owned();
        }
    }
    format!("text {}", message.text)
}

/// A request about `a.rs` with this text and the cursor there.
pub(crate) fn about(text: &str, line: i32, column: i32) -> StreamCppRequest {
    let file = CurrentFileInfo {
        relative_workspace_path: "a.rs".into(),
        contents: text.into(),
        cursor_position: CursorPosition { line, column, ..Default::default() }.into(),
        ..Default::default()
    };
    StreamCppRequest { current_file: file.into(), ..Default::default() }
}

/// The same after an edit of the same file.
pub(crate) fn after_edit(mut request: StreamCppRequest, diff: &str) -> StreamCppRequest {
    request.file_diff_histories.push(CppFileDiffHistory {
        file_name: "a.rs".into(),
        diff_history: vec![diff.into()],
        ..Default::default()
    });
    request
}

/// A stream request that passes every check.
pub(crate) fn post_stream() -> http::request::Builder {
    post(STREAM, &token(USER))
        .header("content-type", "application/connect+proto")
        .header("connect-protocol-version", "1")
        .header("x-cursor-client-version", "2.6.22")
        .header("x-cursor-client-type", "ide")
        .header("x-fs-client-key", KEY)
        .header("x-request-id", "id")
}

/// Opens a stream whose request is complete.
pub(crate) async fn open(
    connection: &mut Connection,
    request: http::request::Builder,
    message: &[u8],
) -> Stream {
    let mut stream = connection.send(request).await;
    stream.send(message).await;
    stream.half_close();
    stream
}

pub(crate) async fn finish(mut stream: Stream) -> Seen {
    let mut seen = Seen::default();
    if let Some(head) = stream.head().await {
        seen.status = head.status().as_u16();
    }
    loop {
        match stream.next().await {
            Got::Message { payload, .. } => {
                seen.messages.push(StreamCppResponse::decode_from_slice(&payload).unwrap());
            }
            Got::End(end) => seen.end = Some(end),
            Got::Eof => return seen,
            Got::Broken => {
                seen.broken = true;
                return seen;
            }
        }
    }
}

pub(crate) async fn ask(connection: &mut Connection, request: &StreamCppRequest) -> Seen {
    finish(open(connection, post_stream(), &request.encode_to_vec()).await).await
}

/// Asks about a text with the cursor at its start.
pub(crate) async fn ask_text(connection: &mut Connection, text: &str) -> Seen {
    ask(connection, &about(text, 0, 0)).await
}
