//! The gateway's own figures, as Prometheus reads them.
//!
//! Who serves a request adds to atomics behind handles that are found once; names and labels are
//! written only when somebody reads. Labels come from closed sets (`words`), and models from those
//! that are known.

mod gaps;
mod handles;
mod models;

use std::fmt;
use std::sync::Arc;

use conversation::{Usage, UsageSource};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use request_log::{Close, Dialect, Entry};

use crate::figures::{Figures, Reading};
use crate::words::{self, FAILURES, FLOWS, OUTCOMES, REFUSALS};
use gaps::GapHistogram;
use handles::{Buckets, Counters, Histograms};
pub(crate) use models::{KnowsModel, Model, Models};

/// Seconds; from a refusal to a long agent's turn.
const DURATIONS: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// Seconds; models that think speak late.
const FIRST_TOKENS: &[f64] = &[0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0];

const KINDS: [&str; 5] = ["input", "output", "cache_read", "cache_write", "reasoning"];
const SOURCES: [&str; 2] = ["upstream", "estimate"];

/// What could not be sent by OTLP.
#[derive(Debug, Clone, Default)]
pub(crate) struct Undelivered {
    /// Spans that were given up.
    pub(crate) spans: Counter,
    /// Deliveries of either kind that failed.
    pub(crate) deliveries: Counter,
}

#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    models: Models,
    failures: Counters<2>,
    closes: Counters<1>,
    attempts: Counters<1>,
    tokens: Counters<2>,
    refused: Counters<1>,
    durations: Histograms<2>,
    first_tokens: Histograms<2>,
    gaps: Arc<GapHistogram>,
    panics: Counter,
    pub(crate) undelivered: Undelivered,
}

impl Metrics {
    pub(crate) fn new(version: &'static str, knows: KnowsModel) -> Self {
        let mut registry = Registry::with_prefix("cursor_api");
        let r = &mut registry;
        r.register("build", "The version that runs", Info::new([("version", version)]));
        let talks = Dialect::ALL.len() * FLOWS.len();
        let durations = Buckets(DURATIONS);
        let first_tokens = Buckets(FIRST_TOKENS);
        let models = Models::new(knows);
        r.register("requests", "Client requests that are over", models.requests());
        let metrics = Self {
            failures: Counters::new(Dialect::ALL.len() * (FAILURES.len() + 1)),
            closes: Counters::new(Close::ALL.len()),
            attempts: Counters::new(OUTCOMES.len()),
            tokens: Counters::new(KINDS.len() * SOURCES.len()),
            refused: Counters::new(REFUSALS.len()),
            durations: Histograms::with(talks, durations),
            first_tokens: Histograms::with(talks, first_tokens),
            gaps: Arc::default(),
            panics: Counter::default(),
            undelivered: Undelivered::default(),
            models,
            registry: Registry::default(),
        };
        r.register("failures", "Failed requests, by what failed", metrics.failures.family());
        r.register("closes", "Answers, by why their connection was done", metrics.closes.family());
        r.register("attempts", "Tries on accounts, by their end", metrics.attempts.family());
        r.register_with_unit(
            "request_duration",
            "From the request to its end",
            Unit::Seconds,
            metrics.durations.family(),
        );
        r.register_with_unit(
            "time_to_first_token",
            "From the request to the first thing that the model said",
            Unit::Seconds,
            metrics.first_tokens.family(),
        );
        r.register_collector(Box::new(Arc::clone(&metrics.gaps)));
        r.register(
            "tokens",
            "Tokens; cached ones are part of the input, reasoning of the output",
            metrics.tokens.family(),
        );
        r.register(
            "http_refused",
            "Answers that refuse a request before it counts as one",
            metrics.refused.family(),
        );
        r.register("panics", "Faults of the gateway itself", metrics.panics.clone());
        r.register(
            "otlp_dropped_spans",
            "Spans that were not delivered",
            metrics.undelivered.spans.clone(),
        );
        r.register(
            "otlp_failed_deliveries",
            "Deliveries to the collector that failed",
            metrics.undelivered.deliveries.clone(),
        );
        metrics.make_small_sets();
        Self { registry, ..metrics }
    }

    /// Series that are there from the start, so that their first step is seen as one.
    fn make_small_sets(&self) {
        for close in Close::ALL {
            self.close(close);
        }
        for outcome in 0..OUTCOMES.len() {
            self.attempt(outcome);
        }
        for class in 0..REFUSALS.len() {
            self.refusal(class);
        }
        for place in 0..KINDS.len() * SOURCES.len() {
            self.tokens(place / SOURCES.len(), place % SOURCES.len());
        }
    }

    fn close(&self, close: Close) -> &Counter {
        let place = match close {
            Close::Finished => 0,
            Close::ClientGone => 1,
            Close::Cut => 2,
            Close::Timeout => 3,
        };
        self.closes.at(place, || [("reason", close.name())])
    }

    fn attempt(&self, outcome: usize) -> &Counter {
        self.attempts.at(outcome, || [("outcome", OUTCOMES[outcome])])
    }

    fn refusal(&self, class: usize) -> &Counter {
        self.refused.at(class, || [("status", REFUSALS[class])])
    }

    fn tokens(&self, kind: usize, source: usize) -> &Counter {
        self.tokens.at(kind * SOURCES.len() + source, || {
            [("kind", KINDS[kind]), ("source", SOURCES[source])]
        })
    }

    pub(crate) fn refused(&self, status: u16) {
        self.refusal(words::refusal(status)).inc();
    }

    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }

    pub(crate) fn models(&self) -> &Models {
        &self.models
    }

    /// A request is over; `model` stands for the one that it asked for.
    pub(crate) fn finished(&self, entry: &Entry, model: &Model) {
        let dialect = words::dialect(entry.dialect);
        let flow = words::flow(entry.flow);
        let talk = dialect * FLOWS.len() + flow;
        let labels = || [("dialect", entry.dialect.name()), ("flow", FLOWS[flow])];
        model.request(entry).inc();
        // A client that has left is no failure of anything; `closes` tells of it.
        if let Some(fault) = &entry.fault {
            let (class, word) = words::failure(&fault.kind);
            self.failures
                .at(dialect * (FAILURES.len() + 1) + class, || {
                    [("dialect", entry.dialect.name()), ("class", word)]
                })
                .inc();
        }
        if let Some(close) = entry.close {
            self.close(close).inc();
        }
        for attempt in &entry.attempts {
            self.attempt(words::outcome(&attempt.end)).inc();
        }
        self.durations.at(talk, labels).observe(entry.timing.total.as_secs_f64());
        if let Some(first) = entry.timing.first_token {
            self.first_tokens.at(talk, labels).observe(first.as_secs_f64());
        }
        self.gaps.add(&entry.gaps);
        if let Some(usage) = entry.usage {
            self.used(usage);
        }
    }

    fn used(&self, usage: Usage) {
        let source = match usage.source {
            UsageSource::Upstream => 0,
            UsageSource::Estimate => 1,
        };
        let parts = [
            Some(usage.input),
            Some(usage.output),
            usage.cache_read,
            usage.cache_write,
            usage.reasoning,
        ];
        for (kind, tokens) in parts.into_iter().enumerate() {
            if let Some(tokens) = tokens {
                self.tokens(kind, source).inc_by(tokens);
            }
        }
    }

    /// OpenMetrics text.
    pub(crate) fn render(&self, figures: &Figures) -> String {
        let mut text = String::with_capacity(16 << 10);
        let mut now = Registry::default();
        now.register_collector(Box::new(Reading(figures.clone())));
        let written: fmt::Result = [&self.registry, &now]
            .into_iter()
            .try_for_each(|registry| encode_registry(&mut text, registry))
            .and_then(|()| encode_eof(&mut text));
        written.expect("a String takes whatever is written to it");
        text
    }
}
