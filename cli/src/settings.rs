//! Where settings come from: flags over `FLEET_*` over `fleet.toml`. Unknown names are refused.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory, FromArgMatches};
use toml::{Table, Value};

use crate::options::Cli;

const FILE: &str = "fleet.toml";

pub enum Refused {
    /// A wrong command line, or a request for help, which clap prints.
    Clap(clap::Error),
    Settings(String),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Clap(error)
    }
}

/// Reads the command line of this process with all that stands behind it.
pub fn parse() -> Result<Cli, Refused> {
    let command = Cli::command();
    unknown_variables(&command, std::env::vars_os().map(|(name, _)| name)).map_err(Refused::Settings)?;
    let command = match file().map_err(Refused::Settings)? {
        Some((path, table)) => {
            with_file(command, &table).map_err(|problem| Refused::Settings(format!("{}: {problem}", path.display())))?
        }
        None => command,
    };
    Ok(Cli::from_arg_matches(&command.try_get_matches()?)?)
}

/// The settings file: the one asked for, or `fleet.toml` if it is here.
fn file() -> Result<Option<(PathBuf, Table)>, String> {
    let mut arguments = std::env::args_os();
    let mut asked = std::env::var_os("FLEET_CONFIG").map(PathBuf::from);
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        if text == "--config" {
            asked = arguments.next().map(PathBuf::from);
        } else if let Some(path) = text.strip_prefix("--config=") {
            asked = Some(PathBuf::from(path));
        }
    }
    let path = match asked {
        Some(path) => path,
        None if Path::new(FILE).is_file() => PathBuf::from(FILE),
        None => return Ok(None),
    };
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let table = text.parse::<Table>().map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Some((path, table)))
}

/// The command with the file's values as its defaults.
fn with_file(mut command: Command, table: &Table) -> Result<Command, String> {
    for (key, value) in table {
        match value {
            Value::Table(commands) if key == "command" => command = with_commands(command, commands)?,
            Value::Table(_) => {
                return Err(format!("`[{key}]` is not known; a command's settings are in [command.<name>]"));
            }
            value => {
                let id = option(&command, key)?;
                let text = text(key, value)?;
                command = command.mut_arg(id, |arg| arg.default_value(text));
            }
        }
    }
    Ok(command)
}

fn with_commands(mut command: Command, commands: &Table) -> Result<Command, String> {
    for (name, own) in commands {
        let refuse = |problem: String| format!("`[command.{name}]`: {problem}");
        let known = || names(command.get_subcommands().map(Command::get_name));
        let Value::Table(own) = own else { return Err(refuse("expected a table".to_owned())) };
        let Some(subcommand) = command.find_subcommand(name) else {
            return Err(refuse(format!("no such command; known are {}", known())));
        };
        let mut defaults = Vec::new();
        for (key, value) in own {
            defaults.push((option(subcommand, key).map_err(refuse)?, text(key, value).map_err(refuse)?));
        }
        for (id, text) in defaults {
            command = command.mut_subcommand(name, |subcommand| subcommand.mut_arg(id, |arg| arg.default_value(text)));
        }
    }
    Ok(command)
}

/// The id of the option that a key names.
fn option(command: &Command, key: &str) -> Result<String, String> {
    let known = |arg: &&Arg| arg.get_long().is_some_and(|long| long == key.replace('_', "-") && long != "config");
    match command.get_arguments().find(known) {
        Some(arg) => Ok(arg.get_id().to_string()),
        None => {
            Err(format!("`{key}` is not known; known are {}", names(command.get_arguments().filter_map(Arg::get_long))))
        }
    }
}

fn text(key: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(flag) => Ok(flag.to_string()),
        Value::Datetime(date) => Ok(date.to_string()),
        Value::Array(values) => {
            Ok(values.iter().map(|value| text(key, value)).collect::<Result<Vec<_>, _>>()?.join(","))
        }
        Value::Table(_) => Err(format!("`{key}` is a table, expected a value")),
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn unknown_variables(command: &Command, set: impl Iterator<Item = OsString>) -> Result<(), String> {
    let mut known = BTreeSet::new();
    variables(command, &mut known);
    for name in set {
        let name = name.to_string_lossy();
        if name.starts_with("FLEET_") && !known.contains(name.as_ref()) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            return Err(format!("variable {name} is not known; known are {}", known.join(", ")));
        }
    }
    Ok(())
}

fn variables(command: &Command, known: &mut BTreeSet<String>) {
    known.extend(command.get_arguments().filter_map(Arg::get_env).map(|name| name.to_string_lossy().into_owned()));
    command.get_subcommands().for_each(|command| variables(command, known));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(toml: &str, arguments: &[&str]) -> Result<Cli, String> {
        let command = with_file(Cli::command(), &toml.parse().unwrap())?;
        let arguments = std::iter::once("fleet").chain(arguments.iter().copied());
        let matches = command.try_get_matches_from(arguments).map_err(|error| error.to_string())?;
        Cli::from_arg_matches(&matches).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let toml = "data = \"/from/file\"\npartitions = 7\nscheduler = \"http://h:1\"\n[command.scheduler]\nport = 0\n[command.generate]\naircraft = 3\n";
        let cli = parsed(toml, &["generate", "--data", "/from/flag"]).unwrap();
        assert_eq!((cli.common.data.as_str(), cli.common.partitions), ("/from/flag", Some(7)));
        let crate::options::Command::Generate(generate) = cli.command else { panic!("not generate") };
        assert_eq!(generate.aircraft, 3);
    }

    #[test]
    fn unknown_keys_and_variables_are_refused_by_name() {
        assert!(parsed("speed = 9\n", &["tables"]).unwrap_err().contains("`speed`"));
        assert!(parsed("[command.fly]\nhigh = true\n", &["tables"]).unwrap_err().contains("command.fly"));
        assert!(parsed("[command.generate]\nplanes = 1\n", &["tables"]).unwrap_err().contains("planes"));
        let refused = unknown_variables(&Cli::command(), [OsString::from("FLEET_SPEED")].into_iter());
        assert!(refused.unwrap_err().contains("FLEET_SPEED"));
    }
}
