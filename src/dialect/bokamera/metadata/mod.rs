//! Pages about the operations, for people, and their types for programs, as ServiceStack makes them.

mod code;
mod model;

use quick_xml::escape::partial_escape;

use self::code::Language;
use self::model::{OPERATIONS, Operation, Type};
use super::encode::{self, Style};
use super::format::Format;
use super::record::Answer;
use super::refusal::{Refusal, RefusedRequest};
use crate::http::{Query, RawResponse};

const FORMATS: [(Format, &str); 5] = [
    (Format::Xml, "xml"),
    (Format::Json, "json"),
    (Format::Csv, "csv"),
    (Format::Jsv, "jsv"),
    (Format::JsonLines, "jsonl"),
];

/// The types in a language.
///
/// # Errors
/// [`Refusal::NoSuchAddress`] where there is no such language.
pub(super) fn types(language: &str) -> Result<RawResponse, RefusedRequest> {
    let language = Language::named(language).ok_or(Refusal::NoSuchAddress)?;
    Ok(RawResponse::new(200, "text/plain; charset=utf-8", language.code(&OPERATIONS)))
}

/// The page of the operation that the query names, or of all.
pub(super) fn page(path: &str, query: &str) -> RawResponse {
    let named = |parameter: &str| Query::new(query).first_ignoring_case(parameter);
    let found =
        OPERATIONS.iter().find(|one| named("op").is_some_and(|op| one.request.name.eq_ignore_ascii_case(op)));
    // Addresses of pages are beside this one, wherever this API is.
    let up = "../".repeat(path.matches('/').count().saturating_sub(1));
    let (title, body) = match found {
        None => ("Operations", index(&up)),
        Some(one) => {
            let format = path.split('/').nth(1).and_then(Format::named).unwrap_or(Format::Json);
            let language = named("lang").and_then(Language::named);
            (one.request.name, described(one, format, language, &up))
        }
    };
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n<p>BokaMera.API.Host\n{body}</html>\n"
    );
    RawResponse::new(200, "text/html; charset=utf-8", html)
}

fn index(up: &str) -> String {
    let item = |one: &Operation| {
        let name = one.request.name;
        let links =
            FORMATS.map(|(_, format)| format!("<a href=\"{up}{format}/metadata?op={name}\">{format}</a>"));
        format!("<li>{name} ({})\n", links.join(" "))
    };
    let types = Language::ALL
        .map(|(language, name)| format!("<li><a href=\"{up}types/{name}\">{}</a>\n", language.title()));
    format!(
        "<h1>Operations</h1>\n<ul>\n{}</ul>\n<h2>All types</h2>\n<ul>\n{}</ul>\n",
        OPERATIONS.iter().map(item).collect::<String>(),
        types.concat(),
    )
}

fn described(one: &Operation, format: Format, language: Option<Language>, up: &str) -> String {
    let ((verb, path), (does, notes)) = (one.route, one.does);
    let name = one.request.name;
    let roles = one.roles.map_or_else(String::new, |roles| {
        format!("<p>Requires Authentication\n<p>Requires any of the roles:{roles}\n")
    });
    let languages = Language::ALL
        .map(|(language, lang)| format!("<a href=\"?op={name}&amp;lang={lang}\">{}</a>", language.title()));
    let code = language.map_or_else(String::new, |language| {
        let code = language.code(std::slice::from_ref(one));
        format!("<pre><code>{}</code></pre>\n<p>{} {name} DTOs\n", partial_escape(&code), language.title())
    });
    format!(
        "<p><a href=\"{up}metadata\">&lt;back to all web services</a>\n<h1>{name}</h1>\n{roles}\
         <p>The following routes are available for this service:\n\
         <table><tr><th>{verb}<td><code>{path}</code><td>{does}<td>{notes}</table>\n\
         <p>Also at <code>/api/{name}</code> and <code>/json/reply/{name}</code>.\n\
         <p>{}\n{code}{}\
         <p>To override the Content-type in your clients, use the HTTP <b>Accept</b> Header, append the <b>.xml</b> suffix or \
         <b>?format=xml</b>\n{}",
        languages.join(" "),
        one.types().into_iter().map(table).collect::<String>(),
        samples(one, format, up),
    )
}

/// The fields of a type.
fn table(one: &Type) -> String {
    let row = |field: &model::Member| {
        let (name, kind, means) = (field.name, partial_escape(field.kind.name()), field.means);
        format!("<tr><td>{name}<td>{kind}<td>{means}\n")
    };
    format!(
        "<h2>{}</h2>\n<table><tr><th>Name<th>Type<th>Description\n{}</table>\n",
        one.name,
        one.fields.iter().map(row).collect::<String>(),
    )
}

/// A request and its answer as they go over the wire.
fn samples(one: &Operation, format: Format, up: &str) -> String {
    let (verb, path) = one.route;
    let name = one.request.name;
    let title = FORMATS.into_iter().find(|(known, _)| *known == format).map_or("", |(_, name)| name);
    let (media_type, asked) = sample(one.request, format);
    let (_, answered) = sample(one.response, format);
    let body = if verb == "POST" {
        format!("Content-Type: {media_type}\nContent-Length: length\n\n{asked}")
    } else {
        String::new()
    };
    let links =
        FORMATS.map(|(_, format)| format!("<a href=\"{up}{format}/metadata?op={name}\">{format}</a>"));
    format!(
        "<h2>HTTP + {}</h2>\n<p>{}\n<p>The following are sample HTTP requests and responses. The placeholders shown need to be \
         replaced with actual values.\n<pre>{verb} {path} HTTP/1.1\nAccept: {media_type}\n{body}</pre>\n\
         <pre>HTTP/1.1 200 OK\nContent-Type: {media_type}\nContent-Length: length\n\n{answered}</pre>\n",
        title.to_ascii_uppercase(),
        links.join(" "),
    )
}

/// A type in a format, with placeholders for values, ready for the page.
fn sample(one: &Type, format: Format) -> (&'static str, String) {
    let (media_type, body) = encode::body(&Answer::One(one.sample()), Style { format, camel_case: false });
    let body = if format == Format::Xml { encode::laid_out(one.sample()) } else { body };
    let media_type = media_type.split(';').next().unwrap_or(media_type);
    let text = String::from_utf8_lossy(&body).replace('\r', "");
    (media_type, partial_escape(&text).into_owned())
}
