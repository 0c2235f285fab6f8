//! `fleet functions`.

use fleet_functions::{Described, described};
use fleet_jobs::Error;

use crate::display::say;
use crate::options::{Common, Functions};

pub fn functions(common: &Common, options: &Functions) -> anyhow::Result<()> {
    let all = described();
    let Some(name) = &options.name else {
        for function in &all {
            if common.json {
                say(as_json(function));
            } else {
                let text = &function.documentation.description;
                let sentence = text.split_once(". ").map_or(text.as_str(), |(first, _)| first);
                let first = sentence.split_once(':').map_or(sentence, |(first, _)| first);
                say(format_args!("{:<26} {first}", function.name));
            }
        }
        return Ok(());
    };
    match all.iter().find(|function| function.name == *name) {
        Some(function) if common.json => say(as_json(function)),
        Some(function) => say(in_full(function)),
        None => {
            let advice = "is no function of ours; `fleet functions` lists them, and DataFusion's come on top";
            return Err(Error::invalid(name.as_str(), advice).into());
        }
    }
    Ok(())
}

fn in_full(function: &Described) -> String {
    let documentation = &function.documentation;
    let kind = if function.aggregate { "aggregate" } else { "scalar" };
    let mut text = format!("{}    {kind}\n\n{}\n", documentation.syntax_example, documentation.description);
    for (name, about) in documentation.arguments.iter().flatten() {
        text.push_str(&format!("\n  {name:<16} {about}"));
    }
    if let Some(figures) = &function.figures {
        text.push_str(&format!("\n\nGives: {figures}"));
    }
    if let Some(example) = &documentation.sql_example {
        text.push_str(&format!("\n\nExample:\n\n    {}", example.replace('\n', "\n    ")));
    }
    text
}

fn as_json(function: &Described) -> serde_json::Value {
    let documentation = &function.documentation;
    serde_json::json!({
        "name": function.name, "aggregate": function.aggregate, "syntax": documentation.syntax_example,
        "description": documentation.description, "arguments": documentation.arguments,
        "gives": function.figures, "example": documentation.sql_example,
    })
}
