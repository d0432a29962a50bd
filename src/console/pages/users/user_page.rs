//! The Edit User page: fields of the user, API access, and the box API Settings, in which a new key is staged until Save.

use maud::{Markup, html};

use crate::command::{
    CancelRotation, CommitRotation, CountSessions, EndSessions, KeyRef, KeyWithText, Login, RemoveUser,
    SetPassword, StageRotation, UpdateUser, UserRef,
};
use crate::console::form::new_password;
use crate::console::form::{Input, Problem};
use crate::console::pages::users::users_page::{access_key, company_options, roles};
use crate::console::parts::field::{self, FieldOf};
use crate::console::parts::page::{Page, Section, or_again};
use crate::console::parts::value;
use crate::console::refusal::Refusal;
use crate::console::request::Method;
use crate::console::respond::see_other;
use crate::console::signed_in::SignedIn;
use crate::engine::{EngineError, UserChange};
use crate::http::RawResponse;
use crate::key::{IssuedKey, Key, Password, User, UserId, UserKind, UserStatus};

const USERS: &str = "/console/config/users";
/// Field that confirms the end of API access.
const END_ACCESS: &str = "end_access";

pub(in crate::console) fn answer(
    of: &SignedIn<'_>,
    id: UserId,
    method: Method,
) -> Result<RawResponse, Refusal> {
    let edit = EditUserPage { of, user: of.find_user(UserRef::Id(id))? };
    match method {
        Method::Get => {
            // A new visit means that the person left the page on which a key was staged.
            edit.discard()?;
            edit.page(None, None, None)
        }
        Method::Post => edit.act(&of.form()?),
    }
}

struct EditUserPage<'a> {
    of: &'a SignedIn<'a>,
    user: User,
}

impl EditUserPage<'_> {
    fn is_own(&self) -> bool {
        self.user.id == self.of.user.id
    }

    fn named(&self) -> UserRef {
        UserRef::Id(self.user.id)
    }

    fn back(&self, done: &str) -> RawResponse {
        see_other(&format!("{USERS}/{}?done={done}", self.user.id))
    }

    fn act(&self, input: &Input) -> Result<RawResponse, Refusal> {
        let done = match input.text("do") {
            "save" => self.save(input),
            "cancel" => {
                self.discard()?;
                return Ok(see_other(&format!("{USERS}?done=cancelled")));
            }
            "generate" => return self.generate(input),
            "remove" => return self.remove(input),
            "end-sessions" => self.end_sessions(),
            _ => Err(Refusal::BadRequest),
        };
        or_again(done, |refusal| self.page(Some(input), Some(refusal), None))
    }

    fn key(&self) -> Result<Option<(Key, Option<IssuedKey>)>, Refusal> {
        access_key(self.of, &self.user)
    }

    fn discard(&self) -> Result<(), Refusal> {
        if let Some((key, _)) = self.key()? {
            match self.of.run(CancelRotation(KeyRef::Id(key.id))) {
                Ok(()) | Err(Refusal::Forbidden) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }

    /// Stages a new key and shows it. The old key stays valid until Save.
    fn generate(&self, input: &Input) -> Result<RawResponse, Refusal> {
        let (key, _) = self.key()?.ok_or(Refusal::Forbidden)?;
        let KeyWithText { text, .. } = self.of.run(StageRotation(KeyRef::Id(key.id)))?;
        self.page(Some(input), None, Some(text))
    }

    fn save(&self, input: &Input) -> Result<RawResponse, Refusal> {
        // Reads and checks the whole form before the first change.
        let password = new_password(input)?;
        if password.is_some() && self.user.kind == UserKind::Bot {
            return Err(EngineError::BotPassword.into());
        }
        let proof = match &password {
            Some(_) if self.is_own() => Some(self.current_login(input.bytes("current_password"))?),
            Some(_) | None => None,
        };
        let pending = !input.text("pending").is_empty();
        let keeps_access = !self.of.is_administrator() || input.has("api_access");
        self.confirm_end_of_access(input)?;
        let adopts = pending && keeps_access;
        if adopts {
            let (key, _) = self.key()?.ok_or(Refusal::Forbidden)?;
            if !self.of.request.service.has_staged_rotation(&self.of.caller, key.id) {
                return Err(EngineError::NoStagedRotation.into());
            }
        }
        if self.of.is_administrator() {
            let change = self.change(input)?;
            self.of.run(UpdateUser { user: self.named(), change })?;
        }
        if adopts {
            self.adopt()?;
        }
        match password {
            None => Ok(self.back("saved")),
            Some(password) => self.set_password(password, proof.as_ref()),
        }
    }

    /// Refuses to remove API access, which ends the user's key, unless the form confirms it.
    fn confirm_end_of_access(&self, input: &Input) -> Result<(), Refusal> {
        let ends = self.of.is_administrator() && self.user.api_access && !input.has("api_access");
        if !ends || input.has(END_ACCESS) {
            return Ok(());
        }
        let text =
            "Without API Access, the API key of this user is refused from then on. Tick the box to confirm.";
        Err(Problem::of(END_ACCESS, text).into())
    }

    fn change(&self, input: &Input) -> Result<UserChange, Refusal> {
        Ok(UserChange {
            username: Some(input.parsed("username", "User name")?),
            display_name: input.optional("display_name", "Name")?.into(),
            email: input.optional("email", "E-mail address")?.into(),
            role: Some(input.parsed("role", "Role")?),
            company: input.optional("company", "Company")?.into(),
            status: Some(input.parsed("status", "Status")?),
            api_access: Some(input.has("api_access")),
        })
    }

    /// Commits the staged key.
    ///
    /// # Security
    /// The key is the staged one that the server generated, never a text that the browser sends.
    fn adopt(&self) -> Result<(), Refusal> {
        let (key, _) = self.key()?.ok_or(Refusal::Forbidden)?;
        self.of.run(CommitRotation(KeyRef::Id(key.id)))?;
        Ok(())
    }

    /// Sets the password. `proof` is the login with the present password, if a person sets their own.
    fn set_password(&self, password: Password, proof: Option<&Login>) -> Result<RawResponse, Refusal> {
        let command = SetPassword { user: self.named(), password };
        let answer = self.back("password");
        let Some(login) = proof else {
            self.of.run(command)?;
            return Ok(answer);
        };
        let service = self.of.request.service;
        service.run(login, command)?;
        // A new password ends all sessions, this one too, so the person gets a new session.
        Ok(self.of.request.with_session(answer, Some(&service.authenticator().begin_session(login)?)))
    }

    fn current_login(&self, current: &[u8]) -> Result<Login, Refusal> {
        let wrong = || Problem::of("current_password", "The current password is wrong.");
        let current = Password::new(current).map_err(|_| wrong())?;
        let (service, client) = (self.of.request.service, self.of.request.raw.client);
        let checked = service.authenticator().by_password(self.user.username.as_str(), &current, client);
        checked.map_err(|error| error.undecided().map_or_else(|| wrong().into(), Refusal::from))
    }

    fn end_sessions(&self) -> Result<RawResponse, Refusal> {
        self.of.run(EndSessions(self.named()))?;
        Ok(self.back("sessions-ended"))
    }

    fn remove(&self, input: &Input) -> Result<RawResponse, Refusal> {
        let done = if input.has("sure") {
            self.of.run(RemoveUser(self.named())).map(|()| see_other(&format!("{USERS}?done=removed")))
        } else {
            Err(Problem::of("sure", "Tick the box to remove the user.").into())
        };
        // The browser sent no fields of the other form.
        or_again(done, |refusal| self.page(None, Some(refusal), None))
    }

    fn page(
        &self,
        input: Option<&Input>,
        refusal: Option<&Refusal>,
        proposed: Option<IssuedKey>,
    ) -> Result<RawResponse, Refusal> {
        let cancel =
            html! { button.quiet type="submit" name="do" value="cancel" formnovalidate { "Cancel" } };
        let body = html! {
            form.edit method="post" {
                (field::token(&self.of.token))
                // The Enter key presses the first button.
                button.hidden type="submit" name="do" value="save" tabindex="-1" aria-hidden="true" { "Save" }
                div.two {
                    div {
                        @if self.of.is_administrator() { (self.fields(input, refusal)?) } @else { (self.facts()) }
                        (self.password_fields(refusal))
                    }
                    (self.api_settings(proposed)?)
                }
                p.actions { button type="submit" name="do" value="save" { "Save" } " " (cancel) }
            }
            (self.sessions()?)
            @if self.of.is_administrator() { (self.removal(refusal)) }
        };
        let title = format!("Edit User {}", self.user.username);
        Ok(Page { section: Section::Config, title: &title, problem: refusal, body }.answer(self.of))
    }

    fn fields(&self, input: Option<&Input>, refusal: Option<&Refusal>) -> Result<Markup, Refusal> {
        let user = &self.user;
        let value = |name: &str, stored: String| input.map_or(stored, |input| input.text(name).to_owned());
        let optional = |field: Option<String>| field.unwrap_or_default();
        let field = |name, label| FieldOf::new(name, label, refusal);
        let access = input.map_or(user.api_access, |input| input.has("api_access"));
        let statuses = UserStatus::ALL.map(|status| (status.name(), status.name()));
        let display_name = optional(user.display_name.as_ref().map(ToString::to_string));
        let email = optional(user.email.as_ref().map(ToString::to_string));
        let company = optional(user.company.map(|company| company.to_string()));
        Ok(html! {
            (field("username", "User name").needed(&value("username", user.username.to_string())))
            (field("display_name", "Name").text(&value("display_name", display_name)))
            (field("email", "E-mail address").input("email", &value("email", email), "off", false))
            (field("role", "Role").select(&roles(), &value("role", user.role.name().to_owned())))
            (field("company", "Company").select(&company_options(&self.of.companies()?), &value("company", company)))
            (field("status", "Status").select(&statuses, &value("status", user.status.name().to_owned())))
            p.check {
                input #api_access type="checkbox" name="api_access" value="yes" checked[access];
                label for="api_access" { "API Access" }
            }
            @if refusal.is_some_and(|refusal| refusal.about(END_ACCESS).is_some()) {
                p.check {
                    input id=(END_ACCESS) type="checkbox" name=(END_ACCESS) value="yes" aria-invalid="true";
                    label for=(END_ACCESS) { "End the API key" }
                }
            }
        })
    }

    fn facts(&self) -> Markup {
        let user = &self.user;
        html! {
            dl.facts {
                dt { "User name" } dd { (user.username) }
                @if let Some(name) = &user.display_name { dt { "Name" } dd { (name) } }
                @if let Some(email) = &user.email { dt { "E-mail address" } dd { (email) } }
                dt { "Role" } dd { (user.role.name()) }
                dt { "Status" } dd { (value::status(user.status)) }
                dt { "API Access" } dd { (if user.api_access { "granted" } else { "not granted: ask an administrator" }) }
            }
        }
    }

    fn password_fields(&self, refusal: Option<&Refusal>) -> Markup {
        let may = self.of.is_administrator() || self.is_own();
        if self.user.kind == UserKind::Bot || !may {
            return html! {};
        }
        let field = |name, label| FieldOf::new(name, label, refusal);
        let fields = ["current_password", "password", "password_again"];
        let wrong = fields.iter().any(|field| refusal.is_some_and(|refusal| refusal.about(field).is_some()));
        html! {
            details open[wrong] {
                summary { "Change the password" }
                @if self.is_own() { (field("current_password", "Current password").password("current-password", false)) }
                (field("password", "New password").password("new-password", false))
                (field("password_again", "New password again").password("new-password", false))
            }
        }
    }

    /// Box API Settings, for users with API access.
    fn api_settings(&self, proposed: Option<IssuedKey>) -> Result<Markup, Refusal> {
        let Some((_, text)) = self.key()? else { return Ok(html! {}) };
        Ok(html! {
            section.box aria-labelledby="api-settings" {
                h2 #api-settings { "API Settings" }
                p.hint { "The key of the TelVue API." }
                @if let Some(text) = text {
                    p.label { (if proposed.is_some() { "API key in force" } else { "API key" }) }
                    (value::copyable("api-key", &text.reveal()))
                }
                @if let Some(proposed) = proposed {
                    p.label { "New key, not in force yet" }
                    (value::copyable("proposed-key", &proposed.reveal()))
                    p.hint { "Press Save to accept it, or Cancel to keep the old key. It waits for 15 minutes." }
                    input type="hidden" name="pending" value="yes";
                }
                p { button.quiet type="submit" name="do" value="generate" formnovalidate { "Generate New Key" } }
            }
        })
    }

    fn sessions(&self) -> Result<Markup, Refusal> {
        let count = match self.of.run(CountSessions(self.named())) {
            Ok(count) => count,
            // Only administrators and the user may see it.
            Err(Refusal::Forbidden) => return Ok(html! {}),
            Err(refusal) => return Err(refusal),
        };
        Ok(html! {
            section.strip {
                h2 { "Sessions" }
                form method="post" {
                    (field::token(&self.of.token))
                    p { (count) " open in browsers." }
                    p { button.quiet type="submit" name="do" value="end-sessions" { "End all sessions" } }
                }
                @if self.of.is_administrator() {
                    p { a href={ "/console/keys/native?owner=" (self.user.id) } { "Keys of " (self.user.username) } }
                }
            }
        })
    }

    fn removal(&self, refusal: Option<&Refusal>) -> Markup {
        html! {
            section.strip {
                h2 { "Remove User" }
                form method="post" {
                    (field::token(&self.of.token))
                    (field::sure("Remove the user and every key of theirs, for good", refusal))
                    p { button.danger type="submit" name="do" value="remove" { "Remove User" } }
                }
            }
        }
    }
}
