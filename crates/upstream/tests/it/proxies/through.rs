//! What goes through a proxy: unary calls and streams of both flows, and what the proxy is asked.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use upstream::Flow;
use upstream::transport::{SystemProxies, Via};

use super::servers::{Asked, Rules, base64};
use super::{PASSWORD, SCHEMES, USER, World, login, models, origin, stream, userinfo};
use crate::support::backend;

#[tokio::test]
async fn every_kind_carries_calls_and_streams_of_both_flows() {
    let world = World::start().await;
    let mut proxies = Vec::new();
    for scheme in SCHEMES {
        for (rules, userinfo) in [
            (Rules::default(), String::new()),
            (Rules { login: login(), ..Rules::default() }, userinfo()),
        ] {
            let (proxy, via) = world.proxy_for(scheme, rules, &userinfo).await;
            for (number, origin) in [world.plain(), world.encrypted()].iter().enumerate() {
                let count = models(&world.pool, origin, &via).await.expect(scheme);
                assert!(count > 5);
                let backend = backend(origin.clone(), world.pool.clone());
                for flow in [Flow::Agent, Flow::Chat] {
                    let prompt = r#"[[sim: think "so"]] [[sim: say "through and through"]]"#;
                    let text = stream(&backend, &via, flow, prompt).await;
                    assert_eq!(text.as_deref(), Ok("through and through"), "{scheme} {flow:?}");
                }
                assert_eq!(proxy.tunnels(), number + 1, "{scheme}: one connection per origin");
            }
            proxies.push(proxy);
        }
    }
    // Every connection that the simulators saw came out of a tunnel.
    assert_eq!(proxies.len(), 2 * SCHEMES.len());
    assert_eq!(world.plain.control.connections(), proxies.len());
    assert_eq!(world.encrypted.control.connections(), proxies.len());
}

#[tokio::test]
async fn a_long_stream_comes_through_whole() {
    let world = World::start().await;
    let prompt = format!("[[sim: say \"{}\"]]", "word ".repeat(20_000));
    for scheme in SCHEMES {
        let (_proxy, via) = world.proxy(scheme, Rules::default()).await;
        let backend = backend(world.encrypted(), world.pool.clone());
        let text = stream(&backend, &via, Flow::Chat, &prompt).await.expect(scheme);
        assert_eq!(text.trim_end(), "word ".repeat(20_000).trim_end());
    }
}

#[tokio::test]
async fn who_looks_the_name_up_is_as_the_scheme_says() {
    let world = World::start().await;
    let (origin, port) = (world.plain(), world.plain.address.port());
    for scheme in ["http", "https", "socks5h"] {
        let (proxy, via) = world.proxy(scheme, Rules::default()).await;
        models(&world.pool, &origin, &via).await.expect(scheme);
        assert_eq!(proxy.asked(), [Asked::Name("localhost".into(), port)], "{scheme}");
    }
    // The name may have an address that the simulator does not listen on; the next one is tried.
    let (proxy, via) = world.proxy("socks5", Rules::default()).await;
    models(&world.pool, &origin, &via).await.expect("socks5");
    let asked = proxy.asked();
    assert!(asked.contains(&Asked::Address((Ipv4Addr::LOCALHOST, port).into())), "{asked:?}");
    assert!(asked.iter().all(|asked| matches!(asked, Asked::Address(_))), "{asked:?}");
}

#[tokio::test]
async fn a_name_that_only_the_proxy_knows_is_reached() {
    let world = World::start().await;
    let rules = Rules { target: Some(world.plain.address), ..Rules::default() };
    let inside = origin("http://inside.invalid:8443");
    for scheme in ["http", "https", "socks5h"] {
        let (proxy, via) = world.proxy(scheme, rules.clone()).await;
        models(&world.pool, &inside, &via).await.expect(scheme);
        assert_eq!(proxy.asked(), [Asked::Name("inside.invalid".into(), 8443)], "{scheme}");
    }
}

#[tokio::test]
async fn addresses_go_to_every_proxy_as_addresses() {
    let world = World::start().await;
    let rules = Rules { target: Some(world.plain.address), ..Rules::default() };
    let v6: Ipv6Addr = "2001:db8::7".parse().expect("address");
    let v4 = Ipv4Addr::new(192, 0, 2, 7);
    for scheme in SCHEMES {
        let (proxy, via) = world.proxy(scheme, rules.clone()).await;
        for url in ["http://[2001:db8::7]:8443", "http://192.0.2.7:81"] {
            models(&world.pool, &origin(url), &via).await.expect(scheme);
        }
        let wanted = [Asked::Address((v6, 8443).into()), Asked::Address((v4, 81).into())];
        assert_eq!(proxy.asked(), wanted, "{scheme}");
    }
}

#[tokio::test]
async fn credentials_arrive_decoded() {
    let world = World::start().await;
    let plain = format!("{USER}:{PASSWORD}");
    for (scheme, wanted) in [("http", base64(&plain)), ("https", base64(&plain)), ("socks5", plain)]
    {
        let rules = Rules { login: login(), target: Some(world.plain.address), ..Rules::default() };
        let (proxy, via) = world.proxy_for(scheme, rules, &userinfo()).await;
        let address = origin("http://192.0.2.1");
        models(&world.pool, &address, &via).await.expect(scheme);
        assert_eq!(proxy.logins(), [wanted], "{scheme}");
    }
}

#[tokio::test]
async fn the_environment_chooses_for_each_origin() {
    let world = World::start().await;
    let rules = Rules { target: Some(world.plain.address), ..Rules::default() };
    let (proxy, _) = world.proxy("http", rules).await;
    let url = format!("http://{}", proxy.address);
    let system = SystemProxies::new(|name| match name {
        "all_proxy" => Some(url.clone()),
        "no_proxy" => Some("203.0.113.0/24".into()),
        _ => None,
    });
    let via = Via::System(Arc::new(system.expect("proxies")));
    models(&world.pool, &world.plain(), &via).await.expect("loopback is direct");
    assert_eq!(proxy.connections(), 0);
    models(&world.pool, &origin("http://inside.invalid"), &via).await.expect("by the proxy");
    assert_eq!(proxy.tunnels(), 1);
}
