//! What the network tells: names, connections with TLS, the upstream's clock. No account is used.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use settings::Settings;
use upstream::UpstreamError;
use upstream::transport::{Dialer, Origin, Pool, TransportOptions, UnaryTransport, Via, Way};

use super::finding::Finding;

/// The addresses that are called, each with the settings that name it.
pub(super) fn endpoints(settings: &Settings) -> Vec<(String, Vec<&'static str>)> {
    let (upstream, completion) = (&settings.upstream, &settings.completion);
    let mut list: Vec<(String, Vec<&'static str>)> = Vec::new();
    for (key, url) in [
        ("upstream.api_url", &upstream.api_url),
        ("upstream.agent_url", &upstream.agent_url),
        ("upstream.web_url", &upstream.web_url),
        ("completion.asia_url", &completion.asia_url),
        ("completion.eu_url", &completion.eu_url),
        ("completion.us_url", &completion.us_url),
        ("completion.config_url", &completion.config_url),
    ] {
        match list.iter_mut().find(|(known, _)| known == url) {
            Some((_, keys)) => keys.push(key),
            None => list.push((url.clone(), vec![key])),
        }
    }
    list
}

/// A way out of this process.
#[derive(Clone)]
pub(super) struct Outside {
    pool: Pool,
    via: Via,
}

impl Outside {
    /// By the proxy in force.
    pub(super) fn new(settings: &Settings, via: Via) -> Self {
        let options =
            TransportOptions { connect_timeout: settings.timeouts.connect, ..Default::default() };
        Self { pool: Pool::new(options, Dialer::new(settings.upstream.ca_file.clone())), via }
    }

    /// Name, connection and TLS of one address.
    pub(super) async fn endpoint(&self, url: &str, keys: &[&str]) -> Vec<Finding> {
        let keys = keys.join(", ");
        let shown = url.trim_end_matches('/');
        let origin = match Origin::parse(url) {
            Ok(origin) => origin,
            Err(error) => {
                let found = format!("{keys}: {error}");
                return vec![Finding::failure("settings", found, format!("correct {keys}"))];
            }
        };
        let proxy = self.via.proxy_for(&origin);
        let mut findings = Vec::new();
        let check = format!("dns:{shown}");
        findings.push(match proxy {
            Some(_) => Finding::note(check, "a proxy stands in front"),
            None => look_up(check, url).await,
        });
        let check = format!("connection:{shown}");
        let way = Way { origin, via: self.via.clone() };
        findings.push(match self.pool.probe(&way).await {
            Ok(took) => Finding::ok(check, format!("open after {} ms", took.as_millis())),
            Err(error) => unreached(check, &error, &keys),
        });
        findings
    }

    /// Whether the upstream answers, and what its clock says.
    pub(super) async fn upstream(&self, url: &str, now: impl Fn() -> Timestamp) -> Vec<Finding> {
        const PATH: &str = "/aiserver.v1.ServerConfigService/GetServerConfig";
        const LIMIT: usize = 1 << 20;
        // The connection's own finding says what is wrong with the address.
        let Ok(origin) = Origin::parse(url) else { return Vec::new() };
        let way = Way { origin, via: self.via.clone() };
        let mut headers = HeaderMap::new();
        let kind = http::HeaderValue::from_static("application/proto");
        headers.insert(header::CONTENT_TYPE, kind);
        let call = UnaryTransport::new(self.pool.clone(), way);
        match call.call(Method::POST, PATH, headers, Bytes::new(), LIMIT).await {
            Ok((status, headers, _)) => {
                let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
                vec![answered(status), clock(date, now())]
            }
            Err(error) => vec![
                unreached("upstream".to_owned(), &error, "upstream.api_url"),
                Finding::note("clock", "not compared: the upstream did not answer"),
            ],
        }
    }
}

/// Any answer but a failure of the server shows that it is there; without an account it may well
/// refuse.
fn answered(status: http::StatusCode) -> Finding {
    let found = format!("answers ({status})");
    if status.is_server_error() {
        let cure = "wait, or see whether upstream.api_url is right";
        return Finding::warning("upstream", found, cure);
    }
    Finding::ok("upstream", found)
}

async fn look_up(check: String, url: &str) -> Finding {
    let uri: Uri = url.parse().unwrap_or_default();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(443);
    let cure = "see the resolver of this machine (/etc/resolv.conf), or set a proxy";
    match tokio::net::lookup_host((host.as_str(), port)).await {
        Ok(addresses) => match addresses.count() {
            0 => Finding::failure(check, format!("{host} has no address"), cure),
            1 => Finding::ok(check, format!("{host} has an address")),
            many => Finding::ok(check, format!("{host} has {many} addresses")),
        },
        Err(error) => Finding::failure(check, format!("{host}: {error}"), cure),
    }
}

fn unreached(check: String, error: &UpstreamError, keys: &str) -> Finding {
    let cure = match error {
        UpstreamError::Proxy(_) => "see the proxy in force (docs/how-to/proxies.md)".to_owned(),
        UpstreamError::Answer(_)
        | UpstreamError::Status { .. }
        | UpstreamError::Connect(_)
        | UpstreamError::NotTaken(_)
        | UpstreamError::Lost(_)
        | UpstreamError::Cut
        | UpstreamError::Protocol(_)
        | UpstreamError::Deadline(_) => {
            format!("see firewall and {keys}; behind a company's TLS proxy set upstream.ca_file")
        }
    };
    Finding::failure(check, error.to_string(), cure)
}

/// This machine's clock beside the upstream's.
fn clock(date: Option<&str>, now: Timestamp) -> Finding {
    const FINE: Duration = Duration::from_secs(30);
    const BAD: Duration = Duration::from_secs(300);
    const CURE: &str = "set the clock, and keep it right with NTP (timedatectl set-ntp true)";
    let Some(date) = date else {
        return Finding::note("clock", "not compared: the upstream does not tell the time");
    };
    let Ok(theirs) = DateTimeParser::new().parse_timestamp(date) else {
        return Finding::note("clock", "not compared: the upstream's date is no date");
    };
    let apart = now.duration_since(theirs).unsigned_abs();
    let found = format!("{} s from the upstream's", apart.as_secs());
    match apart {
        _ if apart <= FINE => Finding::ok("clock", found),
        _ if apart <= BAD => Finding::warning("clock", found, CURE),
        _ => Finding::failure("clock", found, CURE),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn the_clock_may_be_a_little_wrong() {
        let now: Timestamp = "1994-11-06T08:49:37Z".parse().expect("an instant");
        let told = |date: Option<&str>| clock(date, now).state;
        assert_eq!(told(Some("Sun, 06 Nov 1994 08:49:37 GMT")), State::Ok);
        assert_eq!(told(Some("Sun, 06 Nov 1994 08:51:37 GMT")), State::Warning);
        assert_eq!(told(Some("Sun, 06 Nov 1994 09:49:37 GMT")), State::Failure);
        assert_eq!(told(Some("soon")), State::Note);
        assert_eq!(told(None), State::Note);
    }
}
