//! Usage of the billing cycle (`usage-summary`), in cents.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lenient;
use super::words::{LimitType, MembershipType};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// RFC 3339, as the upstream wrote it; empty if it did not.
    #[serde(default, alias = "billingCycleStart", deserialize_with = "lenient::text_or_empty")]
    pub billing_cycle_start: String,
    /// RFC 3339, as the upstream wrote it; empty if it did not.
    #[serde(default, alias = "billingCycleEnd", deserialize_with = "lenient::text_or_empty")]
    pub billing_cycle_end: String,
    #[serde(alias = "membershipType")]
    pub membership_type: MembershipType,
    #[serde(default, alias = "limitType", deserialize_with = "lenient::or_default")]
    pub limit_type: LimitType,
    #[serde(default, alias = "isUnlimited", deserialize_with = "lenient::flag")]
    pub is_unlimited: bool,
    #[serde(default, alias = "individualUsage", deserialize_with = "lenient::or_default")]
    pub individual_usage: IndividualUsage,
    #[serde(default, alias = "teamUsage", deserialize_with = "lenient::or_default")]
    pub team_usage: TeamUsage,
}

/// What one side, the person or the team, has used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IndividualUsage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanUsage>,
    #[serde(default, alias = "onDemand", skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<OnDemandUsage>,
}

/// The same figures for the team.
pub type TeamUsage = IndividualUsage;

/// What the plan includes. Cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanUsage {
    #[serde(default, deserialize_with = "lenient::flag")]
    pub enabled: bool,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub used: i32,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub limit: i32,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub remaining: i32,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub breakdown: PlanBreakdown,
}

/// Where the plan's allowance comes from. Cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanBreakdown {
    #[serde(default, deserialize_with = "lenient::integer")]
    pub included: i32,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub bonus: i32,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub total: i32,
}

/// What is paid beyond the plan. Cents; no limit means that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OnDemandUsage {
    #[serde(default, deserialize_with = "lenient::flag")]
    pub enabled: bool,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub used: i32,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::maybe_integer"
    )]
    pub limit: Option<i32>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::maybe_integer"
    )]
    pub remaining: Option<i32>,
}

impl Usage {
    /// Whether nothing is left to use until the cycle ends.
    ///
    /// In doubt it is not: an account taken for exhausted rests for weeks, one that is exhausted in
    /// truth says so with the next call. So any plan with something left, and any on-demand usage
    /// that is open, of the person or of the team, speaks against it; and without a figure for any
    /// plan nothing is known.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        let sides = [&self.individual_usage, &self.team_usage];
        let mut plans = sides
            .iter()
            .filter_map(|side| side.plan)
            .filter(|plan| plan.enabled && plan.limit > 0)
            .peekable();
        !self.is_unlimited
            && plans.peek().is_some()
            && plans.all(|plan| plan.left() <= 0)
            && !sides.iter().filter_map(|side| side.on_demand).any(OnDemandUsage::is_open)
    }

    /// When the billing cycle ends and the plan begins anew, in Unix milliseconds; `None` when the
    /// upstream's text is no instant after 1970.
    #[must_use]
    pub fn resets_unix_ms(&self) -> Option<u64> {
        let end: Timestamp = self.billing_cycle_end.parse().ok()?;
        u64::try_from(end.as_millisecond()).ok()
    }
}

impl PlanUsage {
    /// What is left, a bonus on top of the limit included.
    fn left(self) -> i32 {
        let PlanBreakdown { included, bonus, total } = self.breakdown;
        let allowance = self.limit.max(total).max(included.saturating_add(bonus));
        self.remaining.max(allowance.saturating_sub(self.used))
    }
}

impl OnDemandUsage {
    fn is_open(self) -> bool {
        self.enabled
            && match (self.remaining, self.limit) {
                (Some(remaining), _) => remaining > 0,
                (None, Some(limit)) => limit > self.used,
                (None, None) => true,
            }
    }
}
