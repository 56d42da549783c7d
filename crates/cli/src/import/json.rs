//! Accounts as JSON: the answer of `/tokens/get`, the bodies of `/tokens/set` and `/tokens/add`, and
//! their lists alone.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{Entry, Parsed, Row, bounded};

/// Passed on as they are.
const TEXTS: [&str; 7] =
    ["client_key", "config_version", "session_id", "proxy", "timezone", "gcpp_host", "flow"];
/// Read anew from the tokens or the upstream, so that nothing is lost.
const KNOWN_ANEW: [&str; 6] = ["user", "usage", "stripe", "sessions", "credential", "expires_at"];
const READ: [&str; 7] =
    ["alias", "token", "primary_token", "secondary_token", "refresh_token", "checksum", "status"];

pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    let json: Value = serde_json::from_str(text)
        .map_err(|error| format!("is no JSON: line {}, column {}", error.line(), error.column()))?;
    let (rows, enabled) = match json {
        Value::Array(rows) => (rows, true),
        Value::Object(mut object) => {
            let enabled = object.get("enabled").and_then(Value::as_bool).unwrap_or(true);
            match object.remove("tokens") {
                Some(Value::Array(rows)) => (rows, enabled),
                _ => return Err("holds no list of accounts named `tokens`".to_owned()),
            }
        }
        _ => return Err("is neither a list of accounts nor an object with one".to_owned()),
    };
    let mut parsed = Parsed::default();
    for (i, row) in rows.into_iter().enumerate() {
        bounded(i)?;
        match entry(i + 1, row, enabled, &mut parsed) {
            Ok(entry) => parsed.entries.push(entry),
            Err(row) => parsed.rejected.push(row),
        }
    }
    Ok(parsed)
}

fn entry(number: usize, row: Value, enabled: bool, parsed: &mut Parsed) -> Result<Entry, Row> {
    let shape = || {
        let text = "expected a token, {\"token\": …}, [alias, {…}] or [number, alias, {…}]";
        Row::rejected(number, None, text)
    };
    match row {
        Value::String(token) => {
            Entry::new(number, None, &token).map(|entry| Entry { enabled, ..entry })
        }
        Value::Object(fields) => account(number, None, fields, enabled, parsed),
        Value::Array(mut parts) => {
            if parts.len() == 3 && parts[0].is_number() {
                parts.remove(0);
            }
            let mut parts = parts.into_iter();
            match (parts.next(), parts.next(), parts.next()) {
                (Some(Value::String(alias)), Some(Value::Object(fields)), None) => {
                    account(number, Some(alias), fields, enabled, parsed)
                }
                _ => Err(shape()),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Err(shape()),
    }
}

fn account(
    number: usize,
    alias: Option<String>,
    mut fields: Map<String, Value>,
    enabled: bool,
    parsed: &mut Parsed,
) -> Result<Entry, Row> {
    let mut text = |name: &str, alias: Option<&str>| match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => {
            let text = format!("{name}: expected a string");
            Err(Row::rejected(number, alias.map(str::to_owned), &text))
        }
    };
    let alias = match alias {
        Some(alias) => Some(alias),
        None => text("alias", None)?,
    };
    let name = alias.as_deref();
    let token = match text("token", name)? {
        Some(token) => Some(token),
        None => text("primary_token", name)?,
    };
    let secondary = text("secondary_token", name)?.map(SecretString::from);
    let refresh = text("refresh_token", name)?.map(SecretString::from);
    let mut rest = Map::new();
    for field in TEXTS {
        if let Some(value) = text(field, name)? {
            rest.insert(field.to_owned(), value.into());
        }
    }
    match fields.remove("checksum") {
        None | Some(Value::Null) => {}
        Some(checksum) if is_checksum(&checksum) => {
            rest.insert("checksum".to_owned(), checksum);
        }
        Some(_) => {
            let text = "checksum: expected a string or {\"first\": …, \"second\": …}";
            return Err(Row::rejected(number, alias, text));
        }
    }
    let own = fields.get("status").and_then(|status| status["enabled"].as_bool());
    note_ignored(&fields, parsed);
    let Some(token) = token else {
        return Err(Row::rejected(number, alias, "has no token"));
    };
    let entry = Entry::new(number, alias, &token)?;
    Ok(Entry { enabled: own.unwrap_or(enabled), secondary, refresh, rest, ..entry })
}

fn is_checksum(value: &Value) -> bool {
    value.is_string() || (value["first"].is_string() && value["second"].is_string())
}

/// Names alone, and only what looks like one.
fn note_ignored(fields: &Map<String, Value>, parsed: &mut Parsed) {
    const MOST: usize = 32;
    let known = |name: &str| KNOWN_ANEW.contains(&name) || READ.contains(&name);
    let is_name = |name: &str| {
        name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    for name in fields.keys().filter(|name| !known(name)) {
        if parsed.ignored.len() < MOST {
            let shown = if is_name(name) { name.as_str() } else { "(another)" };
            parsed.ignored.insert(shown.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use secrecy::ExposeSecret as _;
    use serde_json::json;
    use simulator::tokens::session_token;

    use super::*;

    fn token(user: &str) -> String {
        session_token(user, SystemTime::now() + Duration::from_secs(9999))
    }

    fn read(json: &Value) -> Parsed {
        parse(&json.to_string()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_answer_of_an_old_instance_is_read_with_all_that_counts() {
        let (a, b) = (token("user_a"), token("user_b"));
        let row = json!([7, "mine", {
            "primary_token": a, "secondary_token": b, "refresh_token": "R",
            "checksum": {"first": "1", "second": "2"}, "client_key": "K", "proxy": null,
            "timezone": "UTC", "gcpp_host": "EU", "user": {"user_id": 1},
            "usage": {}, "status": {"enabled": false}, "odd": 1, "Canary.x": 2,
        }]);
        let parsed = read(&json!({"status": "success", "tokens": [row], "tokens_count": 1}));
        let entry = &parsed.entries[0];
        assert_eq!((entry.number, entry.alias.as_deref(), entry.enabled), (1, Some("mine"), false));
        assert_eq!(
            entry.body("x"),
            json!({
                "alias": "x", "token": a, "secondary_token": b, "refresh_token": "R",
                "checksum": {"first": "1", "second": "2"}, "client_key": "K",
                "timezone": "UTC", "gcpp_host": "EU",
            })
        );
        let ignored: Vec<&str> = parsed.ignored.iter().map(String::as_str).collect();
        assert_eq!(ignored, ["(another)", "odd"]);
    }

    #[test]
    fn bodies_of_set_and_add_and_bare_lists_are_read() {
        let (a, b) = (token("user_a"), token("user_b"));
        let rows =
            json!([["x", {"primary_token": a}], {"alias": "y", "token": b}, b, {"token": a}]);
        for json in [rows.clone(), json!({"tokens": rows, "enabled": false})] {
            let parsed = read(&json);
            let seen: Vec<_> = parsed
                .entries
                .iter()
                .map(|e| (e.alias.as_deref(), e.token.expose_secret(), e.enabled))
                .collect();
            let on = json.is_array();
            let (a, b) = (a.as_str(), b.as_str());
            assert_eq!(
                seen,
                [(Some("x"), a, on), (Some("y"), b, on), (None, b, on), (None, a, on)]
            );
        }
    }

    #[test]
    fn rows_that_cannot_be_are_rejected_one_by_one_without_their_values() {
        let good = token("user_a");
        let parsed = read(&json!([
            1, null, [], ["canary"], ["a", {}, 3], [true, "a", {}], {"alias": 3, "token": good},
            ["b", {"primary_token": ["canary"]}], ["c", {"primary_token": good, "checksum": 5}],
            ["d", {}], ["e", {"primary_token": "canary"}], ["f", {"primary_token": good}],
        ]));
        assert_eq!(parsed.entries.len(), 1);
        assert_eq!(parsed.rejected.len(), 11);
        let text = format!("{:?}", parsed.rejected);
        assert!(!text.contains("canary") && !text.contains(&good), "{text}");
        assert!(text.contains("primary_token: expected a string"), "{text}");
        assert!(text.contains("has no token"), "{text}");
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let refused = |text: &str| parse(text).err().unwrap_or_default();
        assert_eq!(refused("{\"tokens\":\n[}"), "is no JSON: line 2, column 2");
        assert!(refused("{}").contains("`tokens`"));
        assert!(refused("5").contains("neither"));
        assert!(refused(&"[".repeat(100_000)).contains("no JSON"));
    }
}
