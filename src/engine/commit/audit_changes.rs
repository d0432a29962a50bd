//! Changes of an operation, in the words of the audit.
//!
//! Every write of a record passes here, and the audit event is made when the operation is over, so no event can leave a
//! change out. A new field does not compile before `key/audit/details.rs` says how the audit shows it, or that it is
//! secret.
//!
//! Alternative: each operation lists its own changes. A forgotten field would then be a silent gap in the audit.

use crate::key::{AuditField, Company, FieldChange, Key, KeyId, Subject, User, UserId, changes};
use crate::limits;

/// Changes that were written so far.
#[derive(Default)]
pub(in crate::engine) struct AuditChanges {
    /// Per key: id, whether it was created, changed or removed, and for the first keys the changed fields.
    keys: Vec<(KeyId, AuditField, Vec<FieldChange>)>,
    /// Per user: number, whether the user existed before and exists after, and the changed fields.
    users: Vec<(UserId, bool, Vec<FieldChange>)>,
    companies: Vec<FieldChange>,
}

impl AuditChanges {
    pub(in crate::engine) fn key(&mut self, old: Option<&Key>, new: Option<&Key>) {
        let Some(key) = new.or(old) else { return };
        let what = match (old, new) {
            (None, _) => AuditField::KeysCreated,
            (Some(_), Some(_)) => AuditField::KeysChanged,
            (Some(_), None) => AuditField::KeysRemoved,
        };
        let first = self.keys.len() < limits::AUDITED_KEYS_MAX;
        self.keys.push((key.id, what, if first { changes(old, new) } else { Vec::new() }));
    }

    pub(in crate::engine) fn user(&mut self, old: Option<&User>, new: Option<&User>) {
        if let Some(user) = new.or(old) {
            self.users.push((user.id, old.is_some() && new.is_some(), changes(old, new)));
        }
    }

    pub(in crate::engine) fn company(&mut self, old: Option<&Company>, new: Option<&Company>) {
        self.companies.extend(changes(old, new));
    }

    /// Changes that an event about `subject` lists: fields of the subject, fields of other records that changed with
    /// it, and ids of the other keys that changed.
    pub(in crate::engine) fn about(self, subject: Subject) -> Vec<FieldChange> {
        let mut about = self.companies;
        for (id, stays, changes) in self.users {
            // The account of a company is added and removed with it.
            if stays || subject == Subject::User(id) {
                about.extend(changes);
            }
        }
        let (own, others): (Vec<_>, Vec<_>) =
            self.keys.into_iter().partition(|(id, ..)| subject == Subject::Key(*id));
        about.extend(own.into_iter().flat_map(|(.., changes)| changes));
        for field in [AuditField::KeysCreated, AuditField::KeysChanged, AuditField::KeysRemoved] {
            let ids: Vec<_> =
                others.iter().filter(|(_, what, _)| *what == field).map(|(id, ..)| *id).collect();
            if !ids.is_empty() {
                let ids = Some(listed(&ids));
                let (old, new) = if field == AuditField::KeysRemoved { (ids, None) } else { (None, ids) };
                about.push(FieldChange { field, old, new });
            }
        }
        about
    }
}

/// Comma-separated list of the first ids, with the number of all when it is cut.
fn listed(ids: &[KeyId]) -> String {
    let first = ids.iter().take(limits::AUDITED_KEYS_MAX).map(ToString::to_string);
    let first = first.collect::<Vec<_>>().join(", ");
    if ids.len() > limits::AUDITED_KEYS_MAX { format!("{first}, … ({} keys)", ids.len()) } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, EventFilter, KeyChange, NewCompany, NewKey, NewUser, Parts, UserChange};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, Keyspace, Level, Password, PepperRing, RevokeReason, Role};
    use crate::limits;
    use crate::store::MemoryStore;
    use crate::store::codec::Record as _;

    fn engine() -> (Engine, UserId) {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
        let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
        (engine, flo)
    }

    /// Changes of the newest event, which is within its size limit.
    fn newest(engine: &Engine) -> Vec<String> {
        let event = engine.reader().search_audit(&EventFilter::default(), None, 1).unwrap().events.remove(0);
        assert!(event.encode().unwrap().len() <= limits::EVENT_BYTES_MAX);
        let part = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        let word = |change: FieldChange| {
            format!("{}: {} > {}", change.field.name(), part(change.old), part(change.new))
        };
        event.details.changes.into_iter().map(word).collect()
    }

    #[test]
    fn every_operation_says_what_it_changed() {
        let (engine, flo) = engine();
        let by = Actor::Operator;
        let has = |told: &str| {
            let newest = newest(&engine);
            assert!(newest.iter().any(|change| change == told), "{told}: {newest:?}");
        };
        has("username: - > flo");
        engine.set_password(by, flo, &Password::new(b"correct horse").unwrap()).unwrap();
        assert_eq!(newest(&engine), ["password: - > set"]);
        let (key, text) =
            engine.create_key(by, NewKey::new(*Keyspace::NATIVE.name(), flo, Level::READ)).unwrap();
        has("owner: - > 1");
        assert!(!newest(&engine).concat().contains(&*text.reveal()));
        let change = KeyChange { level: Some(Level::OWN), ..KeyChange::default() };
        engine.update_key(by, key.id, change).unwrap();
        assert_eq!(newest(&engine), ["level: 2 > 4"]);
        let pause = KeyChange { active: Some(false), ..KeyChange::default() };
        engine.update_key(by, key.id, pause).unwrap();
        assert_eq!(newest(&engine), ["state: active > suspended"]);
        let (rotated, _) = engine.rotate_key(by, key.id, 0).unwrap();
        let (before, now) = (&key.secrets.current.prefix, &rotated.secrets.current.prefix);
        assert_eq!(newest(&engine), [format!("prefix: {before} > {now}")]);
        engine.revoke_key(by, key.id, RevokeReason::KeyCompromise).unwrap();
        assert_eq!(newest(&engine), ["state: suspended > revoked", "revoke_reason: - > keyCompromise"]);
        engine.delete_key(by, key.id).unwrap();
        has("owner: 1 > -");
        engine.undelete_key(by, key.id).unwrap();
        has("state: - > revoked");
        let access = UserChange { api_access: Some(true), ..UserChange::default() };
        engine.update_user(by, flo, access).unwrap();
        has("api_access: false > true");
        let filter = Keyspace::TELVUE;
        let given = engine.reader().keys_of(flo, Some(filter.name()), None, 2).unwrap().0.remove(0);
        has(&format!("keys_created: - > {}", given.id));
        engine.delete_key(by, given.id).unwrap();
        has("api_access: true > false");
        let company = NewCompany { id: None, name: "One".parse().unwrap() };
        let company = engine.add_company(by, company).unwrap();
        assert_eq!(
            newest(&engine),
            ["name: - > One".to_owned(), format!("account: - > {}", company.account)]
        );
        engine.rename_company(by, company.id, "Two".parse().unwrap()).unwrap();
        assert_eq!(newest(&engine), ["name: One > Two"]);
        engine.remove_user(by, flo).unwrap();
        has("username: flo > -");
        has(&format!("keys_removed: {} > -", key.id));
    }

    #[test]
    fn long_values_and_many_keys_are_shortened_and_say_so() {
        let (engine, flo) = engine();
        let by = Actor::Operator;
        let comment = |end: &str| format!("{}{end}", "é".repeat(1_500)).parse().unwrap();
        let new =
            NewKey { comment: comment("old"), ..NewKey::new(*Keyspace::NATIVE.name(), flo, Level::READ) };
        let (key, _) = engine.create_key(by, new).unwrap();
        assert!(newest(&engine).iter().any(|change| change.ends_with("… (3003 bytes)")));
        let networks: Vec<_> = (0..=255).map(|n| format!("2001:db8:{n:x}:1234::/64")).collect();
        let change = KeyChange {
            comment: Some(comment("new")),
            allowlist: Some(networks.join(",").parse().unwrap()),
            ..KeyChange::default()
        };
        engine.update_key(by, key.id, change).unwrap();
        let told = newest(&engine);
        assert!(
            told[0].contains("old (3003 bytes) > …") && told[0].ends_with("new (3003 bytes)"),
            "{told:?}"
        );
        assert!(told[1].starts_with("allowlist: - > 2001:db8:0:1234::/64,"), "{told:?}");
        for _ in 0..20 {
            engine.create_key(by, NewKey::new(*Keyspace::NATIVE.name(), flo, Level::READ)).unwrap();
        }
        engine.remove_user(by, flo).unwrap();
        let told = newest(&engine);
        assert!(
            told.iter().any(|change| change.starts_with("keys_removed: ") && change.contains("bytes) > -")
                || change.contains("… (21 keys)")),
            "{told:?}"
        );
    }
}
