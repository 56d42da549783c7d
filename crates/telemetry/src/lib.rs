//! What operators see of the gateway from outside: metrics, traces, log lines.
//!
//! [`Telemetry`] is told of every request that is over. It keeps figures for Prometheus and, when
//! there is a collector, makes spans and metrics for OpenTelemetry. Labels come from closed sets,
//! and neither keys nor what was said is in anything that leaves. [`lines`] sets up what is written
//! to standard error.

mod figures;
pub mod lines;
mod metrics;
mod otlp;
mod words;

use std::sync::Arc;
use std::time::Duration;

use request_log::Entry;
use secrecy::SecretString;

pub use figures::Figures;
use metrics::Metrics;
use otlp::Otlp;

/// Content type of [`Telemetry::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is kept, and where it goes.
#[derive(Debug, Clone)]
pub struct Options {
    /// `None` for no collector.
    pub otlp: Option<OtlpOptions>,
    /// Of the gateway.
    pub version: &'static str,
}

/// A collector of OpenTelemetry, by OTLP as protobuf over HTTP.
#[derive(Debug, Clone)]
pub struct OtlpOptions {
    /// `http://host:4318` or `https://…`, what comes before `/v1/traces`. Credentials in it are
    /// sent as a header and never shown.
    pub endpoint: String,
    /// Sent with every delivery.
    pub headers: Vec<(String, SecretString)>,
    pub traces: bool,
    pub metrics: bool,
    /// Between two readings of the metrics.
    pub interval: Duration,
    pub service_name: String,
}

/// Why nothing can be delivered. Each text names the setting; none repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    #[error("otlp.endpoint: {0}")]
    Endpoint(&'static str),
    /// Its name, or its value, cannot be sent, or it is one that is set already.
    #[error("otlp.headers: `{0}` cannot be sent")]
    Header(String),
    #[error("otlp.interval: must be longer than zero")]
    Interval,
    /// Deliveries need one.
    #[error("there is no asynchronous runtime")]
    NoRuntime,
}

/// Whether [`Telemetry::start`] would take these. Nothing is sent; like it, this must be called on
/// a runtime if there is a collector.
///
/// # Errors
/// The collector's settings cannot be used.
pub fn check(options: &Options) -> Result<(), TelemetryError> {
    let Some(otlp) = options.otlp.as_ref().filter(|otlp| otlp.traces || otlp.metrics) else {
        return Ok(());
    };
    if otlp.metrics && otlp.interval.is_zero() {
        return Err(TelemetryError::Interval);
    }
    // With nothing to deliver and gone at once: who delivers traces waits for one first.
    let idle = OtlpOptions { traces: true, metrics: false, ..otlp.clone() };
    Otlp::start(idle, options.version, metrics::Undelivered::default()).map(drop)
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Telemetry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    metrics: Metrics,
    otlp: Option<Otlp>,
}

impl Telemetry {
    /// With a collector this must be called on a runtime, on which deliveries are made.
    /// `knows_model` says which names may be labels; it is asked once per known name, and must be
    /// quick.
    ///
    /// # Errors
    /// The collector's settings cannot be used.
    pub fn start(
        options: Options,
        knows_model: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    ) -> Result<Self, TelemetryError> {
        let metrics = Metrics::new(options.version, knows_model);
        let otlp = options
            .otlp
            .filter(|otlp| otlp.traces || otlp.metrics)
            .map(|otlp| Otlp::start(otlp, options.version, metrics.undelivered.clone()))
            .transpose()?;
        Ok(Self(Arc::new(Inner { metrics, otlp })))
    }

    /// An HTTP answer that is no entry of the request log: wrong key, unknown path and so on.
    pub fn refused(&self, status: u16) {
        self.0.metrics.refused(status);
        if let Some(otlp) = &self.0.otlp {
            otlp.refused(words::REFUSALS[words::refusal(status)]);
        }
    }

    /// A handler panicked.
    pub fn panicked(&self) {
        self.0.metrics.panicked();
        if let Some(otlp) = &self.0.otlp {
            otlp.panicked();
        }
    }

    /// All figures as OpenMetrics text, of [`CONTENT_TYPE`].
    #[must_use]
    pub fn render(&self, figures: &Figures) -> String {
        self.0.metrics.render(figures)
    }

    /// Delivers what waits for the collector, for at most `patience`. Figures are kept on, but
    /// nothing is delivered afterwards.
    pub async fn shut_down(&self, patience: Duration) {
        if let Some(otlp) = &self.0.otlp {
            otlp.shut_down(patience).await;
        }
    }
}

impl request_log::Observer for Telemetry {
    fn finished(&self, entry: &Entry) {
        let model = self.0.metrics.models().find(&entry.model);
        self.0.metrics.finished(entry, &model);
        if let Some(otlp) = &self.0.otlp {
            otlp.finished(entry, &model);
        }
    }
}
