//! What every figure has: a caption, where its numbers come from, and the query to get them again.

use maud::{Markup, html};

use crate::gather::provenance::Provenance;
use crate::gather::{Figures, Source};

/// A figure with its caption above it and its sources below it.
pub fn figure(figures: &Figures, caption: Markup, body: Markup, sources: &[(&str, &Source)]) -> Markup {
    html! {
        figure {
            figcaption { (caption) }
            (body)
            (origin(&figures.provenance, sources))
        }
    }
}

/// The tables read, with version, run and time, and the SQL; `what` names each query where there are several.
pub fn origin(provenance: &Provenance, sources: &[(&str, &Source)]) -> Markup {
    let mut tables: Vec<&String> = sources.iter().flat_map(|(_, source)| &source.tables).collect();
    tables.sort();
    tables.dedup();
    html! {
        p class="source" {
            "From "
            @for (place, table) in tables.iter().enumerate() {
                @if place > 0 { "; " }
                (read(provenance, table))
            }
            "."
        }
        details {
            summary { "SQL, to run with " code { "fleet query" } }
            @for (what, source) in sources {
                @if sources.len() > 1 { p { (what) } }
                pre { (source.sql) }
            }
        }
    }
}

fn read(provenance: &Provenance, table: &str) -> Markup {
    let version = provenance.versions.get(table);
    let runs = provenance.runs.get(table);
    html! {
        a href={ "#table-" (table) } { (table) }
        @match version {
            Some(version) => { " version " (version.version) }
            None => " (never written)",
        }
        @if let Some(runs) = runs {
            @if let Some(id) = &runs.run_id { ", run " (short_id(id)) }
            @if let Some(at) = runs.computed_at { " of " (at.format("%Y-%m-%d %H:%M")) }
        }
    }
}

/// The first part of a run's id; the whole is among the tables at the end.
fn short_id(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

/// In place of a figure that there is too little for: why, and what was asked.
pub fn too_little(figures: &Figures, why: &str, sources: &[(&str, &Source)]) -> Markup {
    html! {
        (notice(why))
        (origin(&figures.provenance, sources))
    }
}

/// A box for what the reader must know before trusting what follows.
pub fn notice(text: impl maud::Render) -> Markup {
    html! { p class="notice" { (text) } }
}
