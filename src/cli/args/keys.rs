//! Arguments of `keyward key`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Subcommand;

use super::page::PageArgs;
use crate::cli::values::limit::LimitArg;
use crate::cli::values::period::{Expires, Period};
use crate::key::{KeyId, KeyspaceName, Level, LimitName, RevokeReason, Username};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeyCommand {
    /// Issue a key; its text is printed once, alone on standard output
    Create(CreateKeyArgs),
    /// List keys by owner, a user's newest first, one page at a time
    List {
        /// Owner of the keys [default: all owners]
        #[arg(long, value_name = "NAME")]
        owner: Option<Username>,
        /// Only keys of this keyspace
        #[arg(long)]
        keyspace: Option<KeyspaceName>,
        /// Only keys in this state: active, expired, suspended or revoked
        #[arg(long)]
        state: Option<String>,
        /// Only keys with this prefix
        #[arg(long)]
        prefix: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one key
    Show {
        /// Key id
        id: KeyId,
    },
    /// Change fields of a key; an empty text removes one
    Update(UpdateKeyArgs),
    /// Replace the text of a key; the id stays
    Rotate {
        /// Key id
        id: KeyId,
        /// Grace period, during which the old text still verifies, like 90s, 12h or 30d
        #[arg(long, default_value = "0s")]
        grace: Period,
    },
    /// Revoke a key for good; the record stays
    Revoke {
        /// Key id
        id: KeyId,
        /// unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn
        #[arg(long)]
        reason: Option<RevokeReason>,
    },
    /// Suspend a key until it is resumed
    Suspend {
        /// Key id
        id: KeyId,
    },
    /// Resume a suspended key
    Resume {
        /// Key id
        id: KeyId,
    },
    /// Delete a key; for 30 days it can be undeleted
    Delete {
        /// Key id
        id: KeyId,
    },
    /// Restore a deleted key
    Undelete {
        /// Key id
        id: KeyId,
    },
    /// Print the text of a key again, if its keyspace lets administrators see it
    Text {
        /// Key id
        id: KeyId,
    },
    /// Import keys of another system, one JSON object a line
    #[command(after_help = IMPORT_LINES)]
    Import(ImportArgs),
    /// Verify a key, read from a prompt or from standard input
    Verify {
        /// Keyspace that the key must be in
        #[arg(long, default_value = "native")]
        keyspace: KeyspaceName,
        /// Client address to verify for
        #[arg(long, value_name = "IP")]
        address: Option<IpAddr>,
        /// Level that the key must have
        #[arg(long)]
        level: Option<Level>,
        /// The level by its permission: authenticate, read-some, read, write-some, write, read-others, administer,
        /// support or all
        #[arg(long, value_name = "NAME", conflicts_with = "level")]
        permission: Option<String>,
        /// Rate limit of the key that the use counts for
        #[arg(long, value_name = "NAME")]
        limit: Option<LimitName>,
        /// Uses that it counts as; 0 counts none
        #[arg(long, default_value_t = 1)]
        cost: u32,
    },
}

/// The part of `key import --help` about the lines.
const IMPORT_LINES: &str = r#"Each line is one of
  {"key": "TEXT", …}
  {"hash": "HEX OR BASE64", "algorithm": "sha256" or "sha512", …}
  {"hash": "HEX OR BASE64", "algorithm": "hmac-sha256", "hmac_key": "SECRET, hex:… or base64:…", …}
  {"hash": "$2b$… or $argon2id$… or $pbkdf2-sha256$…", "prefix": "FIRST CHARACTERS OF THE KEY", …}
with owner, keyspace, level, comment, contact, allowlist, rate_limits, expires_at or expires_in_seconds as for a new key.
Keys that were imported before are skipped, so an interrupted import can be run again."#;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ImportArgs {
    /// File to read, or - for standard input
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
    /// Report what would become of each line, and import none
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CreateKeyArgs {
    /// Owner of the key
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) owner: Username,
    /// native, filebin, qreserve, telvue, bokamera or freesewing
    #[arg(long, default_value = "native")]
    pub(in crate::cli) keyspace: KeyspaceName,
    /// Level, 0 to 8
    #[arg(long, default_value = "2")]
    pub(in crate::cli) level: Level,
    /// Comment: the purpose of the key
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) comment: Option<String>,
    /// Contact for questions about the key
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) contact: Option<String>,
    /// Allowlist: addresses and networks that may use the key, separated by commas
    #[arg(long, value_name = "NETWORKS")]
    pub(in crate::cli) allow: Option<String>,
    /// Expiry: never, 90s, 12h, 30d, or a time like 2030-01-31T12:00:00Z
    #[arg(long, default_value = "never")]
    pub(in crate::cli) expires: Expires,
    /// Rate limit, like default=100/1m or burst=10/1s:50; may be given several times
    #[arg(long, value_name = "NAME=COUNT/PERIOD[:BURST]")]
    pub(in crate::cli) limit: Vec<LimitArg>,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct UpdateKeyArgs {
    /// Key id
    pub(in crate::cli) id: KeyId,
    #[command(flatten)]
    pub(in crate::cli) fields: KeyFieldArgs,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct KeyFieldArgs {
    /// Level, 0 to 8
    #[arg(long)]
    pub(in crate::cli) level: Option<Level>,
    /// Comment: the purpose of the key
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) comment: Option<String>,
    /// Contact for questions about the key
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) contact: Option<String>,
    /// Allowlist: addresses and networks that may use the key, separated by commas
    #[arg(long, value_name = "NETWORKS")]
    pub(in crate::cli) allow: Option<String>,
    /// Expiry: never, 90s, 12h, 30d, or a time like 2030-01-31T12:00:00Z
    #[arg(long)]
    pub(in crate::cli) expires: Option<Expires>,
    /// Rate limit, like default=100/1m or burst=10/1s:50, in place of the present ones; may be given several times; none
    /// removes all
    #[arg(long, value_name = "NAME=COUNT/PERIOD[:BURST]|none")]
    pub(in crate::cli) limit: Vec<LimitArg>,
}
