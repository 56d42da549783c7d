//! From a stream to a proxy to a stream to the origin: HTTP's CONNECT (RFC 9110 §9.3.6).

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest head of an answer that is read, in bytes.
const LONGEST_HEAD: usize = 16 << 10;

/// What went wrong between us and a proxy. Holds nothing that the proxy wrote but numbers.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("TLS: {0}")]
    Tls(io::Error),
    #[error("`{0}` is no name a certificate can be checked for")]
    Name(String),
    /// The answer to CONNECT was not 200; 407 means that the credentials are wrong or missing.
    #[error("it answered with HTTP status {0}{hint}", hint = if *.0 == 407 { " (wrong or missing credentials)" } else { "" })]
    Status(u16),
    #[error("it does not take the credentials")]
    Credentials,
    #[error("it wants a login of a kind that we do not have")]
    NoMethod,
    /// The reply code of SOCKS5 (RFC 1928 §6).
    #[error("SOCKS5 reply {code}: {meaning}", code = .0, meaning = super::socks::meaning(*.0))]
    Reply(u8),
    #[error("{0}")]
    Protocol(&'static str),
}

/// Has an HTTP proxy open a tunnel to `target`, which is `host:port`.
///
/// # Errors
/// Any answer but 200, or none that is HTTP.
pub(super) async fn connect<S>(
    stream: &mut S,
    target: &str,
    credentials: Option<(&str, &str)>,
) -> Result<(), ProxyError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = request(target, credentials);
    stream.write_all(request.expose_secret().as_bytes()).await?;
    stream.flush().await?;
    match read_status(stream).await? {
        200 => Ok(()),
        other => Err(ProxyError::Status(other)),
    }
}

fn request(target: &str, credentials: Option<(&str, &str)>) -> SecretString {
    let login = credentials.map_or_else(String::new, |(user, password)| {
        let login = STANDARD.encode(format!("{user}:{password}"));
        format!("Proxy-Authorization: Basic {login}\r\n")
    });
    format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n").into()
}

/// Reads the head of the answer and not a byte more: what follows may already be the origin's.
async fn read_status<S: AsyncRead + Unpin>(stream: &mut S) -> Result<u16, ProxyError> {
    const PREFIX: &[u8] = b"HTTP/1.";
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if head.len() == LONGEST_HEAD {
            return Err(ProxyError::Protocol("the head of its answer is longer than 16 KiB"));
        }
        head.push(stream.read_u8().await?);
        // Said at once, for it may say no more.
        if !head.iter().zip(PREFIX).all(|(got, wanted)| got == wanted) {
            return Err(ProxyError::Protocol("it does not speak HTTP"));
        }
    }
    status(&head).ok_or(ProxyError::Protocol("its answer has no HTTP status"))
}

/// The number in `HTTP/1.1 200 …`.
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let [minor, b' ', number @ ..] = rest else { return None };
    let (number, rest) = number.split_at_checked(3)?;
    let ends = matches!(rest.first(), Some(b' ' | b'\r' | b'\n'));
    let legal = minor.is_ascii_digit() && number.iter().all(u8::is_ascii_digit) && ends;
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    (legal && number >= 100).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(answer: &[u8]) -> (Result<(), ProxyError>, String, Vec<u8>) {
        let (mut ours, mut theirs) = tokio::io::duplex(64 << 10);
        theirs.write_all(answer).await.expect("written");
        theirs.shutdown().await.expect("shut down");
        let result = connect(&mut ours, "[::1]:443", Some(("user", "päss:word"))).await;
        let mut rest = Vec::new();
        ours.read_to_end(&mut rest).await.expect("the rest");
        drop(ours);
        let mut request = String::new();
        theirs.read_to_string(&mut request).await.expect("the request");
        (result, request, rest)
    }

    #[tokio::test]
    async fn the_request_is_written_to_the_byte_and_the_rest_is_left_alone() {
        let answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\norigin";
        let (result, request, rest) = answered(answer).await;
        result.expect("a tunnel");
        assert_eq!(rest, b"origin");
        assert_eq!(
            request,
            "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\
             Proxy-Authorization: Basic dXNlcjpww6Rzczp3b3Jk\r\n\r\n"
        );
        let plain = super::request("h:1", None);
        assert_eq!(plain.expose_secret(), "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n");
    }

    #[tokio::test]
    async fn only_200_opens() {
        for (answer, status) in [
            ("HTTP/1.0 200\r\n\r\n", None),
            ("HTTP/1.1 200 OK\n\n", None),
            ("HTTP/1.1 204 No\r\n\r\n", Some(204)),
            ("HTTP/1.1 407 Proxy\r\nProxy-Authenticate: Basic\r\n\r\nbody", Some(407)),
            ("HTTP/1.1 502 Bad\r\n\r\n", Some(502)),
        ] {
            let (result, _, _) = answered(answer.as_bytes()).await;
            match (result, status) {
                (Ok(()), None) => {}
                (Err(ProxyError::Status(got)), Some(wanted)) => assert_eq!(got, wanted),
                (other, _) => panic!("{answer:?}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_answer_is_an_error_and_never_repeated() {
        let endless = format!("HTTP/1.1 200 OK\r\ncanary: {}", "x".repeat(LONGEST_HEAD));
        for answer in [
            "",
            "HTTP/1.1 200 OK\r\ncanary: 1\r\n",
            "SSH-2.0-canary\r\n",
            "HTTP/2 200 canary\r\n\r\n",
            "HTTP/1.1 2000 canary\r\n\r\n",
            "HTTP/1.1 +20 canary\r\n\r\n",
            "HTTP/1.1 099 canary\r\n\r\n",
            "HTTP/1.1  200 canary\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
            &endless,
        ] {
            let error = answered(answer.as_bytes()).await.0.expect_err(answer);
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}
