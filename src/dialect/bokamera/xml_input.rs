//! Requests in XML: one element with an element for each field, in any order. Neither document types nor entities beyond
//! the five of XML itself are read.

use quick_xml::NsReader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace as XmlNamespace, ResolveResult};

use super::record::Namespace;

const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// A field and its text; `None` where it says that there is none.
type Fields = Vec<(String, Option<String>)>;

/// The fields of the request of this name.
///
/// # Errors
/// What is wrong, in words that repeat nothing of it.
pub(super) fn fields(xml: &[u8], request: &str) -> Result<Fields, &'static str> {
    let xml = std::str::from_utf8(xml).map_err(|_| "the body is not UTF-8")?;
    let mut reader = NsReader::from_str(xml.trim_start_matches('\u{feff}'));
    let mut reading = Reading { request, state: State::Before, fields: Vec::new() };
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| MALFORMED)?;
        let own = namespace == ResolveResult::Bound(XmlNamespace(Namespace::Dtos.address()));
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
    state: State,
    fields: Fields,
}

enum State {
    Before,
    Root,
    Field { name: String, text: Option<String> },
    After,
}

impl Reading<'_> {
    fn start(&mut self, own: bool, name: &str, nil: bool) -> Result<(), &'static str> {
        self.state = match self.state {
            State::Before if own && name == self.request => State::Root,
            State::Before => return Err("the root element is not the request, in its namespace"),
            State::Root => State::Field { name: name.to_owned(), text: (!nil).then(String::new) },
            State::Field { .. } => return Err("a field has elements in it"),
            State::After => return Err(MALFORMED),
        };
        Ok(())
    }

    fn end(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::After) {
            State::Field { name, text } => {
                self.fields.push((name, text));
                State::Root
            }
            State::Before | State::Root | State::After => State::After,
        };
    }

    fn text(&mut self, more: &str) -> Result<(), &'static str> {
        match &mut self.state {
            State::Field { text: Some(text), .. } => {
                text.push_str(more);
                Ok(())
            }
            State::Field { text: None, .. } | State::Before | State::Root | State::After => {
                if more.trim().is_empty() { Ok(()) } else { Err("there is text where there can be none") }
            }
        }
    }

    fn done(self) -> Result<Fields, &'static str> {
        match self.state {
            State::After => Ok(self.fields),
            State::Before | State::Root | State::Field { .. } => Err(MALFORMED),
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

/// What a reference stands for.
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

    fn read(inner: &str) -> Result<Fields, &'static str> {
        let i = r#"xmlns:i="http://www.w3.org/2001/XMLSchema-instance""#;
        fields(format!("<CreateApiKey {i} {NS}>{inner}</CreateApiKey>").as_bytes(), "CreateApiKey")
    }

    fn some(name: &str, text: &str) -> (String, Option<String>) {
        (name.to_owned(), Some(text.to_owned()))
    }

    #[test]
    fn fields_are_read_in_any_order_with_what_stands_for_letters() {
        let read = read(
            "\n <Notes>a &lt;&amp;&#x42;&#67; <![CDATA[<d>]]></Notes><ContactEmail/><CompanyId i:nil=\"true\" /> ",
        );
        let expected =
            vec![some("Notes", "a <&BC <d>"), some("ContactEmail", ""), ("CompanyId".to_owned(), None)];
        assert_eq!(read, Ok(expected));
        let bare = format!("\u{feff}<?xml version=\"1.0\"?><CreateApiKey {NS}/>");
        assert_eq!(fields(bare.as_bytes(), "CreateApiKey"), Ok(Vec::new()));
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
            assert!(fields(wrong.as_bytes(), "CreateApiKey").is_err(), "{wrong}");
        }
        assert!(fields(b"<a>\xff</a>", "CreateApiKey").is_err());
    }
}
