//! `/gen-*` and `/get-checksum-header`: fresh random values as plain text. They show nothing of the
//! gateway.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use crate::App;

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// `GET /gen-uuid`.
pub(crate) async fn uuid(State(app): State<App>) -> Response {
    plain(app.0.ambient.uuid().to_string())
}

/// `GET /gen-hash`: 64 hex characters, as client keys and machine ids have them.
pub(crate) async fn hash(State(app): State<App>) -> Response {
    plain(accounts::Hex64::of(app.0.ambient.secret_bytes()).as_str().to_owned())
}

/// `GET /gen-checksum`: a whole header value, with two random machine ids.
pub(crate) async fn checksum(State(app): State<App>) -> Response {
    plain(app.0.gateway.random_checksum())
}

/// `GET /gen-token`: a secret fit to be an `AUTH_TOKEN`.
pub(crate) async fn token(State(app): State<App>) -> Response {
    let bytes: Vec<u8> = [app.0.ambient.secret_bytes(), app.0.ambient.secret_bytes()].concat();
    plain(token_of(&bytes))
}

/// `GET /get-checksum-header`: the part of the header value that tells the time.
pub(crate) async fn checksum_header(State(app): State<App>) -> Response {
    plain(app.0.gateway.checksum_header())
}

/// 48 characters of six bits each.
fn token_of(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letters = bytes.iter().take(48).map(|byte| char::from(ALPHABET[usize::from(byte & 63)]));
    "sk-".chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_48_letters_that_are_safe_in_urls() {
        let bytes: Vec<u8> = (0..=63).collect();
        assert_eq!(token_of(&bytes), "sk-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv");
        assert_eq!(token_of(&[0xFF; 64]), format!("sk-{}", "_".repeat(48)));
    }
}
