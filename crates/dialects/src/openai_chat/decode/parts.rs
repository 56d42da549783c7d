//! The content of a message: a string or parts, each allowed only in some roles.

use conversation::{Failure, Part};

use crate::openai_chat::wire;
use crate::parts::{picture, without_empty_texts};
use crate::picture::Pictures;
use crate::problem::{missing, no_uploads, unsupported_value};
use crate::wire::TextOr;
use crate::{Ignored, document};

/// What is kept in mind while messages are read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) pictures: Pictures<'a>,
    pub(super) ignored: &'a mut Ignored,
}

/// Whose content it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Instruction,
    User,
    Assistant,
    Tool,
}

impl Place {
    /// The part types of a place, for a message to the client.
    fn supported(self) -> &'static str {
        match self {
            Self::Instruction => "'text'",
            Self::User => "'text', 'image_url', and 'file'",
            Self::Assistant => "'text' and 'refusal'",
            Self::Tool => "'text' and 'image_url'",
        }
    }
}

/// Part types, with the names that the Responses API gave to some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Image,
    File,
    Refusal,
}

impl Kind {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "text" | "input_text" | "output_text" => Some(Self::Text),
            "image_url" | "input_image" => Some(Self::Image),
            "file" => Some(Self::File),
            "refusal" => Some(Self::Refusal),
            _ => None,
        }
    }

    fn is_allowed(self, place: Place) -> bool {
        match self {
            Self::Text => true,
            Self::Image => matches!(place, Place::User | Place::Tool),
            Self::File => place == Place::User,
            Self::Refusal => place == Place::Assistant,
        }
    }
}

impl Reader<'_> {
    /// The content of a message that must have some; it may still be an empty text.
    ///
    /// # Errors
    /// It is missing or `null`, or a part is wrong.
    pub(super) fn required_parts(
        &mut self,
        content: Option<TextOr<Vec<wire::Part>>>,
        place: Place,
        path: &str,
    ) -> Result<Vec<Part>, Failure> {
        if content.is_none() {
            let path = format!("{path}.content");
            let message = format!(
                "Invalid value for '{path}': expected a string or an array of parts, got null."
            );
            return Err(Failure::invalid(path, message));
        }
        self.parts(content, place, path)
    }

    /// The content of the message at `path`, without empty texts.
    ///
    /// # Errors
    /// A part is wrong, or does not belong there.
    pub(super) fn parts(
        &mut self,
        content: Option<TextOr<Vec<wire::Part>>>,
        place: Place,
        path: &str,
    ) -> Result<Vec<Part>, Failure> {
        let parts = match content {
            None => Vec::new(),
            Some(TextOr::Text(text)) => vec![Part::Text(text)],
            Some(TextOr::Other(wires)) => {
                let read =
                    |(number, part)| self.part(part, place, &format!("{path}.content[{number}]"));
                wires.into_iter().enumerate().map(read).collect::<Result<_, _>>()?
            }
        };
        Ok(without_empty_texts(parts))
    }

    fn part(&mut self, part: wire::Part, place: Place, path: &str) -> Result<Part, Failure> {
        part.unknown.report("messages[].content[].", self.ignored);
        let word = part.kind.as_deref().ok_or_else(|| missing(format!("{path}.type")))?;
        if word == "input_audio" {
            return Err(Failure::invalid(path, "Audio input is not supported."));
        }
        let kind = Kind::parse(word)
            .filter(|kind| kind.is_allowed(place))
            .ok_or_else(|| unsupported_value(format!("{path}.type"), word, place.supported()))?;
        match kind {
            Kind::Text => part.text.map(Part::Text).ok_or_else(|| missing(format!("{path}.text"))),
            Kind::Refusal => {
                part.refusal.map(Part::Text).ok_or_else(|| missing(format!("{path}.refusal")))
            }
            Kind::Image => self.image(part.image_url, &format!("{path}.image_url")),
            Kind::File => self.file(part.file, &format!("{path}.file")),
        }
    }

    fn image(
        &mut self,
        image: Option<TextOr<wire::ImageUrl>>,
        path: &str,
    ) -> Result<Part, Failure> {
        let (url, path) = match image {
            None => return Err(missing(path)),
            Some(TextOr::Text(url)) => (url, path.to_owned()),
            Some(TextOr::Other(image)) => {
                let prefix = "messages[].content[].image_url.";
                image.unknown.report(prefix, self.ignored);
                if image.detail.is_some_and(|detail| detail != "auto") {
                    self.ignored.add(prefix, "detail");
                }
                let path = format!("{path}.url");
                (image.url.ok_or_else(|| missing(path.as_str()))?, path)
            }
        };
        Ok(picture(self.pictures.read(&url, &path)?))
    }

    /// A document that is text; nothing here reads any other kind.
    fn file(&mut self, file: Option<wire::File>, path: &str) -> Result<Part, Failure> {
        let file = file.ok_or_else(|| missing(path))?;
        file.unknown.report("messages[].content[].file.", self.ignored);
        if file.file_id.is_some() {
            return Err(no_uploads(path, "file_data"));
        }
        let path = format!("{path}.file_data");
        let data = file.file_data.ok_or_else(|| missing(path.as_str()))?;
        let max_bytes = self.pictures.max_bytes();
        document::file(file.filename, &data, max_bytes, &path).map(Part::File)
    }
}
