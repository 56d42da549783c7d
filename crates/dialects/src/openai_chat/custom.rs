//! Custom tools take free text, and the upstream knows only tools that take JSON. Such a tool is
//! offered with one text parameter; here the text is read out of the model's arguments while they
//! come in, and put back into that form when the client returns the call.

use serde_json::json;

/// Name of the one parameter.
pub(super) const INPUT: &str = "input";

/// The arguments that stand for a text.
pub(super) fn wrap(input: &str) -> String {
    json!({ INPUT: input }).to_string()
}

/// The text that the arguments stand for.
pub(super) fn unwrap(arguments: &str) -> String {
    let mut out = String::with_capacity(arguments.len());
    let mut reader = InputReader::default();
    reader.push(arguments, &mut out);
    reader.finish(&mut out);
    out
}

/// Reads `{"input": "…"}` in pieces of any size. Arguments of another form are given as they are:
/// a model that writes the bare text means the same.
#[derive(Debug, Default)]
pub(super) struct InputReader {
    state: State,
    /// What was taken and not given out: the beginning, or an escape that is not complete.
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the text.
    #[default]
    Before,
    Inside,
    /// In an escape, which stands in `held`.
    Escape,
    /// After the text.
    After,
    /// The arguments have another form.
    Bare,
}

/// Longest beginning before the text; only blanks can make it long.
const MAX_HELD: usize = 256;

impl InputReader {
    /// Takes the next piece and appends what of the text is certain.
    pub(super) fn push(&mut self, piece: &str, out: &mut String) {
        for c in piece.chars() {
            self.take(c, out);
        }
    }

    /// Appends what is still held. Arguments that were cut off before their text give none.
    pub(super) fn finish(&mut self, out: &mut String) {
        if self.state == State::Escape {
            out.push(char::REPLACEMENT_CHARACTER);
        }
        self.held.clear();
        self.state = State::After;
    }

    fn take(&mut self, c: char, out: &mut String) {
        match self.state {
            State::Before => {
                self.held.push(c);
                match beginning(&self.held) {
                    Beginning::Partial if self.held.len() < MAX_HELD => {}
                    Beginning::Complete => self.enter(State::Inside),
                    Beginning::Empty => self.enter(State::After),
                    Beginning::Partial | Beginning::Other => {
                        out.push_str(&self.held);
                        self.enter(State::Bare);
                    }
                }
            }
            State::Inside => match c {
                '"' => self.state = State::After,
                '\\' => {
                    self.held.push(c);
                    self.state = State::Escape;
                }
                c => out.push(c),
            },
            State::Escape => {
                self.held.push(c);
                self.resolve(out);
            }
            State::After => {}
            State::Bare => out.push(c),
        }
    }

    fn enter(&mut self, state: State) {
        self.held.clear();
        self.state = state;
    }

    fn resolve(&mut self, out: &mut String) {
        match escape(&self.held) {
            Escape::Partial => {}
            Escape::Char(c) => {
                out.push(c);
                self.enter(State::Inside);
            }
            // What followed stands for itself. A backslash that escapes nothing was meant as one.
            Escape::Broken { read } => {
                out.push(if read == 1 { '\\' } else { char::REPLACEMENT_CHARACTER });
                let rest = self.held.split_off(read);
                self.enter(State::Inside);
                for c in rest.chars() {
                    self.take(c, out);
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// May still become the expected form.
    Partial,
    /// The text begins here.
    Complete,
    /// An object without anything in it.
    Empty,
    Other,
}

fn beginning(held: &str) -> Beginning {
    let mut rest = held.trim_ascii_start();
    for token in ["{", "\"input\"", ":", "\""] {
        if token.starts_with(rest) && rest.len() < token.len() {
            return Beginning::Partial;
        }
        let Some(after) = rest.strip_prefix(token) else {
            let empty = token == "\"input\"" && rest == "}";
            return if empty { Beginning::Empty } else { Beginning::Other };
        };
        rest = if token == "\"" { after } else { after.trim_ascii_start() };
    }
    Beginning::Complete
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    Partial,
    Char(char),
    /// No character; its first `read` bytes are used up.
    Broken {
        read: usize,
    },
}

/// Reads an escape that begins with a backslash.
fn escape(held: &str) -> Escape {
    let first = match unit(held) {
        Unit::Partial => return Escape::Partial,
        Unit::Char(c) => return Escape::Char(c),
        Unit::Broken { read } => return Escape::Broken { read },
        Unit::Code(code) => code,
    };
    let lone = Escape::Broken { read: UNIT };
    if !(0xD800..0xDC00).contains(&first) {
        return char::from_u32(first).map_or(lone, Escape::Char);
    }
    let rest = &held[UNIT..];
    if rest.is_empty() {
        return Escape::Partial;
    }
    match unit(rest) {
        Unit::Partial => Escape::Partial,
        Unit::Code(second) if (0xDC00..0xE000).contains(&second) => {
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            char::from_u32(code).map_or(lone, Escape::Char)
        }
        Unit::Code(_) | Unit::Char(_) | Unit::Broken { .. } => lone,
    }
}

/// Bytes of `\uXXXX`.
const UNIT: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Partial,
    Char(char),
    Code(u32),
    Broken { read: usize },
}

fn unit(text: &str) -> Unit {
    let mut chars = text.chars();
    if chars.next() != Some('\\') {
        return Unit::Broken { read: 0 };
    }
    match chars.next() {
        None => Unit::Partial,
        Some('n') => Unit::Char('\n'),
        Some('t') => Unit::Char('\t'),
        Some('r') => Unit::Char('\r'),
        Some('b') => Unit::Char('\u{8}'),
        Some('f') => Unit::Char('\u{c}'),
        Some(c @ ('"' | '\\' | '/')) => Unit::Char(c),
        Some('u') => {
            let digits: Vec<u32> = chars.map_while(|c| c.to_digit(16)).take(4).collect();
            match digits.len() {
                4 => Unit::Code(digits.iter().fold(0, |code, digit| code * 16 + digit)),
                count if 2 + count == text.len() => Unit::Partial,
                count => Unit::Broken { read: 2 + count },
            }
        }
        // No escape of JSON: only the backslash is wrong.
        Some(_) => Unit::Broken { read: 1 },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_text_is_read_out_of_the_arguments() {
        for (arguments, text) in [
            (r#"{"input":"abc"}"#, "abc"),
            (" {\n\"input\" : \"a\\nb\\\"c\\\\\" }\n", "a\nb\"c\\"),
            (r#"{"input":"\u00e9\ud83d\ude00\/"}"#, "\u{e9}\u{1f600}/"),
            (r#"{"input":""}"#, ""),
            ("{}", ""),
            ("", ""),
        ] {
            assert_eq!(unwrap(arguments), text, "{arguments}");
        }
    }

    #[test]
    fn arguments_of_another_form_are_given_as_they_are() {
        for arguments in [
            "*** Begin Patch",
            r#""just text""#,
            r#"{"input":5}"#,
            r#"{"other":"x"}"#,
            r#"["input"]"#,
            "{\"inputs\":1}",
        ] {
            assert_eq!(unwrap(arguments), arguments);
        }
        let blank = " ".repeat(1000);
        assert_eq!(unwrap(&blank), blank);
    }

    #[test]
    fn cut_and_broken_arguments_give_what_came() {
        for (arguments, text) in [
            (r#"{"inp"#, ""),
            (r#"{"input":"#, ""),
            (r#"{"input":"half"#, "half"),
            (r#"{"input":"half\"#, "half\u{fffd}"),
            (r#"{"input":"a\ud83dx"}"#, "a\u{fffd}x"),
            (r#"{"input":"a\ud83d\n\ud83d\ude00"}"#, "a\u{fffd}\n\u{1f600}"),
            (r#"{"input":"a\ud83d\ud83d\ude00"}"#, "a\u{fffd}\u{1f600}"),
            (r#"{"input":"\ude00"}"#, "\u{fffd}"),
            (r#"{"input":"a\u12"}"#, "a\u{fffd}"),
            (r#"{"input":"\d+"}"#, r"\d+"),
            (r#"{"input":"\ud83d\"}"#, "\u{fffd}\"}"),
        ] {
            assert_eq!(unwrap(arguments), text, "{arguments}");
        }
    }

    proptest! {
        #[test]
        fn every_text_survives_the_round_trip(text in "(\\PC|[\u{0}-\u{20}\"\\\\\u{1f600}]){0,30}") {
            prop_assert_eq!(unwrap(&wrap(&text)), text);
        }

        #[test]
        fn pieces_do_not_matter(arguments in "(\\{|\\}|\"|input|:|\\\\|u|d83d|de00|[a-f0-9 n]|\u{e9}){0,30}") {
            let mut out = String::new();
            let mut reader = InputReader::default();
            for c in arguments.chars() {
                reader.push(c.encode_utf8(&mut [0; 4]), &mut out);
            }
            reader.finish(&mut out);
            prop_assert_eq!(out, unwrap(&arguments));
        }

        #[test]
        fn the_reader_agrees_with_a_json_parser(escapes in proptest::collection::vec(any::<char>(), 0..12)) {
            let text: String = escapes.iter().flat_map(|c| {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>()
            }).collect();
            let arguments = format!("{{\"input\":\"{text}\"}}");
            let value: serde_json::Value = serde_json::from_str(&arguments).expect("JSON");
            prop_assert_eq!(unwrap(&arguments), value["input"].as_str().expect("text"));
        }
    }
}
