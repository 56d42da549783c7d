//! Traces and metrics for an OpenTelemetry collector, as protobuf over HTTP.
//!
//! Who serves a request makes its spans and leaves them in a bounded queue; what does not fit is
//! dropped and counted. Two tasks deliver, one for spans and one for metrics, so that neither waits
//! for the other. A collector that is down costs a log line now and then.

mod complaints;
mod deliver;
mod instruments;
mod post;
mod spans;
mod target;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use request_log::Entry;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::metrics::{Model, Undelivered};
use crate::{OtlpOptions, TelemetryError};
use complaints::Complaints;
use deliver::{Delivery, deliver_metrics, deliver_spans};
use instruments::Instruments;
use post::Poster;
use spans::SpanMaker;
use target::Target;

/// Requests whose spans wait; some seconds of a busy gateway.
const WAITING: usize = 2048;

/// Readings of the metrics that wait. Each has all that came before, so older ones are no loss.
const READINGS: usize = 2;

#[derive(Debug)]
pub(crate) struct Otlp {
    traces: Option<Traces>,
    instruments: Option<Instruments>,
    undelivered: Undelivered,
    stop: CancellationToken,
    /// Ends what is not over when this goes.
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Traces {
    maker: SpanMaker,
    queue: mpsc::Sender<Vec<SpanData>>,
}

impl Otlp {
    /// # Errors
    /// The endpoint or a header cannot be used, or there is no runtime.
    pub(crate) fn start(
        options: OtlpOptions,
        version: &'static str,
        undelivered: Undelivered,
    ) -> Result<Self, TelemetryError> {
        let runtime = Handle::try_current().map_err(|_| TelemetryError::NoRuntime)?;
        if options.metrics && options.interval.is_zero() {
            return Err(TelemetryError::Interval);
        }
        let target = Target::parse(&options.endpoint)?;
        let poster = Poster::new(target, options.headers, version)?;
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", options.service_name),
                KeyValue::new("service.version", version),
            ])
            .build();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let delivery = |what| Delivery {
            poster: poster.clone(),
            complaints: Complaints::new(what, poster.place()),
            undelivered: undelivered.clone(),
            stop: stop.clone(),
        };
        let traces = options.traces.then(|| {
            let (queue, waiting) = mpsc::channel(WAITING);
            let resource = ResourceAttributesWithSchema::from(&resource);
            tasks.spawn_on(deliver_spans(delivery("traces"), resource, waiting), &runtime);
            Traces { maker: SpanMaker::new(version), queue }
        });
        let instruments = options.metrics.then(|| {
            let (queue, waiting) = mpsc::channel(READINGS);
            tasks.spawn_on(deliver_metrics(delivery("metrics"), waiting), &runtime);
            Instruments::new(resource, options.interval, queue, version)
        });
        Ok(Self { traces, instruments, undelivered, stop, tasks: Mutex::new(tasks) })
    }

    /// A request is over. Never waits.
    pub(crate) fn finished(&self, entry: &Entry, model: &Model) {
        if let Some(instruments) = &self.instruments {
            instruments.finished(entry, model);
        }
        // A client that does not keep its trace wants no part of it kept.
        let is_kept = entry.trace.is_none_or(|trace| trace.sampled);
        if let Some(traces) = self.traces.as_ref().filter(|_| is_kept) {
            match traces.queue.try_reserve() {
                Ok(place) => place.send(traces.maker.spans(entry, model)),
                // Not even made.
                Err(_) => {
                    let spans = u64::try_from(1 + entry.attempts.len()).unwrap_or(u64::MAX);
                    self.undelivered.spans.inc_by(spans);
                }
            }
        }
    }

    pub(crate) fn refused(&self, class: &'static str) {
        if let Some(instruments) = &self.instruments {
            instruments.refused(class);
        }
    }

    pub(crate) fn panicked(&self) {
        if let Some(instruments) = &self.instruments {
            instruments.panicked();
        }
    }

    /// Delivers what waits, for at most `patience`. Nothing is taken any more.
    pub(crate) async fn shut_down(&self, patience: Duration) {
        let end = Instant::now() + patience;
        if let Some(instruments) = &self.instruments {
            let last_reading = instruments.shut_down(patience);
            if timeout_at(end, last_reading).await.is_err() {
                tracing::debug!("the last metrics were not read in time");
            }
        }
        self.stop.cancel();
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while tasks.join_next().await.is_some() {} };
        if timeout_at(end, all).await.is_err() {
            tracing::warn!("telemetry that waited for its collector is given up");
        }
    }
}
