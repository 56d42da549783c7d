//! Outbound proxies.

use super::accounts::OWN;
use super::operation::{Body, Content, Operation, json_of};

pub(super) const SHAPES: &str = r#"
ProxiesQuery request
  secrets? bool | Passwords are shown, otherwise `***`.
ProxyTable answer
  proxies {string} | Addresses by name: `non`, `sys`, or a URL.
  general string | Name of the one for all who have none of their own.
Proxies answer
  status 'success'
  proxies_count uint
  general_proxy string
  proxies ProxyTable
ProxiesSet request
  proxies {string} | Addresses by name: `non`, `sys`, or a URL.
  general string
ProxiesAdd request
  proxies {string}
ProxiesDelete request
  names [string]
  expectation? 'simple'|'updated_proxies'|'failed_names'|'detailed'
ProxyName request
  name string
FailedName answer
  name string
  reason string
ProxiesDone answer
  status 'success'
  message string
ProxiesCounted answer
  status 'success'
  proxies_count uint
  message string
  failed? [FailedName]
  failed_omitted? positive
ProxiesDeleted answer
  status 'success'
  updated_proxies? ProxyTable
  failed_names? [string]
  failed? [FailedName]
  failed_omitted? positive
ProxyTested answer
  status 'success'
  name string
  milliseconds uint
"#;

const PROXY: Operation = Operation { tag: "Proxies", ..OWN };

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/proxies/get",
        id: "listProxies",
        summary: "List the proxies",
        body: Body::MayBeJson("ProxiesQuery", "{}"),
        answers: &[json_of(&[Content::Json("Proxies")])],
        ..PROXY
    },
    Operation {
        path: "/proxies/set",
        id: "setProxies",
        summary: "Replace all proxies",
        body: Body::Json(
            "ProxiesSet",
            r#"{"proxies": {"sys": "sys", "office": "http://127.0.0.1:8080"}, "general": "sys"}"#,
        ),
        answers: &[json_of(&[Content::Json("ProxiesCounted")])],
        statuses: &[409, 503],
        ..PROXY
    },
    Operation {
        path: "/proxies/add",
        id: "addProxies",
        summary: "Add proxies",
        about: "Names that are there stay as they are.",
        body: Body::Json("ProxiesAdd", r#"{"proxies": {"home": "socks5://127.0.0.1:1080"}}"#),
        answers: &[json_of(&[Content::Json("ProxiesCounted")])],
        ..PROXY
    },
    Operation {
        path: "/proxies/del",
        id: "deleteProxies",
        summary: "Delete proxies",
        body: Body::Json("ProxiesDelete", r#"{"names": ["home"], "expectation": "detailed"}"#),
        answers: &[json_of(&[Content::Json("ProxiesDeleted")])],
        statuses: &[409, 503],
        ..PROXY
    },
    Operation {
        path: "/proxies/set-general",
        id: "setGeneralProxy",
        summary: "Choose the proxy for all who have none of their own",
        body: Body::Json("ProxyName", r#"{"name": "sys"}"#),
        answers: &[json_of(&[Content::Json("ProxiesDone")])],
        statuses: &[409, 503],
        ..PROXY
    },
    Operation {
        path: "/proxies/test",
        id: "testProxy",
        summary: "Open a connection to the upstream through a proxy",
        body: Body::Json("ProxyName", r#"{"name": "sys"}"#),
        answers: &[json_of(&[Content::Json("ProxyTested")])],
        statuses: &[404, 502, 503, 504],
        ..PROXY
    },
];
