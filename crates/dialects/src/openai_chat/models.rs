//! The model list. Which models there are is the catalogue's business.

use conversation::Model;
use jiff::Timestamp;
use serde::Serialize;

use crate::json;

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Entry<'a>>,
}

/// The fields of the specification; OpenAI's own are `id`, `created`, `object` and `owned_by`.
#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    display_name: &'a str,
    created: i64,
    created_at: String,
    object: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    owned_by: &'a str,
    supports_thinking: bool,
    supports_images: bool,
    supports_max_mode: bool,
    supports_non_max_mode: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_window: Option<u64>,
}

/// The body of `GET /v1/models`.
#[must_use]
pub fn models_body(models: &[Model], created_unix: i64) -> Vec<u8> {
    let data = models.iter().map(|model| entry(model, created_unix)).collect();
    json::to_vec(&List { object: "list", data })
}

/// The body of `GET /v1/models/{id}`.
#[must_use]
pub fn model_body(model: &Model, created_unix: i64) -> Vec<u8> {
    json::to_vec(&entry(model, created_unix))
}

fn entry(model: &Model, created_unix: i64) -> Entry<'_> {
    Entry {
        id: model.id.as_str(),
        display_name: &model.display_name,
        created: created_unix,
        created_at: Timestamp::from_second(created_unix)
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_string(),
        object: "model",
        kind: "model",
        owned_by: &model.owned_by,
        supports_thinking: model.thinking,
        supports_images: model.images,
        supports_max_mode: model.max_mode,
        supports_non_max_mode: model.non_max_mode,
        context_window: model.context_tokens,
    }
}

#[cfg(test)]
mod tests {
    use conversation::ModelName;

    use super::*;

    fn model(context_tokens: Option<u64>) -> Model {
        Model {
            id: ModelName::new("claude-4.5-sonnet"),
            display_name: "Claude 4.5 Sonnet".into(),
            owned_by: "anthropic".into(),
            thinking: false,
            images: true,
            max_mode: true,
            non_max_mode: true,
            context_tokens,
            context_tokens_max_mode: None,
        }
    }

    #[test]
    fn the_list_has_the_fields_of_the_specification() {
        let body = models_body(&[model(Some(200_000))], 1_700_000_000);
        insta::assert_snapshot!(
            String::from_utf8(body).expect("UTF-8"),
            @r#"{"object":"list","data":[{"id":"claude-4.5-sonnet","display_name":"Claude 4.5 Sonnet","created":1700000000,"created_at":"2023-11-14T22:13:20Z","object":"model","type":"model","owned_by":"anthropic","supports_thinking":false,"supports_images":true,"supports_max_mode":true,"supports_non_max_mode":true,"context_window":200000}]}"#
        );
    }

    #[test]
    fn one_model_is_an_entry_of_the_list_and_an_unknown_window_is_left_out() {
        let one = String::from_utf8(model_body(&model(None), 0)).expect("UTF-8");
        let list = String::from_utf8(models_body(&[model(None)], 0)).expect("UTF-8");
        assert_eq!(list, format!(r#"{{"object":"list","data":[{one}]}}"#));
        assert!(!one.contains("context_window"));
        assert_eq!(models_body(&[], 0), br#"{"object":"list","data":[]}"#);
    }

    #[test]
    fn an_impossible_time_does_not_panic() {
        assert!(!model_body(&model(None), i64::MAX).is_empty());
    }
}
