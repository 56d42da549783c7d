//! The tasks that deliver.

use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::complaints::Complaints;
use super::post::{Poster, Trouble};
use crate::metrics::Undelivered;

/// Spans of one delivery; those of one request stay together, so it may be some more.
const BATCH: usize = 512;

/// How long a span waits for others to go with.
const WAIT: Duration = Duration::from_secs(2);

/// What a delivering task needs.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) poster: Poster,
    pub(super) complaints: Complaints,
    pub(super) undelivered: Undelivered,
    /// What waits is still delivered.
    pub(super) stop: CancellationToken,
}

/// Until it is told to stop, or nobody is left who could give it anything.
pub(super) async fn deliver_spans(
    mut delivery: Delivery,
    resource: ResourceAttributesWithSchema,
    mut queue: mpsc::Receiver<Vec<SpanData>>,
) {
    while let Some(mut batch) = next(&delivery.stop, &mut queue).await {
        let full = Instant::now() + WAIT;
        while batch.len() < BATCH
            && let Ok(Some(more)) = timeout_at(full, next(&delivery.stop, &mut queue)).await
        {
            batch.extend(more);
        }
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let resource_spans = group_spans_by_resource_and_scope(batch, &resource);
        let request = ExportTraceServiceRequest { resource_spans };
        let posted = delivery.poster.post("traces", request.encode_to_vec().into()).await;
        let refused = posted.map(|answer| {
            let answer = ExportTraceServiceResponse::decode(answer).unwrap_or_default();
            answer.partial_success.map_or(0, |partial| partial.rejected_spans)
        });
        let spans = &delivery.undelivered.spans;
        match &refused {
            Ok(refused) => spans.inc_by(u64::try_from(*refused).unwrap_or(0).min(count)),
            Err(_) => spans.inc_by(count),
        };
        delivery.say(refused);
    }
}

/// As [`deliver_spans`].
pub(super) async fn deliver_metrics(mut delivery: Delivery, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(reading) = next(&delivery.stop, &mut queue).await {
        let posted = delivery.poster.post("metrics", reading).await;
        delivery.say(posted.map(|answer| {
            let answer = ExportMetricsServiceResponse::decode(answer).unwrap_or_default();
            answer.partial_success.map_or(0, |partial| partial.rejected_data_points)
        }));
    }
}

impl Delivery {
    /// How it went; well, if the collector refused nothing.
    fn say(&mut self, refused: Result<i64, Trouble>) {
        let trouble = match refused {
            Ok(0) => return self.complaints.worked(),
            Ok(refused) => Trouble::Rejected(refused),
            Err(trouble) => trouble,
        };
        self.undelivered.deliveries.inc();
        self.complaints.failed(&trouble, self.undelivered.spans.get());
    }
}

/// What comes next; after the stop, what is left.
async fn next<T>(stop: &CancellationToken, queue: &mut mpsc::Receiver<T>) -> Option<T> {
    tokio::select! {
        biased;
        next = queue.recv() => next,
        () = stop.cancelled() => {
            queue.close();
            queue.recv().await
        }
    }
}
