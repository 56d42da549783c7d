//! The answer of `/cpp/stream`: server-sent events whose name is also the `type` in their data.

use bytes::{BufMut, BytesMut};
use conversation::Failure;
use conversation::completion::CompletionEvent;
use serde::Serialize;

use super::error;
use crate::json;

/// Writes one completion. It ends with [`StreamEncoder::finish`] or [`StreamEncoder::fail`];
/// whatever is called afterwards writes nothing.
#[derive(Debug, Default)]
pub struct StreamEncoder {
    over: bool,
}

/// Everything but text, which is written by hand because there is much of it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Data<'a> {
    ModelInfo {
        is_fused_cursor_prediction_model: bool,
        is_multidiff_model: bool,
    },
    RangeReplace {
        start_line_number: i32,
        end_line_number_inclusive: i32,
        #[serde(skip_serializing_if = "Option::is_none")]
        binding_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        should_remove_leading_eol: Option<bool>,
    },
    CursorPrediction {
        relative_path: &'a str,
        line_number_one_indexed: i32,
        expected_content: &'a str,
        should_retrigger_cpp: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        binding_id: Option<&'a str>,
    },
    DoneEdit,
    BeginEdit,
    DoneStream,
    Debug {
        #[serde(skip_serializing_if = "Option::is_none")]
        model_input: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        model_output: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        stream_time: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        total_time: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttft_time: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        server_timing: Option<&'a str>,
    },
    Error {
        error: error::Error<'a>,
    },
    StreamEnd,
}

impl Data<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::ModelInfo { .. } => "model_info",
            Self::RangeReplace { .. } => "range_replace",
            Self::CursorPrediction { .. } => "cursor_prediction",
            Self::DoneEdit => "done_edit",
            Self::BeginEdit => "begin_edit",
            Self::DoneStream => "done_stream",
            Self::Debug { .. } => "debug",
            Self::Error { .. } => "error",
            Self::StreamEnd => "stream_end",
        }
    }

    fn write(&self, out: &mut BytesMut) {
        out.put_slice(b"event: ");
        out.put_slice(self.name().as_bytes());
        out.put_slice(b"\ndata: ");
        out.put_slice(&json::to_vec(self));
        out.put_slice(b"\n\n");
    }
}

impl StreamEncoder {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one event.
    pub fn encode(&mut self, event: &CompletionEvent, out: &mut BytesMut) {
        if self.over {
            return;
        }
        match event {
            CompletionEvent::Text(text) => write_text(text, out),
            CompletionEvent::ModelInfo { is_fused_cursor_prediction_model, is_multidiff_model } => {
                Data::ModelInfo {
                    is_fused_cursor_prediction_model: *is_fused_cursor_prediction_model,
                    is_multidiff_model: *is_multidiff_model,
                }
                .write(out);
            }
            CompletionEvent::RangeReplace {
                start_line_number,
                end_line_number_inclusive,
                binding_id,
                should_remove_leading_eol,
            } => Data::RangeReplace {
                start_line_number: *start_line_number,
                end_line_number_inclusive: *end_line_number_inclusive,
                binding_id: binding_id.as_deref(),
                should_remove_leading_eol: *should_remove_leading_eol,
            }
            .write(out),
            CompletionEvent::CursorPrediction {
                relative_path,
                line_number_one_indexed,
                expected_content,
                should_retrigger_cpp,
                binding_id,
            } => Data::CursorPrediction {
                relative_path,
                line_number_one_indexed: *line_number_one_indexed,
                expected_content,
                should_retrigger_cpp: *should_retrigger_cpp,
                binding_id: binding_id.as_deref(),
            }
            .write(out),
            CompletionEvent::DoneEdit => Data::DoneEdit.write(out),
            CompletionEvent::BeginEdit => Data::BeginEdit.write(out),
            CompletionEvent::DoneStream => Data::DoneStream.write(out),
            CompletionEvent::Debug {
                model_input,
                model_output,
                stream_time,
                total_time,
                ttft_time,
                server_timing,
            } => Data::Debug {
                model_input: model_input.as_deref(),
                model_output: model_output.as_deref(),
                stream_time: stream_time.as_deref(),
                total_time: total_time.as_deref(),
                ttft_time: ttft_time.as_deref(),
                server_timing: server_timing.as_deref(),
            }
            .write(out),
        }
    }

    /// Reports that the completion broke off, and ends the stream. `status` is the HTTP status
    /// that the failure would have had before the first event.
    pub fn fail(&mut self, failure: &Failure, status: u16, out: &mut BytesMut) {
        if !self.over {
            Data::Error { error: error::error(failure, status) }.write(out);
            self.finish(out);
        }
    }

    /// Ends the stream.
    pub fn finish(&mut self, out: &mut BytesMut) {
        if !self.over {
            self.over = true;
            Data::StreamEnd.write(out);
        }
    }

    /// A comment that keeps proxies and clients from giving up while nothing is said.
    pub fn heartbeat(&self, out: &mut BytesMut) {
        out.put_slice(b": keep-alive\n\n");
    }
}

fn write_text(text: &str, out: &mut BytesMut) {
    out.reserve(text.len() + 64);
    out.put_slice(b"event: text\ndata: {\"type\":\"text\",\"text\":\"");
    json::escape_into(text, out);
    out.put_slice(b"\"}\n\n");
}
