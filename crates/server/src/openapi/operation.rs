//! What is said of one route, and how it becomes an operation of the document.

use serde_json::{Map, Value, json};

use super::faults::{self, Shape};
use super::notation;
use crate::table::Access;

/// One route with what a client has to know of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    /// As in the table of routes.
    pub(super) path: &'static str,
    /// A name for programs, which never changes.
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    /// Particulars, in Markdown.
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Body,
    /// Good answers.
    pub(super) answers: &'static [Answer],
    /// Headers of good answers, besides those of all.
    pub(super) headers: &'static [&'static str],
    /// In whose shape errors are told.
    pub(super) faults: Shape,
    /// Statuses of errors, besides those that follow from access and body.
    pub(super) statuses: &'static [u16],
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) required: bool,
    /// A type in the notation.
    pub(super) shape: &'static str,
    pub(super) about: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

/// What a request brings along.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body {
    None,
    /// Type and example.
    Json(&'static str, &'static str),
    /// The same for one that may be left out.
    MayBeJson(&'static str, &'static str),
    /// A text of this media type, with an example.
    Text(&'static str, &'static str),
}

/// One good answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) about: &'static str,
    pub(super) content: &'static [Content],
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    /// JSON of this type.
    Json(&'static str),
    /// Text of this media type; what is in it.
    Text(&'static str, &'static str),
    /// Server-sent events whose data is JSON of this type; what they are.
    Events(&'static str, &'static str),
}

/// Media type of server-sent events.
const EVENTS: &str = "text/event-stream";

/// One JSON answer.
pub(super) const fn json_of(shape: &'static [Content; 1]) -> Answer {
    Answer { status: 200, about: "Done.", content: shape }
}

/// Where an operation is served, and for whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exposure {
    pub(super) access: Access,
    pub(super) reads_body: bool,
    pub(super) prefixed: bool,
    pub(super) cursor: bool,
    /// Whether its requests are kept in the request log.
    pub(super) logged: bool,
}

impl Operation {
    /// What the fields have that nobody gives.
    pub(super) const EMPTY: Self = Self {
        method: "GET",
        path: "/",
        id: "",
        tag: "",
        summary: "",
        about: "",
        parameters: &[],
        body: Body::None,
        answers: &[],
        headers: &[],
        faults: Shape::OpenAi,
        statuses: &[],
    };

    /// The path as OpenAPI writes it: it knows no parameters that take the rest of a path.
    pub(super) fn documented_path(&self) -> String {
        self.path.replace("{*", "{")
    }

    pub(super) fn document(&self, exposure: Exposure) -> Result<Value, notation::Mistake> {
        let mut operation = Map::new();
        operation.insert("operationId".to_owned(), self.id.into());
        operation.insert("tags".to_owned(), json!([self.tag]));
        operation.insert("summary".to_owned(), self.summary.into());
        operation.insert("description".to_owned(), self.description(exposure).into());
        operation.insert("security".to_owned(), security(exposure.access));
        let parameters = self.parameters.iter().map(Parameter::document);
        let parameters: Vec<Value> = parameters.collect::<Result<_, _>>()?;
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), parameters.into());
        }
        if let Some(body) = self.request_body()? {
            operation.insert("requestBody".to_owned(), body);
        }
        operation.insert("responses".to_owned(), self.responses(exposure)?);
        Ok(operation.into())
    }

    fn description(&self, exposure: Exposure) -> String {
        let who = match exposure.access {
            Access::Open => "Anybody may call it.",
            Access::Key => "Needs any key of the gateway.",
            Access::Admin => "Needs `AUTH_TOKEN`.",
            Access::AdminOrShared => "Needs `AUTH_TOKEN` or `SHARED_TOKEN`.",
        };
        let mut text = self.about.to_owned();
        let mut say = |sentence: &str| {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(sentence);
        };
        say(who);
        if exposure.cursor {
            say(&format!("Also at `/cursor{}`.", self.documented_path()));
        }
        if exposure.prefixed {
            say("Also under `server.route_prefix`, if there is one.");
        }
        text
    }

    fn request_body(&self) -> Result<Option<Value>, notation::Mistake> {
        let json_body = |shape: &str, example: &str, required: bool| {
            let example: Value = serde_json::from_str(example)
                .map_err(|_| notation::Mistake(format!("the example of {}", self.id)))?;
            let media = json!({"schema": notation::of(shape)?, "example": example});
            Ok(Some(json!({"required": required, "content": {"application/json": media}})))
        };
        match self.body {
            Body::None => Ok(None),
            Body::Json(shape, example) => json_body(shape, example, true),
            Body::MayBeJson(shape, example) => json_body(shape, example, false),
            Body::Text(media, example) => Ok(Some(json!({
                "required": true,
                "content": {media: {"schema": {"type": "string"}, "example": example}},
            }))),
        }
    }

    fn responses(&self, exposure: Exposure) -> Result<Value, notation::Mistake> {
        let mut responses = Map::new();
        for answer in self.answers {
            let traced: &[&str] = if exposure.logged { &faults::TRACED } else { &[] };
            let headers = ["x-request-id"].iter().chain(self.headers).chain(traced);
            let headers: Map<String, Value> =
                headers.map(|name| ((*name).to_owned(), faults::header(name))).collect();
            let mut response = json!({"description": answer.about, "headers": headers});
            let mut content = Map::new();
            for one in answer.content {
                let (media, shape) = one.document()?;
                content.insert(media.to_owned(), shape);
            }
            if !content.is_empty() {
                response["content"] = content.into();
            }
            responses.insert(answer.status.to_string(), response);
        }
        for status in self.error_statuses(exposure) {
            let response = faults::response(self.faults, status, exposure.logged);
            responses.insert(status.to_string(), response);
        }
        Ok(responses.into())
    }

    /// All statuses of errors that can be met.
    fn error_statuses(&self, exposure: Exposure) -> Vec<u16> {
        let mut statuses = self.statuses.to_vec();
        // Whatever is asked for is refused once the gateway is stopping, but how it is.
        if !crate::readiness::is_health(self.path) {
            statuses.push(503);
        }
        if exposure.reads_body {
            statuses.extend([400, 413]);
        }
        match exposure.access {
            Access::Open => {}
            Access::Key | Access::Admin | Access::AdminOrShared => {
                statuses.extend([401, 403, 429]);
            }
        }
        if !matches!(self.body, Body::None) || exposure.access != Access::Open {
            statuses.push(500);
        }
        statuses.sort_unstable();
        statuses.dedup();
        statuses
    }
}

fn security(access: Access) -> Value {
    match access {
        Access::Open => json!([]),
        Access::Key => json!([{"key": []}, {"keyHeader": []}]),
        Access::Admin => json!([{"authToken": []}, {"authTokenHeader": []}]),
        Access::AdminOrShared => json!([{"authToken": []}, {"authTokenHeader": []},
            {"sharedToken": []}]),
    }
}

impl Parameter {
    fn document(&self) -> Result<Value, notation::Mistake> {
        Ok(json!({
            "name": self.name,
            "in": self.place.word(),
            "required": self.required,
            "description": self.about,
            "schema": notation::of(self.shape)?,
        }))
    }
}

impl Content {
    fn document(&self) -> Result<(&'static str, Value), notation::Mistake> {
        match self {
            Self::Json(shape) => Ok(("application/json", json!({"schema": notation::of(shape)?}))),
            Self::Text(media, about) => {
                Ok((*media, json!({"schema": {"type": "string", "description": about}})))
            }
            // OpenAPI 3.1 has no word for the data of an event; 3.2 has one much like this.
            Self::Events(shape, about) => {
                let mut shape = notation::of(shape)?;
                shape["description"] = (*about).into();
                Ok((EVENTS, json!({"x-itemSchema": shape})))
            }
        }
    }
}
