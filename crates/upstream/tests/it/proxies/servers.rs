//! A real HTTP CONNECT proxy and a real SOCKS5 server that count, refuse, stall, lie and cut.
//!
//! Needs nothing but tokio and nothing of its neighbours, so that other tests can take it as it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How a proxy behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// User and password without which there is no tunnel.
    pub(crate) login: Option<(String, String)>,
    /// Where every tunnel leads, whatever was asked for.
    pub(crate) target: Option<SocketAddr>,
    pub(crate) manner: Manner,
}

#[derive(Debug, Clone, Default)]
pub(crate) enum Manner {
    #[default]
    Serve,
    /// Says no to every request: HTTP status 403 with a body, SOCKS5 reply 2.
    Refuse,
    /// Takes connections and never says a word.
    Stall,
    /// Says these bytes instead of anything else, then hangs up or keeps silent.
    Say { bytes: Vec<u8>, hangs_up: bool },
    /// Hangs up when a tunnel was asked for.
    Cut,
    /// Hangs up when a tunnel has brought this many bytes from the origin.
    CutAfter(u64),
}

/// What a proxy saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    connections: AtomicUsize,
    tunnels: AtomicUsize,
    open: AtomicUsize,
    asked: Mutex<Vec<Asked>>,
    logins: Mutex<Vec<String>>,
}

/// The target of a request, in the form it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Name(String, u16),
    Address(SocketAddr),
}

/// A running proxy. Its tunnels end with it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
    _tasks: JoinSet<()>,
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Http,
    Socks5,
}

impl Proxy {
    pub(crate) async fn http(rules: Rules) -> Self {
        Self::start(Protocol::Http, rules, |stream| async { Some(stream) }).await
    }

    /// `accept` makes the encrypted stream of an accepted one.
    pub(crate) async fn https<S, F, A>(rules: Rules, accept: F) -> Self
    where
        S: Stream + 'static,
        F: Fn(TcpStream) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Option<S>> + Send + 'static,
    {
        Self::start(Protocol::Http, rules, accept).await
    }

    pub(crate) async fn socks5(rules: Rules) -> Self {
        Self::start(Protocol::Socks5, rules, |stream| async { Some(stream) }).await
    }

    async fn start<S, F, A>(protocol: Protocol, rules: Rules, accept: F) -> Self
    where
        S: Stream + 'static,
        F: Fn(TcpStream) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Option<S>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("address");
        let seen = Arc::new(Seen::default());
        let mut tasks = JoinSet::new();
        let noted = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                noted.connections.fetch_add(1, Ordering::SeqCst);
                let (rules, seen, accept) = (rules.clone(), Arc::clone(&noted), accept.clone());
                connections.spawn(async move {
                    let Some(stream) = accept(stream).await else { return };
                    // Clients that go away are no concern of a proxy.
                    let _ = Serving { protocol, rules, seen, stream }.run().await;
                });
            }
        });
        Self { address, seen, _tasks: tasks }
    }

    /// Connections that were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Tunnels that came about.
    pub(crate) fn tunnels(&self) -> usize {
        self.seen.tunnels.load(Ordering::SeqCst)
    }

    /// Tunnels that are open now.
    pub(crate) fn open_tunnels(&self) -> usize {
        self.seen.open.load(Ordering::SeqCst)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.asked.lock().expect("lock").clone()
    }

    /// `user:password` of those who logged in, HTTP's in base64.
    pub(crate) fn logins(&self) -> Vec<String> {
        self.seen.logins.lock().expect("lock").clone()
    }
}

type Outcome = std::io::Result<()>;

struct Serving<S> {
    protocol: Protocol,
    rules: Rules,
    seen: Arc<Seen>,
    stream: S,
}

impl<S: Stream> Serving<S> {
    async fn run(mut self) -> Outcome {
        match self.rules.manner.clone() {
            Manner::Stall => {
                std::future::pending::<()>().await;
                Ok(())
            }
            Manner::Say { bytes, hangs_up } => {
                self.stream.write_all(&bytes).await?;
                self.stream.flush().await?;
                if hangs_up {
                    self.stream.shutdown().await?;
                }
                // Reads on, so that what it said is not lost in a reset.
                tokio::io::copy(&mut self.stream, &mut tokio::io::sink()).await?;
                Ok(())
            }
            Manner::Serve | Manner::Refuse | Manner::Cut | Manner::CutAfter(_) => {
                match self.protocol {
                    Protocol::Http => self.http().await,
                    Protocol::Socks5 => self.socks5().await,
                }
            }
        }
    }

    async fn http(mut self) -> Outcome {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await?);
        }
        let head = String::from_utf8(head).expect("a head of text");
        let mut lines = head.lines();
        let words: Vec<&str> = lines.next().expect("a line").split(' ').collect();
        let ["CONNECT", target, "HTTP/1.1"] = words[..] else { panic!("no CONNECT: {head}") };
        let (host, port) = target.rsplit_once(':').expect("host and port");
        let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
        let header = |name: &str| {
            let mut found = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            found.next().map(|(_, value)| *value)
        };
        assert_eq!(header("host"), Some(target), "HTTP/1.1 needs the header");
        let login = header("proxy-authorization").and_then(|value| value.strip_prefix("Basic "));
        self.seen.logins.lock().expect("lock").extend(login.map(str::to_owned));
        let port = port.parse().expect("a port");
        let asked = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => Asked::Address((address, port).into()),
            Err(_) => Asked::Name(host.to_owned(), port),
        };
        self.seen.asked.lock().expect("lock").push(asked.clone());
        let wanted =
            self.rules.login.as_ref().map(|(user, word)| base64(&format!("{user}:{word}")));
        let answer = if wanted.is_some() && wanted.as_deref() != login {
            "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 9\r\n\r\nsecretive"
        } else if matches!(self.rules.manner, Manner::Refuse) {
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nsecretive"
        } else if matches!(self.rules.manner, Manner::Cut) {
            return self.stream.shutdown().await;
        } else if let Some(origin) = self.reach(&asked).await {
            self.stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            return self.carry(origin).await;
        } else {
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\nsecretive"
        };
        self.stream.write_all(answer.as_bytes()).await?;
        self.stream.shutdown().await
    }

    async fn socks5(mut self) -> Outcome {
        let [version, count] = read(&mut self.stream).await?;
        assert_eq!(version, 5);
        let mut methods = vec![0; usize::from(count)];
        self.stream.read_exact(&mut methods).await?;
        let wanted = if self.rules.login.is_some() { 2 } else { 0 };
        if !methods.contains(&wanted) {
            return self.stream.write_all(&[5, 0xff]).await;
        }
        self.stream.write_all(&[5, wanted]).await?;
        self.stream.flush().await?;
        if let Some((user, word)) = self.rules.login.clone() {
            assert_eq!(self.stream.read_u8().await?, 1, "version of the login");
            let login = format!("{}:{}", self.text().await?, self.text().await?);
            let is_right = login == format!("{user}:{word}");
            self.seen.logins.lock().expect("lock").push(login);
            self.stream.write_all(&[1, u8::from(!is_right)]).await?;
            self.stream.flush().await?;
            if !is_right {
                return self.stream.shutdown().await;
            }
        }
        let [5, 1, 0, kind] = read(&mut self.stream).await? else { panic!("no CONNECT") };
        let asked = match kind {
            1 => Asked::Address((Ipv4Addr::from(read(&mut self.stream).await?), 0).into()),
            4 => Asked::Address((Ipv6Addr::from(read(&mut self.stream).await?), 0).into()),
            3 => Asked::Name(self.text().await?, 0),
            other => panic!("address type {other}"),
        };
        let port = self.stream.read_u16().await?;
        let asked = match asked {
            Asked::Address(address) => Asked::Address((address.ip(), port).into()),
            Asked::Name(name, _) => Asked::Name(name, port),
        };
        self.seen.asked.lock().expect("lock").push(asked.clone());
        let code = if matches!(self.rules.manner, Manner::Refuse) {
            2
        } else if matches!(self.rules.manner, Manner::Cut) {
            return self.stream.shutdown().await;
        } else if let Some(origin) = self.reach(&asked).await {
            // The bound address in its longest form.
            self.stream.write_all(&[5, 0, 0, 3, 5]).await?;
            self.stream.write_all(b"bound\x00\x01").await?;
            return self.carry(origin).await;
        } else {
            5
        };
        self.stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        self.stream.shutdown().await
    }

    async fn text(&mut self) -> std::io::Result<String> {
        let mut text = vec![0; usize::from(self.stream.read_u8().await?)];
        self.stream.read_exact(&mut text).await?;
        Ok(String::from_utf8(text).expect("text"))
    }

    async fn reach(&mut self, asked: &Asked) -> Option<TcpStream> {
        match (self.rules.target, asked) {
            (Some(target), _) => TcpStream::connect(target).await.ok(),
            (None, Asked::Address(address)) => TcpStream::connect(address).await.ok(),
            (None, Asked::Name(name, port)) => TcpStream::connect((&**name, *port)).await.ok(),
        }
    }

    async fn carry(mut self, mut origin: TcpStream) -> Outcome {
        self.stream.flush().await?;
        self.seen.tunnels.fetch_add(1, Ordering::SeqCst);
        self.seen.open.fetch_add(1, Ordering::SeqCst);
        let result = if let Manner::CutAfter(bytes) = self.rules.manner {
            let (mut from_client, mut to_client) = tokio::io::split(self.stream);
            let (from_origin, mut to_origin) = origin.split();
            let mut from_origin = from_origin.take(bytes);
            tokio::select! {
                sent = tokio::io::copy(&mut from_client, &mut to_origin) => sent.map(drop),
                came = tokio::io::copy(&mut from_origin, &mut to_client) => came.map(drop),
            }
        } else {
            tokio::io::copy_bidirectional(&mut self.stream, &mut origin).await.map(drop)
        };
        self.seen.open.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

async fn read<S: AsyncRead + Unpin, const N: usize>(stream: &mut S) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// The standard alphabet with padding (RFC 4648).
pub(crate) fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for bytes in text.as_bytes().chunks(3) {
        let at = |index: usize| bytes.get(index).map_or(0, |byte| u32::from(*byte));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for sign in 0..4 {
            let index = (group >> (18 - 6 * sign) & 63) as usize;
            encoded.push(if sign > bytes.len() { '=' } else { char::from(ALPHABET[index]) });
        }
    }
    encoded
}
