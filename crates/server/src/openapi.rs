//! The description of the API (OpenAPI 3.1): every route of the table with what is said of it here,
//! and the shapes of all bodies. `docs/api.json` is a copy, checked by a test.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use self::notation::Mistake;
use self::operation::{Exposure, Operation};
use crate::table::ROUTES;

mod accounts;
mod chat;
mod editor;
mod editor_shapes;
mod faults;
mod keys;
mod logs;
mod messages;
mod models;
mod notation;
mod one_token;
mod operation;
mod proxies;
mod responses;
mod service;

/// Groups of operations, in the order in which they are read; each with what it is.
pub(crate) const TAGS: &[(&str, &str)] = &[
    ("OpenAI", "For clients of OpenAI's APIs; their base URL ends with `/v1`."),
    ("Anthropic", "For clients of Anthropic's API; their base URL is the gateway's address."),
    ("Models", "For both."),
    ("Code completion", "For editors."),
    ("Accounts", "The operator's accounts, the pool that they form, and logging in."),
    ("Keys", "Keys for clients."),
    ("Proxies", "How calls leave."),
    ("One token", "For one token; nothing is kept but the key that is made."),
    ("Request log", "What was asked and how it ended."),
    ("Settings", "What can be set, and changed while serving."),
    ("Service", "How the service is."),
    ("Pages", "To be read."),
    ("Random values", "Fresh random values as plain text."),
];

/// Shapes of all areas; those that others take fields from come first.
const SHAPES: &[&str] = &[
    faults::SHAPES,
    chat::SHAPES,
    messages::FIRST,
    messages::SHAPES,
    responses::SHAPES,
    models::SHAPES,
    editor_shapes::REQUESTS,
    editor_shapes::ANSWERS,
    one_token::SHAPES,
    accounts::SHAPES,
    keys::SHAPES,
    proxies::SHAPES,
    logs::SHAPES,
    service::SHAPES,
];

fn operations() -> impl Iterator<Item = &'static Operation> {
    let areas = [
        chat::OPERATIONS,
        responses::OPERATIONS,
        messages::OPERATIONS,
        models::OPERATIONS,
        editor::OPERATIONS,
        accounts::OPERATIONS,
        keys::OPERATIONS,
        proxies::OPERATIONS,
        one_token::OPERATIONS,
        logs::OPERATIONS,
        service::OPERATIONS,
    ];
    areas.into_iter().flatten()
}

/// How a route is exposed.
fn exposure(method: &str, path: &str) -> Option<Exposure> {
    let served = ROUTES.iter().find(|route| (route.method, route.path) == (method, path));
    served.map(|route| Exposure {
        access: route.access,
        reads_body: route.reads_body,
        prefixed: route.prefixed,
        cursor: route.cursor,
        logged: route.logged.is_some(),
    })
}

/// The document. The texts that it is made of are checked by tests: no mistake is left in them.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| build().unwrap_or_default());

/// The description of the API.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// Method, path and tag of every operation, in the order in which they are read.
pub(crate) fn listed() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    operations().map(|operation| (operation.method, operation.documented_path(), operation.tag))
}

fn build() -> Result<Value, Mistake> {
    let mut shapes: BTreeMap<String, Value> = BTreeMap::new();
    for text in SHAPES {
        notation::read(text, &mut shapes)?;
    }
    shapes.retain(|_, shape| shape.get(notation::PART).is_none());
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let (method, path) = (operation.method, operation.path);
        let exposure = exposure(method, path)
            .ok_or_else(|| Mistake(format!("{method} {path} is no route")))?;
        let item = paths.entry(operation.documented_path()).or_insert_with(|| json!({}));
        let item = &mut item[method.to_ascii_lowercase()];
        if !item.is_null() {
            return Err(Mistake(format!("{method} {path} is described twice")));
        }
        *item = operation.document(exposure)?;
    }
    let tags = TAGS.iter().map(|(name, about)| json!({"name": name, "description": about}));
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "cursor-api",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A self-hosted gateway.",
            "description": "Any other path answers 404, and any other method 405, in the shape of the \
                            API that it belongs to. Requests may hold fields that are not named \
                            here: they have no effect and are named in the answer's header \
                            `x-ignored-fields`. Answers may come to hold more fields than are \
                            named here.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This gateway."}],
        "tags": tags.collect::<Vec<Value>>(),
        "paths": paths,
        "components": {
            "schemas": shapes,
            "headers": faults::headers(),
            "securitySchemes": schemes(),
        },
    }))
}

fn schemes() -> Value {
    let bearer = |about: &str| json!({"type": "http", "scheme": "bearer", "description": about});
    let header = |about: &str| json!({"type": "apiKey", "in": "header", "name": "x-api-key", "description": about});
    json!({
        "key": bearer("Any key of the gateway: `AUTH_TOKEN`, `SHARED_TOKEN`, or one of `/keys/create` \
                       and `/build-key`."),
        "keyHeader": header("The same in a header of its own; also as `api-key`."),
        "authToken": bearer("`AUTH_TOKEN`; with `-ALIAS` behind it, for this account."),
        "authTokenHeader": header("The same in a header of its own; also as `api-key`."),
        "sharedToken": bearer("`SHARED_TOKEN`."),
    })
}

#[cfg(test)]
mod tests;
