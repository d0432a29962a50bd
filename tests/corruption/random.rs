//! Random damage to a directory with something of everything.
//!
//! Whatever is damaged: nothing panics or hangs, no text is good that was not, and none may do more. Either the
//! directory is refused, or something says what is wrong, or everything is as it was. Only of a kill at once may the
//! newest changes be gone with nothing said: that is what the watermark does not know of yet, and a head of the audit that
//! was kept elsewhere tells it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::answers::Answers;
use super::damage::Damage;
use super::directory::copy_tree;
use super::filled::{End, Filled};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The open said what is missing or damaged.
    Refused,
    /// It opened, and a verify, a check or the audit said what is wrong.
    Named,
    /// It opened without files that can be made again, and all was there.
    Recovered,
    Unharmed,
    /// It opened as it was before the last second, and said nothing.
    Older,
}

#[test]
fn random_damage_is_met_in_good_order_and_lets_nobody_in() {
    let filled = Filled::new();
    let pristine = Filled::ENDS.map(|end| (end, undamaged(&filled, end)));
    let pristine: BTreeMap<End, Answers> = pristine.into_iter().collect();
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("KEYWARD_FLIP_SEED").unwrap_or(0);
    let rounds = number("KEYWARD_FLIP_ROUNDS").unwrap_or(12);
    let mut all = Damage::default();
    let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
    let mut faults = Vec::new();
    for seed in first..first + rounds {
        let end = Filled::ENDS[seed as usize % Filled::ENDS.len()];
        let copy = tempfile::tempdir().unwrap();
        copy_tree(&filled.of(end), copy.path());
        let damage = Damage::plant(copy.path(), seed);
        all.flips += damage.flips;
        all.truncations += damage.truncations;
        match round(copy.path(), &filled, &pristine, end, seed) {
            Ok(outcome) => *outcomes.entry(outcome).or_default() += 1,
            Err(why) => {
                // The round itself changed its copy; sled does not lay out the same content in the same way each time.
                let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("damaged.{seed}"));
                copy_tree(&filled.of(end), &kept);
                Damage::plant(&kept, seed);
                fs::copy(&filled.texts, kept.join("texts")).unwrap();
                println!("seed {seed}, {end:?}, {damage:?}: {why}; kept in {}", kept.display());
                faults.push((seed, why));
            }
        }
    }
    println!("{rounds} rounds, {all:?}: {outcomes:?}, {} faults", faults.len());
    assert!(faults.is_empty(), "{faults:#?}");
}

fn undamaged(filled: &Filled, end: End) -> Answers {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(&filled.of(end), copy.path());
    let answers = Answers::of(copy.path(), &filled.texts, None).unwrap();
    assert!(answers.opened.is_ok() && answers.errors.is_empty() && !answers.good.is_empty(), "{answers:?}");
    answers
}

fn round(
    dir: &Path,
    filled: &Filled,
    pristine: &BTreeMap<End, Answers>,
    end: End,
    seed: u64,
) -> Result<Outcome, String> {
    let answers = Answers::of(dir, &filled.texts, pristine[&end].head)?;
    let outcome = judge(&answers, pristine, end)?;
    // Every end has its turn.
    if (seed / 4).is_multiple_of(4) {
        repair(dir, filled, pristine, end)?;
    }
    Ok(outcome)
}

fn judge(answers: &Answers, pristine: &BTreeMap<End, Answers>, end: End) -> Result<Outcome, String> {
    let whole = &pristine[&end];
    let opened = match &answers.opened {
        Ok(opened) => opened,
        Err(why) if why.is_empty() => return Err("refused without a reason".to_owned()),
        Err(_) => return Ok(Outcome::Refused),
    };
    // What the watermark knows of; the head that was kept must tell the difference.
    let before = (end == End::KilledAtOnce && !answers.kept).then(|| &pristine[&End::Killed]);
    let mut wrong = answers.good.iter().filter(|good| {
        let may = |before: &Answers| before.allows(good.0, good.1);
        !may(whole) && !before.is_some_and(may)
    });
    if let Some(wrong) = wrong.next() {
        return Err(format!("{wrong:?} is good"));
    }
    if !answers.errors.is_empty() {
        return Ok(Outcome::Named);
    }
    let same = answers.good == whole.good && answers.head == whole.head;
    match before {
        None if !same => Err("something is missing, and nothing says so".to_owned()),
        Some(_) => Ok(Outcome::Older),
        None if opened.ends_with("true") => Ok(Outcome::Recovered),
        None => Ok(Outcome::Unharmed),
    }
}

/// `keyward check --repair` comes to an end, and what it leaves opens and can be read; it may let in what was before only
/// when it says that something is missing.
fn repair(dir: &Path, filled: &Filled, pristine: &BTreeMap<End, Answers>, end: End) -> Result<(), String> {
    let Some(binary) = option_env!("CARGO_BIN_EXE_keyward") else { return Ok(()) };
    let mut command = std::process::Command::new("timeout");
    command.arg("300").arg(binary).args(["check", "--repair"]);
    let done = command.env_clear().env("PATH", "/usr/bin:/bin").env("KEYWARD_DATA", dir).output().unwrap();
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    super::answers::orderly(&said)?;
    match done.status.code() {
        Some(0 | 1) => {}
        Some(5) => return Ok(()),
        other => return Err(format!("the repair ended with {other:?}: {said}")),
    }
    let answers = Answers::of(dir, &filled.texts, None)?;
    let secret = |why: &String| why.contains("secret");
    match &answers.opened {
        Err(why) if !secret(why) => return Err(format!("does not open after {said}: {why}")),
        _ => {}
    }
    if let Some(error) = answers.errors.iter().find(|error| error.contains("corrupt data")) {
        return Err(format!("after {said}: {error}"));
    }
    // A kill at once may have been older before.
    let before = if end == End::KilledAtOnce { End::Killed } else { end };
    let may = |good: (&String, &(u8, String))| {
        [end, before].into_iter().any(|end| pristine[&end].allows(good.0, good.1))
    };
    let older = !answers.good.iter().all(may);
    let told = said.contains("expected revision") || said.contains("could not be read");
    if older && !told { Err(format!("more is good than was after {said}")) } else { Ok(()) }
}
