//! A second reading of the schema, to judge the generated code by: the `.proto` files compiled at
//! run time, and messages handled by reflection.
use std::path::Path;
use std::sync::LazyLock;

use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions, Value};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let include = Path::new("../../proto");
    let mut compiler = protox::Compiler::new([&include]).expect("the proto folder exists");
    compiler.include_imports(true);
    for package in ["agent/v1", "aiserver/v1"] {
        let folder = std::fs::read_dir(include.join(package)).expect("a package is a folder");
        for entry in folder {
            let name = entry.expect("a readable folder").file_name();
            let file = format!("{package}/{}", name.to_string_lossy());
            compiler.open_file(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
    compiler.descriptor_pool()
});

#[track_caller]
fn descriptor(message_type: &str) -> MessageDescriptor {
    POOL.get_message_by_name(message_type)
        .unwrap_or_else(|| panic!("no message {message_type} in proto/"))
}

/// The wire bytes of a message given as protobuf JSON. A field that the schema lacks is an error.
#[track_caller]
pub(crate) fn encode(message_type: &str, json: &serde_json::Value) -> Vec<u8> {
    DynamicMessage::deserialize(descriptor(message_type), json)
        .unwrap_or_else(|error| panic!("{message_type} from JSON: {error}"))
        .encode_to_vec()
}

/// Where the schema does not know a field of these bytes, at any depth: `path: number`.
#[track_caller]
pub(crate) fn unknown_fields(message_type: &str, wire: &[u8]) -> Vec<String> {
    let message = DynamicMessage::decode(descriptor(message_type), wire)
        .unwrap_or_else(|error| panic!("{message_type}: {error}"));
    let mut found = Vec::new();
    collect_unknown(&message, message_type, &mut found);
    found
}

fn collect_unknown(message: &DynamicMessage, path: &str, found: &mut Vec<String>) {
    found.extend(message.unknown_fields().map(|field| format!("{path}: {}", field.number())));
    for (field, value) in message.fields() {
        walk(value, &format!("{path}.{}", field.name()), found);
    }
}

fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Message(message) => collect_unknown(message, path, found),
        Value::List(values) => values.iter().for_each(|value| walk(value, path, found)),
        Value::Map(entries) => entries.values().for_each(|value| walk(value, path, found)),
        // Scalars hold no fields.
        _ => {}
    }
}

/// The protobuf JSON of wire bytes, named as in the vectors.
#[track_caller]
pub(crate) fn read(message_type: &str, wire: &[u8]) -> serde_json::Value {
    let message = DynamicMessage::decode(descriptor(message_type), wire)
        .unwrap_or_else(|error| panic!("{message_type}: {error}"));
    let options = SerializeOptions::new().use_proto_field_name(true);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .expect("a message has a JSON form")
}
