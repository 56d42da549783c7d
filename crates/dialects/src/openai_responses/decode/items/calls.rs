//! Calls of tools and their outputs.

use super::{
    Failure, Items, Part, Place, TextOr, ToolCall, ToolResult, flat_name, json, missing, parse_at,
    raw_object, wire,
};
use crate::freeform;
use crate::tools::arguments;

impl Items<'_, '_> {
    pub(super) fn function_call(&mut self, item: wire::Item, path: &str) -> Result<(), Failure> {
        let id = call_id(item.call_id, path)?;
        let name = self.tool_name(item.namespace.as_deref(), item.name, path)?;
        let arguments = arguments(item.arguments.as_deref(), &format!("{path}.arguments"))?;
        self.builder.call(ToolCall { id, name, arguments }, path)
    }

    pub(super) fn custom_call(&mut self, item: wire::Item, path: &str) -> Result<(), Failure> {
        let id = call_id(item.call_id, path)?;
        let name = self.tool_name(item.namespace.as_deref(), item.name, path)?;
        let input = item.input.ok_or_else(|| missing(format!("{path}.input")))?;
        let arguments = freeform::wrap(&input);
        self.builder.call(ToolCall { id, name, arguments }, path)
    }

    /// A call that has fields instead of arguments.
    pub(super) fn client_call(
        &mut self,
        kind: &str,
        item: wire::Item,
        path: &str,
    ) -> Result<(), Failure> {
        let (name, field, fields) = match kind {
            "local_shell_call" => ("local_shell", "action", item.action),
            "shell_call" => ("shell", "action", item.action),
            _ => ("apply_patch", "operation", item.operation),
        };
        let id = call_id(item.call_id.or(item.id), path)?;
        let path_of_fields = format!("{path}.{field}");
        let fields = fields.ok_or_else(|| missing(path_of_fields.as_str()))?;
        let arguments = json::compact(&raw_object(&fields, &path_of_fields)?);
        let name = self.callables.neutral(None, name);
        self.builder.call(ToolCall { id, name, arguments }, path)
    }

    pub(super) fn output(
        &mut self,
        kind: &str,
        item: wire::Item,
        path: &str,
    ) -> Result<(), Failure> {
        // The output of a local shell has the id of its call under either name.
        let id = if kind == "local_shell_call_output" { item.id } else { None };
        let call_id = call_id(item.call_id.or(id), path)?;
        let path_of_output = format!("{path}.output");
        let is_error =
            kind == "apply_patch_call_output" && item.status.as_deref() == Some("failed");
        let content = match (kind, item.output) {
            ("shell_call_output", Some(raw)) => vec![Part::Text(json::compact(raw.get()))],
            (_, Some(raw)) => {
                let content: TextOr<Vec<wire::Part>> = parse_at(&raw, &path_of_output)?;
                self.reader.parts(content, Place::ToolOutput, &path_of_output)?
            }
            ("apply_patch_call_output", None) => item.status.map(Part::Text).into_iter().collect(),
            (_, None) => return Err(missing(path_of_output)),
        };
        self.builder.result(ToolResult { call_id, content, is_error }, path)
    }

    /// Call and output in one item: a tool that OpenAI called elsewhere. It is history like any
    /// other.
    pub(super) fn mcp_call(&mut self, item: wire::Item, path: &str) -> Result<(), Failure> {
        let id =
            item.id.filter(|id| !id.is_empty()).ok_or_else(|| missing(format!("{path}.id")))?;
        let name = item.name.ok_or_else(|| missing(format!("{path}.name")))?;
        let name = flat_name(item.server_label.as_deref(), &name);
        let arguments = arguments(item.arguments.as_deref(), &format!("{path}.arguments"))?;
        self.builder.call(ToolCall { id: id.clone(), name, arguments }, path)?;
        let is_error = item.error.is_some();
        let text = item.error.or(item.output).map(|raw| {
            serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| json::compact(raw.get()))
        });
        let content = text.map(Part::Text).into_iter().collect();
        self.builder.result(ToolResult { call_id: id, content, is_error }, path)
    }

    pub(super) fn search_call(&mut self, item: wire::Item, path: &str) -> Result<(), Failure> {
        let id = call_id(item.call_id, path)?;
        let name = self.callables.neutral(None, "tool_search");
        let arguments = arguments(item.arguments.as_deref(), &format!("{path}.arguments"))?;
        self.builder.call(ToolCall { id, name, arguments }, path)
    }

    /// The tools themselves are declared; the model is told their names.
    pub(super) fn search_output(&mut self, item: wire::Item, path: &str) -> Result<(), Failure> {
        let call_id = call_id(item.call_id, path)?;
        let mut names = Vec::new();
        for raw in item.tools.iter().flatten() {
            let tool: wire::Tool = parse_at(raw, &format!("{path}.tools"))?;
            let Some(name) = tool.name else { continue };
            match tool.tools {
                None => names.push(name),
                Some(inner) => names.extend(inner.iter().filter_map(|raw| {
                    let tool: wire::Tool = serde_json::from_str(raw.get()).ok()?;
                    Some(self.callables.neutral(Some(&name), &tool.name?))
                })),
            }
        }
        let text = if names.is_empty() {
            "No tool was found.".to_owned()
        } else {
            format!("These tools can be called now: {}.", names.join(", "))
        };
        let content = vec![Part::Text(text)];
        self.builder.result(ToolResult { call_id, content, is_error: false }, path)
    }

    fn tool_name(
        &self,
        namespace: Option<&str>,
        name: Option<String>,
        path: &str,
    ) -> Result<String, Failure> {
        let name =
            name.filter(|name| !name.is_empty()).ok_or_else(|| missing(format!("{path}.name")))?;
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        Ok(self.callables.neutral(namespace, &name))
    }
}

fn call_id(id: Option<String>, path: &str) -> Result<String, Failure> {
    id.filter(|id| !id.is_empty()).ok_or_else(|| missing(format!("{path}.call_id")))
}
