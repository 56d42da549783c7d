//! Code completion and file sync.

use super::chat::CLIENT_KEY;
use super::faults::Shape;
use super::operation::{Answer, Body, Content, Operation, Parameter, json_of};

const TAG: &str = "Code completion";

/// Where files are meant, the editor must say who it is.
const MUST_CLIENT_KEY: Parameter = Parameter { required: true, ..CLIENT_KEY };

const COMPLETION: Operation = Operation {
    method: "POST",
    tag: TAG,
    faults: Shape::Editor,
    statuses: &[404, 502, 503, 504],
    ..Operation::EMPTY
};

const FILE: Operation = Operation {
    parameters: &[MUST_CLIENT_KEY],
    answers: &[json_of(&[Content::Json("EditorOutcome")])],
    headers: &["x-ignored-fields", "set-cookie"],
    ..COMPLETION
};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/cpp/config",
        id: "getCompletionConfig",
        summary: "How the editor is to complete",
        body: Body::Json("EditorCompletionConfigQuery", r#"{"model": "fast"}"#),
        answers: &[json_of(&[Content::Json("EditorConfig")])],
        headers: &["x-ignored-fields"],
        ..COMPLETION
    },
    Operation {
        path: "/cpp/models",
        id: "listCompletionModels",
        summary: "Models that complete code",
        answers: &[json_of(&[Content::Json("EditorModels")])],
        ..COMPLETION
    },
    Operation {
        path: "/cpp/stream",
        id: "streamCompletion",
        summary: "Complete code",
        about: "Edits and the next place of the cursor, as server-sent events.",
        parameters: &[CLIENT_KEY],
        body: Body::Json(
            "EditorCompletionRequest",
            r#"{"current_file": {"relative_workspace_path": "main.py", "contents": "def f():\n",
                "cursor_position": {"line": 1, "column": 0}, "language_id": "python",
                "total_number_of_lines": 2}, "model_name": "fast"}"#,
        ),
        answers: &[Answer {
            status: 200,
            about: "The events.",
            content: &[Content::Events("EditorEvent", "They end with `stream_end` or `error`.")],
        }],
        headers: &["x-ignored-fields", "set-cookie"],
        ..COMPLETION
    },
    Operation {
        path: "/file/upload",
        id: "uploadFile",
        summary: "Give the upstream a file",
        body: Body::Json(
            "EditorFileUpload",
            r#"{"uuid": "0f9d2c7e-4f0b-4b4e-9a53-2b1f6a0c7d11",
                "relative_workspace_path": "main.py", "contents": "pass\n", "model_version": 1}"#,
        ),
        ..FILE
    },
    Operation {
        path: "/file/sync",
        id: "syncFile",
        summary: "Tell the upstream what changed in a file",
        body: Body::Json(
            "EditorFileSync",
            r#"{"uuid": "0f9d2c7e-4f0b-4b4e-9a53-2b1f6a0c7d11",
                "relative_workspace_path": "main.py", "model_version": 1, "filesync_updates": []}"#,
        ),
        ..FILE
    },
];
