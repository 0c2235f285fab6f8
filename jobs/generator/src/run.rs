//! The run: day by day over the whole fleet. Each day the aircraft fly in parallel, the pool settles the serials one
//! aircraft after the other, and the files are written in parallel. Only one day is ever in memory.

use std::path::Path;

use rayon::prelude::*;

use crate::aircraft::Aircraft;
use crate::calendar::Day;
use crate::delivery::{Batch, Delivered, deliver};
use crate::output::Output;
use crate::pool::Pool;
use crate::rows::AircraftDay;
use crate::source::Source;
use crate::telemetry::recordings;
use crate::truth::Truth;
use crate::world::World;
use crate::{Error, Options, Progress, Summary, reference};

/// Larger fleets are delivered in several files a day.
const AIRCRAFT_PER_FILE: usize = 50;

/// At most this many lines of a fleet are over-long.
const OVER_LONG_LINES: u32 = 3;

/// Over-long lines replace ordinary damage where enough is expected.
const DAMAGED_ROWS_PER_OVER_LONG_LINE: f64 = 10.0;

/// Rows of all sources for each flight, roughly.
const ROWS_PER_FLIGHT: f64 = 7.3;

/// The sources to write, those with most rows first.
static SOURCES: [Source; 7] = [
    Source::Performance,
    Source::Configurations,
    Source::Flights,
    Source::Events,
    Source::Alerts,
    Source::ScheduledMaintenance,
    Source::Utilization,
];

/// One file's worth of work.
struct Task<'a> {
    source: Source,
    logs: &'a [AircraftDay],
    number: u32,
    suffix: String,
}

/// Writes a made-up fleet below `out`: `landing/`, `reference/` and `truth/`.
///
/// The same options give the same bytes, whatever the number of threads; it runs on the current rayon pool. Calls
/// `progress` after each day.
///
/// # Errors
///
/// [`Error::Option`] and [`Error::OutputNotEmpty`] before anything is written; [`Error::Io`] when the file system
/// refuses, in which case `out` holds whole files of the days so far.
pub fn generate(options: &Options, out: &Path, progress: &(dyn Fn(Progress) + Sync)) -> Result<Summary, Error> {
    options.validate()?;
    let output = Output::open(out)?;
    let world = World::new(options);
    reference::write(&world, &output)?;
    let mut fleet: Vec<Aircraft> =
        (0..options.aircraft).into_par_iter().map(|index| Aircraft::new(&world, index)).collect();
    let mut pool = Pool::new(&world);
    let mut truth = Truth::open(&world, &fleet, &output)?;
    let over_long = over_long_lines(options);
    let mut total = Delivered::default();
    let mut damaged_rows = 0;
    for index in 0..options.days {
        let day = world.first_day.plus(index as i32);
        let logs = fly(&world, &mut fleet, &mut pool, day);
        let marked = over_long.iter().find(|(at, _)| *at == index);
        let delivered = deliver_day(&world, &output, day, &logs, marked.map(|(_, source)| *source))?;
        for log in &logs {
            truth.record_day(log)?;
        }
        for batch in &delivered {
            truth.record_damage(&batch.damaged)?;
            damaged_rows += batch.damaged.len() as u64;
            total.add(batch);
        }
        progress(Progress { days_done: index + 1, days_total: options.days, rows: total.rows, bytes: total.bytes });
    }
    truth.finish()?;
    output.close()?;
    Ok(Summary {
        files: total.files,
        rows: total.rows,
        bytes: total.bytes,
        damaged_rows,
        late_files: total.late_files,
        duplicate_files: total.duplicate_files,
    })
}

/// One day of the whole fleet, serials settled.
fn fly(world: &World, fleet: &mut [Aircraft], pool: &mut Pool, day: Day) -> Vec<AircraftDay> {
    let mut logs: Vec<AircraftDay> = fleet.par_iter_mut().map(|aircraft| aircraft.fly_day(world, day)).collect();
    for (aircraft, log) in fleet.iter_mut().zip(&mut logs) {
        pool.settle(aircraft, log, day == world.first_day);
    }
    logs
}

/// Writes the files of one day; the answers are in the order of the tasks.
fn deliver_day(
    world: &World,
    output: &Output,
    day: Day,
    logs: &[AircraftDay],
    over_long: Option<Source>,
) -> Result<Vec<Delivered>, Error> {
    tasks(world, logs)
        .par_iter()
        .map(|task| {
            let batch = Batch {
                world,
                output,
                day,
                suffix: &task.suffix,
                number: task.number,
                over_long: task.number == 0 && over_long == Some(task.source),
            };
            task.deliver(&batch)
        })
        .collect()
}

fn tasks<'a>(world: &World, logs: &'a [AircraftDay]) -> Vec<Task<'a>> {
    let mut tasks = Vec::new();
    let grouped = logs.len() > AIRCRAFT_PER_FILE;
    for source in SOURCES {
        for (number, group) in logs.chunks(AIRCRAFT_PER_FILE).enumerate() {
            tasks.push(Task {
                source,
                logs: group,
                number: number as u32,
                suffix: if grouped { format!("-g{:03}", number + 1) } else { String::new() },
            });
        }
    }
    if world.options.telemetry.is_some() {
        for (number, log) in logs.chunks(1).enumerate() {
            tasks.push(Task {
                source: Source::Telemetry,
                logs: log,
                number: number as u32,
                suffix: format!("-mc{:03}", number + 1),
            });
        }
    }
    tasks
}

impl Task<'_> {
    fn deliver(&self, batch: &Batch) -> Result<Delivered, Error> {
        let logs = self.logs.iter();
        match self.source {
            Source::Flights => deliver(batch, logs.flat_map(|log| &log.flights)),
            Source::Utilization => deliver(batch, logs.map(|log| &log.utilization)),
            Source::ScheduledMaintenance => deliver(batch, logs.flat_map(|log| &log.work_orders)),
            Source::Performance => deliver(batch, logs.flat_map(|log| &log.readings)),
            Source::Events => deliver(batch, logs.flat_map(|log| &log.events)),
            Source::Alerts => deliver(batch, logs.flat_map(|log| &log.alerts)),
            Source::Configurations => deliver(batch, logs.flat_map(|log| &log.configurations)),
            Source::Telemetry => {
                let recorded: Vec<_> = logs.flat_map(|log| recordings(batch.world, &log.flights)).collect();
                deliver(batch, recorded.iter())
            }
        }
    }
}

/// The days, by index, on which a source gets an over-long line: a handful, spread over the run, and none where little
/// damage was asked for.
fn over_long_lines(options: &Options) -> Vec<(u32, Source)> {
    let flights = f64::from(options.aircraft) * f64::from(options.days) * options.flights_per_day;
    let damaged = flights * ROWS_PER_FLIGHT * options.damaged_share;
    let count = ((damaged / DAMAGED_ROWS_PER_OVER_LONG_LINE) as u32).min(OVER_LONG_LINES);
    [Source::Flights, Source::Events, Source::Performance]
        .into_iter()
        .zip(1..=count)
        .map(|(source, number)| (options.days * number / (count + 1), source))
        .collect()
}
