//! `google.protobuf.Value` and JSON text: schemas go up, arguments come down.

use std::collections::HashMap;
use std::fmt::Write as _;

use cursor_proto::protobuf::view::ValueView;
use cursor_proto::protobuf::view::oneof::value::Kind;
use cursor_proto::protobuf::{ListValue, Struct, Value};
use serde_json::Value as Json;

/// Whole numbers up to here are the same as a double and as an integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The value of a JSON text. What is no JSON becomes an empty object: a schema must be one.
pub(super) fn from_text(text: &str) -> Value {
    serde_json::from_str(text).map_or_else(|_| Struct::default().into(), |json| from_json(&json))
}

fn from_json(json: &Json) -> Value {
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

/// The JSON text of named values, in the order of the wire; of a repeated name, the last value.
pub(super) fn to_text<'a, 'v: 'a>(
    fields: impl IntoIterator<Item = &'a (&'v str, ValueView<'v>)>,
) -> String {
    let mut out = String::new();
    object(fields, &mut out);
    out
}

fn object<'a, 'v: 'a>(
    fields: impl IntoIterator<Item = &'a (&'v str, ValueView<'v>)>,
    out: &mut String,
) {
    let fields: Vec<_> = fields.into_iter().collect();
    let last: HashMap<&str, usize> =
        fields.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
    out.push('{');
    let mut first = true;
    for (at, (name, value)) in fields.into_iter().enumerate() {
        if last.get(name) != Some(&at) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        string(name, out);
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

fn write(value: &ValueView<'_>, out: &mut String) {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => out.push_str("null"),
        Some(Kind::BoolValue(flag)) => out.push_str(if *flag { "true" } else { "false" }),
        Some(Kind::NumberValue(number)) => self::number(*number, out),
        Some(Kind::StringValue(text)) => string(text, out),
        Some(Kind::ListValue(list)) => {
            out.push('[');
            for (at, value) in list.values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(value, out);
            }
            out.push(']');
        }
        Some(Kind::StructValue(all)) => object(&all.fields, out),
    }
}

fn string(text: &str, out: &mut String) {
    // A string always has a JSON form.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// Doubles that are whole were integers.
fn number(number: f64, out: &mut String) {
    // Writing to memory does not fail.
    let _ = if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the exact range")]
        let whole = number as i64;
        write!(out, "{whole}")
    } else {
        match serde_json::Number::from_f64(number) {
            Some(number) => write!(out, "{number}"),
            // JSON has no other word for it.
            None => write!(out, "null"),
        }
    };
}

#[cfg(test)]
mod tests {
    use cursor_proto::{Message as _, MessageView as _};
    use serde_json::json;

    use super::*;

    fn text(json: &Json) -> String {
        let bytes = from_json(json).encode_to_vec();
        let mut out = String::new();
        write(&ValueView::decode_view(&bytes).expect("a value"), &mut out);
        out
    }

    #[test]
    fn json_makes_the_round_trip() {
        let json = json!({"a": [1, 1.5, "x\n\"é", null, true, {"b": {}}], "n": -3, "big": 1e300});
        assert_eq!(serde_json::from_str::<Json>(&text(&json)).expect("JSON"), json);
    }

    #[test]
    fn whole_doubles_are_integers_and_odd_ones_null() {
        assert_eq!(text(&json!(7.0)), "7");
        assert_eq!(text(&json!(-2.5)), "-2.5");
        assert_eq!(text(&json!(9_007_199_254_740_992_u64)), "9007199254740992");
        let mut out = String::new();
        number(f64::NAN, &mut out);
        assert_eq!(out, "null");
    }

    #[test]
    fn order_is_the_wires_and_the_last_of_a_name_counts() {
        let value =
            |number: f64| ValueView { kind: Some(Kind::NumberValue(number)), ..Default::default() };
        let fields = [("z", value(1.0)), ("a", value(2.0)), ("z", value(3.0))];
        assert_eq!(to_text(&fields), r#"{"a":2,"z":3}"#);
    }

    #[test]
    fn a_schema_that_is_no_json_is_an_empty_object() {
        let mut out = String::new();
        let bytes = from_text("nonsense").encode_to_vec();
        write(&ValueView::decode_view(&bytes).expect("a value"), &mut out);
        assert_eq!(out, "{}");
    }
}
