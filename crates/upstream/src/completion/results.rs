//! Code that a search found, as the wire has it.

use conversation::completion::{
    CodeBlock, CodeResult, DetailedLine, FileGit, GitCommit, Signatures,
};
use cursor_proto::aiserver as wire;

use super::all;
use super::file::range;

pub(super) fn code_result(result: &CodeResult) -> wire::CodeResult {
    let CodeResult { code_block: block, score } = result;
    wire::CodeResult {
        code_block: block.as_ref().map(code_block).into(),
        score: *score,
        ..Default::default()
    }
}

fn code_block(block: &CodeBlock) -> wire::CodeBlock {
    let CodeBlock {
        relative_workspace_path,
        file_contents,
        file_contents_length,
        range: place,
        contents,
        signatures,
        override_contents,
        original_contents,
        detailed_lines,
        file_git_context,
    } = block;
    let signatures = signatures.as_ref().map(|signatures| {
        let Signatures { ranges } = signatures;
        wire::code_block::Signatures { ranges: all(ranges, range), ..Default::default() }
    });
    wire::CodeBlock {
        relative_workspace_path: relative_workspace_path.clone(),
        file_contents: file_contents.clone(),
        range: place.as_ref().map(range).into(),
        contents: contents.clone(),
        signatures: signatures.into(),
        override_contents: override_contents.clone(),
        original_contents: original_contents.clone(),
        detailed_lines: all(detailed_lines, detailed_line),
        file_contents_length: *file_contents_length,
        file_git_context: file_git_context.as_ref().map(file_git).into(),
        ..Default::default()
    }
}

fn detailed_line(line: &DetailedLine) -> wire::DetailedLine {
    let DetailedLine { text, line_number, is_signature } = line;
    wire::DetailedLine {
        text: text.clone(),
        line_number: *line_number,
        is_signature: *is_signature,
        ..Default::default()
    }
}

fn file_git(git: &FileGit) -> wire::FileGit {
    let FileGit { commits } = git;
    let commit = |commit: &GitCommit| {
        let GitCommit { commit, author, date, message } = commit;
        wire::GitCommit {
            commit: commit.clone(),
            author: author.clone(),
            date: date.clone(),
            message: message.clone(),
            ..Default::default()
        }
    };
    wire::FileGit { commits: all(commits, commit), ..Default::default() }
}
