//! What one client knows: its user, its keys and their texts, and the one request that was not answered yet.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::client::Client;
use crate::list;
use crate::server::Server;

/// A key as it must be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Key {
    id: String,
    comment: String,
    state: String,
    /// What the key is known by; `None` when the answer that had it never came.
    text: Option<String>,
    /// What it was known by before, and still is.
    previous: Option<String>,
}

/// A request that changes something. A key is named by its contact, which never changes.
#[derive(Clone, Debug)]
enum Request {
    Create { name: String },
    Import { names: Vec<String> },
    Comment { name: String, comment: String },
    State { name: String, action: &'static str, state: &'static str },
    Rotate { name: String, grace: bool },
    Delete { name: String },
    Undelete { name: String },
    Rename { display_name: String },
}

pub(crate) struct World {
    user: String,
    admin: String,
    random: StdRng,
    display_name: Option<String>,
    keys: BTreeMap<String, Key>,
    deleted: BTreeMap<String, Key>,
    /// Texts that must never be good again.
    dead: Vec<String>,
    pending: Option<Request>,
}

const KEYS_MAX: usize = 30;
const DEAD_MAX: usize = 60;

impl World {
    /// A client whose user is made now.
    pub(crate) fn new(number: u64, admin: &str, server: &Server) -> Self {
        let user = format!("client{number}");
        let made = Client::new(server, admin).ask("POST", "/v1/users", &json!({ "username": user }));
        assert_eq!(made.unwrap().0, 201);
        Self {
            user,
            admin: admin.to_owned(),
            random: StdRng::seed_from_u64(number),
            display_name: None,
            keys: BTreeMap::new(),
            deleted: BTreeMap::new(),
            dead: Vec::new(),
            pending: None,
        }
    }

    /// A connection for its requests; one that gives no answer when the server is gone already.
    pub(crate) fn client(&self, address: &str) -> Client {
        Client::to(address, &self.admin).unwrap_or_else(|_| Client::over(std::io::Cursor::new(Vec::new())))
    }

    pub(crate) fn in_flight(&self) -> bool {
        self.pending.is_some()
    }

    /// Sends one request and takes over its answer; whether there was one.
    pub(crate) fn act(&mut self, client: &mut Client) -> bool {
        let request = self.choose();
        self.pending = Some(request.clone());
        let Some((status, answer)) = self.send(client, &request) else { return false };
        assert!((200..300).contains(&status), "{request:?} got {status}: {answer}");
        self.apply(&request, Some(&answer));
        self.pending = None;
        true
    }

    fn choose(&mut self) -> Request {
        let fresh = format!("{:016x}", self.random.random::<u64>());
        let name = self.keys.keys().choose(&mut self.random).cloned();
        let (Some(name), false) = (name, self.keys.is_empty()) else {
            return Request::Create { name: fresh };
        };
        let key = &self.keys[&name];
        // Of a key without a known text nothing can be said: it goes first.
        if key.text.is_none() || self.keys.len() > KEYS_MAX {
            return Request::Delete { name };
        }
        let revoked = key.state == "revoked";
        match self.random.random_range(0..100) {
            0..25 => Request::Create { name: fresh },
            25..30 => Request::Import { names: (0..4).map(|nth| format!("{fresh}-{nth}")).collect() },
            30..40 => Request::Rename { display_name: fresh },
            40..50 => match self.deleted.keys().choose(&mut self.random) {
                Some(name) => Request::Undelete { name: name.clone() },
                None => Request::Delete { name },
            },
            50..62 => Request::Delete { name },
            _ if revoked => Request::Delete { name },
            62..70 => Request::Comment { name, comment: fresh },
            70..82 => Request::Rotate { name, grace: fresh.len().is_multiple_of(2) && self.random.random() },
            82..92 if key.state == "active" => Request::State { name, action: "suspend", state: "suspended" },
            82..92 => Request::State { name, action: "resume", state: "active" },
            _ => Request::State { name, action: "revoke", state: "revoked" },
        }
    }

    fn send(&self, client: &mut Client, request: &Request) -> Option<(u16, Value)> {
        let at = |name: &str| format!("/v1/keys/{}", self.keys[name].id);
        match request {
            Request::Create { name } => {
                let body = json!({ "keyspace": "native", "owner": self.user, "comment": name, "contact": contact(name) });
                client.ask("POST", "/v1/keys", &body)
            }
            Request::Import { names } => {
                let line = |name: &String| json!({ "key": imported(name), "owner": self.user, "comment": name, "contact": contact(name) });
                let lines: Vec<String> = names.iter().map(|name| line(name).to_string()).collect();
                client.send("POST", "/v1/import", &lines.join("\n"))
            }
            Request::Comment { name, comment } => {
                client.ask("PATCH", &at(name), &json!({ "comment": comment }))
            }
            Request::State { name, action, .. } => {
                client.ask("POST", &format!("{}/{action}", at(name)), &json!({}))
            }
            Request::Rotate { name, grace } => {
                let body = json!({ "grace_seconds": if *grace { 86_400 } else { 0 } });
                client.ask("POST", &format!("{}/rotate", at(name)), &body)
            }
            Request::Delete { name } => client.send("DELETE", &at(name), ""),
            Request::Undelete { name } => {
                client.ask("POST", &format!("/v1/keys/{}/undelete", self.deleted[name].id), &json!({}))
            }
            Request::Rename { display_name } => {
                let address = format!("/v1/users/{}", self.user);
                client.ask("PATCH", &address, &json!({ "display_name": display_name }))
            }
        }
    }

    /// Does to what is known what `request` did; without an answer, texts that it had are not known.
    fn apply(&mut self, request: &Request, answer: Option<&Value>) {
        let text = answer.and_then(|answer| answer["text"].as_str()).map(str::to_owned);
        match request {
            Request::Create { name } => {
                let id = answer.map(|answer| word(&answer["key"]["id"])).unwrap_or_default();
                self.keys.insert(name.clone(), Key { id, text, ..fresh(name) });
            }
            Request::Import { names } => {
                let lines = answer.map(|answer| list(answer, "lines")).unwrap_or_default();
                for (nth, name) in names.iter().enumerate() {
                    let id = lines.get(nth).map(|line| word(&line["key_id"])).unwrap_or_default();
                    self.keys.insert(name.clone(), Key { id, text: Some(imported(name)), ..fresh(name) });
                }
            }
            Request::Comment { name, comment } => self.key(name).comment.clone_from(comment),
            Request::State { name, state, .. } => self.key(name).state = (*state).to_owned(),
            Request::Rotate { name, grace } => {
                let key = self.key(name);
                let replaced = std::mem::replace(&mut key.text, text);
                let (kept, ended) = if *grace { (replaced, None) } else { (None, replaced) };
                let before = std::mem::replace(&mut key.previous, kept);
                self.dead.extend([ended, before].into_iter().flatten());
            }
            Request::Delete { name } => {
                let key = self.keys.remove(name).unwrap();
                self.deleted.insert(name.clone(), key);
                if self.deleted.len() > KEYS_MAX {
                    let (_, gone) = self.deleted.pop_first().unwrap();
                    self.dead.extend([gone.text, gone.previous].into_iter().flatten());
                }
            }
            Request::Undelete { name } => {
                let key = self.deleted.remove(name).unwrap();
                self.keys.insert(name.clone(), key);
            }
            Request::Rename { display_name } => self.display_name = Some(display_name.clone()),
        }
        let surplus = self.dead.len().saturating_sub(DEAD_MAX);
        self.dead.drain(..surplus);
    }

    fn key(&mut self, name: &str) -> &mut Key {
        self.keys.get_mut(name).unwrap()
    }

    /// Finds out whether the request in flight was done, and takes that over; whether it was.
    pub(crate) fn settle(&mut self, client: &mut Client) -> bool {
        let Some(request) = self.pending.take() else { return false };
        let found = self.found(client);
        let known = |name: &String| found.get(name);
        let done = match &request {
            Request::Create { name } | Request::Undelete { name } => known(name).is_some(),
            Request::Import { names } => {
                // Each line is a change of its own.
                let there: Vec<String> = names.iter().filter(|name| known(name).is_some()).cloned().collect();
                self.apply(&Request::Import { names: there.clone() }, None);
                for name in &there {
                    self.key(name).id = word(&found[name]["id"]);
                }
                return !there.is_empty();
            }
            Request::Comment { name, comment } => known(name).is_some_and(|key| key["comment"] == **comment),
            Request::State { name, state, .. } => known(name).is_some_and(|key| key["state"] == *state),
            Request::Rotate { name, .. } => {
                // Both look the same: which of its texts are good is not known.
                let key = self.key(name);
                (key.text, key.previous) = (None, None);
                return false;
            }
            Request::Delete { name } => known(name).is_none(),
            Request::Rename { display_name } => self.user(client)["display_name"] == **display_name,
        };
        if done {
            self.apply(&request, None);
            if let Request::Create { name } = &request {
                self.key(name).id = word(&found[name]["id"]);
            }
        }
        done
    }

    /// Compares everything that is known with the server, and presents every text; how many.
    ///
    /// # Errors
    /// What is not as it must be.
    pub(crate) fn compare(&self, client: &mut Client, gateway: &mut Client) -> Result<u64, String> {
        let display_name = self.user(client)["display_name"].as_str().map(str::to_owned);
        if display_name != self.display_name {
            return Err(format!("{:?} is lost, {display_name:?} is there", self.display_name));
        }
        let found = self.found(client);
        let seen = |key: &Value| (word(&key["id"]), word(&key["comment"]), word(&key["state"]));
        let found: BTreeMap<_, _> = found.iter().map(|(name, key)| (name.clone(), seen(key))).collect();
        let known = self.keys.iter();
        let known: BTreeMap<_, _> = known
            .map(|(name, key)| (name.clone(), (key.id.clone(), key.comment.clone(), key.state.clone())))
            .collect();
        if found != known {
            return Err(format!("lost or too much: known {known:?}, found {found:?}"));
        }
        let live = self.keys.values().flat_map(|key| {
            [&key.text, &key.previous].into_iter().flatten().map(|text| (text, key.state == "active"))
        });
        let deleted = self.deleted.values().flat_map(|key| [&key.text, &key.previous].into_iter().flatten());
        let dead = deleted.chain(&self.dead).map(|text| (text, false));
        let mut verified = 0;
        for (text, good) in live.chain(dead) {
            let (_, verdict) =
                gateway.ask("POST", "/v1/verify", &json!({ "key": text })).expect("it answers");
            if verdict["valid"] != good {
                let of = self
                    .keys
                    .iter()
                    .find(|(_, key)| [&key.text, &key.previous].contains(&&Some(text.clone())));
                return Err(format!("text {text} of {of:?} must be {good}, but: {verdict}"));
            }
            verified += 1;
        }
        Ok(verified)
    }

    fn user(&self, client: &mut Client) -> Value {
        client.ask("GET", &format!("/v1/users/{}", self.user), &json!({})).expect("it answers").1
    }

    /// Keys by name.
    fn found(&self, client: &mut Client) -> BTreeMap<String, Value> {
        let address = format!("/v1/keys?owner={}&limit=1000", self.user);
        let page = client.ask("GET", &address, &Value::Null).expect("it answers").1;
        assert_eq!(page["next"], Value::Null, "one page has all");
        let name = |key: &Value| word(&key["contact"]).trim_end_matches("@example.org").to_owned();
        list(&page, "keys").into_iter().map(|key| (name(&key), key)).collect()
    }
}

fn fresh(name: &str) -> Key {
    Key { comment: name.to_owned(), state: "active".to_owned(), ..Key::default() }
}

fn contact(name: &str) -> String {
    format!("{name}@example.org")
}

/// The text of a key that another system issued.
fn imported(name: &str) -> String {
    format!("other_{name}")
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
