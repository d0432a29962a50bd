//! Every command there is. One that does not stand here does not compile, and neither do the tests of the table until
//! it has its row there.

/// A command of the list.
#[expect(unnameable_types, reason = "nobody else has commands")]
pub trait Listed {
    /// Its name.
    const NAME: &'static str;
}

/// Hands the list of all commands to a macro.
macro_rules! every_command {
    ($use:ident) => {
        $use! {
            AddUser ShowUser ListUsers ListUsersOf UpdateUser SetPassword RemoveUser
            ListRequests CountSessions EndSessions
            CreateKey CreateKeyOnce ShowKey ShowText ListKeys FindKeys UpdateKey RotateKey
            ProposeText AdoptText DiscardText RevokeKey DeleteKey UndeleteKey ImportKeys
            AddCompany ShowCompany ListCompanies RenameCompany RemoveCompany
            ListEvents SearchEvents CheckAudit
            Backup CountPeppers AcceptClock CheckStore ShowOverview
        }
    };
}

macro_rules! listed {
    ($($command:ident)*) => {
        $(impl Listed for super::$command {
            const NAME: &'static str = stringify!($command);
        })*
    };
}

every_command!(listed);

#[cfg(test)]
pub(super) use every_command;
