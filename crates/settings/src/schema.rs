//! A JSON Schema of the settings file, for editors and checks.

use serde_json::{Map, Value, json};

use crate::kind::{Kind, MANY};
use crate::registry::{self, Key};

/// JSON Schema 2020-12 of the settings file. `x-live` says whether a change holds without a
/// restart, `x-env` names the variable.
#[must_use]
pub fn schema() -> Value {
    let mut tables: Map<String, Value> = Map::new();
    let mut top: Map<String, Value> = Map::new();
    for key in registry::keys() {
        match key.name.split_once('.') {
            None => {
                top.insert(key.name.to_owned(), of_key(key));
            }
            Some((table, name)) => {
                let table = tables.entry(table).or_insert_with(|| object(Map::new()));
                table["properties"][name] = of_key(key);
            }
        }
    }
    top.extend(tables);
    top.insert("accounts".to_owned(), accounts());
    let mut schema = object(top);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Settings of cursor-api".into();
    schema
}

fn object(properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn of_key(key: &Key) -> Value {
    let mut schema = match (of_kind(key.kind), key.default.is_empty()) {
        (schema, false) => schema,
        (schema, true) => json!({ "anyOf": [{ "const": "" }, schema] }),
    };
    schema["description"] = key.doc.into();
    schema["x-live"] = key.live.into();
    schema["x-env"] = key.env.into();
    if !key.default.is_empty() {
        schema["default"] = plain(key);
    }
    schema
}

/// The default as a settings file has it.
fn plain(key: &Key) -> Value {
    match key.kind {
        Kind::Flag => (key.default == "true").into(),
        Kind::Number { .. } => key.default.parse::<u64>().map_or(Value::Null, Into::into),
        Kind::Text
        | Kind::Secret
        | Kind::Headers
        | Kind::Duration { .. }
        | Kind::Size
        | Kind::Url
        | Kind::Ip
        | Kind::Socket
        | Kind::Path
        | Kind::Word(_)
        | Kind::Origins
        | Kind::Prefix
        | Kind::KeyPrefix => key.default.into(),
    }
}

fn of_kind(kind: Kind) -> Value {
    const V4: &str = "[0-9]{1,3}(\\.[0-9]{1,3}){3}";
    const V6: &str = "[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}";
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match kind {
        Kind::Text | Kind::Path => json!({ "type": "string", "minLength": 1 }),
        Kind::Secret => json!({ "type": "string", "minLength": 1, "writeOnly": true }),
        Kind::Headers => {
            let mut schema = pattern("^[^=,]+=[^,]*(,[^=,]+=[^,]*)*$");
            schema["writeOnly"] = true.into();
            schema
        }
        Kind::Flag => json!({
            "anyOf": [
                { "type": "boolean" },
                { "enum": [0, 1] },
                pattern("^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|1|0|[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff])$"),
            ]
        }),
        Kind::Number { least, most } => {
            let mut number = json!({ "type": "integer", "minimum": least });
            if most != MANY {
                number["maximum"] = most.into();
            }
            let text = if least == 0 { "^[0-9]+$" } else { "^0*[1-9][0-9]*$" };
            json!({ "anyOf": [number, pattern(text)] })
        }
        Kind::Duration { zero: true } => json!({
            "anyOf": [{ "const": 0 }, pattern("^([0-9]+ *(ms|s|m|min|h|d)|0+)$")]
        }),
        Kind::Duration { zero: false } => pattern("^0*[1-9][0-9]* *(ms|s|m|min|h|d)$"),
        Kind::Size => json!({
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                pattern("^[0-9]+ *(B|KiB|K|MiB|M|GiB|G)?$"),
            ]
        }),
        Kind::Url => {
            pattern("^https?://([^/?]*@)?(\\[[^/?\\]]*\\]|[^/?@:]+)(:[0-9]{1,5})?(/[^?]*)?$")
        }
        Kind::Ip => pattern(&format!("^({V4}|{V6})$")),
        Kind::Socket => pattern(&format!("^({V4}|\\[{V6}\\]):[0-9]{{1,5}}$")),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Origins => pattern("^ *(\\*|https?://[^/, ]+)( *, *(\\*|https?://[^/, ]+))* *$"),
        Kind::Prefix => pattern("^/[A-Za-z0-9/_.~-]*$"),
        Kind::KeyPrefix => pattern("^[A-Za-z0-9_.-]{1,32}$"),
    }
}

fn accounts() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let mut credential = text("An API key, a session token or the value of its cookie.");
    credential["writeOnly"] = true.into();
    let table = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["credential"],
        "properties": {
            "alias": text("The account's name."),
            "credential": credential,
            "flow": { "enum": ["agent", "chat"], "description": "Overrides upstream.flow." },
            "timezone": text("Overrides upstream.timezone."),
        }
    });
    json!({
        "type": "array",
        "items": table,
        "description": "Accounts that are put in at the start and whenever the file changes.",
        "x-live": true,
        "x-env": "CURSOR_ACCOUNTS",
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Layers, Settings};

    fn valid(text: &str) -> bool {
        let table: toml::Table = text.parse().expect("TOML");
        let file = serde_json::to_value(table).expect("JSON");
        let schema = jsonschema::validator_for(&schema()).expect("a schema");
        schema.is_valid(&file)
    }

    fn line(key: &Key, value: &str) -> String {
        match key.name.split_once('.') {
            None => format!("{} = {value}\n", key.name),
            Some((table, name)) => format!("[{table}]\n{name} = {value}\n"),
        }
    }

    #[test]
    fn the_schema_is_one_and_takes_the_example() {
        assert!(jsonschema::meta::is_valid(&schema()));
        let example = crate::document::uncommented(&crate::example_file());
        let table: toml::Table = example.parse().expect("TOML");
        let file = serde_json::to_value(table).expect("JSON");
        let checker = jsonschema::validator_for(&schema()).expect("a schema");
        let wrong: Vec<String> = checker.iter_errors(&file).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(!valid("prot = 1") && !valid("[upstream]\nflwo = \"chat\""));
        assert!(!valid("[[accounts]]\nalias = \"a\""));
    }

    /// Invariant: what an editor calls wrong is what the program calls wrong.
    #[test]
    fn schema_and_reader_agree_on_every_key() {
        let samples = [
            "0",
            "1",
            "7",
            "70000",
            "-1",
            "1.5",
            "true",
            "\"TRUE\"",
            "\"off\"",
            "\"maybe\"",
            "\"\"",
            "\"0\"",
            "\"3\"",
            "\"10s\"",
            "\"0s\"",
            "\"500 ms\"",
            "\"2h\"",
            "\"30d\"",
            "\"soon\"",
            "\"16KiB\"",
            "\"1TB\"",
            "\"https://a.example\"",
            "\"https://a.example/x?y\"",
            "\"ftp://a\"",
            "\"127.0.0.1\"",
            "\"::1\"",
            "\"127.0.0.1:9090\"",
            "\"[::1]:1\"",
            "\"agent\"",
            "\"json\"",
            "\"Asia\"",
            "\"text\"",
            "\"/api\"",
            "\"api\"",
            "\"*\"",
            "\"https://a.example, https://b.example\"",
            "\"sk-\"",
            "\"a b\"",
            "\"a=b,c=d\"",
            "\"sticky\"",
            "[1]",
            "{ a = 1 }",
            "2020-01-01",
        ];
        let checker = jsonschema::validator_for(&schema()).expect("a schema");
        for key in registry::keys() {
            for sample in samples {
                let text = line(key, sample);
                let layers = Layers::default().file(Path::new("config.toml"), &text);
                let problems = Settings::resolve(layers).err().map_or(Vec::new(), |p| p.0);
                let read = problems.iter().all(|problem| !problem.key.starts_with(key.name));
                let table: toml::Table = text.parse().expect("TOML");
                let file = serde_json::to_value(table).expect("JSON");
                // Numbers where text is expected are read; no editor needs to offer them.
                let lenient = read && !sample.starts_with('"');
                let needs = key.name == "pages.logs" && !read;
                assert!(
                    checker.is_valid(&file) == read || lenient || needs,
                    "{} = {sample}: {problems:?}",
                    key.name
                );
            }
        }
    }
}
