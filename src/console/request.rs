//! Request to the console: its cookies, its form, and whether a page of this site sent the form.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};

use crate::command::{Service, SessionToken};
use crate::console::form::Input;
use crate::console::refusal::Refusal;
use crate::http::{Body, RawRequest, RawResponse, SiteUrl};

/// Cookie with the token of the session.
pub(super) const SESSION: &str = "keyward_session";
/// Cookie that ties the forms of a browser without a session to it.
const VISIT: &str = "keyward_visit";

/// Request to the console.
pub(super) struct ConsoleRequest<'a> {
    pub(super) site: &'a SiteUrl,
    pub(super) service: &'a Service,
    pub(super) raw: &'a RawRequest,
}

impl<'a> ConsoleRequest<'a> {
    pub(super) fn cookie(&self, name: &str) -> Option<SessionToken> {
        let sent = self.raw.headers.iter().filter(|(field, _)| field == "cookie");
        let texts = sent.filter_map(|(_, value)| std::str::from_utf8(value).ok());
        let found = texts.flat_map(|text| Cookie::split_parse(text.to_owned())).flatten();
        let mut named = found.filter(|cookie| cookie.name() == name);
        named.next().map(|cookie| SessionToken::received(cookie.value()))
    }

    /// Token that ties forms to this browser before a login; a new one if the browser has none.
    pub(super) fn visitor(&self) -> Result<SessionToken, Refusal> {
        match self.cookie(VISIT) {
            Some(token) => Ok(token),
            None => Ok(self.service.authenticator().fresh_token()?),
        }
    }

    /// Fields of a form that a page of this site sent with the token of `of`.
    pub(super) fn form_of(&self, of: &SessionToken) -> Result<Input, Refusal> {
        match self.raw.body {
            Body::Whole(_) => {}
            Body::TooLarge => return Err(Refusal::TooLarge),
            Body::Incomplete => return Err(Refusal::BadRequest),
        }
        let input = Input::read(self.raw);
        if self.comes_from_this_site() && of.form_token().is(input.bytes("form_token")) {
            Ok(input)
        } else {
            Err(Refusal::ForeignForm)
        }
    }

    /// Fields of a form that was sent before a login.
    pub(super) fn visitor_form(&self) -> Result<Input, Refusal> {
        self.form_of(&self.cookie(VISIT).ok_or(Refusal::ForeignForm)?)
    }

    /// Whether a page of this site sent the form. Every current browser sends `Sec-Fetch-Site` or `Origin`; older ones send
    /// `Referer`, unless it is disabled.
    fn comes_from_this_site(&self) -> bool {
        if let Some(site) = self.raw.header("sec-fetch-site") {
            return site == "same-origin";
        }
        let origin = self.raw.header("origin").or_else(|| origin_of(self.raw.header("referer")?));
        let Some(origin) = origin.map(str::to_ascii_lowercase) else { return false };
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        let host = self.raw.header("host").map(str::to_ascii_lowercase);
        origin == self.site.origin() || (!authority.is_empty() && host.as_deref() == Some(authority))
    }

    /// Whether the browser uses TLS, by its `Origin` or else by the address of the site.
    fn is_secure(&self) -> bool {
        let origin = self.raw.header("origin").unwrap_or_else(|| self.site.origin());
        origin.starts_with("https://")
    }

    fn with_cookie(
        &self,
        answer: RawResponse,
        name: &'static str,
        value: Option<&SessionToken>,
    ) -> RawResponse {
        let cookie = Cookie::build((name, value.map_or("", SessionToken::reveal)))
            .path(format!("{}/console", self.site.path()))
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.is_secure());
        let cookie = if value.is_none() { cookie.max_age(Duration::ZERO) } else { cookie };
        answer.with_header("set-cookie", cookie.build().to_string())
    }

    /// Sets the cookie of a new session, or removes it.
    pub(super) fn with_session(&self, answer: RawResponse, token: Option<&SessionToken>) -> RawResponse {
        self.with_cookie(answer, SESSION, token)
    }

    /// Sets or removes the cookie that ties forms to a browser without a session.
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

/// Address of the login page, which leads back to the requested page after the login; of the set-up page as long as no
/// administrator exists.
pub(super) fn login_address(request: &ConsoleRequest<'_>) -> String {
    if request.service.authenticator().awaits_setup() {
        return "/console/setup".to_owned();
    }
    let path = request.raw.path.as_str();
    if request.raw.method == "GET" && path != "/console" && is_plain(path) {
        format!("/console/login?to={path}")
    } else {
        "/console/login".to_owned()
    }
}

/// Whether a path is of the console and needs no encoding in a query or a header field.
pub(super) fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte);
    path.starts_with("/console") && path.bytes().all(plain)
}

/// Method of a request for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}
