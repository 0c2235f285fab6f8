//! `fleet submit`.

use std::collections::BTreeMap;

use fleet_proto::v1::submit_run_request::Target;
use fleet_proto::v1::{ModelNames, SubmitRunRequest};
use uuid::Uuid;

use super::connect::Client;
use super::error::Error;
use super::options::{Submit, Terms};
use super::{json, watch};
use crate::display::say;

pub async fn submit(client: &mut Client, options: &Submit, json: bool) -> Result<(), Error> {
    let request = request(options)?;
    let asked = match &options.job {
        Some(job) => format!("submit {job}"),
        None => format!("submit --models {}", options.models.join(",")),
    };
    let key = request.idempotency_key.clone();
    let submitted = client.call(asked, |mut services| {
        let request = request.clone();
        async move { services.jobs.submit_run(request).await }
    });
    let response = submitted.await.map_err(|error| with_key(error, &key))?;
    let (id, seen) = response.run.as_ref().map(|run| (run.id.clone(), run.sequence)).unwrap_or_default();
    if json {
        say(json::submitted(&response));
    } else {
        say(&id);
    }
    if response.existed && options.terms.key.is_some() && !json {
        eprintln!("run {id} is of an earlier request with this key; none was added");
    }
    if options.wait.wait { watch::wait(client, &id, seen, json).await } else { Ok(()) }
}

fn request(options: &Submit) -> Result<SubmitRunRequest, Error> {
    let target = match &options.job {
        Some(job) => Target::Job(job.clone()),
        None => Target::Models(ModelNames { names: options.models.clone() }),
    };
    Ok(SubmitRunRequest {
        target: Some(target),
        interval: options.interval.clone().unwrap_or_default(),
        parameters: parameters(&options.terms)?,
        idempotency_key: key(&options.terms),
        priority: options.terms.priority,
        verify: options.verify,
    })
}

/// The key that makes it harmless to ask again: the caller's, or one for this process.
pub fn key(terms: &Terms) -> String {
    terms.key.clone().unwrap_or_else(|| Uuid::new_v4().to_string())
}

pub fn parameters(terms: &Terms) -> Result<BTreeMap<String, f64>, Error> {
    let mut parameters = BTreeMap::new();
    for (name, value) in &terms.parameters {
        if parameters.insert(name.clone(), *value).is_some() {
            return Err(Error::WrongUse(format!("parameter {name}: given twice, expected once")));
        }
    }
    Ok(parameters)
}

/// Says how to find out what became of a request whose answer was not heard.
pub fn with_key(error: Error, key: &str) -> Error {
    let advice = format!("; the same command with --key {key} tells, and does nothing twice");
    match error {
        Error::Interrupted(text) => Error::Interrupted(text + &advice),
        Error::Unreachable { asked, why } => Error::Unreachable { asked, why: why + &advice },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(parameters: &[(&str, f64)], key: Option<&str>) -> Terms {
        let parameters = parameters.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        Terms { parameters, priority: 0, key: key.map(str::to_owned) }
    }

    #[test]
    fn a_key_is_made_where_none_is_given() {
        assert_eq!(key(&terms(&[], Some("mine"))), "mine");
        let made = key(&terms(&[], None));
        assert!(Uuid::parse_str(&made).is_ok() && made != key(&terms(&[], None)));
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert_eq!(parameters(&terms(&[("a", 1.0), ("b", 2.0)], None)).unwrap().len(), 2);
        let error = parameters(&terms(&[("a", 1.0), ("a", 2.0)], None)).unwrap_err();
        assert_eq!((error.code(), error.to_string()), (2, "parameter a: given twice, expected once".to_owned()));
    }

    #[test]
    fn a_request_without_an_answer_can_be_repeated() {
        let error = with_key(Error::Interrupted("interrupted".to_owned()), "k");
        assert_eq!(error.to_string(), "interrupted; the same command with --key k tells, and does nothing twice");
    }
}
