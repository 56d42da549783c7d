//! Series that are found by their place in a closed set instead of by their labels.

use std::hash::Hash;
use std::sync::OnceLock;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;

/// Names and values from closed sets.
type Labels<const N: usize> = [(&'static str, &'static str); N];

pub(super) type Counters<const N: usize> = Handles<Labels<N>, Counter, fn() -> Counter>;
pub(super) type Histograms<const N: usize> = Handles<Labels<N>, Histogram, Buckets>;

/// Upper bounds of a histogram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buckets(pub(super) &'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// The series of one family. One comes into being when it is first wanted.
pub(super) struct Handles<S, M, C> {
    family: Family<S, M, C>,
    cells: Box<[OnceLock<M>]>,
}

impl<S, M, C> std::fmt::Debug for Handles<S, M, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handles").field("places", &self.cells.len()).finish_non_exhaustive()
    }
}

impl<S: Clone + Hash + Eq> Handles<S, Counter, fn() -> Counter> {
    pub(super) fn new(places: usize) -> Self {
        Self::with(places, Counter::default)
    }
}

impl<S: Clone + Hash + Eq, M: Clone, C: MetricConstructor<M> + Clone> Handles<S, M, C> {
    pub(super) fn with(places: usize, constructor: C) -> Self {
        Self::of(Family::new_with_constructor(constructor), places)
    }

    pub(super) fn of(family: Family<S, M, C>, places: usize) -> Self {
        Self { family, cells: (0..places).map(|_| OnceLock::new()).collect() }
    }

    /// To be registered.
    pub(super) fn family(&self) -> Family<S, M, C> {
        self.family.clone()
    }

    /// The labels must be those of the place.
    pub(super) fn at(&self, place: usize, labels: impl FnOnce() -> S) -> &M {
        self.cells[place].get_or_init(|| self.family.get_or_create_owned(&labels()))
    }
}
