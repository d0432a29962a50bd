//! How a store comes to its first administrator.

use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::failure::{Exit, Failure};
use crate::cli::serve::run::wrong;
use crate::cli::store::open::Opened;
use crate::cli::terminal::output::note;
use crate::cli::terminal::prompt;
use crate::command::{AddUser, Caller, Service, SetPassword, UserRef};
use crate::engine::NewUser;
use crate::http::SiteUrl;
use crate::key::{Password, Role, User, UserKind, UserStatus, Username};

/// The part of `serve --help` about the first start.
pub(in crate::cli) const FIRST_START: &str = "\
The first start makes the secret file. With a password of at least 8 characters in KEYWARD_ADMIN_PASSWORD, or in the
first line of the file KEYWARD_ADMIN_PASSWORD_FILE, it also makes the user admin, an administrator. Otherwise, as long as
no administrator has a password, it prints a one-time code on standard error, with which /console/setup makes one.
KEYWARD_LOG sets what is logged there: error, warn, info (the default), debug or trace. Variables that are set to nothing
count as left out.";

const ADMIN: &str = "admin";
const ADMIN_PASSWORD: &str = "KEYWARD_ADMIN_PASSWORD";
const ADMIN_PASSWORD_FILE: &str = "KEYWARD_ADMIN_PASSWORD_FILE";

/// Makes the administrator that a store without one needs, if a password is given. Otherwise answers the code that makes
/// one in a browser. A password that is given and not used is said so: whoever gave it would go on believing in it.
pub(in crate::cli) fn administrator(opened: &Opened) -> Result<Option<Zeroizing<String>>, Failure> {
    let Opened { engine, service } = opened;
    let given = Given::from_environment()?;
    if service.authenticator().has_administrator()? {
        given.iter().for_each(|given| {
            given.is_unused("there is an administrator already; use `keyward user passwd`")
        });
        return Ok(None);
    }
    let Some(given) = given else { return Ok(service.authenticator().begin_setup()?) };
    let password = Password::chosen(given.password.as_bytes());
    let password =
        password.map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", given.variable)))?;
    let name: Username = ADMIN.parse().map_err(wrong)?;
    match engine.reader().user_named(&name)? {
        None => {
            add_person(service, ADMIN, Role::Administrator, password)?;
            note("keyward: made the user admin, with the password given");
        }
        Some(admin) if lacks_only_a_password(&admin) => {
            service.run(&Caller::operator(), SetPassword { user: UserRef::Name(name), password })?;
            note("keyward: the user admin has the password given");
        }
        Some(_) => {
            given.is_unused("the user admin is no administrator who only lacks one");
            return Ok(service.authenticator().begin_setup()?);
        }
    }
    Ok(None)
}

/// Says of a password that is given that a demo has others.
pub(in crate::cli) fn unused_by_a_demo() -> Result<(), Failure> {
    if let Some(given) = Given::from_environment()? {
        given.is_unused("a demo's users have their names as passwords");
    }
    Ok(())
}

fn lacks_only_a_password(user: &User) -> bool {
    let none = matches!(user.kind, UserKind::Person { password: None });
    none && user.role == Role::Administrator && user.status == UserStatus::Active
}

/// Says how whoever started this becomes administrator.
pub(in crate::cli) fn invite(code: &str, site: &SiteUrl) {
    note(&format!(
        "keyward: no administrator can log in yet. Make one at {site}/console/setup\n\
         keyward: with this one-time code: {code}"
    ));
}

/// Adds a person who can log in.
pub(in crate::cli) fn add_person(
    service: &Service,
    name: &str,
    role: Role,
    password: Password,
) -> Result<(), Failure> {
    let user = NewUser::person(name.parse().map_err(wrong)?, role, Some(password));
    service.run(&Caller::operator(), AddUser(user))?;
    Ok(())
}

/// A password for the administrator.
struct Given {
    variable: &'static str,
    password: Zeroizing<String>,
}

impl Given {
    fn is_unused(&self, why: &str) {
        note(&format!("keyward: {} is not used: {why}", self.variable));
    }

    /// The one that the environment has.
    fn from_environment() -> Result<Option<Self>, Failure> {
        match (variable(ADMIN_PASSWORD)?, variable(ADMIN_PASSWORD_FILE)?) {
            (Some(_), Some(_)) => Err(Failure::new(
                Exit::Usage,
                format!("set {ADMIN_PASSWORD} or {ADMIN_PASSWORD_FILE}, not both"),
            )),
            (None, Some(file)) => {
                let read = std::fs::read_to_string(Path::new(file.as_str())).map(Zeroizing::new);
                let read = read
                    .map_err(|error| Failure::system(&format!("{ADMIN_PASSWORD_FILE} {}", *file), &error))?;
                let password = Zeroizing::new(prompt::line_of(&read).to_owned());
                Ok(Some(Self { variable: ADMIN_PASSWORD_FILE, password }))
            }
            (password, None) => Ok(password.map(|password| Self { variable: ADMIN_PASSWORD, password })),
        }
    }
}

/// What a variable is set to; nothing is as good as none.
fn variable(name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let text = value.into_string().map_err(|_| Failure::new(Exit::Usage, format!("{name} is not UTF-8")))?;
    Ok(Some(Zeroizing::new(text)))
}
