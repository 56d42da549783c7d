//! A disk that is full or cannot be written: requests go on, and the gateway says what is wrong.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::rig::{figure, figures, logs, problems, record, request_id, send, site, stop, until};
use crate::client::{ask, get};
use crate::process::{KEY, Running};
use crate::site::Site;

const DROPPED: &str = "cursor_api_request_log_dropped_total";
const WRITTEN: &str = "cursor_api_request_log_written_total";

async fn asks(address: SocketAddr, count: usize) {
    for _ in 0..count {
        assert_eq!(ask(address, "[[sim: say hello]]").await.text(), "hello");
    }
}

/// Until records of requests are dropped, which costs the requests nothing.
async fn goes_on_without_a_log(address: SocketAddr) {
    asks(address, 5).await;
    until("entries are dropped and counted", || async move {
        (figure(&figures(address).await, DROPPED) >= 5.0).then_some(())
    })
    .await;
    let (status, problems) = problems(address).await;
    assert_eq!(status, "warning", "{problems:?}");
    assert!(problems.contains(&"request_log".to_owned()), "{problems:?}");
    let ready = get(address, "/health/ready", KEY).await;
    assert_eq!(ready.status, 200, "{ready:?}");
    asks(address, 2).await;
}

/// Once there is room.
async fn recovers(address: SocketAddr) {
    let before = figure(&figures(address).await, WRITTEN);
    until("entries are written again", || async move {
        asks(address, 1).await;
        (figure(&figures(address).await, WRITTEN) > before).then_some(())
    })
    .await;
    until("nothing is wrong any more", || async move {
        let (_, problems) = problems(address).await;
        let disk = ["request_log", "store"];
        problems.iter().all(|problem| !disk.contains(&problem.as_str())).then_some(())
    })
    .await;
    let answer = ask(address, "[[sim: say hello]]").await;
    record(address, &request_id(&answer.head)).await;
}

/// An administrator's change, which must be kept.
async fn change(address: SocketAddr) -> u16 {
    let answer = send(address, "/keys/create", KEY, &json!({"name": "one"})).await;
    assert!(!answer.body.contains("panic"), "{answer:?}");
    answer.status
}

fn serve(site: &Site, wrapper: &[&str]) -> (Running, SocketAddr) {
    let start = site.start(&["serve", "--port", "0"]);
    let mut process = start.through(wrapper).log_to(&site.path("log")).spawn();
    let address = process.address_after("listening on http://");
    (process, address)
}

fn log(site: &Site) -> String {
    std::fs::read_to_string(site.path("log")).expect("a log")
}

/// The system lets the process write no file any more, as if the disk were full, and then again.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn when_nothing_can_be_written_requests_go_on_and_it_recovers() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let site = site("").await;
    // Without its signal, the limit is an error of the write.
    let (gateway, address) = serve(&site, &["/bin/sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    asks(address, 3).await;
    let pid = i32::try_from(gateway.pid()).ok().and_then(Pid::from_raw);
    let limit = |current| {
        let new = Rlimit { current, maximum: None };
        prlimit(pid, Resource::Fsize, new).expect("limited");
    };
    until("they are written", || async move {
        (figure(&figures(address).await, WRITTEN) >= 3.0).then_some(())
    })
    .await;
    limit(Some(0));
    goes_on_without_a_log(address).await;
    assert!((500..600).contains(&change(address).await), "a change that is lost is refused");
    let (_, found) = problems(address).await;
    assert!(found.contains(&"store".to_owned()), "{found:?}");
    assert_eq!(get(address, "/health/ready", KEY).await.status, 200);
    assert_eq!(logs(address, &json!({"limit": 1})).await["total"], 3, "what is there is shown");
    limit(None);
    assert_eq!(change(address).await, 200);
    recovers(address).await;
    stop(gateway).await;
}

/// How a process gets mounts of its own here, which go with it; none when it may not have any.
fn own_mounts() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["unshare", "--mount"], &["unshare", "--map-root-user", "--mount"]];
    ways.into_iter().find(|way| {
        let tried = Command::new(way[0])
            .args(&way[1..])
            .args(["sh", "-c", "mount -t tmpfs -o size=64k none /mnt"])
            .output();
        tried.is_ok_and(|tried| tried.status.success())
    })
}

/// As the process sees a path.
fn inside(process: &Running, path: &Path) -> PathBuf {
    let path = path.strip_prefix("/").expect("an absolute path");
    Path::new(&format!("/proc/{}/root", process.pid())).join(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_requests_go_on_and_it_recovers() {
    let Some(way) = own_mounts() else {
        eprintln!("skipped: no mounts of one's own here (unshare --mount)");
        return;
    };
    let site = site("").await;
    std::fs::create_dir(site.path("data")).expect("a folder");
    let mount = "mount -t tmpfs -o size=8m none data && exec \"$0\" \"$@\"";
    let (gateway, address) = serve(&site, &[way, &["sh", "-c", mount]].concat());
    asks(address, 3).await;
    let filler = inside(&gateway, &site.path("data/filler"));
    let mut file = std::fs::File::create(&filler).expect("a file");
    let mut chunk = 1 << 20;
    while chunk > 0 {
        let written = std::io::Write::write_all(&mut file, &vec![0; chunk]);
        chunk = if written.is_ok() { chunk } else { chunk / 2 };
    }
    // What the log's file has room for is still taken.
    until("entries are dropped", || async move {
        asks(address, 20).await;
        (figure(&figures(address).await, DROPPED) > 0.0).then_some(())
    })
    .await;
    goes_on_without_a_log(address).await;
    drop(file);
    std::fs::remove_file(&filler).expect("removed");
    recovers(address).await;
    assert_eq!(change(address).await, 200);
    stop(gateway).await;
    let log = log(&site);
    let complaints = log.lines().filter(|line| line.contains("entries are dropped")).count();
    assert!((1..=3).contains(&complaints), "told, but not with every request: {log}");
}

/// Only the log's own file: without a folder that can be written there is no database at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_can_only_be_read_is_no_reason_to_refuse_requests() {
    let Some(way) = own_mounts() else {
        eprintln!("skipped: no mounts of one's own here (unshare --mount)");
        return;
    };
    let site = site("").await;
    let (gateway, address) = site.serve();
    asks(address, 3).await;
    stop(gateway).await;
    let mount = "for f in data/requests.db*; do \
                 mount --bind $f $f && mount -o remount,ro,bind $f; done && exec \"$0\" \"$@\"";
    let (gateway, address) = serve(&site, &[way, &["sh", "-c", mount]].concat());
    goes_on_without_a_log(address).await;
    assert_eq!(change(address).await, 200);
    stop(gateway).await;
    let (_gateway, address) = site.serve();
    assert!(logs(address, &json!({"limit": 1})).await["total"].as_u64() >= Some(3));
    recovers(address).await;
}

/// Defect: health said that all was well, lost entries were not counted, and the log was said to be
/// switched off.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_opened_is_told_and_no_reason_to_refuse_requests() {
    let site = site("").await;
    std::fs::create_dir(site.path("data")).expect("a folder");
    // A loop of links can neither be read nor written, not even by root.
    std::os::unix::fs::symlink("requests.db", site.path("data/requests.db")).expect("a link");
    let (gateway, address) = site.serve();
    goes_on_without_a_log(address).await;
    let asked = send(address, "/logs/get", KEY, &json!({})).await;
    assert!((500..600).contains(&asked.status), "not as if it were switched off: {asked:?}");
    assert!(log(&site).contains("ERROR"), "{}", log(&site));
    std::fs::remove_file(site.path("data/requests.db")).expect("removed");
    recovers(address).await;
    stop(gateway).await;
}
