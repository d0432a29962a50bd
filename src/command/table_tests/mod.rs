//! Every command, by every proof, on targets of every owner: which are let through, and that no result may do more than the
//! presented proof, or brings back a right that a higher principal took away.

mod checks;
mod plays;
mod world;

use self::checks::check;
use self::plays::plays;
use self::world::{Narrow, Way, World};
use super::list::every_command;
use super::*;
use crate::engine::EngineError;

macro_rules! which {
    ($($command:ident)*) => {
        /// The name of a command. A new one does not compile until it has its row and its plays below.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Which {
            $($command),*
        }

        const ALL: &[Which] = &[$(Which::$command),*];
    };
}

every_command!(which);

/// Whose things a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// The caller's.
    Own,
    /// Those of a user of the caller's company who is no higher.
    Company,
    /// Those of a user of the caller's company who is higher.
    CompanyAbove,
    /// Those of a user of another company.
    Others,
}

/// Whose things a command can be about at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// A user, or the things of one: the lowest levels for one's own, and for those of the company.
    Someone(u8, u8),
    /// The users of a company: the lowest level for one's own.
    Company(u8),
    /// Those whom the caller reaches: the lowest level.
    Reached(u8),
    /// The whole system: the lowest level.
    Nobody(u8),
}

/// Written down on its own, so that a change of the rules has to be made twice.
const fn expected(which: Which) -> About {
    match which {
        Which::AddUser
        | Which::ListUsers
        | Which::AddCompany
        | Which::ListCompanies
        | Which::ImportKeys
        | Which::ListEvents
        | Which::SearchEvents
        | Which::CheckAudit
        | Which::Backup
        | Which::CountPeppers
        | Which::ShowOverview
        | Which::CheckStore
        | Which::AcceptClock => About::Nobody(8),
        Which::FindKeys => About::Reached(4),
        Which::ListUsersOf => About::Company(6),
        Which::ShowCompany => About::Company(0),
        Which::RenameCompany | Which::RemoveCompany => About::Company(8),
        Which::ShowUser | Which::ListRequests => About::Someone(0, 6),
        Which::CountSessions | Which::EndSessions => About::Someone(0, 8),
        Which::UpdateUser | Which::RemoveUser => About::Someone(8, 8),
        Which::SetPassword => About::Someone(4, 8),
        Which::ShowKey => About::Someone(2, 6),
        Which::CreateKey
        | Which::CreateKeyOnce
        | Which::ShowText
        | Which::ListKeys
        | Which::UpdateKey
        | Which::RotateKey
        | Which::StageRotation
        | Which::CommitRotation
        | Which::CancelRotation
        | Which::RevokeKey
        | Which::DeleteKey
        | Which::UndeleteKey => About::Someone(4, 6),
    }
}

/// What a bot of a company never reaches: the system as a whole, other companies, and administrators.
fn is_beyond_company(about: About, level: u8, whose: Whose) -> bool {
    match (about, whose) {
        (About::Nobody(_), _) | (About::Someone(..) | About::Company(_), Whose::Others) => true,
        (About::Someone(..), Whose::Company) => level == 8,
        (About::Reached(_), _)
        | (About::Someone(..), Whose::Own | Whose::CompanyAbove)
        | (About::Company(_), Whose::Own | Whose::Company | Whose::CompanyAbove) => false,
    }
}

fn is_reached(about: About, way: Way, whose: Whose) -> bool {
    let level = way.level();
    if matches!(way, Way::Bot(_)) && is_beyond_company(about, level, whose) {
        return false;
    }
    let needed = match (about, whose) {
        (About::Nobody(needed) | About::Reached(needed), _) => needed,
        (About::Company(needed), Whose::Own | Whose::Company | Whose::CompanyAbove) => needed,
        (About::Someone(own, _), Whose::Own) => own,
        (About::Someone(_, company), Whose::Company) => company,
        (About::Someone(..), Whose::CompanyAbove | Whose::Others) | (About::Company(_), Whose::Others) => 8,
    };
    level >= needed
}

/// Whether the gate, or a rule about rights, refused it; what else the engine says is another matter.
fn is_refused(error: &CommandError) -> bool {
    match error {
        CommandError::LevelTooLow { .. }
        | CommandError::LevelAboveOwn { .. }
        | CommandError::NotYours
        | CommandError::OutsideCompany
        | CommandError::PasswordNeeded
        | CommandError::KeyTooNarrow => true,
        CommandError::Engine(error) => {
            let missing = matches!(
                error,
                EngineError::NoSuchUser | EngineError::NoSuchKey | EngineError::NoSuchCompany
            );
            missing || ErrorKind::of(error) == ErrorKind::Forbidden
        }
    }
}

/// Whether the first play is let through. Of keys that are narrow themselves only what is below them, so not always.
fn is_let_through(which: Which, way: Way, whose: Whose) -> Option<bool> {
    let reached = is_reached(expected(which), way, whose);
    let password = matches!(which, Which::SetPassword);
    match way {
        _ if !reached => Some(false),
        Way::Key(_, narrow) if narrow != Narrow::Plain => None,
        Way::Session(_) | Way::Token(_) if password && whose == Whose::Own => Some(false),
        Way::Key(level, _) | Way::Bot(level) if password && whose == Whose::Own => Some(level == 8),
        // The operator has no targets of the own.
        Way::Operator | Way::Key(..) | Way::Bot(_) | Way::Password(_) | Way::Session(_) | Way::Token(_) => {
            Some(true)
        }
    }
}

fn play(which: Which, way: Way, whose: Whose) -> usize {
    let plays = plays(which);
    for (nth, play) in plays.iter().enumerate() {
        let Some(world) = World::new(way, whose) else { return 0 };
        let (before, case) = (world.held(), format!("{which:?}, play {nth}, {way:?}, {whose:?}"));
        let answer = play(&world);
        if nth == 0
            && let Some(expected) = is_let_through(which, way, whose)
        {
            let through = answer.as_ref().err().is_none_or(|error| !is_refused(error));
            assert_eq!(through, expected, "{case}: {answer:?}");
        }
        if !is_reached(expected(which), way, whose) {
            assert!(answer.is_err(), "{case}");
        }
        match &answer {
            Ok(texts) => {
                let checked = std::panic::AssertUnwindSafe(|| check(&world, way, &before, texts));
                assert!(std::panic::catch_unwind(checked).is_ok(), "{case}");
            }
            Err(_) => assert_eq!(world.held(), before, "{case}: refused, and changed something"),
        }
    }
    plays.len()
}

fn plays_all(ways: impl Fn(&Way) -> bool) {
    let mut played = 0;
    for way in Way::all().into_iter().filter(ways) {
        for whose in [Whose::Own, Whose::Company, Whose::CompanyAbove, Whose::Others] {
            // The operator is no user, so every target is that of another user.
            let whose = if way == Way::Operator { Whose::Others } else { whose };
            played += ALL.iter().map(|which| play(*which, way, whose)).sum::<usize>();
        }
    }
    assert!(played > ALL.len());
}

#[test]
fn every_command_by_plain_keys() {
    plays_all(|way| matches!(way, Way::Key(_, Narrow::Plain)));
}

#[test]
fn every_command_by_keys_that_end_or_are_pinned() {
    plays_all(|way| matches!(way, Way::Key(_, Narrow::Ending | Narrow::Pinned)));
}

#[test]
fn every_command_by_limited_keys() {
    plays_all(|way| matches!(way, Way::Key(_, Narrow::Limited)));
}

#[test]
fn every_command_by_bots_of_a_company() {
    plays_all(|way| matches!(way, Way::Bot(_)));
}

#[test]
fn every_command_in_person_and_by_the_machine_s_owner() {
    plays_all(|way| !matches!(way, Way::Key(..) | Way::Bot(_)));
}
