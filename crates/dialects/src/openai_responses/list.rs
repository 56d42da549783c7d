//! Small bodies: the list of input items, the number of tokens, and the word that an answer was
//! deleted.

use conversation::Failure;
use serde::Serialize;
use serde_json::value::RawValue;

use super::wire;
use crate::json;
use crate::problem::{shown, unsupported_value};

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// Most items, 1 to 100.
    pub limit: usize,
    pub order: Order,
    /// Id of the item after which to begin.
    pub after: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    NewestFirst,
}

impl Default for Paging {
    fn default() -> Self {
        Self { limit: 20, order: Order::NewestFirst, after: None }
    }
}

impl Paging {
    const MAX: usize = 100;

    /// Reads the query parameters `limit`, `order` and `after`.
    ///
    /// # Errors
    /// The limit is no number from 1 to 100, or the order is unknown.
    pub fn read(
        limit: Option<&str>,
        order: Option<&str>,
        after: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut paging = Self { after: after.map(str::to_owned), ..Self::default() };
        if let Some(text) = limit {
            let limit = text.parse().ok().filter(|limit| (1..=Self::MAX).contains(limit));
            paging.limit = limit.ok_or_else(|| {
                let message = format!(
                    "Invalid 'limit': expected an integer from 1 to {}, but got '{}'.",
                    Self::MAX,
                    shown(text)
                );
                Failure::invalid("limit", message)
            })?;
        }
        paging.order = match order {
            None | Some("desc") => Order::NewestFirst,
            Some("asc") => Order::OldestFirst,
            Some(other) => return Err(unsupported_value("order", other, "'asc' and 'desc'")),
        };
        Ok(paging)
    }
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<&'a RawValue>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

/// The body of `GET /v1/responses/{id}/input_items`; `items` are JSON texts, oldest first. An
/// `after` that is none of them gives an empty list.
#[must_use]
pub fn input_items_body(items: &[String], paging: &Paging) -> Vec<u8> {
    let mut all: Vec<(&RawValue, Option<String>)> = items
        .iter()
        .filter_map(|item| {
            let raw: &RawValue = serde_json::from_str(item).ok()?;
            let id = serde_json::from_str::<wire::Reference>(item).ok().and_then(|item| item.id);
            Some((raw, id))
        })
        .collect();
    match paging.order {
        Order::OldestFirst => {}
        Order::NewestFirst => all.reverse(),
    }
    let start = match &paging.after {
        None => 0,
        Some(after) => all
            .iter()
            .position(|(_, id)| id.as_ref() == Some(after))
            .map_or(all.len(), |place| place + 1),
    };
    let rest = &all[start..];
    let page = &rest[..rest.len().min(paging.limit)];
    json::to_vec(&List {
        object: "list",
        data: page.iter().map(|(raw, _)| *raw).collect(),
        first_id: page.first().and_then(|(_, id)| id.clone()),
        last_id: page.last().and_then(|(_, id)| id.clone()),
        has_more: rest.len() > page.len(),
    })
}

#[derive(Serialize)]
struct InputTokens {
    object: &'static str,
    input_tokens: u64,
}

/// The body of `POST /v1/responses/input_tokens`.
#[must_use]
pub fn input_tokens_body(tokens: u64) -> Vec<u8> {
    json::to_vec(&InputTokens { object: "response.input_tokens", input_tokens: tokens })
}

#[derive(Serialize)]
struct Deleted<'a> {
    id: &'a str,
    object: &'static str,
    deleted: bool,
}

/// The body of `DELETE /v1/responses/{id}`; `id` with its prefix.
#[must_use]
pub fn deleted_body(id: &str) -> Vec<u8> {
    json::to_vec(&Deleted { id, object: "response", deleted: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(limit: Option<&str>, order: Option<&str>, after: Option<&str>) -> String {
        let items = ["a", "b", "c"].map(|id| format!(r#"{{"id":"{id}"}}"#));
        let paging = Paging::read(limit, order, after).expect("legal");
        String::from_utf8(input_items_body(&items, &paging)).expect("UTF-8")
    }

    #[test]
    fn lists_are_paged_from_the_newest() {
        for ((limit, order, after), body) in [
            (
                (None, None, None),
                r#"{"object":"list","data":[{"id":"c"},{"id":"b"},{"id":"a"}],"first_id":"c","last_id":"a","has_more":false}"#,
            ),
            (
                (Some("1"), None, Some("c")),
                r#"{"object":"list","data":[{"id":"b"}],"first_id":"b","last_id":"b","has_more":true}"#,
            ),
            (
                (Some("2"), Some("asc"), None),
                r#"{"object":"list","data":[{"id":"a"},{"id":"b"}],"first_id":"a","last_id":"b","has_more":true}"#,
            ),
            (
                (None, Some("desc"), Some("x")),
                r#"{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}"#,
            ),
        ] {
            assert_eq!(page(limit, order, after), body);
        }
    }

    #[test]
    fn wrong_paging_is_refused() {
        for (limit, order, param) in
            [(Some("0"), None, "limit"), (Some("101"), None, "limit"), (None, Some("up"), "order")]
        {
            let failure = Paging::read(limit, order, None).expect_err("wrong");
            assert_eq!(failure.param.as_deref(), Some(param));
        }
    }

    #[test]
    fn tokens_are_told() {
        assert_eq!(
            input_tokens_body(42),
            br#"{"object":"response.input_tokens","input_tokens":42}"#
        );
    }

    #[test]
    fn deletion_is_confirmed() {
        assert_eq!(
            deleted_body("resp_1"),
            br#"{"id":"resp_1","object":"response","deleted":true}"#
        );
    }
}
