//! Pages: what each user sees, headers, and the path of the site.

use super::world::{Browser, SITE, World};
use crate::command::{AddCompany, Caller, CreateKey};
use crate::console::{Console, assets};
use crate::engine::{NewCompany, NewKey};
use crate::http::{Entrance, Head};
use crate::key::{Keyspace, Level};

#[test]
fn a_company_s_account_is_no_bot_and_keys_of_every_keyspace_are_counted() {
    let world = World::new();
    let mut admin = world.login("admin");
    let company = NewCompany { id: None, name: "Acme".parse().unwrap() };
    let company = world.service.run(&Caller::operator(), AddCompany(company)).unwrap();
    let bots = world.get(&mut admin, "/console/bots").text;
    assert!(!bots.contains("Acme") && bots.contains("1 entry"), "{bots}");
    assert_eq!(world.get(&mut admin, &format!("/console/bots/{}", company.account)).status, 404);
    assert!(world.get(&mut admin, "/console").text.contains("Bots: 1."));
    for keyspace in [Keyspace::NATIVE, Keyspace::FILEBIN] {
        let new = NewKey::new(*keyspace.name(), world.bot, Level::READ);
        world.service.run(&Caller::operator(), CreateKey(new)).unwrap();
    }
    let users = world.get(&mut admin, "/console/config/users").text;
    assert!(users.contains(&format!("/console/keys/native?owner={}\">2</a>", world.bot)), "{users}");
    assert!(users.contains("(account of its company)"), "{users}");
    let tab = world.get(&mut admin, &format!("/console/bots/{}/api-key", world.bot)).text;
    assert!(tab.contains("no QReserve API key") && tab.contains("filebin</a> (1)"), "{tab}");
    // A second bot of the same name is refused beside the field.
    let token = world.get(&mut admin, "/console/bots").form_token();
    for status in [303, 409] {
        let fields = [("form_token", token.as_str()), ("name", "Lab")];
        let answer = world.send(&mut admin, "POST", "/console/bots", &fields);
        assert_eq!(answer.status, status);
        assert_eq!(answer.text.contains("name-problem"), status == 409, "{}", answer.text);
    }
}

#[test]
fn nobody_sees_or_changes_what_is_not_theirs() {
    let world = World::new();
    let (mut admin, mut ann) = (world.login("admin"), world.login("ann"));
    let (user, bot, key) = (world.user, world.bot, world.key);
    for (path, of_ann) in [
        ("".to_owned(), 200),
        ("/config".to_owned(), 200),
        ("/config/users".to_owned(), 200),
        ("/config/users/new".to_owned(), 403),
        (format!("/config/users/{user}"), 403),
        ("/config/users/999999".to_owned(), 403),
        ("/bots".to_owned(), 403),
        (format!("/bots/{bot}"), 403),
        (format!("/bots/{bot}/api-key"), 403),
        ("/keys/native".to_owned(), 200),
        (format!("/keys/native?owner={user}"), 403),
        (format!("/key/{key}"), 403),
        ("/key/00000000-0000-4000-8000-000000000000".to_owned(), 403),
        ("/try".to_owned(), 200),
        ("/audit".to_owned(), 403),
    ] {
        let path = format!("/console{path}");
        let nobody = world.get(&mut Browser::default(), &path);
        assert_eq!(nobody.status, 303, "{path}");
        assert!(nobody.header("location").unwrap().starts_with("/console/login"), "{path}");
        assert_eq!(world.get(&mut ann, &path).status, of_ann, "{path}");
        let gone = path.contains("999999") || path.contains("/00000000");
        assert_eq!(world.get(&mut admin, &path).status, if gone { 403 } else { 200 }, "{path}");
    }
    let token = world.get(&mut ann, "/console/try").form_token();
    let before = world.events();
    for (path, fields) in world.forms() {
        let own = path.contains("/keys/") || path.ends_with("logout");
        let fields: Vec<_> = [("form_token", token.as_str())].into_iter().chain(fields).collect();
        if !own {
            assert_eq!(world.send(&mut ann, "POST", &path, &fields).status, 403, "{path} {fields:?}");
        }
    }
    assert_eq!(world.events(), before);
}

#[test]
fn every_answer_tells_the_browser_what_not_to_do() {
    let world = World::new();
    let mut admin = world.login("admin");
    let mut paths: Vec<_> =
        ["", "/try", "/nowhere", "/login", "/assets/console.css", "/assets/icon.svg"].to_vec();
    paths.extend(["/config/users", "/keys/filebin", "/logout", "/assets/none"]);
    for path in paths {
        let answer = world.get(&mut admin, &format!("/console{path}"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        let is_asset = path.starts_with("/assets/") && answer.status == 200;
        assert_eq!(answer.header("cache-control") == Some("no-store"), !is_asset, "{path}");
        assert!(!answer.text.contains("style=") && !answer.text.contains("onclick"), "{path}");
    }
    let style = assets::STYLE.address();
    let kept = world.get(&mut admin, &style);
    assert!(kept.header("cache-control").unwrap().contains("immutable"), "{style}");
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(world.send(&mut admin, method, "/console/try", &[]).status, 405);
    }
    assert_eq!(world.send(&mut admin, "HEAD", "/console", &[]).status, 200);
}

#[test]
fn only_a_browser_that_goes_to_the_root_is_the_console_s() {
    let console = Console::new(SITE.parse().unwrap());
    let passes = |method: &str, path: &str, fields: &[(&str, &str)]| {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        console.passes(&Head {
            method,
            path,
            query: "",
            client: None,
            entrance: Entrance::Local,
            fields: &fields,
        })
    };
    let page = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    assert!(!passes("GET", "/", &[page]) && !passes("HEAD", "/", &[page]));
    assert!(passes("GET", "/", &[("accept", "*/*")]) && passes("GET", "/", &[]));
    assert!(passes("GET", "/", &[page, ("authorization", "QR-1")]) && passes("POST", "/", &[page]));
    assert!(!passes("POST", "/console/login", &[]));
}

#[test]
fn below_a_path_every_link_redirect_and_cookie_is_below_it_whether_a_proxy_takes_it_away_or_not() {
    let world = World { console: Console::new(format!("{SITE}/keys").parse().unwrap()), ..World::new() };
    for before in ["/keys", ""] {
        let mut browser = Browser::default();
        let token = world.get(&mut browser, &format!("{before}/console/login")).form_token();
        let fields = [("form_token", token.as_str()), ("login", "admin"), ("password", "password")];
        let login =
            world.send(&mut browser, "POST", &format!("{before}/console/login?to=/console/bots"), &fields);
        assert_eq!((login.status, login.header("location")), (303, Some("/keys/console/bots")));
        assert!(login.header("set-cookie").unwrap().contains("Path=/keys/console"), "{before}");
        for page in ["/console", "/console/config/users", "/console/audit", "/console/keys/native"] {
            let page = world.get(&mut browser, &format!("{before}{page}"));
            assert_eq!(page.status, 200);
            for start in ["href=\"", "src=\"", "action=\""] {
                let stray = page
                    .text
                    .split(start)
                    .skip(1)
                    .find(|to| to.starts_with('/') && !to.starts_with("/keys/console"));
                assert_eq!(stray.map(|rest| rest.get(..20)), None);
            }
        }
        let root = world.get(&mut browser, &format!("{before}/"));
        assert_eq!(root.header("location"), Some("/keys/console"));
        let outside = world.get(&mut Browser::default(), &format!("{before}/console/bots"));
        assert_eq!(outside.header("location"), Some("/keys/console/login?to=/console/bots"));
    }
}
