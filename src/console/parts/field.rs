//! Fields of forms.

use maud::{Markup, html};

use crate::command::SessionToken;
use crate::console::form::Problem;
use crate::console::refusal::Refusal;

/// Hidden field that ties a form to its session.
pub(in crate::console) fn token(of: &SessionToken) -> Markup {
    html! { input type="hidden" name="form_token" value=(of.form_token().as_str()); }
}

/// Input field with its label, a hint below it, and its problem.
pub(in crate::console) struct FieldOf<'a> {
    pub(in crate::console) name: &'a str,
    pub(in crate::console) label: &'a str,
    pub(in crate::console) hint: Option<&'a str>,
    pub(in crate::console) problem: Option<&'a Refusal>,
}

impl<'a> FieldOf<'a> {
    pub(in crate::console) const fn new(name: &'a str, label: &'a str, problem: Option<&'a Refusal>) -> Self {
        Self { name, label, hint: None, problem }
    }

    pub(in crate::console) const fn hint(self, hint: &'a str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    fn own_problem(&self) -> Option<&Problem> {
        self.problem.and_then(|refusal| refusal.about(self.name))
    }

    fn described_by(&self) -> Option<String> {
        let hint = self.hint.map(|_| format!("{}-hint", self.name));
        let problem = self.own_problem().map(|_| format!("{}-problem", self.name));
        let ids: Vec<_> = hint.into_iter().chain(problem).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn around(&self, control: &Markup) -> Markup {
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                (control)
                @if let Some(hint) = self.hint { p.hint id={ (self.name) "-hint" } { (hint) } }
                @if let Some(problem) = self.own_problem() {
                    p.wrong id={ (self.name) "-problem" } { (problem.text) }
                }
            }
        }
    }

    /// A line of text.
    pub(in crate::console) fn text(&self, value: &str) -> Markup {
        self.input("text", value, "off", false)
    }

    /// A required line of text.
    pub(in crate::console) fn needed(&self, value: &str) -> Markup {
        self.input("text", value, "off", true)
    }

    /// A password. The page never fills it in.
    pub(in crate::console) fn password(&self, autocomplete: &str, required: bool) -> Markup {
        self.input("password", "", autocomplete, required)
    }

    pub(in crate::console) fn input(
        &self,
        kind: &str,
        value: &str,
        autocomplete: &str,
        required: bool,
    ) -> Markup {
        let wrong = self.own_problem().map(|_| "true");
        self.around(&html! {
            input id=(self.name) name=(self.name) type=(kind) value=[(kind != "password").then_some(value)]
                autocomplete=(autocomplete) required[required] aria-invalid=[wrong]
                aria-describedby=[self.described_by()] spellcheck="false";
        })
    }

    /// A choice of options. A chosen value that is not an option is added: sending the form unchanged then changes nothing.
    pub(in crate::console) fn select<T: AsRef<str>>(&self, options: &[(T, T)], chosen: &str) -> Markup {
        self.around(&html! {
            select id=(self.name) name=(self.name) aria-describedby=[self.described_by()] {
                @if !options.iter().any(|(value, _)| value.as_ref() == chosen) {
                    option value=(chosen) selected { (chosen) }
                }
                @for (value, label) in options {
                    option value=(value.as_ref()) selected[value.as_ref() == chosen] { (label.as_ref()) }
                }
            }
        })
    }
}

/// Check box that confirms a final step.
pub(in crate::console) fn sure(label: &str, problem: Option<&Refusal>) -> Markup {
    let wrong = problem.and_then(|refusal| refusal.about("sure")).map(|_| "true");
    html! {
        p.check {
            input #sure type="checkbox" name="sure" value="yes" aria-invalid=[wrong];
            label for="sure" { (label) }
        }
    }
}
