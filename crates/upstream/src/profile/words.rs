//! The words of the upstream's enums.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;

/// An enum of words. Reading takes the word itself and, where a prefix is named, the protobuf name
/// (`PRIVACY_MODE_NO_STORAGE` for `no_storage`); unknown words are kept, protobuf names without their
/// prefix and in lower case. Writing gives the word.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $prefix:literal: $($(#[$of:meta])* $variant:ident = $word:literal,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$of])* $variant,)+
            /// A word that is not in our list.
            Other(String),
        }

        impl $name {
            /// The word of the gateway's API.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                let word = bare(text, $prefix);
                match word.to_ascii_lowercase().as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word.into_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match Value::deserialize(deserializer)? {
                    Value::String(text) => Ok(Self::from(text.as_str())),
                    Value::Number(number) => Ok(Self::Other(number.to_string())),
                    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                        Err(D::Error::custom("expected a word"))
                    }
                }
            }
        }
    };
}

fn bare<'a>(text: &'a str, prefix: &str) -> Cow<'a, str> {
    match text.strip_prefix(prefix) {
        Some(name) if !prefix.is_empty() => Cow::Owned(name.to_ascii_lowercase()),
        Some(_) | None => Cow::Borrowed(text),
    }
}

words! {
    /// The plan.
    MembershipType, "":
    Free = "free",
    FreeTrial = "free_trial",
    Pro = "pro",
    ProPlus = "pro_plus",
    Ultra = "ultra",
    Enterprise = "enterprise",
}

words! {
    /// Whose limits apply.
    #[derive(Default)]
    LimitType, "":
    #[default]
    User = "user",
    Team = "team",
}

words! {
    /// State of the subscription, in Stripe's words.
    SubscriptionStatus, "":
    Trialing = "trialing",
    Active = "active",
    Incomplete = "incomplete",
    IncompleteExpired = "incomplete_expired",
    PastDue = "past_due",
    Canceled = "canceled",
    Unpaid = "unpaid",
    Paused = "paused",
}

words! {
    /// What the upstream may do with the account's data.
    #[derive(Default)]
    PrivacyMode, "PRIVACY_MODE_":
    #[default]
    Unspecified = "unspecified",
    NoStorage = "no_storage",
    NoTraining = "no_training",
    UsageDataTrainingAllowed = "usage_data_training_allowed",
    UsageCodebaseTrainingAllowed = "usage_codebase_training_allowed",
}

words! {
    /// What a session is used by.
    #[derive(Default)]
    SessionType, "SESSION_TYPE_":
    #[default]
    Unspecified = "unspecified",
    Web = "web",
    Client = "client",
    Bugbot = "bugbot",
    BackgroundAgent = "background_agent",
}
