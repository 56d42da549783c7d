//! The pages that describe the settings, written from the registry so that they cannot be wrong.

use std::fmt::Write as _;

use crate::registry::KEYS;

/// `docs/configuration.md`.
#[must_use]
pub fn configuration_page() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         <!-- Written by the tests of crates/settings; run them with UPDATE_DOCUMENTS=1. -->\n\n\
         Settings come from, in order of precedence: command line flags, environment variables, \
         the settings file (`--config FILE`, `CURSOR_API_CONFIG`, or `config.toml` in the current \
         folder), defaults. Keys with a dot stand in a table of the file: `upstream.flow` is \
         `flow` under `[upstream]`. Unknown keys of the file and bad values are errors, all \
         reported at once; the client key, credentials and named files are looked at after that. \
         The program then ends with code 2. An empty variable counts as unset.\n\n\
         | key | variable | default | meaning |\n| --- | --- | --- | --- |\n",
    );
    for key in KEYS {
        let default =
            if key.default.is_empty() { "–".to_owned() } else { format!("`{}`", key.default) };
        let _ = writeln!(page, "| `{}` | `{}` | {default} | {} |", key.name, key.env, key.doc);
    }
    page.push_str(
        "\n## Accounts\n\n\
         One `[[accounts]]` table each in the file, or `CURSOR_ACCOUNTS` in the environment: \
         `alias=credential` entries, separated by commas or line ends. Both may be used; they add up.\n\n\
         | key | meaning |\n| --- | --- |\n\
         | `alias` | The operator's name for the account; `account-1` and so on when absent. |\n\
         | `credential` | A user API key (`key_…`, `crsr_…`), a session token (JWT), or the cookie \
         value `user_…::TOKEN`. Required. |\n\
         | `flow` | `agent` or `chat`; overrides `upstream.flow`. |\n\
         | `timezone` | IANA name; overrides `upstream.timezone`. |\n",
    );
    page
}

/// `config.example.toml`: every key with its default, commented out.
#[must_use]
pub fn example_file() -> String {
    let mut file = String::from(
        "# Example settings of cursor-api: every key with its default.\n\
         # Written by the tests of crates/settings; run them with UPDATE_DOCUMENTS=1.\n",
    );
    let mut table = "";
    for key in KEYS {
        let (of, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if of != table {
            table = of;
            let _ = write!(file, "\n[{of}]\n");
        }
        let plain = key.default.parse::<u64>().is_ok() || matches!(key.default, "true" | "false");
        let value = if plain { key.default.to_owned() } else { format!("\"{}\"", key.default) };
        let _ = writeln!(file, "\n# {}\n# {name} = {value}", key.doc);
    }
    file.push_str(
        "\n# [[accounts]]\n# alias = \"main\"\n# credential = \"key_…\"\n# flow = \"agent\"\n",
    );
    file
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_documents_are_those_of_the_registry() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (name, text) in [
            ("docs/configuration.md", configuration_page()),
            ("config.example.toml", example_file()),
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
    fn the_example_is_a_legal_file_once_uncommented() {
        let text: String = example_file()
            .lines()
            .filter(|line| !line.starts_with("# [[") && !line.contains("key_"))
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.contains(" = ") && !rest.ends_with('.') => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .take_while(|line| !line.starts_with("alias"))
            .collect();
        let layers = crate::Layers::default().file(Path::new("example.toml"), &text);
        crate::Settings::resolve(layers).expect("legal");
    }
}
