//! Records as BokaMera's dialect writes them, read by the rules of each format.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;
use serde_json::Value;

use super::xml::is_document;

/// Fields by their name in lower case; those without a value are not there.
pub(crate) type Record = BTreeMap<String, String>;

/// The records of an answer of this media type, or its status if it has one.
pub(crate) fn read(kind: &str, body: &[u8]) -> Vec<Record> {
    match kind {
        "application/json; charset=utf-8" => json(&serde_json::from_slice(body).unwrap()),
        "text/jsonl" => {
            let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            lines.flat_map(|line| json(&serde_json::from_slice(line).unwrap())).collect()
        }
        "application/xml" => xml(body),
        "text/csv" => csv(std::str::from_utf8(body).unwrap()),
        "text/jsv" => {
            let mut rest = std::str::from_utf8(body).unwrap();
            let read = jsv(&mut rest);
            assert!(rest.is_empty(), "{rest} behind the end");
            json(&read)
        }
        _ => panic!("a body of the type {kind}"),
    }
}

fn json(value: &Value) -> Vec<Record> {
    if let Some(several) = value.as_array() {
        return several.iter().flat_map(json).collect();
    }
    let members = value.as_object().unwrap();
    let named = |name: &str| members.iter().find(|(member, _)| member.eq_ignore_ascii_case(name));
    if let Some((_, status)) = named("ResponseStatus") {
        return json(status);
    }
    if let Some((_, records)) = named("ApiKeys") {
        return records.as_array().unwrap().iter().flat_map(json).collect();
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    vec![members.iter().map(|(name, value)| (name.to_lowercase(), text(value))).collect()]
}

/// Rows below a header, each of as many cells as that, ending in CR LF.
fn csv(mut text: &str) -> Vec<Record> {
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    while !text.is_empty() {
        let cell = if text.starts_with('"') {
            quoted(&mut text)
        } else {
            let (cell, rest) = text.split_at(text.find([',', '\r', '\n']).unwrap());
            text = rest;
            assert!(!cell.contains('"'), "{cell} is not in quotes");
            cell.to_owned()
        };
        row.push(cell);
        if let Some(rest) = text.strip_prefix(',') {
            text = rest;
        } else {
            text = text.strip_prefix("\r\n").unwrap();
            rows.push(std::mem::take(&mut row));
        }
    }
    assert!(row.is_empty());
    let header = rows.remove(0);
    let record = |row: Vec<String>| {
        assert_eq!(row.len(), header.len(), "{row:?} below {header:?}");
        let cells = header.iter().map(|name| name.to_lowercase()).zip(row);
        cells.filter(|(_, cell)| !cell.is_empty()).collect()
    };
    rows.into_iter().map(record).collect()
}

/// Takes a text in quotes, in which a quote is two.
fn quoted(text: &mut &str) -> String {
    let mut whole = String::new();
    *text = text.strip_prefix('"').unwrap();
    loop {
        let (part, rest) = text.split_once('"').unwrap();
        whole += part;
        *text = rest;
        match rest.strip_prefix('"') {
            Some(rest) => {
                whole.push('"');
                *text = rest;
            }
            None => return whole,
        }
    }
}

/// Takes a value of JSV: an object, a list, or a text that has quotes where it needs them.
fn jsv(text: &mut &str) -> Value {
    if let Some(rest) = text.strip_prefix('{') {
        *text = rest;
        let mut members = serde_json::Map::new();
        while !ends(text, '}') {
            let (name, rest) = text.split_once(':').unwrap();
            *text = rest;
            members.insert(name.to_owned(), jsv(text));
        }
        Value::Object(members)
    } else if let Some(rest) = text.strip_prefix('[') {
        *text = rest;
        let mut values = Vec::new();
        while !ends(text, ']') {
            values.push(jsv(text));
        }
        Value::Array(values)
    } else if text.starts_with('"') {
        Value::String(quoted(text))
    } else {
        let (plain, rest) = text.split_at(text.find([',', '}', ']']).unwrap());
        *text = rest;
        assert!(!plain.contains(['"', '{', '[', '\r', '\n']), "{plain} is not in quotes");
        Value::String(plain.to_owned())
    }
}

/// Whether an object or a list ends here; takes that, or a comma.
fn ends(text: &mut &str, end: char) -> bool {
    if let Some(rest) = text.strip_prefix(end) {
        *text = rest;
        return true;
    }
    *text = text.strip_prefix(',').unwrap_or(text);
    false
}

/// The elements that have text, in records: one for each key, or one for all.
fn xml(body: &[u8]) -> Vec<Record> {
    assert!(is_document(body), "{}", body.escape_ascii());
    let mut reader = Reader::from_reader(body);
    let (mut records, mut path, mut text) = (vec![Record::new()], Vec::<String>::new(), String::new());
    let mut listed = false;
    let mut bytes = Vec::new();
    loop {
        match reader.read_event_into(&mut bytes).unwrap() {
            Event::Start(start) => {
                let name = start.local_name().into_inner().to_lowercase();
                if name == "apikeyresponse" && !path.is_empty() {
                    records.push(Record::new());
                }
                listed |= name == "apikeys" || name == "arrayofapikeyresponse";
                path.push(name);
                text.clear();
            }
            Event::Text(part) => text += &part.xml10_content(),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().unwrap() {
                Some(letter) => text.push(letter),
                None => text += resolve_xml_entity(&reference).unwrap(),
            },
            Event::End(_) => {
                let (name, text) = (path.pop().unwrap(), std::mem::take(&mut text));
                if !text.is_empty() {
                    records.last_mut().unwrap().entry(name).or_insert(text);
                }
            }
            Event::Empty(empty) => {
                listed |= ["ApiKeys", "ArrayOfApiKeyResponse"].contains(&empty.local_name().into_inner())
            }
            Event::Eof => break,
            _ => {}
        }
        bytes.clear();
    }
    if listed && !records[0].contains_key("errorcode") {
        records.remove(0);
    }
    records
}

/// The text with a sign of replacement for what XML 1.0 cannot hold.
pub(crate) fn fit_for_xml(text: &str) -> String {
    let holds = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if holds(c) { c } else { '\u{fffd}' }).collect()
}
