//! First start of a store: its first administrator.

use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::failure::{CliError, Exit};
use crate::cli::store::open::OpenedStore;
use crate::cli::terminal::output::note;
use crate::cli::terminal::prompt;
use crate::command::{AddUser, Caller, Service, SetPassword, UserRef};
use crate::engine::NewUser;
use crate::http::SiteUrl;
use crate::key::{Password, Role, User, UserKind, UserStatus, Username};

const ADMIN: &str = "admin";
const ADMIN_PASSWORD: &str = "KEYWARD_ADMIN_PASSWORD";
const ADMIN_PASSWORD_FILE: &str = "KEYWARD_ADMIN_PASSWORD_FILE";

/// Makes the first administrator with the password of the environment. Without a password, returns the one-time code for
/// `/console/setup`. Reports a password that is not used: the operator would otherwise believe that it works.
pub(in crate::cli) fn administrator(opened: &OpenedStore) -> Result<Option<Zeroizing<String>>, CliError> {
    let OpenedStore { engine, service } = opened;
    let given = GivenPassword::from_environment()?;
    if service.authenticator().has_administrator()? {
        given
            .iter()
            .for_each(|given| given.is_unused("an administrator exists already; use `keyward user passwd`"));
        return Ok(None);
    }
    let Some(given) = given else { return Ok(service.authenticator().begin_setup()?) };
    let password = Password::chosen(given.password.as_bytes());
    let password =
        password.map_err(|error| CliError::new(Exit::Usage, format!("{}: {error}", given.variable)))?;
    let name: Username = ADMIN.parse().map_err(CliError::usage)?;
    match engine.reader().user_named(&name)? {
        None => {
            add_person(service, ADMIN, Role::Administrator, password)?;
            note("keyward: made the user admin, with the password given");
        }
        Some(admin) if lacks_only_a_password(&admin) => {
            service.run(&Caller::operator(), SetPassword { user: UserRef::Name(name), password })?;
            note("keyward: set the password given for the user admin");
        }
        Some(_) => {
            given.is_unused("the user admin is not an active administrator without a password");
            return Ok(service.authenticator().begin_setup()?);
        }
    }
    Ok(None)
}

/// Reports a password in the environment: a demo ignores it.
pub(in crate::cli) fn unused_by_a_demo() -> Result<(), CliError> {
    if let Some(given) = GivenPassword::from_environment()? {
        given.is_unused("a demo's users have their names as passwords");
    }
    Ok(())
}

fn lacks_only_a_password(user: &User) -> bool {
    let none = matches!(user.kind, UserKind::Person { password: None });
    none && user.role == Role::Administrator && user.status == UserStatus::Active
}

/// Tells the operator how to make the first administrator.
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
) -> Result<(), CliError> {
    let user = NewUser::person(name.parse().map_err(CliError::usage)?, role, Some(password));
    service.run(&Caller::operator(), AddUser(user))?;
    Ok(())
}

/// Password for the first administrator, and the variable that it is from.
struct GivenPassword {
    variable: &'static str,
    password: Zeroizing<String>,
}

impl GivenPassword {
    fn is_unused(&self, why: &str) {
        note(&format!("keyward: {} is not used: {why}", self.variable));
    }

    /// Reads the password from the environment.
    fn from_environment() -> Result<Option<Self>, CliError> {
        match (variable(ADMIN_PASSWORD)?, variable(ADMIN_PASSWORD_FILE)?) {
            (Some(_), Some(_)) => Err(CliError::new(
                Exit::Usage,
                format!("set {ADMIN_PASSWORD} or {ADMIN_PASSWORD_FILE}, not both"),
            )),
            (None, Some(file)) => {
                let read = std::fs::read_to_string(Path::new(file.as_str())).map(Zeroizing::new);
                let read = read
                    .map_err(|error| CliError::system(&format!("{ADMIN_PASSWORD_FILE} {}", *file), &error))?;
                let password = Zeroizing::new(prompt::line_of(&read).to_owned());
                Ok(Some(Self { variable: ADMIN_PASSWORD_FILE, password }))
            }
            (password, None) => Ok(password.map(|password| Self { variable: ADMIN_PASSWORD, password })),
        }
    }
}

/// Value of a variable; `None` if it is empty or not set.
fn variable(name: &str) -> Result<Option<Zeroizing<String>>, CliError> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let text = value.into_string().map_err(|_| CliError::new(Exit::Usage, format!("{name} is not UTF-8")))?;
    Ok(Some(Zeroizing::new(text)))
}
