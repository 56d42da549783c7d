//! The models that can be asked for: fetched anew now and then, the last good list kept, a
//! built-in one before the first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use conversation::{Model, ModelName};

/// The model list.
#[derive(Debug)]
pub struct Catalogue {
    models: ArcSwap<Vec<Model>>,
    /// Whether the list is the upstream's own.
    live: AtomicBool,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self {
            models: ArcSwap::from_pointee(upstream::built_in_models()),
            live: AtomicBool::new(false),
        }
    }
}

impl Catalogue {
    #[must_use]
    pub fn list(&self) -> Arc<Vec<Model>> {
        self.models.load_full()
    }

    #[must_use]
    pub fn find(&self, id: &str) -> Option<Model> {
        let name = ModelName::new(id);
        self.models.load().iter().find(|model| model.id == name).cloned()
    }

    /// Whether the list came from the upstream; before that, what is not in it may well exist.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }

    /// An empty list is no list: the last good one stays.
    pub(crate) fn replace(&self, models: Vec<Model>) {
        if models.is_empty() {
            tracing::warn!("the upstream's model list is empty; the last good one stays");
            return;
        }
        self.models.store(Arc::new(models));
        self.live.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_good_list_stays() {
        let catalogue = Catalogue::default();
        let built_in = catalogue.list().len();
        assert!(built_in > 0);
        catalogue.replace(Vec::new());
        assert_eq!(catalogue.list().len(), built_in);
        assert!(catalogue.find("gpt-5").is_some());
        assert!(catalogue.find("no-such-model-xyz").is_none());
    }
}
