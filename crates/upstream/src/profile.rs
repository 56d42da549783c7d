//! What the upstream tells of an account: plan, usage, subscription, person, sessions.
//!
//! One set of types for three uses. They are read from the upstream's JSON (camelCase, enums by
//! their protobuf names), kept as JSON, and shown in the snake_case form of the gateway's API.
//! Reading takes both forms and does not give up an answer for a figure that is out of shape: what
//! does not fit is saturated, what is `null` counts as absent. Words that are not in our lists are
//! kept as text.

mod lenient;
mod usage;
mod words;

use serde::{Deserialize, Serialize};

pub use usage::{IndividualUsage, OnDemandUsage, PlanBreakdown, PlanUsage, TeamUsage, Usage};
pub use words::{LimitType, MembershipType, PrivacyMode, SessionType, SubscriptionStatus};

/// Everything that is known of an account; a part is `None` until it was read once.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Profile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe: Option<Stripe>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Vec<SessionInfo>>,
}

/// The person behind the account (`get-me`, with privacy mode and pricing put in).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct User {
    /// The upstream's number of the user; not the `user_…` id of the tokens.
    #[serde(alias = "userId", deserialize_with = "lenient::integer")]
    pub user_id: i32,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub email: Option<String>,
    #[serde(
        default,
        alias = "firstName",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub first_name: Option<String>,
    #[serde(
        default,
        alias = "lastName",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub last_name: Option<String>,
    /// `user_…`.
    #[serde(
        default,
        alias = "workosId",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub workos_id: Option<String>,
    /// The team; absent for a person of their own.
    #[serde(
        default,
        alias = "teamId",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::maybe_integer"
    )]
    pub team_id: Option<i32>,
    /// RFC 3339, as the upstream wrote it.
    #[serde(
        default,
        alias = "createdAt",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub created_at: Option<String>,
    #[serde(default, alias = "isEnterpriseUser", deserialize_with = "lenient::flag")]
    pub is_enterprise_user: bool,
    #[serde(default, alias = "isOnNewPricing", deserialize_with = "lenient::flag")]
    pub is_on_new_pricing: bool,
    #[serde(default, alias = "privacyModeInfo", deserialize_with = "lenient::or_default")]
    pub privacy_mode_info: PrivacyModeInfo,
}

/// What the upstream may do with the account's data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PrivacyModeInfo {
    #[serde(default, alias = "privacyMode", deserialize_with = "lenient::or_default")]
    pub privacy_mode: PrivacyMode,
    #[serde(
        default,
        alias = "isEnforcedByTeam",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::maybe_flag"
    )]
    pub is_enforced_by_team: Option<bool>,
}

/// The subscription (`full_stripe_profile`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stripe {
    #[serde(alias = "membershipType")]
    pub membership_type: MembershipType,
    #[serde(
        default,
        alias = "paymentId",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub payment_id: Option<String>,
    #[serde(default, alias = "daysRemainingOnTrial", deserialize_with = "lenient::integer")]
    pub days_remaining_on_trial: i32,
    #[serde(
        default,
        alias = "subscriptionStatus",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::word"
    )]
    pub subscription_status: Option<SubscriptionStatus>,
    #[serde(default, alias = "verifiedStudent", deserialize_with = "lenient::flag")]
    pub verified_student: bool,
    #[serde(default, alias = "trialEligible", deserialize_with = "lenient::flag")]
    pub trial_eligible: bool,
    #[serde(default, alias = "trialLengthDays", deserialize_with = "lenient::integer")]
    pub trial_length_days: i32,
    #[serde(default, alias = "isOnStudentPlan", deserialize_with = "lenient::flag")]
    pub is_on_student_plan: bool,
    #[serde(default, alias = "isOnBillableAuto", deserialize_with = "lenient::flag")]
    pub is_on_billable_auto: bool,
    /// Negative when the account has credit.
    #[serde(
        default,
        alias = "customerBalance",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::maybe_number"
    )]
    pub customer_balance: Option<f64>,
    #[serde(default, alias = "trialWasCancelled", deserialize_with = "lenient::flag")]
    pub trial_was_cancelled: bool,
    #[serde(default, alias = "isTeamMember", deserialize_with = "lenient::flag")]
    pub is_team_member: bool,
    #[serde(
        default,
        alias = "teamMembershipType",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::word"
    )]
    pub team_membership_type: Option<MembershipType>,
    #[serde(
        default,
        alias = "individualMembershipType",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::word"
    )]
    pub individual_membership_type: Option<MembershipType>,
}

/// One login of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// 64 hex characters; names the session and is no credential.
    #[serde(alias = "sessionId")]
    pub session_id: String,
    #[serde(default, rename = "type", deserialize_with = "lenient::or_default")]
    pub kind: SessionType,
    /// RFC 3339, as the upstream wrote it; empty if it did not.
    #[serde(default, alias = "createdAt", deserialize_with = "lenient::text_or_empty")]
    pub created_at: String,
    /// RFC 3339, as the upstream wrote it; empty if it did not.
    #[serde(default, alias = "expiresAt", deserialize_with = "lenient::text_or_empty")]
    pub expires_at: String,
}

#[cfg(test)]
mod tests;
