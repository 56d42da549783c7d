//! Reads everything that is logged by all tests, down to TRACE and including what libraries say, and
//! notes the lines that hold a secret.

use std::io::{self, Write};
use std::sync::{Mutex, Once};

use tracing_subscriber::fmt::MakeWriter;

static SECRETS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static SEEN: Mutex<usize> = Mutex::new(0);

struct Watch;

impl Write for Watch {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        *SEEN.lock().expect("lock") += 1;
        let text = String::from_utf8_lossy(line);
        let secrets = SECRETS.lock().expect("lock");
        if secrets.iter().any(|secret| text.contains(secret.as_str())) {
            LEAKS.lock().expect("lock").push(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Watch {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(Watch)
            .init();
    });
}

/// From now on no line may hold this.
pub(crate) fn secret(text: &str) {
    SECRETS.lock().expect("lock").push(text.to_owned());
}

/// Lines that held a secret, and how many were read.
pub(crate) fn leaks() -> (Vec<String>, usize) {
    (LEAKS.lock().expect("lock").clone(), *SEEN.lock().expect("lock"))
}
