//! What may be typed.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, value_parser};

use crate::cli::failure::EXIT_CODES;
use crate::cli::serve::apis::{Api, ApiAt};
use crate::cli::serve::first_start::FIRST_START;
use crate::cli::serve::listen::ListenAt;
use crate::cli::values::limit::Limit;
use crate::cli::values::period::{Expires, Period, Since};
use crate::http::{SiteUrl, TrustedPeer};
use crate::key::{
    AuditAction, AuditHead, CompanyId, KeyId, KeyspaceName, Level, LimitName, RevokeReason, Role, UserStatus,
    Username,
};

/// API keys in one binary: issue, list, restrict, rotate, revoke and verify
#[derive(Debug, Parser)]
#[command(name = "keyward", version, after_help = EXIT_CODES)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(in crate::cli) place: Place,
    /// How answers are printed: for people, or as the API's own JSON
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, help_heading = EVERYWHERE)]
    pub(in crate::cli) output: Output,
    #[command(subcommand)]
    pub(in crate::cli) task: Task,
}

const EVERYWHERE: &str = "Options of every command";

/// Where the data is.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = EVERYWHERE)]
pub(in crate::cli) struct Place {
    /// Data directory
    #[arg(long, global = true, value_name = "DIR", env = "KEYWARD_DATA", default_value = "./keyward-data")]
    pub(in crate::cli) data: PathBuf,
    /// Secret file, kept apart from the data in backups [default: DIR/secret]
    #[arg(long, global = true, value_name = "FILE", env = "KEYWARD_SECRET_FILE")]
    pub(in crate::cli) secret_file: Option<PathBuf>,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Output {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Task {
    /// Serve the APIs until SIGTERM or SIGINT
    Serve(Serve),
    /// Add, list and change users
    #[command(subcommand)]
    User(UserTask),
    /// Issue, list, change and verify keys
    #[command(subcommand)]
    Key(KeyTask),
    /// Add, list and change companies
    #[command(subcommand)]
    Company(CompanyTask),
    /// List who changed what and when, newest first, one page at a time, or prove that nothing of it was changed since
    Audit(Audit),
    /// Walk the whole store and report what does not agree
    Check {
        /// Build the store anew from its records, with every index made again, and go on without what cannot be read;
        /// the server must be stopped, and the store before is kept
        #[arg(long)]
        repair: bool,
    },
    /// Copy the whole store as it is at one moment, also while a server runs; not the secret file
    Backup {
        /// File to write, or - for standard output
        file: PathBuf,
        /// Overwrite the file if there is one
        #[arg(long)]
        force: bool,
    },
    /// Put a backup in the place of the store; the server must be stopped
    Restore(Restore),
    /// Rotate the secrets that all hashes, signatures and sealed copies are made with
    #[command(subcommand)]
    Secret(SecretTask),
    /// Say that the machine's clock is right
    #[command(subcommand)]
    Clock(ClockTask),
    /// Give the space back that the store does not need; the server must be stopped
    Compact,
    /// Measure how fast keyward is on this machine, on a store of its own that is thrown away
    Bench(Bench),
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Bench {
    /// Keys that the store is filled with
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = value_parser!(u64).range(1..=100_000_000))]
    pub(in crate::cli) keys: u64,
    /// Length of each measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = value_parser!(u64).range(1..=3_600))]
    pub(in crate::cli) seconds: u64,
    /// Print the figures as one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = FIRST_START)]
pub(in crate::cli) struct Serve {
    /// Address, name or port like :8080 to listen on or, as unix:/path, a socket; may be given several times
    #[arg(
        long,
        value_name = "PLACE",
        env = "KEYWARD_LISTEN",
        value_delimiter = ',',
        default_value = "127.0.0.1:8080"
    )]
    pub(in crate::cli) listen: Vec<ListenAt>,
    /// PEM file of the certificate, followed by those that lead to a root: with it the addresses speak TLS and HTTP/2,
    /// and sockets still neither; SIGHUP has it and the key read again
    #[arg(
        long,
        value_name = "FILE",
        env = "KEYWARD_TLS_CERT",
        requires = "tls_key",
        conflicts_with = "demo"
    )]
    pub(in crate::cli) tls_cert: Option<PathBuf>,
    /// PEM file of the certificate's private key
    #[arg(long, value_name = "FILE", env = "KEYWARD_TLS_KEY", requires = "tls_cert")]
    pub(in crate::cli) tls_key: Option<PathBuf>,
    /// A proxy whose X-Forwarded-For counts: an address, a network, or unix for whoever connects to a socket; may be
    /// given several times
    #[arg(long, value_name = "NET", env = "KEYWARD_TRUST_PROXY", value_delimiter = ',')]
    pub(in crate::cli) trust_proxy: Vec<TrustedPeer>,
    /// Let everyone who reaches this server verify keys; without it, that takes a service key on other than loopback
    /// addresses
    #[arg(long)]
    pub(in crate::cli) open_verify: bool,
    /// Where people reach this server: scheme and host, and the path that the console is below, if any
    #[arg(long, value_name = "URL", env = "KEYWARD_SITE_URL")]
    pub(in crate::cli) site_url: Option<SiteUrl>,
    /// A documented API that is not served; may be given several times
    #[arg(long, value_name = "API", env = "KEYWARD_WITHOUT", value_delimiter = ',', value_enum)]
    pub(in crate::cli) without: Vec<Api>,
    /// A path that all addresses of a documented API begin with, like filebin=/fb; may be given several times
    #[arg(long, value_name = "API=PATH", env = "KEYWARD_API_AT", value_delimiter = ',')]
    pub(in crate::cli) api_at: Vec<ApiAt>,
    /// Go on with what is left when acknowledged data is missing
    #[arg(long)]
    pub(in crate::cli) recover: bool,
    /// Serve a throw-away directory with well-known passwords, on loopback only
    #[arg(long, conflicts_with = "recover")]
    pub(in crate::cli) demo: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UserTask {
    /// Add a user; a person without a password cannot log in yet
    Add(AddUser),
    /// List users, one page at a time
    List(Page),
    /// Show one user
    Show {
        /// Login name
        name: Username,
    },
    /// Change fields of a user; an empty text removes one
    Set(SetUser),
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
pub(in crate::cli) struct AddUser {
    /// Login name
    pub(in crate::cli) name: Username,
    /// read-none, read-some, read-only, write-some, user, bughunter, moderator, support or administrator
    #[arg(long, default_value = "user")]
    pub(in crate::cli) role: Role,
    /// E-mail address
    #[arg(long)]
    pub(in crate::cli) email: Option<String>,
    /// Tenant
    #[arg(long, value_name = "GUID")]
    pub(in crate::cli) company: Option<CompanyId>,
    /// Name for people
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) display_name: Option<String>,
    /// A program: acts by its keys alone, has no password
    #[arg(long, conflicts_with = "password_stdin")]
    pub(in crate::cli) bot: bool,
    /// Read the password from standard input
    #[arg(long)]
    pub(in crate::cli) password_stdin: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SetUser {
    /// Login name
    pub(in crate::cli) name: Username,
    #[command(flatten)]
    pub(in crate::cli) fields: UserFields,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct UserFields {
    /// New login name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) rename: Option<Username>,
    /// Caps the level of all keys of the user
    #[arg(long)]
    pub(in crate::cli) role: Option<Role>,
    /// E-mail address
    #[arg(long)]
    pub(in crate::cli) email: Option<String>,
    /// Tenant
    #[arg(long, value_name = "GUID")]
    pub(in crate::cli) company: Option<String>,
    /// Name for people
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) display_name: Option<String>,
    /// active, inactive or blocked
    #[arg(long)]
    pub(in crate::cli) status: Option<UserStatus>,
    /// Whether the user has API access, in the dialects that ask
    #[arg(long, value_name = "true|false")]
    pub(in crate::cli) api_access: Option<bool>,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Page {
    /// Where the page before ended
    #[arg(long, value_name = "CURSOR")]
    pub(in crate::cli) after: Option<String>,
    /// Most records of the page, up to 1000
    #[arg(long, default_value_t = 100)]
    pub(in crate::cli) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ClockTask {
    /// Believe a clock that is more than a day ahead of the newest time in the store, as after a longer stop: what is due
    /// is removed for good again; also while a server runs
    Accept,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SecretTask {
    /// List the peppers, and how many secrets are known under each
    List,
    /// Add a fresh pepper to the secret file; the server uses it from its next start on
    Rotate,
    /// Let go of a pepper that no secret is known under any more; the server must be stopped
    Retire {
        /// Its number
        number: u8,
    },
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Restore {
    /// File that `keyward backup` wrote
    pub(in crate::cli) file: PathBuf,
    /// Restore also when that gives back what was taken away since (revoked, narrowed or deleted keys; passwords, roles
    /// and access of users), and when the store there cannot be read
    #[arg(long)]
    pub(in crate::cli) bring_back: bool,
    /// Remove the store that was kept at the restore before
    #[arg(long)]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Audit {
    #[command(subcommand)]
    pub(in crate::cli) task: Option<AuditTask>,
    /// Only from then on: a period up to now like 12h or 30d, a day, or a time like 2030-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN")]
    pub(in crate::cli) since: Option<Since>,
    /// Only what is about this user or a key of theirs, or was done by them: a login name, or a number
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) user: Option<String>,
    /// Only this action, like key_revoked or login_refused
    #[arg(long)]
    pub(in crate::cli) action: Option<AuditAction>,
    /// Only what is about this key, or was done with it
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) key: Option<KeyId>,
    /// Where the page before ended; after a number, events come by rising numbers
    #[arg(long, value_name = "CURSOR")]
    pub(in crate::cli) after: Option<String>,
    /// Most records of the page, up to 1000
    #[arg(long, default_value_t = 100)]
    pub(in crate::cli) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditTask {
    /// Prove the chain over all events and print its head, to be kept elsewhere
    Verify {
        /// A head that was printed before: fail unless its event is still there, and the same
        #[arg(long, value_name = "HEAD")]
        kept: Option<AuditHead>,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CompanyTask {
    /// Add a company
    Add {
        /// Name for people
        name: String,
        /// Its id; left out, one is made up
        #[arg(long, value_name = "UUID")]
        id: Option<CompanyId>,
    },
    /// List companies, one page at a time
    List(Page),
    /// Show one company
    Show {
        /// Company id
        id: CompanyId,
    },
    /// Give a company another name
    Rename {
        /// Company id
        id: CompanyId,
        /// Name for people
        name: String,
    },
    /// Remove a company that nobody belongs to any more, and the keys that are its own
    Remove {
        /// Company id
        id: CompanyId,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeyTask {
    /// Issue a key; its text is printed once, alone on standard output
    Create(CreateKey),
    /// List keys by owner, a user's newest first, one page at a time
    List {
        /// Whose keys; left out, everyone's
        #[arg(long, value_name = "NAME")]
        owner: Option<Username>,
        /// Of this keyspace only
        #[arg(long)]
        keyspace: Option<KeyspaceName>,
        /// Only those that are active, expired, suspended or revoked
        #[arg(long)]
        state: Option<String>,
        /// Only those that show this prefix
        #[arg(long)]
        prefix: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Show one key
    Show {
        /// Key id
        id: KeyId,
    },
    /// Change fields of a key; an empty text removes one
    Update(UpdateKey),
    /// Give a key a new text; the id stays
    Rotate {
        /// Key id
        id: KeyId,
        /// How long the old text still verifies, like 90s, 12h or 30d
        #[arg(long, default_value = "0s")]
        grace: Period,
    },
    /// Stop a key for good; the record stays
    Revoke {
        /// Key id
        id: KeyId,
        /// unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn
        #[arg(long)]
        reason: Option<RevokeReason>,
    },
    /// Stop a key until it is resumed
    Suspend {
        /// Key id
        id: KeyId,
    },
    /// Let a suspended key verify again
    Resume {
        /// Key id
        id: KeyId,
    },
    /// Remove a key; for 30 days it can be brought back
    Delete {
        /// Key id
        id: KeyId,
    },
    /// Bring a deleted key back
    Undelete {
        /// Key id
        id: KeyId,
    },
    /// Print the text of a key again, where its keyspace lets administrators see it
    Text {
        /// Key id
        id: KeyId,
    },
    /// Take keys of another system over, one to a line of JSON
    #[command(after_help = IMPORT_LINES)]
    Import(ImportKeys),
    /// Verify a key, read from a prompt or from standard input
    Verify {
        /// The keyspace it has to be in
        #[arg(long, default_value = "native")]
        keyspace: KeyspaceName,
        /// Where it is used from
        #[arg(long, value_name = "IP")]
        address: Option<IpAddr>,
        /// The level it has to have
        #[arg(long)]
        level: Option<Level>,
        /// The same by what it permits: authenticate, read-some, read, write-some, write, read-others, administer,
        /// support or all
        #[arg(long, value_name = "NAME", conflicts_with = "level")]
        permission: Option<String>,
        /// The one of its rate limits that the use counts for
        #[arg(long, value_name = "NAME")]
        limit: Option<LimitName>,
        /// How many uses it counts as; 0 only looks
        #[arg(long, default_value_t = 1)]
        cost: u32,
    },
}

/// The part of `key import --help` about the lines.
const IMPORT_LINES: &str = r#"Each line is one of
  {"key": "TEXT", …}
  {"hash": "HEX OR BASE64", "algorithm": "sha256" or "sha512", …}
  {"hash": "HEX OR BASE64", "algorithm": "hmac-sha256", "hmac_key": "SECRET, hex:… or base64:…", …}
  {"hash": "$2b$… or $argon2id$… or $pbkdf2-sha256$…", "prefix": "WHAT THE KEY BEGINS WITH", …}
with owner, keyspace, level, comment, contact, allowlist, rate_limits, expires_at or expires_in_seconds as for a new key.
Lines that were imported before are left as they are, so an import that was cut off is simply run again."#;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ImportKeys {
    /// File with the lines; - for standard input
    pub(in crate::cli) file: PathBuf,
    /// Keyspace of lines that name none [default: native]
    #[arg(long)]
    pub(in crate::cli) keyspace: Option<KeyspaceName>,
    /// Owner of lines that name none
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) owner: Option<Username>,
    /// Level of lines that name none [default: 2]
    #[arg(long)]
    pub(in crate::cli) level: Option<Level>,
    /// Only say what would become of each line
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CreateKey {
    /// Whose key
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) owner: Username,
    /// native, filebin, qreserve, telvue, bokamera or freesewing
    #[arg(long, default_value = "native")]
    pub(in crate::cli) keyspace: KeyspaceName,
    /// What it may do, 0 to 8
    #[arg(long, default_value = "2")]
    pub(in crate::cli) level: Level,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) comment: Option<String>,
    /// Whom to ask about it
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) contact: Option<String>,
    /// Where it may be used from: addresses and networks, separated by commas
    #[arg(long, value_name = "NETWORKS")]
    pub(in crate::cli) allow: Option<String>,
    /// When it stops by itself: never, 90s, 12h, 30d, or a time like 2030-01-31T12:00:00Z
    #[arg(long, default_value = "never")]
    pub(in crate::cli) expires: Expires,
    /// How often it may be used, like default=100/1m or burst=10/1s:50; may be given several times
    #[arg(long, value_name = "NAME=COUNT/PERIOD[:BURST]")]
    pub(in crate::cli) limit: Vec<Limit>,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct UpdateKey {
    /// Key id
    pub(in crate::cli) id: KeyId,
    #[command(flatten)]
    pub(in crate::cli) fields: KeyFields,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct KeyFields {
    /// What it may do, 0 to 8
    #[arg(long)]
    pub(in crate::cli) level: Option<Level>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) comment: Option<String>,
    /// Whom to ask about it
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) contact: Option<String>,
    /// Where it may be used from: addresses and networks, separated by commas
    #[arg(long, value_name = "NETWORKS")]
    pub(in crate::cli) allow: Option<String>,
    /// When it stops by itself: never, 90s, 12h, 30d, or a time like 2030-01-31T12:00:00Z
    #[arg(long)]
    pub(in crate::cli) expires: Option<Expires>,
    /// How often it may be used, like default=100/1m or burst=10/1s:50, instead of its rate limits so far; may be given
    /// several times; none lifts them
    #[arg(long, value_name = "NAME=COUNT/PERIOD[:BURST]|none")]
    pub(in crate::cli) limit: Vec<Limit>,
}
