//! Traces and metrics as a collector gets them from the binary.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use tokio::net::TcpListener;

use super::collector::{Collector, attribute};
use super::rig::{body, figure, figures, key_of, record, request_id, send, site, stop, until};
use crate::client::{Answer, Call, ask, post};
use crate::process::PATIENCE;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn traced(address: std::net::SocketAddr, path: &str, flow: &str, prompt: &str) -> Answer {
    let head = format!("{}traceparent: 00-{TRACE}-{PARENT}-01\r\n", post(path, &key_of(flow)));
    let body = body(path, prompt, true).to_string();
    Call::send(address, &head, body.as_bytes()).await.rest().await
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_and_figures_have_arrived_when_the_process_has_ended() {
    let collector = Collector::start().await;
    let url = &collector.url;
    let site = site(&format!(
        "otlp.endpoint = \"{url}\"\notlp.interval = \"1h\"\notlp.service_name = \"mine\"\n\
         otlp.headers = \"x-collector-key=synthetic\""
    ))
    .await;
    let (gateway, address) = site.serve();
    let usage = "[[sim: usage 1200 34]] [[sim: say hello]]";
    let good = traced(address, "/v1/messages", "agent", usage).await;
    let bad = traced(address, "/v1/responses", "chat", "[[sim: error internal]]").await;
    assert_eq!((good.status, bad.status), (200, 502));
    stop(gateway).await;
    let posted = collector.posted();
    let own = |posted: &super::collector::Posted| posted.headers["x-collector-key"] == "synthetic";
    assert!(posted.len() >= 2 && posted.iter().all(own), "{posted:?}");
    let spans = collector.spans();
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "{spans:?}");
    let of = |answer: &Answer| {
        let id = request_id(&answer.head);
        let mut found = spans
            .iter()
            .filter(|span| attribute(&span.attributes, "cursor_api.request_id") == id)
            .filter(|span| span.kind() == SpanKind::Server);
        let span = found.next().unwrap_or_else(|| panic!("no span of {id}: {spans:?}"));
        assert_eq!((hex(&span.parent_span_id).as_str(), found.next()), (PARENT, None));
        let attempts = spans.iter().filter(|child| child.parent_span_id == span.span_id);
        assert!(attempts.clone().all(|attempt| attempt.kind() == SpanKind::Client));
        assert_eq!(attempts.count(), 1, "{spans:?}");
        span
    };
    let check = |span: &Span, expected: &[(&str, &str)]| {
        for (name, value) in expected {
            assert_eq!(attribute(&span.attributes, name), *value, "{name}: {span:?}");
        }
    };
    let code = |span: &Span| span.status.clone().unwrap_or_default().code();
    let span = of(&good);
    assert_eq!(code(span), StatusCode::Unset);
    check(
        span,
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", "gpt-5"),
            ("gen_ai.usage.input_tokens", "1200"),
            ("gen_ai.usage.output_tokens", "34"),
            ("cursor_api.flow", "agent"),
            ("cursor_api.account", "agent"),
            ("http.route", "/v1/messages"),
            ("error.type", ""),
        ],
    );
    let span = of(&bad);
    assert_eq!(code(span), StatusCode::Error);
    check(span, &[("error.type", "upstream_failed"), ("http.response.status_code", "502")]);
    let metrics = collector.metrics();
    let found = metrics.iter().find(|metric| metric.name == "gen_ai.client.operation.duration");
    let Some(Data::Histogram(durations)) = found.and_then(|metric| metric.data.clone()) else {
        panic!("{metrics:?}");
    };
    assert_eq!(durations.data_points.iter().map(|point| point.count).sum::<u64>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_or_never_answers_costs_requests_and_the_end_nothing() {
    // Connections are taken by the system, and nobody ever answers.
    let mute = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mute_port = mute.local_addr().expect("an address").port();
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let down_port = closed.local_addr().expect("an address").port();
    drop(closed);
    for (port, is_down) in [(mute_port, false), (down_port, true)] {
        let site =
            site(&format!("otlp.endpoint = \"http://127.0.0.1:{port}\"\notlp.interval = \"1s\""))
                .await;
        let (mut gateway, address) = site.serve();
        let start = Instant::now();
        for _ in 0..20 {
            assert_eq!(ask(address, "[[sim: say hello]]").await.text(), "hello");
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        let answer =
            send(address, "/v1/messages", crate::process::KEY, &body("/v1/messages", "x", false))
                .await;
        let record = record(address, &request_id(&answer.head)).await;
        assert_eq!(record["status"], "success", "{record}");
        if is_down {
            until("failed deliveries are counted", || async move {
                let text = figures(address).await;
                (figure(&text, "cursor_api_otlp_failed_deliveries_total") > 0.0).then_some(())
            })
            .await;
        }
        let start = Instant::now();
        gateway.signal("TERM");
        assert_eq!(gateway.ended(PATIENCE).await.code(), Some(0));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        let log = std::fs::read_to_string(site.path("log")).expect("a log");
        let complaints = log.lines().filter(|line| line.contains("WARN")).count();
        assert!(complaints <= 4, "a line now and then: {log}");
        assert!(!is_down || log.contains("telemetry"), "{log}");
    }
}
