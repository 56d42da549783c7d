//! Nothing that looks like a credential, except where invented ones belong.
use super::Problem;

/// Where tokens are test data.
const INVENTED: [&str; 4] = ["fixtures/", "tests/", "crates/simulator/", "benches/"];

pub(super) fn check(path: &str, text: &str) -> Vec<Problem> {
    let in_place =
        |folder: &&str| path.starts_with(*folder) || path.contains(&format!("/{folder}"));
    if INVENTED.iter().any(in_place) {
        return Vec::new();
    }
    // Unit tests stand at the end of their file.
    let product = text.split("#[cfg(test)]").next().unwrap_or_default();
    let found = product.lines().enumerate();
    found
        .filter_map(|(index, line)| {
            let kind = credential(line)?;
            Some(Problem::at(path, index + 1, format!("looks like {kind}")))
        })
        .collect()
}

fn credential(line: &str) -> Option<&'static str> {
    if line.contains("-----BEGIN") && line.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
        .find_map(of_word)
}

fn of_word(word: &str) -> Option<&'static str> {
    if is_jwt(word) {
        return Some("a session token (JWT)");
    }
    let body = |prefix: &str| word.strip_prefix(prefix).unwrap_or_default();
    let hex = |text: &str, length| {
        text.len() >= length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if hex(body("key_"), 32) || hex(body("crsr_"), 32) {
        return Some("a user API key");
    }
    let random = |text: &str| {
        text.len() >= 32
            && text.bytes().any(|byte| byte.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    (random(body("sk-")) || random(body("ghp_"))).then_some("an API key")
}

/// Three parts, the first of them a JSON object in base64.
fn is_jwt(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    matches!(parts.as_slice(), [header, claims, signature]
        if header.starts_with("eyJ") && header.len() > 10 && claims.len() > 10 && !signature.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_where_they_do_not_belong() {
        let secrets = [
            concat!("eyJhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiJhdXRoMHx1c2VyIn0.c2lnbmF0dXJl").to_owned(),
            format!("key_{}", "0123456789abcdef".repeat(4)),
            format!("sk-{}", "a1B2".repeat(10)),
            concat!("-----BEGIN ", "PRIVATE KEY-----").to_owned(),
        ];
        for secret in secrets {
            let line = format!("token = \"{secret}\"\n");
            assert_eq!(check("docs/how-to.md", &line).len(), 1, "{secret}");
            assert_eq!(check("fixtures/vectors/auth.json", &line), [], "{secret}");
            assert_eq!(check("crates/upstream/tests/auth.rs", &line), [], "{secret}");
            let unit = format!("//! Doc.\n#[cfg(test)]\nmod tests {{ {line} }}\n");
            assert_eq!(check("crates/upstream/src/auth.rs", &unit), [], "{secret}");
        }
    }

    #[test]
    fn words_that_only_resemble_are_left_alone() {
        for line in
            ["eyJ", "eyJ…", "sk-demo", "sk-not-a-real-key-but-quite-long-text", "key_id", "a.b.c"]
        {
            assert_eq!(check("README.md", line), [], "{line}");
        }
    }
}
