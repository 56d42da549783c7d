//! Calls for one token, and fresh random values.

use super::accounts::OWN;
use super::faults::Shape;
use super::operation::{Answer, Body, Content, Operation, json_of};

pub(super) const SHAPES: &str = r#"
User answer | The person behind an account.
  user_id int32
  email? string
  first_name? string
  last_name? string
  workos_id? string
  team_id? int32
  created_at? string
  is_enterprise_user bool
  is_on_new_pricing bool
  privacy_mode_info PrivacyMode
PrivacyMode answer
  privacy_mode string | `unspecified`, `no_storage`, `no_training`, `usage_data_training_allowed`, `usage_codebase_training_allowed`, or a word that came later.
  is_enforced_by_team? bool
Usage answer | How much of its plan an account has used.
  billing_cycle_start string
  billing_cycle_end string
  membership_type string | `free`, `free_trial`, `pro`, `pro_plus`, `ultra`, `enterprise`, or a word that came later.
  limit_type string | `user` or `team`.
  is_unlimited bool
  individual_usage UsageParts
  team_usage UsageParts
UsageParts answer
  plan? PlanUsage
  on_demand? OnDemandUsage
PlanUsage answer
  enabled bool
  used int32
  limit int32
  remaining int32
  breakdown PlanBreakdown
PlanBreakdown answer
  included int32
  bonus int32
  total int32
OnDemandUsage answer
  enabled bool
  used int32
  limit? int32
  remaining? int32
Stripe answer | The subscription.
  membership_type string
  payment_id? string
  days_remaining_on_trial int32
  subscription_status? string
  verified_student bool
  trial_eligible bool
  trial_length_days int32
  is_on_student_plan bool
  is_on_billable_auto bool
  customer_balance? number
  trial_was_cancelled bool
  is_team_member bool
  team_membership_type? string
  individual_membership_type? string
Session answer | One login of an account.
  session_id string
  type string | `web`, `client`, `bugbot`, `background_agent`, `unspecified`, or a word that came later.
  created_at string
  expires_at string
ProfileQuery request
  session_token string
  web_token string
  proxy_name? string
  include_sessions? bool
Profile answer | Usage, subscription, person, sessions; `null` for what could not be read.
  token_profile (Usage or null, Stripe or null, User or null, [Session] or null)
ConfigVersionQuery request
  token text
  checksum? ChecksumIn
  client_key? hex64
  session_id? uuid
  proxy_name? string
  timezone? string
  gcpp_host? Region
ConfigVersion answer
  config_version uuid
TokenUpgrade request
  token text | The web site's token.
TokenUpgraded answer
  status 'success'
  message string
  result string | A session token.
"#;

const TAG: &str = "One token";

const ONE: Operation =
    Operation { tag: TAG, faults: Shape::ErrorOnly, statuses: &[502, 503, 504], ..OWN };

const RANDOM: Operation =
    Operation { tag: "Random values", faults: Shape::Own, ..Operation::EMPTY };

const fn plain(content: &'static [Content; 1]) -> Answer {
    Answer { status: 200, about: "The value.", content }
}

/// Plain text as it is sent.
pub(super) const PLAIN: &str = "text/plain; charset=utf-8";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/build-key",
        id: "buildKey",
        summary: "Make a key around an account",
        about: "The account stays here; the key names it.",
        body: Body::Json("KeyBuild", r#"{"token": "key_example_not_a_real_one"}"#),
        answers: &[json_of(&[Content::Json("KeyBuilt")])],
        statuses: &[409, 503],
        ..ONE
    },
    Operation {
        path: "/token-profile/get",
        id: "getTokenProfile",
        summary: "What the upstream knows of a token's account",
        body: Body::Json(
            "ProfileQuery",
            r#"{"session_token": "eyJ…", "web_token": "user_…::eyJ…", "include_sessions": true}"#,
        ),
        answers: &[json_of(&[Content::Json("Profile")])],
        ..ONE
    },
    Operation {
        path: "/config-version/get",
        id: "getConfigVersion",
        summary: "The configuration version of a token's account",
        body: Body::Json("ConfigVersionQuery", r#"{"token": "key_example_not_a_real_one"}"#),
        answers: &[json_of(&[Content::Json("ConfigVersion")])],
        ..ONE
    },
    Operation {
        path: "/token-upgrade",
        id: "upgradeToken",
        summary: "Turn the web site's token into a session token",
        body: Body::Json("TokenUpgrade", r#"{"token": "user_…::eyJ…"}"#),
        answers: &[json_of(&[Content::Json("TokenUpgraded")])],
        faults: Shape::Upgrade,
        ..ONE
    },
    Operation {
        path: "/gen-uuid",
        id: "generateUuid",
        summary: "A random UUID",
        answers: &[plain(&[Content::Text(PLAIN, "A UUID.")])],
        ..RANDOM
    },
    Operation {
        path: "/gen-hash",
        id: "generateHash",
        summary: "64 random hex characters",
        answers: &[plain(&[Content::Text(PLAIN, "As client keys and machine ids have them.")])],
        ..RANDOM
    },
    Operation {
        path: "/gen-checksum",
        id: "generateChecksum",
        summary: "A checksum header with two random machine ids",
        answers: &[plain(&[Content::Text(PLAIN, "The header's value.")])],
        ..RANDOM
    },
    Operation {
        path: "/gen-token",
        id: "generateToken",
        summary: "A random `AUTH_TOKEN`",
        answers: &[plain(&[Content::Text(PLAIN, "`sk-` and 48 characters.")])],
        ..RANDOM
    },
    Operation {
        path: "/get-checksum-header",
        id: "getChecksumHeader",
        summary: "The part of a checksum header that tells the time",
        answers: &[plain(&[Content::Text(PLAIN, "8 characters.")])],
        ..RANDOM
    },
];
