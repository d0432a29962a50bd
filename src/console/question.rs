//! Asking first: a page before what cannot be undone, so that it works without a script.

use maud::html;

use super::form::Input;
use super::page::{Page, Section};
use super::parts;
use super::visit::SignedIn;
use crate::http::RawResponse;

/// What is asked before a form is carried out.
pub(super) struct Question<'a> {
    pub(super) section: Section,
    pub(super) title: &'a str,
    /// What it would mean.
    pub(super) means: &'a str,
    /// Fields of the form, sent again with the answer.
    pub(super) fields: &'a [&'a str],
    /// The button that does it.
    pub(super) button: &'a str,
    /// Where whoever thinks better of it goes.
    pub(super) back: &'a str,
}

impl Question<'_> {
    /// The page that asks, unless the form says that this was asked.
    pub(super) fn unless_answered(&self, of: &SignedIn<'_>, input: &Input) -> Option<RawResponse> {
        if input.has("sure") {
            return None;
        }
        let body = html! {
            p { (self.means) }
            form method="post" {
                (parts::token(&of.token))
                @for field in self.fields {
                    input type="hidden" name=(field) value=(input.text(field));
                }
                input type="hidden" name="sure" value="yes";
                p.actions {
                    button.danger type="submit" name="do" value=(input.text("do")) { (self.button) }
                    " "
                    a href=(self.back) { "Cancel" }
                }
            }
        };
        Some(Page { section: self.section, title: self.title, problem: None, body }.answer(of))
    }
}
