//! The page of the API: every operation and every shape of the description, to be read by people.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::markdown::{self, escaped};
use crate::openapi::{self, TAGS};

/// The inside of the page.
pub(super) fn page() -> String {
    let document = openapi::document();
    let mut html = String::with_capacity(512 << 10);
    html.push_str("<div class=\"layout\"><nav class=\"side\" aria-label=\"Contents\"><ul>");
    for (name, _) in TAGS {
        let _ = write!(html, "<li><a href=\"#{}\">{}</a></li>", anchor(name), escaped(name));
    }
    html.push_str("<li><a href=\"#shapes\">Shapes</a></li></ul></nav><main><h1>API</h1>");
    html.push_str(&prose(text(&document["info"]["description"])));
    html.push_str(
        "<p>For programs: <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1). Keys go into \
         <code>Authorization: Bearer KEY</code> or <code>x-api-key: KEY</code>.</p>",
    );
    for (name, about) in TAGS {
        let _ = write!(html, "<h2 id=\"{}\">{}</h2>", anchor(name), escaped(name));
        html.push_str(&prose(about));
        for (method, path, _) in openapi::listed().filter(|(.., tag)| tag == name) {
            let operation = &document["paths"][&path][method.to_ascii_lowercase()];
            write_operation(&mut html, method, &path, operation);
        }
    }
    html.push_str(
        "<h2 id=\"shapes\">Shapes</h2><p>Fields with <code>?</code> may be left out.</p>",
    );
    for (name, shape) in object(&document["components"]["schemas"]) {
        write_shape(&mut html, name, shape);
    }
    html.push_str("</main></div>");
    html
}

fn anchor(name: &str) -> String {
    name.to_ascii_lowercase().replace(' ', "-")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Markdown, as the description has it.
fn prose(text: &str) -> String {
    markdown::html(text, |_| None)
}

/// The same for one line inside something else.
fn line(text: &str) -> String {
    let html = prose(text);
    let html = html.trim_end();
    html.strip_prefix("<p>").and_then(|html| html.strip_suffix("</p>")).unwrap_or(html).to_owned()
}

fn who(operation: &Value) -> &'static str {
    let first = list(&operation["security"]).first().and_then(Value::as_object);
    match first.and_then(|scheme| scheme.keys().next()).map(String::as_str) {
        None => "open",
        Some("key") => "any key",
        Some(_) if list(&operation["security"]).len() > 2 => "AUTH_TOKEN or SHARED_TOKEN",
        Some(_) => "AUTH_TOKEN",
    }
}

fn write_operation(html: &mut String, method: &str, path: &str, operation: &Value) {
    let _ = write!(
        html,
        "<details id=\"{}\"><summary><span class=\"method {}\">{method}</span><code>{}</code>\
         <span class=\"what\">{}</span><span class=\"who\">{}</span></summary><div class=\"inside\">",
        escaped(text(&operation["operationId"])),
        method.to_ascii_lowercase(),
        escaped(path),
        line(text(&operation["summary"])),
        who(operation),
    );
    html.push_str(&prose(text(&operation["description"])));
    write_parameters(html, &operation["parameters"]);
    if let Some((media, content)) = object(&operation["requestBody"]["content"]).next() {
        let may =
            if operation["requestBody"]["required"] == true { "" } else { ", may be left out" };
        let _ = write!(
            html,
            "<h4>Body</h4><p>{}, <code>{}</code>{may}</p>",
            type_of(&content["schema"]),
            escaped(media)
        );
        let example = &content["example"];
        let example = match example.as_str() {
            Some(text) => text.to_owned(),
            None => serde_json::to_string_pretty(example).unwrap_or_default(),
        };
        let _ = write!(html, "<pre><code>{}</code></pre>", escaped(&example));
    }
    write_answers(html, &operation["responses"]);
    html.push_str("</div></details>");
}

fn write_parameters(html: &mut String, parameters: &Value) {
    if list(parameters).is_empty() {
        return;
    }
    html.push_str("<h4>Parameters</h4><table><tbody>");
    for parameter in list(parameters) {
        let may = if parameter["required"] == true { "" } else { "?" };
        let _ = write!(
            html,
            "<tr><td><code>{}{may}</code></td><td class=\"soft\">{}</td><td>{}</td><td>{}</td></tr>",
            escaped(text(&parameter["name"])),
            escaped(text(&parameter["in"])),
            type_of(&parameter["schema"]),
            line(text(&parameter["description"])),
        );
    }
    html.push_str("</tbody></table>");
}

fn write_answers(html: &mut String, responses: &Value) {
    html.push_str("<h4>Answers</h4><table><tbody>");
    for (status, response) in object(responses) {
        let mut contents = String::new();
        for (media, content) in object(&response["content"]) {
            if !contents.is_empty() {
                contents.push_str("<br>");
            }
            let events = &content["x-itemSchema"];
            let shape = if events.is_null() { &content["schema"] } else { events };
            let _ = write!(contents, "{}", type_of(shape));
            if media != "application/json" {
                let _ = write!(contents, " <span class=\"soft\">{}</span>", escaped(media));
            }
        }
        let _ = write!(
            html,
            "<tr><td><code>{}</code></td><td>{contents}</td><td>{}</td></tr>",
            escaped(status),
            line(text(&response["description"])),
        );
    }
    html.push_str("</tbody></table>");
}

fn write_shape(html: &mut String, name: &str, shape: &Value) {
    let name = escaped(name);
    let _ = write!(html, "<section class=\"shape\" id=\"{name}\"><h3><code>{name}</code></h3>");
    if !text(&shape["description"]).is_empty() {
        let _ = write!(html, "<p>{}</p>", line(text(&shape["description"])));
    }
    if shape["properties"].is_null() {
        let _ = write!(html, "<p>{}</p></section>", type_of(shape));
        return;
    }
    let required = list(&shape["required"]);
    let is_required = |name: &str| required.iter().any(|required| required == name);
    let (must, may): (Vec<_>, Vec<_>) =
        object(&shape["properties"]).partition(|(name, _)| is_required(name));
    html.push_str("<table><tbody>");
    for (field, shape) in must.into_iter().chain(may) {
        let mark = if is_required(field) { "" } else { "?" };
        let _ = write!(
            html,
            "<tr><td><code>{}{mark}</code></td><td><span class=\"type\">{}</span></td><td>{}</td></tr>",
            escaped(field),
            type_of(shape),
            line(text(&shape["description"])),
        );
    }
    html.push_str("</tbody></table></section>");
}

/// A schema in a few words, with links to the shapes that it names.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    let alternatives = list(&schema["anyOf"]);
    if !alternatives.is_empty() {
        let types: Vec<String> = alternatives.iter().map(type_of).collect();
        return types.join(" or ");
    }
    let quoted = |value: &Value| format!("<code>{}</code>", escaped(&value.to_string()));
    if !schema["const"].is_null() {
        return quoted(&schema["const"]);
    }
    let words = list(&schema["enum"]);
    if !words.is_empty() {
        return words.iter().map(quoted).collect::<Vec<_>>().join(" ");
    }
    let parts = list(&schema["prefixItems"]);
    if !parts.is_empty() {
        let types: Vec<String> = parts.iter().map(type_of).collect();
        return format!("[{}]", types.join(", "));
    }
    if !schema["items"].is_null() {
        return format!("list of {}", type_of(&schema["items"]));
    }
    if schema["additionalProperties"].is_object() {
        return format!("object of {}", type_of(&schema["additionalProperties"]));
    }
    plain(schema)
}

fn plain(schema: &Value) -> String {
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect(),
        one => one.as_str().into_iter().collect(),
    };
    if types.is_empty() {
        return "anything".to_owned();
    }
    let mut shown = types.join(" or ");
    if let Some(format) = schema["format"].as_str().filter(|format| *format != "int32") {
        let _ = write!(shown, " ({format})");
    } else if let Some(least) = schema["minimum"].as_i64().filter(|least| *least >= 0) {
        let _ = write!(shown, " ≥ {least}");
    } else if !schema["pattern"].is_null() {
        shown.push_str(" (64 hex characters)");
    }
    escaped(&shown)
}
