//! A session in the console, and a key that is shown there once.

use crate::site::{Server, Site};

/// A request of a browser that is on a page of this site.
fn request(method: &str, path: &str, cookie: &str, fields: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\norigin: http://x\r\ncookie: {cookie}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{fields}",
        fields.len()
    )
}

/// Text between `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: char) -> &'a str {
    text.split_once(before).unwrap().1.split(after).next().unwrap()
}

fn form_token(page: &str) -> String {
    between(page, "name=\"form_token\" value=\"", '"').to_owned()
}

/// Logs in, creates a key that is shown once, tries it out, and logs in wrongly.
pub(crate) fn use_console(site: &mut Site, server: &Server, name: &str, password: &str, wrong: &str) {
    let page = site.ask(server, &request("GET", "/console/login", "", ""), &[]);
    let (visitor, token) = (between(&page, "set-cookie: ", ';').to_owned(), form_token(&page));
    let login = |password| format!("form_token={token}&login={name}&password={password}");
    let refused = site.ask(server, &request("POST", "/console/login", &visitor, &login(wrong)), &[]);
    assert!(refused.contains("is wrong"), "{refused}");
    let let_in = request("POST", "/console/login", &visitor, &login(password));
    let let_in = site.ask(server, &let_in, &["session"]);
    let session = between(&let_in, "set-cookie: ", ';').to_owned();
    site.planted.plant("session", session.split_once('=').unwrap().1.as_bytes());

    let page = site.ask(server, &request("GET", "/console/keys/native", &session, ""), &[]);
    let token = form_token(&page);
    let create = format!("form_token={token}&do=create&comment=console&level=2");
    let created = request("POST", "/console/keys/native", &session, &create);
    let created = site.ask(server, &created, &["shown in the console"]);
    let text = between(&created, "id=\"new-key\">", '<').to_owned();
    site.planted.plant_key("native", "shown in the console", &text);
    for key in [&text, password] {
        let fields = format!("form_token={token}&tried_key={key}&keyspace=native&level=0");
        site.ask(server, &request("POST", "/console/try", &session, &fields), &[]);
    }
    for path in ["/console", "/console/keys/native", "/console/audit"] {
        site.ask(server, &request("GET", path, &session, ""), &[]);
    }
    // The keys that come with API access stand in line, as documented.
    let in_line = ["telvue", "telvue, as text"];
    site.ask(server, &request("GET", "/console/config/users", &session, ""), &in_line);
}
