//! The generated types by name, and what every message vector must satisfy.
use std::fmt::Debug;

use buffa::MessageName;
use cursor_proto::{Message, agent, aiserver};

use crate::fixture::Vector;
use crate::{meaning, wire};

/// `$check::<T>` for the generated type `T` whose full name is `$name`.
macro_rules! for_type {
    ($name:expr, $check:ident, [$($message:ty),* $(,)?]) => {
        match $name {
            $(name if name == <$message as MessageName>::FULL_NAME => $check::<$message>,)*
            other => panic!("no generated type for {other} is listed in messages.rs"),
        }
    };
}

/// A vector with `message_type`, `json` and `hex`, and perhaps the same in an envelope.
#[track_caller]
pub(crate) fn check(vector: &Vector) {
    check_message(vector, &vector.bytes("hex"));
}

/// The same with the wire bytes apart, for a vector that is not taken as it stands.
#[track_caller]
pub(crate) fn check_message(vector: &Vector, wire: &[u8]) {
    let message_type = vector.text("message_type");
    let unknown = meaning::unknown_fields(message_type, wire);
    assert!(unknown.is_empty(), "fields missing in proto/: {unknown:?}");
    check_wire(message_type, wire, vector.value("json"));
    if vector.get("frame_hex").is_some() {
        assert_eq!(vector.bytes("frame_hex"), wire::envelope(0, wire), "envelope");
    }
}

/// The generated type reads the wire bytes as the JSON says, and writes back the same.
#[track_caller]
pub(crate) fn check_wire(message_type: &str, wire: &[u8], json: &serde_json::Value) {
    let meant = meaning::encode(message_type, json);
    let check: fn(&[u8], &[u8]) = for_type!(
        message_type,
        same,
        [
            agent::AgentClientMessage,
            agent::AgentServerMessage,
            agent::ConversationStep,
            agent::ConversationTurnStructure,
            agent::GetDefaultModelForCliResponse,
            agent::GetUsableModelsRequest,
            agent::GetUsableModelsResponse,
            agent::NameAgentRequest,
            agent::NameAgentResponse,
            agent::UserMessage,
            aiserver::AvailableCppModelsResponse,
            aiserver::AvailableModelsRequest,
            aiserver::AvailableModelsResponse,
            aiserver::BidiAppendRequest,
            aiserver::BidiAppendResponse,
            aiserver::BidiPollRequest,
            aiserver::BidiPollResponse,
            aiserver::BidiRequestId,
            aiserver::CppConfigRequest,
            aiserver::CppConfigResponse,
            aiserver::ErrorDetails,
            aiserver::FSConfigResponse,
            aiserver::FSIsEnabledForUserResponse,
            aiserver::FSSyncFileRequest,
            aiserver::FSSyncFileResponse,
            aiserver::FSUploadFileRequest,
            aiserver::FSUploadFileResponse,
            aiserver::GetAggregatedUsageEventsResponse,
            aiserver::GetChatRequest,
            aiserver::GetCurrentPeriodUsageResponse,
            aiserver::GetFilteredUsageEventsRequest,
            aiserver::GetFilteredUsageEventsResponse,
            aiserver::GetHardLimitResponse,
            aiserver::GetMeResponse,
            aiserver::GetPromptDryRunResponse,
            aiserver::GetServerConfigRequest,
            aiserver::GetServerConfigResponse,
            aiserver::GetTeamsResponse,
            aiserver::GetTokenUsageRequest,
            aiserver::GetTokenUsageResponse,
            aiserver::GetUsageLimitStatusAndActiveGrantsResponse,
            aiserver::GetUserPrivacyModeResponse,
            aiserver::HealthRequest,
            aiserver::IsOnNewPricingResponse,
            aiserver::ListActiveSessionsResponse,
            aiserver::RecordCppFateRequest,
            aiserver::RefreshTabContextRequest,
            aiserver::RefreshTabContextResponse,
            aiserver::StreamChatResponse,
            aiserver::StreamCppRequest,
            aiserver::StreamCppResponse,
            aiserver::StreamUnifiedChatRequestWithTools,
            aiserver::StreamUnifiedChatRequestWithToolsIdempotent,
            aiserver::StreamUnifiedChatResponseWithTools,
            aiserver::StreamUnifiedChatResponseWithToolsIdempotent,
        ]
    );
    check(wire, &meant);
}

#[track_caller]
fn same<M: Message + Debug>(wire: &[u8], meant: &[u8]) {
    let decoded: M = decode(wire);
    assert_eq!(decoded, decode::<M>(meant), "left: the wire bytes, right: the JSON");
    let again = decoded.encode_to_vec();
    assert_eq!(decode::<M>(&again), decoded, "decoded, encoded, decoded");
    // Fields may be written in another order, so only the length is comparable. It differs when
    // presence is lost (`optional` missing in the schema) or a list is packed otherwise.
    assert_eq!(again.len(), wire.len(), "length of the encoding: {}", hex::encode(&again));
}

#[track_caller]
pub(crate) fn decode<M: Message>(wire: &[u8]) -> M {
    M::decode_from_slice(wire).unwrap_or_else(|error| panic!("{error}: {}", hex::encode(wire)))
}
