//! A table of text, its columns as wide as what they hold.

/// Rows under headings. Columns that hold nothing are left out.
pub struct Table {
    /// Headings; one that begins with `>` stands over a column of numbers, set to the right.
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// One line for the headings and one for each row, without blanks at the end.
    pub fn lines(&self) -> Vec<String> {
        let headings: Vec<String> =
            self.headings.iter().map(|heading| heading.trim_start_matches('>').to_owned()).collect();
        let widths: Vec<usize> = (0..headings.len()).map(|column| self.width(column)).collect();
        let shown = std::iter::once(&headings).chain(&self.rows);
        shown.map(|cells| self.line(cells, &widths)).collect()
    }

    /// The widest cell and heading of a column; 0 where all its cells are empty.
    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        match cells.unwrap_or(1) {
            0 => 0,
            cells => cells.max(self.headings[column].trim_start_matches('>').chars().count()),
        }
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let columns = cells.iter().zip(widths).zip(&self.headings).filter(|((_, width), _)| **width > 0);
        let padded = columns.map(|((cell, &width), heading)| match heading.starts_with('>') {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

/// A line for each name with its value; those without one are left out.
pub fn fields(fields: &[(&str, String)]) -> Vec<String> {
    let shown = fields.iter().filter(|(_, value)| !value.is_empty());
    shown.map(|(name, value)| format!("{name:<12} {value}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Table, fields};

    #[test]
    fn fields_without_a_value_are_left_out() {
        let given = [("job", "weekly".to_owned()), ("paused", String::new())];
        assert_eq!(fields(&given), ["job          weekly"]);
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table = Table::new(&["name", "empty", ">rows", "note"]);
        table.row(["a", "", "7", "é"].map(str::to_owned));
        table.row(["longer", "", "1 234", ""].map(str::to_owned));
        assert_eq!(table.lines(), ["name     rows  note", "a           7  é", "longer  1 234"]);
    }

    #[test]
    fn a_table_without_rows_is_its_headings() {
        assert_eq!(Table::new(&["a", ">b"]).lines(), ["a  b"]);
    }
}
