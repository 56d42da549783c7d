//! Browser logins that wait for approval or for their poll (`reference/upstream-protocol.md` §4.2).

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

const LIFE: Duration = Duration::from_secs(600);
const MOST: usize = 1000;

/// The two values that tie the page to the poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) uuid: String,
    pub(crate) challenge: String,
}

impl Ticket {
    /// `None` unless both have the form that the clients send.
    pub(crate) fn new(uuid: &str, challenge: &str) -> Option<Self> {
        let url_safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_uuid = uuid.len() == 36 && uuid::Uuid::try_parse(uuid).is_ok();
        let is_challenge = challenge.len() == 43 && challenge.bytes().all(url_safe);
        (is_uuid && is_challenge)
            .then(|| Self { uuid: uuid.to_ascii_lowercase(), challenge: challenge.to_owned() })
    }
}

#[derive(Debug)]
struct Login {
    ticket: Ticket,
    begun: SystemTime,
    user: Option<String>,
}

/// At most 1000 logins, each for ten minutes; one more forgets the oldest.
#[derive(Debug, Default)]
pub(crate) struct Logins(VecDeque<Login>);

impl Logins {
    fn expire(&mut self, now: SystemTime) {
        self.0.retain(|login| now.duration_since(login.begun).unwrap_or_default() < LIFE);
    }

    /// Notes a login whose page was opened. `false` if its id is taken under another challenge.
    pub(crate) fn begin(&mut self, ticket: &Ticket, now: SystemTime) -> bool {
        self.expire(now);
        if let Some(known) = self.0.iter().find(|login| login.ticket.uuid == ticket.uuid) {
            return known.ticket == *ticket;
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Login { ticket: ticket.clone(), begun: now, user: None });
        true
    }

    /// Approves a login for a user, once. `false` if none waits under this id.
    pub(crate) fn approve(&mut self, uuid: &str, user: &str, now: SystemTime) -> bool {
        self.expire(now);
        let mut waiting = self.0.iter_mut().filter(|login| login.user.is_none());
        let found = waiting.find(|login| login.ticket.uuid == uuid.to_ascii_lowercase());
        found.is_some_and(|login| {
            login.user = Some(user.to_owned());
            true
        })
    }

    /// The ids that wait for approval, oldest first.
    pub(crate) fn waiting(&mut self, now: SystemTime) -> Vec<String> {
        self.expire(now);
        let waiting = self.0.iter().filter(|login| login.user.is_none());
        waiting.map(|login| login.ticket.uuid.clone()).collect()
    }

    /// Whose approved login this verifier opens. It stays.
    pub(crate) fn user(&mut self, uuid: &str, verifier: &str, now: SystemTime) -> Option<String> {
        self.expire(now);
        let login = self.0.iter().find(|login| login.ticket.uuid == uuid.to_ascii_lowercase())?;
        let matches = challenge_of(verifier) == login.ticket.challenge;
        login.user.clone().filter(|_| matches)
    }

    /// Takes the approved login that this verifier opens.
    pub(crate) fn take(
        &mut self,
        uuid: &str,
        verifier: &str,
        now: SystemTime,
    ) -> Option<(Ticket, String)> {
        let user = self.user(uuid, verifier, now)?;
        let at = self.0.iter().position(|login| login.ticket.uuid == uuid.to_ascii_lowercase())?;
        Some((self.0.remove(at)?.ticket, user))
    }
}

/// base64url of the SHA-256 of the verifier's text.
fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "11111111-1111-4111-8111-000000000001";
    const VERIFIER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const USER: &str = "user_01ABCDEFGHJKMNPQRSTVWXYZ01";

    fn ticket(uuid: &str) -> Ticket {
        Ticket::new(uuid, "6oZqdX5MOLq_qBJ8vppAnT4fk6AP8UiP9zX8-Rev_9A").expect("a ticket")
    }

    #[test]
    fn a_login_is_approved_and_taken_once() {
        let (mut logins, now) = (Logins::default(), SystemTime::now());
        assert!(!logins.approve(UUID, USER, now));
        assert!(logins.begin(&ticket(UUID), now) && logins.begin(&ticket(UUID), now));
        let other = Ticket::new(UUID, &"a".repeat(43)).expect("a ticket");
        assert!(!logins.begin(&other, now));
        assert_eq!(logins.waiting(now), [UUID]);
        assert_eq!(logins.take(UUID, VERIFIER, now), None);
        assert!(logins.approve(UUID, USER, now));
        assert!(!logins.approve(UUID, "user_other", now), "approved once");
        assert_eq!(logins.waiting(now), Vec::<String>::new());
        assert_eq!(logins.take(UUID, "wrong", now), None);
        assert_eq!(logins.take(UUID, VERIFIER, now), Some((ticket(UUID), USER.to_owned())));
        assert_eq!(logins.take(UUID, VERIFIER, now), None);
    }

    #[test]
    fn logins_expire_and_are_bounded() {
        let (mut logins, now) = (Logins::default(), SystemTime::now());
        for number in 0..=MOST {
            let uuid = format!("11111111-1111-4111-8111-{number:012}");
            assert!(logins.begin(&ticket(&uuid), now + Duration::from_secs(1)));
        }
        let waiting = logins.waiting(now + LIFE);
        assert_eq!(waiting.len(), MOST);
        assert!(waiting[0].ends_with("000000000001"), "the oldest is forgotten");
        assert_eq!(logins.waiting(now + LIFE + Duration::from_secs(1)), Vec::<String>::new());
    }

    #[test]
    fn tickets_have_a_form() {
        let challenge = "6oZqdX5MOLq_qBJ8vppAnT4fk6AP8UiP9zX8-Rev_9A";
        assert!(Ticket::new(UUID, challenge).is_some());
        for (uuid, challenge) in [
            ("", challenge),
            ("11111111111141118111000000000001", challenge),
            (UUID, ""),
            (UUID, &challenge[1..]),
            (UUID, "<script>alert(1)</script>aaaaaaaaaaaaaaaaaaa"),
        ] {
            assert_eq!(Ticket::new(uuid, challenge), None, "{uuid} {challenge}");
        }
    }
}
