//! The spans of a request, made when it is over: one of its own, and one for every attempt.
//!
//! Names and attributes are those of the GenAI conventions where there are such. Nothing of what
//! was said is in them, error texts included, for these may quote it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status as SpanStatus, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{
    IdGenerator as _, RandomIdGenerator, SpanData, SpanEvents, SpanLinks,
};
use request_log::{Attempt, AttemptEnd, Entry, Status};

use crate::metrics::Model;
use crate::words::{self, FLOWS};

/// Of the models, in the GenAI conventions.
pub(super) const PROVIDER: &str = "cursor";

/// Characters of a text that a client wrote.
const LONGEST: usize = 128;

#[derive(Debug)]
pub(super) struct SpanMaker {
    ids: RandomIdGenerator,
    scope: InstrumentationScope,
}

/// What the spans of one request have in common.
struct Common {
    trace: TraceId,
    request: SpanId,
    began: SystemTime,
}

impl SpanMaker {
    pub(super) fn new(version: &'static str) -> Self {
        let scope = InstrumentationScope::builder("cursor-api").with_version(version).build();
        Self { ids: RandomIdGenerator::default(), scope }
    }

    /// The request's span comes first.
    pub(super) fn spans(&self, entry: &Entry, model: &Model) -> Vec<SpanData> {
        let trace = match entry.trace {
            Some(trace) => TraceId::from_bytes(trace.trace_id),
            None => self.own_trace(&entry.request_id),
        };
        let began = UNIX_EPOCH + Duration::from_millis(entry.started.0);
        let common = Common { trace, request: self.ids.new_span_id(), began };
        let mut spans = Vec::with_capacity(1 + entry.attempts.len());
        spans.push(self.request(entry, model, &common));
        for (at, attempt) in entry.attempts.iter().enumerate() {
            let is_last = at + 1 == entry.attempts.len();
            spans.push(self.attempt(entry, attempt, at, is_last, &common));
        }
        spans
    }

    /// A request that brings no trace has one that is found by its id (`req_` and 32 digits).
    fn own_trace(&self, request_id: &str) -> TraceId {
        request_id
            .strip_prefix("req_")
            .filter(|id| id.len() == 32)
            .and_then(|id| TraceId::from_hex(id).ok())
            .filter(|id| *id != TraceId::INVALID)
            .unwrap_or_else(|| self.ids.new_trace_id())
    }

    fn request(&self, entry: &Entry, model: &Model, common: &Common) -> SpanData {
        let operation = words::operation(entry.dialect);
        let mut all = Vec::with_capacity(24);
        let a = &mut all;
        put(a, "gen_ai.operation.name", operation);
        put(a, "gen_ai.provider.name", PROVIDER);
        put(a, "http.route", entry.endpoint.clone());
        put(a, "gen_ai.request.stream", entry.stream);
        put(a, "cursor_api.dialect", entry.dialect.name());
        put(a, "cursor_api.flow", FLOWS[words::flow(entry.flow)]);
        put(a, "cursor_api.key", entry.who.name().to_owned());
        put(a, "cursor_api.request_id", entry.request_id.clone());
        if !entry.model.is_empty() {
            put(a, "gen_ai.request.model", short(&entry.model));
        }
        if let Some(served) = &entry.served_model {
            put(a, "gen_ai.response.model", short(served));
        }
        if let Some((_, alias)) = &entry.account {
            put(a, "cursor_api.account", alias.to_string());
        }
        if let Some(status) = entry.http_status {
            put(a, "http.response.status_code", i64::from(status));
        }
        if let Some(close) = entry.close {
            put(a, "cursor_api.close", close.name());
        }
        if let Some(first) = entry.timing.first_token {
            put(a, "gen_ai.response.time_to_first_chunk", first.as_secs_f64());
        }
        if let Some(usage) = entry.usage {
            let parts = [
                ("gen_ai.usage.input_tokens", Some(usage.input)),
                ("gen_ai.usage.output_tokens", Some(usage.output)),
                ("gen_ai.usage.cache_read.input_tokens", usage.cache_read),
                ("gen_ai.usage.cache_creation.input_tokens", usage.cache_write),
                ("gen_ai.usage.reasoning.output_tokens", usage.reasoning),
            ];
            for (name, count) in parts {
                if let Some(count) = count {
                    put(a, name, i64::try_from(count).unwrap_or(i64::MAX));
                }
            }
        }
        let mut status = SpanStatus::Unset;
        if entry.status == Status::Failure {
            let word = fault(entry);
            put(a, "error.type", word);
            // By the HTTP conventions, what a client did wrong is no error of the server.
            if !entry.http_status.is_some_and(|status| (400..500).contains(&status)) {
                status = SpanStatus::error(word);
            }
        }
        let parent = entry.trace.map(|trace| SpanId::from_bytes(trace.span_id));
        SpanData {
            span_context: self.context(common.trace, common.request),
            parent_span_id: parent.unwrap_or(SpanId::INVALID),
            parent_span_is_remote: parent.is_some(),
            span_kind: SpanKind::Server,
            name: format!("{operation} {}", model.label).into(),
            start_time: common.began,
            end_time: common.began + entry.timing.total,
            attributes: all,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status,
            instrumentation_scope: self.scope.clone(),
        }
    }

    fn attempt(
        &self,
        entry: &Entry,
        attempt: &Attempt,
        at: usize,
        is_last: bool,
        common: &Common,
    ) -> SpanData {
        let mut all = Vec::with_capacity(8);
        let a = &mut all;
        put(a, "gen_ai.operation.name", words::operation(entry.dialect));
        put(a, "gen_ai.provider.name", PROVIDER);
        put(a, "cursor_api.flow", FLOWS[words::flow(entry.flow)]);
        put(a, "cursor_api.account", attempt.alias.to_string());
        put(a, "cursor_api.attempt", i64::try_from(at + 1).unwrap_or(i64::MAX));
        if let Some(served) = &entry.served_model {
            put(a, "gen_ai.request.model", short(served));
        }
        let (lasted, error) = match &attempt.end {
            AttemptEnd::Failed { kind, .. } => (attempt.lasted, Some(words::failure(kind).1)),
            AttemptEnd::Serving => {
                // It was at it until the end, and what broke then broke here.
                let rest = entry.timing.total.saturating_sub(attempt.began);
                let lasted = if attempt.lasted.is_zero() { rest } else { attempt.lasted };
                let has_failed = is_last && entry.status == Status::Failure;
                (lasted, has_failed.then(|| fault(entry)))
            }
        };
        let began = common.began + attempt.began;
        if let Some(word) = error {
            put(a, "error.type", word);
        }
        SpanData {
            span_context: self.context(common.trace, self.ids.new_span_id()),
            parent_span_id: common.request,
            parent_span_is_remote: false,
            span_kind: SpanKind::Client,
            name: "upstream attempt".into(),
            start_time: began,
            end_time: began + lasted,
            attributes: all,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: error.map_or(SpanStatus::Unset, SpanStatus::error),
            instrumentation_scope: self.scope.clone(),
        }
    }

    fn context(&self, trace: TraceId, span: SpanId) -> SpanContext {
        SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE)
    }
}

fn put(all: &mut Vec<KeyValue>, name: &'static str, value: impl Into<Value>) {
    all.push(KeyValue::new(name, value));
}

fn fault(entry: &Entry) -> &'static str {
    words::failure(entry.fault.as_ref().map_or("", |fault| &fault.kind)).1
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
