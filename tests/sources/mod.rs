//! Source files as tokens: for the tests that hold rules about the sources.

use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// One token of a source file; comments and doc lines are not tokens.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// As written.
    pub(crate) text: String,
    /// First line of the token, from 1.
    pub(crate) line: usize,
}

/// Folder that holds `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below `dir` whose names end in `end`, sorted; folders named `target` are left out.
pub(crate) fn files(dir: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("target")) {
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Paths below the folder of `Cargo.toml`, with the texts of the files.
pub(crate) fn texts(dirs: &[&str], end: &str) -> Vec<(String, String)> {
    let paths = dirs.iter().flat_map(|dir| files(&root().join(dir), end));
    paths.map(|path| (shown(&path), fs::read_to_string(&path).unwrap())).collect()
}

/// Path below the folder of `Cargo.toml`.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

/// Tokens of a Rust file, in order, delimiters included.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let stream: TokenStream = text.parse().unwrap();
    flatten(stream, &mut out);
    out
}

fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push(Token { text: open.to_owned(), line });
                let end = group.span_close().start().line;
                flatten(group.stream(), out);
                out.push(Token { text: close.to_owned(), line: end });
            }
            TokenTree::Punct(first) if first.as_char() == '#' && is_doc(&trees) => {
                while !matches!(trees.next(), Some(TokenTree::Group(_)) | None) {}
            }
            TokenTree::Punct(first) => {
                let mut text = first.as_char().to_string();
                let mut spacing = first.spacing();
                while spacing == Spacing::Joint {
                    match trees.peek() {
                        Some(TokenTree::Punct(next)) if joins(&text, next.as_char()) => {
                            text.push(next.as_char());
                            spacing = next.spacing();
                            trees.next();
                        }
                        Some(TokenTree::Ident(name)) if text == "'" => {
                            text.push_str(&name.to_string());
                            trees.next();
                            break;
                        }
                        _ => break,
                    }
                }
                out.push(Token { text, line });
            }
            TokenTree::Ident(name) => out.push(Token { text: name.to_string(), line }),
            TokenTree::Literal(literal) => out.push(Token { text: literal.to_string(), line }),
        }
    }
}

/// Whether the tokens after a `#` are those of a doc line: `[doc …]` or `![doc …]`.
fn is_doc(trees: &Peekable<IntoIter>) -> bool {
    let mut trees = trees.clone();
    let mut next = trees.next();
    if matches!(&next, Some(TokenTree::Punct(mark)) if mark.as_char() == '!') {
        next = trees.next();
    }
    let Some(TokenTree::Group(group)) = next else { return false };
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

/// Whether `next` goes on the operator `text`; angle brackets of generics stay apart.
fn joins(text: &str, next: char) -> bool {
    const OPERATORS: [&str; 18] = [
        "::", "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "..", "..=", "+=", "-=", "*=", "/=", "|=",
        "&=", "^=",
    ];
    OPERATORS.iter().any(|operator| operator.strip_prefix(text).is_some_and(|rest| rest.starts_with(next)))
}

/// The tokens without the items under `#[cfg(test)]`, and the names of the files among these items.
pub(crate) fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut modules = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let marked =
            tokens.get(at..at + MARK.len()).is_some_and(|run| run.iter().map(|token| &token.text).eq(MARK));
        if !marked {
            kept.push(token.clone());
            at += 1;
            continue;
        }
        at += MARK.len();
        let end = at + item_length(&tokens[at..]);
        if let [.., module, name, semicolon] = &tokens[at..end]
            && module.text == "mod"
            && semicolon.text == ";"
        {
            modules.push(name.text.clone());
        }
        at = end;
    }
    (kept, modules)
}

/// Number of tokens of the item, field or arm that `tokens` begins with, attributes included.
fn item_length(tokens: &[Token]) -> usize {
    let mut start = 0;
    while tokens.get(start).is_some_and(|token| token.text == "#") {
        start += 1 + group_length(&tokens[start + 1..]);
    }
    let words =
        ["fn", "mod", "use", "impl", "struct", "enum", "const", "static", "type", "trait", "macro_rules"];
    let word =
        tokens[start..].iter().take(6).map(|token| token.text.as_str()).find(|text| words.contains(text));
    let by_semicolon = matches!(word, Some("use" | "const" | "static" | "type"));
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" if word.is_some() && !by_semicolon => return at + group_length(&tokens[at..]),
            "(" | "[" | "{" => at += group_length(&tokens[at..]),
            ")" | "]" | "}" => return at,
            ";" => return at + 1,
            "," if word.is_none() => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// Number of tokens of the group that `tokens` begins with, its delimiters included.
fn group_length(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}
