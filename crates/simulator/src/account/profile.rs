//! What an account is and has used: derived from its user id, changed by a test.

use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use crate::control::AccountBehaviour;

const DAY: Duration = Duration::from_secs(86_400);
/// Length of a billing cycle.
const CYCLE: Duration = Duration::from_secs(30 * 86_400);

/// Changes to the profile of an account; `None` leaves what is derived from its user id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileOverrides {
    /// `free`, `free_trial`, `pro` (derived), `pro_plus`, `ultra`, `enterprise` or any other text.
    /// `free` has no plan figures unless `used` or `limit` is set; `enterprise` is unlimited and
    /// billed to a team.
    pub membership: Option<String>,
    /// Cents of the plan used in this cycle; 500 if not set.
    pub used: Option<u32>,
    /// Cents of the plan; 2000 if not set.
    pub limit: Option<u32>,
    /// End of the billing cycle, which is 30 days long. It does not renew itself.
    pub cycle_end: Option<SystemTime>,
    /// Cents that may be spent beyond the plan; 0 switches that off; 5000 if not set and paid for.
    pub on_demand_limit: Option<u32>,
    /// `<user id in lower case>@example.invalid` if not set.
    pub email: Option<String>,
    /// `active` if not set and paid for.
    pub subscription_status: Option<String>,
    /// Name of the team that the account belongs to.
    pub team: Option<String>,
    /// What may be done with the account's data.
    pub privacy: Option<Privacy>,
}

/// What the backend may do with an account's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Privacy {
    Unspecified,
    NoStorage,
    #[default]
    NoTraining,
    UsageDataTrainingAllowed,
    UsageCodebaseTrainingAllowed,
}

/// The plan's figures in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) used: u32,
    pub(crate) limit: u32,
}

impl Plan {
    pub(crate) fn remaining(self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    /// Per cent used, 0 without a limit.
    pub(crate) fn percent(self) -> f64 {
        if self.limit == 0 {
            return 0.0;
        }
        f64::from(self.used) * 100.0 / f64::from(self.limit)
    }
}

/// A membership in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Team {
    pub(crate) id: i32,
    pub(crate) name: String,
}

/// All that account calls tell about one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) user: String,
    /// The numeric id.
    pub(crate) number: i32,
    pub(crate) email: String,
    pub(crate) created: SystemTime,
    pub(crate) membership: String,
    pub(crate) subscription_status: Option<String>,
    pub(crate) cycle_start: SystemTime,
    pub(crate) cycle_end: SystemTime,
    pub(crate) unlimited: bool,
    pub(crate) plan: Option<Plan>,
    /// Spending beyond the plan, if allowed.
    pub(crate) on_demand: Option<Plan>,
    pub(crate) team: Option<Team>,
    pub(crate) privacy: Privacy,
    /// When the simulator was started: what is dated before now counts from here.
    pub(crate) started: SystemTime,
}

impl Profile {
    pub(crate) fn of(
        user: &str,
        overrides: &ProfileOverrides,
        behaviour: &AccountBehaviour,
        started: SystemTime,
    ) -> Self {
        let hash = Sha256::digest(user.as_bytes());
        let exhausted = *behaviour == AccountBehaviour::QuotaReached;
        let membership = overrides.membership.clone().unwrap_or_else(|| "pro".to_owned());
        let (is_free, is_enterprise) = (membership == "free", membership == "enterprise");
        let has_figures = overrides.used.is_some() || overrides.limit.is_some() || exhausted;
        let number = i32::from(hash[0]) << 16 | i32::from(hash[1]) << 8 | i32::from(hash[2]);
        let cycle_end = overrides.cycle_end.unwrap_or_else(|| {
            // Three to 22 days ahead, so that no test meets the end by chance.
            started + DAY * (3 + u32::from(hash[3]) % 20)
        });
        let team = overrides.team.clone().or_else(|| is_enterprise.then(|| "Team".to_owned()));
        Self {
            user: user.to_owned(),
            number: 100_000 + number,
            email: overrides
                .email
                .clone()
                .unwrap_or_else(|| format!("{}@example.invalid", user.to_lowercase())),
            created: started - DAY * (60 + u32::from(hash[4])),
            subscription_status: overrides
                .subscription_status
                .clone()
                .or_else(|| subscription(&membership).map(str::to_owned)),
            cycle_start: cycle_end - CYCLE,
            cycle_end,
            unlimited: is_enterprise && !exhausted,
            plan: (!is_free || has_figures).then(|| plan(overrides, exhausted)),
            on_demand: on_demand(overrides, exhausted, is_free),
            team: team.map(|name| Team { id: 1 + i32::from(hash[5]), name }),
            privacy: overrides.privacy.unwrap_or_default(),
            membership,
            started,
        }
    }

    pub(crate) fn is_free(&self) -> bool {
        self.membership == "free"
    }

    /// Who pays.
    pub(crate) fn limit_type(&self) -> &'static str {
        if self.team.is_some() { "team" } else { "user" }
    }

    /// The subject of its tokens.
    pub(crate) fn auth_id(&self) -> String {
        format!("auth0|{}", self.user)
    }

    /// Whole days of a trial still to come.
    pub(crate) fn trial_days(&self, now: SystemTime) -> u64 {
        let left = self.cycle_end.duration_since(now).unwrap_or_default();
        if self.membership == "free_trial" { left.as_secs() / DAY.as_secs() } else { 0 }
    }
}

fn subscription(membership: &str) -> Option<&'static str> {
    match membership {
        "free" => None,
        "free_trial" => Some("trialing"),
        _ => Some("active"),
    }
}

fn plan(overrides: &ProfileOverrides, exhausted: bool) -> Plan {
    let limit = overrides.limit.unwrap_or(2000);
    let used = overrides.used.unwrap_or(500);
    Plan { used: if exhausted { limit } else { used }, limit }
}

/// An account that reached its quota has nothing left beyond its plan either.
fn on_demand(overrides: &ProfileOverrides, exhausted: bool, is_free: bool) -> Option<Plan> {
    let usual = if exhausted || is_free { 0 } else { 5000 };
    let limit = overrides.on_demand_limit.unwrap_or(usual);
    (limit > 0).then_some(Plan { used: if exhausted { limit } else { limit.min(100) }, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "user_01ABCDEFGHJKMNPQRSTVWXYZ01";

    fn profile(overrides: &ProfileOverrides, behaviour: &AccountBehaviour) -> Profile {
        Profile::of(USER, overrides, behaviour, SystemTime::UNIX_EPOCH + CYCLE * 700)
    }

    #[test]
    fn a_profile_is_derived_from_the_user() {
        let one = profile(&ProfileOverrides::default(), &AccountBehaviour::Healthy);
        assert_eq!(one, profile(&ProfileOverrides::default(), &AccountBehaviour::Healthy));
        assert_eq!(one.plan, Some(Plan { used: 500, limit: 2000 }));
        assert_eq!(one.email, "user_01abcdefghjkmnpqrstvwxyz01@example.invalid");
        let ahead = one.cycle_end.duration_since(one.started).expect("an end ahead");
        assert!(ahead >= DAY * 3 && ahead < DAY * 23, "{ahead:?}");
        let other = Profile::of(
            "user_other",
            &ProfileOverrides::default(),
            &AccountBehaviour::Healthy,
            one.started,
        );
        assert_ne!(other.number, one.number);
    }

    #[test]
    fn a_reached_quota_leaves_nothing() {
        for membership in ["free", "free_trial", "pro", "ultra", "enterprise"] {
            let overrides =
                ProfileOverrides { membership: Some(membership.to_owned()), ..Default::default() };
            let reached = profile(&overrides, &AccountBehaviour::QuotaReached);
            let plan = reached.plan.expect("figures");
            assert_eq!((plan.used, plan.remaining()), (plan.limit, 0), "{membership}");
            assert_eq!((reached.on_demand, reached.unlimited), (None, false), "{membership}");
        }
    }
}
