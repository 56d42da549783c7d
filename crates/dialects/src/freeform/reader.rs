//! Takes the text out of `{"input": "…"}` while the arguments come in, in pieces of any size.
//!
//! Other fields before it are passed over. Arguments of another form are given as they are: a
//! model that writes the bare text means the same. Arguments that were cut off before their text
//! give none.

use super::INPUT;

/// Most bytes held back while the text is looked for. What is longer has another form.
const MAX_HELD: usize = 16 << 10;

#[derive(Debug, Default)]
pub(crate) struct Reader {
    state: State,
    /// All that came before the text.
    held: String,
    key: String,
    /// Whether something stood before the key that is read now.
    later: bool,
    /// First half of a surrogate pair.
    high: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Start,
    BeforeKey,
    Key {
        escaped: bool,
    },
    AfterKey,
    BeforeValue,
    /// Inside a value that is not wanted.
    Skip {
        depth: u32,
        in_string: bool,
        escaped: bool,
    },
    /// Inside the text.
    Input,
    Escape,
    Unicode {
        digits: u8,
        code: u16,
    },
    /// After the text.
    Done,
    /// The arguments have another form.
    Bare,
}

impl Reader {
    /// Takes the next piece and appends what of the text is certain.
    pub(crate) fn push(&mut self, piece: &str, out: &mut String) {
        for c in piece.chars() {
            if self.is_looking() {
                self.look(c, out);
            } else {
                self.state = self.read(c, out);
            }
        }
    }

    /// Appends the rest, after the last piece.
    pub(crate) fn finish(&mut self, out: &mut String) {
        let cut = match self.state {
            State::Start => true,
            State::BeforeKey => !self.later,
            State::Key { .. } => !self.later && INPUT.starts_with(&self.key),
            State::AfterKey | State::BeforeValue => !self.later && self.key == INPUT,
            State::Skip { .. } | State::Input | State::Done | State::Bare => false,
            State::Escape | State::Unicode { .. } => {
                self.flush_surrogate(out);
                out.push(char::REPLACEMENT_CHARACTER);
                false
            }
        };
        self.flush_surrogate(out);
        if !cut {
            out.push_str(&self.held);
        }
        self.held.clear();
        self.state = State::Done;
    }

    /// Whether the text was not found yet.
    fn is_looking(&self) -> bool {
        match self.state {
            State::Start
            | State::BeforeKey
            | State::Key { .. }
            | State::AfterKey
            | State::BeforeValue
            | State::Skip { .. } => true,
            State::Input | State::Escape | State::Unicode { .. } | State::Done | State::Bare => {
                false
            }
        }
    }

    /// One character before the text.
    fn look(&mut self, c: char, out: &mut String) {
        self.held.push(c);
        self.state = self.next(c);
        if self.is_looking() && self.held.len() >= MAX_HELD {
            self.state = State::Bare;
        }
        if self.state == State::Bare {
            out.push_str(&self.held);
        }
        if !self.is_looking() {
            self.held = String::new();
        }
    }

    fn next(&mut self, c: char) -> State {
        let blank = matches!(c, ' ' | '\t' | '\n' | '\r');
        match (self.state, c) {
            (State::Key { escaped: false }, '"') => State::AfterKey,
            (State::Key { escaped }, c) => {
                self.key.push(c);
                State::Key { escaped: c == '\\' && !escaped }
            }
            (State::Skip { depth, in_string, escaped }, c) => {
                self.later = true;
                skip(depth, in_string, escaped, c)
            }
            (state, _) if blank => state,
            (State::Start, '{') => State::BeforeKey,
            (State::BeforeKey, '"') => {
                self.key.clear();
                State::Key { escaped: false }
            }
            // An object with nothing in it: a call without any text.
            (State::BeforeKey, '}') if !self.later => State::Done,
            (State::AfterKey, ':') => State::BeforeValue,
            (State::BeforeValue, '"') if self.key == INPUT => State::Input,
            (State::BeforeValue, c) => {
                self.later = true;
                skip(0, false, false, c)
            }
            (_, _) => State::Bare,
        }
    }

    /// One character of the text, or after it.
    fn read(&mut self, c: char, out: &mut String) -> State {
        match (self.state, c) {
            (State::Bare, c) => {
                out.push(c);
                State::Bare
            }
            (State::Escape, 'u') => State::Unicode { digits: 0, code: 0 },
            (State::Escape, c) => {
                self.flush_surrogate(out);
                let meant = match c {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '"' | '\\' | '/' => c,
                    // No escape of JSON: the backslash was meant as one.
                    other => {
                        out.push('\\');
                        other
                    }
                };
                out.push(meant);
                State::Input
            }
            (State::Unicode { digits, code }, c) => {
                let Some(digit) = c.to_digit(16).and_then(|digit| u16::try_from(digit).ok()) else {
                    // What follows a broken escape stands for itself.
                    self.flush_surrogate(out);
                    out.push(char::REPLACEMENT_CHARACTER);
                    self.state = State::Input;
                    return self.read(c, out);
                };
                let code = code << 4 | digit;
                if digits < 3 {
                    return State::Unicode { digits: digits + 1, code };
                }
                self.unit(code, out);
                State::Input
            }
            (State::Input, '\\') => State::Escape,
            (State::Input, '"') => {
                self.flush_surrogate(out);
                State::Done
            }
            (State::Input, c) => {
                self.flush_surrogate(out);
                out.push(c);
                State::Input
            }
            (state, _) => state,
        }
    }

    /// A UTF-16 unit from an escape.
    fn unit(&mut self, code: u16, out: &mut String) {
        if let (Some(high), 0xDC00..=0xDFFF) = (self.high, code) {
            self.high = None;
            out.extend(char::decode_utf16([high, code]).filter_map(Result::ok));
            return;
        }
        self.flush_surrogate(out);
        match code {
            0xD800..=0xDBFF => self.high = Some(code),
            _ => out.push(char::from_u32(u32::from(code)).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }

    fn flush_surrogate(&mut self, out: &mut String) {
        if self.high.take().is_some() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// One character of a value that is not wanted.
fn skip(depth: u32, in_string: bool, escaped: bool, c: char) -> State {
    let (mut depth, mut in_string) = (depth, in_string);
    if in_string {
        if c == '"' && !escaped {
            in_string = false;
        }
        return State::Skip { depth, in_string, escaped: c == '\\' && !escaped };
    }
    match c {
        '"' => in_string = true,
        '{' | '[' => depth = depth.saturating_add(1),
        '}' | ']' if depth == 0 => return State::Bare,
        '}' | ']' => depth -= 1,
        ',' if depth == 0 => return State::BeforeKey,
        _ => {}
    }
    State::Skip { depth, in_string, escaped: false }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{unwrap, wrap};
    use super::*;

    #[test]
    fn the_text_is_found_wherever_it_stands() {
        for (arguments, text) in [
            (r#"{"input":"abc"}"#, "abc"),
            (" {\n\"input\" : \"a\\nb\\\"c\\\\\" }\n", "a\nb\"c\\"),
            (r#"{"input":"\u00e9\ud83d\ude00\/\b\f\t\r"}"#, "é😀/\u{8}\u{c}\t\r"),
            (r#" { "x" : {"input":["\"}",1]} , "input" : "y" , "z":0}"#, "y"),
            (r#"{"n":-1.5e3,"b":true,"input":"z"}"#, "z"),
            (r#"{"a\"input":"x","input":"y"}"#, "y"),
            (r#"{"input":""}"#, ""),
            ("{}", ""),
            (" { } ", ""),
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
            r#"{"patch":"x"}"#,
            r#"{"patch":"x"#,
            r#"{"patch":"x","#,
            r#"{"patch":"x","inp"#,
            r#"{"patch":"x","input":"#,
            r#"["input"]"#,
            "[\"input\"",
            "{\"inputs\":1}",
            "{\"a\"",
            "{x",
        ] {
            assert_eq!(unwrap(arguments), arguments);
        }
    }

    #[test]
    fn no_more_than_a_bound_is_held_back() {
        for long in [" ".repeat(2 * MAX_HELD), format!("{{\"a\":\"{}", "x".repeat(2 * MAX_HELD))] {
            let mut out = String::new();
            let mut reader = Reader::default();
            reader.push(&long, &mut out);
            assert_eq!(out, long);
            assert!(reader.held.is_empty());
        }
        let mut out = String::new();
        Reader::default().push("*** Beg", &mut out);
        assert_eq!(out, "*** Beg", "bare text is not held back at all");
    }

    #[test]
    fn cut_and_broken_arguments_give_what_came() {
        for (arguments, text) in [
            (r#"{"inp"#, ""),
            (r#"{"input"#, ""),
            (r#"{"input": "#, ""),
            (r#"{"input":"half"#, "half"),
            (r#"{"input":"half\"#, "half\u{fffd}"),
            (r#"{"input":"cut\u00"#, "cut\u{fffd}"),
            (r#"{"input":"cut\ud83d"#, "cut\u{fffd}"),
            (r#"{"input":"a\ud83dx"}"#, "a\u{fffd}x"),
            (r#"{"input":"a\ud83d\n\ud83d\ude00"}"#, "a\u{fffd}\n\u{1f600}"),
            (r#"{"input":"a\ud83d\ud83d\ude00"}"#, "a\u{fffd}\u{1f600}"),
            (r#"{"input":"\ud83dx\ude00\ud83d"}"#, "\u{fffd}x\u{fffd}\u{fffd}"),
            (r#"{"input":"a\u12"}"#, "a\u{fffd}"),
            (r#"{"input":"\u12zz"}"#, "\u{fffd}zz"),
            (r#"{"input":"\d+"}"#, r"\d+"),
            (r#"{"input":"\ud83d\"}"#, "\u{fffd}\"}"),
        ] {
            assert_eq!(unwrap(arguments), text, "{arguments}");
        }
    }

    proptest! {
        #[test]
        fn every_text_survives_the_round_trip(text in "(\\PC|[\u{0}-\u{20}\"\\\\\u{85}\u{2028}\u{1f600}]){0,30}") {
            prop_assert_eq!(unwrap(&wrap(&text)), text);
        }

        #[test]
        fn pieces_do_not_matter(
            arguments in "(\\{|\\}|\\[|\"|input|\"input\":\"|:|,|\\\\|u|d83d|de00|[a-f0-9 n]|\u{e9}){0,30}",
            size in 1..9_usize,
        ) {
            let mut out = String::new();
            let mut reader = Reader::default();
            let chars: Vec<char> = arguments.chars().collect();
            for piece in chars.chunks(size) {
                reader.push(&piece.iter().collect::<String>(), &mut out);
            }
            reader.finish(&mut out);
            prop_assert_eq!(out, unwrap(&arguments));
        }

        #[test]
        fn the_reader_agrees_with_a_json_parser(chars in proptest::collection::vec(any::<char>(), 0..12)) {
            let text: String = chars.iter().flat_map(|c| {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>()
            }).collect();
            let arguments = format!("{{\"a\":[{{}}],\"input\":\"{text}\"}}");
            let value: serde_json::Value = serde_json::from_str(&arguments).expect("JSON");
            prop_assert_eq!(unwrap(&arguments), value["input"].as_str().expect("text"));
        }
    }
}
