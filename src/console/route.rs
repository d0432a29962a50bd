//! Routes: the page of each address.

use crate::console::assets;
use crate::console::pages::audit;
use crate::console::pages::bots::bot_page;
use crate::console::pages::bots::bots_page;
use crate::console::pages::keys::key_page;
use crate::console::pages::keys::keys_page;
use crate::console::pages::login;
use crate::console::pages::overview;
use crate::console::pages::setup;
use crate::console::pages::try_key;
use crate::console::pages::users::user_page;
use crate::console::pages::users::users_page;
use crate::console::refusal::Refusal;
use crate::console::request::{ConsoleRequest, Method};
use crate::console::signed_in::SignedIn;
use crate::http::RawResponse;
use crate::key::UserId;

/// Answers with the page of an address, or carries out its form.
pub(super) fn answer(request: &ConsoleRequest<'_>) -> Result<RawResponse, Refusal> {
    let method = match request.raw.method.as_str() {
        "GET" | "HEAD" => Method::Get,
        "POST" => Method::Post,
        _ => return Err(Refusal::MethodNotAllowed),
    };
    let path = request.raw.path.strip_prefix("/console").ok_or(Refusal::NotFound)?;
    let path: Vec<_> = path.split('/').skip(1).collect();
    match (path.as_slice(), method) {
        (["assets", name], Method::Get) => return assets::answer(name, &request.raw.query),
        (["login"], _) => return login::answer(request, method),
        (["setup"], _) => return setup::answer(request, method),
        (["logout"], Method::Post) => return login::log_out(request),
        _ => {}
    }
    let signed_in = SignedIn::of(request)?;
    let of = &signed_in;
    match (path.as_slice(), method) {
        ([] | [""], Method::Get) => overview::page(of),
        (["config"], Method::Get) => users_page::config(of),
        (["config", "users"], Method::Get) => users_page::page(of),
        (["config", "users", "new"], _) => users_page::add(of, method),
        (["config", "users", id], _) => user_page::answer(of, user(id)?, method),
        (["bots"], Method::Get) => bots_page::page(of, None),
        (["bots"], Method::Post) => bots_page::create(of),
        (["bots", id], _) => bot_page::answer(of, user(id)?, method),
        (["bots", id, "api-key"], _) => bot_page::api_key(of, user(id)?, method),
        (["keys", keyspace], _) => keys_page::answer(of, keyspace, method),
        (["key", id], _) => key_page::answer(of, id.parse().map_err(|_| Refusal::NotFound)?, method),
        (["try"], _) => try_key::answer(of, method),
        (["audit"], Method::Get) => audit::page(of),
        (
            [] | [""] | ["config"] | ["config", "users"] | ["audit"] | ["logout"] | ["assets", _],
            Method::Get | Method::Post,
        ) => Err(Refusal::MethodNotAllowed),
        _ => Err(Refusal::NotFound),
    }
}

fn user(text: &str) -> Result<UserId, Refusal> {
    text.parse().map(UserId).map_err(|_| Refusal::NotFound)
}
