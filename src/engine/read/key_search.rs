//! Search of keys in pages: by owner, company, keyspace, status and prefix.

use crate::clock::Timestamp;
use crate::engine::{Cursor, EngineError, Reader};
use crate::key::{CompanyId, Key, KeyStatus, KeyspaceName, Level, Prefix, UserId};
use crate::limits;
use crate::store::{Entry, StoreError, paged_by, schema};

/// Owners whose keys are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// Keys of one user.
    Owner(UserId),
    /// Keys of the users of a company whose role is at most `highest`, and keys of the caller.
    Company {
        /// Company of the owners.
        company: CompanyId,
        /// Highest level that an owner's role may have.
        highest: Level,
        /// User who searches.
        asking: Option<UserId>,
    },
    /// Keys of every user.
    Everyone,
}

/// Filter of keys. Fields that are `None` match every key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// Keys of this keyspace.
    pub keyspace: Option<KeyspaceName>,
    /// Keys with this status now.
    pub condition: Option<KeyStatus>,
    /// Keys with a text of this prefix.
    pub prefix: Option<Prefix>,
}

/// Entries that name keys, in the order of the store.
type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, StoreError>> + 'a>;

impl Reader {
    /// Returns up to `limit` keys of `owner` (at most 1,000), and the cursor of the next page; `None` at the end.
    /// Newest first within a keyspace; without `keyspace`, keyspaces by name.
    ///
    /// # Errors
    /// As [`Reader::find_keys`].
    pub fn keys_of(
        &self,
        owner: UserId,
        keyspace: Option<&KeyspaceName>,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Key>, Option<Cursor>), EngineError> {
        let filter = KeyFilter { keyspace: keyspace.copied(), ..KeyFilter::default() };
        self.find_keys(KeyScope::Owner(owner), &filter, after, limit)
    }

    /// Returns up to `limit` keys (at most 1,000) that match `filter`, and the cursor of the next page; `None` at the
    /// end. Every page but the last is full. Ordered by owner, then as [`Reader::keys_of`]; with a prefix by key id.
    ///
    /// A page scans also the keys that do not match, a thousand at a time, so it takes time in proportion to them: at
    /// most all keys of `whose`, and with a prefix only the keys that show it.
    ///
    /// # Errors
    /// [`EngineError::OtherList`] when `after` ended a page of another owner or filter: the caller starts from the
    /// first page. [`EngineError::Store`] when the keys could not be read.
    pub fn find_keys(
        &self,
        whose: KeyScope,
        filter: &KeyFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Key>, Option<Cursor>), EngineError> {
        let list = ("keys", whose, filter);
        let limit = limit.clamp(1, limits::PAGE_MAX);
        let after = after.map(|cursor| cursor.within(&list)).transpose()?;
        let (mut keys, mut last) = (Vec::new(), None);
        for entry in self.entries_of(whose, filter, after, limit) {
            let place = entry?.key;
            let Some(key) = self.wanted_at(&place, whose, filter)? else { continue };
            if keys.len() == limit {
                return Ok((keys, last.map(|place| Cursor::new(&list, place))));
            }
            keys.push(self.with_uses(key));
            last = Some(place);
        }
        Ok((keys, None))
    }

    /// Entries of keys that may match, after a place.
    fn entries_of<'a>(
        &'a self,
        whose: KeyScope,
        filter: &'a KeyFilter,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Entries<'a> {
        let under = move |prefix: Vec<u8>, after: Option<Vec<u8>>| {
            paged_by(limit + 1, after, move |after, limit| self.store.scan(&prefix, after, limit))
        };
        let of = |owner: u64| match &filter.keyspace {
            Some(keyspace) => schema::owned_in(owner, keyspace.as_str()),
            None => schema::owned(owner),
        };
        let after = after.map(<[u8]>::to_vec);
        match (whose, &filter.prefix) {
            (_, Some(prefix)) => Box::new(under(schema::prefixed(prefix.as_str()), after)),
            (KeyScope::Owner(owner), None) => Box::new(under(of(owner.0), after)),
            (KeyScope::Everyone, None) => {
                let listed = |entry: &Entry| {
                    let keyspace = filter.keyspace.as_ref();
                    keyspace.is_none_or(|keyspace| schema::is_listed_in(&entry.key, keyspace.as_str()))
                };
                let all = under(schema::LISTINGS.to_vec(), after);
                Box::new(all.filter(move |entry| entry.as_ref().map_or(true, listed)))
            }
            (KeyScope::Company { company, .. }, None) => {
                // Members and their keys are both in the order of the members' numbers.
                let company = company.to_bytes();
                let begun = after.as_deref().and_then(schema::listed_owner);
                let before = begun.and_then(|owner| owner.checked_sub(1));
                let before = before.map(|before| schema::member(Some(&company), before));
                let keys = move |member: Entry| {
                    let owner = schema::member_id(&member.key).unwrap_or_default();
                    under(of(owner), after.clone().filter(|_| begun == Some(owner)))
                };
                let members = under(schema::members(Some(&company)), before);
                Box::new(members.flat_map(move |member| -> Entries<'a> {
                    match member {
                        Ok(member) => Box::new(keys(member)),
                        Err(error) => Box::new(std::iter::once(Err(error))),
                    }
                }))
            }
        }
    }

    /// Returns the key that an entry at `place` names, if it matches. `None` also when it was deleted since the entry
    /// was read.
    fn wanted_at(
        &self,
        place: &[u8],
        whose: KeyScope,
        filter: &KeyFilter,
    ) -> Result<Option<Key>, EngineError> {
        let Some(id) = schema::indexed_id(place) else { return Ok(None) };
        let key: Option<Key> = self.get(&schema::key(&id))?;
        match key {
            Some(key) if filter.wants(&key, self.now()) && self.has(whose, key.owner)? => Ok(Some(key)),
            Some(_) | None => Ok(None),
        }
    }

    fn has(&self, whose: KeyScope, owner: UserId) -> Result<bool, EngineError> {
        Ok(match whose {
            KeyScope::Everyone => true,
            KeyScope::Owner(id) => id == owner,
            KeyScope::Company { company, highest, asking } => self.owner(owner)?.is_some_and(|found| {
                found.company == Some(company) && (found.rights.level <= highest || asking == Some(owner))
            }),
        })
    }
}

impl KeyFilter {
    fn wants(&self, key: &Key, now: Timestamp) -> bool {
        let Self { keyspace, condition, prefix } = self;
        keyspace.is_none_or(|keyspace| key.keyspace == keyspace)
            && condition.is_none_or(|condition| key.status(now) == condition)
            && prefix.as_ref().is_none_or(|prefix| {
                key.secrets.all().any(|secret| secret.shows_prefix() && secret.prefix == *prefix)
            })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::ManualClock;
    use crate::engine::{Engine, KeyChange, NewCompany, NewKey, NewUser, Parts};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, Expiry, Keyspace, PepperRing, RevokeReason, Role};
    use crate::store::MemoryStore;

    /// Owner of a key, whether its keyspace is native, and its fate.
    type Made = (usize, bool, u8);

    /// Four users, of whom the first three are of the company: a moderator, a user and an administrator.
    fn engine(made: &[Made]) -> (Engine, CompanyId, Vec<UserId>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_ms(1_000_000)));
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(Parts { clock: clock.clone(), ..parts }).unwrap();
        let by = Actor::Operator;
        let company =
            engine.add_company(by, NewCompany { id: None, name: "One".parse().unwrap() }).unwrap().id;
        let roles = [Role::Moderator, Role::User, Role::Administrator, Role::User];
        let add = |(at, role): (usize, Role)| {
            let person = NewUser::person(format!("u{at}").parse().unwrap(), role, None);
            let new = NewUser { company: (at < 3).then_some(company), ..person };
            engine.add_user(by, new).unwrap().id
        };
        let users: Vec<_> = roles.into_iter().enumerate().map(add).collect();
        for (owner, native, fate) in made {
            let keyspace = if *native { Keyspace::NATIVE } else { Keyspace::FILEBIN };
            let new = NewKey::new(*keyspace.name(), users[*owner], Level::READ);
            let expires = clock_of(&engine).plus_ms(1);
            let expiry = if *fate == 1 { Expiry::At(expires) } else { Expiry::Never };
            let id = engine.create_key(by, NewKey { expiry: Some(expiry), ..new }).unwrap().0.id;
            match fate {
                2 => {
                    let pause = KeyChange { active: Some(false), ..KeyChange::default() };
                    engine.update_key(by, id, pause).map(drop).unwrap();
                }
                3 => engine.revoke_key(by, id, RevokeReason::Unspecified).map(drop).unwrap(),
                4 => engine.delete_key(by, id).unwrap(),
                _ => {}
            }
        }
        clock.advance_ms(1_000);
        (engine, company, users)
    }

    fn clock_of(engine: &Engine) -> Timestamp {
        engine.reader().now()
    }

    /// Every page of a list.
    fn pages(reader: &Reader, whose: KeyScope, filter: &KeyFilter, limit: usize) -> Vec<Vec<Key>> {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = reader.find_keys(whose, filter, after.as_ref(), limit).unwrap();
            pages.push(page);
            match next {
                Some(next) => after = Some(next.to_string().parse().unwrap()),
                None => return pages,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn pages_are_the_whole_list_filtered_and_then_cut(
            made in prop::collection::vec((0_usize..4, any::<bool>(), 0_u8..5), 0..24),
            limit in 1_usize..8,
            whose in 0_usize..6,
            keyspace in prop::option::of(any::<bool>()),
            condition in prop::option::of(0_usize..4),
        ) {
            let (engine, company, users) = engine(&made);
            let reader = engine.reader();
            let name = |native| *if native { Keyspace::NATIVE } else { Keyspace::FILEBIN }.name();
            let filter = KeyFilter {
                keyspace: keyspace.map(name),
                condition: condition.map(|at| KeyStatus::ALL[at]),
                prefix: None,
            };
            let (whose, owners) = match whose {
                4 => {
                    let (highest, asking) = (Level::ADMINISTER, Some(users[0]));
                    (KeyScope::Company { company, highest, asking }, users[..2].to_vec())
                }
                5 => (KeyScope::Everyone, users.clone()),
                at => (KeyScope::Owner(users[at]), vec![users[at]]),
            };
            let pages = pages(&reader, whose, &filter, limit);
            let (last, full) = pages.split_last().unwrap();
            prop_assert!(full.iter().all(|page| page.len() == limit));
            prop_assert!(last.len() <= limit && (full.is_empty() || !last.is_empty()));
            let mut expected = Vec::new();
            for owner in owners {
                for space in [Keyspace::FILEBIN, Keyspace::NATIVE] {
                    let of = |made: &Made| users[made.0] == owner && name(made.1) == *space.name();
                    let fates: Vec<_> = made.iter().filter(|made| of(made)).map(|made| made.2).collect();
                    let kept = fates.into_iter().rev().filter(|fate| *fate != 4);
                    let condition = kept.map(|fate| KeyStatus::ALL[usize::from(fate)]);
                    expected.extend(condition.map(|condition| (owner, *space.name(), condition)));
                }
            }
            expected.retain(|(_, keyspace, condition)| {
                filter.keyspace.is_none_or(|wanted| wanted == *keyspace)
                    && filter.condition.is_none_or(|wanted| wanted == *condition)
            });
            let now = reader.now();
            let found: Vec<_> = pages.concat();
            let seen = found.iter().map(|key| (key.owner, key.keyspace, key.status(now)));
            prop_assert_eq!(seen.collect::<Vec<_>>(), expected);
            for key in found {
                let prefix = key.secrets.current.prefix.clone();
                let filter = KeyFilter { prefix: Some(prefix), ..filter.clone() };
                let pages = self::pages(&reader, whose, &filter, limit);
                prop_assert!(pages.concat().iter().any(|found| found.id == key.id));
            }
        }
    }

    #[test]
    fn a_cursor_is_refused_by_every_other_list() {
        let (engine, company, users) = engine(&[(0, true, 0), (0, true, 0), (1, true, 0)]);
        let reader = engine.reader();
        let all = KeyFilter::default();
        let (_, next) = reader.find_keys(KeyScope::Everyone, &all, None, 1).unwrap();
        let next = next.unwrap();
        let native = KeyFilter { keyspace: Some(*Keyspace::NATIVE.name()), ..all.clone() };
        let active = KeyFilter { condition: Some(KeyStatus::Active), ..all.clone() };
        let of = |highest| KeyScope::Company { company, highest, asking: None };
        for (whose, filter) in [
            (KeyScope::Owner(users[0]), &all),
            (of(Level::ADMINISTER), &all),
            (KeyScope::Everyone, &native),
            (KeyScope::Everyone, &active),
        ] {
            let refused = reader.find_keys(whose, filter, Some(&next), 1);
            assert!(matches!(refused, Err(EngineError::OtherList)), "{whose:?} {filter:?}");
        }
        assert_eq!(reader.find_keys(KeyScope::Everyone, &all, Some(&next), 5).unwrap().0.len(), 2);
    }
}
