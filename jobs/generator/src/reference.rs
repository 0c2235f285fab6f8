//! The reference data beside `landing/`: one object a line.

use crate::Error;
use crate::catalog::{MODIFICATIONS, PARTS, STANDARDS, SYSTEMS};
use crate::output::Output;
use crate::random::{Purpose, Stream};
use crate::text::{Fixed, JsonLine};
use crate::world::World;

pub(crate) fn write(world: &World, output: &Output) -> Result<(), Error> {
    output.put("reference/parts_catalog.json", &parts_catalog(world))?;
    output.put("reference/system_tree.json", &system_tree())?;
    output.put("reference/modifications.json", &modifications(world))?;
    output.put("reference/standards.json", &standards())
}

/// What was guaranteed is now above, now below what the parts really do.
fn parts_catalog(world: &World) -> Vec<u8> {
    let mut stream = Stream::new(world.options.seed, Purpose::Reference, 0, 0);
    let mut out = Vec::new();
    for (part, life) in PARTS.iter().zip(&world.catalog.lives) {
        let guaranteed = life.expected_mtbur_hours * stream.uniform(0.75, 1.3);
        JsonLine::new(&mut out)
            .string("part_number", &part.part_number)
            .string("description", &part.description)
            .string("ata", &part.ata)
            .bare("quantity_per_aircraft", &part.quantity)
            .bare("mtbur_guaranteed_hours", &Fixed((guaranteed / 50.0).round() * 50.0, 1))
            .bare("unit_cost_usd", &Fixed(part.unit_cost_usd, 2))
            .bare("repairable", &part.repairable)
            .finish();
    }
    out
}

fn system_tree() -> Vec<u8> {
    let mut out = Vec::new();
    for system in &SYSTEMS {
        let mut line = JsonLine::new(&mut out);
        line.string("ata", &system.ata).string("title", &system.title);
        if system.ata.section.is_some() {
            line.string("parent", &system.ata.without_section());
        } else {
            line.bare("parent", &"null");
        }
        line.finish();
    }
    out
}

fn modifications(world: &World) -> Vec<u8> {
    let mut out = Vec::new();
    for modification in &MODIFICATIONS {
        let issued = world.first_day.plus(-modification.issued_days_before);
        let mut line = JsonLine::new(&mut out);
        line.string("bulletin", &modification.bulletin)
            .string("title", &modification.title)
            .string("ata", &modification.ata)
            .string("issued_at", &issued.midnight());
        if let Some(superseded) = &modification.supersedes {
            line.string("supersedes", superseded);
        }
        line.finish();
    }
    out
}

fn standards() -> Vec<u8> {
    let mut out = Vec::new();
    for standard in &STANDARDS {
        JsonLine::new(&mut out)
            .string("code", &standard.code)
            .string("title", &standard.title)
            .bare("threshold", &Fixed(standard.threshold, 3))
            .string("unit", &standard.unit)
            .finish();
    }
    out
}
