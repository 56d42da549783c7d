//! A collector of OpenTelemetry that keeps what is posted to it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

type Book = Arc<Mutex<Vec<Posted>>>;

pub(crate) struct Collector {
    book: Book,
    pub(crate) url: String,
    _tasks: JoinSet<()>,
}

async fn keep(State(book): State<Book>, uri: Uri, headers: HeaderMap, body: Bytes) {
    let path = uri.path().to_owned();
    book.lock().expect("nobody panicked").push(Posted { path, headers, body });
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let book = Book::default();
        let router = Router::new().fallback(keep).with_state(Arc::clone(&book));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { book, url, _tasks: tasks }
    }

    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.book.lock().expect("nobody panicked").clone()
    }

    fn of(&self, path: &str) -> Vec<Bytes> {
        let posted = self.posted().into_iter().filter(|posted| posted.path == path);
        posted.map(|posted| posted.body).collect()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let read = |body| ExportTraceServiceRequest::decode(body).expect("traces");
        let requests = self.of("/v1/traces").into_iter().map(read);
        let resources = requests.flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// Of the last reading.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let last = self.of("/v1/metrics").into_iter().next_back();
        let read = |body| ExportMetricsServiceRequest::decode(body).expect("metrics");
        let resources = last.map(read).into_iter().flat_map(|request| request.resource_metrics);
        resources.flat_map(|r| r.scope_metrics).flat_map(|scope| scope.metrics).collect()
    }
}

/// An attribute as text; empty when there is none.
pub(crate) fn attribute(all: &[KeyValue], name: &str) -> String {
    let found = all.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
