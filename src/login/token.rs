//! Tokens of logins: JSON Web Tokens that are good for seven days (RFC 7519, HS256).
//!
//! A token names its user and nothing else that counts: role and status are read when it is used, and a new password ends
//! it. So tokens need no table and no revocation list.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::active;
use super::{AuthenticateError, Authenticator, Caller, Login, jwt};
use crate::engine::EngineError;
use crate::key::{Pepper, User, UserId, UserKind};
use crate::limits;

const ISSUER: &str = "keyward";

/// API that a token is for. Every other API refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// FreeSewing's API.
    FreeSewing,
    /// BokaMera's API.
    BokaMera,
}

impl Audience {
    const fn name(self) -> &'static str {
        match self {
            Self::FreeSewing => "freesewing",
            Self::BokaMera => "bokamera",
        }
    }
}

/// Claims of a token. The role is for the client to read; the role in the record counts.
#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(rename = "_id")]
    id: u64,
    username: String,
    role: String,
    /// Fingerprint of the password hash: a new password ends all tokens. Not named after passwords, so that no client
    /// mistakes it for one.
    stamp: String,
    aud: String,
    iss: String,
    /// Seconds since 1970.
    iat: u64,
    exp: u64,
}

impl Authenticator {
    /// Returns a token for a person who just logged in.
    ///
    /// # Errors
    /// [`EngineError::NoSuchUser`] when the person was removed; [`EngineError::Store`].
    ///
    /// # Security
    /// A client with the token acts as the person until the token expires, the password changes, or the person is blocked or
    /// removed.
    pub fn token(&self, login: &Login, audience: Audience) -> Result<Zeroizing<String>, EngineError> {
        let reader = self.engine.reader();
        let user = login.id().map_or(Ok(None), |id| reader.user(id))?.ok_or(EngineError::NoSuchUser)?;
        let (_, pepper) = reader.peppers().current();
        let now = reader.now();
        let claims = Claims {
            id: user.id.0,
            username: user.username.as_str().to_owned(),
            role: user.role.name().to_owned(),
            stamp: fingerprint(&user, pepper),
            aud: audience.name().to_owned(),
            iss: ISSUER.to_owned(),
            iat: now.unix_seconds(),
            exp: now.unix_seconds().saturating_add(limits::TOKEN_SECONDS),
        };
        // Claims are plain fields, which always have a JSON form.
        let claims = serde_json::to_vec(&claims).map_err(|_| EngineError::Stopped)?;
        Ok(Zeroizing::new(jwt::sign(&pepper.token_key(), &claims)))
    }

    /// Authenticates a client by token. The caller's level is that of the person's role now.
    ///
    /// # Errors
    /// [`AuthenticateError::Password`] when the token is not valid for this API and time; [`AuthenticateError::NotActive`]
    /// when the token is valid but its user is not active; [`AuthenticateError::Undecided`].
    pub fn by_token(
        &self,
        token: &str,
        audience: Audience,
        client: Option<IpAddr>,
    ) -> Result<Caller, AuthenticateError> {
        let reader = self.engine.reader();
        for (_, pepper) in reader.peppers().all() {
            let Some(claims) = jwt::verified(&pepper.token_key(), token) else { continue };
            let Ok(claims) = serde_json::from_slice::<Claims>(&claims) else { continue };
            let is_for_here = claims.aud == audience.name() && claims.iss == ISSUER;
            if !is_for_here || claims.exp <= reader.now().unix_seconds() {
                break;
            }
            let user = reader.user(UserId(claims.id)).map_err(AuthenticateError::Undecided)?;
            let user = user.filter(|user| fingerprint(user, pepper) == claims.stamp);
            return Ok(Caller::by_login(&active(user)?, client));
        }
        Err(AuthenticateError::Password)
    }
}

/// Returns a text that changes with the password and reveals nothing of it.
pub(super) fn fingerprint(user: &User, pepper: &Pepper) -> String {
    let hash = match &user.kind {
        UserKind::Person { password: Some(hash) } => hash.as_phc(),
        UserKind::Person { password: None } | UserKind::Bot => "",
    };
    pepper.fingerprint(hash)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, Timestamp};
    use crate::engine::{Engine, NewUser, Parts, UserChange};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, Password, PepperNumber, PepperRing, Role, UserStatus};
    use crate::store::MemoryStore;
    use crate::verify::Verifier;

    struct World {
        engine: Engine,
        logins: Authenticator,
        clock: ManualClock,
    }

    fn logins(engine: &Engine) -> Authenticator {
        Authenticator::new(engine.clone(), Verifier::new(engine.reader()))
    }

    impl World {
        fn new() -> Self {
            let clock = ManualClock::at(Timestamp::from_unix_ms(1_764_100_000_000));
            let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
            let engine = Engine::open(Parts { clock: Arc::new(clock.clone()), ..parts }).unwrap();
            let password = Password::new(b"flo").unwrap();
            let flo = NewUser::person("flo".parse().unwrap(), Role::User, Some(password));
            engine.add_user(Actor::Operator, flo).unwrap();
            Self { logins: logins(&engine), engine, clock }
        }

        fn token(&self) -> String {
            let caller = self.logins.by_password("flo", &Password::new(b"flo").unwrap(), None).unwrap();
            self.logins.token(&caller, Audience::FreeSewing).unwrap().to_string()
        }

        fn by(&self, token: &str) -> Result<Caller, AuthenticateError> {
            self.logins.by_token(token, Audience::FreeSewing, None)
        }
    }

    #[test]
    fn a_token_is_good_for_seven_days_where_it_was_made_for() {
        let world = World::new();
        let token = world.token();
        assert_eq!(world.by(&token).unwrap().id(), Some(UserId(1)));
        let elsewhere = world.logins.by_token(&token, Audience::BokaMera, None);
        assert!(matches!(elsewhere, Err(AuthenticateError::Password)));
        world.clock.advance_ms(limits::TOKEN_SECONDS * 1_000 - 1);
        assert!(world.by(&token).is_ok());
        world.clock.advance_ms(1);
        assert!(matches!(world.by(&token), Err(AuthenticateError::Password)));
    }

    /// A client that reads the claims must not mistake one for a password.
    #[test]
    fn what_a_token_claims_has_no_password_in_its_name() {
        use base64::Engine as _;
        let token = World::new().token();
        let claims = token.split('.').nth(1).unwrap();
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["_id", "username", "role", "stamp", "aud", "iss", "iat", "exp"]);
    }

    #[test]
    fn what_its_user_may_is_looked_up_and_a_new_password_ends_it() {
        let world = World::new();
        let token = world.token();
        let change = |change| drop(world.engine.update_user(Actor::Operator, UserId(1), change).unwrap());
        change(UserChange { role: Some(Role::ReadOnly), ..UserChange::default() });
        assert_eq!(world.by(&token).unwrap().level(), Role::ReadOnly.level());
        change(UserChange { status: Some(UserStatus::Blocked), ..UserChange::default() });
        assert!(matches!(world.by(&token), Err(AuthenticateError::NotActive(UserStatus::Blocked))));
        change(UserChange { status: Some(UserStatus::Active), ..UserChange::default() });
        world.engine.set_password(Actor::Operator, UserId(1), &Password::new(b"flo").unwrap()).unwrap();
        assert!(matches!(world.by(&token), Err(AuthenticateError::Password)));
    }

    #[test]
    fn a_changed_token_is_refused_and_so_is_every_other_algorithm() {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let world = World::new();
        let token = world.token();
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            // The last letter has bits that say nothing.
            assert!(world.by(&other).is_err() || at == token.len() - 1, "changed at {at}");
        }
        let parts: Vec<_> = token.split('.').collect();
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS512","typ":"JWT"}"#, r#"{"alg":"RS256"}"#] {
            for signature in ["", parts[2]] {
                let forged = format!("{}.{}.{signature}", encode(header), parts[1]);
                assert!(matches!(world.by(&forged), Err(AuthenticateError::Password)), "{header}");
            }
        }
        for nonsense in ["", ".", "..", "a.b.c", &format!("x{token}"), &format!("{token}.")] {
            assert!(matches!(world.by(nonsense), Err(AuthenticateError::Password)), "{nonsense}");
        }
    }

    #[test]
    fn a_token_outlives_a_new_pepper_while_the_old_one_is_kept() {
        let (store, old, new) = (
            Arc::new(MemoryStore::new()),
            Pepper::generate(&OsEntropy).unwrap(),
            Pepper::generate(&OsEntropy).unwrap(),
        );
        let open = |peppers: Vec<(u8, &Pepper)>| {
            let peppers = peppers.into_iter().map(|(number, pepper)| (PepperNumber(number), pepper.clone()));
            let ring = PepperRing::new(peppers.collect()).unwrap();
            Engine::open(Parts::over(Arc::<MemoryStore>::clone(&store), ring)).unwrap()
        };
        let engine = open(vec![(1, &old)]);
        let flo = NewUser::person("flo".parse().unwrap(), Role::User, Some(Password::new(b"flo").unwrap()));
        engine.add_user(Actor::Operator, flo).unwrap();
        let before = logins(&engine);
        let caller = before.by_password("flo", &Password::new(b"flo").unwrap(), None).unwrap();
        let token = before.token(&caller, Audience::FreeSewing).unwrap();
        let after = logins(&open(vec![(1, &old), (2, &new)]));
        assert!(after.by_token(&token, Audience::FreeSewing, None).is_ok());
    }
}
