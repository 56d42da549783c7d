//! What is kept per way, what is forgotten, and trying a way out.

use std::time::Duration;

use upstream::transport::{TransportOptions, Via};
use upstream::{Deadline, UpstreamError};

use super::servers::{Manner, Rules};
use super::{SCHEMES, World, assert_blames_proxy, login, models, userinfo, via, way};
use crate::raw;
use crate::support::{pool, until};

#[tokio::test]
async fn two_proxies_and_the_direct_way_never_share_a_connection() {
    let world = World::start().await;
    let (one, by_one) = world.proxy("http", Rules::default()).await;
    let (two, by_two) = world.proxy("http", Rules::default()).await;
    for _ in 0..3 {
        for via in [&by_one, &by_two, &Via::Direct] {
            models(&world.pool, &world.plain(), via).await.expect("models");
        }
    }
    assert_eq!((one.tunnels(), two.tunnels()), (1, 1));
    assert_eq!(world.plain.control.connections(), 3);
    assert_eq!(world.pool.stats().connections, 3);
}

#[tokio::test]
async fn another_password_needs_another_connection() {
    let world = World::start().await;
    for scheme in SCHEMES {
        let rules = Rules { login: login(), ..Rules::default() };
        let (proxy, right) = world.proxy_for(scheme, rules, &userinfo()).await;
        models(&world.pool, &world.plain(), &right).await.expect("models");
        let port = proxy.address.port();
        let wrong = via(&format!("{scheme}://operator:canary@localhost:{port}"));
        assert_blames_proxy(&world.error(&world.plain(), &wrong).await);
        let same = via(&format!("{scheme}://{}localhost:{port}", userinfo().to_lowercase()));
        models(&world.pool, &world.plain(), &same).await.expect("models");
        assert_eq!(proxy.tunnels(), 1, "{scheme}: the same proxy, named anew");
    }
}

#[tokio::test]
async fn ways_without_connections_do_not_pile_up() {
    let world = World::start().await;
    let dead = raw::closed().await.port();
    models(&world.pool, &world.plain(), &Via::Direct).await.expect("models");
    for number in 0..50 {
        let via = via(&format!("http://user{number}:canary@127.0.0.1:{dead}"));
        assert_blames_proxy(&world.error(&world.plain(), &via).await);
    }
    let stats = world.pool.stats();
    assert_eq!((stats.ways, stats.connections), (2, 1), "the live way and the last dead one");
    models(&world.pool, &world.plain(), &Via::Direct).await.expect("models");
    assert_eq!(world.plain.control.connections(), 1, "the live connection was kept");
}

#[tokio::test]
async fn a_way_whose_connection_went_idle_is_forgotten() {
    let options = TransportOptions {
        ping_interval: Duration::from_millis(20),
        idle_timeout: Duration::from_millis(20),
        ..Default::default()
    };
    let world = World::with(options).await;
    let mut proxies = Vec::new();
    for scheme in SCHEMES {
        let (proxy, via) = world.proxy(scheme, Rules::default()).await;
        models(&world.pool, &world.plain(), &via).await.expect("models");
        until("the idle connection to close", || proxy.open_tunnels() == 0).await;
        proxies.push(proxy);
    }
    until("no connections", || world.pool.stats().connections == 0).await;
    models(&world.pool, &world.plain(), &Via::Direct).await.expect("models");
    assert_eq!(world.pool.stats().ways, 1);
}

#[tokio::test]
async fn a_probe_opens_a_connection_of_its_own_and_closes_it() {
    let world = World::start().await;
    let mut proxies = Vec::new();
    for scheme in SCHEMES {
        let (proxy, via) = world.proxy(scheme, Rules::default()).await;
        let way = way(&world.encrypted(), &via);
        models(&world.pool, &way.origin, &via).await.expect("models");
        let took = world.pool.probe(&way).await.expect(scheme);
        assert!(took > Duration::ZERO && took < Duration::from_secs(5), "{took:?}");
        assert_eq!(proxy.tunnels(), 2, "{scheme}: a fresh tunnel");
        until("the probe's tunnel to close", || proxy.open_tunnels() == 1).await;
        models(&world.pool, &way.origin, &via).await.expect("models");
        assert_eq!(proxy.tunnels(), 2, "{scheme}: the connection in use was left alone");
        proxies.push(proxy);
    }
    assert_eq!(world.pool.stats().connections, proxies.len());
    let took = world.pool.probe(&way(&world.plain(), &Via::Direct)).await.expect("direct");
    assert!(took > Duration::ZERO);
    until("the probe to be gone", || world.plain.control.connections() == 0).await;
}

#[tokio::test]
async fn a_probe_says_what_is_wrong() {
    let world = World::start().await;
    let dead = via(&format!("socks5://127.0.0.1:{}", raw::closed().await.port()));
    let error = world.pool.probe(&way(&world.plain(), &dead)).await.expect_err("dead");
    assert_blames_proxy(&error);
    let nobody = super::origin(&format!("http://{}", raw::closed().await));
    let error = world.pool.probe(&way(&nobody, &Via::Direct)).await.expect_err("nobody");
    assert!(matches!(error, UpstreamError::Connect(_)), "{error:?}");
    // A tunnel to something that is not HTTP/2.
    let http1 = super::origin(&format!("http://{}", raw::http1().await));
    let (_proxy, via) = world.proxy("http", Rules::default()).await;
    let error = world.pool.probe(&way(&http1, &via)).await.expect_err("no HTTP/2");
    assert!(matches!(error, UpstreamError::Connect(_)), "{error:?}");

    let (_proxy, via) =
        world.proxy("http", Rules { manner: Manner::Stall, ..Rules::default() }).await;
    let short =
        TransportOptions { connect_timeout: Duration::from_millis(200), ..Default::default() };
    let error = pool(short).probe(&way(&world.plain(), &via)).await.expect_err("stalls");
    assert!(matches!(error, UpstreamError::Deadline(Deadline::Connect)), "{error:?}");
    assert_eq!(world.pool.stats().connections, 0);
    world.assert_untouched();
}
