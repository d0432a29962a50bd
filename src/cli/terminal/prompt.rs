//! Input of secrets: from a prompt that hides them, or from standard input; never from an argument.

use std::io::{IsTerminal as _, Read as _, stdin};

use zeroize::Zeroizing;

use crate::cli::failure::{CliError, Exit};
use crate::limits;

/// Reads one line: from a prompt on a terminal, otherwise the first of standard input.
pub(in crate::cli) fn read(prompt: &str) -> Result<Zeroizing<String>, CliError> {
    if stdin().is_terminal() { ask(prompt) } else { first_line() }
}

/// Reads a new password, typed twice on a terminal; `None` if it is empty.
pub(in crate::cli) fn new_password(prompt: &str) -> Result<Option<Zeroizing<String>>, CliError> {
    let password = read(prompt)?;
    if password.is_empty() {
        return Ok(None);
    }
    if stdin().is_terminal() && *ask("Repeat: ")? != *password {
        return Err(CliError::new(Exit::Usage, "the two passwords differ; nothing was changed"));
    }
    Ok(Some(password))
}

/// Reads the first line of standard input, without its line end.
pub(in crate::cli) fn first_line() -> Result<Zeroizing<String>, CliError> {
    // A longer text is neither a password nor a key.
    let bound = u64::try_from(limits::PASSWORD_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(5);
    let mut input = Zeroizing::new(String::new());
    let read = stdin().take(bound).read_to_string(&mut input);
    read.map_err(|error| CliError::system("standard input could not be read", &error))?;
    Ok(Zeroizing::new(line_of(&input).to_owned()))
}

/// First line of a text, without its line end and without a byte order mark.
pub(in crate::cli) fn line_of(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text).lines().next().unwrap_or_default()
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, CliError> {
    let answer = rpassword::prompt_password(prompt);
    answer.map(Zeroizing::new).map_err(|error| CliError::system("the terminal could not be read", &error))
}
