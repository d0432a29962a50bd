//! Every command that changes something as one type, and every answer: so that a step is a value that is played, printed
//! and told to the model.

use keyward::command::{
    self, AddCompany, AddUser, Caller, CancelRotation, CommandError, CommitRotation, CreateKey,
    CreateKeyOnce, DeleteKey, EndSessions, ImportKeys, KeyWithText, RemoveCompany, RemoveUser, RenameCompany,
    RevokeKey, RotateKey, Service, SetPassword, StageRotation, UndeleteKey, UpdateKey, UpdateUser,
};
use keyward::engine::{CreateOutcome, Imported};
use keyward::key::{Company, Key, User};

macro_rules! commands {
    ($($name:ident => $answer:ident($output:ty)),* $(,)?) => {
        /// Something that the machine's owner asks for.
        #[derive(Clone, Debug)]
        pub(crate) enum Command {
            $($name($name)),*
        }

        impl Command {
            /// What it is called.
            pub(crate) const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name)),*
                }
            }

            /// Carries it out.
            pub(crate) fn run(self, service: &Service) -> Result<Outcome, CommandError> {
                fn output<C: command::Command>(service: &Service, command: C) -> Result<C::Output, CommandError> {
                    service.run(&Caller::operator(), command)
                }
                match self {
                    $(Self::$name(command) => {
                        let output: $output = output(service, command)?;
                        Ok(Outcome::$answer(output))
                    })*
                }
            }
        }
    };
}

/// What it led to.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(()),
    User(User),
    Key(Key),
    Imported(Vec<Imported>),
    KeyWithText(KeyWithText),
    Created(CreateOutcome),
    Company(Company),
}

commands! {
    AddUser => User(User),
    UpdateUser => User(User),
    SetPassword => User(User),
    RemoveUser => Done(()),
    CreateKey => KeyWithText(KeyWithText),
    CreateKeyOnce => Created(CreateOutcome),
    UpdateKey => Key(Key),
    RotateKey => KeyWithText(KeyWithText),
    StageRotation => KeyWithText(KeyWithText),
    CommitRotation => Key(Key),
    CancelRotation => Done(()),
    RevokeKey => Key(Key),
    DeleteKey => Done(()),
    UndeleteKey => Key(Key),
    ImportKeys => Imported(Vec<Imported>),
    AddCompany => Company(Company),
    RenameCompany => Company(Company),
    RemoveCompany => Done(()),
    EndSessions => Done(()),
}
