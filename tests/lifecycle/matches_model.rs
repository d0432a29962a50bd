//! Verdicts, records and listings are what the model says.

use std::collections::{BTreeSet, HashSet};

use keyward::command::{
    AcceptClock, Caller, CheckAudit, CheckStore, Command, CountPeppers, CountSessions, FindKeys, KeyPage,
    KeyRef, ListCompanies, ListEvents, ListKeys, ListRequests, ListUsers, ListUsersOf, SearchEvents,
    ShowCompany, ShowKey, ShowOverview, ShowText, ShowUser, UserRef,
};
use keyward::engine::{Cursor, EventFilter, KeyFilter};
use keyward::key::{Actor, Issuing, Key, KeyId, Keyspace, Spend, User, UserKind};
use keyward::verify::{DenyReason, Verdict, Verifier, VerifyRequest};

use crate::commands::PASSWORDS;
use crate::model::CLIENT;
use crate::world::World;

/// Pages are short, so that there are several.
const PAGE: usize = 3;

impl World<'_> {
    fn shown<C: Command>(&self, command: C) -> C::Output {
        self.service().run(&Caller::operator(), command).unwrap_or_else(|error| panic!("{error}"))
    }

    fn verify(&self, verifier: &Verifier, keyspace: &Keyspace, text: &str) -> Verdict {
        // It only looks at rate limits: those are spent elsewhere.
        let (client, spend) = (Some(CLIENT.parse().unwrap()), Spend { limit: None, cost: 0 });
        verifier.verify(&VerifyRequest { client, spend, ..VerifyRequest::new(keyspace, text) }).unwrap()
    }

    /// Every text that was ever given out is allowed or denied as the model says.
    pub(crate) fn verdicts_agree(&mut self) {
        let (now, verifier) = (self.now(), Verifier::new(self.engine().reader()));
        let mut used = Vec::new();
        let mut good = HashSet::new();
        for (id, key, text, until) in self.model.secrets() {
            let Some(text) = text else { continue };
            good.insert((*key.keyspace.name(), text.clone()));
            let expected = self.model.verdict(key, until, now);
            match (self.verify(&verifier, &key.keyspace, text), expected) {
                (Verdict::Allow(identity), Ok(level)) => {
                    assert_eq!((identity.key, identity.user, identity.level), (id, key.new.owner, level));
                    used.push(id);
                }
                (Verdict::Deny(found), Err(reason)) => assert_eq!(found, reason, "{key:?}"),
                (found, expected) => panic!("{found:?} instead of {expected:?} for {key:?}"),
            }
        }
        for id in used {
            self.model.keys.get_mut(&id).unwrap().uses += 1;
        }
        for (keyspace, text) in &self.model.texts {
            if !good.contains(&(*keyspace.name(), text.clone())) {
                // It may have been taken over anew since, in another keyspace.
                let elsewhere = good.iter().any(|(_, live)| live == text);
                let reason = match keyspace.format().parse(text) {
                    _ if elsewhere => DenyReason::WrongKeyspace,
                    Ok(_) => DenyReason::Unknown,
                    Err(_) => DenyReason::Malformed,
                };
                assert_eq!(self.verify(&verifier, keyspace, text), Verdict::Deny(reason), "{text} is gone");
            }
        }
        self.tally.verdicts.add(self.model.texts.len() as u64);
    }

    pub(crate) fn user_agrees(&self, found: &User) {
        let member = &self.model.users[&found.id];
        let kind = match found.kind {
            UserKind::Person { password: Some(_) } => {
                assert!(member.password.is_some(), "nobody gave {} a password", found.username);
                UserKind::Person { password: None }
            }
            ref kind => kind.clone(),
        };
        // What others took away is the rules' own business; here everything is done by whom nothing stops.
        let api_access_removed_by = member.user.api_access_removed_by;
        assert_eq!(User { kind, api_access_removed_by, ..found.clone() }, member.user);
    }

    pub(crate) fn key_agrees(&self, found: &Key) {
        assert_eq!(*found, self.model.record_of(found.id, found));
        let key = &self.model.keys[&found.id];
        assert!(key.came_back || found.usage.count <= key.uses, "{} of {} uses", found.usage.count, key.uses);
        let until = found.secrets.previous.as_ref().map(|(_, until)| *until);
        assert_eq!(until, key.previous.as_ref().map(|(_, until)| *until));
    }

    /// Records and listings are the model's, and the store is sound.
    pub(crate) fn records_agree(&self) {
        self.users_agree();
        self.keys_agree();
        let events = self.events_agree();
        let report = self.shown(CheckStore);
        assert_eq!(report.findings, Vec::new());
        let counts = (self.model.users.len(), self.model.keys.len());
        assert_eq!((report.users, report.keys), (counts.0 as u64, counts.1 as u64));
        assert!(report.events >= events, "{} of {events}", report.events);
        let summary = self.engine().reader().summary().unwrap();
        let bots =
            self.model.users.values().filter(|member| member.user.kind == UserKind::Bot).count() as u64;
        // The account of a company is none of them.
        let accounts = self.model.companies.len() as u64;
        assert_eq!((summary.people, summary.bots), (counts.0 as u64 - bots, bots - accounts));
        let counted =
            summary.keyspaces.values().map(|keys| keys.active + keys.expired + keys.suspended + keys.revoked);
        assert_eq!(counted.sum::<u64>(), counts.1 as u64);
        let _ = self.shown(ShowOverview);
        assert_eq!(self.shown(AcceptClock), None, "this store knows no time");
        let uses = self.shown(CountPeppers);
        assert_eq!(
            uses.keys().map(|number| number.0).collect::<Vec<_>>(),
            self.peppers().collect::<Vec<_>>()
        );
    }

    fn users_agree(&self) {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = self.shown(ListUsers { after, limit: PAGE });
            after = page.last().map(|user| user.id);
            listed.extend(page.iter().map(|user| user.id));
            page.iter().for_each(|user| self.user_agrees(user));
            if page.len() < PAGE {
                break;
            }
        }
        assert_eq!(listed, self.model.users.keys().copied().collect::<Vec<_>>());
        for (id, member) in &self.model.users {
            for named in [UserRef::Id(*id), UserRef::Name(member.user.username.clone())] {
                self.user_agrees(&self.shown(ShowUser(named)));
            }
            if let Some(email) = &member.user.email {
                assert_eq!(self.engine().reader().user_by_email(email).unwrap().unwrap().id, *id);
            }
            let (live, access) = (self.model.live(*id, Keyspace::TELVUE).len(), member.user.api_access);
            assert_eq!(live, usize::from(access), "exactly one with access, none without");
            for space in Keyspace::all().filter(|space| space.issuing() == Issuing::OnePerBot) {
                assert!(self.model.live(*id, space).len() <= 1, "one for each bot");
            }
            assert_eq!(self.shown(CountSessions(UserRef::Id(*id))), 0);
            let _ = self.shown(ListRequests(UserRef::Id(*id)));
        }
        self.companies_agree();
    }

    fn companies_agree(&self) {
        let companies = self.shown(ListCompanies { after: None, limit: 100 });
        assert_eq!(companies, self.model.companies.values().cloned().collect::<Vec<_>>());
        let each = companies.iter().map(|company| Some(company.id));
        for company in each.chain([None]) {
            let (mut listed, mut after) = (Vec::new(), None);
            loop {
                let (page, next) = self.shown(ListUsersOf { company, after, limit: PAGE });
                listed.extend(page.into_iter().map(|user| user.id));
                after = next;
                if after.is_none() {
                    break;
                }
            }
            let members = self.model.users.iter().filter(|(_, member)| member.user.company == company);
            assert_eq!(listed, members.map(|(id, _)| *id).collect::<Vec<_>>());
            if let Some(id) = company {
                assert_eq!(self.shown(ShowCompany(id)), self.model.companies[&id]);
            }
        }
    }

    fn keys_agree(&self) {
        let (mut listed, mut after) = (BTreeSet::new(), None);
        loop {
            let KeyPage { keys: page, next } = self.found(KeyFilter::default(), after);
            assert!(page.len() == PAGE || next.is_none());
            listed.extend(page.iter().map(|(key, _)| key.id));
            page.iter().for_each(|(key, _)| self.key_agrees(key));
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(listed, self.model.keys.keys().copied().collect());
        for owner in self.model.users.keys() {
            for keyspace in Keyspace::all().map(Some).chain([None]) {
                assert_eq!(self.listed(UserRef::Id(*owner), keyspace), self.model.listing(*owner, keyspace));
            }
        }
        for (id, model) in &self.model.keys {
            let key = self.shown(ShowKey(KeyRef::Id(*id)));
            self.key_agrees(&key);
            let waits = self.model.proposals.get(id).is_some_and(|(_, until)| *until > self.now());
            assert_eq!(self.engine().has_staged_rotation(Actor::Operator, *id), waits);
            let text = self.shown(ShowText(KeyRef::Id(*id)));
            assert!(
                text.is_none()
                    || model.text.is_none()
                    || text.map(|text| text.reveal().to_string()) == model.text
            );
            if key.secrets.current.shows_prefix() {
                let prefix = Some(key.secrets.current.prefix.clone());
                let filter = KeyFilter { prefix, ..KeyFilter::default() };
                let (mut found, mut after) = (false, None);
                // Imported keys may share one.
                loop {
                    let page = self.found(filter.clone(), after);
                    found |= page.keys.iter().any(|(found, _)| found.id == *id);
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert!(found);
            }
        }
        self.deleted_agree();
    }

    /// A page of everyone's keys.
    fn found(&self, filter: KeyFilter, after: Option<Cursor>) -> KeyPage {
        self.shown(FindKeys { owner: None, filter, after, limit: PAGE })
    }

    fn listed(&self, owner: UserRef, keyspace: Option<Keyspace>) -> Vec<KeyId> {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let keyspace = keyspace.map(|keyspace| *keyspace.name());
            let limit = Some(PAGE);
            let command = ListKeys { owner: owner.clone(), keyspace, after, limit, texts: false };
            let KeyPage { keys, next } = self.shown(command);
            listed.extend(keys.into_iter().map(|(key, _)| key.id));
            after = next;
            if after.is_none() {
                return listed;
            }
        }
    }

    fn deleted_agree(&self) {
        let (reader, now) = (self.engine().reader(), self.now());
        for (id, (key, until)) in &self.model.deleted {
            let kept = reader.deleted_key(*id).unwrap();
            assert_eq!(kept.is_some(), *until > now, "{id} is kept until its time is over");
            assert!(kept.is_none_or(|kept| kept.comment == key.new.comment && kept.serial == key.serial));
        }
    }

    /// Answers how many events there are.
    fn events_agree(&self) -> u64 {
        let all = ListEvents { filter: EventFilter::default(), after: 0, limit: 1_000 };
        let (events, _) = self.shown(all);
        let changes = events.iter().filter(|event| event.action.is_change());
        let changes: Vec<_> = changes.map(|event| (event.at, event.action, event.subject)).collect();
        assert_eq!(changes, self.model.events);
        let command = SearchEvents { filter: EventFilter::default(), before: None, limit: 1_000 };
        let trail = self.shown(command);
        // Logins and refusals may be written meanwhile.
        assert!(trail.events.iter().rev().take(events.len()).eq(&events));
        let chain = self.shown(CheckAudit { kept: Some(trail.chain.head) });
        assert!(chain.events >= events.len() as u64 && chain.broken_at.is_none());
        assert_eq!(chain.kept, Some(true));
        events.len() as u64
    }

    /// A user with a password logs in with that password alone.
    pub(crate) fn passwords_agree(&self) {
        let reader = self.engine().reader();
        if let Some((id, nth)) = self.model.users.iter().find_map(|(id, member)| Some((id, member.password?)))
        {
            let user = reader.user(*id).unwrap();
            for other in [nth, (nth + 1) % PASSWORDS] {
                let right = self.engine().check_password(user.as_ref(), &crate::commands::password(other));
                assert_eq!(right.unwrap(), other == nth);
            }
        }
    }
}
