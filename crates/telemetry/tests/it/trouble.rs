//! Collectors that are down, slow or choosy, and settings that cannot be used.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use request_log::Observer as _;
use secrecy::SecretString;
use telemetry::{Figures, Options, OtlpOptions, Telemetry, TelemetryError};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

use crate::collector::{Collector, start};
use crate::entries::{knows, success};
use crate::openmetrics::Page;

const PATIENCE: Duration = Duration::from_secs(10);

fn figure(telemetry: &Telemetry, name: &str) -> f64 {
    Page::read(&telemetry.render(&Figures::default())).find(name, &[]).expect(name)
}

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("nobody panicked").clone()).expect("as it should be")
    }

    /// Everything that is said on this thread from now on.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(self.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A port where nobody listens.
async fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .expect("as it should be")
        .local_addr()
        .expect("as it should be")
        .port()
}

#[tokio::test]
async fn a_collector_that_is_down_costs_one_line_without_its_credentials() {
    let lines = Lines::default();
    let _listening = lines.listen();
    let url = format!("http://user:hunter2@127.0.0.1:{}", nobody().await);
    let telemetry = start(&url, |otlp| {
        otlp.interval = Duration::from_millis(20);
        otlp.headers = vec![("x-token".into(), SecretString::from("canary-header"))];
    });
    telemetry.refused(401);
    let end = Instant::now() + PATIENCE;
    while figure(&telemetry, "cursor_api_otlp_failed_deliveries_total") < 5.0 {
        assert!(Instant::now() < end, "{}", lines.text());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    telemetry.finished(&success());
    telemetry.shut_down(PATIENCE).await;
    assert_eq!(figure(&telemetry, "cursor_api_otlp_dropped_spans_total"), 3.0);
    let text = lines.text();
    let of = |what: &str| text.lines().filter(|l| l.contains("WARN") && l.contains(what)).count();
    assert_eq!((of("what=\"metrics\""), of("what=\"traces\"")), (1, 1), "{text}");
    assert!(text.contains("no connection"), "{text}");
    for secret in ["hunter2", "user:", "canary-header"] {
        assert!(!text.contains(secret), "{text}");
    }
    let shown = format!("{telemetry:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("canary-header"), "{shown}");
}

#[tokio::test]
async fn credentials_and_headers_reach_the_collector() {
    let collector = Collector::bind().await;
    let url = collector.url().replace("http://", "http://user:hunter2@") + "/base/";
    let telemetry = start(&url, |otlp| {
        otlp.headers = vec![("X-Token".into(), SecretString::from("abc"))];
    });
    telemetry.finished(&success());
    telemetry.shut_down(PATIENCE).await;
    let book = collector.book.lock().expect("nobody panicked");
    let mut paths: Vec<&str> = book.heads.iter().map(|(path, _)| path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/base/v1/metrics", "/base/v1/traces"]);
    for (_, head) in &book.heads {
        assert_eq!(head["authorization"], "Basic dXNlcjpodW50ZXIy");
        assert_eq!(head["x-token"], "abc");
        assert_eq!(head["content-type"], "application/x-protobuf");
        assert_eq!(head["user-agent"], "cursor-api/1.2.3-test");
    }
}

#[tokio::test]
async fn one_connection_serves_many_deliveries() {
    let collector = Collector::bind().await;
    let telemetry = start(&collector.url(), |otlp| {
        otlp.interval = Duration::from_millis(20);
        otlp.traces = false;
    });
    telemetry.refused(401);
    collector.until(|book| book.metrics.len() >= 5).await;
    assert_eq!(collector.book.lock().expect("nobody panicked").connections, 1);
    telemetry.shut_down(PATIENCE).await;
}

#[tokio::test]
async fn a_slow_collector_delays_nobody_and_what_does_not_fit_is_counted() {
    let collector = Collector::bind().await;
    collector.book.lock().expect("nobody panicked").pause = Duration::from_secs(3600);
    let telemetry = start(&collector.url(), |otlp| otlp.metrics = false);
    let began = Instant::now();
    for _ in 0..10_000 {
        telemetry.finished(&success());
        // Lets the delivering task take what it wants.
        tokio::task::yield_now().await;
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // Three spans each; what waits is bounded.
    let dropped = figure(&telemetry, "cursor_api_otlp_dropped_spans_total");
    assert!(dropped > 3.0 * 7000.0, "{dropped}");
    let began = Instant::now();
    telemetry.shut_down(Duration::from_millis(300)).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(250) && took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn what_waits_is_delivered_at_the_end_and_nothing_afterwards() {
    let collector = Collector::bind().await;
    let telemetry = start(&collector.url(), |otlp| otlp.metrics = false);
    for _ in 0..1000 {
        telemetry.finished(&success());
    }
    telemetry.shut_down(PATIENCE).await;
    assert_eq!(collector.spans().len(), 3000);
    let sizes: Vec<usize> = {
        let book = collector.book.lock().expect("nobody panicked");
        let spans = |request: &opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest| {
            request.resource_spans[0].scope_spans[0].spans.len()
        };
        book.traces.iter().map(spans).collect()
    };
    assert!(sizes.iter().all(|size| *size < 520), "{sizes:?}");
    telemetry.finished(&success());
    telemetry.shut_down(PATIENCE).await;
    assert_eq!(collector.spans().len(), 3000);
    assert_eq!(figure(&telemetry, "cursor_api_otlp_dropped_spans_total"), 3.0);
}

#[tokio::test]
async fn refusals_are_counted() {
    let collector = Collector::bind().await;
    collector.book.lock().expect("nobody panicked").status = Some(StatusCode::SERVICE_UNAVAILABLE);
    let telemetry = start(&collector.url(), |otlp| otlp.metrics = false);
    telemetry.finished(&success());
    telemetry.shut_down(PATIENCE).await;
    assert_eq!(figure(&telemetry, "cursor_api_otlp_dropped_spans_total"), 3.0);
    assert_eq!(figure(&telemetry, "cursor_api_otlp_failed_deliveries_total"), 1.0);
}

#[tokio::test]
async fn a_part_that_is_refused_is_counted() {
    let collector = Collector::bind().await;
    let partial = ExportTracePartialSuccess { rejected_spans: 2, error_message: "too old".into() };
    let answer = ExportTraceServiceResponse { partial_success: Some(partial) };
    collector.book.lock().expect("nobody panicked").answer = answer.encode_to_vec().into();
    let telemetry = start(&collector.url(), |otlp| otlp.metrics = false);
    telemetry.finished(&success());
    telemetry.shut_down(PATIENCE).await;
    assert_eq!(figure(&telemetry, "cursor_api_otlp_dropped_spans_total"), 2.0);
}

#[test]
fn settings_that_cannot_be_used_are_named_without_their_values() {
    let good = OtlpOptions {
        endpoint: "http://127.0.0.1:1".into(),
        headers: Vec::new(),
        traces: true,
        metrics: true,
        interval: Duration::from_secs(60),
        service_name: "x".into(),
    };
    let start = |otlp: OtlpOptions| {
        let options = Options { otlp: Some(otlp), version: "1" };
        Telemetry::start(options, Arc::new(knows)).map(drop)
    };
    assert_eq!(start(good.clone()), Err(TelemetryError::NoRuntime));
    let runtime = tokio::runtime::Runtime::new().expect("as it should be");
    let _in = runtime.enter();
    assert_eq!(start(good.clone()), Ok(()));
    for (name, value) in [("a b", "x"), ("x-token", "canary\n"), ("Content-Type", "x"), ("", "x")] {
        let headers = vec![(name.to_owned(), SecretString::from(value))];
        let error = start(OtlpOptions { headers, ..good.clone() }).expect_err("refused");
        assert_eq!(error, TelemetryError::Header(name.into()));
        assert!(!error.to_string().contains("canary"));
    }
    let endpoint = "collector:hunter2@4318".to_owned();
    let error = start(OtlpOptions { endpoint, ..good.clone() }).expect_err("refused");
    assert!(matches!(error, TelemetryError::Endpoint(_)), "{error}");
    let error = start(OtlpOptions { interval: Duration::ZERO, ..good }).expect_err("refused");
    assert_eq!(error, TelemetryError::Interval);
}
