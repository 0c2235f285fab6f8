//! Reading the catalogue's files: those built into the binary, then those of the user's folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::common::TableReference;
use datafusion::sql::parser::DFParser;
use datafusion::sql::resolve::resolve_table_references;
use include_dir::{Dir, include_dir};

use super::{Catalog, Header, Job, Model};
use crate::landing::SourceSpec;
use crate::warehouse::TableName;
use crate::{Error, Result};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/catalog");

/// All files by their path below the catalogue's root. Queries are not planned yet.
pub(super) fn read(overlay: Option<&Path>) -> Result<Catalog> {
    let mut files = BTreeMap::new();
    built_in(&BUILT_IN, &mut files);
    if let Some(folder) = overlay {
        if !folder.is_dir() {
            return Err(Error::invalid(format!("catalogue `{}`", folder.display()), "not a folder"));
        }
        user_files(folder, folder, &mut files)?;
    }
    let mut catalog = Catalog { sources: BTreeMap::new(), models: BTreeMap::new(), jobs: BTreeMap::new() };
    for (path, text) in &files {
        add(&mut catalog, path, text)?;
    }
    Ok(catalog)
}

fn built_in(folder: &Dir<'_>, files: &mut BTreeMap<String, String>) {
    for file in folder.files() {
        if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
            files.insert(path.to_owned(), text.to_owned());
        }
    }
    for folder in folder.dirs() {
        built_in(folder, files);
    }
}

fn user_files(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> Result<()> {
    let unreadable = |path: &Path, error: std::io::Error| {
        Error::invalid(format!("catalogue `{}`", path.display()), error.to_string())
    };
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if path.is_dir() {
            user_files(root, &path, files)?;
        } else {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.insert(name, text);
        }
    }
    Ok(())
}

fn add(catalog: &mut Catalog, path: &str, text: &str) -> Result<()> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["sources", file] if file.ends_with(".yaml") => {
            let source = SourceSpec::parse(path, text)?;
            same_name(path, &source.name)?;
            catalog.sources.insert(source.name.clone(), Arc::new(source));
        }
        ["jobs", file] if file.ends_with(".yaml") => {
            let job: Job = serde_saphyr::from_str(text).map_err(|error| Error::invalid(path, error.to_string()))?;
            same_name(path, &job.name)?;
            catalog.jobs.insert(job.name.clone(), job);
        }
        [schema, file] if let Some(name) = file.strip_suffix(".sql") => {
            let name: TableName = format!("{schema}.{name}").parse()?;
            let model = model(path, name, text)?;
            catalog.models.insert(model.name.clone(), Arc::new(model));
        }
        [.., file] if file.ends_with(".md") || file.starts_with('.') => {}
        _ => {
            let expected = "expected sources/<name>.yaml, jobs/<name>.yaml or <schema>/<table>.sql";
            return Err(Error::invalid(path, expected));
        }
    }
    Ok(())
}

fn same_name(path: &str, name: &str) -> Result<()> {
    let stem = Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if stem == name {
        return Ok(());
    }
    Err(Error::invalid(path, format!("is named `{name}`, expected `{stem}` as the file is")))
}

fn model(path: &str, name: TableName, text: &str) -> Result<Model> {
    let (header, sql) = Header::split(path, text)?;
    if let Some(given) = &header.name
        && *given != name
    {
        return Err(Error::invalid(path, format!("is named `{given}`, expected `{name}` as its path says")));
    }
    let inputs = tables(sql).map_err(|problem| Error::invalid(path, problem))?;
    Ok(Model { name, header, sql: sql.to_owned(), inputs, schema: Arc::new(Schema::empty()) })
}

/// The tables that a query names.
fn tables(sql: &str) -> Result<BTreeSet<TableName>, String> {
    let statements = DFParser::parse_sql(sql).map_err(|error| error.strip_backtrace())?;
    let [statement] = statements.iter().collect::<Vec<_>>()[..] else {
        return Err(format!("holds {} statements, expected one query", statements.len()));
    };
    let (tables, _) = resolve_table_references(statement, true).map_err(|error| error.strip_backtrace())?;
    tables
        .into_iter()
        .map(|table| match table {
            TableReference::Partial { schema, table } => format!("{schema}.{table}").try_into(),
            other => Err(format!("reads `{other}`, expected schema.table")),
        })
        .collect()
}
