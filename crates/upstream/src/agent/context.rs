//! What the server is told about the client's surroundings: instructions, tools, time zone.

use conversation::Tool;
use cursor_proto::agent::view::ExecServerMessageView;
use cursor_proto::agent::{
    AgentClientMessage, ExecClientStreamClose, McpToolDefinition, RequestContext,
    RequestContextEnv, RequestContextResult, RequestContextSuccess,
};

use super::{refusal, values};
use crate::offer::Offer;

/// The word by which calls are routed back to us; a free choice.
const PROVIDER: &str = "gateway";

/// What the server is told when it asks.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) instructions: String,
    pub(super) timezone: String,
    pub(super) web_search: bool,
}

impl Context {
    /// The answers to a request for the context.
    pub(super) fn answer(
        &self,
        exec: &ExecServerMessageView<'_>,
        offer: &Offer,
    ) -> Vec<AgentClientMessage> {
        let Self { instructions, timezone, web_search } = self;
        let context = RequestContext {
            env: RequestContextEnv {
                os_version: "linux".to_owned(),
                workspace_paths: vec!["/workspace".to_owned()],
                shell: "bash".to_owned(),
                time_zone: timezone.clone(),
                project_folder: "/workspace".to_owned(),
                ..Default::default()
            }
            .into(),
            cloud_rule: (!instructions.is_empty()).then(|| instructions.clone()),
            tools: definitions(offer),
            web_search_enabled: Some(*web_search),
            web_fetch_enabled: Some(false),
            ..Default::default()
        };
        let success =
            RequestContextSuccess { request_context: context.into(), ..Default::default() };
        let result = RequestContextResult { result: success.into(), ..Default::default() };
        vec![
            refusal::exec_result(exec, result.into()),
            refusal::control(ExecClientStreamClose { id: exec.id, ..Default::default() }.into()),
        ]
    }
}

/// The client's tools as both the request and the context declare them.
pub(super) fn definitions(offer: &Offer) -> Vec<McpToolDefinition> {
    let definition = |(name, tool): (String, &Tool)| McpToolDefinition {
        tool_name: name.clone(),
        name,
        description: tool.description.clone(),
        input_schema: values::from_text(&tool.parameters).into(),
        provider_identifier: PROVIDER.to_owned(),
        ..Default::default()
    };
    offer.tools().map(definition).collect()
}
