//! `keyward serve --demo`: something to try at once, gone when it stops.

use std::net::SocketAddr;

use tempfile::TempDir;

use super::args::Place;
use super::failure::{Exit, Failure};
use super::listen::ListenAt;
use super::serve::{add_administrator, add_person};
use crate::command::Service;
use crate::key::Role;

/// The throw-away directory; removed when dropped.
pub(super) struct Demo {
    dir: TempDir,
}

impl Demo {
    /// Refuses addresses that others can reach: the passwords are known to everyone.
    pub(super) fn new(listen: &[ListenAt]) -> Result<Self, Failure> {
        if let Some(open) = listen.iter().find(|place| !place.is_local()) {
            let message =
                format!("--demo serves loopback addresses only, and {open} is none: leave out --listen");
            return Err(Failure::new(Exit::Usage, message));
        }
        let dir = TempDir::with_prefix("keyward-demo-");
        dir.map(|dir| Self { dir })
            .map_err(|error| Failure::system("no throw-away directory could be made", &error))
    }

    pub(super) fn place(&self) -> Place {
        Place { data: self.dir.path().to_owned(), secret_file: None }
    }
}

/// Adds the users `test` and `admin`, each with its name as password.
pub(super) fn add_users(service: &Service) -> Result<(), Failure> {
    add_person(service, "test", Role::User, b"test")?;
    add_administrator(service, "admin", b"admin")
}

/// filebin's three documented calls, ready to be pasted into a shell.
pub(super) fn calls(address: SocketAddr) -> String {
    let create = "curl -s $base/user/create_apikey -F username=test -F password=test";
    let new_key = r#"sed 's/.*"new_key" *: *"\([^"]*\)".*/\1/'"#;
    format!(
        "# The users test and admin have their names as passwords, for http://{address}/console, too.\n\
         # Paste into another terminal:\n\
         base=http://{address}/api/v2.0.0\n\
         apikey=$({create} -F access_level=full -F comment=demo | {new_key})\n\
         delete_key=$({create} -F access_level=basic -F \"comment=to be deleted\" | {new_key})\n\
         curl -s $base/user/apikeys -F apikey=$apikey\n\
         {create} -F access_level=apikey -F \"comment=This is a test key\"\n\
         curl -s $base/user/delete_apikey -F apikey=$apikey -F delete_key=$delete_key"
    )
}
