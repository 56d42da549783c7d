//! What is read at the time of the scrape.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Unit;

/// The gateway as it is now. What cannot be told is left out of the text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Requests that are being served.
    pub active: u64,
    /// Streams that wait for the results of a client's tools.
    pub suspended: u64,
    /// Accounts in use, each as often as it is.
    pub leases: u64,
    /// How many accounts are in which state; the words are a closed set.
    pub accounts: Vec<(&'static str, u64)>,
    /// Open connections to the upstream.
    pub connections: u64,
    /// Entries that wait to be written to the request log.
    pub log_queued: u64,
    /// Since the start.
    pub log_written: u64,
    /// Entries that were lost, since the start.
    pub log_dropped: u64,
    /// When the process started, seconds since 1970.
    pub started_unix: f64,
    /// Resident memory.
    pub memory_bytes: Option<u64>,
    /// User and system time since the start.
    pub cpu_seconds: Option<f64>,
    /// Whether the gateway is being stopped.
    pub draining: bool,
}

/// Writes them.
#[derive(Debug)]
pub(crate) struct Reading(pub(crate) Figures);

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = &self.0;
        let e = &mut encoder;
        gauge(e, "cursor_api_active_requests", "Requests being served.", None, &figures.active)?;
        gauge(
            e,
            "cursor_api_suspended_streams",
            "Streams that wait for the results of a client's tools.",
            None,
            &figures.suspended,
        )?;
        gauge(
            e,
            "cursor_api_account_leases",
            "Accounts in use, each as often as it is.",
            None,
            &figures.leases,
        )?;
        let (name, help) = ("cursor_api_accounts", "Accounts by state.");
        let mut accounts = e.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (state, count) in &figures.accounts {
            accounts.encode_family(&[("state", *state)])?.encode_gauge(count)?;
        }
        gauge(
            e,
            "cursor_api_upstream_connections",
            "Open connections to the upstream.",
            None,
            &figures.connections,
        )?;
        let draining = u32::from(figures.draining);
        gauge(e, "cursor_api_draining", "1 while the gateway is being stopped.", None, &draining)?;
        gauge(
            e,
            "cursor_api_request_log_queue",
            "Entries that wait to be written to the request log.",
            None,
            &figures.log_queued,
        )?;
        counter(
            e,
            "cursor_api_request_log_written",
            "Entries written to the request log.",
            None,
            &figures.log_written,
        )?;
        counter(
            e,
            "cursor_api_request_log_dropped",
            "Entries that the request log lost.",
            None,
            &figures.log_dropped,
        )?;
        self.encode_process(e)
    }
}

impl Reading {
    /// Under the names that every program uses.
    fn encode_process(&self, e: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (seconds, bytes) = (Some(&Unit::Seconds), Some(&Unit::Bytes));
        let start = "Start of the process, since 1970.";
        gauge(e, "process_start_time", start, seconds, &self.0.started_unix)?;
        if let Some(memory) = &self.0.memory_bytes {
            gauge(e, "process_resident_memory", "Resident memory.", bytes, memory)?;
        }
        if let Some(cpu) = &self.0.cpu_seconds {
            counter(e, "process_cpu", "User and system time.", seconds, cpu)?;
        }
        Ok(())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: &impl EncodeGaugeValue,
) -> fmt::Result {
    encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(value)
}

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: &impl EncodeCounterValue,
) -> fmt::Result {
    const NONE: Option<&Exemplar<NoLabelSet, f64>> = None;
    encoder.encode_descriptor(name, help, unit, MetricType::Counter)?.encode_counter(value, NONE)
}
