//! Page of one key: its properties, a preview of changes, rotation, revocation and deletion.

use maud::{Markup, html};

use crate::command::{
    DeleteKey, KeyRef, KeyWithText, RevokeKey, RotateKey, ShowKey, ShowText, UpdateKey, UserRef,
};
use crate::console::form::{Input, Problem};
use crate::console::pages::keys::key_form;
use crate::console::pages::keys::keys_page;
use crate::console::parts::field::{self, FieldOf};
use crate::console::parts::page::{Page, Section, or_again};
use crate::console::parts::question::Question;
use crate::console::parts::text;
use crate::console::parts::value;
use crate::console::refusal::Refusal;
use crate::console::request::Method;
use crate::console::respond::see_other;
use crate::console::signed_in::SignedIn;
use crate::engine::KeyChange;
use crate::http::RawResponse;
use crate::key::{Expiry, IssuedKey, Key, KeyId, KeyState, Keyspace, Level, RevokeReason, Use, User};

pub(in crate::console) fn answer(
    of: &SignedIn<'_>,
    id: KeyId,
    method: Method,
) -> Result<RawResponse, Refusal> {
    let key = of.run(ShowKey(KeyRef::Id(id)))?;
    let owner = of.find_user(UserRef::Id(key.owner))?;
    let page = SingleKeyPage { of, key, owner };
    match method {
        Method::Get => page.page(None, None, None),
        Method::Post => {
            let input = of.form()?;
            or_again(page.act(&input), |refusal| page.page(Some(&input), Some(refusal), None))
        }
    }
}

struct SingleKeyPage<'a> {
    of: &'a SignedIn<'a>,
    key: Key,
    owner: User,
}

impl SingleKeyPage<'_> {
    fn act(&self, input: &Input) -> Result<RawResponse, Refusal> {
        let named = KeyRef::Id(self.key.id);
        let switch = |active| KeyChange { active: Some(active), ..KeyChange::default() };
        let update = |change| UpdateKey { key: named.clone(), change };
        let done = match input.text("do") {
            "save" => {
                self.of.run(update(self.changed(key_form::change(input)?)))?;
                "saved"
            }
            "preview" => {
                key_form::change(input)?;
                return self.page(Some(input), None, None);
            }
            "suspend" => {
                self.of.run(update(switch(false)))?;
                "suspended"
            }
            "resume" => {
                self.of.run(update(switch(true)))?;
                "resumed"
            }
            "rotate" => {
                let grace_ms = key_form::grace_ms(input)?;
                let means = "is refused from then on, and a new key takes its place.";
                if grace_ms == 0
                    && let Some(asked) = self.asked(input, "Rotate the key at once?", means, "Rotate")
                {
                    return Ok(asked);
                }
                let KeyWithText { text, .. } = self.of.run(RotateKey { key: named, grace_ms })?;
                return self.page(None, None, Some(text));
            }
            "revoke" => {
                let reason: RevokeReason = input.parsed("reason", "Reason")?;
                let means = "is refused from then on, for good; its record stays.";
                if let Some(asked) = self.asked(input, "Revoke the key?", means, "Revoke") {
                    return Ok(asked);
                }
                self.of.run(RevokeKey { key: named, reason })?;
                "revoked"
            }
            "delete" if !input.has("sure") => {
                return Err(Problem::of("sure", "Tick the box to delete the key.").into());
            }
            "delete" => {
                self.of.run(DeleteKey(named))?;
                return Ok(see_other(&self.list("done=deleted")));
            }
            _ => return Err(Refusal::BadRequest),
        };
        Ok(see_other(&format!("/console/key/{}?done={done}", self.key.id)))
    }

    /// Question page before the key is refused.
    fn asked(&self, input: &Input, title: &str, means: &str, button: &str) -> Option<RawResponse> {
        let back = format!("/console/key/{}", self.key.id);
        let means = &format!("{} {means}", text::capitalized(keys_page::called(&self.key)));
        let fields = &["grace", "reason"];
        let question = Question { section: Section::Keys, title, means, fields, button, back: &back };
        question.unless_answered(self.of, input)
    }

    /// Drops an unchanged level from the change: a level above the user's own may stay.
    fn changed(&self, change: KeyChange) -> KeyChange {
        KeyChange { level: change.level.filter(|level| *level != self.key.level), ..change }
    }

    /// Address of the list that has the key.
    fn list(&self, more: &str) -> String {
        keys_page::address(self.of, &self.key.keyspace, self.owner.id, more)
    }

    fn text(&self) -> Result<Option<IssuedKey>, Refusal> {
        match self.of.run(ShowText(KeyRef::Id(self.key.id))) {
            Ok(text) => Ok(text),
            // A user who may only read keys sees no text.
            Err(Refusal::Forbidden) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    fn page(
        &self,
        input: Option<&Input>,
        refusal: Option<&Refusal>,
        issued: Option<IssuedKey>,
    ) -> Result<RawResponse, Refusal> {
        let preview = input.filter(|input| refusal.is_none() && input.text("do") == "preview");
        let preview = preview.map(key_form::change).transpose()?;
        let body = html! {
            p { a href=(self.list("")) { "All keys of this keyspace" } }
            @if let Some(text) = issued { (value::shown_once(text)) }
            (self.facts()?)
            @if let Some(change) = &preview { (self.preview(change)) }
            @if self.key.is_live() {
                (self.edit(input, refusal))
                (self.switch())
                (self.rotation())
                (self.revocation())
            }
            (self.deletion(refusal))
        };
        let comment = self.key.comment.as_str();
        let api = Keyspace::named(&self.key.keyspace).map_or("", |keyspace| value::api(&keyspace));
        let title = if comment.is_empty() {
            format!("{api} API key without a comment")
        } else {
            format!("{api} API key: {comment}")
        };
        Ok(Page { section: Section::Keys, title: &title, problem: refusal, body }.answer(self.of))
    }

    fn facts(&self) -> Result<Markup, Refusal> {
        let key = &self.key;
        let text = self.text()?;
        Ok(html! {
            dl.facts {
                dt { "Key" } dd { @match text { Some(text) => (value::copyable("key-text", &text.reveal())), None => (value::prefix(key)) } }
                dt { "Id" } dd { code { (key.id) } }
                dt { "Keyspace" } dd { (key.keyspace) }
                dt { "Owner" } dd { a href={ "/console/config/users/" (self.owner.id) } { (self.owner.username) } }
                dt { "State" } dd {
                    (value::state(key, self.of.request.service.now()))
                    @if let KeyState::Revoked { at, reason, .. } = &key.state { " " (value::moment(*at)) ", " (reason.name()) }
                }
                dt { "Created on" } dd { (value::moment(key.created)) }
                dt { "Used" } dd { (key.usage.count) " times, last " (value::last_use(key.usage.last)) }
                @if let Some((old, until)) = &key.secrets.previous {
                    dt { "Old key" } dd { code { (old.prefix.as_str()) "…" } " verifies until " (value::moment(*until)) }
                }
                @for limit in key.rate_limits.all() {
                    dt { "Rate limit" } dd { (limit.name) ": " (limit.count) " in " (limit.seconds) " s, at once " (limit.burst) }
                }
            }
        })
    }

    fn edit(&self, input: Option<&Input>, refusal: Option<&Refusal>) -> Markup {
        let key = &self.key;
        let value = |name: &str, stored: String| {
            let typed = input.filter(|input| input.has("comment"));
            typed.map_or(stored, |input| input.text(name).to_owned())
        };
        let field = |name, label| FieldOf::new(name, label, refusal);
        let mut levels = Keyspace::named(&key.keyspace)
            .map(|keyspace| key_form::levels(&keyspace, self.of.caller.level()))
            .unwrap_or_default();
        if !levels.iter().any(|(value, _)| *value == key.level.to_string()) {
            levels.push((key.level.to_string(), key_form::level_name(&key.keyspace, key.level)));
        }
        let expires = match key.expiry {
            Expiry::Never => String::new(),
            Expiry::At(end) => end.to_string(),
        };
        html! {
            form.strip method="post" {
                h2 { "Restrict" }
                (field::token(&self.of.token))
                (field("comment", "Comment").text(&value("comment", key.comment.to_string())))
                (field("level", "Access").select(&levels, &value("level", key.level.to_string())))
                (field("allowlist", "IP addresses")
                    .hint("Addresses or ranges, separated by commas. Blank for anywhere.")
                    .text(&value("allowlist", key.allowlist.to_string())))
                (field("expires", "Expires").hint("As 2027-01-31T12:00:00Z, in UTC. Blank for never.").text(&value("expires", expires)))
                p.actions {
                    button type="submit" name="do" value="save" { "Save" }
                    " "
                    button.quiet type="submit" name="do" value="preview" { "What would change" }
                }
            }
        }
    }

    /// Preview of a change: its effect on the last use of the key.
    fn preview(&self, change: &KeyChange) -> Markup {
        let acts = |level: Level| level.min(self.owner.role.level());
        let (before, after) = (acts(self.key.level), acts(change.level.unwrap_or(self.key.level)));
        let verdict = |allowed: bool| if allowed { "allowed" } else { "refused" };
        let list = change.allowlist.as_ref().unwrap_or(&self.key.allowlist);
        html! {
            section.box.preview aria-labelledby="preview-heading" {
                h2 #preview-heading { "What would change" }
                p {
                    "It acts with level " (before) " now, and would act with level " (after) "."
                    @if after < before { " Whatever needs more would be refused." }
                }
                @match self.key.usage.last {
                    None => p { "It was never used, so nothing is known of where it is used from." },
                    Some(Use { at, from }) => p {
                        "Its last use, " (value::moment(at))
                        @if let Some(from) = from { " from " (from.to_canonical()) }
                        ": " (verdict(self.key.allowlist.allows(from))) " now, would be "
                        strong { (verdict(list.allows(from))) } "."
                    },
                }
                p.hint { "Nothing is changed yet: press Save below to change it." }
            }
        }
    }

    fn switch(&self) -> Markup {
        let (action, label, text) = match self.key.state {
            KeyState::Suspended => ("resume", "Resume", "It is refused until it is resumed."),
            KeyState::Active | KeyState::Revoked { .. } => {
                ("suspend", "Suspend", "A suspended key is refused until it is resumed.")
            }
        };
        html! {
            form.strip method="post" {
                h2 { (label) }
                (field::token(&self.of.token))
                p { (text) }
                p { button.quiet type="submit" name="do" value=(action) { (label) } }
            }
        }
    }

    fn rotation(&self) -> Markup {
        html! {
            form.strip method="post" {
                h2 { "Rotate" }
                (field::token(&self.of.token))
                p { "A new key takes this one's place, with the same rights." }
                (FieldOf::new("grace", "The old key", None).select(&key_form::GRACES, "0"))
                p { button.quiet type="submit" name="do" value="rotate" { "Rotate" } }
            }
        }
    }

    fn revocation(&self) -> Markup {
        let reasons = RevokeReason::ALL.map(|reason| (reason.name(), reason.name()));
        html! {
            form.strip method="post" {
                h2 { "Revoke" }
                (field::token(&self.of.token))
                p { "A revoked key is refused for good; its record stays." }
                (FieldOf::new("reason", "Reason", None).select(&reasons, "unspecified"))
                p { button.danger type="submit" name="do" value="revoke" { "Revoke" } }
            }
        }
    }

    fn deletion(&self, refusal: Option<&Refusal>) -> Markup {
        html! {
            form.strip method="post" {
                h2 { "Delete" }
                (field::token(&self.of.token))
                (field::sure("Delete the key and its record", refusal))
                p { button.danger type="submit" name="do" value="delete" { "Delete" } }
            }
        }
    }
}
