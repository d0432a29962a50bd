//! Frame of every page: head, navigation, the result of the last form, and its problem.

use maud::{DOCTYPE, Markup, html};

use crate::console::assets;
use crate::console::form::Problem;
use crate::console::parts::field;
use crate::console::refusal::Refusal;
use crate::console::request::{ConsoleRequest, login_address};
use crate::console::respond::{hardened, see_other};
use crate::console::signed_in::SignedIn;
use crate::http::RawResponse;

/// Section of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Section {
    Overview,
    Keys,
    Config,
    Bots,
    Try,
    Audit,
}

/// Results of forms: the code in the address of the next page, and the sentence that this page shows.
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

/// Page of a logged-in user.
pub(in crate::console) struct Page<'a> {
    pub(in crate::console) section: Section,
    pub(in crate::console) title: &'a str,
    /// Problem of the form that was sent.
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
    // The address of a sent form may still have the code of an earlier result.
    let shown = problem.is_none() && signed_in.request.raw.method != "POST";
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

/// Result of a form, or the page `again`, which shows the problem of the form.
pub(in crate::console) fn or_again(
    done: Result<RawResponse, Refusal>,
    again: impl FnOnce(&Refusal) -> Result<RawResponse, Refusal>,
) -> Result<RawResponse, Refusal> {
    match done {
        Err(refusal) if refusal.is_about_form() => again(&refusal),
        done => done,
    }
}

/// Problem, above the form.
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
                (field::token(&signed_in.token))
                a href={ "/console/config/users/" (signed_in.user.id) } { (signed_in.user.username) }
                button.quiet type="submit" { "Log out" }
            }
        }
    }
}

/// Page without a logged-in user.
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

/// Page that shows a refusal.
pub(in crate::console) fn refused(request: &ConsoleRequest<'_>, refusal: &Refusal) -> RawResponse {
    if matches!(refusal, Refusal::LogIn) {
        return see_other(&login_address(request));
    }
    let Ok(signed_in) = SignedIn::of(request) else { return bare(refusal) };
    let body = html! { p { a href="/console" { "To the overview" } } };
    inside(&signed_in, None, refusal.words().0, Some(refusal), &body)
}

/// Page that shows a refusal without a logged-in user.
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
