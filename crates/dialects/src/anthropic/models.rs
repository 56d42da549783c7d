//! The model list as Anthropic's SDKs read it, page by page. Which models there are is the
//! catalogue's business.

use conversation::Model;
use jiff::Timestamp;
use serde::Serialize;

use crate::json;

/// Which part of the list a client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Most entries.
    pub limit: usize,
    /// Only what comes after this entry.
    pub after_id: Option<String>,
    /// Only what comes before this entry: the last of these, where there are more.
    pub before_id: Option<String>,
}

#[derive(Serialize)]
struct List<'a> {
    data: Vec<Entry<'a>>,
    /// Whether there are more in the direction of reading.
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: String,
    lifecycle: &'static str,
    max_input_tokens: Option<u64>,
}

/// The body of `GET /v1/models` for a client that speaks this API. An id that is not in the list
/// has nothing before or after it.
#[must_use]
pub fn models_body(models: &[Model], created_unix: i64, page: &Page) -> Vec<u8> {
    let place = |id: &str| models.iter().position(|model| model.id.as_str() == id);
    let mut range = models;
    if let Some(id) = &page.before_id {
        range = place(id).map_or(&[][..], |at| &models[..at]);
    }
    if let Some(id) = &page.after_id {
        let from = place(id).map_or(range.len(), |at| at + 1);
        range = range.get(from..).unwrap_or_default();
    }
    let length = range.len().min(page.limit);
    let backwards = page.before_id.is_some() && page.after_id.is_none();
    let shown = if backwards { &range[range.len() - length..] } else { &range[..length] };
    json::to_vec(&List {
        data: shown.iter().map(|model| entry(model, created_unix)).collect(),
        has_more: length < range.len(),
        first_id: shown.first().map(|model| model.id.as_str()),
        last_id: shown.last().map(|model| model.id.as_str()),
    })
}

/// The body of `GET /v1/models/{id}` for such a client.
#[must_use]
pub fn model_body(model: &Model, created_unix: i64) -> Vec<u8> {
    json::to_vec(&entry(model, created_unix))
}

fn entry(model: &Model, created_unix: i64) -> Entry<'_> {
    Entry {
        kind: "model",
        id: model.id.as_str(),
        display_name: &model.display_name,
        created_at: Timestamp::from_second(created_unix)
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_string(),
        lifecycle: "active",
        max_input_tokens: model.context_tokens,
    }
}

#[cfg(test)]
mod tests {
    use conversation::ModelName;
    use serde_json::Value;

    use super::*;

    fn model(id: &str, context_tokens: Option<u64>) -> Model {
        Model {
            id: ModelName::new(id),
            display_name: format!("Model {id}"),
            owned_by: "anthropic".into(),
            thinking: false,
            images: true,
            max_mode: true,
            non_max_mode: true,
            context_tokens,
            context_tokens_max_mode: None,
        }
    }

    fn page(limit: usize, after: Option<&str>, before: Option<&str>) -> Page {
        Page { limit, after_id: after.map(str::to_owned), before_id: before.map(str::to_owned) }
    }

    #[test]
    fn the_list_has_the_fields_of_the_api() {
        let models = [model("a", Some(200_000)), model("b", None)];
        insta::assert_snapshot!(
            String::from_utf8(models_body(&models, 1_700_000_000, &page(20, None, None))).expect("UTF-8"),
            @r#"{"data":[{"type":"model","id":"a","display_name":"Model a","created_at":"2023-11-14T22:13:20Z","lifecycle":"active","max_input_tokens":200000},{"type":"model","id":"b","display_name":"Model b","created_at":"2023-11-14T22:13:20Z","lifecycle":"active","max_input_tokens":null}],"has_more":false,"first_id":"a","last_id":"b"}"#
        );
        let one = String::from_utf8(model_body(&models[0], i64::MAX)).expect("UTF-8");
        assert!(one.contains(r#""id":"a""#) && one.contains("1970-01-01"), "{one}");
    }

    #[test]
    fn pages_go_forward_and_backward() {
        let models: Vec<Model> = ["a", "b", "c", "d", "e"].map(|id| model(id, None)).into();
        for (wanted, ids, has_more) in [
            (page(2, None, None), &["a", "b"][..], true),
            (page(2, Some("b"), None), &["c", "d"], true),
            (page(2, Some("d"), None), &["e"], false),
            (page(2, Some("e"), None), &[], false),
            (page(2, None, Some("e")), &["c", "d"], true),
            (page(2, None, Some("c")), &["a", "b"], false),
            (page(2, None, Some("a")), &[], false),
            (page(9, Some("a"), Some("d")), &["b", "c"], false),
            (page(9, Some("d"), Some("b")), &[], false),
            (page(9, Some("zz"), None), &[], false),
            (page(9, None, Some("zz")), &[], false),
            (page(0, None, None), &[], true),
        ] {
            let body: Value =
                serde_json::from_slice(&models_body(&models, 0, &wanted)).expect("JSON");
            let shown: Vec<&str> = body["data"]
                .as_array()
                .expect("data")
                .iter()
                .map(|entry| entry["id"].as_str().expect("id"))
                .collect();
            assert_eq!(shown, ids, "{wanted:?}");
            assert_eq!(body["has_more"], has_more, "{wanted:?}");
            assert_eq!(body["first_id"].as_str(), ids.first().copied(), "{wanted:?}");
            assert_eq!(body["last_id"].as_str(), ids.last().copied(), "{wanted:?}");
        }
    }
}
