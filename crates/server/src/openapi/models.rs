//! The list of models.

use super::faults::Shape;
use super::messages::VERSION;
use super::operation::{Content, Operation, Parameter, Place, json_of};

pub(super) const SHAPES: &str = r#"
Model answer
  id string
  display_name string
  created int | When the gateway was started: the upstream does not tell.
  created_at time
  object 'model'
  type 'model'
  owned_by string
  supports_thinking bool
  supports_images bool
  supports_max_mode bool
  supports_non_max_mode bool
  context_window? uint | In tokens.
Models answer
  object 'list'
  data [Model]
AnthropicModel answer | A model as Anthropic's clients read it.
  type 'model'
  id string
  display_name string
  created_at time
  lifecycle 'active'
  max_input_tokens uint or null
AnthropicModels answer
  data [AnthropicModel]
  has_more bool
  first_id string or null
  last_id string or null
"#;

const fn query(name: &'static str, shape: &'static str, about: &'static str) -> Parameter {
    Parameter { name, place: Place::Query, required: false, shape, about }
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/models",
        id: "listModels",
        tag: "Models",
        summary: "List the models that the key may use",
        about: "Clients that send `anthropic-version` are answered in the shape of Anthropic's \
                API, page by page.",
        parameters: &[
            VERSION,
            query("limit", "positive", "For Anthropic's clients: 1 to 1000; 20 unless said."),
            query("after_id", "string", "For Anthropic's clients: what comes after this model."),
            query("before_id", "string", "For Anthropic's clients: what comes before this model."),
        ],
        answers: &[json_of(&[Content::Json("Models or AnthropicModels")])],
        faults: Shape::Either,
        statuses: &[400],
        ..Operation::EMPTY
    },
    Operation {
        path: "/v1/models/{*id}",
        id: "getModel",
        tag: "Models",
        summary: "One model",
        parameters: &[
            Parameter {
                name: "id",
                place: Place::Path,
                required: true,
                shape: "text",
                about: "The model's name, which may hold slashes.",
            },
            VERSION,
        ],
        answers: &[json_of(&[Content::Json("Model or AnthropicModel")])],
        faults: Shape::Either,
        statuses: &[400, 404],
        ..Operation::EMPTY
    },
];
