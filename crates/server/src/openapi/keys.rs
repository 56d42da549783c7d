//! Client keys.

use super::accounts::OWN;
use super::operation::{Body, Content, Operation, json_of};

pub(super) const SHAPES: &str = r#"
UsageCheckModels answer | For which models usage is looked up.
  type 'default'|'disabled'|'all'|'custom'
  model_ids? string | Of `custom`: names with commas between them.
UsageCheckModelsIn request
  type 'default'|'disabled'|'all'|'custom'
  model_ids? string | Of `custom`: names with commas between them.
KeyOptionsIn request | How the requests of a key are served.
  proxy_name? string
  timezone? string | IANA name.
  gcpp_host? Region
  disable_vision? bool
  enable_slow_pool? bool
  include_web_references? bool
  usage_check_models? UsageCheckModelsIn
  log_content? bool | Whether the request log keeps what was said; as the settings have it unless said.
Budget answer
  tokens uint
  period 'day'|'month'|'ever'
KeyLimitsIn request | What a key may do, and how much.
  models? [string] | Names or globs; all when there is none.
  accounts? [string] | Aliases or globs; all when there is none.
  requests_per_minute? uint
  tokens_per_minute? uint
  concurrency? uint
  budget? Budget
KeyLimits answer
  models [string]
  accounts [string]
  requests_per_minute? uint
  tokens_per_minute? uint
  concurrency? uint
  budget? Budget
KeyNew request
  name? string
  expires? time
  expires_in? uint | Seconds from now, instead of `expires`.
  options? KeyOptionsIn
  limits? KeyLimitsIn
KeyChange request | What is named changes, `null` clears it, the rest stays; within `options` and `limits` too.
  id string
  + KeyNew
KeyRotate request
  id string
  grace_seconds? uint | How long the old text works; an hour unless said.
KeyIds request
  ids [string]
KeyOptions answer
  proxy_name? string
  timezone? string
  gcpp_host? Region
  disable_vision bool
  enable_slow_pool? bool
  include_web_references? bool
  usage_check_models UsageCheckModels
  log_content? bool
KeyUsage answer
  requests uint
  tokens uint
  period_tokens uint
  period_start? time
  last_used? time
KeyAccount answer | The account of a built key.
  alias string | The key's id.
  user_id? int32
  workos_id? string
  email? string
  membership_type? string
  enabled bool
  + AccountState
Key answer | A key, without what it could be used with.
  id string
  name string
  kind 'managed'|'built'
  account? KeyAccount
  state 'active'|'expired'|'revoked'
  created time
  expires? time
  revoked? time
  previous_until? time | Until when the text from before the last rotation works.
  options KeyOptions
  limits KeyLimits
  usage KeyUsage
Keys answer
  status 'success'
  keys [Key]
  keys_count uint
KeyFresh answer | A key with its texts, which are shown this once.
  status 'success'
  id string
  keys [string] | The full form, the number in base64, the number.
  key Key
  message string
KeyChanged answer
  status 'success'
  key Key
  message string
KeysDone answer
  status 'success'
  message string
  failed? [FailedKey]
  failed_omitted? positive
FailedKey answer
  id string
  reason string
KeyBuild request
  token text | A session token or an API key.
  checksum? ChecksumIn
  client_key? hex64
  config_version? uuid
  session_id? uuid
  + KeyOptionsIn
  name? string
  expires? time
  expires_in? uint
KeyBuilt answer
  keys [string] | The full form, the number in base64, the number.
"#;

const KEY: Operation = Operation { tag: "Keys", ..OWN };

const IDS: Body = Body::Json("[string] or KeyIds", r#"["key_example_not_a_real_one"]"#);

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/keys/get",
        id: "listKeys",
        summary: "List the keys",
        body: Body::MayBeJson("object", "{}"),
        answers: &[json_of(&[Content::Json("Keys")])],
        ..KEY
    },
    Operation {
        path: "/keys/create",
        id: "createKey",
        summary: "Make a key for a client",
        body: Body::MayBeJson(
            "KeyNew",
            r#"{"name": "laptop", "limits": {"requests_per_minute": 60}}"#,
        ),
        answers: &[json_of(&[Content::Json("KeyFresh")])],
        ..KEY
    },
    Operation {
        path: "/keys/set",
        id: "changeKey",
        summary: "Change a key",
        body: Body::Json("KeyChange", r#"{"id": "key_example_not_a_real_one", "name": "desktop"}"#),
        answers: &[json_of(&[Content::Json("KeyChanged")])],
        statuses: &[404, 409, 503],
        ..KEY
    },
    Operation {
        path: "/keys/rotate",
        id: "rotateKey",
        summary: "Give a key a new text",
        body: Body::Json("KeyRotate", r#"{"id": "key_example_not_a_real_one"}"#),
        answers: &[json_of(&[Content::Json("KeyFresh")])],
        statuses: &[404, 409, 503],
        ..KEY
    },
    Operation {
        path: "/keys/revoke",
        id: "revokeKeys",
        summary: "Revoke keys",
        about: "Ends their answers in progress.",
        body: IDS,
        answers: &[json_of(&[Content::Json("KeysDone")])],
        ..KEY
    },
    Operation {
        path: "/keys/del",
        id: "deleteKeys",
        summary: "Delete keys",
        about: "Figures and the account of a built key go too.",
        body: IDS,
        answers: &[json_of(&[Content::Json("KeysDone")])],
        ..KEY
    },
];
