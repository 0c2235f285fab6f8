//! The options of the commands that ask the job service: one struct a command, each option with its variable.

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand, ValueEnum};

use super::values::{self, Moment, Span};

/// Where the job service is, and who asks it.
#[derive(Args, Debug, Clone)]
pub struct Connection {
    /// Front door of the cluster, http://host:port; of several, separated by commas, the leader is found.
    #[arg(
        long,
        global = true,
        env = "FLEET_SERVER",
        value_delimiter = ',',
        value_parser = values::server,
        default_value = "http://localhost:50060"
    )]
    pub server: Vec<String>,
    /// Who asks the front door; the user of the operating system where it is left out.
    #[arg(long, global = true, env = "FLEET_USER", value_parser = values::user)]
    pub user: Option<String>,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Queue a run of a job, or of models, on the cluster, and print its id.
    #[command(after_help = "Example: fleet submit weekly_reliability_analysis --interval 2026-W10 --wait")]
    Submit(Submit),
    /// Follow a run until it ends; the exit code says how.
    #[command(after_help = "Example: fleet watch 0197a3c2-5f1e-7c3a-9b57-3d1f0c2a8e44")]
    Watch(Watch),
    /// Stop runs. What their steps committed before stands.
    #[command(after_help = "Example: fleet cancel 0197a3c2-5f1e-7c3a-9b57-3d1f0c2a8e44 --reason \"wrong week\"")]
    Cancel(Cancel),
    /// Take a failed or cancelled run up again, from the steps that did not succeed.
    #[command(after_help = "Example: fleet retry 0197a3c2-5f1e-7c3a-9b57-3d1f0c2a8e44 --wait")]
    Retry(Retry),
    /// Queue a run of a job for each day, week or month of a range, and print the backfill's id.
    #[command(
        after_help = "Example: fleet backfill monthly_fleet_performance --from 2026-01-01 --to 2026-07-01 --unit month"
    )]
    Backfill(Backfill),
    /// List the jobs with their schedules, show one, or pause and resume its schedule.
    #[command(after_help = "Example: fleet jobs pause weekly_reliability_analysis --reason \"flights are late\"")]
    Jobs(Jobs),
    /// List runs, the latest first, or show one.
    #[command(after_help = "Example: fleet runs --state failed --since 7d")]
    Runs(Runs),
    /// Tell which steps, table versions and files a table came from.
    #[command(after_help = "Example: fleet lineage reliability.component --interval 2026-03 --files")]
    Lineage(Lineage),
    /// List the executors, or drain one.
    #[command(after_help = "Example: fleet executors drain 7b1c9f0e --grace 10m")]
    Executors(Executors),
    /// Show who leads the cluster, what waits, and what runs.
    #[command(after_help = "Example: fleet status --server http://scheduler-0:50060,http://scheduler-1:50060")]
    Status,
}

#[derive(Args, Debug)]
pub struct Submit {
    /// The job to run.
    #[arg(required_unless_present = "models", conflicts_with = "models")]
    pub job: Option<String>,
    /// The models to compute instead of a job's, as schema.table, separated by commas.
    #[arg(long, env = "FLEET_SUBMIT_MODELS", value_delimiter = ',', value_parser = values::table)]
    pub models: Vec<String>,
    /// Only these days: 2026-03, 2026-W10, 2026-03-05 or 2026-03-01..2026-03-08; all that changed where it is left out.
    #[arg(long, env = "FLEET_INTERVAL")]
    pub interval: Option<String>,
    #[command(flatten)]
    pub terms: Terms,
    /// Compute everything again on one process, and commit only what agrees.
    #[arg(long, env = "FLEET_VERIFY", value_parser = FalseyValueParser::new())]
    pub verify: bool,
    #[command(flatten)]
    pub wait: Wait,
}

/// What a run by hand and a backfill have in common.
#[derive(Args, Debug)]
pub struct Terms {
    /// A number in place of that in a model's header, name=value or schema.table.name=value; may be repeated.
    #[arg(
        long = "param",
        env = "FLEET_PARAM",
        value_name = "NAME=VALUE",
        value_delimiter = ',',
        value_parser = values::parameter
    )]
    pub parameters: Vec<(String, f64)>,
    /// -100 to 100; of your queued runs the highest starts first.
    #[arg(long, env = "FLEET_PRIORITY", default_value_t = 0, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i32).range(-100..=100))]
    pub priority: i32,
    /// Idempotency key: the same command with the same key gives the same run; a random one where it is left out.
    #[arg(long, env = "FLEET_KEY", value_parser = values::key)]
    pub key: Option<String>,
}

#[derive(Args, Debug)]
pub struct Wait {
    /// Wait for the end, showing progress on standard error; the exit code says how it ended.
    #[arg(long, env = "FLEET_WAIT", value_parser = FalseyValueParser::new())]
    pub wait: bool,
}

#[derive(Args, Debug)]
pub struct Watch {
    /// The run's id.
    #[arg(value_parser = values::run_id)]
    pub run: String,
}

#[derive(Args, Debug)]
pub struct Cancel {
    /// The runs' ids.
    #[arg(required = true, value_name = "RUN", value_parser = values::run_id)]
    pub runs: Vec<String>,
    /// Why, for those who ask later.
    #[arg(long, env = "FLEET_REASON")]
    pub reason: Option<String>,
    /// Wait until the runs have stopped.
    #[arg(long, env = "FLEET_WAIT", value_parser = FalseyValueParser::new())]
    pub wait: bool,
}

#[derive(Args, Debug)]
pub struct Retry {
    /// The run's id.
    #[arg(value_parser = values::run_id)]
    pub run: String,
    #[command(flatten)]
    pub wait: Wait,
}

#[derive(Args, Debug)]
pub struct Backfill {
    /// The job to run.
    pub job: String,
    /// The first day.
    #[arg(long, env = "FLEET_BACKFILL_FROM", value_parser = values::day)]
    pub from: String,
    /// The day after the last.
    #[arg(long, env = "FLEET_BACKFILL_TO", value_parser = values::day)]
    pub to: String,
    /// What each run spans; the job's default where it is left out.
    #[arg(long, env = "FLEET_BACKFILL_UNIT")]
    pub unit: Option<Unit>,
    /// Runs of it at once, at most.
    #[arg(long, env = "FLEET_BACKFILL_PARALLELISM", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub parallelism: u32,
    #[command(flatten)]
    pub terms: Terms,
    #[command(flatten)]
    pub wait: Wait,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Day,
    Week,
    Month,
}

#[derive(Args, Debug)]
pub struct Jobs {
    /// The job to show; all are listed where it is left out.
    pub job: Option<String>,
    #[command(subcommand)]
    pub action: Option<JobsAction>,
}

#[derive(Subcommand, Debug)]
pub enum JobsAction {
    /// Stop a job's schedule from firing. Runs go on.
    #[command(after_help = "Example: fleet jobs pause weekly_reliability_analysis --reason \"flights are late\"")]
    Pause(JobsPause),
    /// Let a job's schedule fire again. Firings of the pause are left out.
    #[command(after_help = "Example: fleet jobs resume weekly_reliability_analysis")]
    Resume(JobsResume),
}

#[derive(Args, Debug)]
pub struct JobsPause {
    /// The job whose schedule stops.
    pub job: String,
    /// Why, for those who ask later.
    #[arg(long, env = "FLEET_REASON")]
    pub reason: String,
}

#[derive(Args, Debug)]
pub struct JobsResume {
    /// The job whose schedule fires again.
    pub job: String,
}

#[derive(Args, Debug)]
pub struct Runs {
    #[command(subcommand)]
    pub action: Option<RunsAction>,
    /// Only runs of this job.
    #[arg(long, env = "FLEET_RUNS_JOB")]
    pub job: Option<String>,
    /// Only runs in these states, separated by commas.
    #[arg(long = "state", env = "FLEET_RUNS_STATE", value_delimiter = ',')]
    pub states: Vec<State>,
    /// Only runs that this user, or `schedule`, asked for.
    #[arg(long, env = "FLEET_RUNS_BY")]
    pub by: Option<String>,
    /// Only runs submitted then or later: 2026-03-05, 2026-03-05T06:00:00Z, or 12h or 7d back from now.
    #[arg(long, env = "FLEET_RUNS_SINCE", value_parser = values::moment)]
    pub since: Option<Moment>,
    /// Only runs submitted earlier, written as for --since.
    #[arg(long, env = "FLEET_RUNS_UNTIL", value_parser = values::moment)]
    pub until: Option<Moment>,
    /// Only runs of the backfill of this id.
    #[arg(long, env = "FLEET_RUNS_BACKFILL", value_parser = values::run_id)]
    pub backfill: Option<String>,
    /// Runs to list, at most.
    #[arg(long, env = "FLEET_RUNS_LIMIT", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

#[derive(Subcommand, Debug)]
pub enum RunsAction {
    /// Show a run with its steps, their attempts, inputs and outputs.
    #[command(after_help = "Example: fleet runs show 0197a3c2-5f1e-7c3a-9b57-3d1f0c2a8e44")]
    Show(RunsShow),
}

#[derive(Args, Debug)]
pub struct RunsShow {
    /// The run's id.
    #[arg(value_parser = values::run_id)]
    pub run: String,
}

#[derive(Args, Debug)]
pub struct Lineage {
    /// The table, as schema.table.
    #[arg(value_parser = values::table)]
    pub table: String,
    /// What this run committed; the latest version where it is left out.
    #[arg(long, env = "FLEET_LINEAGE_RUN", value_parser = values::run_id)]
    pub run: Option<String>,
    /// Only what is behind these days: 2026-03, 2026-W10, 2026-03-05 or 2026-03-01..2026-03-08.
    #[arg(long, env = "FLEET_INTERVAL")]
    pub interval: Option<String>,
    /// How many steps back to go; all the way to the files where it is left out.
    #[arg(long, env = "FLEET_LINEAGE_DEPTH")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub depth: Option<u32>,
    /// List the delivered files too, not only how many there are.
    #[arg(long, env = "FLEET_LINEAGE_FILES", value_parser = FalseyValueParser::new())]
    pub files: bool,
}

#[derive(Args, Debug)]
pub struct Executors {
    #[command(subcommand)]
    pub action: Option<ExecutorsAction>,
}

#[derive(Subcommand, Debug)]
pub enum ExecutorsAction {
    /// Give an executor no more tasks, and let it stop when those it has are over.
    #[command(after_help = "Example: fleet executors drain 7b1c9f0e --grace 10m --reason \"new kernel\"")]
    Drain(ExecutorsDrain),
}

#[derive(Args, Debug)]
pub struct ExecutorsDrain {
    /// The executor's id, as `fleet executors` lists it.
    pub id: String,
    /// How long running tasks may take before they are begun again elsewhere: 90s, 10m, 1h30m; at most 24h.
    #[arg(long, env = "FLEET_EXECUTORS_DRAIN_GRACE", default_value = "10m", value_parser = values::grace)]
    pub grace: Span,
    /// Why, for the log.
    #[arg(long, env = "FLEET_REASON")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser, Debug)]
    #[command(name = "fleet")]
    struct Cli {
        #[command(flatten)]
        connection: Connection,
        #[command(subcommand)]
        command: Command,
    }

    const RUN: &str = "0197a3c2-5f1e-7c3a-9b57-3d1f0c2a8e44";

    fn parsed(line: &str) -> Result<Cli, String> {
        Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())
    }

    #[test]
    fn the_options_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_has_a_variable_and_every_command_an_example() {
        fn check(command: &clap::Command) {
            let all = command.get_arguments().filter(|arg| arg.get_long().is_some_and(|long| long != "help"));
            for arg in all {
                let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                assert!(variable.starts_with("FLEET_"), "{} {arg}", command.get_name());
            }
            for command in command.get_subcommands() {
                let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(after.starts_with("Example: fleet "), "{}", command.get_name());
                check(command);
            }
        }
        check(&Cli::command());
    }

    #[test]
    fn every_example_is_understood() {
        fn examples(command: &clap::Command, all: &mut Vec<String>) {
            for command in command.get_subcommands() {
                all.extend(command.get_after_help().map(|help| help.to_string().replace("Example: ", "")));
                examples(command, all);
            }
        }
        let mut all = Vec::new();
        examples(&Cli::command(), &mut all);
        assert_eq!(all.len(), 14);
        for example in all {
            // A word in quotes stands for one argument.
            let plain = example.split('"').enumerate().map(|(place, part)| match place % 2 {
                1 => part.replace(' ', "_"),
                _ => part.to_owned(),
            });
            parsed(&plain.collect::<String>()).unwrap();
        }
    }

    #[test]
    fn a_job_or_models_are_submitted_but_not_both() {
        assert!(parsed("fleet submit").is_err());
        assert!(parsed("fleet submit weekly --models a.b").is_err());
        let Command::Submit(submit) =
            parsed("fleet submit --models a.b,c.d --param x=1 --param a.b.y=-2.5").unwrap().command
        else {
            panic!("not submit")
        };
        assert_eq!((submit.job, submit.models), (None, vec!["a.b".to_owned(), "c.d".to_owned()]));
        assert_eq!(submit.terms.parameters, [("x".to_owned(), 1.0), ("a.b.y".to_owned(), -2.5)]);
    }

    #[test]
    fn a_priority_may_be_negative_within_bounds() {
        let Command::Submit(submit) = parsed("fleet submit weekly --priority -7").unwrap().command else {
            panic!("not submit")
        };
        assert_eq!(submit.terms.priority, -7);
        assert!(parsed("fleet submit weekly --priority 101").is_err());
    }

    #[test]
    fn the_connection_may_stand_behind_a_command() {
        let cli = parsed("fleet jobs pause weekly --reason late --server http://a:1,http://b:2 --user ann").unwrap();
        assert_eq!(cli.connection.server, ["http://a:1", "http://b:2"]);
        assert_eq!(cli.connection.user.as_deref(), Some("ann"));
        assert!(matches!(cli.command, Command::Jobs(Jobs { job: None, action: Some(JobsAction::Pause(_)) })));
    }

    #[test]
    fn runs_are_listed_or_shown() {
        let Command::Runs(runs) = parsed("fleet runs --state failed,cancelled --since 7d").unwrap().command else {
            panic!("not runs")
        };
        assert_eq!((runs.states, runs.limit), (vec![State::Failed, State::Cancelled], 50));
        let shown = parsed(&format!("fleet runs show {RUN}")).unwrap().command;
        assert!(matches!(shown, Command::Runs(Runs { action: Some(RunsAction::Show(_)), .. })));
        assert!(parsed("fleet runs show 7").unwrap_err().contains("expected a UUID"));
    }
}
