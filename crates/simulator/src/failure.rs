//! Errors as the backend sends them: a Connect code and `aiserver.v1.ErrorDetails`.
//!
//! One value serves both forms: the end-of-stream JSON of a stream and the JSON body of a unary
//! call (`reference/messages/errors.md`). Also the scenario table: which error a script's code
//! stands for.

mod scenario;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use cursor_proto::Message as _;
use cursor_proto::aiserver::error_details::Error as Kind;
use cursor_proto::aiserver::{CustomErrorDetails, ErrorDetails};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// A Connect code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Canceled,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Unimplemented,
    Internal,
    Unavailable,
    Unauthenticated,
}

impl Code {
    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::InvalidArgument => "invalid_argument",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::ResourceExhausted => "resource_exhausted",
            Self::FailedPrecondition => "failed_precondition",
            Self::Unimplemented => "unimplemented",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::Unauthenticated => "unauthenticated",
        }
    }

    /// The HTTP status of a unary answer (Connect specification).
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::InvalidArgument | Self::FailedPrecondition => StatusCode::BAD_REQUEST,
            Self::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
        }
    }
}

/// One error answer.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    /// `Error` for application errors; a real text for errors of the transport.
    message: String,
    details: Option<Box<ErrorDetails>>,
    /// Seconds to wait, sent as metadata, header and additional info.
    pub(crate) retry: Option<u64>,
}

impl Failure {
    /// An application error.
    pub(crate) fn new(code: Code, kind: Kind, title: &str, detail: impl Into<String>) -> Self {
        let details = ErrorDetails {
            error: kind.into(),
            details: CustomErrorDetails {
                title: title.to_owned(),
                detail: detail.into(),
                ..Default::default()
            }
            .into(),
            ..Default::default()
        };
        Self { code, message: "Error".to_owned(), details: Some(Box::new(details)), retry: None }
    }

    /// An error of the Connect layer itself: a text and no details.
    pub(crate) fn transport(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None, retry: None }
    }

    /// A request that breaks the protocol.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, Kind::ERROR_BAD_REQUEST, "Bad request", detail).expected()
    }

    /// No valid session (vector `unary_error_body`).
    pub(crate) fn not_logged_in() -> Self {
        let (kind, code) = (Kind::ERROR_NOT_LOGGED_IN, Code::Unauthenticated);
        Self::new(code, kind, "Not logged in", "Please log in again.").expected()
    }

    /// No client version, or one that is not accepted (vector `error_outdated_client`).
    pub(crate) fn outdated() -> Self {
        let (kind, code) = (Kind::ERROR_OUTDATED_CLIENT, Code::FailedPrecondition);
        Self::new(code, kind, "Update Required", "Please update to the latest version.")
            .expected()
            .retryable(false)
    }

    /// A model that does not exist (vector `error_bad_model`).
    pub(crate) fn bad_model(name: &str) -> Self {
        let (kind, code) = (Kind::ERROR_BAD_MODEL_NAME, Code::InvalidArgument);
        Self::new(code, kind, "Bad model", format!("Unknown model {name}."))
    }

    /// Images for a model that takes none. Kind and text are ours: no source has them.
    pub(crate) fn no_images(name: &str) -> Self {
        Self::invalid(format!("Model {name} does not support images"))
    }

    /// A completion that comes too soon after another. Only number 35 has a source; code and text
    /// are ours.
    pub(crate) fn debounced(detail: Option<&str>) -> Self {
        let (kind, code) = (Kind::ERROR_DEBOUNCED, Code::ResourceExhausted);
        Self::new(code, kind, "Debounced", detail.unwrap_or("Another request followed.")).expected()
    }

    /// A blob that the client did not have (vector `error_custom_message`).
    pub(crate) fn blob_missing() -> Self {
        let (kind, code) = (Kind::ERROR_CUSTOM_MESSAGE, Code::Internal);
        let mut failure = Self::new(code, kind, "Conversation data missing", "Blob not found");
        failure.custom(|details| details.show_request_id = Some(true));
        failure.retryable(false)
    }

    /// The client left while a tool was running (vector `error_user_aborted`).
    pub(crate) fn aborted() -> Self {
        let (kind, code) = (Kind::ERROR_USER_ABORTED_REQUEST, Code::Canceled);
        let detail = "Tool call ended before result was received";
        Self::new(code, kind, "User aborted request.", detail).expected()
    }

    /// The client did not answer in time.
    pub(crate) fn timeout(detail: impl Into<String>) -> Self {
        Self::new(Code::DeadlineExceeded, Kind::ERROR_TIMEOUT, "Timeout", detail).retryable(true)
    }

    /// Marks the error as a known condition.
    pub(crate) fn expected(mut self) -> Self {
        if let Some(details) = &mut self.details {
            details.is_expected = Some(true);
        }
        self
    }

    /// Says whether a client may try again.
    pub(crate) fn retryable(mut self, retryable: bool) -> Self {
        self.custom(|details| details.is_retryable = Some(retryable));
        self
    }

    /// Adds the seconds to wait.
    pub(crate) fn retry_after(mut self, seconds: Option<u64>) -> Self {
        self.retry = seconds;
        if let Some(seconds) = seconds {
            self.info("retryAfterSeconds", &seconds.to_string());
        }
        self
    }

    fn info(&mut self, key: &str, value: &str) {
        self.custom(|details| {
            details.additional_info.insert(key.to_owned(), value.to_owned());
        });
    }

    fn custom(&mut self, change: impl FnOnce(&mut CustomErrorDetails)) {
        if let Some(details) = &mut self.details {
            change(details.details.get_or_insert_default());
        }
    }

    /// The object of a unary error body.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({"code": self.code.name(), "message": self.message});
        if let Some(details) = &self.details {
            body["details"] = json!([{
                "type": "aiserver.v1.ErrorDetails",
                "debug": debug(details),
                "value": STANDARD_NO_PAD.encode(details.encode_to_vec()),
            }]);
        }
        body
    }

    /// The payload of the end frame.
    pub(crate) fn end(&self) -> Vec<u8> {
        let mut end = json!({"error": self.body()});
        if let Some(seconds) = self.retry {
            end["metadata"] = json!({"retry-after": [seconds.to_string()]});
        }
        end.to_string().into_bytes()
    }
}

/// The details once more as JSON with lowerCamelCase names.
fn debug(details: &ErrorDetails) -> Value {
    let kind = details.error.as_known().map_or("ERROR_UNSPECIFIED", name_of);
    let mut all = Map::from_iter([("error".to_owned(), Value::from(kind))]);
    if let Some(custom) = details.details.as_option() {
        all.insert("details".to_owned(), debug_custom(custom));
    }
    if let Some(expected) = details.is_expected {
        all.insert("isExpected".to_owned(), expected.into());
    }
    Value::Object(all)
}

fn name_of(kind: Kind) -> &'static str {
    use buffa::Enumeration as _;
    kind.proto_name()
}

fn debug_custom(custom: &CustomErrorDetails) -> Value {
    let mut all = Map::new();
    all.insert("title".to_owned(), custom.title.as_str().into());
    all.insert("detail".to_owned(), custom.detail.as_str().into());
    let flags = [
        ("isRetryable", custom.is_retryable),
        ("showRequestId", custom.show_request_id),
        ("shouldShowImmediateError", custom.should_show_immediate_error),
    ];
    for (name, flag) in flags {
        if let Some(flag) = flag {
            all.insert(name.to_owned(), flag.into());
        }
    }
    if !custom.additional_info.is_empty() {
        let info = custom.additional_info.iter();
        let info: Map<_, _> =
            info.map(|(key, value)| (key.clone(), value.as_str().into())).collect();
        all.insert("additionalInfo".to_owned(), Value::Object(info));
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests;
