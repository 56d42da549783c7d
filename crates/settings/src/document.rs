//! The pages that describe the settings, written from the registry so that they cannot be wrong.

use std::fmt::Write as _;

use crate::kind::Kind;
use crate::legacy::{self, Convert, Counterpart, Legacy};
use crate::registry::{self, Key};

const WRITTEN: &str = "Written by the tests of crates/settings; run them with UPDATE_DOCUMENTS=1.";

/// `docs/configuration.md`.
#[must_use]
pub fn configuration_page() -> String {
    let mut page = format!("# Configuration\n\n<!-- {WRITTEN} -->\n\n{INTRODUCTION}");
    for key in registry::keys() {
        let default =
            if key.default.is_empty() { "–".to_owned() } else { format!("`{}`", key.default) };
        let _ = writeln!(
            page,
            "| `{}` | `{}` | {} | {default} | {} | {} |",
            key.name,
            key.env,
            key.kind.describe(),
            if key.live { "yes" } else { "restart" },
            key.doc
        );
    }
    page.push_str(ACCOUNTS);
    page.push_str(
        "\n## Names of other programs\n\n\
         Variables of earlier gateways of this kind, and those of OpenTelemetry. One that says \
         something else than the variable it stands for is an error. One that has no effect is \
         named in a warning; one that is refused would leave the gateway less safe or less private \
         than it seems, and is an error.\n\n\
         | variable | here |\n| --- | --- |\n",
    );
    legacy_rows(&mut page, legacy::VARIABLES);
    page.push_str("\nKeys of their settings files:\n\n| key | here |\n| --- | --- |\n");
    legacy_rows(&mut page, legacy::FILE_KEYS);
    page
}

const INTRODUCTION: &str = "\
Settings come from, in order of precedence: command line flags, environment variables, the settings \
file (`--config FILE`, `CURSOR_API_CONFIG`, or `config.toml` in the current folder), defaults. Keys \
with a dot stand in a table of the file: `upstream.flow` is `flow` under `[upstream]`. Unknown keys \
of the file and bad values are errors, all reported at once with the line; the client key, \
credentials and named files are looked at after that. The program then ends with code 2. An empty \
variable counts as unset.

Durations are written as `500ms`, `10s`, `5m`, `2h` or `30d`, sizes as `512KiB`, `32MiB` or `1GiB`. \
Settings that are live hold from the next request on when the file changes; the others, once the \
gateway is started again. [How to change settings](how-to/configuration.md) says how.

| key | variable | what | default | live | meaning |
| --- | --- | --- | --- | --- | --- |
";

const ACCOUNTS: &str = "
## Accounts

One `[[accounts]]` table each in the file, or `CURSOR_ACCOUNTS` in the environment: \
`alias=credential` entries, separated by commas or line ends. Both may be used; they add up. Live: \
new ones are put in when the file changes. One that is removed from the file stays until it is \
removed with `cursor-api accounts remove` or `/tokens/del`.

| key | meaning |
| --- | --- |
| `alias` | The operator's name for the account; `account-1` and so on when absent. |
| `credential` | A user API key (`key_…`, `crsr_…`), a session token (JWT), or the cookie value \
`user_…::TOKEN`. Required. |
| `flow` | `agent` or `chat`; overrides `upstream.flow`. |
| `timezone` | IANA name; overrides `upstream.timezone`. |
";

fn legacy_rows(page: &mut String, names: &[Legacy]) {
    for Legacy { name, meaning } in names {
        let here = match meaning {
            Counterpart::Mapped { convert: Convert::Disabled, .. } => {
                "`true`: `otlp.traces` and `otlp.metrics` are false".to_owned()
            }
            Counterpart::Mapped { key, convert: Convert::Exporters } => {
                format!("without `otlp` among them, `{key}` is false")
            }
            Counterpart::Mapped { key, convert: Convert::EncodedHeaders } => {
                format!("`{key}`, its values percent-decoded")
            }
            Counterpart::Mapped { key, .. } => format!("`{key}`"),
            Counterpart::Only { value, hint } => {
                format!("no effect but a warning, unless it is `{value}`: {hint}")
            }
            Counterpart::Meant { hint } => format!("no effect: {hint}"),
            Counterpart::Refused { harmless: [], hint } => format!("refused: {hint}"),
            Counterpart::Refused { harmless, hint } => {
                format!("refused, unless it is `{}`: {hint}", harmless.join("`, `"))
            }
        };
        let _ = writeln!(page, "| `{name}` | {here} |");
    }
}

/// `config.example.toml`: every key with its default, commented out.
#[must_use]
pub fn example_file() -> String {
    let mut file =
        format!("# Example settings of cursor-api: every key with its default.\n# {WRITTEN}\n");
    let mut table = "";
    for key in registry::keys() {
        let (of, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if of != table {
            table = of;
            let _ = write!(file, "\n[{of}]\n");
        }
        let value = match key.kind {
            Kind::Flag | Kind::Number { .. } => key.default.to_owned(),
            _ => format!("\"{}\"", key.default),
        };
        let _ = writeln!(file, "\n# {}\n# {name} = {value}", remark(key));
    }
    file.push_str(
        "\n# [[accounts]]\n# alias = \"main\"\n# credential = \"key_…\"\n# flow = \"agent\"\n",
    );
    file
}

/// `.env.example`: every variable with its default, commented out.
#[must_use]
pub fn env_example() -> String {
    let mut file = format!(
        "# Environment of cursor-api: every variable with its default. The settings file, where\n\
         # changes can hold without a restart, is the better place for most.\n# {WRITTEN}\n"
    );
    for key in registry::keys() {
        let _ = writeln!(file, "\n# {}\n# {}={}", remark(key), key.env, key.default);
    }
    file.push_str(
        "\n# Accounts: alias=credential, separated by commas or line ends.\n# CURSOR_ACCOUNTS=\n\
         \n# The settings file.\n# CURSOR_API_CONFIG=config.toml\n",
    );
    file
}

fn remark(key: &Key) -> String {
    match key.live {
        true => format!("{} Live.", key.doc),
        false => key.doc.to_owned(),
    }
}

/// The example with its keys in force.
#[cfg(test)]
pub(crate) fn uncommented(file: &str) -> String {
    let is_key = |rest: &str| {
        let name = rest.split(" = ").next().unwrap_or_default();
        rest.contains(" = ") && name.bytes().all(|b| b.is_ascii_lowercase() || b"_.".contains(&b))
    };
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if is_key(rest) || rest.starts_with("[[") => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    file.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Layers, Settings};

    #[test]
    fn the_committed_documents_are_those_of_the_registry() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (name, text) in [
            ("docs/configuration.md", configuration_page()),
            ("config.example.toml", example_file()),
            (".env.example", env_example()),
        ] {
            let path = root.join(name);
            #[expect(clippy::disallowed_methods, reason = "a switch for developers")]
            if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
                std::fs::write(&path, &text).expect("written");
            }
            let committed = std::fs::read_to_string(&path).expect("the document is committed");
            assert!(committed == text, "{name} is stale; run with UPDATE_DOCUMENTS=1");
        }
    }

    #[test]
    fn the_example_is_a_legal_file_once_uncommented_and_says_the_defaults() {
        let text = uncommented(&example_file());
        let layers = Layers::default().file(Path::new("example.toml"), &text);
        let written: Vec<String> = layers.effective().into_iter().map(|e| e.text).collect();
        let defaults = Layers::default().effective().into_iter().map(|e| e.text);
        assert_eq!(written, defaults.collect::<Vec<_>>());
        assert_eq!(Settings::resolve(layers).expect("legal").accounts.len(), 1);
    }

    #[test]
    fn every_variable_is_in_the_example_once() {
        let text = env_example();
        for key in registry::keys() {
            let start = format!("# {}=", key.env);
            assert_eq!(text.lines().filter(|line| line.starts_with(&start)).count(), 1, "{start}");
        }
    }
}
