//! What stays out of reach when private addresses are not allowed.

use super::*;

fn closed() -> RemoteImages {
    RemoteImages::new(Limits { allow_private: false, ..limits() })
}

/// One local server counts as public, so that it can lead elsewhere.
fn closed_but_for(address: SocketAddr) -> RemoteImages {
    let mut images = closed();
    images.connector.stand_in = Some(address);
    images
}

#[tokio::test]
async fn addresses_of_this_network_in_any_notation() {
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::7f00:1]",
        "[64:ff9b::10.0.0.1]",
        "[2002:7f00:1::]",
        "[fd00::1]",
        "[fe80::1]",
    ] {
        let url = format!("http://{host}/secret");
        let failure = closed().fetch(&[url]).await.expect_err(host);
        assert_eq!(failure.class, FailureClass::Invalid, "{host}");
        assert!(failure.client.contains("no public address"), "{host}: {}", failure.client);
        assert!(!failure.client.contains("secret"), "{host}: {}", failure.client);
    }
}

#[tokio::test]
async fn a_redirect_into_this_network_is_not_followed() {
    let inside = Server::start(|_| Reply::picture(PNG)).await;
    let location = inside.url("/secret");
    let outside = Server::start(move |path| match path {
        "/good" => Reply::picture(PNG),
        "/metadata" => Reply::redirect("http://169.254.169.254/secret"),
        _ => Reply::redirect(&location),
    })
    .await;
    let images = closed_but_for(outside.address);
    images.fetch(&[outside.url("/good")]).await.expect("the stand-in is reached");
    for path in ["/inside", "/metadata"] {
        let failure = images.fetch(&[outside.url(path)]).await.expect_err("refused");
        assert!(failure.client.contains("no public address"), "{path}: {}", failure.client);
        assert!(!failure.client.contains("secret"), "{path}: {}", failure.client);
    }
    assert!(inside.requests().is_empty(), "nobody knocked");
}

#[tokio::test]
async fn only_the_ports_of_the_web() {
    for url in ["http://1.1.1.1:22/", "https://1.1.1.1:8443/", "http://1.1.1.1:6379/"] {
        let failure = closed().fetch(&[url.to_owned()]).await.expect_err(url);
        assert!(failure.client.contains("port 80 or 443"), "{}", failure.client);
    }
}

#[tokio::test]
async fn a_password_is_neither_accepted_nor_repeated() {
    for url in ["http://user:secret@example.com/", "https://secret@127.0.0.1/"] {
        let failure = closed().fetch(&[url.to_owned()]).await.expect_err(url);
        assert!(failure.client.contains("user or password"), "{}", failure.client);
        assert!(!failure.log.contains("secret"), "{}", failure.log);
    }
}
