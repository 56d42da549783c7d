//! Freeform input of custom tools. The neutral model knows only tools with JSON arguments, so such
//! a tool is offered as a function of one string, `input`; here that string is taken out of the
//! argument text again while it still streams in.

/// The one argument of the function that stands for a custom tool.
pub(super) const ARGUMENT: &str = "input";

/// Reads argument text piece by piece and gives back the text of `input`.
#[derive(Debug, Default)]
pub(super) struct Reader {
    state: State,
    /// Everything so far, until the string is found: the fallback when there is none.
    raw: String,
    key: String,
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
    /// Inside the wanted string.
    Input,
    Escape,
    Unicode {
        digits: u8,
        code: u16,
    },
    /// The string is over.
    Done,
    /// Not an object with that string in it.
    Foreign,
}

impl Reader {
    /// The next piece of the input text, empty while there is none.
    pub(super) fn push(&mut self, piece: &str) -> String {
        let mut text = String::new();
        if !self.found() {
            self.raw.push_str(piece);
        }
        for c in piece.chars() {
            self.state = self.step(c, &mut text);
        }
        text
    }

    /// The rest, after the last piece. A model that ignored the form and wrote its text as it is
    /// gets that text through.
    pub(super) fn finish(&mut self) -> String {
        if !self.found() {
            self.state = State::Done;
            return std::mem::take(&mut self.raw);
        }
        let mut text = String::new();
        self.flush_surrogate(&mut text);
        self.state = State::Done;
        text
    }

    fn found(&self) -> bool {
        match self.state {
            State::Input | State::Escape | State::Unicode { .. } | State::Done => true,
            State::Start
            | State::BeforeKey
            | State::Key { .. }
            | State::AfterKey
            | State::BeforeValue
            | State::Skip { .. }
            | State::Foreign => false,
        }
    }

    fn step(&mut self, c: char, text: &mut String) -> State {
        let blank = matches!(c, ' ' | '\t' | '\n' | '\r');
        match (self.state, c) {
            (state @ (State::Done | State::Foreign), _) => state,
            (State::Key { escaped: true }, c) => {
                self.key.push(c);
                State::Key { escaped: false }
            }
            (State::Key { escaped: false }, '"') => State::AfterKey,
            (State::Key { escaped: false }, c) => {
                self.key.push(c);
                State::Key { escaped: c == '\\' }
            }
            (State::Skip { depth, in_string, escaped }, c) => skip(depth, in_string, escaped, c),
            (State::Input | State::Escape | State::Unicode { .. }, c) => self.input(c, text),
            (state, _) if blank => state,
            (State::Start, '{') | (State::BeforeKey, ',') => State::BeforeKey,
            (State::BeforeKey, '"') => {
                self.key.clear();
                State::Key { escaped: false }
            }
            (State::AfterKey, ':') => State::BeforeValue,
            (State::BeforeValue, '"') if self.key == ARGUMENT => {
                self.raw = String::new();
                State::Input
            }
            (State::BeforeValue, c) => skip(0, false, false, c),
            (State::Start | State::BeforeKey | State::AfterKey, _) => State::Foreign,
        }
    }

    /// One character inside the wanted string.
    fn input(&mut self, c: char, text: &mut String) -> State {
        match (self.state, c) {
            (State::Escape, 'u') => return State::Unicode { digits: 0, code: 0 },
            (State::Unicode { digits, code }, c) => {
                let Some(digit) = c.to_digit(16).and_then(|digit| u16::try_from(digit).ok()) else {
                    // A broken escape is a broken answer; its text is still worth showing.
                    self.flush_surrogate(text);
                    text.push(char::REPLACEMENT_CHARACTER);
                    self.state = State::Input;
                    return self.input(c, text);
                };
                let code = code << 4 | digit;
                if digits < 3 {
                    return State::Unicode { digits: digits + 1, code };
                }
                self.unit(code, text);
            }
            (State::Escape, c) => {
                self.flush_surrogate(text);
                text.push(match c {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
            }
            (_, '\\') => return State::Escape,
            (_, '"') => {
                self.flush_surrogate(text);
                return State::Done;
            }
            (_, c) => {
                self.flush_surrogate(text);
                text.push(c);
            }
        }
        State::Input
    }

    /// A UTF-16 unit from an escape.
    fn unit(&mut self, code: u16, text: &mut String) {
        if let (Some(high), 0xDC00..=0xDFFF) = (self.high, code) {
            self.high = None;
            text.extend(char::decode_utf16([high, code]).filter_map(Result::ok));
            return;
        }
        self.flush_surrogate(text);
        match code {
            0xD800..=0xDBFF => self.high = Some(code),
            _ => text.push(char::from_u32(u32::from(code)).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }

    fn flush_surrogate(&mut self, text: &mut String) {
        if self.high.take().is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
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
        '}' | ']' if depth == 0 => return State::Foreign,
        '}' | ']' => depth -= 1,
        ',' if depth == 0 => return State::BeforeKey,
        _ => {}
    }
    State::Skip { depth, in_string, escaped: false }
}

/// The input text of a complete call.
pub(super) fn input_of(arguments: &str) -> String {
    let mut reader = Reader::default();
    let mut text = reader.push(arguments);
    text.push_str(&reader.finish());
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_string_is_found_wherever_it_stands() {
        for (arguments, input) in [
            (r#"{"input":"a\nb \"c\" \\ \u00e9\ud83d\ude00\/"}"#, "a\nb \"c\" \\ é😀/"),
            (r#" { "x" : {"input":["\"}",1]} , "input" : "y" , "z":0}"#, "y"),
            (r#"{"input":""}"#, ""),
            (r#"{"n":-1.5e3,"b":true,"input":"z"}"#, "z"),
            (r#"{"input":"cut\u00"#, "cut"),
            (r#"{"input":"\ud83dx\ude00\ud83d"}"#, "\u{fffd}x\u{fffd}\u{fffd}"),
            (r#"{"input":"\u12zz"}"#, "\u{fffd}zz"),
        ] {
            assert_eq!(input_of(arguments), input, "{arguments}");
        }
    }

    #[test]
    fn a_model_that_ignored_the_form_is_quoted_as_it_is() {
        for arguments in [
            "",
            "*** Begin Patch",
            "{}",
            r#"{"input":5}"#,
            r#"{"patch":"x"}"#,
            "[\"input\"",
            "{\"a\"",
        ] {
            assert_eq!(input_of(arguments), arguments);
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_any_cutting(
            text in "(\\PC|[\u{0}-\u{20}\"\\\\\u{1f600}]){0,20}",
            escaped: bool,
            size in 1..9_usize,
        ) {
            let mut json = serde_json::to_string(&text).expect("a string");
            if escaped {
                let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
                json = format!("\"{}\"", units.collect::<String>());
            }
            let arguments = format!("{{\"input\":{json}}}");
            let mut reader = Reader::default();
            let mut read = String::new();
            let chars: Vec<char> = arguments.chars().collect();
            for piece in chars.chunks(size) {
                read += &reader.push(&piece.iter().collect::<String>());
            }
            read += &reader.finish();
            prop_assert_eq!(read, text);
        }

        #[test]
        fn cutting_never_changes_the_result(arguments in "[{}\\[\\]\":,\\\\u0-9a-dinput ]{0,40}", size in 1..9_usize) {
            let mut reader = Reader::default();
            let mut read = String::new();
            let chars: Vec<char> = arguments.chars().collect();
            for piece in chars.chunks(size) {
                read += &reader.push(&piece.iter().collect::<String>());
            }
            read += &reader.finish();
            prop_assert_eq!(read, input_of(&arguments));
        }
    }
}
