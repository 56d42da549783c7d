//! One `GET` over a fresh connection, read within a budget.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::Budget;
use super::connect::ByteStream;
use super::target::Target;
use super::trouble::Trouble;

/// What a server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Picture(Bytes),
    /// The location, as written.
    Elsewhere(String),
}

/// Bytes of a response head, and of what is read at once.
const BUFFER: usize = 64 << 10;
const MAX_HEADERS: usize = 100;

/// # Errors
/// Another status than 200, no picture, over the budget, or a broken transfer.
pub(super) async fn get(
    stream: Box<dyn ByteStream>,
    target: &Target,
    budget: Budget<'_>,
) -> Result<Answer, Trouble> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER)
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broke)?;
    let request = request(target)?;
    let mut exchange = pin!(async move {
        let response = sender.send_request(request).await.map_err(broke)?;
        read(response, budget).await
    });
    let mut connection = pin!(connection);
    let mut open = true;
    loop {
        tokio::select! {
            answer = &mut exchange => return answer,
            // How it ended is seen by the exchange, which may still have something to read.
            _ = &mut connection, if open => open = false,
        }
    }
}

fn request(target: &Target) -> Result<Request<Empty<Bytes>>, Trouble> {
    Request::get(target.path.as_str())
        .header(header::HOST, &target.authority)
        .header(header::USER_AGENT, "image-fetch/1.0")
        .header(header::ACCEPT, "image/*")
        // What is read must be what is there: nothing is unpacked.
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close")
        .body(Empty::new())
        .map_err(|_| Trouble::Url("the URL is malformed"))
}

async fn read(response: Response<Incoming>, budget: Budget<'_>) -> Result<Answer, Trouble> {
    match response.status() {
        StatusCode::OK => picture(response.into_body(), budget).await.map(Answer::Picture),
        status @ (StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT) => response
            .headers()
            .get(header::LOCATION)
            .map(HeaderValue::as_bytes)
            .and_then(|location| std::str::from_utf8(location).ok())
            .map(|location| Answer::Elsewhere(location.to_owned()))
            .ok_or(Trouble::Status(status.as_u16())),
        status => Err(Trouble::Status(status.as_u16())),
    }
}

async fn picture(mut body: Incoming, mut budget: Budget<'_>) -> Result<Bytes, Trouble> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > budget.left {
        return Err(Trouble::TooLarge);
    }
    let mut all = BytesMut::new();
    let mut checked = false;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broke)?.into_data() else { continue };
        budget.take(data.len())?;
        all.extend_from_slice(&data);
        // A page of text is not read to its end.
        if !checked && all.len() >= SIGNATURE {
            check_signature(&all)?;
            checked = true;
        }
    }
    check_signature(&all)?;
    Ok(all.freeze())
}

/// Bytes that tell a picture.
const SIGNATURE: usize = 12;

fn check_signature(data: &[u8]) -> Result<(), Trouble> {
    let webp = data.starts_with(b"RIFF") && data.get(8..SIGNATURE) == Some(b"WEBP");
    let starts: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"];
    if webp || starts.iter().any(|start| data.starts_with(start)) {
        Ok(())
    } else {
        Err(Trouble::NotAPicture)
    }
}

fn broke(error: hyper::Error) -> Trouble {
    Trouble::Broke(error.to_string())
}
