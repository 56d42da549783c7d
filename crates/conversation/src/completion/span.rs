//! Places in a text. The document has several kinds, and which counts from 0 and which from 1 is
//! part of the kind. Columns are UTF-16 units, as editors count them.

/// A point: line and column from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    pub line: i32,
    pub column: i32,
}

/// From one point to another, the second not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Range {
    pub start_position: Position,
    pub end_position: Position,
}

/// Whole lines of a retrieved chunk, the last one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChunkRange {
    pub start_line: i32,
    pub end_line_inclusive: i32,
}

/// Whole lines from 1, the last one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineRange {
    pub start_line_number: i32,
    pub end_line_number_inclusive: i32,
}

/// The place of a change, lines and columns from 1, the end column not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeRange {
    pub start_line_number: i32,
    pub start_column: i32,
    pub end_line_number: i32,
    pub end_column: i32,
}

/// A point as a language server tells it: line and character from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LspPosition {
    pub line: i32,
    pub character: i32,
}

/// A range as a language server tells it, from 0, the end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LspRange {
    pub start_line: i32,
    pub start_character: i32,
    pub end_line: i32,
    pub end_character: i32,
}
