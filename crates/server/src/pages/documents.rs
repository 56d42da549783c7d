//! The documents that stand in the binary, and where they are served.

/// Paths as in the repository. A test follows every link.
const DOCUMENTS: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../../README.md")),
    ("README.zh-CN.md", include_str!("../../../../README.zh-CN.md")),
    ("ARCHITECTURE.md", include_str!("../../../../ARCHITECTURE.md")),
    ("CHANGELOG.md", include_str!("../../../../CHANGELOG.md")),
    ("CONTRIBUTING.md", include_str!("../../../../CONTRIBUTING.md")),
    ("examples/neovim/README.md", include_str!("../../../../examples/neovim/README.md")),
    ("crates/simulator/README.md", include_str!("../../../../crates/simulator/README.md")),
    ("benches/README.md", include_str!("../../../../benches/README.md")),
    ("docs/admin-api.md", include_str!("../../../../docs/admin-api.md")),
    ("docs/clients.md", include_str!("../../../../docs/clients.md")),
    ("docs/code-completion.md", include_str!("../../../../docs/code-completion.md")),
    ("docs/configuration.md", include_str!("../../../../docs/configuration.md")),
    ("docs/how-to/accounts.md", include_str!("../../../../docs/how-to/accounts.md")),
    ("docs/how-to/add-a-setting.md", include_str!("../../../../docs/how-to/add-a-setting.md")),
    ("docs/how-to/configuration.md", include_str!("../../../../docs/how-to/configuration.md")),
    ("docs/how-to/deploying.md", include_str!("../../../../docs/how-to/deploying.md")),
    ("docs/how-to/doctor.md", include_str!("../../../../docs/how-to/doctor.md")),
    ("docs/how-to/keys.md", include_str!("../../../../docs/how-to/keys.md")),
    ("docs/how-to/monitoring.md", include_str!("../../../../docs/how-to/monitoring.md")),
    ("docs/how-to/proxies.md", include_str!("../../../../docs/how-to/proxies.md")),
    ("docs/how-to/request-log.md", include_str!("../../../../docs/how-to/request-log.md")),
    (
        "docs/how-to/use-the-simulator.md",
        include_str!("../../../../docs/how-to/use-the-simulator.md"),
    ),
];

pub(super) fn text(path: &str) -> Option<&'static str> {
    DOCUMENTS.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}

/// Where the target of a link in the document at `from` is served; `None` when it is not.
pub(super) fn address(from: &str, target: &str) -> Option<String> {
    let path = joined(from, target)?;
    match path.as_str() {
        "README.md" => Some("/readme?lang=en".to_owned()),
        "README.zh-CN.md" => Some("/readme?lang=zh".to_owned()),
        "LICENSE-MIT" => Some("/license#mit".to_owned()),
        "LICENSE-APACHE" => Some("/license#apache".to_owned()),
        ".env.example" => Some("/env-example".to_owned()),
        "config.example.toml" => Some("/config-example".to_owned()),
        "docs/api.json" => Some("/openapi.json".to_owned()),
        other => text(other).map(|_| format!("/readme/{other}")),
    }
}

/// A relative path from a file; `None` when it leaves the repository.
fn joined(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_from_where_they_stand() {
        for (from, target, address_of) in [
            ("README.md", "docs/clients.md", Some("/readme/docs/clients.md")),
            ("docs/how-to/keys.md", "../admin-api.md", Some("/readme/docs/admin-api.md")),
            ("docs/admin-api.md", "how-to/keys.md", Some("/readme/docs/how-to/keys.md")),
            ("README.zh-CN.md", "README.md", Some("/readme?lang=en")),
            ("README.md", "LICENSE-MIT", Some("/license#mit")),
            ("README.md", "../secret", None),
            ("README.md", "docs/decisions", None),
        ] {
            assert_eq!(address(from, target).as_deref(), address_of, "{from} {target}");
        }
    }
}
