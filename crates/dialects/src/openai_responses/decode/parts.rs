//! The content of messages and tool outputs: parts, each allowed only in some places.

use conversation::{Failure, Part};

use crate::openai_responses::wire;
use crate::parts::{picture, without_empty_texts};
use crate::picture::Pictures;
use crate::problem::{missing, no_uploads, unsupported_value};
use crate::wire::TextOr;
use crate::{Ignored, document};

/// What is kept in mind while items are read.
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
    ToolOutput,
}

impl Place {
    /// The part types of a place, for a message to the client.
    fn supported(self) -> &'static str {
        match self {
            Self::Instruction => "'input_text'",
            Self::User | Self::ToolOutput => "'input_text', 'input_image', and 'input_file'",
            Self::Assistant => "'output_text' and 'refusal'",
        }
    }
}

/// Part types, with the names that Chat Completions has for some of them.
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
            "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text" => {
                Some(Self::Text)
            }
            "input_image" | "image_url" => Some(Self::Image),
            "input_file" => Some(Self::File),
            "refusal" => Some(Self::Refusal),
            _ => None,
        }
    }

    fn is_allowed(self, place: Place) -> bool {
        match self {
            Self::Text => true,
            Self::Image | Self::File => matches!(place, Place::User | Place::ToolOutput),
            Self::Refusal => place == Place::Assistant,
        }
    }
}

impl Reader<'_> {
    /// The content at `path`, without empty texts.
    ///
    /// # Errors
    /// A part is wrong, or does not belong there.
    pub(super) fn parts(
        &mut self,
        content: TextOr<Vec<wire::Part>>,
        place: Place,
        path: &str,
    ) -> Result<Vec<Part>, Failure> {
        let parts = match content {
            TextOr::Text(text) => vec![Part::Text(text)],
            TextOr::Other(wires) => {
                let read = |(number, part)| self.part(part, place, &format!("{path}[{number}]"));
                wires.into_iter().enumerate().map(read).collect::<Result<_, _>>()?
            }
        };
        Ok(without_empty_texts(parts))
    }

    fn part(&mut self, part: wire::Part, place: Place, path: &str) -> Result<Part, Failure> {
        let word = part.kind.as_deref().ok_or_else(|| missing(format!("{path}.type")))?;
        if word != "encrypted_content" {
            part.unknown.report("input[].content[].", self.ignored);
        }
        match word {
            "input_audio" => {
                return Err(Failure::invalid(path, "Audio input is not supported."));
            }
            "input_video" => {
                return Err(Failure::invalid(path, "Video input is not supported."));
            }
            // Sealed by a service that is not this one.
            "encrypted_content" => {
                self.ignored.add("input[].content[].", word);
                return Ok(Part::Text(String::new()));
            }
            _ => {}
        }
        let kind = Kind::parse(word)
            .filter(|kind| kind.is_allowed(place))
            .ok_or_else(|| unsupported_value(format!("{path}.type"), word, place.supported()))?;
        match kind {
            Kind::Text => part.text.map(Part::Text).ok_or_else(|| missing(format!("{path}.text"))),
            Kind::Refusal => {
                part.refusal.map(Part::Text).ok_or_else(|| missing(format!("{path}.refusal")))
            }
            Kind::Image => self.image(part, path),
            Kind::File => self.file(part, path),
        }
    }

    fn image(&mut self, part: wire::Part, path: &str) -> Result<Part, Failure> {
        if part.file_id.is_some() {
            return Err(no_uploads(path, "image_url"));
        }
        let path = format!("{path}.image_url");
        let (url, detail) = match part.image_url {
            None => return Err(missing(path)),
            Some(TextOr::Text(url)) => (url, part.detail),
            Some(TextOr::Other(image)) => {
                image.unknown.report("input[].content[].image_url.", self.ignored);
                (image.url.ok_or_else(|| missing(format!("{path}.url")))?, image.detail)
            }
        };
        if detail.is_some_and(|detail| detail != "auto") {
            self.ignored.add("input[].content[].", "detail");
        }
        Ok(picture(self.pictures.read(&url, &path)?))
    }

    /// A document that is text; nothing here reads any other kind.
    fn file(&mut self, part: wire::Part, path: &str) -> Result<Part, Failure> {
        if part.file_id.is_some() {
            return Err(no_uploads(path, "file_data"));
        }
        if part.file_url.is_some() && part.file_data.is_none() {
            let message = "Files behind a URL are not fetched: send the content as 'file_data'.";
            return Err(Failure::invalid(format!("{path}.file_url"), message));
        }
        let path = format!("{path}.file_data");
        let data = part.file_data.ok_or_else(|| missing(path.as_str()))?;
        let max_bytes = self.pictures.max_bytes();
        document::file(part.filename, &data, max_bytes, &path).map(Part::File)
    }
}
