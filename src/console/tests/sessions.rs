//! Sessions: login, cookies and passwords.

use super::world::{Answer, Browser, World};

#[test]
fn a_session_s_cookie_is_the_browser_s_alone_and_new_after_each_login() {
    let world = World::new();
    let mut browser = Browser::default();
    let wrong = world.try_login(&mut browser, "admin", "wrong");
    let unknown = world.try_login(&mut Browser::default(), "nobody", "wrong");
    let bot = world.try_login(&mut Browser::default(), "robot", "");
    assert_eq!((wrong.status, unknown.status, bot.status), (400, 400, 400));
    let said = |answer: &Answer| answer.text.contains("The user name or the password is wrong.");
    assert!(said(&wrong) && said(&unknown) && said(&bot));
    let first = world.try_login(&mut browser, "admin", "password");
    let cookie = first.header("set-cookie").unwrap();
    for part in ["keyward_session=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/console"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let session =
        |browser: &Browser| browser.cookies.iter().find(|(name, _)| name == "keyward_session").cloned();
    let before = session(&browser);
    assert_eq!(world.try_login(&mut browser, "admin", "password").status, 303);
    assert_ne!(session(&browser), before, "rotated at login");
    let plain = [("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")];
    let token = world.get(&mut browser, "/console/login").form_token();
    let fields = [("form_token", token.as_str()), ("login", "admin"), ("password", "password")];
    let answer = world.send_with(&mut browser, "POST", "/console/login", &fields, &plain);
    assert_eq!(answer.status, 303);
    assert!(!answer.header("set-cookie").unwrap().contains("Secure"), "there is no TLS to wait for");
}

#[test]
fn guessing_has_to_wait_and_the_form_says_how_long() {
    let world = World::new();
    let mut browser = Browser::default();
    let answers: Vec<_> = (0..8).map(|_| world.try_login(&mut browser, "flo", "guess")).collect();
    assert_eq!(answers.iter().filter(|answer| answer.status == 400).count(), 5);
    let last = answers.last().unwrap();
    assert_eq!((last.status, last.header("retry-after")), (503, Some("1")));
    assert!(last.text.contains("Try again in 1 seconds"));
    world.login("ann");
}

#[test]
fn after_logging_in_one_comes_back_to_a_page_of_ours_and_to_no_other() {
    let world = World::new();
    let asked = world.get(&mut Browser::default(), "/console/config/users");
    assert_eq!(asked.header("location"), Some("/console/login?to=/console/config/users"));
    for (to, leads_to) in [
        ("/console/config/users", "/console/config/users"),
        ("https://evil.example", "/console"),
        ("//evil.example", "/console"),
        ("/console%0d%0aset-cookie:x=y", "/console"),
        ("/console@evil.example", "/console"),
    ] {
        let mut browser = Browser::default();
        let token = world.get(&mut browser, "/console/login").form_token();
        let fields = [("form_token", token.as_str()), ("login", "flo"), ("password", "password")];
        let answer = world.send(&mut browser, "POST", &format!("/console/login?to={to}"), &fields);
        assert_eq!(answer.header("location"), Some(leads_to), "{to}");
    }
}

#[test]
fn a_new_password_keeps_the_person_in_and_everyone_else_out() {
    let world = World::new();
    let (mut here, mut elsewhere) = (world.login("flo"), world.login("flo"));
    let path = format!("/console/config/users/{}", world.user);
    let token = world.get(&mut here, &path).form_token();
    let change = |here: &mut Browser, current| {
        let fields = [
            ("form_token", token.as_str()),
            ("do", "save"),
            ("current_password", current),
            ("password", "new one!"),
            ("password_again", "new one!"),
        ];
        world.send(here, "POST", &path, &fields)
    };
    assert_eq!(change(&mut here, "wrong").status, 400);
    assert_eq!(world.get(&mut elsewhere, "/console").status, 200);
    assert_eq!(change(&mut here, "password").status, 303);
    assert_eq!(world.get(&mut here, "/console").status, 200);
    assert_eq!(world.get(&mut elsewhere, "/console").status, 303);
}
