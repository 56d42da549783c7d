//! The model table in the shapes of both model lists.

use cursor_proto::agent::{
    GetDefaultModelForCliResponse, GetUsableModelsRequest, GetUsableModelsResponse, ModelDetails,
    ThinkingDetails,
};
use cursor_proto::aiserver::available_models_response::{
    AvailableModel, DegradationStatus, FeatureModelConfig, TooltipData,
};
use cursor_proto::aiserver::{AvailableModelsRequest, AvailableModelsResponse};
use serde_json::{Value, json};

use crate::failure::{Code, Failure};
use crate::models::{self, Filter, Listed, Model};

/// The answer to `AvailableModels`.
pub(crate) fn available_models(request: &AvailableModelsRequest) -> AvailableModelsResponse {
    let filter = Filter {
        long_context: request.include_long_context_models,
        without_max_named: request.exclude_max_named_models,
        additional: &request.additional_model_names,
    };
    let models: Vec<AvailableModel> = models::listed(filter).map(available).collect();
    AvailableModelsResponse {
        model_names: models.iter().map(|model| model.name.clone()).collect(),
        models,
        composer_model_config: FeatureModelConfig {
            default_model: "default".to_owned(),
            ..Default::default()
        }
        .into(),
        ..Default::default()
    }
}

fn available(model: &Model) -> AvailableModel {
    let markdown_content = Some(format!("**{}**", model.display_name));
    AvailableModel {
        name: model.id.to_owned(),
        default_on: model.listed == Listed::Always,
        supports_agent: Some(true),
        degradation_status: Some(DegradationStatus::DEGRADATION_STATUS_UNSPECIFIED.into()),
        tooltip_data: TooltipData { markdown_content, ..Default::default() }.into(),
        supports_thinking: Some(model.thinking),
        supports_images: Some(model.images),
        supports_max_mode: Some(model.max_context.is_some()),
        context_token_limit: Some(model.context),
        context_token_limit_for_max_mode: model.max_context,
        client_display_name: Some(model.display_name.to_owned()),
        server_model_name: Some(model.id.to_owned()),
        supports_non_max_mode: Some(model.listed != Listed::LongContext),
        supports_plan_mode: Some(true),
        inputbox_short_model_name: Some(model.display_name.to_owned()),
        ..Default::default()
    }
}

/// The answer to `GetUsableModels`.
pub(crate) fn usable_models(request: &GetUsableModelsRequest) -> GetUsableModelsResponse {
    let models = usable(&request.custom_model_ids).map(details).collect();
    GetUsableModelsResponse { models, ..Default::default() }
}

fn usable(custom: &[String]) -> impl Iterator<Item = &'static Model> {
    models::listed(Filter { long_context: false, without_max_named: true, additional: custom })
}

fn details(model: &'static Model) -> ModelDetails {
    ModelDetails {
        model_id: model.id.to_owned(),
        thinking_details: model.thinking.then(ThinkingDetails::default).into(),
        display_model_id: model.id.to_owned(),
        display_name: model.display_name.to_owned(),
        display_name_short: model.display_name.to_owned(),
        aliases: model.aliases.iter().map(|&alias| alias.to_owned()).collect(),
        max_mode: Some(false),
        ..Default::default()
    }
}

/// The same as Connect JSON.
pub(crate) fn usable_models_json(request: &[u8]) -> Result<Vec<u8>, Failure> {
    let request: Value = serde_json::from_slice(request).map_err(|error| {
        Failure::transport(Code::InvalidArgument, format!("parse JSON: {error}"))
    })?;
    let custom = request["customModelIds"].as_array().into_iter().flatten();
    let custom: Vec<String> = custom.filter_map(|id| id.as_str().map(str::to_owned)).collect();
    let models: Vec<Value> = usable(&custom).map(details_json).collect();
    Ok(json!({"models": models}).to_string().into_bytes())
}

fn details_json(model: &'static Model) -> Value {
    let mut json = json!({
        "modelId": model.id,
        "displayModelId": model.id,
        "displayName": model.display_name,
        "displayNameShort": model.display_name,
        "maxMode": false,
    });
    if model.thinking {
        json["thinkingDetails"] = json!({});
    }
    if !model.aliases.is_empty() {
        json["aliases"] = json!(model.aliases);
    }
    json
}

/// The answer to `GetDefaultModelForCli`.
pub(crate) fn default_model() -> GetDefaultModelForCliResponse {
    GetDefaultModelForCliResponse {
        model: models::find("default").map(details).into(),
        ..Default::default()
    }
}
