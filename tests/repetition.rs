//! Repetition: runs of equal tokens that stand in two places of `src/`.
//!
//! One piece of code serves where the logic is the same. Where two places are alike by their nature, the pair of files is
//! listed with the reason. Comments, doc lines, imports and code under `#[cfg(test)]` are left out.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod sources;

use std::collections::{BTreeMap, HashMap};

use sources::{Token, tokens, without_tests};

/// Tokens of the shortest run that counts.
const RUN: usize = 60;

/// Runs that may stand twice: beginnings of the paths of both files, tokens of the longest such run, and why.
const ALLOWED: [(&str, &str, usize, &str); 4] = [
    (
        "src/command/",
        "src/command/",
        89,
        "each command is one struct with one `impl`: its row of the level table, spelled out",
    ),
    (
        "src/dialect/native/manage/body.rs",
        "src/dialect/native/manage/body.rs",
        99,
        "serde cannot flatten shared fields and refuse unknown ones",
    ),
    (
        "src/dialect/",
        "src/dialect/",
        75,
        "dialects share no code, so that each can be removed alone: one `impl Dialect` a dialect",
    ),
    (
        "src/cli/args",
        "src/cli/args",
        81,
        "options of two commands, with the default of a level in one of them only",
    ),
];

/// Other pairs of files that share runs. This may only fall.
const STILL: usize = 2;

/// Files with their tokens.
type Files = Vec<(String, Vec<Token>)>;

/// A run that stands in two places.
#[derive(Debug)]
struct Repeated {
    files: (String, String),
    lines: (usize, usize),
    length: usize,
}

impl std::fmt::Display for Repeated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { files, lines, length } = self;
        write!(f, "{}:{} ~ {}:{} ({length} tokens)", files.0, lines.0, files.1, lines.1)
    }
}

/// Hashes of all runs of `RUN` numbers.
fn hashes(numbers: &[u64]) -> Vec<u64> {
    const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
    let top = (1..RUN).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let mut hash = 0_u64;
    let mut found = Vec::with_capacity(numbers.len());
    for (at, number) in numbers.iter().enumerate() {
        if at >= RUN {
            hash = hash.wrapping_sub(numbers[at - RUN].wrapping_mul(top));
        }
        hash = hash.wrapping_mul(BASE).wrapping_add(*number);
        if at + 1 >= RUN {
            found.push(hash);
        }
    }
    found
}

/// Runs that stand in two places; of more than two places, each later one beside the first.
fn repeated(files: &Files) -> Vec<Repeated> {
    let mut names: HashMap<&str, u64> = HashMap::new();
    let mut numbered: Vec<Vec<u64>> = Vec::new();
    for (_, tokens) in files {
        let numbers = tokens.iter().map(|token| {
            let next = names.len() as u64 + 1;
            *names.entry(&token.text).or_insert(next)
        });
        numbered.push(numbers.collect());
    }
    let mut first: HashMap<u64, (usize, usize)> = HashMap::new();
    let mut found: Vec<Repeated> = Vec::new();
    for (file, numbers) in numbered.iter().enumerate() {
        // Where the run that was found last ends, here and at its first place.
        let mut last = (usize::MAX, 0, 0);
        for (at, hash) in hashes(numbers).into_iter().enumerate() {
            let (other, start) = *first.entry(hash).or_insert((file, at));
            let apart = other != file || start + RUN <= at;
            if !apart || numbered[other][start..start + RUN] != numbers[at..at + RUN] {
                continue;
            }
            let end = (other, start + RUN, at + RUN);
            if last == (other, start + RUN - 1, at + RUN - 1) {
                found.last_mut().unwrap().length += 1;
            } else {
                let line = |(file, at): (usize, usize)| files[file].1[at].line;
                found.push(Repeated {
                    files: (files[other].0.clone(), files[file].0.clone()),
                    lines: (line((other, start)), line((file, at))),
                    length: RUN,
                });
            }
            last = end;
        }
    }
    found
}

/// Tokens of a file that can repeat something.
fn code(text: &str) -> Vec<Token> {
    let mut importing = false;
    let (mut code, _) = without_tests(&tokens(text));
    code.retain(|token| {
        importing |= token.text == "use";
        let kept = !importing;
        importing &= token.text != ";";
        kept
    });
    code
}

#[test]
fn no_run_of_tokens_stands_twice() {
    let texts = sources::texts(&["src"], ".rs");
    let for_tests = |path: &str| path.contains("tests/") || path.ends_with("tests.rs");
    let files: Files = texts
        .into_iter()
        .filter(|(path, _)| !for_tests(path))
        .map(|(path, text)| (path, code(&text)))
        .collect();
    let runs = repeated(&files);
    let allows = |run: &Repeated, (first, second, longest, _): &(&str, &str, usize, &str)| {
        run.files.0.starts_with(first) && run.files.1.starts_with(second) && run.length <= *longest
    };
    for entry in ALLOWED {
        assert!(runs.iter().any(|run| allows(run, &entry)), "not needed any more: {entry:?}");
    }
    let mut pairs: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for run in runs.iter().filter(|run| !ALLOWED.iter().any(|entry| allows(run, entry))) {
        pairs.entry(run.files.clone()).or_default().push(run.to_string());
    }
    assert_eq!(pairs.len(), STILL, "other than expected: {pairs:#?}");
}

#[test]
fn planted_repetition_is_found() {
    let body = |names: usize| (0..names).map(|name| format!("let a{name} = {name};")).collect::<String>();
    let file = |path: &str, text: String| (path.to_owned(), tokens(&text));
    let (twelve, eleven) = (body(12), body(11));
    let two = vec![
        file("a.rs", format!("fn f() {{ {twelve} }}")),
        file("b.rs", format!("fn g() {{ /* x */\n{twelve} }}")),
    ];
    let found: Vec<String> = repeated(&two).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["a.rs:1 ~ b.rs:1 (64 tokens)"]);
    let one = vec![file("a.rs", format!("fn f() {{ {twelve} }}\nfn g() {{ {twelve} }}"))];
    assert_eq!(repeated(&one).len(), 1);
    let short =
        vec![file("a.rs", format!("fn f() {{ {eleven}; }}")), file("b.rs", format!("mod g {{ {eleven} }}"))];
    assert_eq!(repeated(&short).len(), 0);
}
