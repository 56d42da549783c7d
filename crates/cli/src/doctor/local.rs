//! What this machine tells: files and their modes, disk, limits, the address to listen on.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use settings::Settings;
use store::KeySource;

use super::finding::Finding;
use crate::compose::key_source;

/// All of it; blocks for moments.
pub(super) fn examine(
    settings: &Settings,
    config: &Path,
    running: Option<SocketAddr>,
) -> Vec<Finding> {
    let mut findings = modes(settings, config);
    findings.push(disk(&settings.data_dir));
    findings.push(descriptors(settings.limits.turns));
    findings.extend(keys(settings));
    findings.push(port(settings.listen, running));
    findings
}

/// Files that others should not read.
fn modes(settings: &Settings, config: &Path) -> Vec<Finding> {
    let data = &settings.data_dir;
    let mut paths = vec![("data folder", data.clone(), 0o700)];
    paths.push(("database", data.join("cursor-api.db"), 0o600));
    paths.push(("request log", data.join("requests.db"), 0o600));
    if let KeySource::File(path) = key_source(settings) {
        paths.push(("key file", path, 0o600));
    }
    paths.push(("settings file", config.to_owned(), 0o600));
    paths.into_iter().filter_map(|(what, path, wanted)| mode(what, &path, wanted)).collect()
}

/// `None` for what is not there: it is made with the right mode.
#[cfg(unix)]
fn mode(what: &str, path: &Path, wanted: u32) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let check = format!("mode:{what}");
    let shown = path.display();
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            let cure = "let the user that runs the gateway read it";
            return Some(Finding::failure(check, format!("{shown}: {error}"), cure));
        }
    };
    let mode = metadata.permissions().mode() & 0o777;
    Some(if mode & 0o077 == 0 {
        Finding::ok(check, format!("{shown} has mode {mode:03o}"))
    } else {
        let found = format!("{shown} has mode {mode:03o}: other users can get at it");
        Finding::warning(check, found, format!("chmod {wanted:03o} {shown}"))
    })
}

#[cfg(not(unix))]
fn mode(_: &str, _: &Path, _: u32) -> Option<Finding> {
    None
}

fn disk(data: &Path) -> Finding {
    const FULL: u64 = 10 << 20;
    const LOW: u64 = 200 << 20;
    const CURE: &str = "make room on this disk, or set data_dir to a folder on another";
    // The folder may be made only at the first start.
    let absolute = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let Some(there) = absolute.ancestors().find(|path| path.exists()) else {
        return Finding::failure("disk", format!("{}: no such place", data.display()), CURE);
    };
    let free = match rustix::fs::statvfs(there) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            return Finding::note("disk", format!("free space is not known: {error}"));
        }
    };
    let found = format!("{} MiB are free at {}", free >> 20, there.display());
    match free {
        _ if free < FULL => Finding::failure("disk", found, CURE),
        _ if free < LOW => Finding::warning("disk", found, CURE),
        _ => Finding::ok("disk", found),
    }
}

fn descriptors(turns: usize) -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    descriptors_of(limit, turns)
}

/// A client's connection each, one to the upstream for some dozens, and files.
fn descriptors_of(limit: Option<u64>, turns: usize) -> Finding {
    const OTHERS: u64 = 128;
    let turns = u64::try_from(turns).unwrap_or(u64::MAX);
    let wanted = turns.saturating_add(turns / 20).saturating_add(OTHERS);
    match limit {
        Some(limit) if limit < wanted => Finding::warning(
            "file descriptors",
            format!("{limit} may be open at once; {turns} answers (limits.turns) need {wanted}"),
            format!("ulimit -n {wanted}, LimitNOFILE={wanted} in a unit, or lower limits.turns"),
        ),
        Some(limit) => Finding::ok("file descriptors", format!("{limit} may be open at once")),
        None => Finding::ok("file descriptors", "any number may be open"),
    }
}

/// Whether the keys keep others out.
fn keys(settings: &Settings) -> Vec<Finding> {
    const CURE: &str = "set a long random one: `curl` /gen-token of a running gateway, or \
                        `openssl rand -hex 24`";
    /// In characters; shorter ones can be guessed.
    const SHORTEST: usize = 16;
    let beyond = !settings.listen.ip().is_loopback();
    let judge = |name: &str, key: Option<&SecretString>| {
        let length = key.map_or(0, |key| key.expose_secret().chars().count());
        let check = format!("key:{name}");
        match (length, beyond) {
            (0, _) => Finding::failure(check, format!("{name} is not set"), CURE),
            (SHORTEST.., _) => Finding::ok(check, format!("{name} is set and not short")),
            (_, true) => Finding::failure(
                check,
                format!("{name} has {length} characters, and other machines can try it"),
                CURE,
            ),
            (_, false) => {
                Finding::warning(check, format!("{name} has only {length} characters"), CURE)
            }
        }
    };
    let mut findings = vec![judge("auth_token", settings.auth_token.as_ref())];
    if let Some(key) = &settings.shared_token {
        findings.push(judge("shared_token", Some(key)));
    }
    let ip = settings.listen.ip();
    findings.push(if beyond {
        let found = format!("listens on {ip}, beyond this machine, and speaks no TLS by itself");
        let note = Finding::note("bind", found);
        let cure = "put a reverse proxy with TLS in front (docs/how-to/deploying.md)";
        Finding { cure: Some(cure.to_owned()), ..note }
    } else {
        Finding::ok("bind", format!("listens on {ip}, for this machine only"))
    });
    findings
}

fn port(listen: SocketAddr, running: Option<SocketAddr>) -> Finding {
    if let Some(address) = running {
        return Finding::ok("port", format!("the gateway itself listens on {address}"));
    }
    if listen.port() == 0 {
        return Finding::note("port", "any free one is taken (port is 0)");
    }
    match TcpListener::bind(listen) {
        Ok(_) => Finding::ok("port", format!("{listen} is free")),
        Err(error) => {
            let found = match error.kind() {
                std::io::ErrorKind::AddrInUse => format!("{listen} is in use by another program"),
                _ => format!("{listen}: {error}"),
            };
            Finding::failure("port", found, "set host and port to an address that is free")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn too_few_descriptors_for_the_turns_are_told() {
        let told = |limit, turns| descriptors_of(limit, turns).state;
        assert_eq!(told(Some(1024), 2000), State::Warning);
        assert_eq!(told(Some(4096), 2000), State::Ok);
        assert_eq!(told(None, usize::MAX), State::Ok);
    }

    #[test]
    fn a_port_that_is_taken_is_told_unless_by_the_gateway() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address");
        assert_eq!(port(address, None).state, State::Failure);
        assert_eq!(port(address, Some(address)).state, State::Ok);
        drop(taken);
        assert_eq!(port(address, None).state, State::Ok);
    }
}
