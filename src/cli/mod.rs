//! The command line: keyward's own API, spoken to a running server or to the store itself.

mod args;
mod check;
mod demo;
mod door;
mod failure;
mod key;
mod open;
mod period;
mod screen;
mod secret;
mod serve;
mod socket;
mod user;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use self::args::{Args, Task};
use self::door::Door;
use self::failure::{Exit, Failure};

/// Runs the command line of this process and returns its exit code.
pub fn run() -> ExitCode {
    // Whatever is created from here on is for its owner alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let done = carry_out(Args::parse());
    let exit = done.unwrap_or_else(|failure| {
        // With no standard error there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "keyward: {failure}");
        failure.exit
    });
    exit.into()
}

fn carry_out(args: Args) -> Result<Exit, Failure> {
    let Args { place, output, task } = args;
    match task {
        Task::Serve(serve) => serve::serve(place, serve),
        Task::User(task) => Door::with(&place, |door| user::run(door, output, task)),
        Task::Key(task) => Door::with(&place, |door| key::run(door, output, task)),
        Task::Check => Door::with(&place, |door| check::run(door, output)),
    }
}
