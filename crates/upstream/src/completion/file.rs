//! The file that is being edited, as the wire has it.

use conversation::completion::{
    Chunk, ChunkRange, CurrentFile, DataColumn, Dataframe, Diagnostic, LinterError, LinterErrors,
    Position, Range, RelatedInformation, Severity,
};
use cursor_proto::aiserver as wire;
use cursor_proto::aiserver::diagnostic::DiagnosticSeverity;

use super::all;

pub(super) fn current_file(file: &CurrentFile) -> wire::CurrentFileInfo {
    let CurrentFile {
        relative_workspace_path,
        contents,
        rely_on_filesync,
        sha_256_hash,
        top_chunks,
        contents_start_at_line,
        cursor_position,
        dataframes,
        total_number_of_lines,
        language_id,
        selection,
        alternative_version_id,
        diagnostics,
        file_version,
        workspace_root_path,
        line_ending,
    } = file;
    wire::CurrentFileInfo {
        relative_workspace_path: relative_workspace_path.clone(),
        contents: contents.clone(),
        cursor_position: cursor_position.as_ref().map(position).into(),
        dataframes: all(dataframes, dataframe),
        language_id: language_id.clone(),
        selection: selection.as_ref().map(range).into(),
        diagnostics: all(diagnostics, diagnostic),
        total_number_of_lines: *total_number_of_lines,
        contents_start_at_line: *contents_start_at_line,
        top_chunks: all(top_chunks, chunk),
        alternative_version_id: *alternative_version_id,
        file_version: *file_version,
        sha_256_hash: sha_256_hash.clone(),
        rely_on_filesync: *rely_on_filesync,
        workspace_root_path: workspace_root_path.clone(),
        line_ending: line_ending.clone(),
        ..Default::default()
    }
}

pub(super) fn position(position: &Position) -> wire::CursorPosition {
    let Position { line, column } = *position;
    wire::CursorPosition { line, column, ..Default::default() }
}

pub(super) fn range(range: &Range) -> wire::CursorRange {
    let Range { start_position, end_position } = range;
    wire::CursorRange {
        start_position: position(start_position).into(),
        end_position: position(end_position).into(),
        ..Default::default()
    }
}

fn chunk(chunk: &Chunk) -> wire::BM25Chunk {
    let Chunk { content, range, score, relative_path } = chunk;
    let range = range.as_ref().map(|range| {
        let ChunkRange { start_line, end_line_inclusive } = *range;
        wire::SimplestRange { start_line, end_line_inclusive, ..Default::default() }
    });
    wire::BM25Chunk {
        content: content.clone(),
        range: range.into(),
        score: *score,
        relative_path: relative_path.clone(),
        ..Default::default()
    }
}

fn dataframe(frame: &Dataframe) -> wire::DataframeInfo {
    let Dataframe { name, shape, data_dimensionality, columns, row_count, index_column } = frame;
    let column = |column: &DataColumn| {
        let DataColumn { key, kind } = column;
        wire::dataframe_info::Column {
            key: key.clone(),
            r#type: kind.clone(),
            ..Default::default()
        }
    };
    wire::DataframeInfo {
        name: name.clone(),
        shape: shape.clone(),
        data_dimensionality: *data_dimensionality,
        columns: all(columns, column),
        row_count: *row_count,
        index_column: index_column.clone(),
        ..Default::default()
    }
}

fn diagnostic(diagnostic: &Diagnostic) -> wire::Diagnostic {
    let Diagnostic { message, range: place, severity: how_bad, related_information } = diagnostic;
    let how_bad = how_bad.map_or(DiagnosticSeverity::DIAGNOSTIC_SEVERITY_UNSPECIFIED, severity);
    wire::Diagnostic {
        message: message.clone(),
        range: place.as_ref().map(range).into(),
        severity: how_bad.into(),
        related_information: all(related_information, related),
        ..Default::default()
    }
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::DIAGNOSTIC_SEVERITY_ERROR,
        Severity::Warning => DiagnosticSeverity::DIAGNOSTIC_SEVERITY_WARNING,
        Severity::Information => DiagnosticSeverity::DIAGNOSTIC_SEVERITY_INFORMATION,
        Severity::Hint => DiagnosticSeverity::DIAGNOSTIC_SEVERITY_HINT,
    }
}

fn related(related: &RelatedInformation) -> wire::diagnostic::RelatedInformation {
    let RelatedInformation { message, range: place } = related;
    wire::diagnostic::RelatedInformation {
        message: message.clone(),
        range: place.as_ref().map(range).into(),
        ..Default::default()
    }
}

pub(super) fn linter_errors(errors: &LinterErrors) -> wire::LinterErrors {
    let LinterErrors { relative_workspace_path, errors, file_contents } = errors;
    wire::LinterErrors {
        relative_workspace_path: relative_workspace_path.clone(),
        errors: all(errors, linter_error),
        file_contents: file_contents.clone(),
        ..Default::default()
    }
}

fn linter_error(error: &LinterError) -> wire::LinterError {
    let LinterError { message, range: place, source, related_information, severity: how_bad } =
        error;
    wire::LinterError {
        message: message.clone(),
        range: place.as_ref().map(range).into(),
        source: source.clone(),
        related_information: all(related_information, related),
        severity: how_bad.map(|how_bad| severity(how_bad).into()),
        ..Default::default()
    }
}
