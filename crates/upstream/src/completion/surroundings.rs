//! What lies around the file that is being edited, as the wire has it.

use conversation::completion::{
    AdditionalFile, ContextItem, LineRange, LspContext, LspContextItem, LspPosition, LspRange,
};
use cursor_proto::aiserver as wire;

use super::all;

pub(super) fn context_item(item: &ContextItem) -> wire::CppContextItem {
    let ContextItem { contents, symbol, relative_workspace_path, score } = item;
    wire::CppContextItem {
        contents: contents.clone(),
        symbol: symbol.clone(),
        relative_workspace_path: relative_workspace_path.clone(),
        score: *score,
        ..Default::default()
    }
}

pub(super) fn lsp_context(context: &LspContext) -> wire::LspSubgraphFullContext {
    let LspContext { uri, symbol_name, positions, context_items, score } = context;
    let position = |position: &LspPosition| {
        let LspPosition { line, character } = *position;
        wire::LspSubgraphPosition { line, character, ..Default::default() }
    };
    wire::LspSubgraphFullContext {
        uri: uri.clone().unwrap_or_default(),
        symbol_name: symbol_name.clone(),
        positions: all(positions, position),
        context_items: all(context_items, lsp_context_item),
        score: *score,
        ..Default::default()
    }
}

fn lsp_context_item(item: &LspContextItem) -> wire::LspSubgraphContextItem {
    let LspContextItem { uri, kind, content, range } = item;
    let range = range.as_ref().map(|range| {
        let LspRange { start_line, start_character, end_line, end_character } = *range;
        wire::LspSubgraphRange {
            start_line,
            start_character,
            end_line,
            end_character,
            ..Default::default()
        }
    });
    wire::LspSubgraphContextItem {
        uri: uri.clone(),
        r#type: kind.clone(),
        content: content.clone(),
        range: range.into(),
        ..Default::default()
    }
}

pub(super) fn additional_file(file: &AdditionalFile) -> wire::AdditionalFile {
    let AdditionalFile {
        relative_workspace_path,
        is_open,
        visible_range_content,
        last_viewed_at,
        start_line_number_one_indexed,
        visible_ranges,
    } = file;
    let line_range = |range: &LineRange| {
        let LineRange { start_line_number, end_line_number_inclusive } = *range;
        wire::LineRange { start_line_number, end_line_number_inclusive, ..Default::default() }
    };
    wire::AdditionalFile {
        relative_workspace_path: relative_workspace_path.clone(),
        is_open: *is_open,
        visible_range_content: visible_range_content.clone(),
        last_viewed_at: *last_viewed_at,
        start_line_number_one_indexed: start_line_number_one_indexed.clone(),
        visible_ranges: all(visible_ranges, line_range),
        ..Default::default()
    }
}
