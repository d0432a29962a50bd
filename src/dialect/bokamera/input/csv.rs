//! Requests in CSV: a line with the names of the fields, and one for each request.

use csv::ReaderBuilder;

use super::{Entry, Fields};

/// The rows below the names.
///
/// # Errors
/// Reads the body. The error is the problem, in words that repeat nothing of the body.
pub(super) fn records(text: &str) -> Result<Vec<Fields>, &'static str> {
    const MALFORMED: &str = "the body is not CSV whose rows have a cell for each name of the first";
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let names = reader.headers().map_err(|_| MALFORMED)?.clone();
    reader
        .records()
        .map(|row| {
            let row = row.map_err(|_| MALFORMED)?;
            let cells =
                names.iter().zip(row.iter()).map(|(name, cell)| (name.trim().to_owned(), entry(cell)));
            Ok(cells.collect())
        })
        .collect()
}

/// An empty cell is a field without a value.
fn entry(cell: &str) -> Entry {
    if cell.is_empty() { Entry::Absent } else { Entry::text(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_a_request() {
        let text = |text: &str| Entry::text(text);
        let name = |name: &str, entry| (name.to_owned(), entry);
        assert_eq!(
            records("CompanyId, Notes\r\n7,\"a,\"\"b\"\"\r\nc\"\r\n,d\r\n"),
            Ok(vec![
                vec![name("CompanyId", text("7")), name("Notes", text("a,\"b\"\r\nc"))],
                vec![name("CompanyId", Entry::Absent), name("Notes", text("d"))],
            ])
        );
        assert_eq!(records("CompanyId,Notes\r\n"), Ok(Vec::new()));
        for uneven in ["CompanyId,Notes\r\n7\r\n", "CompanyId\r\n7,8\r\n"] {
            assert!(records(uneven).is_err(), "{uneven}");
        }
    }
}
