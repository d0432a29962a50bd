//! What is true of every answer.

use keyward::http::{RawRequest, RawResponse};
use keyward::key::{Keyspace, Level, UserId, Viewing};
use keyward::store::Revision;

use crate::documented::Api;
use crate::grammar::Asked;
use crate::world::{Known, World};

/// Whether it says no. All of them say so by the status.
pub(crate) fn is_refusal(response: &RawResponse) -> bool {
    response.status >= 400
}

/// Requests that read only, whatever they are answered.
fn only_reads(api: Api, request: &RawRequest) -> bool {
    let verifies = request.path.starts_with("/v1/verify") || request.path == "/console/try";
    ["GET", "HEAD", "OPTIONS"].contains(&request.method.as_str())
        || matches!(api, Api::TelVue | Api::Gateway)
        || verifies
}

/// Holds an answer against what is true of every one. `before` is the newest commit before the request.
pub(crate) fn hold(world: &World, api: Api, asked: &Asked, response: &RawResponse, before: Revision) {
    let request = &asked.request;
    assert!(response.status < 500, "the server says it is at fault");
    assert!((200..500).contains(&response.status));
    let changed = world.revision() != before;
    assert!(!(changed && is_refusal(response)), "it was refused, and changed something");
    assert!(!(changed && only_reads(api, request)), "it only reads, and changed something");
    let body = response.body.as_slice();
    for known in &world.texts {
        let secret = secret(known);
        if has(body, secret) && !sent(request, secret) {
            // A page that is shown again for a form to be filled in rightly shows what it showed before.
            let page = api == Api::Console;
            assert!(page || !is_refusal(response), "a refusal shows the text of {}", known.id);
            assert!(
                may_see(world, api, asked.caller, known),
                "the text of {} is not theirs to see",
                known.id
            );
        }
    }
}

/// The part of a text that is secret.
fn secret(known: &Known) -> &[u8] {
    known.text.split_once(':').map_or(known.text.as_str(), |(_, secret)| secret).as_bytes()
}

fn may_see(world: &World, api: Api, caller: Option<UserId>, known: &Known) -> bool {
    let viewing = known.keyspace.viewing();
    if viewing == Viewing::Once {
        return false;
    }
    if api == Api::Operator {
        return viewing == Viewing::ByAdministrators;
    }
    let Some(caller) = caller.and_then(|id| world.user(id)) else { return false };
    if caller.id == known.owner {
        return true;
    }
    let company = world.user(known.owner).and_then(|owner| owner.company);
    let level = caller.role.level();
    let same = company.is_some() && company == caller.company;
    viewing == Viewing::ByAdministrators && (level >= Level::ALL || same && level >= Level::ADMINISTER)
}

fn has(body: &[u8], wanted: &[u8]) -> bool {
    !wanted.is_empty() && memchr::memmem::find(body, wanted).is_some()
}

/// Whether the request had it: then the answer may repeat it.
fn sent(request: &RawRequest, secret: &[u8]) -> bool {
    let fields = request.headers.iter().map(|(_, value)| value.as_slice());
    let parts = [request.path.as_bytes(), request.query.as_bytes(), request.body.bytes()];
    let raw = parts.into_iter().chain(fields);
    // In a form dashes and the like are percent-encoded; in a header field it may be in base64.
    let found = raw.map(|part| {
        (has(part, secret), has(&percent_encoding::percent_decode(part).collect::<Vec<_>>(), secret))
    });
    found.into_iter().any(|(plain, decoded)| plain || decoded)
}

/// Texts that an answer gives out: every word of the answer that is an unknown key.
pub(crate) fn given_out(world: &World, body: &[u8]) -> Vec<Known> {
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)))
        .filter(|word| (16..=128).contains(&word.len()))
        .collect();
    // FreeSewing gives a key in two parts, one after the other.
    let pairs = words.windows(2).map(|pair| format!("{}:{}", pair[0], pair[1]));
    let candidates: Vec<String> = words.iter().map(|word| (*word).to_owned()).chain(pairs).collect();
    let reader = world.engine().reader();
    let mut found = Vec::new();
    for text in candidates {
        for keyspace in Keyspace::all() {
            let Ok(presented) = keyspace.format().parse(&text) else { continue };
            if let Some((id, owner)) = reader.named_by(&presented).unwrap()
                && reader.key(id).unwrap().is_some_and(|key| key.keyspace == *keyspace.name())
            {
                found.push(Known { keyspace, id, owner, text: text.clone() });
            }
        }
    }
    found
}
