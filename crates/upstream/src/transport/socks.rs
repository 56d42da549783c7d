//! SOCKS5 (RFC 1928), with and without user and password (RFC 1929), CONNECT only.

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::tunnel::ProxyError;

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_ACCEPTABLE: u8 = 0xff;

/// Where the proxy is to connect to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'a> {
    Address(SocketAddr),
    /// A name that the proxy looks up, and a port.
    Name(&'a str, u16),
}

/// What a reply code says (RFC 1928 §6).
pub(super) fn meaning(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "unknown code",
    }
}

/// Has a SOCKS5 proxy open a tunnel to `target`.
///
/// # Errors
/// It does not take the credentials, does not reach the target, or does not speak SOCKS5.
pub(super) async fn connect<S>(
    stream: &mut S,
    target: Target<'_>,
    credentials: Option<(&str, &str)>,
) -> Result<(), ProxyError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = request(target)?;
    log_in(stream, credentials).await?;
    stream.write_all(&request).await?;
    stream.flush().await?;
    let [version, code, _reserved, kind] = read(stream).await?;
    if version != VERSION {
        return Err(NOT_SOCKS);
    }
    if code != 0 {
        return Err(ProxyError::Reply(code));
    }
    // The address that the proxy uses is of no interest, but it must be out of the way.
    let address = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await?),
        _ => return Err(ProxyError::Protocol("an unknown address type in its reply")),
    };
    stream.read_exact(&mut [0; 255 + 2][..address + 2]).await?;
    Ok(())
}

const NOT_SOCKS: ProxyError = ProxyError::Protocol("it does not speak SOCKS5");

async fn read<S: AsyncRead + Unpin, const N: usize>(stream: &mut S) -> Result<[u8; N], ProxyError> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn log_in<S>(stream: &mut S, credentials: Option<(&str, &str)>) -> Result<(), ProxyError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let offer: &[u8] = match credentials {
        None => &[VERSION, 1, NO_LOGIN],
        Some(_) => &[VERSION, 2, NO_LOGIN, USER_AND_PASSWORD],
    };
    stream.write_all(offer).await?;
    stream.flush().await?;
    let [version, method] = read(stream).await?;
    if version != VERSION {
        return Err(NOT_SOCKS);
    }
    match (method, credentials) {
        (NO_LOGIN, _) => Ok(()),
        (USER_AND_PASSWORD, Some((user, password))) => {
            let mut login = vec![1];
            for text in [user, password] {
                let length = u8::try_from(text.len());
                login.push(length.map_err(|_| ProxyError::Protocol("credentials too long"))?);
                login.extend_from_slice(text.as_bytes());
            }
            stream.write_all(&login).await?;
            stream.flush().await?;
            match read(stream).await? {
                [1, 0] => Ok(()),
                [1, _] => Err(ProxyError::Credentials),
                _ => Err(ProxyError::Protocol("its answer to the login is no SOCKS5")),
            }
        }
        (USER_AND_PASSWORD | NO_ACCEPTABLE, _) => Err(ProxyError::NoMethod),
        _ => Err(ProxyError::Protocol("it chose a login that was not offered")),
    }
}

fn request(target: Target<'_>) -> Result<Vec<u8>, ProxyError> {
    let mut request = vec![VERSION, 1, 0];
    let port = match target {
        Target::Address(address) => {
            match address.ip() {
                IpAddr::V4(v4) => {
                    request.push(1);
                    request.extend_from_slice(&v4.octets());
                }
                IpAddr::V6(v6) => {
                    request.push(4);
                    request.extend_from_slice(&v6.octets());
                }
            }
            address.port()
        }
        Target::Name(name, port) => {
            let length = u8::try_from(name.len());
            let length =
                length.map_err(|_| ProxyError::Protocol("the origin's name is too long"))?;
            request.extend_from_slice(&[3, length]);
            request.extend_from_slice(name.as_bytes());
            port
        }
    };
    request.extend_from_slice(&port.to_be_bytes());
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Option<(&str, &str)> = Some(("me", "pw"));
    const NAME: Target<'static> = Target::Name("a.example", 443);

    /// The result, what was sent, and what was left unread.
    async fn answered(
        answer: &[u8],
        target: Target<'_>,
        credentials: Option<(&str, &str)>,
    ) -> (Result<(), ProxyError>, Vec<u8>, Vec<u8>) {
        let (mut ours, mut theirs) = tokio::io::duplex(4096);
        theirs.write_all(answer).await.expect("written");
        theirs.shutdown().await.expect("shut down");
        let result = connect(&mut ours, target, credentials).await;
        let (mut sent, mut rest) = (Vec::new(), Vec::new());
        ours.read_to_end(&mut rest).await.expect("the rest");
        drop(ours);
        theirs.read_to_end(&mut sent).await.expect("what was sent");
        (result, sent, rest)
    }

    #[tokio::test]
    async fn a_name_is_sent_to_the_byte_without_login() {
        let answer = b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x01\xbborigin";
        let (result, sent, rest) = answered(answer, NAME, None).await;
        result.expect("a tunnel");
        assert_eq!(sent, b"\x05\x01\x00\x05\x01\x00\x03\x09a.example\x01\xbb");
        assert_eq!(rest, b"origin");
    }

    #[tokio::test]
    async fn addresses_and_a_login_are_sent_to_the_byte() {
        let target = Target::Address("10.1.2.3:80".parse().expect("address"));
        let answer = b"\x05\x02\x01\x00\x05\x00\x00\x03\x04host\x00\x50rest";
        let (result, sent, rest) = answered(answer, target, LOGIN).await;
        result.expect("a tunnel");
        assert_eq!(
            sent,
            b"\x05\x02\x00\x02\x01\x02me\x02pw\x05\x01\x00\x01\x0a\x01\x02\x03\x00\x50"
        );
        assert_eq!(rest, b"rest");

        let target = Target::Address("[2001:db8::1]:8443".parse().expect("address"));
        let mut answer = b"\x05\x00\x05\x00\x00\x04".to_vec();
        answer.extend_from_slice(&[0; 18]);
        let (result, sent, rest) = answered(&answer, target, LOGIN).await;
        result.expect("a tunnel");
        let mut wanted = b"\x05\x02\x00\x02\x05\x01\x00\x04\x20\x01\x0d\xb8".to_vec();
        wanted.extend_from_slice(&[0; 11]);
        wanted.extend_from_slice(b"\x01\x20\xfb");
        assert_eq!(sent, wanted);
        assert!(rest.is_empty());
    }

    #[tokio::test]
    async fn refusals_keep_their_reason() {
        let reply = |code| [5, 0, 5, code, 0, 1];
        for code in [1, 2, 5, 8, 9, 255] {
            let (result, _, _) = answered(&reply(code), NAME, None).await;
            assert!(matches!(result, Err(ProxyError::Reply(got)) if got == code), "{result:?}");
        }
        let (result, _, _) = answered(b"\x05\x02\x01\x01", NAME, LOGIN).await;
        assert!(matches!(result, Err(ProxyError::Credentials)), "{result:?}");
        for (answer, login) in [(b"\x05\xff", LOGIN), (b"\x05\xff", None), (b"\x05\x02", None)] {
            let (result, sent, _) = answered(answer, NAME, login).await;
            assert!(matches!(result, Err(ProxyError::NoMethod)), "{result:?}");
            assert!(sent.len() <= 4, "nothing is sent after a refusal: {sent:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_socks5_is_an_error() {
        let answers: [&[u8]; 9] = [
            b"",
            b"\x05",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\x04\x00",
            b"\x05\x01",
            b"\x05\x02\x05\x00",
            b"\x05\x00\x04\x00\x00\x01",
            b"\x05\x00\x05\x00\x00\x02",
            b"\x05\x00\x05\x00\x00\x03\xffshort",
        ];
        for answer in answers {
            let (result, _, _) = answered(answer, NAME, LOGIN).await;
            assert!(
                matches!(result, Err(ProxyError::Protocol(_) | ProxyError::Io(_))),
                "{answer:?}: {result:?}"
            );
        }
    }

    #[test]
    fn a_name_that_does_not_fit_is_not_cut() {
        let name = "n".repeat(256);
        assert!(request(Target::Name(&name, 1)).is_err());
        assert!(request(Target::Name(&name[1..], 1)).is_ok());
    }
}
