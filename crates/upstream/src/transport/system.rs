//! The proxies that the environment names: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`.

use std::net::IpAddr;
use std::sync::Arc;

use super::dial::Origin;
use super::proxy::{MalformedProxy, Proxy, host_and_port};

/// The longest `NO_PROXY` that is read, in bytes.
const LONGEST_LIST: usize = 64 << 10;

/// What the environment says about proxies. Read once; the composition root builds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SystemProxies {
    https: Option<Arc<Proxy>>,
    http: Option<Arc<Proxy>>,
    /// Origins that are reached directly.
    except: Vec<Except>,
}

/// One entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Except {
    hosts: Hosts,
    /// Of the origin; `None` is every port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Hosts {
    Every,
    /// This name and all names below it.
    Domain(String),
    /// Addresses whose first bits are these.
    Network(IpAddr, u8),
}

impl SystemProxies {
    /// Asks `lookup` for each variable: the lower-case form first, an empty value counts as none.
    /// A proxy without a scheme is one of HTTP, as everywhere.
    ///
    /// # Errors
    /// A value names no proxy, or an entry of `NO_PROXY` no host; the error names the variable.
    pub fn new(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, MalformedProxy> {
        let value = |lower: &'static str, upper: &'static str| {
            [lower, upper].into_iter().find_map(|name| {
                let value = lookup(name)?.trim().to_owned();
                (!value.is_empty()).then_some((name, value))
            })
        };
        let proxy = |lower, upper| {
            let Some((name, value)) = value(lower, upper) else { return Ok(None) };
            let url = if value.contains("://") { value } else { format!("http://{value}") };
            let proxy = Proxy::parse(&url)
                .map_err(|error| MalformedProxy { variable: Some(name), ..error })?;
            Ok(Some(Arc::new(proxy)))
        };
        let all = proxy("all_proxy", "ALL_PROXY")?;
        let https = proxy("https_proxy", "HTTPS_PROXY")?.or_else(|| all.clone());
        let http = proxy("http_proxy", "HTTP_PROXY")?.or(all);
        let except = match value("no_proxy", "NO_PROXY") {
            Some((name, list)) => exceptions(&list)
                .map_err(|error| MalformedProxy { variable: Some(name), ..error })?,
            None => Vec::new(),
        };
        Ok(Self { https, http, except })
    }

    /// The proxy for this origin; `None` is the direct way. Loopback is always direct.
    #[must_use]
    pub fn for_origin(&self, origin: &Origin) -> Option<Arc<Proxy>> {
        let proxy = if origin.is_tls() { &self.https } else { &self.http };
        let proxy = proxy.as_ref()?;
        let host = origin.dial_host().trim_end_matches('.').to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let is_loopback = match address {
            Some(address) => address.is_loopback(),
            None => host == "localhost" || host.ends_with(".localhost"),
        };
        let is_excepted = self.except.iter().any(|except| {
            except.port.is_none_or(|port| port == origin.port()) && except.hosts.has(&host, address)
        });
        (!is_loopback && !is_excepted).then(|| Arc::clone(proxy))
    }
}

impl Hosts {
    fn has(&self, host: &str, address: Option<IpAddr>) -> bool {
        match self {
            Self::Every => true,
            Self::Domain(domain) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|below| below.is_empty() || below.ends_with('.')),
            Self::Network(network, bits) => address
                .is_some_and(|address| first_bits(address, *bits) == first_bits(*network, *bits)),
        }
    }
}

/// An address with all bits behind the first ones cleared. Addresses of different families are
/// never equal.
fn first_bits(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

fn exceptions(list: &str) -> Result<Vec<Except>, MalformedProxy> {
    if list.len() > LONGEST_LIST {
        return Err(MalformedProxy::because("the list is longer than 64 KiB"));
    }
    let entries = list.split(|sign: char| sign == ',' || sign.is_whitespace());
    entries.filter(|entry| !entry.is_empty()).map(exception).collect()
}

fn exception(entry: &str) -> Result<Except, MalformedProxy> {
    let network = |address: IpAddr, bits| {
        let except = Except { hosts: Hosts::Network(address.to_canonical(), bits), port: None };
        Ok(except)
    };
    let width = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
    if entry == "*" {
        return Ok(Except { hosts: Hosts::Every, port: None });
    }
    if let Some((address, bits)) = entry.split_once('/') {
        let malformed = || MalformedProxy::because("a network that is not address/bits");
        let address: IpAddr = address.parse().map_err(|_| malformed())?;
        let bits: u8 =
            bits.parse().ok().filter(|bits| *bits <= width(address)).ok_or_else(malformed)?;
        // Bits of an IPv4 address in IPv6's clothes are counted as of IPv4.
        let is_mapped = address.is_ipv6() && address.to_canonical().is_ipv4();
        let bits = bits.checked_sub(if is_mapped { 96 } else { 0 }).ok_or_else(malformed)?;
        return network(address, bits);
    }
    if let Ok(address) = entry.parse::<IpAddr>() {
        return network(address, width(address.to_canonical()));
    }
    // `*.example.com`, `.example.com` and `example.com` say the same, as with curl.
    let name = entry.strip_prefix('*').unwrap_or(entry);
    let (host, port) = host_and_port(name.strip_prefix('.').unwrap_or(name)).map_err(|_| {
        MalformedProxy::because("an entry that is no host, domain, address or network")
    })?;
    let host = host.trim_end_matches('.');
    let hosts = match host.parse::<IpAddr>() {
        Ok(address) => {
            let address = address.to_canonical();
            Hosts::Network(address, width(address))
        }
        Err(_) => Hosts::Domain(host.to_owned()),
    };
    Ok(Except { hosts, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(variables: &[(&str, &str)]) -> Result<SystemProxies, MalformedProxy> {
        SystemProxies::new(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn way(system: &SystemProxies, origin: &str) -> Option<String> {
        let origin = Origin::parse(origin).expect("origin");
        system.for_origin(&origin).map(|proxy| proxy.masked())
    }

    #[test]
    fn the_scheme_of_the_origin_chooses_and_lower_case_comes_first() {
        let proxies = system(&[
            ("HTTPS_PROXY", "http://upper:1"),
            ("https_proxy", " http://lower:1 "),
            ("HTTP_PROXY", "plain:3128"),
            ("all_proxy", "socks5h://all"),
        ])
        .expect("proxies");
        assert_eq!(way(&proxies, "https://a.example").as_deref(), Some("http://lower:1"));
        assert_eq!(way(&proxies, "http://a.example").as_deref(), Some("http://plain:3128"));
        let proxies = system(&[("ALL_PROXY", "socks5h://all"), ("https_proxy", "")]);
        let proxies = proxies.expect("proxies");
        assert_eq!(way(&proxies, "https://a.example").as_deref(), Some("socks5h://all:1080"));
        assert_eq!(way(&proxies, "http://a.example").as_deref(), Some("socks5h://all:1080"));
        let none = system(&[]).expect("none");
        assert_eq!(way(&none, "https://a.example"), None);
    }

    #[test]
    fn loopback_is_always_direct() {
        let proxies = system(&[("all_proxy", "http://proxy")]).expect("proxies");
        for local in [
            "http://localhost:1",
            "https://LOCALHOST",
            "http://a.localhost",
            "http://127.0.0.1:9",
            "http://127.9.9.9",
            "https://[::1]:4",
            "https://[::ffff:127.0.0.1]",
        ] {
            assert_eq!(way(&proxies, local), None, "{local}");
        }
        for remote in ["http://localhost.example", "http://128.0.0.1", "http://notlocalhost"] {
            assert!(way(&proxies, remote).is_some(), "{remote}");
        }
    }

    #[test]
    fn exceptions_are_names_domains_addresses_networks_and_ports() {
        let list = "one.example, .two.example,*.three.example 10.0.0.0/8,192.0.2.7,\
            [2001:db8::1]:8443,fd00::/8,::ffff:172.16.0.0/108,ported.example:8080,198.51.100.1:81";
        let proxies = system(&[("all_proxy", "http://proxy"), ("NO_PROXY", list)]);
        let proxies = proxies.expect("proxies");
        for direct in [
            "https://one.example",
            "https://ONE.example.",
            "https://sub.one.example",
            "https://two.example",
            "https://sub.two.example",
            "https://sub.three.example",
            "http://10.255.0.1",
            "http://172.31.0.1",
            "http://192.0.2.7:99",
            "https://[2001:db8::1]:8443",
            "https://[fd12::1]",
            "http://ported.example:8080",
            "http://198.51.100.1:81",
        ] {
            assert_eq!(way(&proxies, direct), None, "{direct}");
        }
        for proxied in [
            "https://notone.example",
            "https://one.example.org",
            "http://11.0.0.1",
            "http://172.32.0.1",
            "http://192.0.2.8",
            "https://[2001:db8::1]",
            "https://[fe00::1]",
            "http://ported.example",
            "http://198.51.100.1",
        ] {
            assert!(way(&proxies, proxied).is_some(), "{proxied}");
        }
    }

    #[test]
    fn a_star_switches_all_proxies_off() {
        let proxies = system(&[("all_proxy", "http://proxy"), ("no_proxy", "*")]);
        assert_eq!(way(&proxies.expect("proxies"), "https://a.example"), None);
        let proxies = system(&[("all_proxy", "http://proxy"), ("no_proxy", "0.0.0.0/0")]);
        let proxies = proxies.expect("proxies");
        assert_eq!(way(&proxies, "https://203.0.113.9"), None);
        assert!(way(&proxies, "https://[2001:db8::1]").is_some());
        assert!(way(&proxies, "https://a.example").is_some());
    }

    #[test]
    fn a_mistake_names_the_variable_and_not_the_value() {
        for (name, value) in [
            ("https_proxy", "ftp://u:canary@h"),
            ("HTTP_PROXY", "u:canary@h:x"),
            ("ALL_PROXY", "socks4://u:canary@h"),
            ("no_proxy", "10.0.0.0/33"),
            ("no_proxy", "fd00::/129"),
            ("no_proxy", "canary.example/8"),
            ("NO_PROXY", "host:99999"),
            ("NO_PROXY", "can ary,*x*"),
        ] {
            let error = system(&[(name, value)]).expect_err(value).to_string();
            assert!(error.starts_with(name), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
