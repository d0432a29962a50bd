//! Violations that the comparison must find.

use crate::page::{Answer, Page};
use crate::{answer, exists, session, skipped};

fn agrees(is_json: bool, printed: &str, found: &str) -> bool {
    answer::agrees(&Answer { is_json, text: printed.to_owned() }, found)
}

#[test]
fn a_different_answer_is_found() {
    assert!(agrees(false, "key … made", "key 17 made"));
    assert!(agrees(false, "a\n…\nd", "a\nb\nc\nd"));
    assert!(agrees(false, "a\n…\nd", "a\nd"));
    assert!(!agrees(false, "key … made", "key  lost"));
    assert!(!agrees(false, "key …", "key "));
    assert!(!agrees(false, "a", "a\nb"));
    assert!(!agrees(false, "a\n…\nd", "a\nb"));
    assert!(agrees(true, "{ \"a\": [1, 2],\n  \"b\": \"…\" }", r#"{"a":[1,2],"b":"x y"}"#));
    assert!(!agrees(true, r#"{"a": "x y"}"#, r#"{"a":"xy"}"#));
    assert!(!agrees(true, r#"{"a": 1}"#, r#"{"a":2}"#));
}

/// Faults of a page that consists of these lines.
fn faults(text: &str) -> Vec<String> {
    session::play(&Page::parse("planted.md", text), &[("planted.md", "far", "it leaves this machine")])
}

#[test]
fn a_page_with_a_wrong_or_missing_answer_is_found() {
    if !exists("bash") {
        return skipped::skipped("bash is not installed");
    }
    assert_eq!(faults("```sh\necho one\n```\n\n```text\none\n```\n"), Vec::<String>::new());
    assert_eq!(faults("```sh\necho one\n```\n\n```text\ntwo\n```\n").len(), 1);
    assert_eq!(faults("```sh\necho one\n```\nand\n```text\none\n```\n").len(), 1, "prose between: no answer");
    assert_eq!(faults("```sh\nfar away\n```\n\n```text\nnever\n```\n"), Vec::<String>::new());
    let kept = "```sh\nname=x \\\n  && true\n```\n\n```sh\necho $name\n```\n\n```text\nx\n```\n";
    assert_eq!(faults(kept), Vec::<String>::new());
}
