//! What every page has around it: the head, the way to other pages, what was just done, what went wrong.

use maud::{DOCTYPE, Markup, html};

use crate::console::assets;
use crate::console::form::Problem;
use crate::console::parts::pieces;
use crate::console::refusal::Refusal;
use crate::console::request::{SignedIn, Visit};
use crate::http::RawResponse;

/// Where in the console a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Section {
    Overview,
    Keys,
    Config,
    Bots,
    Try,
    Audit,
}

/// What was just done, as the address of the page that says so names it.
const DONE: [(&str, &str); 17] = [
    ("saved", "Saved."),
    ("cancelled", "Cancelled. Nothing was changed."),
    ("added", "The user was added."),
    ("removed", "The user was removed, with all keys."),
    ("bot-added", "The bot user was created."),
    ("bot-removed", "The bot user was removed, and its API key cleared."),
    ("restricted", "The IP restriction was saved."),
    ("cleared", "The API key was cleared."),
    ("created", "The key was created."),
    ("deleted", "The key was deleted."),
    ("suspended", "The key is suspended until it is resumed."),
    ("resumed", "The key was resumed."),
    ("revoked", "The key was revoked, for good."),
    ("sessions-ended", "All sessions were ended."),
    ("logged-out", "You are logged out."),
    ("set-up", "The administrator was made. You are logged in."),
    ("password", "The password was changed. All other sessions were ended."),
];

/// Whatever may load where pages go.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

impl Section {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Overview, "Overview", "/console"),
        (Self::Keys, "My keys", "/console/keys/filebin"),
        (Self::Config, "Config", "/console/config"),
        (Self::Bots, "Bots", "/console/bots"),
        (Self::Try, "Try a key", "/console/try"),
        (Self::Audit, "Audit", "/console/audit"),
    ];

    const fn is_for_administrators(self) -> bool {
        match self {
            Self::Bots | Self::Audit => true,
            Self::Overview | Self::Keys | Self::Config | Self::Try => false,
        }
    }
}

/// A page of somebody who is logged in.
pub(in crate::console) struct Page<'a> {
    pub(in crate::console) section: Section,
    pub(in crate::console) title: &'a str,
    /// What is wrong with the form that was sent.
    pub(in crate::console) problem: Option<&'a Refusal>,
    pub(in crate::console) body: Markup,
}

impl Page<'_> {
    pub(in crate::console) fn answer(&self, signed_in: &SignedIn<'_>) -> RawResponse {
        inside(signed_in, Some(self.section), self.title, self.problem, &self.body)
    }
}

fn inside(
    signed_in: &SignedIn<'_>,
    section: Option<Section>,
    title: &str,
    problem: Option<&Refusal>,
    body: &Markup,
) -> RawResponse {
    let query = signed_in.query();
    // A form is sent to the address that said what was done before it.
    let shown = problem.is_none() && signed_in.visit.request.method != "POST";
    let done = DONE.iter().find(|(code, _)| shown && *code == query.text("done"));
    let content = html! {
        (header(signed_in, section))
        main #main {
            h1 { (title) }
            @if let Some((_, text)) = done { p.notice role="status" { (text) } }
            @if let Some(refusal) = problem { (trouble(refusal)) }
            (body)
        }
    };
    document(title, problem, &content)
}

/// What came of a form, or the page `again` that says what is wrong with it.
pub(in crate::console) fn or_again(
    done: Result<RawResponse, Refusal>,
    again: impl FnOnce(&Refusal) -> Result<RawResponse, Refusal>,
) -> Result<RawResponse, Refusal> {
    match done {
        Err(refusal) if refusal.is_about_form() => again(&refusal),
        done => done,
    }
}

/// What went wrong, above the form.
fn trouble(refusal: &Refusal) -> Markup {
    let problem = match refusal {
        Refusal::Invalid { problem, .. } => problem.clone(),
        _ => Problem::general(refusal.words().1),
    };
    html! {
        p.problem role="alert" {
            (problem.text)
            @if let Some(field) = problem.field { " " a href={ "#" (field) } { "Go to the field" } }
        }
    }
}

fn header(signed_in: &SignedIn<'_>, section: Option<Section>) -> Markup {
    let shown = Section::ALL.into_iter();
    let shown =
        shown.filter(|(section, ..)| signed_in.is_administrator() || !section.is_for_administrators());
    html! {
        a.skip href="#main" { "Skip to the content" }
        header {
            a.brand href="/console" { "keyward" }
            nav aria-label="Main" {
                @for (other, label, href) in shown {
                    a href=(href) aria-current=[(Some(other) == section).then_some("page")] { (label) }
                }
            }
            form.who method="post" action="/console/logout" {
                (pieces::token(&signed_in.token))
                a href={ "/console/config/users/" (signed_in.user.id) } { (signed_in.user.username) }
                button.quiet type="submit" { "Log out" }
            }
        }
    }
}

/// A page of somebody who is not logged in.
pub(in crate::console) fn outside(title: &str, problem: Option<&Refusal>, body: &Markup) -> RawResponse {
    let content = html! {
        main.narrow #main {
            p.brand { "keyward" }
            h1 { (title) }
            @if let Some(refusal) = problem { (trouble(refusal)) }
            (body)
        }
    };
    document(title, problem, &content)
}

/// A page that says why there is no other.
pub(in crate::console) fn refused(visit: &Visit<'_>, refusal: &Refusal) -> RawResponse {
    if matches!(refusal, Refusal::LogIn) {
        return see_other(&crate::console::pages::login::address_back_to(visit));
    }
    let Ok(signed_in) = visit.signed_in() else { return bare(refusal) };
    let body = html! { p { a href="/console" { "To the overview" } } };
    inside(&signed_in, None, refusal.words().0, Some(refusal), &body)
}

/// The same for whoever is not logged in.
pub(in crate::console) fn bare(refusal: &Refusal) -> RawResponse {
    outside(refusal.words().0, Some(refusal), &html! { p { a href="/console" { "To the console" } } })
}

fn document(title: &str, problem: Option<&Refusal>, content: &Markup) -> RawResponse {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) " – keyward" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="/console/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(assets::STYLE.address());
                script src=(assets::SCRIPT.address()) defer {}
            }
            body { (content) }
        }
    };
    let status = problem.map_or(200, Refusal::status);
    let answer = hardened(RawResponse::new(status, "text/html; charset=utf-8", page.into_string()));
    match problem {
        Some(Refusal::Busy { retry_after_seconds: Some(seconds) }) => {
            answer.with_header("retry-after", seconds.to_string())
        }
        Some(Refusal::MethodNotAllowed) => answer.with_header("allow", "GET, HEAD, POST"),
        _ => answer,
    }
}

/// The answer with what keeps other sites and old browsers away from it.
pub(in crate::console) fn hardened(answer: RawResponse) -> RawResponse {
    answer
        .with_header("content-security-policy", POLICY)
        .with_header("x-content-type-options", "nosniff")
        .with_header("x-frame-options", "DENY")
        .with_header("referrer-policy", "same-origin")
        .with_header("cross-origin-opener-policy", "same-origin")
        .with_header("cross-origin-resource-policy", "same-origin")
}

/// Has the browser get another page.
pub(in crate::console) fn see_other(address: &str) -> RawResponse {
    hardened(RawResponse::new(303, "text/html; charset=utf-8", ""))
        .with_header("location", address.to_owned())
}
