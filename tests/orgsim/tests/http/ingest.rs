//! Bulk API 2.0 loads.

mod limits;

use std::time::Duration;

use serde_json::{Value, json};

use crate::sim::{Answer, Sim, answer, code};

/// Between two looks at a job.
const POLL: Duration = Duration::from_millis(2);

impl Sim {
    async fn ingest_job(&self, body: Value) -> String {
        let (status, job) = self.call("POST", "/jobs/ingest", body).await;
        assert_eq!(status, 200, "{job}");
        assert_eq!(job["state"], "Open");
        job["id"].as_str().unwrap().to_owned()
    }

    async fn put_csv(&self, job: &str, csv: &str) -> Answer {
        let path = format!("/jobs/ingest/{job}/batches");
        let request = self.http.put(self.url(&path)).bearer_auth(&self.token);
        let request = request
            .header("content-type", "text/csv")
            .body(csv.to_owned());
        answer(request.send().await.unwrap()).await
    }

    async fn close_job(&self, job: &str) -> Answer {
        let body = json!({"state": "UploadComplete"});
        self.call("PATCH", &format!("/jobs/ingest/{job}"), body)
            .await
    }

    /// Looks at a job until it has ended.
    async fn load_ended(&self, job: &str) -> Value {
        loop {
            let (_, info) = self.json(&format!("/jobs/ingest/{job}")).await;
            match info["state"].as_str().unwrap() {
                "UploadComplete" | "InProgress" => tokio::time::sleep(POLL).await,
                _ => return info,
            }
        }
    }

    /// A whole job; its last look.
    pub(crate) async fn load(&self, job: Value, csv: &str) -> Value {
        let job = self.ingest_job(job).await;
        assert_eq!(self.put_csv(&job, csv).await.0, 201);
        assert_eq!(self.close_job(&job).await.0, 200);
        self.load_ended(&job).await
    }

    async fn result_file(&self, info: &Value, name: &str) -> String {
        let id = info["id"].as_str().unwrap();
        let response = self.get(&format!("/jobs/ingest/{id}/{name}")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/csv");
        response.text().await.unwrap()
    }

    async fn failed(&self, info: &Value) -> String {
        self.result_file(info, "failedResults").await
    }
}

fn insert(object: &str) -> Value {
    json!({"object": object, "operation": "insert", "contentType": "CSV"})
}

fn counts(info: &Value) -> (&str, u64, u64) {
    (
        info["state"].as_str().unwrap(),
        info["numberRecordsProcessed"].as_u64().unwrap(),
        info["numberRecordsFailed"].as_u64().unwrap(),
    )
}

fn keys(body: &Value) -> Vec<&str> {
    body.as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn each_row_of_a_load_succeeds_or_fails_alone() {
    let sim = Sim::start().await;
    let csv = "LastName,Email,Birthdate,\"Department\"\nNg,ng@acme.example,1990-02-28,\"a \"\"b\"\"\nc\"\n,x@acme.example,,\nOkafor,,28.02.1990,\nLong,,,#N/A\n";
    let info = sim.load(insert("Contact"), csv).await;
    assert_eq!(counts(&info), ("JobComplete", 4, 2), "{info}");
    let done = sim.result_file(&info, "successfulResults").await;
    let mut lines = done.splitn(2, '\n');
    let header = "\"sf__Id\",\"sf__Created\",LastName,Email,Birthdate,\"Department\"";
    assert_eq!(lines.next(), Some(header));
    let rest = lines.next().unwrap();
    assert!(
        rest.contains("\",\"true\",\"Ng\",\"ng@acme.example\",\"1990-02-28\",\"a \"\"b\"\"\nc\"\n"),
        "{rest}"
    );
    assert!(rest.contains("\"Long\",\"\",\"\",\"#N/A\"\n"));
    let failed = sim.failed(&info).await;
    assert!(failed.contains("\n\"\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\",\"\",\"x@acme.example\",\"\",\"\"\n"), "{failed}");
    assert!(failed.contains("\"INVALID_FIELD:Failed to deserialize field at col 2. Due to, '28.02.1990' is not a valid value for the type xsd:date:Birthdate --\",\"Okafor\""), "{failed}");
    assert_eq!(
        sim.result_file(&info, "unprocessedrecords").await,
        "LastName,Email,Birthdate,\"Department\"\n"
    );
    let made = sim
        .records("SELECT Name, Department FROM Contact WHERE Email = 'ng@acme.example'")
        .await;
    assert_eq!(made[0]["Department"], "a \"b\"\nc");
}

#[tokio::test]
async fn a_job_shows_the_keys_of_its_state() {
    let sim = Sim::start().await;
    sim.control("bulk", json!({"hold": true})).await;
    let (_, made) = sim.call("POST", "/jobs/ingest", insert("Case")).await;
    let id = made["id"].as_str().unwrap();
    let mut expected = vec![
        "apiVersion",
        "columnDelimiter",
        "concurrencyMode",
        "contentType",
        "contentUrl",
        "createdById",
        "createdDate",
        "id",
        "lineEnding",
        "object",
        "operation",
        "state",
        "systemModstamp",
    ];
    assert_eq!(keys(&made), expected);
    assert_eq!(
        made["contentUrl"],
        format!("services/data/v60.0/jobs/ingest/{id}/batches")
    );
    assert_eq!(made["apiVersion"], json!(60.0));
    let path = format!("/jobs/ingest/{id}");
    let open = sim.json(&path).await.1;
    assert_eq!(open["jobType"], "V2Ingest");
    assert_eq!(open["numberRecordsProcessed"], Value::Null);
    assert_eq!(sim.put_csv(id, "Subject\na\n").await, (201, json!("")));
    let uploaded = sim.json(&path).await.1;
    assert_eq!(uploaded["numberRecordsProcessed"], 0);
    let again = sim.put_csv(id, "Subject\nb\n").await;
    assert_eq!(code(&again), (400, "BULK_API_ERROR"));

    let (status, closed) = sim.close_job(id).await;
    assert_eq!(status, 200);
    expected.retain(|key| !["columnDelimiter", "contentUrl", "lineEnding"].contains(key));
    assert_eq!(keys(&closed), expected);
    assert_eq!(closed["state"], "UploadComplete");
    assert_eq!(code(&sim.close_job(id).await), (400, "INVALIDJOBSTATE"));
    assert_eq!(code(&sim.put_csv(id, "x").await), (400, "INVALIDJOBSTATE"));
    assert_eq!(
        code(&sim.json(&format!("{path}/failedResults")).await),
        (400, "INVALIDJOBSTATE")
    );
    assert_eq!(
        code(&sim.call("DELETE", &path, Value::Null).await),
        (400, "API_ERROR")
    );
    while sim.json(&path).await.1["state"] == "UploadComplete" {
        tokio::task::yield_now().await;
    }
    let running = sim.json(&path).await.1;
    assert_eq!(running["state"], "InProgress");
    assert!(!keys(&running).contains(&"contentUrl"));

    sim.control("bulk", json!({"hold": false})).await;
    let ended = sim.load_ended(id).await;
    assert_eq!(counts(&ended), ("JobComplete", 1, 0));
    let abort = sim.call("PATCH", &path, json!({"state": "Aborted"})).await;
    assert_eq!(code(&abort), (400, "INVALIDJOBSTATE"));
    assert_eq!(
        abort.1[0]["message"],
        "Aborting already Completed Job not allowed"
    );
    let (_, list) = sim.json("/jobs/ingest?jobType=V2Ingest").await;
    assert_eq!(list["records"][0]["id"], id);
    assert_eq!(sim.call("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(code(&sim.json(&path).await), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn an_update_leaves_empty_cells_alone_and_clears_what_says_so() {
    let sim = Sim::start().await;
    let csv = "LastName,Title,Department\na,t,d\nb,t,d\n";
    let made = sim.load(insert("Contact"), csv).await;
    let done = sim.result_file(&made, "successfulResults").await;
    let ids: Vec<&str> = done.lines().skip(1).map(|line| &line[1..19]).collect();
    let csv = format!(
        "Id,Title,Department\n{},,#N/A\n{},new,\n,x,\n003Hf00000zzzzzIAA,x,\n001Hf00000000011AA,x,\nnonsense,x,\n",
        &ids[0][..15],
        ids[1]
    );
    let update = json!({"object": "Contact", "operation": "update"});
    let info = sim.load(update, &csv).await;
    assert_eq!(counts(&info), ("JobComplete", 6, 4));
    let soql = format!(
        "SELECT Title, Department FROM Contact WHERE Id IN ('{}', '{}') ORDER BY LastName",
        ids[0], ids[1]
    );
    let rows = sim.records(&soql).await;
    assert_eq!(
        (&rows[0]["Title"], &rows[0]["Department"]),
        (&json!("t"), &Value::Null)
    );
    assert_eq!(
        (&rows[1]["Title"], &rows[1]["Department"]),
        (&json!("new"), &json!("d"))
    );
    let failed = sim.failed(&info).await;
    for error in [
        "MISSING_ARGUMENT:Id not specified in an update call:Id --",
        "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
        "MALFORMED_ID:malformed id 001Hf00000000011AA:--",
        "MALFORMED_ID:malformed id nonsense:--",
    ] {
        assert!(
            failed.contains(&format!("\"{error}\"")),
            "{error}: {failed}"
        );
    }
}

#[tokio::test]
async fn an_upsert_finds_records_by_its_key() {
    let sim = Sim::start().await;
    let job = || json!({"object": "Project__c", "operation": "upsert", "externalIdFieldName": "external_key__c"});
    let info = sim
        .load(job(), "Name,External_Key__c\none,K-1\ntwo,K-2\nnone,\n")
        .await;
    assert_eq!(info["externalIdFieldName"], "External_Key__c");
    assert_eq!(counts(&info), ("JobComplete", 3, 1));
    let csv = "External_Key__c,Name\nk-1,uno\nK-3,three\nK-2,x\nK-2,y\n";
    let info = sim.load(job(), csv).await;
    assert_eq!(counts(&info), ("JobComplete", 4, 2));
    let done = sim.result_file(&info, "successfulResults").await;
    assert!(done.contains("\",\"false\",\"k-1\",\"uno\"\n"), "{done}");
    assert!(done.contains("\",\"true\",\"K-3\",\"three\"\n"), "{done}");
    let failed = sim.failed(&info).await;
    let twice = "DUPLICATE_VALUE:Duplicate external id specified: K-2:External_Key__c --";
    assert_eq!(failed.matches(twice).count(), 2, "{failed}");
    let names = sim
        .records("SELECT Name FROM Project__c WHERE External_Key__c IN ('K-1','K-2','K-3') ORDER BY Name")
        .await;
    let names: Vec<_> = names
        .iter()
        .map(|row| row["Name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["three", "two", "uno"]);

    let by_id = json!({"object": "Project__c", "operation": "upsert", "externalIdFieldName": "Id"});
    let csv = format!(
        "Id,Name\n{},by id\n,made\n",
        &done.lines().nth(1).unwrap()[1..19]
    );
    let info = sim.load(by_id, &csv).await;
    assert_eq!(counts(&info), ("JobComplete", 2, 0));
}

#[tokio::test]
async fn parents_are_named_by_their_keys() {
    let sim = Sim::start().await;
    sim.load(insert("Project__c"), "Name,External_Key__c\np,P-1\n")
        .await;
    let csv = "Name,Project__r.External_Key__c\nfound,P-1\nlost,P-2\n";
    let info = sim.load(insert("Article__c"), csv).await;
    assert_eq!(counts(&info), ("JobComplete", 2, 1));
    let failed = sim.failed(&info).await;
    let error = "INVALID_FIELD:Foreign key external ID: P-2 not found for field External_Key__c in entity Project__c:--";
    assert!(failed.contains(error), "{failed}");
    let found = sim
        .records("SELECT Project__r.External_Key__c FROM Article__c WHERE Name = 'found'")
        .await;
    assert_eq!(found[0]["Project__r"]["External_Key__c"], "P-1");

    let csv = "Subject,User:Owner.Username\nmine,backup@acme.example\n";
    let info = sim.load(insert("Case"), csv).await;
    assert_eq!(
        counts(&info),
        ("JobComplete", 1, 0),
        "{}",
        sim.failed(&info).await
    );
    for header in [
        "Owner.Username",
        "Account:Account.Name",
        "Project__r.Budget__c",
    ] {
        let info = sim
            .load(insert("Case"), &format!("Subject,{header}\na,b\n"))
            .await;
        let error = format!("InvalidBatch : Field name not found : {header}");
        assert_eq!(info["errorMessage"], error);
    }
}

#[tokio::test]
async fn every_delimiter_and_line_end_is_read_and_used_for_the_results() {
    let sim = Sim::start().await;
    for (name, delimiter) in [
        ("BACKQUOTE", "`"),
        ("CARET", "^"),
        ("COMMA", ","),
        ("PIPE", "|"),
        ("SEMICOLON", ";"),
        ("TAB", "\t"),
    ] {
        for (ending, line) in [("LF", "\n"), ("CRLF", "\r\n")] {
            let mut job = insert("Big__c");
            job["columnDelimiter"] = json!(name);
            job["lineEnding"] = json!(ending);
            let csv = format!("Name{delimiter}Note__c{line}a{delimiter}\"x{delimiter}y\"{line}");
            let info = sim.load(job, &csv).await;
            assert_eq!(counts(&info), ("JobComplete", 1, 0), "{name} {info}");
            let done = sim.result_file(&info, "successfulResults").await;
            let head = format!(
                "\"sf__Id\"{delimiter}\"sf__Created\"{delimiter}Name{delimiter}Note__c{line}"
            );
            let tail = format!("\"a\"{delimiter}\"x{delimiter}y\"{line}");
            assert!(done.starts_with(&head) && done.ends_with(&tail), "{done}");
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_its_job_before_any_row() {
    let sim = Sim::start().await;
    let before = sim.count("SELECT Id FROM Account").await;
    for (operation, csv, error) in [
        (
            "insert",
            "Name,Nope\na,b\n",
            "InvalidBatch : Field name not found : Nope",
        ),
        (
            "insert",
            "Name,Id\na,\n",
            "InvalidBatch : Field name not found : Id",
        ),
        (
            "insert",
            "\u{feff}Name\na\n",
            "InvalidBatch : Field name not found : \u{feff}Name",
        ),
        (
            "insert",
            "Name\r\na\r\n",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        (
            "insert",
            "Name\na\n\"b\n",
            "InvalidBatch : Failed to parse CSV. EOF reached before closing an opened quote",
        ),
        (
            "insert",
            "Name\na\nb\"c\n",
            "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote",
        ),
        (
            "insert",
            "",
            "ClientInputError : Unable to find any data to create batch",
        ),
        (
            "delete",
            "Id,Name\n,a\n",
            "InvalidBatch : The 'delete' batch must contain only ids",
        ),
    ] {
        let job = json!({"object": "Account", "operation": operation});
        let info = sim.load(job, csv).await;
        assert_eq!(info["state"], "Failed", "{csv}: {info}");
        assert_eq!(info["errorMessage"], error);
        assert_eq!(info["numberRecordsProcessed"], 0);
    }
    assert_eq!(sim.count("SELECT Id FROM Account").await, before);
}

#[tokio::test]
async fn a_job_that_cannot_be_is_not_made() {
    let sim = Sim::start().await;
    for (job, code_, text) in [
        (
            json!({"object": "Account", "operation": ""}),
            "API_ERROR",
            "Invalid value: '' supplied for property: 'operation'",
        ),
        (
            json!({"object": "Nope", "operation": "insert"}),
            "INVALIDJOB",
            "InvalidJob : Unable to find object: Nope",
        ),
        (
            json!({"object": "Account", "operation": "insert", "contentType": "JSON"}),
            "API_ERROR",
            "Invalid value: 'JSON' supplied for property: 'contentType'",
        ),
        (
            json!({"object": "Account", "operation": "insert", "columnDelimiter": "DOT"}),
            "API_ERROR",
            "Invalid value: 'DOT' supplied for property: 'columnDelimiter'",
        ),
        (
            json!({"object": "Account", "operation": "upsert"}),
            "INVALIDJOB",
            "InvalidJob : External ID was blank for Account. An External ID must be specified for upsert.",
        ),
        (
            json!({"object": "Account", "operation": "upsert", "externalIdFieldName": "Phone"}),
            "INVALIDJOB",
            "InvalidJob : Field name provided, Phone does not match an External ID for Account",
        ),
        (
            json!({"object": "Account", "operation": "hardDelete"}),
            "FEATURENOTENABLED",
            "FeatureNotEnabled : hardDelete operation requires special user profile permission, please contact your system administrator",
        ),
    ] {
        let refused = sim.call("POST", "/jobs/ingest", job).await;
        assert_eq!(code(&refused), (400, code_));
        assert_eq!(refused.1[0]["message"], text);
    }
}

#[tokio::test]
async fn a_deletion_goes_to_the_bin_and_a_hard_one_past_it() {
    let sim = Sim::start().await;
    sim.control("settings", json!({"bulk_hard_delete": true}))
        .await;
    let made = sim.load(insert("Big__c"), "Name\na\nb\n").await;
    let done = sim.result_file(&made, "successfulResults").await;
    let ids: Vec<&str> = done.lines().skip(1).map(|line| &line[1..19]).collect();
    for (operation, id, left) in [("delete", ids[0], 1), ("hardDelete", ids[1], 0)] {
        let job = json!({"object": "Big__c", "operation": operation});
        let info = sim.load(job, &format!("Id\n{id}\n")).await;
        assert_eq!(counts(&info), ("JobComplete", 1, 0), "{info}");
        let dump = sim.get("/__sim/dump/Big__c").await.text().await.unwrap();
        assert_eq!(dump.matches(id).count(), left, "{operation}");
    }
    let job = json!({"object": "Big__c", "operation": "delete"});
    let again = sim.load(job, &format!("Id\n{}\n", ids[0])).await;
    let failed = sim.failed(&again).await;
    let row = format!("\"{}\",\"ENTITY_IS_DELETED:entity is deleted:--\"", ids[0]);
    assert!(failed.contains(&row), "{failed}");
}

fn numbered(rows: usize) -> String {
    let names: Vec<String> = (0..rows).map(|row| format!("r{row}\n")).collect();
    format!("Name\n{}", names.concat())
}

#[tokio::test]
async fn an_aborted_job_leaves_its_rows_unprocessed() {
    let sim = Sim::start().await;
    sim.control("bulk", json!({"hold": true})).await;
    let job = sim.ingest_job(insert("Big__c")).await;
    sim.put_csv(&job, &numbered(450)).await;
    sim.close_job(&job).await;
    let path = format!("/jobs/ingest/{job}");
    let (status, aborted) = sim.call("PATCH", &path, json!({"state": "Aborted"})).await;
    assert_eq!((status, &aborted["state"]), (200, &json!("Aborted")));
    sim.control("bulk", json!({"hold": false})).await;
    let info = sim.json(&path).await.1;
    assert_eq!(counts(&info), ("Aborted", 0, 0));
    assert_eq!(
        sim.result_file(&info, "unprocessedRecords").await,
        numbered(450)
    );
    assert_eq!(
        sim.count("SELECT Id FROM Big__c WHERE Name LIKE 'r%'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_job_that_gives_up_keeps_what_it_saved_and_tells_the_rest() {
    let sim = Sim::start().await;
    let fault = json!({"fail_job": {"object": "Big__c", "after_rows": 250}});
    sim.control("bulk", fault).await;
    let info = sim.load(insert("Big__c"), &numbered(450)).await;
    assert_eq!(counts(&info), ("Failed", 250, 0));
    assert!(
        info["errorMessage"]
            .as_str()
            .unwrap()
            .starts_with("TooManyLockFailure : ")
    );
    assert_eq!(
        sim.count("SELECT Id FROM Big__c WHERE Name LIKE 'r%'")
            .await,
        250
    );
    let rest = sim.result_file(&info, "unprocessedrecords").await;
    assert_eq!(rest.lines().count(), 201);
    let done = sim.result_file(&info, "successfulResults").await;
    assert_eq!(done.lines().count(), 251);
    // What was not tried can be sent again as it is.
    let info = sim.load(insert("Big__c"), &rest).await;
    assert_eq!(counts(&info), ("JobComplete", 200, 0));
    for row in 0..450 {
        let soql = format!("SELECT Id FROM Big__c WHERE Name = 'r{row}'");
        if row % 50 == 0 {
            assert_eq!(sim.count(&soql).await, 1, "{row}");
        }
    }
}

#[tokio::test]
async fn rows_that_lost_a_lock_succeed_the_second_time() {
    let sim = Sim::start().await;
    sim.control("bulk", json!({"fail_rows": {"rows": 3}})).await;
    let info = sim.load(insert("Big__c"), &numbered(205)).await;
    assert_eq!(counts(&info), ("JobComplete", 205, 3));
    let failed = sim.failed(&info).await;
    let lock = "\"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--\"";
    assert_eq!(failed.matches(lock).count(), 3, "{failed}");
    let again: Vec<&str> = failed
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit('"').nth(1))
        .collect();
    let info = sim
        .load(insert("Big__c"), &format!("Name\n{}\n", again.join("\n")))
        .await;
    assert_eq!(counts(&info), ("JobComplete", 3, 0));
}

#[tokio::test]
async fn results_come_in_an_order_of_their_own_and_hold_every_row_once() {
    let sim = Sim::start().await;
    let info = sim.load(insert("Big__c"), &numbered(2_000)).await;
    let done = sim.result_file(&info, "successfulResults").await;
    let names: Vec<&str> = done
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit('"').nth(1))
        .collect();
    let sent: Vec<String> = (0..2_000).map(|row| format!("r{row}")).collect();
    assert_ne!(names, sent);
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let mut expected: Vec<&str> = sent.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(sorted, expected);

    let old = sim
        .call("POST", "/services/data/v49.0/jobs/ingest", insert("Case"))
        .await
        .1;
    let old = old["id"].as_str().unwrap();
    sim.put_csv(old, "Subject,Priority\na,High\n").await;
    sim.close_job(old).await;
    let info = sim.load_ended(old).await;
    let done = sim.result_file(&info, "successfulResults").await;
    assert!(
        done.starts_with("\"sf__Id\",\"sf__Created\",Priority,Subject\n"),
        "{done}"
    );
    assert!(done.ends_with("\"High\",\"a\"\n"), "{done}");
}
