//! Forms: forged ones change nothing, and final steps ask first.

use super::world::{Browser, SITE, World};
use crate::console::parts;

#[test]
fn a_form_without_its_session_s_token_or_from_another_site_changes_nothing() {
    let world = World::new();
    let mut admin = world.login("admin");
    let own = world.get(&mut admin, "/console/try").form_token();
    let other = world.get(&mut world.login("ann"), "/console/try").form_token();
    assert_eq!(own.len(), 64);
    let here = ("origin", SITE);
    let forged: [(&str, Vec<(&str, &str)>); 12] = [
        ("", vec![here]),
        (&other, vec![here]),
        (&own.to_uppercase(), vec![here]),
        (&own, vec![("origin", "https://evil.example")]),
        (&own, vec![("origin", "null"), ("host", "")]),
        (&own, vec![]),
        (&own, vec![("host", "127.0.0.1:8080"), ("referer", "https://evil.example/console/try")]),
        (&own, vec![("host", "127.0.0.1:8080"), ("referer", "127.0.0.1:8080/console/try")]),
        (&own, vec![("host", ""), ("referer", "http:///console/try")]),
        (&own, vec![("origin", "https://evil.example"), ("referer", SITE)]),
        (&own, vec![here, ("sec-fetch-site", "cross-site")]),
        (&own, vec![here, ("sec-fetch-site", "same-site")]),
    ];
    let before = world.events();
    for (path, fields) in world.forms() {
        for (token, headers) in &forged {
            let fields: Vec<_> = [("form_token", *token)].into_iter().chain(fields.iter().copied()).collect();
            let answer = world.send_with(&mut admin.clone(), "POST", &path, &fields, headers);
            assert_eq!(answer.status, 403, "{path} {headers:?}");
        }
    }
    assert_eq!(world.events(), before);
    assert_eq!(world.get(&mut admin, "/console").status, 200, "still logged in");
}

/// Browsers that send neither `Origin` nor `Sec-Fetch-Site` say where the form was by its address.
#[test]
fn a_form_whose_referer_is_a_page_of_this_site_is_taken() {
    let address = format!("{SITE}/console/bots?q=");
    for headers in [
        [("referer", address.as_str()), ("host", "")],
        [("referer", "http://127.0.0.1:8080/console/bots"), ("host", "127.0.0.1:8080")],
        [("referer", SITE), ("host", "")],
    ] {
        let world = World::new();
        let mut admin = world.login("admin");
        let token = world.get(&mut admin, "/console/bots").form_token();
        let fields = [("form_token", token.as_str()), ("name", "New")];
        let answer = world.send_with(&mut admin, "POST", "/console/bots", &fields, &headers);
        assert_eq!(answer.status, 303, "{headers:?}");
    }
}

#[test]
fn what_cannot_be_undone_is_asked_about_first() {
    let world = World::new();
    let mut admin = world.login("admin");
    let token = world.get(&mut admin, "/console/try").form_token();
    let (bot, key) = (format!("bots/{}/api-key", world.bot), format!("key/{}", world.key));
    let send = |admin: &mut Browser, path: &str, fields: &[(&str, &str)]| {
        let all: Vec<_> =
            [("form_token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        world.send(admin, "POST", &format!("/console/{path}"), &all)
    };
    assert_eq!(send(&mut admin, &bot, &[("do", "generate")]).status, 200);
    let id = world.key.to_string();
    let list = format!("keys/native?owner={}", world.user);
    for (path, fields) in [
        (&key, &[("do", "rotate"), ("grace", "0")][..]),
        (&key, &[("do", "revoke"), ("reason", "superseded")]),
        (&bot, &[("do", "regenerate")]),
        (&bot, &[("do", "clear")]),
        (&list, &[("do", "delete"), ("key", &id), ("shown", "the key that begins with kw_x")]),
    ] {
        let before = world.events();
        let asked = send(&mut admin, path, fields);
        assert_eq!((asked.status, world.events()), (200, before), "{path} {fields:?}");
        // The page has all that it takes to go on.
        for (name, value) in fields.iter().filter(|(name, _)| *name != "shown") {
            let kept = format!("name=\"{name}\" value=\"{value}\"");
            assert!(asked.text.contains(&kept), "{kept} in {}", asked.text);
        }
        assert!(
            asked.text.contains(r#"name="sure" value="yes""#) && asked.text.contains("Cancel"),
            "{}",
            asked.text
        );
    }
    let graceful = send(&mut admin, &key, &[("do", "rotate"), ("grace", "24")]);
    assert!(graceful.text.contains("Copy the key now"), "the old one goes on: {}", graceful.text);
}

#[test]
fn each_of_these_forms_changes_something_when_it_is_the_session_s_own() {
    let count = World::new().forms().len();
    for at in 0..count {
        let world = World::new();
        let mut admin = world.login("admin");
        let token = world.get(&mut admin, "/console/try").form_token();
        let (path, fields) = world.forms().swap_remove(at);
        let fields: Vec<_> = [("form_token", token.as_str())].into_iter().chain(fields).collect();
        let before = world.events();
        let answer = world.send(&mut admin, "POST", &path, &fields);
        assert!([200, 303].contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
        let ends_session = path.ends_with("logout") || fields.contains(&("do", "end-sessions"));
        let logged_in = world.get(&mut admin, "/console").status == 200;
        assert_eq!((world.events() > before, logged_in), (!ends_session, !ends_session), "{path} {fields:?}");
    }
}

#[test]
fn a_refused_form_of_a_user_changes_nothing_of_what_it_says() {
    let world = World::new();
    let mut admin = world.login("admin");
    let token = world.get(&mut admin, "/console/try").form_token();
    let before = world.events();
    for (id, more) in [
        (world.bot, vec![("password", "secret"), ("password_again", "secret")]),
        (world.user, vec![("pending", "yes"), ("api_access", "yes")]),
    ] {
        let fields = [("form_token", token.as_str()), ("do", "save"), ("username", "renamed")];
        let fields = fields.into_iter().chain([("role", "user"), ("status", "active")]).chain(more);
        let fields: Vec<_> = fields.collect();
        let answer = world.send(&mut admin, "POST", &format!("/console/config/users/{id}"), &fields);
        assert!(answer.status >= 400, "{}", answer.status);
    }
    assert_eq!(world.events(), before);
}

#[test]
fn what_is_chosen_stays_even_if_it_is_not_offered() {
    let options = [("a".to_owned(), "A".to_owned())];
    let select = |chosen| {
        parts::field::FieldOf::new("company", "Company", None).select(&options, chosen).into_string()
    };
    assert!(select("a").contains("<option value=\"a\" selected>A") && !select("a").contains("value=\"b\""));
    assert!(select("b").contains("<option value=\"b\" selected>b") && select("b").contains(">A</option>"));
}

#[test]
fn api_access_ends_a_key_only_after_a_confirmation() {
    let world = World::new();
    let mut admin = world.login("admin");
    let token = world.get(&mut admin, "/console/try").form_token();
    let path = format!("/console/config/users/{}", world.user);
    let mut save = |more: &[&'static str]| {
        let fields = [("form_token", token.as_str()), ("do", "save"), ("username", "flo"), ("role", "user")];
        let more = more.iter().map(|field| (*field, "yes"));
        let fields: Vec<_> = fields.into_iter().chain([("status", "active")]).chain(more).collect();
        world.send(&mut admin, "POST", &path, &fields)
    };
    assert_eq!(save(&["api_access"]).status, 303);
    let before = world.events();
    let asked = save(&[]);
    assert_eq!((asked.status, world.events()), (400, before));
    assert!(asked.text.contains("End the API key"), "{}", asked.text);
    assert_eq!(save(&["end_access"]).status, 303);
    assert!(world.events() > before);
    assert_eq!(save(&[]).status, 303, "without access there is nothing to confirm");
}
