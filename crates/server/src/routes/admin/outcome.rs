//! What came of a request that touches several things.

use gateway::{Failed, Touched};
use serde::Serialize;

/// One that failed, and why.
#[derive(Debug, Serialize)]
pub(super) struct FailedAlias {
    alias: String,
    reason: String,
}

#[derive(Debug, Serialize)]
pub(super) struct FailedName {
    name: String,
    reason: String,
}

#[derive(Debug, Serialize)]
pub(super) struct FailedId {
    id: String,
    reason: String,
}

pub(super) fn aliases(failed: Vec<Failed>) -> Vec<FailedAlias> {
    failed.into_iter().map(|Failed { name: alias, reason }| FailedAlias { alias, reason }).collect()
}

pub(super) fn names(failed: Vec<Failed>) -> Vec<FailedName> {
    failed.into_iter().map(|Failed { name, reason }| FailedName { name, reason }).collect()
}

pub(super) fn ids(failed: Vec<Failed>) -> Vec<FailedId> {
    failed.into_iter().map(|Failed { name: id, reason }| FailedId { id, reason }).collect()
}

/// `{status, message, failed?}`.
#[derive(Debug, Serialize)]
pub(super) struct Done<F> {
    status: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<F>,
}

impl<F> Done<F> {
    pub(super) fn new(message: String, failed: Vec<F>) -> Self {
        Self { status: "success", message, failed }
    }
}

/// Of two steps on the same names: done is what both did.
pub(super) fn both(first: Touched, second: Touched) -> Touched {
    let done = second.done.into_iter().filter(|name| first.done.contains(name)).collect();
    let mut failed = first.failed;
    for other in second.failed {
        if !failed.iter().any(|known| known.name == other.name && known.reason == other.reason) {
            failed.push(other);
        }
    }
    Touched { done, failed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_in_either_step_is_not_done() {
        let touched = |done: &[&str], failed: &[(&str, &str)]| Touched {
            done: done.iter().map(|&name| name.to_owned()).collect(),
            failed: failed
                .iter()
                .map(|&(name, reason)| Failed { name: name.into(), reason: reason.into() })
                .collect(),
        };
        let first = touched(&["a", "b"], &[("c", "unknown")]);
        let both = both(first, touched(&["a"], &[("b", "broken"), ("c", "unknown")]));
        assert_eq!(both.done, ["a"]);
        let names: Vec<&str> = both.failed.iter().map(|failed| failed.name.as_str()).collect();
        assert_eq!(names, ["c", "b"]);
        let done = serde_json::to_value(Done::new("x".into(), aliases(both.failed))).expect("JSON");
        assert_eq!(done["failed"][1], serde_json::json!({"alias": "b", "reason": "broken"}));
        let done =
            serde_json::to_value(Done::<FailedAlias>::new("x".into(), vec![])).expect("JSON");
        assert_eq!(done, serde_json::json!({"status": "success", "message": "x"}));
    }
}
