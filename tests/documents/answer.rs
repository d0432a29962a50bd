//! Comparing an answer with the printed one.

use crate::page::Answer;

/// Any text within a line; alone on a line, any lines.
const ANY: char = '…';

/// Whether `found` is the printed answer.
pub(crate) fn agrees(printed: &Answer, found: &str) -> bool {
    if printed.is_json {
        return matches_line(&squeezed(&printed.text), &squeezed(found));
    }
    let [printed, found] = [printed.text.as_str(), found].map(|text| columns(text.trim_end()));
    matches_lines(&printed.lines().collect::<Vec<_>>(), &found.lines().collect::<Vec<_>>())
}

/// Text without empty lines, whose columns are two spaces from each other, however wide they are.
fn columns(text: &str) -> String {
    let mut columns = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.trim_end().split("  ").collect();
        let (first, rest) = cells.split_first().unwrap();
        columns.push_str(first);
        for cell in rest.iter().map(|cell| cell.trim_start()).filter(|cell| !cell.is_empty()) {
            columns.push_str("  ");
            columns.push_str(cell);
        }
        columns.push('\n');
    }
    columns
}

fn matches_lines(printed: &[&str], found: &[&str]) -> bool {
    match (printed, found) {
        ([], []) => true,
        (["…", rest @ ..], found) => {
            (0..=found.len()).any(|skipped| matches_lines(rest, &found[skipped..]))
        }
        ([line, printed @ ..], [other, found @ ..]) => {
            matches_line(line, other) && matches_lines(printed, found)
        }
        _ => false,
    }
}

/// Whether `found` is `printed`, each `…` of which is at least one character.
fn matches_line(printed: &str, found: &str) -> bool {
    let Some((before, rest)) = printed.split_once(ANY) else { return printed == found };
    let Some(found) = found.strip_prefix(before) else { return false };
    let starts = found.char_indices().skip(1).map(|(at, _)| at).chain([found.len()]);
    starts.filter(|_| !found.is_empty()).any(|at| matches_line(rest, &found[at..]))
}

/// JSON without the white space between its values.
fn squeezed(json: &str) -> String {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let squeezed = json.chars().filter(|letter| {
        is_quoted ^= *letter == '"' && !is_escaped;
        is_escaped = *letter == '\\' && !is_escaped;
        is_quoted || !letter.is_whitespace()
    });
    squeezed.collect()
}
