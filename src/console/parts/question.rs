//! Asking first: a page before what cannot be undone, so that it works without a script.

use maud::html;

use crate::console::form::Input;
use crate::console::parts::page::{Page, Section};
use crate::console::parts::pieces;
use crate::console::request::SignedIn;
use crate::http::RawResponse;

/// What is asked before a form is carried out.
pub(in crate::console) struct Question<'a> {
    pub(in crate::console) section: Section,
    pub(in crate::console) title: &'a str,
    /// What it would mean.
    pub(in crate::console) means: &'a str,
    /// Fields of the form, sent again with the answer.
    pub(in crate::console) fields: &'a [&'a str],
    /// The button that does it.
    pub(in crate::console) button: &'a str,
    /// Where whoever thinks better of it goes.
    pub(in crate::console) back: &'a str,
}

impl Question<'_> {
    /// The page that asks, unless the form says that this was asked.
    pub(in crate::console) fn unless_answered(
        &self,
        of: &SignedIn<'_>,
        input: &Input,
    ) -> Option<RawResponse> {
        if input.has("sure") {
            return None;
        }
        let body = html! {
            p { (self.means) }
            form method="post" {
                (pieces::token(&of.token))
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
