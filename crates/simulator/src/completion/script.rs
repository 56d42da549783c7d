//! Directives in a file's text: `[[cpp: …]]`, usually in comments.
//!
//! Pure: text in, a program out; the verbs are described in the crate's README. Strings are JSON,
//! so they may hold `]]`. A directive that does not parse is an error that quotes it, for a file
//! has no place where an answer could say so.

use std::time::Duration;

use crate::failure::Failure;
use crate::script::{Argument, ErrorCode, arguments, cut, duration, named};

const OPEN: &str = "[[cpp:";
const CLOSE: &str = "]]";
/// More than any test needs, and little enough to play.
const MAX_DIRECTIVES: usize = 1000;
const MAX_DEBUG: usize = 1000;
const MAX_TAG: usize = 256;

/// Lines to replace, numbered from 1, the last one included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) start: i32,
    pub(crate) end: i32,
    /// What stands there instead; nothing: the lines are deleted.
    pub(crate) text: String,
    /// Whether the client has to drop the line break that the text begins with.
    pub(crate) leading_eol: bool,
}

impl Edit {
    /// Replaces one line.
    pub(crate) fn line(number: usize, text: String) -> Self {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        Self { start: number, end: number, text, leading_eol: false }
    }
}

/// Where the user is expected to go next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prediction {
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: usize,
    /// What that line holds now.
    pub(crate) content: String,
}

/// What is suggested; nothing at all if both are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Suggestion {
    pub(crate) edits: Vec<Edit>,
    pub(crate) prediction: Option<Prediction>,
}

impl Suggestion {
    pub(crate) fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.prediction.is_none()
    }
}

/// What a file asks for.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) tags: Vec<String>,
    /// A pause before each event.
    pub(crate) delay: Duration,
    /// This many debug events, whether the request asks for them or not.
    pub(crate) debug: Option<usize>,
    /// `None`: as the rule says.
    pub(crate) answer: Option<Answer>,
    pub(crate) stop: Option<(After, Stop)>,
}

/// What is answered instead of what the rule says.
#[derive(Debug)]
pub(crate) enum Answer {
    Suggestion(Suggestion),
    /// Status 204.
    NoContent,
    /// An error before the first event.
    Error(Box<Failure>),
}

/// Where a stream stops before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// After this many events.
    Events(usize),
    /// After the events of this many edits.
    Edits(usize),
}

/// How a stream stops before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nothing more for a minute, then a reset.
    Hang,
    /// A reset.
    Reset,
    Failure(Box<Failure>),
}

/// The program of a text.
pub(crate) fn parse(text: &str) -> Result<Program, Failure> {
    let mut program = Program::default();
    let mut rest = text;
    for count in 0.. {
        let Some(at) = rest.find(OPEN) else { break };
        if count == MAX_DIRECTIVES {
            return Err(Failure::invalid(format!("more than {MAX_DIRECTIVES} directives")));
        }
        let from_open = &rest[at..];
        let after = program.directive(&from_open[OPEN.len()..]);
        rest = after.ok_or_else(|| {
            let end = from_open.find(CLOSE).map_or(from_open.len(), |at| at + CLOSE.len());
            Failure::invalid(format!("bad directive: {}", cut(&from_open[..end], 200)))
        })?;
    }
    Ok(program)
}

impl Program {
    /// Takes in what follows `[[cpp:`; gives what follows its `]]`.
    fn directive<'a>(&mut self, inner: &'a str) -> Option<&'a str> {
        let inner = inner.trim_start();
        let end = inner.find(|c: char| c.is_whitespace() || c == ']')?;
        let (verb, rest) = inner.split_at(end);
        let (arguments, rest) = arguments(rest)?;
        self.verb(verb, &arguments)?;
        Some(rest)
    }

    fn verb(&mut self, verb: &str, arguments: &[Argument]) -> Option<()> {
        let words: Vec<&str> = arguments.iter().map(|argument| argument.text.as_str()).collect();
        match (verb, words.as_slice()) {
            ("edit", [lines, text]) => {
                let edit = edit(lines, text)?;
                self.suggest(|suggestion| suggestion.edits.push(edit));
            }
            ("predict", [path, line, content]) => {
                let line = line.parse().ok().filter(|&line| line > 0)?;
                let (path, content) = ((*path).to_owned(), (*content).to_owned());
                let prediction = Some(Prediction { path, line, content });
                self.suggest(|suggestion| suggestion.prediction = prediction);
            }
            ("none", []) => self.answer(Answer::Suggestion(Suggestion::default())),
            ("204", []) => self.answer(Answer::NoContent),
            ("error", [code, text @ ..]) => {
                let failure = failure(code, text)?;
                self.answer(Answer::Error(failure));
            }
            ("error-after", [events, code, text @ ..]) => {
                let after = After::Events(events.parse().ok()?);
                self.stop = Some((after, Stop::Failure(failure(code, text)?)));
            }
            ("hang", at) => self.stop = Some((self.here(at)?, Stop::Hang)),
            ("drop", at) => self.stop = Some((self.here(at)?, Stop::Reset)),
            ("delay", [time]) => self.delay = duration(time)?,
            ("debug", [count]) => {
                self.debug = Some(count.parse().ok().filter(|&count| count <= MAX_DEBUG)?);
            }
            ("tag", [name]) if name.len() <= MAX_TAG => self.tags.push((*name).to_owned()),
            _ => return None,
        }
        Some(())
    }

    /// Adds to the suggestion, or begins one.
    fn suggest(&mut self, add: impl FnOnce(&mut Suggestion)) {
        if let Some(Answer::Suggestion(suggestion)) = &mut self.answer {
            return add(suggestion);
        }
        let mut suggestion = Suggestion::default();
        add(&mut suggestion);
        self.answer(Answer::Suggestion(suggestion));
    }

    /// Takes the place of every answer so far.
    fn answer(&mut self, answer: Answer) {
        self.answer = Some(answer);
        if let Some((After::Edits(edits), _)) = &mut self.stop {
            *edits = 0;
        }
    }

    /// After the given number of events, or after the edits so far.
    fn here(&self, at: &[&str]) -> Option<After> {
        match at {
            [] => Some(After::Edits(match &self.answer {
                Some(Answer::Suggestion(suggestion)) => suggestion.edits.len(),
                Some(Answer::NoContent | Answer::Error(_)) | None => 0,
            })),
            [events] => Some(After::Events(events.parse().ok()?)),
            _ => None,
        }
    }
}

/// `3-5 TEXT` or `3 TEXT`.
fn edit(lines: &str, text: &str) -> Option<Edit> {
    let (start, end) = lines.split_once('-').unwrap_or((lines, lines));
    let (start, end): (i32, i32) = (start.parse().ok()?, end.parse().ok()?);
    let leading_eol = text.starts_with('\n') || text.starts_with("\r\n");
    (start >= 1 && end >= start).then(|| Edit { start, end, text: text.to_owned(), leading_eol })
}

fn failure(code: &str, text: &[&str]) -> Option<Box<Failure>> {
    let text = match text {
        [] => None,
        [text] => Some(*text),
        _ => return None,
    };
    Some(Box::new(match code {
        "debounced" => Failure::debounced(text),
        _ => Failure::scenario(named(&ErrorCode::ALL, code)?, text, None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(text: &str) -> Program {
        parse(text).unwrap_or_else(|_| panic!("{text}"))
    }

    fn edits(program: &Program) -> Vec<(i32, i32, &str, bool)> {
        let Some(Answer::Suggestion(suggestion)) = &program.answer else { return Vec::new() };
        suggestion.edits.iter().map(|e| (e.start, e.end, e.text.as_str(), e.leading_eol)).collect()
    }

    #[test]
    fn edits_add_up_and_the_last_kind_of_answer_wins() {
        let text = r#"// [[cpp: error internal]] x [[cpp: edit 3-5 "a ]] \"b\"\n"]]
            # [[cpp:edit 7 "\nc"]] [[cpp: predict src/a.rs 9 "x"]][[cpp: predict "a b" 10 ""]]"#;
        let both = program(text);
        assert_eq!(edits(&both), [(3, 5, "a ]] \"b\"\n", false), (7, 7, "\nc", true)]);
        let Some(Answer::Suggestion(Suggestion { prediction: Some(last), .. })) = &both.answer
        else {
            panic!("{both:?}");
        };
        assert_eq!((last.path.as_str(), last.line, last.content.as_str()), ("a b", 10, ""));
        let none = program(&format!("{text} [[cpp: none]]"));
        assert!(matches!(&none.answer, Some(Answer::Suggestion(s)) if s.is_empty()), "{none:?}");
        let gone = program(&format!("{text} [[cpp: 204]]"));
        assert!(matches!(gone.answer, Some(Answer::NoContent)), "{gone:?}");
        let again = program(r#"[[cpp: edit 1 "a"]] [[cpp: none]] [[cpp: edit 2 ""]]"#);
        assert_eq!(edits(&again), [(2, 2, "", false)]);
    }

    #[test]
    fn settings_and_stops() {
        let all =
            program("[[cpp: tag a]] [[cpp: tag \"b c\"]] [[cpp: delay 50ms]] [[cpp: debug 3]]");
        assert_eq!((all.tags.len(), all.debug), (2, Some(3)));
        assert_eq!((all.delay, all.answer.is_none()), (Duration::from_millis(50), true));
        let after = |text: &str| program(text).stop.map(|(after, _)| after);
        assert_eq!(after("[[cpp: hang]]"), Some(After::Edits(0)));
        assert_eq!(after("[[cpp: edit 1 \"\"]] [[cpp: drop]]"), Some(After::Edits(1)));
        assert_eq!(
            after("[[cpp: edit 1 \"\"]] [[cpp: drop]] [[cpp: none]]"),
            Some(After::Edits(0))
        );
        assert_eq!(after("[[cpp: hang]] [[cpp: drop 4]]"), Some(After::Events(4)));
        let late = program("[[cpp: error-after 2 unavailable \"text\"]]").stop;
        assert!(matches!(late, Some((After::Events(2), Stop::Failure(_)))), "{late:?}");
        assert!(program("no directive [[sim: say x]]").answer.is_none());
    }

    #[test]
    fn what_does_not_parse_is_an_error() {
        for wrong in [
            "[[cpp: edit 1]]",
            "[[cpp: edit 0 \"\"]]",
            "[[cpp: edit 3-2 \"\"]]",
            "[[cpp: edit 1 \"x]]",
            "[[cpp: predict a 0 \"\"]]",
            "[[cpp: error nonsense]]",
            "[[cpp: error-after internal]]",
            "[[cpp: debug 1001]]",
            "[[cpp: none 1]]",
            "[[cpp: hang 1 2]]",
            "[[cpp: nonsense]]",
            "[[cpp: none",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse(&"[[cpp: none]]".repeat(MAX_DIRECTIVES)).is_ok());
        assert!(parse(&"[[cpp: none]]".repeat(MAX_DIRECTIVES + 1)).is_err());
    }
}
