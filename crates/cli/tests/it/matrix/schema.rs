//! Messages of the upstream between JSON and bytes, by the `.proto` files and not by the code
//! that the product has for it.

use std::path::Path;
use std::sync::LazyLock;

use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;
use upstream::Flow;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let include = Path::new("../../proto");
    let mut compiler = protox::Compiler::new([include]).expect("the proto folder exists");
    compiler.include_imports(true);
    for file in ["agent/v1/run.proto", "aiserver/v1/chat.proto"] {
        compiler.open_file(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    compiler.descriptor_pool()
});

fn server_message(flow: Flow) -> MessageDescriptor {
    let name = match flow {
        Flow::Agent => "agent.v1.AgentServerMessage",
        Flow::Chat => "aiserver.v1.StreamUnifiedChatResponseWithTools",
    };
    POOL.get_message_by_name(name).unwrap_or_else(|| panic!("no message {name} in proto/"))
}

/// The bytes of a server's message. A field that the schema lacks is an error.
#[track_caller]
pub(super) fn encode(flow: Flow, json: &Value) -> Vec<u8> {
    let message = DynamicMessage::deserialize(server_message(flow), json);
    message.unwrap_or_else(|error| panic!("{json}: {error}")).encode_to_vec()
}

/// The JSON of a server's message, with the field names of the schema.
#[track_caller]
pub(super) fn decode(flow: Flow, bytes: &[u8]) -> Value {
    let message = DynamicMessage::decode(server_message(flow), bytes).expect("a message");
    let options = SerializeOptions::new().use_proto_field_name(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).expect("JSON")
}
