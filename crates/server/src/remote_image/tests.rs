//! Against servers on this machine.

use std::net::SocketAddr;
use std::sync::Arc;

use conversation::FailureClass;

use super::*;
use tests::server::{Reply, Server};

mod closed;
mod server;

pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

pub(super) fn limits() -> Limits {
    Limits {
        max_bytes: 1000,
        max_total_bytes: 4000,
        max_count: 8,
        timeout: Duration::from_secs(20),
        allow_private: true,
    }
}

#[track_caller]
pub(super) fn check(failure: &Failure, class: FailureClass, message: &str) {
    assert_eq!(failure.class, class, "{failure}");
    assert!(failure.client.contains(message), "{}", failure.client);
    assert!(failure.client.contains("'127.0.0.1'"), "{}", failure.client);
    // What stands in the path may be a secret.
    for text in [&failure.client, &failure.log] {
        assert!(!text.contains('/') && !text.contains("secret"), "{text}");
    }
}

async fn fetch(limits: Limits, url: String) -> Result<Bytes, Failure> {
    let fetched = RemoteImages::new(limits).fetch(std::slice::from_ref(&url)).await?;
    Ok(fetched[&url].clone())
}

async fn refused(limits: Limits, reply: Reply) -> Failure {
    let server = Server::start(move |_| reply.clone()).await;
    fetch(limits, server.url("/secret?secret")).await.expect_err("refused")
}

#[tokio::test]
async fn pictures_are_found_under_their_urls_as_written() {
    let server = Server::start(|path| Reply::picture(&[PNG, path.as_bytes()].concat())).await;
    let urls: Vec<String> = (0..8).map(|n| server.url(&format!("/{n}?é#top"))).collect();
    let fetched = RemoteImages::new(limits()).fetch(&urls).await.expect("fetched");
    assert_eq!(fetched.len(), 8);
    for (n, url) in urls.iter().enumerate() {
        assert_eq!(fetched[url], [PNG, format!("/{n}?%C3%A9").as_bytes()].concat());
    }
}

#[tokio::test]
async fn the_request_tells_nothing_about_the_client() {
    let server = Server::start(|_| Reply::picture(PNG)).await;
    fetch(limits(), server.url("/a")).await.expect("fetched");
    let request = server.requests().pop().expect("one request");
    let mut lines: Vec<&str> = request.trim_end().split("\r\n").collect();
    lines.sort_unstable();
    let host = format!("host: {}", server.address);
    assert_eq!(
        lines,
        [
            "GET /a HTTP/1.1",
            "accept-encoding: identity",
            "accept: image/*",
            "connection: close",
            &host,
            "user-agent: image-fetch/1.0",
        ]
    );
}

#[tokio::test]
async fn every_format_is_known_by_its_beginning() {
    for data in [
        PNG,
        b"\xff\xd8\xff\xe0 and so on",
        b"GIF87a and so on",
        b"GIF89a and so on",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"\xff\xd8\xff",
    ] {
        let server = Server::start(move |_| Reply::picture(data)).await;
        assert_eq!(fetch(limits(), server.url("/")).await.expect("fetched"), data);
    }
    for data in [&b"<html> and so on"[..], b"", b"RIFF\0\0\0\0WAVEfmt ", b"%PDF-1.7 and so on"] {
        let failure = refused(limits(), Reply::picture(data)).await;
        check(&failure, FailureClass::Invalid, "no PNG, JPEG, WebP or GIF");
    }
}

#[tokio::test]
async fn text_is_not_read_to_its_end() {
    let failure =
        refused(limits(), Reply::stalled(b"HTTP/1.1 200 OK\r\n\r\n<!doctype html>")).await;
    check(&failure, FailureClass::Invalid, "no PNG");
}

#[tokio::test]
async fn only_status_200_is_a_picture() {
    for status in [201, 204, 206, 304, 401, 404, 500] {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        let failure = refused(limits(), Reply::bytes(head.as_bytes())).await;
        check(&failure, FailureClass::Invalid, &format!("status {status}"));
    }
    let failure = refused(limits(), Reply::bytes(b"HTTP/1.1 302 X\r\n\r\n")).await;
    check(&failure, FailureClass::Invalid, "status 302");
}

#[tokio::test]
async fn redirects_are_followed_three_times() {
    let server = Server::start(|path| match path {
        "/0" => Reply::redirect("1"),
        "/1" => Reply::redirect("/2"),
        "/2" => Reply::redirect("?3"),
        "/2?3" => Reply::picture(PNG),
        "/more" => Reply::redirect("/0"),
        "/loop" => Reply::redirect("/loop"),
        _ => Reply::redirect("ftp://127.0.0.1/"),
    })
    .await;
    assert_eq!(fetch(limits(), server.url("/0")).await.expect("fetched"), PNG);
    for path in ["/more", "/loop"] {
        let failure = fetch(limits(), server.url(path)).await.expect_err("refused");
        check(&failure, FailureClass::Invalid, "too many redirects");
    }
    assert_eq!(server.requests().iter().filter(|r| r.starts_with("GET /loop")).count(), 4);
    let failure = fetch(limits(), server.url("/elsewhere")).await.expect_err("refused");
    check(&failure, FailureClass::Invalid, "no http or https URL");
}

#[tokio::test]
async fn bytes_are_bounded_whether_announced_or_not() {
    let large = [PNG, &[0; 1000]].concat();
    let announced = Reply::stalled(b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n");
    let unannounced = Reply::bytes(&[b"HTTP/1.1 200 OK\r\n\r\n", &large[..]].concat());
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3f9\r\n".to_vec();
    chunked.extend_from_slice(&large);
    for reply in [announced, unannounced, Reply::stalled(&chunked)] {
        let failure = refused(limits(), reply).await;
        check(&failure, FailureClass::TooLarge, "larger than the limit");
    }
    let server = Server::start(|_| Reply::picture(&[PNG, &[0; 983]].concat())).await;
    assert_eq!(fetch(limits(), server.url("/")).await.expect("fits").len(), 1000);

    let five: Vec<String> = (0..5).map(|n| server.url(&format!("/{n}"))).collect();
    let images = RemoteImages::new(limits());
    assert_eq!(images.fetch(&five[..4]).await.expect("fit").len(), 4);
    let failure = images.fetch(&five).await.expect_err("refused");
    check(&failure, FailureClass::TooLarge, "too large together");
}

#[tokio::test]
async fn what_is_slow_is_given_up() {
    let limits = Limits { timeout: Duration::from_millis(300), ..limits() };
    let body = [b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n", PNG].concat();
    for reply in
        [Reply::stalled(b""), Reply::stalled(b"HTTP/1.1 200 OK\r\n"), Reply::stalled(&body)]
    {
        let failure = refused(limits, reply).await;
        check(&failure, FailureClass::Invalid, "did not arrive in time");
    }
}

#[tokio::test]
async fn a_transfer_that_breaks_off_is_no_picture() {
    let body = [b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n", PNG].concat();
    for reply in [&body[..], b"", b"HTTP/1.1 200", b"nonsense\r\n\r\n"] {
        let failure = refused(limits(), Reply::bytes(reply)).await;
        check(&failure, FailureClass::Invalid, "broke off");
    }
    let endless = [&b"HTTP/1.1 200 OK\r\nx: "[..], &[b'x'; 200_000]].concat();
    let failure = refused(limits(), Reply::stalled(&endless)).await;
    check(&failure, FailureClass::Invalid, "broke off");
}

#[tokio::test]
async fn a_host_that_is_not_there_is_named() {
    let server = Server::start(|_| Reply::picture(PNG)).await;
    let url = server.url("/secret");
    server.stop().await;
    let failure = fetch(limits(), url).await.expect_err("refused");
    check(&failure, FailureClass::Invalid, "cannot be reached");
}

#[tokio::test]
async fn the_number_of_pictures_is_bounded() {
    let urls: Vec<String> = (0..9).map(|n| format!("http://127.0.0.1:1/{n}")).collect();
    let failure = RemoteImages::new(limits()).fetch(&urls).await.expect_err("refused");
    assert!(failure.client.contains("at most 8"), "{}", failure.client);
    assert!(RemoteImages::new(limits()).fetch(&[]).await.expect("nothing").is_empty());
}

#[tokio::test]
async fn four_are_fetched_at_once() {
    let server = Server::in_step(4, Reply::picture(PNG)).await;
    let urls: Vec<String> = (0..8).map(|n| server.url(&format!("/{n}"))).collect();
    RemoteImages::new(limits()).fetch(&urls).await.expect("in two rounds");
    assert_eq!(server.most_at_once(), 4);
}

#[tokio::test]
async fn certificates_are_checked() {
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let certificate = authority.cert.der().clone();
    let server = Server::start_tls(&authority, Reply::picture(PNG)).await;
    let url = format!("https://localhost:{}/", server.address.port());

    let trusting = RemoteImages::new(limits());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("added");
    trusting.connector.trust(connect::tls_config(roots).expect("legal"));
    let fetched = trusting.fetch(std::slice::from_ref(&url)).await.expect("fetched");
    assert_eq!(fetched[&url], PNG);

    let failure = fetch(limits(), url).await.expect_err("not trusted");
    assert!(failure.client.contains("'localhost': the host cannot be reached"), "{failure}");
}

#[test]
fn the_future_may_wander_between_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let images = RemoteImages::new(limits());
    assert_send(&images.fetch(&[]));
}
