//! Plain English in comments, doc lines, help of the command line and pages.

use std::collections::BTreeMap;

use super::sources::texts;

/// Phrases that hide an actor or a noun; a `_` is one to four words.
const PHRASES: [&str; 22] = [
    "whoever",
    "nobody",
    "somebody",
    "what goes",
    "what stands",
    "what lies",
    "lets go of",
    "let go of",
    "letting go of",
    "stands for",
    "stand for",
    "goes by",
    "go by itself",
    "go by themselves",
    "of its own accord",
    "of their own accord",
    "none of ours",
    "has _ done",
    "have _ done",
    "had _ done",
    "that which",
    "comes by nothing",
];

/// Findings that each room may still have. This may only fall.
const CEILINGS: [(&str, usize); 1] = [("src/dialect", 1)];

/// A word, in lower case, and its line.
type Word = (String, usize);

/// Runs of prose in a file: words that follow each other without code between.
fn prose(path: &str, text: &str) -> Vec<Vec<Word>> {
    let page = path.ends_with(".md");
    let mut runs = vec![Vec::new()];
    let mut fenced = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let said = if page {
            fenced ^= line.starts_with("```");
            (!fenced && !line.is_empty()).then_some(line)
        } else if path.starts_with("src/cli/") {
            Some(line)
        } else {
            let whole = line.starts_with("//").then_some(line);
            whole.or_else(|| line.split_once(" // ").map(|(_, comment)| comment))
        };
        match said {
            Some(said) => {
                let words = said.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
                runs.last_mut().unwrap().extend(words.map(|word| (word.to_lowercase(), number + 1)));
            }
            None if runs.last().is_some_and(|run| !run.is_empty()) => runs.push(Vec::new()),
            None => {}
        }
    }
    runs
}

/// Number of words of `run` that `phrase` takes at its beginning.
fn begins(run: &[Word], phrase: &[&str]) -> bool {
    let Some((first, rest)) = phrase.split_first() else { return true };
    if *first == "_" {
        let passive = |word: &Word| ["been", "be", "being", "not", "never"].contains(&word.0.as_str());
        return (1..=4).any(|count| {
            run.get(..count).is_some_and(|skipped| !skipped.iter().any(passive))
                && begins(&run[count..], rest)
        });
    }
    run.first().is_some_and(|word| word.0 == *first) && begins(&run[1..], rest)
}

/// Phrases in a file that are not plain.
fn riddles(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for run in prose(path, text) {
        for (at, (_, line)) in run.iter().enumerate() {
            for phrase in PHRASES {
                if begins(&run[at..], &phrase.split(' ').collect::<Vec<_>>()) {
                    found.push(format!("{path}:{line}: {phrase}"));
                }
            }
        }
    }
    found
}

/// Room that a ceiling is of: a folder of `src/`, or a folder beside it.
fn place(path: &str) -> String {
    let parts = if path.starts_with("src/") { 2 } else { 1 };
    path.split(['/', ':']).take(parts).collect::<Vec<_>>().join("/")
}

#[test]
fn no_actor_is_hidden() {
    let sources = texts(&["src", "tests", "benches", "fuzz/targets", "examples"], ".rs").into_iter();
    let pages =
        texts(&["."], ".md").into_iter().map(|(path, text)| (path.trim_start_matches("./").to_owned(), text));
    let own = |path: &str| path == "tests/tidy/english.rs";
    let mut rooms: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in sources.chain(pages).filter(|(path, _)| !own(path)) {
        for riddle in riddles(&path, &text) {
            rooms.entry(place(&path)).or_default().push(riddle);
        }
    }
    let ceiling =
        |room: &str| CEILINGS.iter().find(|(name, _)| *name == room).map_or(0, |(_, ceiling)| *ceiling);
    rooms.retain(|room, found| found.len() > ceiling(room));
    assert!(rooms.is_empty(), "{rooms:#?}");
}

#[test]
fn planted_riddles_are_found() {
    for (path, text) in [
        ("src/key/id.rs", "/// Whoever asks."),
        ("src/key/id.rs", "let a = 1; // nobody's"),
        ("src/key/id.rs", "/// What\n/// goes by the clock."),
        ("src/key/id.rs", "// It has the lane do, and has the whole store done."),
        ("src/cli/args.rs", "help = \"Let go of a pepper\""),
        ("README.md", "A key stands\nfor a program."),
    ] {
        assert_ne!(riddles(path, text), Vec::<String>::new(), "{text}");
    }
    for (path, text) in [
        ("src/key/id.rs", "let nobody = 1;"),
        ("src/key/id.rs", "// What\nfn f() {}\n// goes"),
        ("src/key/id.rs", "// The batch has been done."),
        ("README.md", "```sh\necho nobody\n```"),
    ] {
        assert_eq!(riddles(path, text), Vec::<String>::new(), "{text}");
    }
}
