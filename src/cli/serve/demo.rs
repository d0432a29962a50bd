//! `keyward serve --demo`: a server on a temporary directory, with known passwords.

use tempfile::TempDir;

use crate::cli::args::data_dir::DataDir;
use crate::cli::args::serve::ServeArgs;
use crate::cli::failure::{CliError, Exit};
use crate::cli::serve::apis;
use crate::cli::serve::first_start::add_person;
use crate::cli::serve::listen::Listeners;
use crate::cli::values::api::Api;
use crate::command::Service;
use crate::key::{Password, Role};

/// Temporary directory. Removed when dropped.
pub(in crate::cli) struct Demo {
    dir: TempDir,
}

impl Demo {
    /// Creates the directory. Refuses addresses that other machines can reach: the passwords are public.
    pub(in crate::cli) fn new(listeners: &Listeners) -> Result<Self, CliError> {
        if let Some(open) = listeners.bound().iter().find(|at| !at.ip().to_canonical().is_loopback()) {
            let message =
                format!("--demo serves loopback addresses only, and {open} is not one: leave out --listen");
            return Err(CliError::new(Exit::Usage, message));
        }
        let dir = TempDir::with_prefix("keyward-demo-");
        dir.map(|dir| Self { dir })
            .map_err(|error| CliError::system("no temporary directory could be made", &error))
    }

    pub(in crate::cli) fn data_dir(&self) -> DataDir {
        DataDir { data: self.dir.path().to_owned(), secret_file: None }
    }

    /// Introduction with calls to paste into a shell: the three documented calls of filebin's API, or one call of keyward's
    /// own API if filebin's is not served.
    pub(in crate::cli) fn introduction(&self, site: &str, args: &ServeArgs) -> String {
        let filebin = apis::path_of(args, Api::Filebin);
        let calls = filebin.map_or_else(|| own_call(site), |at| filebin_calls(&format!("{site}{at}")));
        let data = self.dir.path().display();
        format!(
            "# The users test and admin have their names as passwords, for {site}/console, too.\n\
             # The data is in {data}, which is removed when this stops.\n\
             # Paste into another terminal:\n{calls}"
        )
    }
}

/// Adds the users `test` and `admin`, each with its name as password.
pub(in crate::cli) fn add_users(service: &Service) -> Result<(), CliError> {
    for (name, role) in [("test", Role::User), ("admin", Role::Administrator)] {
        add_person(service, name, role, Password::new(name.as_bytes()).map_err(CliError::usage)?)?;
    }
    Ok(())
}

fn filebin_calls(site: &str) -> String {
    let create = "curl -s $base/user/create_apikey -F username=test -F password=test";
    let new_key = r#"sed 's/.*"new_key" *: *"\([^"]*\)".*/\1/'"#;
    format!(
        "base={site}/api/v2.0.0\n\
         apikey=$({create} -F access_level=full -F comment=demo | {new_key})\n\
         delete_key=$({create} -F access_level=basic -F \"comment=to be deleted\" | {new_key})\n\
         curl -s $base/user/apikeys -F apikey=$apikey\n\
         {create} -F access_level=apikey -F \"comment=This is a test key\"\n\
         curl -s $base/user/delete_apikey -F apikey=$apikey -F delete_key=$delete_key"
    )
}

fn own_call(site: &str) -> String {
    format!(
        "curl -s {site}/v1/keys -u test:test -H content-type:application/json -d '{{\"keyspace\":\"native\"}}'"
    )
}
