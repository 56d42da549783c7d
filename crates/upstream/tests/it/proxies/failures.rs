//! A proxy that fails is an error that names it; the upstream is never reached in another way.

use std::time::{Duration, Instant};

use simulator::Tls;
use upstream::transport::{TransportOptions, Via};
use upstream::{Deadline, Flow, UpstreamError};

use super::servers::{Manner, Proxy, Rules};
use super::{SCHEMES, World, acceptor, assert_blames_proxy, assert_silent, login, origin};
use super::{stream, userinfo, via};
use crate::raw;
use crate::support::backend;

fn impatient() -> TransportOptions {
    TransportOptions { connect_timeout: Duration::from_millis(300), ..Default::default() }
}

#[tokio::test]
async fn a_wrong_or_missing_password_opens_nothing() {
    let world = World::start().await;
    for scheme in SCHEMES {
        for userinfo in ["", "operator:canary-wrong@", "someone:canary@"] {
            let rules = Rules { login: login(), ..Rules::default() };
            let (proxy, via) = world.proxy_for(scheme, rules, userinfo).await;
            let error = world.error(&world.encrypted(), &via).await;
            assert_blames_proxy(&error);
            let text = error.to_string();
            let port = proxy.address.port().to_string();
            assert!(text.contains(&port), "which proxy: {text}");
            let reason = match (scheme, userinfo) {
                ("http" | "https", _) => "407",
                (_, "") => "a login",
                (_, _) => "credentials",
            };
            assert!(text.contains(reason), "{text}");
            if !userinfo.is_empty() {
                assert!(text.contains(":***@localhost"), "{text}");
            }
            assert_eq!(proxy.tunnels(), 0);
        }
    }
    world.assert_untouched();
}

#[tokio::test]
async fn a_dead_proxy_is_an_error_and_no_direct_connection() {
    let world = World::start().await;
    let dead = raw::closed().await.port();
    for scheme in SCHEMES {
        let via = via(&format!("{scheme}://{}127.0.0.1:{dead}", userinfo()));
        for origin in [world.plain(), world.encrypted()] {
            assert_blames_proxy(&world.error(&origin, &via).await);
            let backend = backend(origin, world.pool.clone());
            for flow in [Flow::Agent, Flow::Chat] {
                let error = stream(&backend, &via, flow, "hello").await.expect_err("an error");
                assert!(error.contains(&dead.to_string()), "{error}");
            }
        }
    }
    let nowhere = via("socks5h://proxy.invalid:1080");
    assert_blames_proxy(&world.error(&world.plain(), &nowhere).await);
    world.assert_untouched();
}

#[tokio::test]
async fn refusals_say_why_and_never_repeat_the_body() {
    let world = World::start().await;
    for (scheme, reason) in [("http", "403"), ("https", "403"), ("socks5", "2: not allowed")] {
        let rules = Rules { manner: Manner::Refuse, ..Rules::default() };
        let (_proxy, via) = world.proxy(scheme, rules).await;
        let error = world.error(&world.plain(), &via).await;
        assert_blames_proxy(&error);
        assert!(error.to_string().contains(reason), "{error}");
    }
    // It does what it can, but the upstream is not there.
    let nobody = format!("http://127.0.0.1:{}", raw::closed().await.port());
    for (scheme, reason) in [("http", "502"), ("socks5", "refused"), ("socks5h", "refused")] {
        let (_proxy, via) = world.proxy(scheme, Rules::default()).await;
        let error = world.error(&origin(&nobody), &via).await;
        assert_blames_proxy(&error);
        assert!(error.to_string().contains(reason), "{error}");
    }
    world.assert_untouched();
}

#[tokio::test]
async fn a_proxy_that_hangs_up_is_an_error() {
    let world = World::start().await;
    for scheme in SCHEMES {
        let (proxy, via) =
            world.proxy(scheme, Rules { manner: Manner::Cut, ..Rules::default() }).await;
        assert_blames_proxy(&world.error(&world.encrypted(), &via).await);
        assert_eq!(proxy.tunnels(), 0);
    }
    world.assert_untouched();
}

#[tokio::test]
async fn a_proxy_that_stalls_ends_at_the_connect_timeout() {
    let world = World::with(impatient()).await;
    let mute = raw::mute().await.port();
    let mut ways = vec![via(&format!("https://localhost:{mute}"))];
    let mut proxies = Vec::new();
    for scheme in SCHEMES {
        let rules = Rules { manner: Manner::Stall, ..Rules::default() };
        let (proxy, via) = world.proxy(scheme, rules).await;
        proxies.push(proxy);
        ways.push(via);
    }
    for via in ways {
        let start = Instant::now();
        let error = world.error(&world.plain(), &via).await;
        assert!(matches!(error, UpstreamError::Deadline(Deadline::Connect)), "{error:?}");
        assert!(start.elapsed() >= Duration::from_millis(300));
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    assert!(proxies.iter().all(|proxy| proxy.connections() == 1));
    world.assert_untouched();
}

#[tokio::test]
async fn a_proxy_of_another_protocol_is_told_at_once() {
    let world = World::start().await;
    let ssh = b"SSH-2.0-canary\r\n".to_vec();
    let rules = Rules { manner: Manner::Say { bytes: ssh, hangs_up: false }, ..Rules::default() };
    let ssh = Proxy::http(rules).await.address;
    let http = raw::http1().await;
    for url in [
        format!("http://{ssh}"),
        format!("https://{ssh}"),
        format!("socks5://{ssh}"),
        format!("socks5h://{http}"),
        format!("https://{http}"),
    ] {
        let start = Instant::now();
        assert_blames_proxy(&world.error(&world.encrypted(), &via(&url)).await);
        assert!(start.elapsed() < Duration::from_secs(5), "{url}: not by the timeout");
    }
    world.assert_untouched();
}

#[tokio::test]
async fn a_proxy_whose_certificate_is_not_trusted_gets_no_password() {
    let world = World::start().await;
    let (tls, _) = Tls::self_signed().expect("certificate");
    let tls = acceptor(&tls);
    let accept = move |stream| {
        let tls = tls.clone();
        async move { tls.accept(stream).await.ok() }
    };
    let proxy = Proxy::https(Rules::default(), accept).await;
    let via = via(&format!("https://{}localhost:{}", userinfo(), proxy.address.port()));
    let error = world.error(&world.encrypted(), &via).await;
    assert_blames_proxy(&error);
    assert!(error.to_string().contains("TLS"), "{error}");
    assert!(proxy.logins().is_empty());
    world.assert_untouched();
}

/// The proxy does not hold the upstream's certificate, so it cannot listen in.
#[tokio::test]
async fn a_proxy_that_leads_elsewhere_is_found_out() {
    let world = World::start().await;
    let rules = Rules { target: Some(world.encrypted.address), ..Rules::default() };
    for scheme in SCHEMES {
        let (_proxy, via) = world.proxy_for(scheme, rules.clone(), &userinfo()).await;
        // An address, so that SOCKS5 has nothing to look up.
        let error = world.error(&origin("https://192.0.2.1"), &via).await;
        assert!(matches!(error, UpstreamError::Connect(_)), "{error:?}");
        assert!(error.to_string().contains(&format!("through {scheme}://operator:***@")));
        assert_silent(&error);
    }
    assert!(world.encrypted.control.calls().is_empty());
}

#[tokio::test]
async fn a_tunnel_that_is_cut_in_the_middle_is_a_lost_connection() {
    let world = World::start().await;
    let rules = Rules { manner: Manner::CutAfter(2000), ..Rules::default() };
    let prompt = format!("[[sim: say \"{}\"]]", "word ".repeat(20_000));
    for scheme in SCHEMES {
        let (proxy, via) = world.proxy(scheme, rules.clone()).await;
        let backend = backend(world.plain(), world.pool.clone());
        for flow in [Flow::Agent, Flow::Chat] {
            let result = stream(&backend, &via, flow, &prompt).await;
            assert!(result.is_err(), "{scheme} {flow:?}: cut, yet {result:?}");
        }
        assert_eq!(proxy.tunnels(), 2, "a dead tunnel is not used again");
    }
}

#[test]
fn the_password_shows_nowhere() {
    let via = via(&format!("socks5h://{}localhost:1080", userinfo()));
    let way = super::way(&origin("https://backend.example"), &via);
    let Via::Proxy(proxy) = &via else { panic!("{via:?}") };
    let caller = super::caller_by(&via);
    let shown = format!("{via:?} {way:?} {way} {proxy:?} {proxy} {} {caller:?}", proxy.masked());
    assert!(shown.contains("socks5h://operator:***@localhost:1080"), "{shown}");
    assert!(!shown.contains("canary") && !shown.contains("%2F"), "{shown}");
}
