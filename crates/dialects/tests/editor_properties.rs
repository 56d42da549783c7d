//! What holds for every request of an editor: any legal one arrives as it was sent, and anything
//! else is refused in an orderly way.

use dialects::editor::{decode_config, decode_stream, decode_sync, decode_upload};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use fields::{Field, at, fields, full};
use writer::Write;

#[path = "support/bodies.rs"]
#[expect(dead_code, reason = "changes need a body that is known when the tests are built")]
mod bodies;
#[path = "support/editor_fields.rs"]
mod fields;
#[path = "support/editor_writer.rs"]
mod writer;

/// Random numbers that shape a body: one at a time decides what comes next.
struct Choices<'c> {
    numbers: &'c [u32],
    at: usize,
}

impl Choices<'_> {
    fn next(&mut self, below: u32) -> u32 {
        self.at += 1;
        // Far behind the end everything is zero, so that bodies do not grow for ever.
        self.numbers.get(self.at).map_or(0, |number| number % below)
    }
}

const TEXTS: [&str; 5] = ["x", "a\nb\r\n", "\u{1f600}\u{2028}\u{0}\"\\", "{\"a\":[1]}", "\u{e9}"];
const NUMBERS: [i32; 5] = [1, -1, i32::MAX, i32::MIN, 4096];
const FRACTIONS: [f64; 4] = [0.5, -1.25, 4096.75, 1e-3_f32 as f64];

fn leaf(field: &Field, choices: &mut Choices<'_>) -> Value {
    let mut one_of = |count: usize| {
        let count = u32::try_from(count).expect("few");
        usize::try_from(choices.next(count)).expect("small")
    };
    let word = |words: &[&str], at: usize| json!(words[at]);
    match field.kind.as_str() {
        "string" => json!(TEXTS[one_of(TEXTS.len())]),
        "int32" => json!(NUMBERS[one_of(NUMBERS.len())]),
        "float" => json!(FRACTIONS[one_of(FRACTIONS.len())]),
        "double" => json!(FRACTIONS[one_of(3)] + 1_769_900_000_000.0),
        "bool" => json!(true),
        "severity" => word(&["error", "warning", "information", "hint"], one_of(4)),
        "control_token" => word(&["quiet", "loud", "op"], one_of(3)),
        "intent" => word(&["typing", "option_hold", "lsp_suggestions"], one_of(3)),
        other => panic!("{other}"),
    }
}

/// An object with some of its fields; never an empty one, which could be the same as none.
fn some_of(all: &[Field], prefix: &str, choices: &mut Choices<'_>) -> Value {
    let mut object = Map::new();
    let here: Vec<&Field> = all.iter().filter(|field| field.parent() == prefix).collect();
    for (place, field) in here.iter().enumerate() {
        let last_chance = object.is_empty() && place + 1 == here.len();
        if choices.next(3) == 0 && !last_chance {
            continue;
        }
        let count = if field.repeated { 1 + choices.next(3) } else { 1 };
        let mut items: Vec<Value> = Vec::new();
        for _ in 0..count {
            items.push(match field.kind.as_str() {
                "object" => some_of(all, &format!("{}.", field.path), choices),
                _ => leaf(field, choices),
            });
        }
        let value = if field.repeated { json!(items) } else { items.remove(0) };
        object.insert(field.name().to_owned(), value);
    }
    Value::Object(object)
}

fn known(endpoint: &str) -> Vec<Field> {
    fields(endpoint).into_iter().filter(|field| !field.left_out).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_legal_request_arrives_as_it_was_sent(numbers in vec(any::<u32>(), 1..2000)) {
        let body = |endpoint| {
            some_of(&known(endpoint), "", &mut Choices { numbers: &numbers, at: 0 })
        };
        let sent = body("/cpp/stream");
        let decoded = decode_stream(sent.to_string().as_bytes()).expect("legal");
        prop_assert_eq!(decoded.request.json(), Some(sent));
        prop_assert!(decoded.ignored.is_empty());

        let sent = body("/file/sync");
        let decoded = decode_sync(sent.to_string().as_bytes()).expect("legal");
        prop_assert_eq!(decoded.request.json(), Some(sent));

        let sent = body("/file/upload");
        let decoded = decode_upload(sent.to_string().as_bytes()).expect("legal");
        prop_assert_eq!(decoded.request.json(), Some(sent));

        let sent = body("/cpp/config");
        let decoded = decode_config(sent.to_string().as_bytes()).expect("legal");
        prop_assert_eq!(decoded.request.json(), Some(sent));
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in bodies::any_bytes()) {
        for failure in [
            decode_stream(&body).err(),
            decode_sync(&body).err(),
            decode_upload(&body).err(),
            decode_config(&body).err(),
        ].into_iter().flatten() {
            prop_assert!(!failure.client.is_empty() && failure.client.len() < 1000);
        }
    }

    #[test]
    fn a_damaged_value_is_read_or_named(
        which in any::<Index>(),
        piece in bodies::pieces(&["\"error\"", "2147483648", "[{\"range\":5}]"]),
    ) {
        let all = known("/cpp/stream");
        let mut body = full(&all, "");
        *at(&mut body, &all[which.index(all.len())].path).1 = json!("@here@");
        let body = body.to_string().replace("\"@here@\"", &piece);
        let is_json = serde_json::from_str::<Value>(&piece).is_ok();
        match decode_stream(body.as_bytes()) {
            Ok(_) => prop_assert!(is_json, "{piece}"),
            Err(failure) if is_json => prop_assert!(failure.param.is_some(), "{piece}"),
            Err(failure) => prop_assert!(!failure.client.is_empty()),
        }
    }
}
