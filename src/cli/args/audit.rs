//! Arguments of `keyward audit`.

use clap::Subcommand;

use crate::cli::values::period::Since;
use crate::key::{AuditAction, AuditHead, KeyId};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct AuditArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<AuditCommand>,
    /// Only events since: a period before now like 12h or 30d, a day, or a time like 2030-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN")]
    pub(in crate::cli) since: Option<Since>,
    /// Only events about this user or about their keys, or caused by this user: a login name, or a number
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) user: Option<String>,
    /// Only this action, like key_revoked or login_refused
    #[arg(long)]
    pub(in crate::cli) action: Option<AuditAction>,
    /// Only events about this key, or caused with it
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) key: Option<KeyId>,
    /// Cursor that the previous page ended with; after a number, events are listed oldest first
    #[arg(long, value_name = "CURSOR")]
    pub(in crate::cli) after: Option<String>,
    /// Most records of the page, up to 1000
    #[arg(long, default_value_t = 100)]
    pub(in crate::cli) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// Prove the chain of all events and print its head, to be kept elsewhere
    Verify {
        /// Head that was printed before: fail unless its event still exists unchanged
        #[arg(long, value_name = "HEAD")]
        kept: Option<AuditHead>,
    },
}
