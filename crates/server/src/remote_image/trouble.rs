//! Why a picture could not be had, and the words for it.

use conversation::{Failure, FailureClass};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The URL cannot be used; the reason follows the host.
    Url(&'static str),
    /// The name is unknown, or all its addresses are inside. Which of the two is not told, so
    /// that nobody can ask for the names of a closed network.
    NoPublicAddress,
    /// The text is for the log.
    Unreachable(String),
    /// The text is for the log.
    Broke(String),
    Status(u16),
    TooManyRedirects,
    NotAPicture,
    TooLarge,
    TooLargeTogether,
    TooSlow,
}

impl Trouble {
    /// `host` is where it happened, if the URL was good enough to tell.
    pub(super) fn into_failure(self, host: Option<&str>) -> Failure {
        let class = match self {
            Self::TooLarge | Self::TooLargeTogether => FailureClass::TooLarge,
            Self::Url(_)
            | Self::NoPublicAddress
            | Self::Unreachable(_)
            | Self::Broke(_)
            | Self::Status(_)
            | Self::TooManyRedirects
            | Self::NotAPicture
            | Self::TooSlow => FailureClass::Invalid,
        };
        let (reason, detail) = self.words();
        let place = host.map(|host| format!(" from '{}'", shown(host))).unwrap_or_default();
        let message = format!("An image could not be fetched{place}: {reason}.");
        let log = detail.map(|detail| format!("{message} ({detail})"));
        let failure = Failure::new(class, message);
        match log {
            Some(log) => failure.log(log),
            None => failure,
        }
    }

    /// For the client, and what only the log gets.
    fn words(self) -> (String, Option<String>) {
        let reason = match self {
            Self::Url(reason) => reason,
            Self::NoPublicAddress => "the host has no public address on port 80 or 443",
            Self::Unreachable(detail) => {
                return ("the host cannot be reached".to_owned(), Some(detail));
            }
            Self::Broke(detail) => return ("the transfer broke off".to_owned(), Some(detail)),
            Self::Status(status) => {
                return (format!("the host answered with status {status}"), None);
            }
            Self::TooManyRedirects => "there are too many redirects",
            Self::NotAPicture => "what is there is no PNG, JPEG, WebP or GIF image",
            Self::TooLarge => "it is larger than the limit for one image",
            Self::TooLargeTogether => "the images of the request are too large together",
            Self::TooSlow => "it did not arrive in time",
        };
        (reason.to_owned(), None)
    }
}

/// The part of a host's name that is repeated.
fn shown(host: &str) -> String {
    host.chars().take(100).collect()
}

pub(super) fn too_many(most: usize) -> Failure {
    let message = format!("Too many images behind URLs: at most {most} are accepted.");
    Failure::new(FailureClass::Invalid, message)
}
