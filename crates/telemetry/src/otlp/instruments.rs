//! The metrics of the GenAI conventions, and counters of our own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _};
use opentelemetry::{InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use prost::Message as _;
use request_log::{Entry, Status};
use tokio::sync::mpsc;

use super::spans::PROVIDER;
use crate::metrics::Model;
use crate::words::{self, FLOWS, OUTCOMES};

/// Bounds as the conventions advise them; seconds.
const DURATIONS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_TOKENS: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const PER_TOKEN: [f64; 13] =
    [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];
/// Powers of four; tokens.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

#[derive(Debug)]
pub(super) struct Instruments {
    provider: SdkMeterProvider,
    durations: Histogram<f64>,
    tokens: Histogram<u64>,
    first_tokens: Histogram<f64>,
    per_token: Histogram<f64>,
    requests: Counter<u64>,
    failures: Counter<u64>,
    attempts: Counter<u64>,
    closes: Counter<u64>,
    refused: Counter<u64>,
    panics: Counter<u64>,
}

impl Instruments {
    /// Leaves a reading in the queue at every interval.
    pub(super) fn new(
        resource: Resource,
        interval: Duration,
        queue: mpsc::Sender<Bytes>,
        version: &'static str,
    ) -> Self {
        let reader = PeriodicReader::builder(Outbox(queue)).with_interval(interval).build();
        let provider =
            SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
        let scope = InstrumentationScope::builder("cursor-api").with_version(version).build();
        let meter = provider.meter_with_scope(scope);
        let counter = |name: &'static str, unit: &'static str, text: &'static str| {
            meter.u64_counter(name).with_unit(unit).with_description(text).build()
        };
        let tokens = meter
            .u64_histogram("gen_ai.client.token.usage")
            .with_unit("{token}")
            .with_description("Tokens of a request")
            .with_boundaries(TOKENS.to_vec())
            .build();
        let (request, attempt) = ("{request}", "{attempt}");
        Self {
            durations: seconds(
                &meter,
                "gen_ai.client.operation.duration",
                "From the request to its end",
                &DURATIONS,
            ),
            tokens,
            first_tokens: seconds(
                &meter,
                "gen_ai.server.time_to_first_token",
                "From the request to the first thing that the model said",
                &FIRST_TOKENS,
            ),
            per_token: seconds(
                &meter,
                "gen_ai.server.time_per_output_token",
                "Time per token behind the first",
                &PER_TOKEN,
            ),
            requests: counter("cursor_api.requests", request, "Client requests that are over"),
            failures: counter("cursor_api.failures", request, "Failed requests, by what failed"),
            attempts: counter("cursor_api.attempts", attempt, "Tries on accounts, by their end"),
            closes: counter("cursor_api.closes", request, "Answers, by why they were done"),
            refused: counter("cursor_api.http_refused", request, "Requests refused before"),
            panics: counter("cursor_api.panics", "{panic}", "Faults of the gateway itself"),
            provider,
        }
    }

    /// A request is over.
    pub(super) fn finished(&self, entry: &Entry, model: &Model) {
        let error = (entry.status == Status::Failure)
            .then(|| words::failure(entry.fault.as_ref().map_or("", |fault| &fault.kind)).1);
        let mut labels = Vec::with_capacity(5);
        labels.push(KeyValue::new("gen_ai.operation.name", words::operation(entry.dialect)));
        labels.push(KeyValue::new("gen_ai.provider.name", PROVIDER));
        labels.push(KeyValue::new("gen_ai.request.model", shared(&model.label)));
        if let Some(first) = entry.timing.first_token {
            self.first_tokens.record(first.as_secs_f64(), &labels);
            if let Some(pace) = pace(entry, first) {
                self.per_token.record(pace, &labels);
            }
        }
        if let Some(usage) = entry.usage {
            for (kind, count) in [("input", usage.input), ("output", usage.output)] {
                labels.push(KeyValue::new("gen_ai.token.type", kind));
                self.tokens.record(count, &labels);
                labels.pop();
            }
        }
        labels.extend(error.map(|word| KeyValue::new("error.type", word)));
        self.durations.record(entry.timing.total.as_secs_f64(), &labels);
        self.count(entry, error);
    }

    fn count(&self, entry: &Entry, error: Option<&'static str>) {
        let dialect = || KeyValue::new("cursor_api.dialect", entry.dialect.name());
        let flow = KeyValue::new("cursor_api.flow", FLOWS[words::flow(entry.flow)]);
        let status = KeyValue::new("cursor_api.status", entry.status.name());
        self.requests.add(1, &[dialect(), flow, status]);
        if let Some(word) = error {
            self.failures.add(1, &[dialect(), KeyValue::new("error.type", word)]);
        }
        for attempt in &entry.attempts {
            let outcome = OUTCOMES[words::outcome(&attempt.end)];
            self.attempts.add(1, &[KeyValue::new("cursor_api.outcome", outcome)]);
        }
        if let Some(close) = entry.close {
            self.closes.add(1, &[KeyValue::new("cursor_api.close", close.name())]);
        }
    }

    pub(super) fn refused(&self, class: &'static str) {
        self.refused.add(1, &[KeyValue::new("cursor_api.status_class", class)]);
    }

    pub(super) fn panicked(&self) {
        self.panics.add(1, &[]);
    }

    /// Leaves a last reading in the queue.
    pub(super) async fn shut_down(&self, patience: Duration) {
        let provider = self.provider.clone();
        // The library waits for its thread.
        let last =
            tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(patience)).await;
        if let Ok(Err(error)) = last {
            tracing::debug!(%error, "no last metrics");
        }
    }
}

fn seconds(
    meter: &Meter,
    name: &'static str,
    text: &'static str,
    bounds: &[f64],
) -> Histogram<f64> {
    let histogram = meter.f64_histogram(name).with_unit("s").with_description(text);
    histogram.with_boundaries(bounds.to_vec()).build()
}

fn shared(text: &Arc<str>) -> Value {
    Value::String(StringValue::from(Arc::clone(text)))
}

/// Seconds per token behind the first, of answers that came to their end.
fn pace(entry: &Entry, first: Duration) -> Option<f64> {
    let output = entry.usage?.output;
    let took = entry.timing.total.checked_sub(first)?;
    (entry.status == Status::Success && output > 1)
        .then(|| took.as_secs_f64() / (output - 1) as f64)
}

/// Where the library leaves readings.
#[derive(Debug)]
struct Outbox(mpsc::Sender<Bytes>);

impl PushMetricExporter for Outbox {
    fn export(&self, metrics: &ResourceMetrics) -> impl Future<Output = OTelSdkResult> + Send {
        let reading = ExportMetricsServiceRequest::from(metrics).encode_to_vec();
        let left = self.0.try_send(reading.into());
        std::future::ready(left.map_err(|error| OTelSdkError::InternalFailure(error.to_string())))
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}
