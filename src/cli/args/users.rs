//! Arguments of the commands about users and companies.

use clap::Subcommand;

use super::page::PageArgs;
use crate::key::{CompanyId, Role, UserStatus, Username};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UserCommand {
    /// Add a user; a person without a password cannot log in yet
    Add(AddUserArgs),
    /// List users, one page at a time
    List(PageArgs),
    /// Show one user
    Show {
        /// Login name
        name: Username,
    },
    /// Change fields of a user; an empty text removes one
    Set(SetUserArgs),
    /// Set a person's password, read from a prompt or from standard input
    Passwd {
        /// Login name
        name: Username,
    },
    /// Remove a user and all their keys
    Remove {
        /// Login name
        name: Username,
    },
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct AddUserArgs {
    /// Login name
    pub(in crate::cli) name: Username,
    /// read-none, read-some, read-only, write-some, user, bughunter, moderator, support or administrator
    #[arg(long, default_value = "user")]
    pub(in crate::cli) role: Role,
    /// E-mail address
    #[arg(long)]
    pub(in crate::cli) email: Option<String>,
    /// Company of the user
    #[arg(long, value_name = "GUID")]
    pub(in crate::cli) company: Option<CompanyId>,
    /// Display name
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) display_name: Option<String>,
    /// Make a bot: a program that has keys and no password
    #[arg(long, conflicts_with = "password_stdin")]
    pub(in crate::cli) bot: bool,
    /// Read the password from standard input
    #[arg(long)]
    pub(in crate::cli) password_stdin: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SetUserArgs {
    /// Login name
    pub(in crate::cli) name: Username,
    #[command(flatten)]
    pub(in crate::cli) fields: UserFieldArgs,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct UserFieldArgs {
    /// New login name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) rename: Option<Username>,
    /// Role, which caps the level of all keys of the user
    #[arg(long)]
    pub(in crate::cli) role: Option<Role>,
    /// E-mail address
    #[arg(long)]
    pub(in crate::cli) email: Option<String>,
    /// Company of the user
    #[arg(long, value_name = "GUID")]
    pub(in crate::cli) company: Option<String>,
    /// Display name
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) display_name: Option<String>,
    /// active, inactive or blocked
    #[arg(long)]
    pub(in crate::cli) status: Option<UserStatus>,
    /// Whether the user has API access, in the APIs that require it
    #[arg(long, value_name = "true|false")]
    pub(in crate::cli) api_access: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CompanyCommand {
    /// Add a company
    Add {
        /// Display name
        name: String,
        /// Company id [default: a new one]
        #[arg(long, value_name = "UUID")]
        id: Option<CompanyId>,
    },
    /// List companies, one page at a time
    List(PageArgs),
    /// Show one company
    Show {
        /// Company id
        id: CompanyId,
    },
    /// Rename a company
    Rename {
        /// Company id
        id: CompanyId,
        /// Display name
        name: String,
    },
    /// Remove a company without users, and its own keys
    Remove {
        /// Company id
        id: CompanyId,
    },
}
