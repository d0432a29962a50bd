//! Steps: what is done, on whom, and with what; small numbers, so that a failing sequence is read easily.

use proptest::prelude::*;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    AddUser,
    UpdateUser,
    SetPassword,
    RemoveUser,
    AddCompany,
    RenameCompany,
    RemoveCompany,
    CreateKey,
    CreateKeyOnce,
    UpdateKey,
    SwitchKey,
    RotateKey,
    StageRotation,
    CommitRotation,
    CancelRotation,
    RevokeKey,
    DeleteKey,
    UndeleteKey,
    ImportKeys,
    EndSessions,
    Wait,
    NewPepper,
    RetirePepper,
    FailSoon,
    Reopen,
    Crash,
    Restore,
    Repair,
}

/// How often each is done in a hundred or so steps.
const OFTEN: [(u32, What); 28] = [
    (8, What::AddUser),
    (10, What::UpdateUser),
    (1, What::SetPassword),
    (2, What::RemoveUser),
    (6, What::AddCompany),
    (3, What::RenameCompany),
    (2, What::RemoveCompany),
    (14, What::CreateKey),
    (4, What::CreateKeyOnce),
    (7, What::UpdateKey),
    (4, What::SwitchKey),
    (6, What::RotateKey),
    (7, What::StageRotation),
    (7, What::CommitRotation),
    (2, What::CancelRotation),
    (3, What::RevokeKey),
    (5, What::DeleteKey),
    (5, What::UndeleteKey),
    (6, What::ImportKeys),
    (2, What::EndSessions),
    (7, What::Wait),
    (2, What::NewPepper),
    (2, What::RetirePepper),
    (3, What::FailSoon),
    (3, What::Reopen),
    (2, What::Crash),
    (1, What::Restore),
    (1, What::Repair),
];

#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) what: What,
    pub(crate) who: u8,
    pub(crate) a: u8,
    pub(crate) b: u8,
    pub(crate) c: u8,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, who, a, b, c } = self;
        write!(f, "{what:?} {who} {a} {b} {c}")
    }
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let what =
        proptest::strategy::Union::new_weighted(OFTEN.map(|(weight, what)| (weight, Just(what))).to_vec());
    let step =
        (what, 0..12_u8, any::<[u8; 3]>()).prop_map(|(what, who, [a, b, c])| Step { what, who, a, b, c });
    prop::collection::vec(step, 1..60)
}
