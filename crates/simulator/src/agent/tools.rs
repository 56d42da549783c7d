//! Tool calls of agent.v1: announced as updates, requested as exec messages.
//!
//! All calls of a step run in parallel; the step ends when every one is answered
//! (`reference/messages/agent.md`, "MCP tools").

use cursor_proto::agent::{
    McpArgs, PartialToolCallUpdate, ToolCallCompletedUpdate, ToolCallStartedUpdate,
};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::exchange::Expected;
use super::updates::{exec, tool_call, update};
use super::{Agent, RESULT, answers, values};
use crate::link::Halt;
use crate::player::texts;
use crate::view::{Message, Role, Tool};

/// Code points of a piece of streamed arguments; more of long ones, so that the pieces stay few.
const ARGUMENT_PIECE: usize = 16;
const MOST_PIECES: usize = 64;

/// A call that was requested.
pub(super) struct PlannedCall {
    exec: u32,
    args: McpArgs,
    arguments: Value,
    model_call_id: String,
}

/// A unique id with this prefix.
pub(super) fn fresh(prefix: &str) -> String {
    let id = Uuid::new_v4().simple().to_string();
    format!("{prefix}{}", &id[..24])
}

impl Agent {
    pub(super) fn begin_call(&mut self, tool: &Tool, arguments: &RawValue) {
        // Arguments that are no object have no place in the map: the call has none.
        let json: Value = serde_json::from_str(arguments.get()).unwrap_or_default();
        let json = if json.is_object() { json } else { json!({}) };
        let call = PlannedCall {
            exec: self.exchange.ask_exec(Expected::Mcp),
            args: mcp_args(tool, &json),
            arguments: json,
            model_call_id: fresh("mc_"),
        };
        self.announce(&call, tool);
        self.send(&exec(call.exec, call.args.clone()));
        self.step.calls.push(call);
    }

    fn announce(&self, call: &PlannedCall, tool: &Tool) {
        let call_id = &call.args.tool_call_id;
        let announced = McpArgs {
            name: tool.name.clone(),
            tool_call_id: call_id.clone(),
            ..Default::default()
        };
        let arguments = call.arguments.to_string();
        let size = ARGUMENT_PIECE.max(arguments.len() / MOST_PIECES);
        for piece in texts::pieces(&arguments, size) {
            self.send(&update(PartialToolCallUpdate {
                call_id: call_id.clone(),
                tool_call: tool_call(announced.clone(), None).into(),
                args_text_delta: piece.to_owned(),
                model_call_id: call.model_call_id.clone(),
                ..Default::default()
            }));
        }
        self.send(&update(ToolCallStartedUpdate {
            call_id: call_id.clone(),
            tool_call: tool_call(call.args.clone(), None).into(),
            model_call_id: call.model_call_id.clone(),
            ..Default::default()
        }));
    }

    /// Waits for all results of the step. Whether there were any calls.
    pub(super) async fn end_calls(&mut self) -> Result<bool, Halt> {
        let calls = std::mem::take(&mut self.step.calls);
        if calls.is_empty() {
            return Ok(false);
        }
        let late = "The tool did not answer";
        self.answered(RESULT, late, |exchange| {
            calls.iter().all(|call| exchange.exec_answer(call.exec).is_some())
        })
        .await?;
        self.view.messages.push(Message::calling(self.step.text.as_str(), calls.len()));
        for call in calls {
            self.end_call(call);
        }
        Ok(true)
    }

    fn end_call(&mut self, call: PlannedCall) {
        let answer = self.exchange.exec_answer(call.exec);
        let text = answer.map(answers::text).unwrap_or_default();
        let success = answer.and_then(answers::success);
        self.step.finished_calls.push(json!({
            "type": "tool-call",
            "toolCallId": call.args.tool_call_id,
            "toolName": call.args.name,
            "args": call.arguments,
        }));
        self.send(&update(ToolCallCompletedUpdate {
            call_id: call.args.tool_call_id.clone(),
            tool_call: tool_call(call.args, success).into(),
            model_call_id: call.model_call_id,
            ..Default::default()
        }));
        self.view.messages.push(Message::new(Role::Tool, text));
    }
}

fn mcp_args(tool: &Tool, arguments: &Value) -> McpArgs {
    let fields = arguments.as_object().into_iter().flatten();
    McpArgs {
        name: tool.name.clone(),
        args: fields.map(|(name, value)| (name.clone(), values::from_json(value))).collect(),
        tool_call_id: fresh("toolu_"),
        provider_identifier: tool.server.clone(),
        tool_name: tool.alias.clone(),
        ..Default::default()
    }
}
