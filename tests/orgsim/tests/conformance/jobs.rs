//! Jobs of Bulk API 1.0. What a job answers depends on the calls before it, so the job calls of a cassette run one after
//! the other against an org of their own, and the Ids that our org gave away stand for those of the recorded one.

use std::{collections::HashSet, mem, time::Duration};

use serde_json::Value;

use super::{
    body,
    names::{Names, is_id},
    recording::Exchange,
    replay::{Made, Replay, answer_of, no_stand_in, replayed_number},
    soql, table,
    verdict::Verdict,
    world::{Call, World},
};

/// How often a job is asked whether it is done, and how many times.
const PAUSE: Duration = Duration::from_millis(10);
const TURNS: usize = 3_000;

/// One cassette with its org.
#[derive(Debug)]
pub(crate) struct Cassette {
    file: String,
    world: World,
    names: Names,
}

/// A call below `/services/async`.
pub(crate) fn in_batches(exchange: &Exchange) -> bool {
    exchange.target.starts_with("/services/async/")
}

impl Cassette {
    /// The cassette that the call is in: the one at hand, or another with an org of its own.
    pub(crate) async fn of(exchange: &Exchange, at_hand: Option<Self>) -> Self {
        match at_hand {
            Some(cassette) if cassette.file == exchange.file() => cassette,
            _ => Self {
                file: exchange.file().to_owned(),
                world: World::start().await,
                names: Names::default(),
            },
        }
    }

    /// Replays the next call.
    pub(crate) async fn replay(&mut self, exchange: &Exchange) -> Verdict {
        let names = mem::take(&mut self.names);
        let mut replay = Replay::new(&mut self.world, exchange, names);
        let verdict = match replay.batch_call().await {
            Ok(call) => replay.compare(call).await,
            Err(reason) => Verdict::NotCovered(reason),
        };
        self.names = replay.names;
        verdict
    }
}

impl Replay<'_> {
    async fn batch_call(&mut self) -> Made<Call> {
        let exchange = self.exchange;
        let (path, query) = match exchange.target.split_once('?') {
            Some((path, query)) => (path, format!("?{query}")),
            None => (exchange.target.as_str(), String::new()),
        };
        let mut segments = path.trim_matches('/').split('/').skip(2);
        let version = replayed_number(segments.next().unwrap_or_default());
        let parts: Vec<&str> = segments.collect();
        let mut target = format!("/services/async/{version}");
        for part in &parts {
            target.push('/');
            target.push_str(&self.made_before(part)?);
        }
        if let ["job", job, ..] = parts.as_slice()
            && done(exchange)
        {
            let job = self.made_before(job)?;
            self.finish(&format!("/services/async/{version}/job/{job}"))
                .await?;
        }
        let mut call = self.in_session(&exchange.method, format!("{target}{query}"));
        if exchange.method == "POST" {
            let text = exchange.body.as_deref().unwrap_or_default();
            let (kind, text) = match parts.as_slice() {
                [.., "batch"] if exchange.answer.starts_with('{') => {
                    ("application/json", self.rows_or_query(text).await?)
                }
                [.., "batch"] => ("text/csv", self.rows_or_query(text).await?),
                _ => ("application/xml", self.job(text).await?),
            };
            call.content_type = Some(format!("{kind}; charset=UTF-8"));
            call.body = Some(text);
        }
        Ok(call)
    }

    fn in_session(&self, method: &str, target: String) -> Call {
        let mut call = Call::new(method, target);
        let session = ("X-SFDC-Session".to_owned(), self.world.token.clone());
        call.headers.push(session);
        call
    }

    /// Our Id for one that an earlier answer of the cassette gave away.
    fn made_before(&self, part: &str) -> Made<String> {
        if !is_id(part) {
            return Ok(part.to_owned());
        }
        self.names
            .known(part)
            .ok_or_else(|| "the cassette does not hold the call that made it".to_owned())
    }

    /// The definition of a job for our object.
    async fn job(&mut self, text: &str) -> Made<String> {
        let named = text
            .split_once("<object>")
            .and_then(|(before, rest)| Some((before, rest.split_once('<')?)));
        let Some((before, (object, after))) = named else {
            return Ok(text.to_owned());
        };
        let object = self.object(object).await?;
        Ok(format!("{before}<object>{object}<{after}"))
    }

    /// A batch in our names and Ids.
    async fn rows_or_query(&mut self, text: &str) -> Made<String> {
        if text.to_lowercase().starts_with("select") {
            return soql::translate(self.world, &mut self.names, text, &[], false)
                .await
                .ok_or_else(no_stand_in);
        }
        let mut rows = table::rows(&unchunked(text));
        for cell in rows.iter_mut().skip(1).flatten() {
            if is_id(cell) {
                *cell = self
                    .names
                    .id(self.world, cell, None)
                    .await
                    .ok_or_else(no_stand_in)?;
            }
        }
        Ok(table::write(&rows))
    }

    /// Waits until all batches of a job are done.
    async fn finish(&self, job: &str) -> Made<()> {
        for _ in 0..TURNS {
            let call = self.in_session("GET", job.to_owned());
            let info = self.world.send(&call).await.body();
            let count = |name: &str| info["jobInfo"][0][name][0].as_u64().unwrap_or_default();
            if count("numberBatchesQueued") + count("numberBatchesInProgress") == 0 {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!("the job is never done: {job}"))
    }

    /// Waits until a job of Bulk API 2.0 is in a state that it does not leave.
    pub(crate) async fn settle(&self, job: &str) -> Made<()> {
        for _ in 0..TURNS {
            let info = self.world.get(job).await.body();
            if matches!(
                info["state"].as_str(),
                Some("JobComplete" | "Failed" | "Aborted")
            ) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!("the job is never done: {job}"))
    }
}

/// The body that a recorder kept with the sizes of its pieces.
fn unchunked(text: &str) -> String {
    let size = |line: &&str| !line.is_empty() && line.trim().bytes().all(|b| b.is_ascii_hexdigit());
    let mut lines = text.lines().peekable();
    if lines.peek().is_none_or(|line| !size(line)) {
        return text.to_owned();
    }
    let rows = lines.filter(|line| !size(line) && !line.trim().is_empty());
    rows.collect::<Vec<_>>().join("\n")
}

/// The recorded answer says that the work was over.
fn done(exchange: &Exchange) -> bool {
    if exchange.target.contains("/result") {
        return true;
    }
    let (mut over, mut waits) = (false, false);
    let answer = answer_of(exchange);
    body::side_by_side("", &answer, &answer, &mut |key, value, _| match key {
        "state" => over |= value == "Completed" || value == "Failed",
        "numberBatchesCompleted" | "numberBatchesFailed" => over |= value.as_u64() > Some(0),
        "numberBatchesQueued" | "numberBatchesInProgress" => waits |= value.as_u64() > Some(0),
        _ => {}
    });
    over && !waits
}

/// What became of the work, where the recorded job had done it: states, numbers of batches and records, and the outcome
/// of each row.
pub(crate) fn outcomes(exchange: &Exchange, recorded: &Value, ours: &Value) -> Vec<String> {
    let of_jobs = in_batches(exchange) || exchange.target.contains("/jobs/");
    let counts: HashSet<&str> = [
        "numberBatchesCompleted",
        "numberBatchesFailed",
        "numberBatchesTotal",
        "numberRecordsProcessed",
        "numberRecordsFailed",
    ]
    .into();
    let done = done(exchange) || !in_batches(exchange);
    let mut found = Vec::new();
    body::side_by_side("", recorded, ours, &mut |key, recorded, ours| {
        let compared = match key {
            "state" => !matches!(recorded.as_str(), Some("Queued" | "InProgress")),
            "Success" | "Created" | "sf__Created" => true,
            _ => done && counts.contains(key),
        };
        if of_jobs && compared && recorded != ours {
            found.push(format!("{key} is {ours}, recorded {recorded}"));
        }
    });
    found
}
