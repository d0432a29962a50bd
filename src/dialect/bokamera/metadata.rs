//! Pages about the operations, for people.

use super::record::Namespace;
use crate::exchange::RawResponse;

/// An operation as its page describes it.
struct Described {
    name: &'static str,
    does: &'static str,
    roles: &'static str,
    routes: &'static [&'static str],
    takes: &'static [(&'static str, &'static str)],
    answers: &'static str,
}

const ROLES: &str = "bookingsupplier-administrator-write, superadmin";

const OPERATIONS: [Described; 3] = [
    Described {
        name: "CreateApiKey",
        does: "Makes an API key for the company of whoever is logged in.",
        roles: ROLES,
        routes: &["POST /apikeys", "POST /api/CreateApiKey", "POST /json/reply/CreateApiKey"],
        takes: &[
            ("CompanyId", "Guid. Another company than one's own; counts only from a superadmin."),
            (
                "ContactEmail",
                "Whom to ask about the key. Left out: the e-mail address of whoever is logged in.",
            ),
            ("Notes", "Free text."),
        ],
        answers: "ApiKeyResponse",
    },
    Described {
        name: "ApiKeyQuery",
        does: "Lists the API keys of the company of whoever is logged in, oldest first.",
        roles: ROLES,
        routes: &["GET /apikeys", "GET /api/ApiKeyQuery", "GET /json/reply/ApiKeyQuery"],
        takes: &[
            ("CompanyId", "Guid. Another company than one's own; counts only from a superadmin."),
            ("ActiveOnly", "Boolean. Leaves out keys that are cancelled or expired."),
        ],
        answers: "ApiKeyQueryResponse",
    },
    Described {
        name: "Authenticate",
        does: "Gives a token for a user name or an e-mail address and a password, good for seven days.",
        roles: "none",
        routes: &["POST /authenticate", "POST /api/Authenticate"],
        takes: &[("UserName", "User name or e-mail address."), ("Password", "Password.")],
        answers: "AuthenticateResponse",
    },
];

/// The page of the operation that the query names, or of all.
pub(super) fn page(query: &str) -> RawResponse {
    let named = query.split('&').find_map(|pair| pair.strip_prefix("op="));
    let found = OPERATIONS.iter().find(|one| named.is_some_and(|name| one.name.eq_ignore_ascii_case(name)));
    let (title, body) = found.map_or_else(|| ("Operations", index()), |one| (one.name, described(one)));
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1>\n{body}</html>\n"
    );
    RawResponse::new(200, "text/html; charset=utf-8", html)
}

fn index() -> String {
    let formats = ["json", "xml", "csv", "jsv"];
    let item = |one: &Described| {
        let name = one.name;
        let links = formats.map(|format| format!("<a href=\"/{format}/metadata?op={name}\">{format}</a>"));
        format!("<li>{name} ({})\n", links.join(" "))
    };
    format!("<ul>\n{}</ul>\n", OPERATIONS.iter().map(item).collect::<String>())
}

fn described(one: &Described) -> String {
    let list = |items: &[String]| items.iter().map(|item| format!("<li>{item}\n")).collect::<String>();
    let routes: Vec<_> = one.routes.iter().map(|route| format!("<code>{route}</code>")).collect();
    let takes: Vec<_> = one.takes.iter().map(|(name, what)| format!("<code>{name}</code>: {what}")).collect();
    let namespace = Namespace::Dtos.address();
    format!(
        "<p>{}\n<p>Requires any of the roles: {}\n<ul>\n{}</ul>\n<p>Takes, all of it optional:\n<ul>\n{}</ul>\n\
         <p>Answers {}. In XML the namespace is <code>{namespace}</code>.\n\
         <p>To choose the format use the Accept header field, the end of the address (.xml) or ?format=xml.\n\
         <p><a href=\"/metadata\">All operations</a>\n",
        one.does,
        one.roles,
        list(&routes),
        list(&takes),
        one.answers,
    )
}
