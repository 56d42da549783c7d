//! JSON and `google.protobuf.Value`, both ways.
//!
//! Numbers are doubles on the wire; a whole one becomes an integer again.

use cursor_proto::protobuf::value::Kind;
use cursor_proto::protobuf::{ListValue, Struct, Value};
use serde_json::{Map, Number, Value as Json};

/// The JSON of a value; an empty value is null.
pub(crate) fn to_json(value: &Value) -> Json {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(flag)) => Json::Bool(*flag),
        Some(Kind::NumberValue(number)) => number_to_json(*number),
        Some(Kind::StringValue(text)) => Json::String(text.clone()),
        Some(Kind::ListValue(list)) => Json::Array(list.values.iter().map(to_json).collect()),
        Some(Kind::StructValue(all)) => {
            let fields = all.fields.iter().map(|(name, value)| (name.clone(), to_json(value)));
            Json::Object(fields.collect::<Map<_, _>>())
        }
    }
}

fn number_to_json(number: f64) -> Json {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the exact range")]
        return Json::from(number as i64);
    }
    Number::from_f64(number).map_or(Json::Null, Json::Number)
}

/// The value of some JSON.
pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::null(),
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => number.as_f64().unwrap_or_default().into(),
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => {
            ListValue { values: items.iter().map(from_json).collect(), ..Default::default() }.into()
        }
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), from_json(value)));
            Struct { fields: fields.collect(), ..Default::default() }.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn round_trip() {
        let json = json!({"a": [1, 1.5, "x", null, true, {"b": {}}], "n": -3, "big": 1e300});
        assert_eq!(to_json(&from_json(&json)), json);
        assert_eq!(to_json(&Value::default()), Json::Null);
    }
}
