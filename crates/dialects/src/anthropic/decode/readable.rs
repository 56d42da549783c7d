//! The readable text of blocks that have no place in a turn: what the provider's own tools
//! answered, in a conversation that began at the provider.

use crate::anthropic::wire::{Block, Content, Source};
use crate::wire::TextOr;

/// The text of a block, its fields and the blocks inside it, if there is any. How deep blocks may
/// be nested was bounded when the body was read.
pub(super) fn text(block: &Block) -> Option<String> {
    let mut lines = Vec::new();
    collect(block, &mut lines);
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn collect<'a>(block: &'a Block, lines: &mut Vec<&'a str>) {
    for line in [&block.title, &block.url, &block.text, &block.stdout, &block.stderr] {
        push(line.as_deref(), lines);
    }
    match &block.source {
        Some(TextOr::Text(address)) => push(Some(address), lines),
        Some(TextOr::Other(source)) => collect_source(source, lines),
        None => {}
    }
    collect_content(block.content.as_ref(), lines);
}

fn collect_source<'a>(source: &'a Source, lines: &mut Vec<&'a str>) {
    if source.kind.as_deref() == Some("text") {
        push(source.data.as_deref(), lines);
    }
    collect_content(source.content.as_ref(), lines);
}

fn collect_content<'a>(content: Option<&'a TextOr<Content>>, lines: &mut Vec<&'a str>) {
    match content {
        None => {}
        Some(TextOr::Text(text)) => push(Some(text), lines),
        Some(TextOr::Other(Content::Object(block))) => collect(block, lines),
        Some(TextOr::Other(Content::Blocks(blocks))) => {
            for block in blocks {
                collect(block, lines);
            }
        }
    }
}

fn push<'a>(text: Option<&'a str>, lines: &mut Vec<&'a str>) {
    lines.extend(text.filter(|text| !text.trim().is_empty()));
}
