//! What a collector gets.

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, number_data_point};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use request_log::{Entry, Observer as _, TraceContext};

use crate::collector::{Collector, attribute, start};
use crate::entries::{CANARY, failure, success};

const PATIENCE: Duration = Duration::from_secs(10);

fn check(span: &Span, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(attribute(&span.attributes, name).as_deref(), Some(*value), "{name}");
    }
}

fn status(span: &Span) -> StatusCode {
    span.status.as_ref().map_or(StatusCode::Unset, Status::code)
}

#[tokio::test]
async fn a_request_is_a_span_with_one_for_every_attempt() {
    let collector = Collector::bind().await;
    let telemetry = start(&collector.url(), |_| ());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    telemetry.finished(&Entry { trace: TraceContext::parse(parent), ..success() });
    // Without being asked for.
    collector.until(|book| !book.traces.is_empty()).await;
    let spans = collector.spans();
    let [request, first, second] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(request.name, "chat gpt-5");
    assert_eq!(request.kind(), SpanKind::Server);
    assert_eq!(hex(&request.parent_span_id), "00f067aa0ba902b7");
    // The remote parent shows in the flags, by OTLP's bits 8 and 9.
    assert_eq!(request.flags & 0x300, 0x300);
    assert_eq!(request.start_time_unix_nano, 1_790_000_000_000_000_000);
    assert_eq!(request.end_time_unix_nano - request.start_time_unix_nano, 2_400_000_000);
    assert_eq!(status(request), StatusCode::Unset);
    check(
        request,
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "cursor"),
            ("gen_ai.request.model", "gpt-5"),
            ("gen_ai.response.model", "gpt-5-high"),
            ("gen_ai.usage.input_tokens", "1000"),
            ("gen_ai.usage.output_tokens", "21"),
            ("gen_ai.usage.cache_read.input_tokens", "600"),
            ("http.response.status_code", "200"),
            ("http.route", "/v1/messages"),
            ("cursor_api.dialect", "anthropic"),
            ("cursor_api.flow", "agent"),
            ("cursor_api.key", "k_public"),
            ("cursor_api.account", "second"),
            ("cursor_api.close", "finished"),
            ("cursor_api.request_id", crate::entries::REQUEST_ID),
        ],
    );
    assert_eq!(attribute(&request.attributes, "error.type"), None);
    for attempt in [first, second] {
        assert_eq!(attempt.kind(), SpanKind::Client);
        assert_eq!(attempt.parent_span_id, request.span_id);
        assert_ne!(attempt.span_id, request.span_id);
    }
    assert_eq!(status(first), StatusCode::Error);
    check(first, &[("cursor_api.account", "first"), ("error.type", "busy")]);
    assert_eq!(first.end_time_unix_nano - first.start_time_unix_nano, 100_000_000);
    assert_eq!(status(second), StatusCode::Unset);
    check(second, &[("cursor_api.account", "second"), ("cursor_api.attempt", "2")]);
    assert_eq!(second.end_time_unix_nano, request.end_time_unix_nano);
    for span in &spans {
        assert_eq!(hex(&span.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    }
    telemetry.shut_down(PATIENCE).await;
}

#[tokio::test]
async fn without_a_parent_the_trace_is_found_by_the_request_id() {
    let collector = Collector::bind().await;
    let telemetry = start(&collector.url(), |otlp| otlp.metrics = false);
    telemetry.finished(&success());
    telemetry.finished(&Entry { request_id: "elsewhere".into(), ..success() });
    telemetry.shut_down(PATIENCE).await;
    let spans = collector.spans();
    assert_eq!(hex(&spans[0].trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert!(spans[0].parent_span_id.is_empty() || spans[0].parent_span_id == [0; 8]);
    assert_eq!(spans[0].flags & 0x300, 0x100);
    assert_ne!(spans[3].trace_id, spans[0].trace_id);
    assert_ne!(spans[3].trace_id, [0; 16]);
    assert!(collector.book.lock().expect("nobody panicked").metrics.is_empty());
}

#[tokio::test]
async fn errors_have_their_class_and_no_text() {
    let collector = Collector::bind().await;
    let telemetry = start(&collector.url(), |_| ());
    telemetry.finished(&failure("upstream_failed"));
    telemetry.finished(&Entry { http_status: Some(400), ..failure("invalid") });
    telemetry.finished(&failure(CANARY));
    telemetry.shut_down(PATIENCE).await;
    let spans = collector.spans();
    let requests: Vec<&Span> = spans.iter().filter(|s| s.kind() == SpanKind::Server).collect();
    let told: Vec<_> = requests
        .iter()
        .map(|span| {
            (status(span), attribute(&span.attributes, "error.type").expect("as it should be"))
        })
        .collect();
    assert_eq!(
        told,
        [
            (StatusCode::Error, "upstream_failed".into()),
            (StatusCode::Unset, "invalid".into()),
            (StatusCode::Error, "other".into()),
        ]
    );
    // What broke off broke in the last attempt.
    assert_eq!(status(&spans[2]), StatusCode::Error);
    let book = collector.book.lock().expect("nobody panicked");
    assert!(!format!("{book:?}").contains(CANARY));
}

#[tokio::test]
async fn a_trace_that_its_client_does_not_keep_is_not_sent() {
    let collector = Collector::bind().await;
    let telemetry = start(&collector.url(), |_| ());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    telemetry.finished(&Entry { trace: TraceContext::parse(parent), ..success() });
    telemetry.shut_down(PATIENCE).await;
    assert_eq!(collector.spans(), []);
    assert!(collector.metric("gen_ai.client.operation.duration").is_some());
}

#[tokio::test]
async fn metrics_are_those_of_the_conventions() {
    let collector = Collector::bind().await;
    let telemetry = start(&collector.url(), |otlp| otlp.traces = false);
    telemetry.finished(&success());
    telemetry.finished(&failure("quota"));
    telemetry.finished(&Entry { model: CANARY.into(), ..success() });
    telemetry.refused(404);
    telemetry.panicked();
    telemetry.shut_down(PATIENCE).await;
    assert_eq!(collector.spans(), []);

    let durations = histogram(&collector, "gen_ai.client.operation.duration", "s");
    assert_eq!(durations.iter().map(|point| point.1).sum::<u64>(), 3);
    let failed = durations
        .iter()
        .find(|p| attribute(&p.0, "error.type").is_some())
        .expect("as it should be");
    assert_eq!(attribute(&failed.0, "error.type").as_deref(), Some("quota"));
    let other = |p: &&Point| attribute(&p.0, "gen_ai.request.model").as_deref() == Some("other");
    assert_eq!(durations.iter().filter(other).count(), 1);
    assert_eq!(durations[0].2.first().copied(), Some(0.01));
    assert_eq!(durations[0].2.len(), 14);

    let tokens = histogram(&collector, "gen_ai.client.token.usage", "{token}");
    let of = |kind: &str| {
        let same = |p: &&Point| attribute(&p.0, "gen_ai.token.type").as_deref() == Some(kind);
        tokens.iter().filter(same).map(|point| point.3).sum::<f64>()
    };
    assert_eq!((of("input"), of("output")), (2000.0, 42.0));

    let first = histogram(&collector, "gen_ai.server.time_to_first_token", "s");
    assert_eq!(first.iter().map(|point| point.1).sum::<u64>(), 3);
    let pace = histogram(&collector, "gen_ai.server.time_per_output_token", "s");
    let gpt = pace.iter().find(|point| !other(point)).expect("as it should be");
    assert!((gpt.3 - 0.1).abs() < 1e-9, "two seconds for twenty tokens: {gpt:?}");

    for (name, value) in [
        ("cursor_api.requests", 3),
        ("cursor_api.failures", 1),
        ("cursor_api.attempts", 6),
        ("cursor_api.closes", 3),
        ("cursor_api.http_refused", 1),
        ("cursor_api.panics", 1),
    ] {
        assert_eq!(sum(&collector, name), value, "{name}");
    }
    assert!(!format!("{:?}", collector.book.lock().expect("nobody panicked")).contains(CANARY));
}

#[tokio::test]
async fn metrics_come_at_every_interval() {
    let collector = Collector::bind().await;
    let telemetry = start(&collector.url(), |otlp| otlp.interval = Duration::from_millis(50));
    telemetry.finished(&success());
    collector.until(|book| book.metrics.len() >= 3).await;
    assert_eq!(sum(&collector, "cursor_api.requests"), 1);
    telemetry.shut_down(PATIENCE).await;
}

#[tokio::test]
async fn whose_they_are_is_said() {
    let collector = Collector::bind().await;
    let telemetry = start(&collector.url(), |_| ());
    telemetry.finished(&success());
    telemetry.shut_down(PATIENCE).await;
    let book = collector.book.lock().expect("nobody panicked");
    let of_traces = book.traces[0].resource_spans[0].resource.clone().expect("as it should be");
    let of_metrics = book.metrics[0].resource_metrics[0].resource.clone().expect("as it should be");
    for resource in [of_traces, of_metrics] {
        let said = |name| attribute(&resource.attributes, name);
        assert_eq!(said("service.name").as_deref(), Some("cursor-api-test"));
        assert_eq!(said("service.version").as_deref(), Some("1.2.3-test"));
    }
}

/// Labels, count, bounds, sum.
type Point = (Vec<KeyValue>, u64, Vec<f64>, f64);

fn histogram(collector: &Collector, name: &str, unit: &str) -> Vec<Point> {
    let (own_unit, data) = collector.metric(name).expect(name);
    assert_eq!(own_unit, unit, "{name}");
    let Data::Histogram(histogram) = data else { panic!("{name}") };
    assert_eq!(histogram.aggregation_temporality(), AggregationTemporality::Cumulative);
    let points = histogram.data_points.into_iter();
    points
        .map(|p| (p.attributes, p.count, p.explicit_bounds, p.sum.expect("as it should be")))
        .collect()
}

fn sum(collector: &Collector, name: &str) -> i64 {
    let (_, Data::Sum(sum)) = collector.metric(name).expect(name) else { panic!("{name}") };
    assert!(sum.is_monotonic);
    let points = sum.data_points.into_iter();
    points
        .map(|point| match point.value.expect("as it should be") {
            number_data_point::Value::AsInt(value) => value,
            number_data_point::Value::AsDouble(value) => panic!("{value}"),
        })
        .sum()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
