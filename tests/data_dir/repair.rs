//! A store whose indexes are wrong, and whose entries are damaged: found, and made whole from its records.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;

use crate::binary::{keyward, run};
use crate::directory::copy_tree;
use crate::raw_sled::with_sled;
use keyward::config::SecretFile;
use keyward::engine::{CreateOutcome, Engine, IdempotencyKey, NewCompany, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::key::{Actor, Level, RateLimit, RateLimits, Role};
use keyward::store::codec::{OwnerLimits, Record as _};
use keyward::store::sled::OpenOptions;
use keyward::store::{Batch, SledStore, Store as _, schema};
use serde_json::Value;
use tempfile::TempDir;

/// A store with a company, a user of it and keys, one of them deleted and one made by a request that may be repeated;
/// the texts of those that are good.
fn filled() -> (TempDir, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = SledStore::open(dir.path(), OpenOptions::default()).unwrap();
    let peppers = SecretFile::at(dir.path().join("secret")).read_or_create(true, &OsEntropy).unwrap();
    let engine = Engine::open(Parts::new(store, peppers)).unwrap();
    let mut flo = NewUser::person("flo".parse().unwrap(), Role::User, None);
    flo.email = Some("flo@example.org".parse().unwrap());
    let company = NewCompany { id: None, name: "Example".parse().unwrap() };
    flo.company = Some(engine.add_company(Actor::Operator, company).unwrap().id);
    let flo = engine.add_user(Actor::Operator, flo).unwrap().id;
    let new = NewKey::new("native".parse().unwrap(), flo, Level::OWN);
    let create = || engine.create_key(Actor::Operator, new.clone()).unwrap();
    let mut texts: Vec<String> = (0..5).map(|_| create().1.reveal().to_string()).collect();
    let (deleted, _) = create();
    let mark = IdempotencyKey { name: [1; 32], content: [2; 32] };
    if let CreateOutcome::Created(_, text) =
        engine.create_key_idempotent(Actor::Operator, new.clone(), mark).unwrap()
    {
        texts.push(text.reveal().to_string());
    }
    engine.delete_key(Actor::Operator, deleted.id).unwrap();
    engine.stop().unwrap();
    (dir, texts)
}

/// Runs the binary on a directory: its exit code and its standard output.
fn tell(dir: &Path, args: &[&str], input: &str) -> (i32, String) {
    let done = run(keyward(dir, args), input);
    (done.code, done.out)
}

/// What a check says is wrong with which places; or why there was none.
fn check(dir: &Path) -> Result<Vec<(String, String)>, String> {
    let done = run(keyward(dir, &["check", "--output", "json"]), "");
    let Ok(report) = serde_json::from_str::<Value>(&done.out) else { return Err(done.err) };
    let part = |finding: &Value, name| finding.get(name).unwrap().as_str().unwrap().to_owned();
    let findings = report.get("findings").unwrap().as_array().unwrap().iter();
    Ok(findings.map(|finding| (part(finding, "place"), part(finding, "problem"))).collect())
}

fn findings(dir: &Path) -> Vec<(String, String)> {
    check(dir).unwrap()
}

fn are_good(dir: &Path, texts: &[String]) {
    for text in texts {
        assert_eq!(tell(dir, &["key", "verify"], text).0, 0);
    }
}

/// Has the store go on with what can be read, as `serve --recover` does.
fn recover(dir: &Path) {
    let recover = OpenOptions { recover: true, ..OpenOptions::default() };
    SledStore::open(dir, recover).unwrap().0.close().unwrap();
}

/// The places in the whole store, but for what the store keeps of itself.
fn places(dir: &Path) -> Vec<Vec<u8>> {
    let (store, _) = SledStore::open(dir, OpenOptions::default()).unwrap();
    let places = store.scan(b"", None, usize::MAX).unwrap().into_iter().map(|entry| entry.key).collect();
    store.close().unwrap();
    places
}

fn change(dir: &Path, change: impl FnOnce(&mut Batch)) {
    let (store, _) = SledStore::open(dir, OpenOptions::default()).unwrap();
    let mut batch = Batch::default();
    change(&mut batch);
    store.commit(batch).unwrap();
    store.close().unwrap();
}

/// Changes a bit of what is at these places, below the store.
fn damage(dir: &Path, places: &[&[u8]]) {
    with_sled(dir, |database| {
        for place in places {
            let mut value = database.get(place).unwrap().unwrap().to_vec();
            *value.last_mut().unwrap() ^= 1;
            database.insert(place, value).unwrap();
        }
    });
}

#[test]
fn wrong_indexes_are_found_and_made_again() {
    let (dir, texts) = filled();
    let dir = dir.path();
    let whole = places(dir);
    let records: [&[u8]; 7] = [
        schema::KEYS,
        schema::USERS,
        schema::COMPANIES,
        schema::AUDIT,
        schema::DELETED,
        schema::REQUESTS,
        b"m/",
    ];
    let indexes = whole.iter().filter(|place| !records.iter().any(|record| place.starts_with(record)));
    for (nth, place) in indexes.enumerate() {
        change(dir, |batch| match nth % 2 {
            0 => batch.delete(place.clone()),
            _ => batch.put(place.clone(), b"something else"),
        });
    }
    change(dir, |batch| {
        batch.put(schema::name("ghost"), b"");
        batch.delete(schema::AUDIT_HEAD);
        batch.delete(schema::USER_COUNTER);
    });
    let planted = findings(dir);
    assert!(planted.len() > 20, "{planted:?}");
    let (code, told) = tell(dir, &["check", "--repair"], "");
    assert!(code == 0 && told.contains("0 lost"), "{told}");
    assert_eq!(findings(dir), []);
    assert_eq!(places(dir), whole);
    are_good(dir, &texts);
    let kept = dir.join("replaced");
    assert!(kept.join("db").is_dir() && kept.join("watermark").is_file());
}

#[test]
fn damaged_entries_are_left_out_and_named_and_what_follows_from_others_comes_back() {
    let (dir, texts) = filled();
    let dir = dir.path();
    let whole = places(dir);
    // Below the store, as a bad disk does it: one bit in the value of an index entry, and in that of a key.
    let hot = whole.iter().find(|place| place.starts_with(schema::HOT)).unwrap();
    let key = whole.iter().rfind(|place| place.starts_with(schema::KEYS)).unwrap();
    damage(dir, &[hot, key]);
    let (code, told) = tell(dir, &["check", "--repair"], "");
    assert_eq!(code, 1, "something is lost: {told}");
    assert!(told.contains(&schema::printable(hot)) && told.contains(&schema::printable(key)), "{told}");
    assert!(told.contains("2 lost"), "{told}");
    assert_eq!(findings(dir), []);
    let good = texts.iter().filter(|text| tell(dir, &["key", "verify"], text).0 == 0).count();
    assert_eq!(good, texts.len() - 1, "only the key whose record is gone is gone");
}

/// What is done to a whole store, and where and how a check must say so.
struct Planted {
    problem: &'static str,
    place: Vec<u8>,
    plant: Box<dyn Fn(&Path)>,
    /// Whether a repair makes it good: it is an index's, or a counter's.
    heals: bool,
}

impl Planted {
    fn new(problem: &'static str, place: &[u8], heals: bool, plant: impl Fn(&Path) + 'static) -> Self {
        Self { problem, place: place.to_vec(), plant: Box::new(plant), heals }
    }

    /// An entry that is not as it was: removed, or with this value.
    fn written(problem: &'static str, at: &[u8], heals: bool, value: Option<&[u8]>) -> Self {
        let (place, value) = (at.to_vec(), value.map(<[u8]>::to_vec));
        Self::new(problem, at, heals, move |dir| {
            change(dir, |batch| match value.clone() {
                Some(value) => batch.put(place.clone(), value),
                None => batch.delete(place.clone()),
            });
        })
    }

    /// An entry that is removed, and of which another place tells.
    fn removed(problem: &'static str, at: &[u8], removed: &[u8]) -> Self {
        Self { place: at.to_vec(), ..Self::written(problem, removed, false, None) }
    }

    fn damaged(problem: &'static str, at: &[u8], heals: bool) -> Self {
        let place = at.to_vec();
        Self::new(problem, at, heals, move |dir| damage(dir, &[&place]))
    }
}

/// Something of every kind that a check can find, in indexes, counters and records, in a store with these places.
fn planted(whole: &[Vec<u8>]) -> Vec<Planted> {
    let first = |prefix: &[u8]| whole.iter().find(|place| place.starts_with(prefix)).unwrap().as_slice();
    let [key, user, company] = [schema::KEYS, schema::USERS, schema::COMPANIES].map(first);
    // The first user is the company's account.
    let flo = whole.iter().rfind(|place| place.starts_with(schema::USERS)).unwrap().as_slice();
    let mut planted = vec![
        Planted::removed("belongs to no user", key, flo),
        Planted::removed("belongs to no company", flo, company),
        Planted::removed("has no account", company, user),
        Planted::written("binds no user", &schema::owner_limits(99, "native"), false, Some(&owner_limits())),
        Planted::damaged("is damaged; the walk ends there", key, false),
        Planted::damaged("is damaged; the walk ends there", flo, false),
        Planted::damaged("is damaged; the walk ends there", company, false),
        Planted::written("is not a record", key, false, Some(b"junk")),
        Planted::removed("does not follow the event before it", &schema::audit(3), &schema::audit(2)),
        Planted::written("is not the newest event", schema::AUDIT_HEAD, true, None),
        Planted::written("is behind the newest user", schema::USER_COUNTER, true, None),
        Planted::written("belongs to no record", &schema::prefix("kw_stray", &[7; 16]), true, Some(b"")),
        Planted::written(
            "belongs to no record",
            &schema::listing(1, "native", 1, 1, &[7; 16]),
            true,
            Some(b""),
        ),
        Planted::written("belongs to no record", &schema::slow("stray", &[7; 16]), true, Some(b"")),
        Planted::written("belongs to no record", &schema::member(None, 99), true, Some(b"")),
    ];
    for record in [schema::DELETED, schema::REQUESTS] {
        let place = first(record);
        let kept = |kept: &&Vec<u8>| schema::kept_until(kept).is_some_and(|(_, of)| of == place);
        let kept = whole.iter().find(kept).unwrap();
        let never = Planted::written("would never go", kept, true, None);
        planted.push(Planted { place: place.to_vec(), ..never });
    }
    for index in [schema::HOT, schema::NAMES, schema::EMAILS] {
        let place = first(index);
        planted.extend([
            Planted::written("is missing", place, true, None),
            Planted::written("does not agree with its record", place, true, Some(b"junk")),
            Planted::written("is not a record", place, true, Some(b"junk")),
            Planted::damaged("is damaged", place, true),
            Planted::damaged("is damaged; the walk ends there", place, true),
        ]);
    }
    planted
}

/// Limits that bind an owner, as they are stored.
fn owner_limits() -> Vec<u8> {
    let one = NonZeroU32::MIN;
    let limit = RateLimit { name: RateLimit::DEFAULT_NAME, count: one, seconds: one, burst: one };
    let limits = RateLimits::of(vec![limit]).unwrap();
    OwnerLimits { level: Level::ALL, limits }.encode().unwrap()
}

/// Everything that a check can say, told from its source.
fn problems() -> BTreeSet<String> {
    let source =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/engine/maintenance/check.rs"))
            .unwrap();
    let code = source.split("#[cfg(test)]").next().unwrap();
    let said = code.lines().filter(|line| line.contains("finding(") || line.contains("problem: \""));
    said.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
}

#[test]
fn everything_that_a_check_can_find_is_found_and_what_follows_from_records_is_made_good() {
    let (dir, _) = filled();
    let whole = places(dir.path());
    assert_eq!(findings(dir.path()), []);
    let mut kinds = BTreeSet::new();
    for Planted { problem, place, plant, heals } in planted(&whole) {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(dir.path(), copy.path());
        plant(copy.path());
        let place = schema::printable(&place);
        let expected = (place.clone(), problem.to_owned());
        let told = check(copy.path()).or_else(|why| {
            assert!(problem.starts_with("is damaged") && why.contains(&place), "{expected:?}: {why}");
            recover(copy.path());
            check(copy.path())
        });
        match told {
            Ok(found) => {
                assert!(found.contains(&expected), "{expected:?} is not among {found:?}");
                kinds.insert(problem.to_owned());
            }
            // Without users and hot records nothing is verified, so nothing is opened.
            Err(why) => assert!(why.contains(&place), "{expected:?}: {why}"),
        }
        let (code, told) = tell(copy.path(), &["check", "--repair"], "");
        if heals {
            assert_eq!(findings(copy.path()), [], "{expected:?}: {told}");
            assert_eq!(places(copy.path()), whole, "{expected:?}: {told}");
        } else {
            assert!(code == 0 || told.contains(&place), "{expected:?}: {told}");
        }
    }
    assert_eq!(kinds, problems(), "of each kind something is planted");
}
