//! What one file says: the names that it defines, binds and uses.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::Token;

/// A path, one name a segment.
pub(crate) type Names = Vec<String>;

/// Words that a definition begins with.
const DEFINING: [&str; 9] =
    ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"];

/// What a file defines, names and uses.
#[derive(Default)]
pub(crate) struct Scope {
    /// Names of the items at the top of the file.
    pub(crate) defined: BTreeSet<String>,
    /// Names that a `use` at the top of the file binds.
    pub(crate) bound: BTreeMap<String, Names>,
    /// Modules that a `use …::*` at the top of the file opens.
    pub(crate) globs: Vec<Names>,
    /// Paths in the file, in order.
    pub(crate) uses: Vec<Used>,
}

/// A path, as it is written in a `use` or in code.
pub(crate) struct Used {
    /// Line in the file, from 1.
    pub(crate) line: usize,
    /// As written, one name a segment.
    pub(crate) names: Names,
    /// By `pub use`.
    pub handed_on: bool,
}

impl Scope {
    /// Reads the tokens of a file.
    pub(crate) fn of(tokens: &[Token]) -> Self {
        let mut scope = Self::default();
        let mut depth = 0_usize;
        // Depths of inline modules.
        let mut inline: Vec<usize> = Vec::new();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let before = at.checked_sub(1).map_or("", |at| tokens[at].text.as_str());
            match token.text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.saturating_sub(1);
                    if inline.last() == Some(&depth) {
                        inline.pop();
                    }
                }
                "use" => {
                    let handed_on = before == "pub" || before == ")";
                    let mut found = Vec::new();
                    at = use_tree(tokens, at + 1, &[], &mut found);
                    for (mut names, alias) in found {
                        climb(&mut names, inline.len());
                        if names.is_empty() {
                            continue;
                        }
                        if alias == "*" && depth == 0 {
                            scope.globs.push(names.clone());
                        } else if inline.is_empty() {
                            scope.bound.entry(alias).or_insert_with(|| names.clone());
                        }
                        scope.uses.push(Used { line: token.line, names, handed_on });
                    }
                    continue;
                }
                "mod" if tokens.get(at + 2).is_some_and(|next| next.text == "{") => inline.push(depth),
                word if depth == 0 && DEFINING.contains(&word) => {
                    let name =
                        tokens[at + 1..].iter().find(|next| !["!", "mut"].contains(&next.text.as_str()));
                    scope.defined.extend(name.map(|name| name.text.clone()));
                }
                first if before != "::" && before != "." && is_name(first) => {
                    let mut names = vec![first.to_owned()];
                    let mut end = at;
                    while tokens.get(end + 1).is_some_and(|next| next.text == "::")
                        && let Some(next) = tokens.get(end + 2).filter(|next| is_name(&next.text))
                    {
                        names.push(next.text.clone());
                        end += 2;
                    }
                    climb(&mut names, inline.len());
                    if names.len() > 1 {
                        scope.uses.push(Used { line: token.line, names, handed_on: false });
                    }
                    at = end;
                }
                _ => {}
            }
            at += 1;
        }
        scope
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text != "Self"
}

/// Takes a `super` away for each inline module around the path.
fn climb(names: &mut Names, inline: usize) {
    let mut left = inline;
    while left > 0 && names.first().is_some_and(|first| first == "super") {
        names.remove(0);
        left -= 1;
        if names.first().is_some_and(|first| first != "super") {
            names.insert(0, "self".to_owned());
        }
    }
}

/// Reads the tree of a `use` from `at` on: each path, with the name that it binds. Returns where the tree ends.
fn use_tree(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<(Names, String)>) -> usize {
    let mut names = before.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = use_tree(tokens, at, &names, found);
                    if tokens.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "*" => {
                found.push((names, "*".to_owned()));
                return at + 1;
            }
            "as" => {
                let alias = tokens.get(at + 1).map_or("_", |token| &token.text).to_owned();
                found.push((names, alias));
                return at + 2;
            }
            "self" if !names.is_empty() => at += 1,
            text if is_name(text) => {
                names.push(text.to_owned());
                at += 1;
            }
            _ => break,
        }
    }
    let alias = names.last().cloned().unwrap_or_default();
    found.push((names, alias));
    at
}
