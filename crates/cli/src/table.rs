//! Columns for people.

use crate::terminal::plain;

/// Rows under a heading, each column as wide as its widest cell; an empty cell is `-`. Cells are
/// made harmless for terminals.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let shown = |cell: &str| if cell.is_empty() { "-".to_owned() } else { plain(cell) };
    let rows: Vec<[String; N]> = std::iter::once(heading.map(str::to_owned))
        .chain(rows.iter().map(|row| std::array::from_fn(|i| shown(&row[i]))))
        .collect();
    let widths: [usize; N] =
        std::array::from_fn(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0));
    let lines = rows.iter().map(|row| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [["long alias".into(), String::new()], ["b".into(), "r\u{1b}y".into()]];
        assert_eq!(table(["A", "B"], &rows), "A           B\nlong alias  -\nb           r y");
    }
}
