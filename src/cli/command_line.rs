//! Reads the command line, together with variables of the environment.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use crate::cli::args::Args;

/// Reads the command line. An empty variable counts as not set: service managers often can set a variable but not unset
/// it.
pub(super) fn args() -> Result<Args, clap::Error> {
    let mut command = without_empty_variables(Args::command());
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    if let Some(option) = unused_by_a_demo(&matches) {
        let why = format!("--demo uses a temporary directory of its own: leave out --{option}\n");
        return Err(command.error(ErrorKind::ArgumentConflict, why));
    }
    Args::from_arg_matches(&matches)
}

fn without_empty_variables(command: Command) -> Command {
    let variable_is_empty = |arg: &clap::Arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    command
        .mut_args(|arg| if variable_is_empty(&arg) { arg.env(None::<&str>) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// Option for the data directory that the caller typed together with `--demo`. A variable of the environment is ignored: it
/// may be meant for other commands.
fn unused_by_a_demo(matches: &ArgMatches) -> Option<&'static str> {
    let (name, serve) = matches.subcommand()?;
    let typed = |id: &str| serve.value_source(id) == Some(ValueSource::CommandLine);
    let options = [("data", "data"), ("secret_file", "secret-file")];
    let demo = name == "serve" && serve.get_flag("demo");
    options.into_iter().find(|(id, _)| demo && typed(id)).map(|(_, option)| option)
}
