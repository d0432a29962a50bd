//! One request to the console: whose it is, and whether it came from a page of this site.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};

use crate::command::{Caller, Command, Service, SessionToken};
use crate::console::Console;
use crate::console::form::Input;
use crate::console::refusal::Refusal;
use crate::http::{Body, RawRequest, RawResponse};
use crate::key::{Level, User};

/// The session's token.
const SESSION: &str = "keyward_session";
/// What the forms of a browser without a session are tied to.
const VISIT: &str = "keyward_visit";

/// One request.
pub(super) struct Visit<'a> {
    pub(super) console: &'a Console,
    pub(super) service: &'a Service,
    pub(super) request: &'a RawRequest,
}

/// One request by somebody who is logged in.
pub(super) struct SignedIn<'a> {
    pub(super) visit: &'a Visit<'a>,
    pub(super) caller: Caller,
    pub(super) user: User,
    pub(super) token: SessionToken,
}

impl<'a> Visit<'a> {
    fn cookie(&self, name: &str) -> Option<SessionToken> {
        let sent = self.request.headers.iter().filter(|(field, _)| field == "cookie");
        let texts = sent.filter_map(|(_, value)| std::str::from_utf8(value).ok());
        let found = texts.flat_map(|text| Cookie::split_parse(text.to_owned())).flatten();
        let mut named = found.filter(|cookie| cookie.name() == name);
        named.next().map(|cookie| SessionToken::received(cookie.value()))
    }

    /// Whoever is logged in.
    pub(super) fn signed_in(&'a self) -> Result<SignedIn<'a>, Refusal> {
        let token = self.cookie(SESSION).ok_or(Refusal::LogIn)?;
        let found = self.service.authenticator().by_session(&token, self.request.client);
        let (caller, user) =
            found.map_err(|error| error.undecided().map_or(Refusal::LogIn, Refusal::from))?;
        Ok(SignedIn { visit: self, caller, user, token })
    }

    /// The token that ties forms to this browser before anybody logged in, fresh where it has none.
    pub(super) fn visitor(&self) -> Result<SessionToken, Refusal> {
        match self.cookie(VISIT) {
            Some(token) => Ok(token),
            None => Ok(self.service.authenticator().fresh_token()?),
        }
    }

    /// The fields of a form that a page of this site sent with the token of `of`.
    pub(super) fn form_of(&self, of: &SessionToken) -> Result<Input, Refusal> {
        match self.request.body {
            Body::Whole(_) => {}
            Body::TooLarge => return Err(Refusal::TooLarge),
            Body::Incomplete => return Err(Refusal::BadRequest),
        }
        let input = Input::read(self.request);
        if self.comes_from_this_site() && of.form_token().is(input.bytes("form_token")) {
            Ok(input)
        } else {
            Err(Refusal::ForeignForm)
        }
    }

    /// The fields of a form that was sent before anybody logged in.
    pub(super) fn visitor_form(&self) -> Result<Input, Refusal> {
        self.form_of(&self.cookie(VISIT).ok_or(Refusal::ForeignForm)?)
    }

    /// What browsers say about the page that a form was on. All of today send one of the first two; those that send neither
    /// say where they come from, unless they were told not to.
    fn comes_from_this_site(&self) -> bool {
        if let Some(site) = self.request.header("sec-fetch-site") {
            return site == "same-origin";
        }
        let origin = self.request.header("origin").or_else(|| origin_of(self.request.header("referer")?));
        let Some(origin) = origin.map(str::to_ascii_lowercase) else { return false };
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        let host = self.request.header("host").map(str::to_ascii_lowercase);
        origin == self.console.site.origin() || (!authority.is_empty() && host.as_deref() == Some(authority))
    }

    /// Whether the browser came over TLS: what it says of the page it sends from, or else how the site is reached.
    fn is_secure(&self) -> bool {
        let origin = self.request.header("origin").unwrap_or_else(|| self.console.site.origin());
        origin.starts_with("https://")
    }

    fn with_cookie(
        &self,
        answer: RawResponse,
        name: &'static str,
        value: Option<&SessionToken>,
    ) -> RawResponse {
        let cookie = Cookie::build((name, value.map_or("", SessionToken::reveal)))
            .path(format!("{}/console", self.console.site.path()))
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.is_secure());
        let cookie = if value.is_none() { cookie.max_age(Duration::ZERO) } else { cookie };
        answer.with_header("set-cookie", cookie.build().to_string())
    }

    /// The answer that has the browser keep a new session, or end its own.
    pub(super) fn with_session(&self, answer: RawResponse, token: Option<&SessionToken>) -> RawResponse {
        self.with_cookie(answer, SESSION, token)
    }

    /// The answer that has the browser keep what its forms are tied to.
    pub(super) fn with_visitor(&self, answer: RawResponse, token: Option<&SessionToken>) -> RawResponse {
        self.with_cookie(answer, VISIT, token)
    }
}

/// Scheme and authority of an address.
fn origin_of(address: &str) -> Option<&str> {
    let authority_from = address.find("://")? + 3;
    let length = address.get(authority_from..)?.find(['/', '?', '#']);
    length.map_or(Some(address), |length| address.get(..authority_from + length))
}

impl SignedIn<'_> {
    pub(super) fn is_administrator(&self) -> bool {
        self.caller.level() >= Level::ALL
    }

    /// Refuses whoever is no administrator.
    pub(super) fn administrator(&self) -> Result<(), Refusal> {
        if self.is_administrator() { Ok(()) } else { Err(Refusal::Forbidden) }
    }

    /// The fields of a form of this session.
    pub(super) fn form(&self) -> Result<Input, Refusal> {
        self.visit.form_of(&self.token)
    }

    pub(super) fn run<C: Command>(&self, command: C) -> Result<C::Output, Refusal> {
        Ok(self.visit.service.run(&self.caller, command)?)
    }

    /// The fields of the address's query.
    pub(super) fn query(&self) -> Input {
        Input::of_query(&self.visit.request.query)
    }
}
