//! The service itself: health, settings, pages.

use super::faults::Shape;
use super::one_token::PLAIN;
use super::operation::{Answer, Body, Content, Operation, Parameter, Place, json_of};

pub(super) const SHAPES: &str = r#"
HealthState answer
  status 'success'|'warning'|'error' | `warning`: it serves, or could, but something is wrong; `error`: requests should go elsewhere.
  problems? ['starting'|'draining'|'store'|'request_log'|'no_accounts'|'models'|'upstream'] | What is wrong.
Health answer
  + HealthState
  service HealthService
  runtime HealthRuntime
  system HealthSystem
  capabilities HealthCapabilities
HealthService answer
  name string
  version string
  is_debug bool
  build HealthBuild
HealthBuild answer
  version? uint | Of builds that are numbered.
  timestamp? time | Of the source, where it is known.
  is_debug bool
  is_prerelease bool
HealthRuntime answer
  started_at time
  uptime_seconds uint
  requests HealthRequests
HealthRequests answer
  total uint
  active uint
  errors uint
HealthSystem answer | What the machine does not tell is left out.
  memory HealthMemory
  cpu HealthCpu
HealthMemory answer
  used_bytes? uint
  used_percentage? number
  available_bytes? uint
HealthCpu answer
  usage_percentage? number
  load_average? (number, number, number)
HealthCapabilities answer
  models [string]
  endpoints [string]
  features [string]
"#;

const HTML: &str = "text/html; charset=utf-8";

const PAGE: Operation =
    Operation { tag: "Pages", faults: Shape::OpenAi, headers: &["etag"], ..Operation::EMPTY };

const SERVICE: Operation = Operation { tag: "Service", faults: Shape::Own, ..Operation::EMPTY };

const SETTINGS: Operation = Operation { tag: "Settings", faults: Shape::Own, ..Operation::EMPTY };

const HASH: Parameter = Parameter {
    name: "x-config-hash",
    place: Place::Header,
    required: true,
    shape: "string",
    about: "What `/config/get` gave with the settings that are to be changed.",
};

/// Of a change of the settings.
const APPLIED: &[&str] = &["x-config-hash", "x-config-restart", "x-config-overridden"];

const fn page(content: &'static [Content; 1]) -> Answer {
    Answer { status: 200, about: "The page.", content }
}

const CHANGED: Answer = Answer { status: 204, about: "The settings have changed.", content: &[] };
const UNCHANGED: Answer =
    Answer { status: 200, about: "The settings are as they were.", content: &[] };
const NOT_MODIFIED: Answer =
    Answer { status: 304, about: "It is as `if-none-match` names it.", content: &[] };

/// Which language a page is wanted in.
const LANGUAGE: &[Parameter] = &[Parameter {
    name: "lang",
    place: Place::Query,
    required: false,
    shape: "'en'|'zh'",
    about: "As `Accept-Language` prefers unless said.",
}];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/",
        id: "showLandingPage",
        tag: "Pages",
        summary: "What answers here",
        answers: &[page(&[Content::Text(HTML, "A page.")])],
        ..Operation::EMPTY
    },
    Operation {
        path: "/health",
        id: "getHealth",
        summary: "The state of the service",
        about: "As JSON; or as text or a page, if the settings say so.",
        answers: &[Answer {
            status: 200,
            about: "The state.",
            content: &[
                Content::Json("Health"),
                Content::Text(PLAIN, "One figure on each line."),
                Content::Text(HTML, "A page."),
            ],
        }],
        ..SERVICE
    },
    Operation {
        path: "/health/live",
        id: "getLiveness",
        summary: "Whether the service runs",
        answers: &[json_of(&[Content::Json("HealthState")])],
        ..SERVICE
    },
    Operation {
        path: "/health/ready",
        id: "getReadiness",
        summary: "Whether the service takes requests",
        answers: &[
            json_of(&[Content::Json("HealthState")]),
            Answer {
                status: 503,
                about: "Requests should go elsewhere: it starts or stops.",
                content: &[Content::Json("HealthState")],
            },
        ],
        ..SERVICE
    },
    Operation {
        path: "/metrics",
        id: "getMetrics",
        summary: "Figures for Prometheus",
        answers: &[json_of(&[Content::Text(
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "OpenMetrics.",
        )])],
        faults: Shape::ErrorOnly,
        ..SERVICE
    },
    Operation {
        method: "POST",
        path: "/config/get",
        id: "getConfig",
        summary: "The settings file",
        about: "Empty when there is none yet. 404 for a gateway that can have none.",
        answers: &[json_of(&[Content::Text(PLAIN, "TOML, with its comments.")])],
        headers: &["x-config-hash"],
        statuses: &[404],
        ..SETTINGS
    },
    Operation {
        method: "POST",
        path: "/config/set",
        id: "setConfig",
        summary: "Replace the settings file",
        about: "All that is wrong is told at once, in `details`, and then nothing changes. At most \
                1 MiB.",
        parameters: &[HASH],
        body: Body::Text("text/plain", "[log]\nlevel = \"info\"\n"),
        answers: &[UNCHANGED, CHANGED],
        headers: APPLIED,
        statuses: &[404, 412, 428],
        ..SETTINGS
    },
    Operation {
        path: "/config/reload",
        id: "reloadConfig",
        summary: "Read the settings file again",
        about: "After it was edited on the machine. The hash is that of the file, or of what is in \
                force.",
        parameters: &[HASH],
        answers: &[UNCHANGED, CHANGED],
        headers: APPLIED,
        statuses: &[400, 404, 412, 428],
        ..SETTINGS
    },
    Operation {
        path: "/env-example",
        id: "getEnvironmentExample",
        summary: "All settings as environment variables",
        answers: &[page(&[Content::Text(PLAIN, "A `.env` file.")])],
        statuses: &[404],
        ..SETTINGS
    },
    Operation {
        path: "/config-example",
        id: "getConfigExample",
        summary: "All settings as a file",
        answers: &[page(&[Content::Text(PLAIN, "A `config.toml`.")])],
        statuses: &[404],
        ..SETTINGS
    },
    Operation {
        path: "/readme",
        id: "showReadme",
        summary: "What the gateway is and how it is used",
        parameters: LANGUAGE,
        answers: &[page(&[Content::Text(HTML, "A page.")]), NOT_MODIFIED],
        ..PAGE
    },
    Operation {
        path: "/readme/{*page}",
        id: "showDocument",
        summary: "A document that the readme refers to",
        parameters: &[Parameter {
            name: "page",
            place: Place::Path,
            required: true,
            shape: "text",
            about: "Such as `docs/clients.md`.",
        }],
        answers: &[page(&[Content::Text(HTML, "A page.")]), NOT_MODIFIED],
        statuses: &[404],
        ..PAGE
    },
    Operation {
        path: "/license",
        id: "showLicense",
        summary: "The licences",
        answers: &[page(&[Content::Text(HTML, "A page.")]), NOT_MODIFIED],
        ..PAGE
    },
    Operation {
        path: "/api",
        id: "showApi",
        summary: "This description as a page",
        answers: &[page(&[Content::Text(HTML, "A page.")]), NOT_MODIFIED],
        ..PAGE
    },
    Operation {
        path: "/openapi.json",
        id: "getOpenApi",
        summary: "This description",
        answers: &[json_of(&[Content::Json("object")]), NOT_MODIFIED],
        ..PAGE
    },
];
