//! Turns the rows of one source, day and group of aircraft into files: on the next day, later, corrected, or twice.
//! A row goes to one place only: it is on time, damaged, late, or first wrong and corrected later.

mod plan;

use plan::Plan;

use crate::Error;
use crate::calendar::Day;
use crate::damage::{self, Damage};
use crate::output::Output;
use crate::random::{Purpose, Stream};
use crate::rows::Row;
use crate::source::{Format, Source};
use crate::text::text_of;
use crate::world::World;

/// Which rows a delivery holds.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) world: &'a World,
    pub(crate) output: &'a Output,
    /// The day the rows are about.
    pub(crate) day: Day,
    /// Ends the file's name, if the day has several files.
    pub(crate) suffix: &'a str,
    /// Tells batches of one source and day apart.
    pub(crate) number: u32,
    /// The first row becomes an over-long line.
    pub(crate) over_long: bool,
}

/// What a delivery put into the landing folder.
#[derive(Default)]
pub(crate) struct Delivered {
    pub(crate) files: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) late_files: u64,
    pub(crate) duplicate_files: u64,
    pub(crate) damaged: Vec<DamagedRow>,
}

/// Where a damaged row ended up.
pub(crate) struct DamagedRow {
    /// Relative to the landing folder.
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) damage: Damage,
}

/// The lines of one file to be.
struct Sheet {
    source: Source,
    bytes: Vec<u8>,
    rows: u64,
}

struct Sheets {
    on_time: Sheet,
    late: Sheet,
    corrections: Sheet,
    /// Lines of the file on time, and what was done to them.
    damages: Vec<(u64, Damage)>,
}

impl Sheet {
    fn new(source: Source) -> Self {
        Self { source, bytes: Vec::new(), rows: 0 }
    }

    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.rows == 0 {
            self.source.push_header(&mut self.bytes);
        }
        write(&mut self.bytes);
        self.rows += 1;
    }

    /// The physical line of the row pushed last.
    fn line(&self) -> u64 {
        self.rows + u64::from(self.source.format() == Format::Csv)
    }
}

/// Writes the rows of one batch, and nothing if there are none.
pub(crate) fn deliver<'r, R: Row + 'r>(batch: &Batch, rows: impl Iterator<Item = &'r R>) -> Result<Delivered, Error> {
    let source = R::SOURCE;
    let key = (batch.day.0 as u64) << 32 | u64::from(batch.number);
    let seed = batch.world.options.seed;
    let mut stream = Stream::new(seed, Purpose::Delivery, source as u64, key);
    let plan = Plan::draw(&batch.world.options, &mut stream);
    let sheets = fill(batch, &plan, rows, &mut stream);
    let mut delivered = Delivered::default();
    let next_day = batch.day.plus(1);
    let on_time = sheets.on_time;
    if on_time.rows > 0 {
        let extension = plan.encoding.extension();
        let path = path(batch, source, next_day, "", extension);
        delivered.damaged =
            sheets.damages.into_iter().map(|(line, damage)| DamagedRow { file: path.clone(), line, damage }).collect();
        let encoded = plan.encoding.encode(on_time.bytes);
        let bytes = encoded.map_err(Error::io("compress", &path))?;
        delivered.put(batch.output, &path, &bytes)?;
        delivered.rows += on_time.rows;
        if let Some(days) = plan.duplicate_after_days {
            let again = self::path(batch, source, next_day.plus(days), "-copy", extension);
            delivered.put(batch.output, &again, &bytes)?;
            delivered.duplicate_files += 1;
        }
    }
    for (sheet, days, ending) in
        [(sheets.late, plan.late_after_days, "-late"), (sheets.corrections, plan.corrected_after_days, "-correction")]
    {
        if sheet.rows > 0 {
            let path = path(batch, source, next_day.plus(days), ending, "");
            delivered.put(batch.output, &path, &sheet.bytes)?;
            delivered.rows += sheet.rows;
            delivered.late_files += 1;
        }
    }
    Ok(delivered)
}

/// Draws the fate of every row and writes it where it belongs.
fn fill<'r, R: Row + 'r>(batch: &Batch, plan: &Plan, rows: impl Iterator<Item = &'r R>, stream: &mut Stream) -> Sheets {
    let mut sheets = Sheets {
        on_time: Sheet::new(R::SOURCE),
        late: Sheet::new(R::SOURCE),
        corrections: Sheet::new(R::SOURCE),
        damages: Vec::new(),
    };
    for row in rows {
        let over_long = batch.over_long && sheets.on_time.rows == 0;
        let draw = stream.unit();
        if over_long || draw < plan.damaged_share {
            let mut line = Vec::new();
            row.write(&mut line);
            line.pop();
            let damage = if over_long {
                damage::over_long(R::SOURCE, &mut line)
            } else {
                damage::damage(R::SOURCE, &mut line, stream)
            };
            line.push(b'\n');
            sheets.on_time.push(|out| out.extend_from_slice(&line));
            sheets.damages.push((sheets.on_time.line(), damage));
        } else if draw < plan.damaged_share + plan.late_share {
            sheets.late.push(|out| row.write(out));
        } else if draw < plan.damaged_share + plan.late_share + plan.corrected_share
            && let Some(provisional) = row.provisional()
        {
            sheets.on_time.push(|out| provisional.write(out));
            sheets.corrections.push(|out| row.write(out));
        } else {
            sheets.on_time.push(|out| row.write(out));
        }
    }
    sheets
}

impl Delivered {
    /// Adds what another batch delivered; its damaged rows stay with it.
    pub(crate) fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.late_files += other.late_files;
        self.duplicate_files += other.duplicate_files;
    }

    fn put(&mut self, output: &Output, path: &str, bytes: &[u8]) -> Result<(), Error> {
        output.put(&format!("landing/{path}"), bytes)?;
        self.files += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// The path below `landing/` of a file delivered on `delivery`.
fn path(batch: &Batch, source: Source, delivery: Day, ending: &str, encoding: &str) -> String {
    let name = source.name();
    let extension = match source.format() {
        Format::Csv => "csv",
        Format::Json => "json",
    };
    format!(
        "{name}/{}/{name}-{}{}{ending}.{extension}{encoding}",
        text_of(&delivery),
        text_of(&batch.day),
        batch.suffix
    )
}
