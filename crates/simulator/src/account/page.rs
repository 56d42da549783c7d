//! The page that a login link opens. It needs nothing but itself: no script, no other resource.

use super::login::Ticket;

/// Whom the form offers to log in.
const USER: &str = "user_01ABCDEFGHJKMNPQRSTVWXYZ01";

/// The question. Both values of a ticket consist of letters, digits, `-` and `_`.
pub(super) fn ask(ticket: &Ticket) -> String {
    let Ticket { uuid, challenge } = ticket;
    frame(&format!(
        r#"<p>A program asks to log in (<code>{uuid}</code>). No real account is concerned.</p>
<form method="post" action="/loginDeepControl/approve">
<input type="hidden" name="uuid" value="{uuid}">
<input type="hidden" name="challenge" value="{challenge}">
<p><label>Simulated user <input name="user" value="{USER}" size="34"></label></p>
<p><button type="submit">Yes, log in</button></p>
</form>"#
    ))
}

/// The thanks. A user id consists of letters, digits and `_`.
pub(super) fn done(user: &str) -> String {
    frame(&format!(
        "<p>Logged in as <code>{user}</code>. You can go back to the program that asked.</p>"
    ))
}

pub(super) fn refused(text: &'static str) -> String {
    frame(&format!("<p>{text}</p>"))
}

fn frame(content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Simulated login</title></head>\n\
         <body>\n<h1>Simulated login</h1>\n{content}\n</body>\n</html>\n"
    )
}
