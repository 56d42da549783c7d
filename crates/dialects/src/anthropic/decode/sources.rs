//! Pictures and documents inside messages, and the sources they come from.

use conversation::{Failure, File, Part};

use super::blocks::{At, Place, Reader, not_blocks};
use super::required;
use crate::anthropic::wire::{Block, Content, Source};
use crate::document;
use crate::parts::{picture, texts};
use crate::picture::DataUri;
use crate::problem::unsupported_value;
use crate::wire::TextOr;

const PLAIN: &str = "text/plain";
/// How every PDF file begins.
const PDF: &[u8] = b"%PDF-";

impl Reader<'_> {
    /// # Errors
    /// The source is missing, of an unknown type, or no picture.
    pub(super) fn image(
        &mut self,
        block: &mut Block,
        path: &str,
        at: At<'_>,
    ) -> Result<Part, Failure> {
        let path = format!("{path}.source");
        let mut source = self.source(block, &path)?;
        let kind = source.kind.take().ok_or_else(|| required(format!("{path}.type")))?;
        let image = match kind.as_str() {
            "base64" => {
                // What the picture is, its bytes tell better than a label.
                source.media_type = None;
                let path = format!("{path}.data");
                let data = source.data.take().ok_or_else(|| required(path.as_str()))?;
                Some(self.pictures.read_base64(&data, &path)?)
            }
            "url" => {
                let path = format!("{path}.url");
                let url = source.url.take().ok_or_else(|| required(path.as_str()))?;
                self.pictures.read(&url, &path)?
            }
            "file" => return Err(no_uploads(&path)),
            other => {
                let supported = "'base64' and 'url'";
                return Err(unsupported_value(format!("{path}.type"), other, supported));
            }
        };
        self.report_source(&source, at);
        Ok(picture(image))
    }

    /// A document as what it consists of: what the client says about it, its text, its pictures.
    ///
    /// # Errors
    /// The source is missing, of an unknown type, or not readable as text.
    pub(super) fn document(
        &mut self,
        block: &mut Block,
        path: &str,
        at: At<'_>,
    ) -> Result<Vec<Part>, Failure> {
        let path = format!("{path}.source");
        let mut source = self.source(block, &path)?;
        let name = block.title.take().filter(|title| !title.is_empty());
        let name = name.unwrap_or_else(|| "document.txt".to_owned());
        let mut parts = Vec::new();
        parts.extend(block.context.take().filter(|text| !text.is_empty()).map(Part::Text));
        let kind = source.kind.take().ok_or_else(|| required(format!("{path}.type")))?;
        match kind.as_str() {
            "text" | "base64" => {
                let data = source.data.take().ok_or_else(|| required(format!("{path}.data")))?;
                let mime_type = source.media_type.take().unwrap_or_else(|| PLAIN.to_owned());
                let text = if kind == "text" {
                    data
                } else {
                    self.decoded_text(&data, &mime_type, &format!("{path}.data"))?
                };
                let mime_type = mime_type.to_ascii_lowercase();
                parts.push(Part::File(File { name, mime_type, text }));
            }
            "content" => {
                let path = format!("{path}.content");
                let content = source.content.take().ok_or_else(|| required(path.as_str()))?;
                parts.extend(self.document_content(name, content, &path, at)?);
            }
            "file" => return Err(no_uploads(&path)),
            "url" => {
                let message = "Documents behind a URL are not fetched: send the text itself.";
                return Err(Failure::invalid(format!("{path}.url"), message));
            }
            other => {
                let supported = "'text', 'base64', and 'content'";
                return Err(unsupported_value(format!("{path}.type"), other, supported));
            }
        }
        self.report_source(&source, at);
        Ok(parts)
    }

    /// The text of a document, and after it its pictures.
    fn document_content(
        &mut self,
        name: String,
        content: TextOr<Content>,
        path: &str,
        at: At<'_>,
    ) -> Result<Vec<Part>, Failure> {
        let prefix = format!("{}source.content[].", at.prefix);
        let mut parts = match content {
            TextOr::Text(text) => vec![Part::Text(text)],
            TextOr::Other(Content::Blocks(blocks)) => {
                self.parts(blocks, At { path, prefix: &prefix, place: Place::Document })?
            }
            TextOr::Other(Content::Object(_)) => return Err(not_blocks(path)),
        };
        let text = texts(&parts).join("\n");
        parts.retain(|part| !matches!(part, Part::Text(_)));
        if !text.is_empty() {
            parts.insert(0, Part::File(File { name, mime_type: PLAIN.to_owned(), text }));
        }
        Ok(parts)
    }

    /// A result of the client's own search: a document with the address in front.
    ///
    /// # Errors
    /// A field is missing, or a block is no text.
    pub(super) fn search_result(
        &mut self,
        block: &mut Block,
        path: &str,
        at: At<'_>,
    ) -> Result<Part, Failure> {
        let address = match block.source.take() {
            Some(TextOr::Text(address)) => address,
            Some(TextOr::Other(_)) => {
                let message = "expected a string, but got an object instead.";
                return Err(Failure::invalid(format!("{path}.source"), message));
            }
            None => return Err(required(format!("{path}.source"))),
        };
        let name = block.title.take().ok_or_else(|| required(format!("{path}.title")))?;
        let path = format!("{path}.content");
        let prefix = format!("{}content[].", at.prefix);
        let inner = At { path: &path, prefix: &prefix, place: Place::SearchResult };
        let parts = match block.content.take() {
            Some(TextOr::Other(Content::Blocks(blocks))) => self.parts(blocks, inner)?,
            Some(TextOr::Text(text)) => vec![Part::Text(text)],
            Some(TextOr::Other(Content::Object(_))) => return Err(not_blocks(&path)),
            None => return Err(required(path)),
        };
        let text = format!("{address}\n\n{}", texts(&parts).join("\n"));
        Ok(Part::File(File { name, mime_type: PLAIN.to_owned(), text }))
    }

    /// A document in base64, which must be text: nothing here reads any other kind.
    fn decoded_text(&self, data: &str, mime_type: &str, path: &str) -> Result<String, Failure> {
        let is_pdf = |bytes: &[u8]| {
            mime_type.eq_ignore_ascii_case("application/pdf") || bytes.starts_with(PDF)
        };
        let uri = format!("data:;base64,{data}");
        let uri = DataUri::parse(&uri).expect("a data URI by construction");
        let bytes = uri.decode(self.pictures.max_bytes(), path)?;
        if is_pdf(&bytes) {
            let message = "PDF documents are not supported: send their text instead.";
            return Err(Failure::invalid(path, message));
        }
        document::text(bytes, path)
    }

    fn source(&mut self, block: &mut Block, path: &str) -> Result<Source, Failure> {
        match block.source.take() {
            Some(TextOr::Other(source)) => Ok(*source),
            Some(TextOr::Text(_)) => {
                let message = "expected an object, but got a string instead.";
                Err(Failure::invalid(path, message))
            }
            None => Err(required(path)),
        }
    }

    /// What the type of the source had no use for.
    fn report_source(&mut self, source: &Source, at: At<'_>) {
        let prefix = format!("{}source.", at.prefix);
        source.unknown.report(&prefix, self.ignored);
        for (name, given) in [
            ("media_type", source.media_type.is_some()),
            ("data", source.data.is_some()),
            ("url", source.url.is_some()),
            ("file_id", source.file_id.is_some()),
            ("content", source.content.is_some()),
        ] {
            if given {
                self.ignored.add(&prefix, name);
            }
        }
    }
}

fn no_uploads(path: &str) -> Failure {
    let message = "Uploaded files are not supported: send the content itself.";
    Failure::invalid(format!("{path}.file_id"), message)
}
