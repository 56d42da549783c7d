//! A collector of OpenTelemetry that keeps what it gets.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use telemetry::{Options, OtlpOptions, Telemetry};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::entries::knows;

/// What it got, and how it answers.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) traces: Vec<ExportTraceServiceRequest>,
    pub(crate) metrics: Vec<ExportMetricsServiceRequest>,
    pub(crate) heads: Vec<(String, HeaderMap)>,
    pub(crate) connections: usize,
    /// Instead of 200.
    pub(crate) status: Option<StatusCode>,
    /// Body of the answer.
    pub(crate) answer: Bytes,
    /// Before the answer.
    pub(crate) pause: Duration,
}

pub(crate) struct Collector {
    pub(crate) book: Arc<Mutex<Book>>,
    port: u16,
    _tasks: JoinSet<()>,
}

impl Collector {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("as it should be");
        let port = listener.local_addr().expect("as it should be").port();
        let book = Arc::<Mutex<Book>>::default();
        let mut tasks = JoinSet::new();
        let kept = Arc::clone(&book);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("as it should be");
                kept.lock().expect("nobody panicked").connections += 1;
                let kept = Arc::clone(&kept);
                let serve = service_fn(move |request| answer(Arc::clone(&kept), request));
                connections
                    .spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), serve));
            }
        });
        Self { book, port, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Until what it got is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Book) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !wanted(&self.book.lock().expect("nobody panicked")) {
            assert!(
                Instant::now() < end,
                "not in time: {:?}",
                self.book.lock().expect("nobody panicked")
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let book = self.book.lock().expect("nobody panicked");
        let resources = book.traces.iter().flat_map(|request| &request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// A metric of the last reading, with its unit.
    pub(crate) fn metric(&self, name: &str) -> Option<(String, Data)> {
        let book = self.book.lock().expect("nobody panicked");
        let resources = book.metrics.last()?.resource_metrics.iter();
        let mut metrics = resources.flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics);
        let metric = metrics.find(|metric| metric.name == name)?;
        Some((metric.unit.clone(), metric.data.clone()?))
    }
}

async fn answer(
    book: Arc<Mutex<Book>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("as it should be").to_bytes();
    let pause = book.lock().expect("nobody panicked").pause;
    sleep(pause).await;
    let mut book = book.lock().expect("nobody panicked");
    let path = head.uri.path().to_owned();
    if path.ends_with("/v1/traces") {
        book.traces.push(ExportTraceServiceRequest::decode(body).expect("as it should be"));
    } else if path.ends_with("/v1/metrics") {
        book.metrics.push(ExportMetricsServiceRequest::decode(body).expect("as it should be"));
    }
    book.heads.push((path, head.headers));
    let mut response = Response::new(Full::new(book.answer.clone()));
    *response.status_mut() = book.status.unwrap_or(StatusCode::OK);
    Ok(response)
}

/// With a collector; the interval is long, so that metrics are read at the end.
pub(crate) fn start(endpoint: &str, change: impl FnOnce(&mut OtlpOptions)) -> Telemetry {
    let mut otlp = OtlpOptions {
        endpoint: endpoint.to_owned(),
        headers: Vec::new(),
        traces: true,
        metrics: true,
        interval: Duration::from_secs(3600),
        service_name: "cursor-api-test".into(),
    };
    change(&mut otlp);
    let options = Options { otlp: Some(otlp), version: "1.2.3-test" };
    Telemetry::start(options, Arc::new(knows)).expect("telemetry")
}

/// An attribute as text.
pub(crate) fn attribute(all: &[KeyValue], name: &str) -> Option<String> {
    let mut found = all.iter().filter(|attribute| attribute.key == name);
    let attribute = found.next()?;
    assert!(found.next().is_none(), "{name} twice");
    Some(match attribute.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => text.clone(),
        any_value::Value::IntValue(number) => number.to_string(),
        any_value::Value::DoubleValue(number) => number.to_string(),
        any_value::Value::BoolValue(flag) => flag.to_string(),
        other => panic!("{name}: {other:?}"),
    })
}
