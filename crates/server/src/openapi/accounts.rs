//! Accounts, the pool, and logging in.

use super::faults::Shape;
use super::operation::{Body, Content, Operation, json_of};

pub(super) const SHAPES: &str = r#"
Done answer | Done for some or all; `message` counts.
  status 'success'
  message string
  failed? [FailedAlias] | For which it did not work; at most 1000.
  failed_omitted? positive | How many more there are.
FailedAlias answer
  alias string
  reason string
AccountsQuery request
  mask? bool | Tokens and `client_key` are made unusable.
Accounts answer
  status 'success'
  tokens [AccountRow]
  tokens_count uint
AccountRow = (uint, string, Account) | Number, alias, and what is known of the account.
Checksum answer | Two machine ids.
  first string
  second string
ChecksumIn = string or Checksum | Two machine ids, or the text of the header.
Region = 'Asia'|'EU'|'US' | Where code is completed.
Flow = 'agent'|'chat' | One of the two protocols of the upstream.
AccountState part | How an account stands in the pool.
  state 'ready'|'cooling'|'limit'|'abnormal'|'disabled'
  reason? string | Why it is marked.
  since? time
  until? time
  active bool | Whether it is in the set that takes new conversations.
  in_use uint | Answers in progress.
  coolings [Cooling]
Cooling answer
  model? string | For all models when it is not there.
  until time
AccountStatus answer
  enabled bool
  + AccountState
Account answer
  primary_token string | A session token, web token or API key.
  secondary_token? string
  refresh_token? string
  checksum Checksum
  client_key? string
  config_version? uuid
  session_id? uuid
  proxy? string
  timezone? string | IANA name.
  gcpp_host? Region
  flow? Flow
  credential string | What kind the token is of.
  expires_at? time | Of the token.
  user? User
  status AccountStatus
  usage? Usage
  stripe? Stripe
  sessions? [Session]
AccountIn request | An account, as `/tokens/get` shows it; which fields must be there depends on the call.
  primary_token? string
  secondary_token? string
  refresh_token? string
  checksum? ChecksumIn
  client_key? hex64
  config_version? uuid
  session_id? uuid
  proxy? string | Name of a proxy.
  timezone? string | IANA name.
  gcpp_host? Region
  flow? Flow
  user? User
  status? AccountStatusIn
  usage? Usage
  stripe? Stripe
  sessions? [Session]
  credential? any | Found out anew.
  expires_at? any | Found out anew.
AccountStatusIn request | Only `enabled` has an effect.
  enabled? bool
  state? any
  reason? any
  since? any
  until? any
  active? any
  in_use? any
  coolings? any
AccountRowIn = (string, AccountIn) or (uint, string, AccountIn) | Alias and account, or what `/tokens/get` shows.
AccountsSet request | What `/tokens/get` answered.
  tokens [AccountRowIn]
  status? any
  tokens_count? any
AccountsCounted answer
  status 'success'
  tokens_count uint
  message string
  failed? [FailedAlias]
  failed_omitted? positive
AccountNew request
  token text | A session token, web token, cookie value or API key; also as `primary_token`.
  alias? string | Made up when not given.
  secondary_token? string
  refresh_token? string
  checksum? ChecksumIn | Made up when not given.
  client_key? hex64
  session_id? uuid
  config_version? uuid
  proxy? string
  timezone? string
  gcpp_host? Region
  flow? Flow
AccountsAdd request
  tokens [string or AccountNew] | An entry may be the bare token.
  enabled? bool | Yes unless said.
AccountsDelete request
  aliases [string]
  include_failed_tokens? bool
  expectation? 'simple'|'updated_tokens'|'failed_tokens'|'detailed'
AccountsDeleted answer
  status 'success'
  updated_tokens? [string] | Aliases of the accounts that are left.
  failed_tokens? [string]
  failed? [FailedAlias]
  failed_omitted? positive
TagsSet request
  tokens [string] | Aliases.
  tags Tags
Tags request | `null` clears a tag, one that is not named stays; one must be named.
  timezone? string
  proxy? string
StatusSet request
  aliases [string]
  enabled bool | `true` also clears a mark.
ProxySet request
  aliases [string]
  proxy? string | None when it is not named.
TimezoneSet request
  aliases [string]
  timezone? string | None when it is not named.
PoolPolicy answer
  rotation string
  active uint | Size of the set in rotation.
  concurrency? positive | Answers in progress at once per account.
  pace_milliseconds uint | Between two starts on one account.
PoolMember answer
  number uint
  alias string
  enabled bool
  credential string
  started uint | Answers begun since the start.
  + AccountState
Pool answer
  status 'success'
  policy PoolPolicy
  accounts [PoolMember]
  states {uint} | How many are in which state.
LoginStarted answer
  status 'success'
  id uuid
  url string | To be opened in a browser.
LoginFinish request
  id uuid | What `/login/start` gave.
  alias? string
LoginFinished answer
  status 'success'|'pending'
  alias? string | The account that was added or got the new tokens.
"#;

/// Fields that every call of the gateway's own has in common.
pub(super) const OWN: Operation = Operation {
    method: "POST",
    headers: &["x-ignored-fields"],
    faults: Shape::Own,
    statuses: &[503],
    ..Operation::EMPTY
};

const ACCOUNT: Operation =
    Operation { tag: "Accounts", answers: &[json_of(&[Content::Json("Done")])], ..OWN };

/// A call for some accounts by their aliases.
const EACH: Operation = Operation { body: Body::Json("[string]", r#"["main"]"#), ..ACCOUNT };

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/tokens/get",
        id: "listAccounts",
        summary: "List the accounts",
        about: "With their tokens, unless they are masked.",
        body: Body::MayBeJson("AccountsQuery", r#"{"mask": true}"#),
        answers: &[json_of(&[Content::Json("Accounts")])],
        ..ACCOUNT
    },
    Operation {
        path: "/tokens/set",
        id: "setAccounts",
        summary: "Replace all accounts",
        about: "Takes the list alone, or all that `/tokens/get` answered.",
        body: Body::Json(
            "[AccountRowIn] or AccountsSet",
            r#"[["main", {"primary_token": "key_example_not_a_real_one"}]]"#,
        ),
        answers: &[json_of(&[Content::Json("AccountsCounted")])],
        ..ACCOUNT
    },
    Operation {
        path: "/tokens/add",
        id: "addAccounts",
        summary: "Add accounts",
        about: "Takes the list alone, too.",
        body: Body::Json(
            "[string or AccountNew] or AccountsAdd",
            r#"{"tokens": [{"alias": "main", "token": "key_example_not_a_real_one"}]}"#,
        ),
        answers: &[json_of(&[Content::Json("AccountsCounted")])],
        ..ACCOUNT
    },
    Operation {
        path: "/tokens/del",
        id: "deleteAccounts",
        summary: "Delete accounts",
        body: Body::Json("AccountsDelete", r#"{"aliases": ["main"], "expectation": "detailed"}"#),
        answers: &[json_of(&[Content::Json("AccountsDeleted")])],
        ..ACCOUNT
    },
    Operation {
        path: "/tokens/tags/set",
        id: "setAccountTags",
        summary: "Set time zone and proxy of accounts",
        body: Body::Json("TagsSet", r#"{"tokens": ["main"], "tags": {"timezone": "UTC"}}"#),
        ..ACCOUNT
    },
    Operation {
        path: "/tokens/profile/update",
        id: "updateAccountProfiles",
        summary: "Read profiles of accounts from the upstream",
        ..EACH
    },
    Operation {
        path: "/tokens/config-version/update",
        id: "updateAccountConfigVersions",
        summary: "Read the configuration version of accounts from the upstream",
        ..EACH
    },
    Operation {
        path: "/tokens/refresh",
        id: "refreshAccounts",
        summary: "Renew the tokens of accounts",
        ..EACH
    },
    Operation {
        path: "/tokens/status/set",
        id: "setAccountStatus",
        summary: "Switch accounts on or off",
        body: Body::Json("StatusSet", r#"{"aliases": ["main"], "enabled": true}"#),
        ..ACCOUNT
    },
    Operation {
        path: "/tokens/alias/set",
        id: "renameAccounts",
        summary: "Rename accounts",
        about: "Old names and new ones; two may swap.",
        body: Body::Json("{string}", r#"{"main": "first"}"#),
        ..ACCOUNT
    },
    Operation {
        path: "/tokens/proxy/set",
        id: "setAccountProxy",
        summary: "Set the proxy of accounts",
        body: Body::Json("ProxySet", r#"{"aliases": ["main"], "proxy": null}"#),
        ..ACCOUNT
    },
    Operation {
        path: "/tokens/timezone/set",
        id: "setAccountTimezone",
        summary: "Set the time zone of accounts",
        body: Body::Json("TimezoneSet", r#"{"aliases": ["main"], "timezone": "Asia/Shanghai"}"#),
        ..ACCOUNT
    },
    Operation {
        path: "/tokens/merge",
        id: "mergeAccounts",
        summary: "Change fields of accounts",
        about: "By alias; what is not named stays.",
        body: Body::Json("{AccountIn}", r#"{"main": {"timezone": "UTC"}}"#),
        ..ACCOUNT
    },
    Operation {
        path: "/tokens/test",
        id: "testAccounts",
        summary: "Ask the upstream whether it accepts accounts",
        ..EACH
    },
    Operation {
        path: "/tokens/marks/clear",
        id: "clearAccountMarks",
        summary: "Forget marks, coolings and suspicions of accounts",
        ..EACH
    },
    Operation {
        path: "/pool/get",
        id: "getPool",
        summary: "How the accounts stand",
        body: Body::MayBeJson("object", "{}"),
        answers: &[json_of(&[Content::Json("Pool")])],
        ..ACCOUNT
    },
    Operation {
        path: "/login/start",
        id: "startLogin",
        summary: "Begin a login in the browser",
        body: Body::MayBeJson("object", "{}"),
        answers: &[json_of(&[Content::Json("LoginStarted")])],
        ..ACCOUNT
    },
    Operation {
        path: "/login/finish",
        id: "finishLogin",
        summary: "Ask whether the login was agreed to",
        about: "To be called again every few seconds while it is `pending`.",
        body: Body::Json("LoginFinish", r#"{"id": "0f9d2c7e-4f0b-4b4e-9a53-2b1f6a0c7d11"}"#),
        answers: &[json_of(&[Content::Json("LoginFinished")])],
        statuses: &[404, 409, 502, 503, 504],
        ..ACCOUNT
    },
];
