//! Question page before a step that cannot be undone. It works without a script.

use maud::html;

use crate::console::form::Input;
use crate::console::parts::field;
use crate::console::parts::page::{Page, Section};
use crate::console::signed_in::SignedIn;
use crate::http::RawResponse;

/// Question before a form is carried out.
pub(in crate::console) struct Question<'a> {
    pub(in crate::console) section: Section,
    pub(in crate::console) title: &'a str,
    /// Consequence of the step.
    pub(in crate::console) means: &'a str,
    /// Names of the fields that are sent again with the answer.
    pub(in crate::console) fields: &'a [&'a str],
    /// Label of the button that confirms.
    pub(in crate::console) button: &'a str,
    /// Address of the link that cancels.
    pub(in crate::console) back: &'a str,
}

impl Question<'_> {
    /// Question page, unless the form confirms the step.
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
                (field::token(&of.token))
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
