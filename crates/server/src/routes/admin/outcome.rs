//! What came of a request that touches several things.

use gateway::{Failed, Touched};
use serde::Serialize;

use super::invalid;
use crate::failure::Refusal;
use crate::private;
use crate::router::Visit;

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

/// Most that are told of one by one; the lists that our own commands send are no longer.
pub(super) const MOST_TOLD: usize = 1000;

/// Those that failed, as far as they are told, and how many more there were.
#[derive(Debug, Serialize)]
pub(super) struct FailedList<F> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<F>,
    #[serde(skip_serializing_if = "is_zero")]
    failed_omitted: usize,
}

/// As serde calls it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl<F> FailedList<F> {
    pub(super) fn none() -> Self {
        Self { failed: Vec::new(), failed_omitted: 0 }
    }

    fn of(failed: Vec<Failed>, show: impl Fn(Failed) -> F) -> Self {
        let failed_omitted = failed.len().saturating_sub(MOST_TOLD);
        Self { failed: failed.into_iter().take(MOST_TOLD).map(show).collect(), failed_omitted }
    }
}

pub(super) fn aliases(failed: Vec<Failed>) -> FailedList<FailedAlias> {
    FailedList::of(failed, |Failed { name: alias, reason }| FailedAlias { alias, reason })
}

pub(super) fn names(failed: Vec<Failed>) -> FailedList<FailedName> {
    FailedList::of(failed, |Failed { name, reason }| FailedName { name, reason })
}

/// A key in the place of its id is not repeated.
pub(super) fn ids(failed: Vec<Failed>) -> FailedList<FailedId> {
    FailedList::of(failed, |Failed { name, reason }| {
        if private::is_keylike(&name) {
            let reason = "this is no id of a key, but perhaps the key itself".to_owned();
            return FailedId { id: "***".to_owned(), reason };
        }
        FailedId { id: name, reason }
    })
}

/// The names alone, as far as they are told.
pub(super) fn only_names(failed: &[Failed]) -> Vec<String> {
    failed.iter().take(MOST_TOLD).map(|failed| failed.name.clone()).collect()
}

/// Most names in one request.
const MOST_NAMES: usize = 100_000;

/// Names as a request lists them, each once.
///
/// # Errors
/// There are too many.
pub(super) fn unique(
    visit: &Visit,
    field: &str,
    mut names: Vec<String>,
) -> Result<Vec<String>, Refusal> {
    bounded(visit, field, names.len())?;
    let mut seen = std::collections::HashSet::with_capacity(names.len());
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

/// # Errors
/// There are too many.
pub(super) fn bounded(visit: &Visit, field: &str, count: usize) -> Result<(), Refusal> {
    if count <= MOST_NAMES {
        return Ok(());
    }
    Err(invalid(visit, field, &format!("more than {MOST_NAMES} at once")))
}

/// `{status, message, failed?, failed_omitted?}`.
#[derive(Debug, Serialize)]
pub(super) struct Done<F> {
    status: &'static str,
    message: String,
    #[serde(flatten)]
    failed: FailedList<F>,
}

impl<F> Done<F> {
    pub(super) fn new(message: String, failed: FailedList<F>) -> Self {
        Self { status: "success", message, failed }
    }
}

/// Of two steps on the same names: done is what both did.
pub(super) fn both(first: Touched, second: Touched) -> Touched {
    use std::collections::HashSet;
    let before: HashSet<&String> = first.done.iter().collect();
    let done = second.done.into_iter().filter(|name| before.contains(name)).collect();
    let mut seen = HashSet::new();
    let all = first.failed.into_iter().chain(second.failed);
    let failed = all.filter(|one| seen.insert((one.name.clone(), one.reason.clone()))).collect();
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
        let done = serde_json::to_value(Done::<FailedAlias>::new("x".into(), FailedList::none()))
            .expect("JSON");
        assert_eq!(done, serde_json::json!({"status": "success", "message": "x"}));
    }

    #[test]
    fn long_lists_are_told_in_part_with_the_number_of_the_rest() {
        let failed =
            (0..1003).map(|n| Failed { name: n.to_string(), reason: "unknown".into() }).collect();
        let done = serde_json::to_value(Done::new("x".into(), aliases(failed))).expect("JSON");
        assert_eq!(done["failed"].as_array().map(Vec::len), Some(1000));
        assert_eq!(done["failed_omitted"], 3);
    }

    #[test]
    fn a_key_in_the_place_of_an_id_is_not_repeated() {
        let failed = |name: &str| {
            let reason = format!("there is no key `{name}`");
            let failed = Failed { name: name.to_owned(), reason };
            serde_json::to_string(&ids(vec![failed])).expect("JSON")
        };
        assert!(!failed("sk-canary").contains("canary"));
        let id = "key_0123456789abcdef0123456789abcdef";
        assert!(failed(id).contains(id));
    }
}
