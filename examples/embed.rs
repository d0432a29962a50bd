//! keyward inside your program, without its HTTP server: create a key, verify it, revoke it, and open the store again.
//!
//! `cargo run --example embed --no-default-features`

use std::error::Error;
use std::net::IpAddr;
use std::path::Path;

use keyward::engine::{Engine, NewKey, NewUser, Parts};
use keyward::entropy::OsEntropy;
use keyward::key::{Actor, Keyspace, Level, Pepper, PepperNumber, PepperRing, RevokeReason, Role};
use keyward::store::{SledStore, sled::OpenOptions};
use keyward::verify::{Verdict, Verifier, VerifyRequest};

/// Opens the store in `directory`; creates it the first time.
///
/// The peppers are the secret that every stored hash is keyed with. Keep their bytes (`Pepper::reveal`) in a file of your
/// own, apart from the store and its backups: without them no key verifies.
fn open(directory: &Path, secret: [u8; 32]) -> Result<Engine, Box<dyn Error>> {
    let peppers = PepperRing::new([(PepperNumber(1), Pepper::from_bytes(secret))].into())?;
    let (store, _) = SledStore::open(directory, OpenOptions::default())?;
    Ok(Engine::open(Parts::new(store, peppers))?)
}

/// Asks whether the key `text` may read, used from `client`. The clones of one verifier share its counters; a verify waits
/// for no disk and takes no lock.
fn decide(verifier: &Verifier, text: &str, client: IpAddr) -> Result<Verdict, Box<dyn Error>> {
    let native = Keyspace::named(&"native".parse()?).ok_or("no such keyspace")?;
    let request =
        VerifyRequest { client: Some(client), level: Level::READ, ..VerifyRequest::new(&native, text) };
    // An error means that keyward could not decide: let no client in.
    Ok(verifier.verify(&request)?)
}

/// Runs the example.
///
/// # Errors
/// Any error of keyward; the example handles none of them.
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?; // in your program: a directory that stays
    let secret = *Pepper::generate(&OsEntropy)?.reveal();
    let (near, far): (IpAddr, IpAddr) = ("10.1.2.3".parse()?, "192.0.2.7".parse()?);

    let engine = open(directory.path(), secret)?;
    // `Actor` is who the audit names. A change is durable when its call returns.
    let flo = engine.add_user(Actor::Operator, NewUser::person("flo".parse()?, Role::User, None))?;
    let mut new = NewKey::new("native".parse()?, flo.id, Level::READ);
    new.allowlist = Some("10.0.0.0/8".parse()?);
    let (key, text) = engine.create_key(Actor::Operator, new)?;
    // The one time that the text can be seen: show it to the owner.
    let text = text.reveal();

    let verifier = Verifier::new(engine.reader());
    match decide(&verifier, &text, near)? {
        Verdict::Allow(identity) => assert_eq!((identity.user, identity.key), (flo.id, key.id)),
        // A denial is a verdict, not an error, and says why.
        Verdict::Deny(reason) => return Err(reason.code().into()),
    }
    assert!(
        matches!(decide(&verifier, &text, far)?, Verdict::Deny(reason) if reason.code() == "address_not_allowed")
    );

    // From the moment that this returns, no verify allows the key.
    engine.revoke_key(Actor::Operator, key.id, RevokeReason::KeyCompromise)?;
    assert!(matches!(decide(&verifier, &text, near)?, Verdict::Deny(reason) if reason.code() == "revoked"));

    // Stopping writes what waits, such as counts of uses. The store has everything when it is opened again.
    engine.stop()?;
    drop((engine, verifier));
    let engine = open(directory.path(), secret)?;
    let verdict = decide(&Verifier::new(engine.reader()), &text, near)?;
    assert!(matches!(verdict, Verdict::Deny(reason) if reason.code() == "revoked"));
    engine.stop()?;
    Ok(())
}
