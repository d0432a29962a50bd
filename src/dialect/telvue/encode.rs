//! Answers in XML, records in the style of Ruby on Rails: dashes in names, a type where it is not text, `nil` where there
//! is nothing.

use std::io;

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::Refusal;
use super::content::{Content, Value};
use crate::http::RawResponse;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The declaration of refusals, as it is documented.
const REFUSED: &str = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n";

type Xml = Writer<Vec<u8>>;

/// The version of the server.
pub(super) fn software_version(version: &str) -> RawResponse {
    document(200, DECLARATION, |xml| element(xml, "software-version", &[], version))
}

/// A record.
pub(super) fn content(content: &Content) -> RawResponse {
    document(200, DECLARATION, |xml| {
        xml.create_element("content-file").write_inner_content(|xml| {
            if let Some(id) = content.id {
                element(xml, "id", &[("type", "integer")], &id.to_string())?;
            }
            for (name, value) in &content.fields {
                field(xml, &name.replace('_', "-"), value.as_ref())?;
            }
            list(
                xml,
                "categories",
                &[("type", "array")],
                content.categories.iter().map(|text| ("category", text)),
            )?;
            let pairs = content.custom_metadata.iter().map(|(name, text)| (name.as_str(), text));
            list(xml, "custom-metadata", &[], pairs)
        })?;
        Ok(())
    })
}

/// A refusal.
pub(super) fn refusal(refusal: &Refusal) -> RawResponse {
    let response = if let Refusal::Invalid(mistakes) = refusal {
        document(refusal.status(), DECLARATION, |xml| {
            let sentences: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            list(xml, "errors", &[], sentences.iter().map(|text| ("error", text)))
        })
    } else {
        document(refusal.status(), REFUSED, |xml| element(xml, "error", &[], refusal.message()))
    };
    match refusal {
        // RFC 9110 asks for one; no scheme of it is for a key in the address.
        Refusal::AccessDenied => response.with_header("www-authenticate", r#"ApiKey realm="telvue""#),
        Refusal::MethodNotAllowed(methods) => response.with_header("allow", methods.join(", ")),
        Refusal::RateLimited { retry_after_seconds: Some(seconds) } => {
            response.with_header("retry-after", seconds.to_string())
        }
        Refusal::LevelTooLow
        | Refusal::RateLimited { retry_after_seconds: None }
        | Refusal::NotFound
        | Refusal::TooLarge
        | Refusal::Incomplete
        | Refusal::Invalid(_)
        | Refusal::Undecided
        | Refusal::Broken => response,
    }
}

fn document(status: u16, declaration: &str, write: impl FnOnce(&mut Xml) -> io::Result<()>) -> RawResponse {
    let mut xml = Writer::new_with_indent(declaration.as_bytes().to_vec(), b' ', 2);
    // Writing into memory cannot fail.
    let _ = write(&mut xml);
    let mut body = xml.into_inner();
    body.push(b'\n');
    RawResponse::new(status, "application/xml; charset=utf-8", body)
}

fn field(xml: &mut Xml, name: &str, value: Option<&Value>) -> io::Result<()> {
    match value {
        None => {
            xml.create_element(name).with_attribute(("nil", "true")).write_empty()?;
            Ok(())
        }
        Some(Value::Text(text)) => element(xml, name, &[], text),
        Some(Value::Seconds(seconds)) => element(xml, name, &[("type", "integer")], &seconds.to_string()),
        Some(Value::Day(day)) => element(xml, name, &[("type", "datetime")], &format!("{day}T00:00:00Z")),
    }
}

fn element(xml: &mut Xml, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
    let element = xml.create_element(name).with_attributes(attributes.iter().copied());
    element.write_text_content(BytesText::new(text))?;
    Ok(())
}

/// An element with one in it for each of `values`; none at all without any.
fn list<'a>(
    xml: &mut Xml,
    name: &str,
    attributes: &[(&str, &str)],
    values: impl Iterator<Item = (&'a str, &'a String)>,
) -> io::Result<()> {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let element_of_all = xml.create_element(name).with_attributes(attributes.iter().copied());
    element_of_all
        .write_inner_content(|xml| values.try_for_each(|(name, text)| element(xml, name, &[], text)))?;
    Ok(())
}
