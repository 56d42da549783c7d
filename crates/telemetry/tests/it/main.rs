//! Telemetry as its readers see it: text for Prometheus, and a collector for OpenTelemetry.

mod collector;
mod cost;
mod entries;
mod openmetrics;
mod otlp;
mod scrape;
mod trouble;
