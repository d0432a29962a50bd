//! Transcripts: requests and the answers they must get, byte for byte, in files a person can read.
//!
//! ```text
//! # A comment.
//! ! block test                               something done beside the API
//! > POST /api/v2.0.0/user/apikeys HTTP/1.1   request head, one line each
//! > Content-Type: application/x-www-form-urlencoded
//! >                                          end of the head
//! > apikey=${full}\r\n                       body, its lines joined as they are
//! < 200 application/json; charset=UTF-8      status and media type of the answer
//! < {"new_key":"${+fresh}"}                  body of the answer
//! ```
//!
//! A head that says nothing about the length of its body gets a `Content-Length`. `\r`, `\n`, `\0`, `\t`, `\\` and
//! `\xHH` are single bytes, `${name}` is the text bound to a name, `${+name}` binds the key text of 32 letters that the
//! answer has there, `${+name~}` binds what is there of letters, digits, dots, dashes and underscores, and `${127*ä}`
//! repeats. `${basic name:other}` are two bound texts as HTTP Basic writes them, `${basic name}` is one that has both,
//! and `${basic =a:b}` is one that stands there.

use std::collections::HashMap;
use std::ops::Range;

use base64::Engine as _;

/// Where requests go: straight into a dialect, or over a socket.
pub(crate) trait Peer {
    /// Sends one request, its bytes complete, and reads the answer.
    fn send(&mut self, request: &[u8]) -> Answer;
    /// Does what a line that begins with `!` says.
    fn act(&mut self, what: &str);
}

/// What of an answer is compared.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// Plays a transcript from beginning to end; answers how many requests it made.
///
/// Names bound at the start are in `bound`.
pub(crate) fn play(name: &str, text: &str, peer: &mut dyn Peer, mut bound: HashMap<String, String>) -> usize {
    let steps = steps(text);
    for step in &steps {
        match step {
            Step::Act(what) => peer.act(what),
            Step::Exchange(exchange) => {
                let answer = peer.send(&exchange.request(&bound));
                exchange.compare(name, &answer, &mut bound);
            }
        }
    }
    steps.iter().filter(|step| matches!(step, Step::Exchange(_))).count()
}

enum Step {
    Act(String),
    Exchange(Exchange),
}

#[derive(Default)]
struct Exchange {
    /// Line of the file, for the message of a failure.
    line: usize,
    head: Vec<String>,
    body: String,
    answer_head: String,
    answer_body: String,
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        if let Some(what) = line.strip_prefix("! ") {
            steps.push(Step::Act(what.to_owned()));
        } else if let Some(first) = line.strip_prefix("> ") {
            let mut take = |mark: &str| -> Option<String> {
                let (_, line) = lines.next_if(|(_, line)| line.starts_with(mark))?;
                let text = line.strip_prefix(mark)?;
                Some(text.strip_prefix(' ').unwrap_or(text).to_owned())
            };
            let mut exchange = Exchange { line: at + 1, head: vec![first.to_owned()], ..Exchange::default() };
            while let Some(line) = take(">").filter(|line| !line.is_empty()) {
                exchange.head.push(line);
            }
            exchange.body = std::iter::from_fn(|| take(">")).collect();
            exchange.answer_head = take("<").unwrap_or_else(|| panic!("no answer after line {}", at + 1));
            exchange.answer_body = std::iter::from_fn(|| take("<")).collect();
            steps.push(Step::Exchange(exchange));
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "line {}: {line}", at + 1);
        }
    }
    steps
}

impl Exchange {
    fn request(&self, bound: &HashMap<String, String>) -> Vec<u8> {
        let body = expand(&self.body, |name| bound[name].clone());
        let mut bytes = expand(&self.head.join("\r\n"), |name| bound[name].clone());
        let framed = |line: &String| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            name == "transfer-encoding" || name == "content-length"
        };
        if !self.head.iter().any(framed) {
            bytes.extend(format!("\r\nContent-Length: {}", body.len()).bytes());
        }
        bytes.extend(b"\r\n\r\n");
        bytes.extend(body);
        bytes
    }

    fn compare(&self, name: &str, answer: &Answer, bound: &mut HashMap<String, String>) {
        let place = format!("{name}, line {}: {}", self.line, self.head[0]);
        let head = format!("{} {}", answer.status, answer.content_type).trim_end().to_owned();
        let shown = answer.body.escape_ascii();
        assert_eq!(head, self.answer_head, "{place}\nanswer: {shown}");
        // The value of a new name follows from the expected text before it.
        let mut expected = self.answer_body.clone();
        let next_new = |expected: &str| {
            placeholders(expected).find_map(|(range, name)| Some((range, name.strip_prefix('+')?.to_owned())))
        };
        while let Some((range, new)) = next_new(&expected) {
            let before = expand(&expected[..range.start], |name| bound[name].clone()).len();
            let there = answer.body.get(before..).unwrap_or_default();
            let (new, fresh) = match new.strip_suffix('~') {
                Some(new) => {
                    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
                    (new, there.split(|byte| !letter(byte)).next().unwrap_or_default())
                }
                None => (new.as_str(), there.get(..32).unwrap_or_default()),
            };
            assert!(
                !fresh.is_empty()
                    && fresh.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte)),
                "{place}\nnothing new at {before}: {shown}"
            );
            bound.insert(new.to_owned(), String::from_utf8(fresh.to_vec()).unwrap());
            expected.replace_range(range, &format!("${{{new}}}"));
        }
        let expected = expand(&expected, |name| bound[name].clone());
        assert_eq!(shown.to_string(), expected.escape_ascii().to_string(), "{place}");
    }
}

/// Every `${…}`: where it stands and what is inside.
fn placeholders(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    text.match_indices("${").map(|(start, _)| {
        let length = text[start..].find('}').expect("a placeholder ends");
        (start..start + length + 1, &text[start + 2..start + length])
    })
}

/// Bytes of a body.
fn expand(text: &str, value: impl Fn(&str) -> String) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut from = 0;
    for (range, inside) in placeholders(text) {
        bytes.extend(unescape(&text[from..range.start]));
        if let Some(credentials) = inside.strip_prefix("basic ") {
            let text = match credentials.strip_prefix('=') {
                Some(literal) => literal.to_owned(),
                None => credentials.split(':').map(&value).collect::<Vec<_>>().join(":"),
            };
            bytes.extend(base64::engine::general_purpose::STANDARD.encode(text).bytes());
        } else if let Some((count, what)) = inside.split_once('*') {
            bytes.extend(what.repeat(count.parse().expect("a count")).bytes());
        } else {
            bytes.extend(value(inside).bytes());
        }
        from = range.end;
    }
    bytes.extend(unescape(&text[from..]));
    bytes
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().expect("something after a backslash") {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).expect("two hexadecimal digits")
            }
            other => panic!("unknown escape \\{}", char::from(other)),
        });
    }
    bytes
}
