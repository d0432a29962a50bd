//! Requests in XML: one element with an element for each field, in any order, or a list of such. Neither document types
//! nor entities beyond the five of XML itself are read.

use quick_xml::NsReader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace as XmlNamespace, ResolveResult};

use super::{Count, Entry, Fields};
use crate::dialect::bokamera::record::Namespace;

const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The request of this name, or those of the list of them.
///
/// # Errors
/// Reads the body. The error is the problem, in words that repeat nothing of the body.
pub(super) fn records(xml: &str, request: &str, count: Count) -> Result<Vec<Fields>, &'static str> {
    let mut reader = NsReader::from_str(xml);
    let mut reading = Reading { request, state: State::begin(count), count, records: Vec::new() };
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| MALFORMED)?;
        let own = [Namespace::Dtos, Namespace::Types]
            .into_iter()
            .any(|own| namespace == ResolveResult::Bound(XmlNamespace(own.address())));
        match event {
            Event::Start(start) => {
                let nil = is_nil(&reader, &start)?;
                reading.start(own, start.local_name().into_inner(), nil)?;
            }
            Event::Empty(start) => {
                let nil = is_nil(&reader, &start)?;
                reading.start(own, start.local_name().into_inner(), nil)?;
                reading.end();
            }
            Event::End(_) => reading.end(),
            Event::Text(text) => reading.text(&text.xml10_content())?,
            Event::CData(text) => reading.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => reading.text(&resolved(&reference)?)?,
            Event::DocType(_) => return Err("a document type is not allowed"),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return reading.done(),
        }
    }
}

const MALFORMED: &str = "the body is not well-formed XML";

struct Reading<'a> {
    request: &'a str,
    count: Count,
    state: State,
    records: Vec<Fields>,
}

enum State {
    /// Before the list.
    Before,
    /// In the parent of requests: the document, or the list.
    Around,
    Request(Fields),
    Field {
        fields: Fields,
        name: String,
        text: Option<String>,
    },
    After,
}

impl State {
    const fn begin(count: Count) -> Self {
        match count {
            Count::One => Self::Around,
            Count::Many => Self::Before,
        }
    }
}

impl Reading<'_> {
    fn start(&mut self, own: bool, name: &str, nil: bool) -> Result<(), &'static str> {
        const FOREIGN: &str = "the root element is not the request, in its namespace";
        self.state = match std::mem::replace(&mut self.state, State::After) {
            State::Before if own && name.strip_prefix("ArrayOf") == Some(self.request) => State::Around,
            State::Around if own && name == self.request => State::Request(Fields::new()),
            State::Before | State::Around => return Err(FOREIGN),
            State::Request(fields) => {
                State::Field { fields, name: name.to_owned(), text: (!nil).then(String::new) }
            }
            State::Field { .. } => return Err("a field has elements in it"),
            State::After => return Err(MALFORMED),
        };
        Ok(())
    }

    fn end(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::After) {
            State::Field { mut fields, name, text } => {
                fields.push((name, text.map_or(Entry::Absent, Entry::text)));
                State::Request(fields)
            }
            State::Request(fields) => {
                self.records.push(fields);
                if self.count == Count::Many { State::Around } else { State::After }
            }
            State::Before | State::Around | State::After => State::After,
        };
    }

    fn text(&mut self, more: &str) -> Result<(), &'static str> {
        match &mut self.state {
            State::Field { text: Some(text), .. } => {
                text.push_str(more);
                Ok(())
            }
            State::Field { text: None, .. }
            | State::Before
            | State::Around
            | State::Request(_)
            | State::After => {
                if more.trim().is_empty() {
                    Ok(())
                } else {
                    Err("there is text where there can be none")
                }
            }
        }
    }

    fn done(self) -> Result<Vec<Fields>, &'static str> {
        match self.state {
            State::After => Ok(self.records),
            State::Before | State::Around | State::Request(_) | State::Field { .. } => Err(MALFORMED),
        }
    }
}

/// Whether an element says that it has no value.
fn is_nil(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<bool, &'static str> {
    let mut nil = false;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| MALFORMED)?;
        let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
        let is_nil = namespace == ResolveResult::Bound(XmlNamespace(INSTANCE)) && name.into_inner() == "nil";
        nil |= is_nil && ["true", "1"].contains(&attribute.value.trim());
    }
    Ok(nil)
}

/// The text that a reference means.
fn resolved(reference: &BytesRef<'_>) -> Result<String, &'static str> {
    if let Some(letter) = reference.resolve_char_ref().map_err(|_| MALFORMED)? {
        return Ok(letter.to_string());
    }
    let known = resolve_xml_entity(&reference.xml10_content());
    known.map(str::to_owned).ok_or("an entity is not one of XML's own")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NS: &str = r#"xmlns="http://schemas.datacontract.org/2004/07/BokaMera.API.ServiceModel.Dtos""#;

    fn one(xml: &str) -> Result<Vec<Fields>, &'static str> {
        records(xml, "CreateApiKey", Count::One)
    }

    fn some(name: &str, text: &str) -> (String, Entry) {
        (name.to_owned(), Entry::text(text))
    }

    #[test]
    fn fields_are_read_in_any_order_with_what_stands_for_letters() {
        let inner = "\n <Notes>a &lt;&amp;&#x42;&#67; <![CDATA[<d>]]></Notes><ContactEmail/><CompanyId i:nil=\"true\" /> ";
        let i = r#"xmlns:i="http://www.w3.org/2001/XMLSchema-instance""#;
        let expected = vec![
            some("Notes", "a <&BC <d>"),
            some("ContactEmail", ""),
            ("CompanyId".to_owned(), Entry::Absent),
        ];
        assert_eq!(one(&format!("<CreateApiKey {i} {NS}>{inner}</CreateApiKey>")), Ok(vec![expected]));
        assert_eq!(one(&format!("<?xml version=\"1.0\"?><CreateApiKey {NS}/>")), Ok(vec![Vec::new()]));
        let many = |inner: &str| {
            let list = format!("<ArrayOfCreateApiKey {NS}>{inner}</ArrayOfCreateApiKey>");
            records(&list, "CreateApiKey", Count::Many)
        };
        assert_eq!(many(""), Ok(Vec::new()));
        let two = many("<CreateApiKey><Notes>a</Notes></CreateApiKey> <CreateApiKey/>");
        assert_eq!(two, Ok(vec![vec![some("Notes", "a")], Vec::new()]));
        assert!(
            many("<Notes/>").is_err()
                && records(&format!("<CreateApiKey {NS}/>"), "CreateApiKey", Count::Many).is_err()
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for wrong in [
            "",
            "<CreateApiKey/>",
            &format!("<ApiKeyQuery {NS}/>"),
            &format!("<CreateApiKey {NS}>"),
            &format!("<CreateApiKey {NS}/><CreateApiKey {NS}/>"),
            &format!("<CreateApiKey {NS}><Notes><b/></Notes></CreateApiKey>"),
            &format!("<CreateApiKey {NS}>text</CreateApiKey>"),
            &format!("<CreateApiKey {NS}><Notes>&nbsp;</Notes></CreateApiKey>"),
            &format!("<!DOCTYPE a [<!ENTITY b \"c\">]><CreateApiKey {NS}><Notes>&b;</Notes></CreateApiKey>"),
            &format!("<CreateApiKey {NS}><Notes>a</Note></CreateApiKey>"),
        ] {
            assert!(one(wrong).is_err(), "{wrong}");
        }
    }
}
