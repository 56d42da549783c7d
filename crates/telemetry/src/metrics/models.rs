//! Models as labels: those that are known, in bounded number, and all others as one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use request_log::{Dialect, Entry, Status};

use super::handles::Handles;
use crate::words::{self, FLOWS, OTHER};

/// Most models with a label of their own; the upstream has some dozens.
const MOST: usize = 512;

/// Longest label; a longer name is no model's.
const LONGEST: usize = 100;

/// Whether there is such a model.
pub(crate) type KnowsModel = Arc<dyn Fn(&str) -> bool + Send + Sync>;

type Labels = [(&'static str, Cow<'static, str>); 5];
type Requests = Family<Labels, Counter, fn() -> Counter>;

const STREAMS: [&str; 2] = ["false", "true"];

/// One model's label and its counts.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) label: Arc<str>,
    requests: Handles<Labels, Counter, fn() -> Counter>,
}

impl Model {
    fn new(label: &str, requests: Requests) -> Self {
        let places = Dialect::ALL.len() * FLOWS.len() * STREAMS.len() * Status::ALL.len();
        Self { label: label.into(), requests: Handles::of(requests, places) }
    }

    /// The series of requests like this one.
    pub(super) fn request(&self, entry: &Entry) -> &Counter {
        let flow = words::flow(entry.flow);
        let stream = usize::from(entry.stream);
        let place = words::dialect(entry.dialect) * FLOWS.len() + flow;
        let place = place * STREAMS.len() + stream;
        let place = place * Status::ALL.len() + words::status(entry.status);
        self.requests.at(place, || {
            [
                ("dialect", entry.dialect.name().into()),
                ("flow", FLOWS[flow].into()),
                ("stream", STREAMS[stream].into()),
                ("status", entry.status.name().into()),
                ("model", Cow::Owned((*self.label).to_owned())),
            ]
        })
    }
}

pub(crate) struct Models {
    knows: KnowsModel,
    known: RwLock<HashMap<Box<str>, Arc<Model>>>,
    other: Arc<Model>,
    requests: Requests,
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Models").finish_non_exhaustive()
    }
}

impl Models {
    pub(super) fn new(knows: KnowsModel) -> Self {
        let requests: Requests = Family::new_with_constructor(Counter::default);
        let other = Arc::new(Model::new(OTHER, requests.clone()));
        Self { knows, known: RwLock::default(), other, requests }
    }

    /// To be registered.
    pub(super) fn requests(&self) -> Requests {
        self.requests.clone()
    }

    /// What stands for a name. A model that was known once keeps its label.
    pub(crate) fn find(&self, name: &str) -> Arc<Model> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = known.get(name) {
            return Arc::clone(model);
        }
        let is_full = known.len() >= MOST;
        drop(known);
        if is_full || !is_fit(name) || !(self.knows)(name) {
            return Arc::clone(&self.other);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Model::new(name, self.requests.clone()));
        Arc::clone(known.entry(name.into()).or_insert_with(fresh))
    }
}

fn is_fit(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && !name.chars().any(char::is_control)
}
