//! Jobs of Bulk API 2.0. The recordings hold single answers of a job, so a job that can give the same answer is made
//! first.

use serde_json::{Value, json};

use super::{
    body,
    replay::{Made, Replay, answer_of, no_stand_in},
    table,
    world::Call,
};

impl Replay<'_> {
    /// What lies below `/jobs/{kind}/{job}`.
    pub(crate) async fn own_job(
        &mut self,
        root: &str,
        kind: &str,
        rest: &[&str],
    ) -> Made<(String, Option<Value>)> {
        // The recorded job was not there.
        if self.expects("NOT_FOUND") {
            let missing = self.world.missing("Account").await;
            let missing = missing.ok_or_else(no_stand_in)?;
            let below: String = rest.iter().flat_map(|part| ["/", part]).collect();
            return Ok((format!("/jobs/{kind}/{missing}{below}"), None));
        }
        let job = match kind {
            "query" => self.query_job(root).await?,
            _ => self.ingest_job(root, rest).await?,
        };
        let body = (self.exchange.method == "PATCH").then(|| json!({"state": "Aborted"}));
        let below: String = rest.iter().flat_map(|part| ["/", part]).collect();
        Ok((format!("/jobs/{kind}/{job}{below}"), body))
    }

    /// A query that reads as many rows as the recorded one, with its columns.
    async fn query_job(&mut self, root: &str) -> Made<String> {
        let recorded = answer_of(self.exchange);
        let object = recorded["object"].as_str().unwrap_or("Account").to_owned();
        let object = self.object(&object).await?;
        let (columns, rows) = if body::is_table(self.exchange.headers.get("content-type")) {
            let rows = table::rows(&self.exchange.answer);
            (rows.first().cloned().unwrap_or_default(), rows.len() - 1)
        } else {
            let rows = recorded["numberRecordsProcessed"].as_u64();
            let rows = usize::try_from(rows.unwrap_or(1)).unwrap_or(1);
            (vec!["Id".to_owned()], rows)
        };
        let query = format!("SELECT {} FROM {object} LIMIT {rows}", columns.join(", "));
        let request = json!({"operation": "query", "query": query});
        let call = Call::new("POST", format!("{root}/jobs/query")).json(&request);
        let job = self.job_of(&call).await?;
        self.settle(&format!("{root}/jobs/query/{job}")).await?;
        Ok(job)
    }

    /// A load of rows like the recorded ones; one that is stopped before it begins, where the recorded answer lists what
    /// was not tried.
    async fn ingest_job(&mut self, root: &str, rest: &[&str]) -> Made<String> {
        let recorded = answer_of(self.exchange);
        let object = recorded["object"].as_str().unwrap_or("Account").to_owned();
        let object = self.object(&object).await?;
        let operation = recorded["operation"].as_str().unwrap_or("insert");
        let request = json!({"object": object, "operation": operation});
        let call = Call::new("POST", format!("{root}/jobs/ingest")).json(&request);
        let job = self.job_of(&call).await?;
        let path = format!("{root}/jobs/ingest/{job}");
        let mut upload = Call::new("PUT", format!("{path}/batches"));
        upload.content_type = Some("text/csv".to_owned());
        upload.body = Some(self.upload());
        self.done(&upload).await?;
        let state = match rest {
            ["unprocessedrecords"] => "Aborted",
            _ => "UploadComplete",
        };
        self.done(&Call::new("PATCH", path.clone()).json(&json!({"state": state})))
            .await?;
        self.settle(&path).await?;
        Ok(job)
    }

    /// The rows that the recorded answer tells of, without the columns that the API adds.
    fn upload(&mut self) -> String {
        if body::is_table(self.exchange.headers.get("content-type")) {
            let mut rows = table::rows(&self.exchange.answer);
            let header = rows.first().into_iter().flatten();
            let added = header.filter(|name| name.starts_with("sf__")).count();
            for row in &mut rows {
                row.drain(..added);
            }
            return table::write(&rows);
        }
        let rows = answer_of(self.exchange)["numberRecordsProcessed"].as_u64();
        let mut upload = vec![vec!["Name".to_owned()]];
        for _ in 0..rows.unwrap_or(1) {
            upload.push(vec![self.world.fresh()]);
        }
        table::write(&upload)
    }

    async fn job_of(&self, call: &Call) -> Made<String> {
        let answer = self.world.send(call).await;
        let id = answer.body()["id"].as_str().map(ToOwned::to_owned);
        id.ok_or_else(|| format!("no job: {}", answer.text))
    }

    async fn done(&self, call: &Call) -> Made<()> {
        let answer = self.world.send(call).await;
        if answer.status < 300 {
            Ok(())
        } else {
            Err(format!("no job: {}", answer.text))
        }
    }
}
