//! List of all commands. A command that it does not name does not compile, and the tests of the level table do not compile
//! until the command has its row there.

/// Calls a macro with the list of all commands.
macro_rules! every_command {
    ($use:ident) => {
        $use! {
            AddUser ShowUser ListUsers ListUsersOf UpdateUser SetPassword RemoveUser
            ListRequests CountSessions EndSessions
            CreateKey CreateKeyOnce ShowKey ShowText ListKeys FindKeys UpdateKey RotateKey
            StageRotation CommitRotation CancelRotation RevokeKey DeleteKey UndeleteKey ImportKeys
            AddCompany ShowCompany ListCompanies RenameCompany RemoveCompany
            ListEvents SearchEvents CheckAudit
            Backup CountPeppers AcceptClock CheckStore ShowOverview
        }
    };
}

macro_rules! listed {
    ($($command:ident)*) => {
        $(impl super::contract::Listed for super::$command {
            const NAME: &'static str = stringify!($command);
        })*
    };
}

every_command!(listed);

#[cfg(test)]
pub(super) use every_command;
