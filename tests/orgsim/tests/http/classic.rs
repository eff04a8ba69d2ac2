//! Bulk API 1.0.

use serde_json::{Value, json};

use crate::{
    sim::{Answer, Sim, answer},
    users::user,
};

/// How the caller writes.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Xml,
    Csv,
}

impl Sim {
    /// A call below `/services/async/60.0` with the session header.
    async fn bulk(&self, method: &str, path: &str, form: Form, body: String) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let kind = match form {
            Form::Json => "application/json",
            Form::Xml => "application/xml; charset=UTF-8",
            Form::Csv => "text/csv",
        };
        let url = format!("{}/services/async/60.0/job{path}", self.org.url());
        let request = self
            .http
            .request(method, url)
            .header("X-SFDC-Session", &self.token)
            .header("content-type", kind)
            .body(body);
        answer(request.send().await.unwrap()).await
    }

    async fn json_job(&self, job: Value) -> String {
        let (status, job) = self.bulk("POST", "", Form::Json, job.to_string()).await;
        assert_eq!(status, 201, "{job}");
        job["id"].as_str().unwrap().to_owned()
    }

    /// Adds a batch to a job that speaks JSON and waits until it has ended; the last look.
    async fn json_batch(&self, job: &str, body: String) -> Value {
        let path = format!("/{job}/batch");
        let (status, batch) = self.bulk("POST", &path, Form::Json, body).await;
        assert_eq!(
            (status, &batch["state"]),
            (201, &json!("Queued")),
            "{batch}"
        );
        let path = format!("{path}/{}", batch["id"].as_str().unwrap());
        loop {
            let (_, batch) = self.bulk("GET", &path, Form::Json, String::new()).await;
            match batch["state"].as_str().unwrap() {
                "Queued" | "InProgress" => tokio::task::yield_now().await,
                _ => return batch,
            }
        }
    }

    async fn json_result(&self, batch: &Value) -> Value {
        let (job, id) = (&batch["jobId"], &batch["id"]);
        let path = format!(
            "/{}/batch/{}/result",
            job.as_str().unwrap(),
            id.as_str().unwrap()
        );
        let (status, result) = self.bulk("GET", &path, Form::Json, String::new()).await;
        assert_eq!(status, 200, "{result}");
        result
    }
}

/// The text of the first element of a name.
fn element<'x>(xml: &'x Value, name: &str) -> &'x str {
    let xml = xml.as_str().unwrap();
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_default();
    rest.split_once("</").unwrap_or_default().0
}

#[tokio::test]
async fn a_json_job_saves_batches_and_tells_of_each_record() {
    let sim = Sim::start().await;
    let job = json!({"operation": "upsert", "object": "Project__c", "concurrencyMode": 0, "contentType": "JSON", "externalIdFieldName": "External_Key__c"});
    let (status, made) = sim.bulk("POST", "", Form::Json, job.to_string()).await;
    assert_eq!(status, 201);
    assert_eq!(
        (&made["state"], &made["concurrencyMode"]),
        (&json!("Open"), &json!("Parallel"))
    );
    assert_eq!(
        (&made["apiVersion"], &made["numberBatchesTotal"]),
        (&json!(60.0), &json!(0))
    );
    let job = made["id"].as_str().unwrap();
    let records = json!([
        {"External_Key__c": "C-1", "Name": "one", "Budget__c": 12.5, "Kick_Off__c": "2026-01-31T08:00:00Z"},
        {"External_Key__c": "C-2", "Name": "two", "Stage__c": "Nonsense"},
        {"External_Key__c": "C-3", "Name": "three", "Account__c": null},
    ]);
    let batch = sim.json_batch(job, records.to_string()).await;
    assert_eq!(batch["state"], "Completed", "{batch}");
    assert_eq!(
        (
            &batch["numberRecordsProcessed"],
            &batch["numberRecordsFailed"],
            &batch["stateMessage"]
        ),
        (&json!(3), &json!(1), &Value::Null)
    );
    let result = sim.json_result(&batch).await;
    assert_eq!(
        (
            &result[0]["success"],
            &result[0]["created"],
            &result[0]["errors"]
        ),
        (&json!(true), &json!(true), &json!([]))
    );
    let error = &result[1]["errors"][0];
    assert_eq!(
        error["statusCode"],
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    );
    assert_eq!(
        (&error["fields"], &error["extendedErrorDetails"]),
        (&json!(["Stage__c"]), &Value::Null)
    );
    assert_eq!(result[1]["id"], Value::Null);
    let again = json!([{"external_key__c": "c-1", "Name": "uno"}]);
    let batch = sim.json_batch(job, again.to_string()).await;
    let second = sim.json_result(&batch).await;
    assert_eq!(
        (&second[0]["id"], &second[0]["created"]),
        (&result[0]["id"], &json!(false))
    );

    let path = format!("/{job}/batch/{}/request", batch["id"].as_str().unwrap());
    assert_eq!(
        sim.bulk("GET", &path, Form::Json, String::new()).await.1,
        again
    );
    let closed = sim
        .bulk(
            "POST",
            &format!("/{job}"),
            Form::Json,
            json!({"state": "Closed"}).to_string(),
        )
        .await;
    assert_eq!((closed.0, &closed.1["state"]), (200, &json!("Closed")));
    assert_eq!(closed.1["numberRecordsProcessed"], 4);
    let late = sim
        .bulk(
            "POST",
            &format!("/{job}/batch"),
            Form::Json,
            "[]".to_owned(),
        )
        .await;
    assert_eq!(
        (late.0, &late.1["exceptionCode"]),
        (400, &json!("InvalidJobState"))
    );
}

#[tokio::test]
async fn an_xml_job_takes_csv_and_answers_csv() {
    let sim = Sim::start().await;
    let open = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><jobInfo xmlns=\"http://www.force.com/2009/06/asyncapi/dataload\"><operation>insert</operation><object>Contact</object><concurrencyMode>Parallel</concurrencyMode><contentType>CSV</contentType></jobInfo>";
    let (status, made) = sim.bulk("POST", "", Form::Xml, open.to_owned()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        (element(&made, "state"), element(&made, "apiVersion")),
        ("Open", "60.0")
    );
    assert!(element(&made, "createdDate").ends_with('Z'));
    let job = element(&made, "id").to_owned();
    let csv = "LastName,Birthdate\nNg,1990-02-28\n,\n".to_owned();
    let (status, batch) = sim
        .bulk("POST", &format!("/{job}/batch"), Form::Csv, csv)
        .await;
    assert_eq!((status, element(&batch, "state")), (201, "Queued"));
    let path = format!("/{job}/batch/{}", element(&batch, "id"));
    let done = loop {
        let (_, batch) = sim.bulk("GET", &path, Form::Xml, String::new()).await;
        if !matches!(element(&batch, "state"), "Queued" | "InProgress") {
            break batch;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(element(&done, "state"), "Completed", "{done}");
    assert_eq!(
        (
            element(&done, "numberRecordsProcessed"),
            element(&done, "numberRecordsFailed")
        ),
        ("2", "1")
    );
    let (status, result) = sim
        .bulk("GET", &format!("{path}/result"), Form::Xml, String::new())
        .await;
    assert_eq!(status, 200);
    let lines: Vec<&str> = result.as_str().unwrap().lines().collect();
    assert_eq!(lines[0], "\"Id\",\"Success\",\"Created\",\"Error\"");
    assert!(lines[1].starts_with("\"003") && lines[1].ends_with("\",\"true\",\"true\",\"\""));
    assert_eq!(
        lines[2],
        "\"\",\"false\",\"false\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\""
    );
    let (_, list) = sim
        .bulk("GET", &format!("/{job}/batch"), Form::Xml, String::new())
        .await;
    assert_eq!(list.as_str().unwrap().matches("<batchInfo>").count(), 1);
    let (_, info) = sim
        .bulk("GET", &format!("/{job}"), Form::Xml, String::new())
        .await;
    assert_eq!(element(&info, "numberBatchesCompleted"), "1");
}

#[tokio::test]
async fn queries_return_json_with_numbers_for_times_or_csv() {
    let sim = Sim::start().await;
    let job = sim
        .json_job(json!({"operation": "query", "object": "Contact", "contentType": "JSON"}))
        .await;
    let soql = "SELECT Id, Name, Account.Name, CreatedDate, HasOptedOutOfEmail FROM Contact WHERE AccountId != null LIMIT 3";
    let batch = sim.json_batch(&job, soql.to_owned()).await;
    assert_eq!(
        (&batch["state"], &batch["numberRecordsProcessed"]),
        (&json!("Completed"), &json!(3)),
        "{batch}"
    );
    let names = sim.json_result(&batch).await;
    let path = format!(
        "/{job}/batch/{}/result/{}",
        batch["id"].as_str().unwrap(),
        names[0].as_str().unwrap()
    );
    let (status, rows) = sim.bulk("GET", &path, Form::Json, String::new()).await;
    assert_eq!((status, rows.as_array().unwrap().len()), (200, 3));
    assert_eq!(rows[0]["attributes"]["type"], "Contact");
    assert!(rows[0]["CreatedDate"].as_u64().unwrap() > 1_500_000_000_000);
    assert!(rows[0]["Account"]["Name"].is_string());

    for (soql, message) in [
        (
            "SELECT Id FROM Account",
            "InvalidBatch : Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the requested query (Account) does not match the entity of the requested Bulk API Job (Contact).",
        ),
        (
            "SELECT Nope FROM Contact",
            "InvalidBatch : Failed to process query: INVALID_FIELD: ",
        ),
    ] {
        let batch = sim.json_batch(&job, soql.to_owned()).await;
        assert_eq!(batch["state"], "Failed");
        assert!(
            batch["stateMessage"].as_str().unwrap().starts_with(message),
            "{batch}"
        );
        let path = format!("/{job}/batch/{}/result", batch["id"].as_str().unwrap());
        let (status, refused) = sim.bulk("GET", &path, Form::Json, String::new()).await;
        assert_eq!(status, 400);
        assert_eq!(
            refused,
            json!({"exceptionCode": "InvalidBatch", "exceptionMessage": "Records not processed"})
        );
    }

    // Rows of CSV have the same columns all over.
    let choice =
        "SELECT TYPEOF What WHEN Account THEN Name END FROM Task WHERE What.Type = 'Account'";
    for (content, state) in [("JSON", "Completed"), ("CSV", "Failed")] {
        let job = sim
            .json_job(json!({"operation": "query", "object": "Task", "contentType": content}))
            .await;
        let batch = sim.json_batch(&job, choice.to_owned()).await;
        assert_eq!(batch["state"], state, "{batch}");
    }

    let job = sim
        .json_job(json!({"operation": "queryAll", "object": "Big__c", "contentType": "CSV"}))
        .await;
    let batch = sim
        .json_batch(&job, "SELECT Id FROM Big__c".to_owned())
        .await;
    let names = sim.json_result(&batch).await;
    let path = format!(
        "/{job}/batch/{}/result/{}",
        batch["id"].as_str().unwrap(),
        names[0].as_str().unwrap()
    );
    let (_, rows) = sim.bulk("GET", &path, Form::Json, String::new()).await;
    assert_eq!(rows, "Records not found for this query");
}

#[tokio::test]
async fn a_query_is_cut_by_the_primary_key() {
    let sim = Sim::start().await;
    let url = format!("{}/services/async/60.0/job", sim.org.url());
    let request = sim
        .http
        .post(url)
        .header("X-SFDC-Session", &sim.token)
        .header("content-type", "application/json")
        .header("Sforce-Enable-PKChunking", "chunkSize=10")
        .body(json!({"operation": "query", "object": "Contact", "contentType": "CSV"}).to_string());
    let (_, job) = answer(request.send().await.unwrap()).await;
    let job = job["id"].as_str().unwrap();
    let first = sim
        .json_batch(job, "SELECT Id FROM Contact".to_owned())
        .await;
    assert_eq!(first["state"], "NotProcessed");
    let (_, list) = sim
        .bulk("GET", &format!("/{job}/batch"), Form::Json, String::new())
        .await;
    let mut ids = Vec::new();
    for batch in &list["batchInfo"].as_array().unwrap()[1..] {
        assert_eq!(batch["state"], "Completed");
        assert!(batch["numberRecordsProcessed"].as_u64().unwrap() <= 10);
        let names = sim.json_result(batch).await;
        let path = format!(
            "/{job}/batch/{}/result/{}",
            batch["id"].as_str().unwrap(),
            names[0].as_str().unwrap()
        );
        let (_, rows) = sim.bulk("GET", &path, Form::Json, String::new()).await;
        let rows = rows.as_str().unwrap().lines().skip(1).map(str::to_owned);
        ids.extend(rows);
    }
    let count = sim.count("SELECT Id FROM Contact").await;
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(u64::try_from(ids.len()).unwrap(), count);
}

#[tokio::test]
async fn refusals_have_a_form_of_their_own() {
    let mut sim = Sim::start().await;
    let csv = |operation: &str, object: &str| {
        json!({"operation": operation, "object": object, "contentType": "CSV"}).to_string()
    };
    for (job, code, message) in [
        (
            csv("insert", "Nope"),
            "InvalidJob",
            "Unable to find object: Nope",
        ),
        (csv("dance", "Account"), "InvalidJob", "Unable to parse Job"),
        (
            csv("upsert", "Account"),
            "InvalidJob",
            "External ID was blank for Account. An External ID must be specified for upsert.",
        ),
        (
            csv("hardDelete", "Account"),
            "FeatureNotEnabled",
            "hardDelete operation requires special user profile permission, please contact your system administrator",
        ),
    ] {
        let (status, refused) = sim.bulk("POST", "", Form::Json, job).await;
        assert_eq!(status, 400);
        assert_eq!(
            refused,
            json!({"exceptionCode": code, "exceptionMessage": message})
        );
    }
    let job = sim
        .json_job(serde_json::from_str(&csv("insert", "Account")).unwrap())
        .await;
    let path = format!("/{job}/batch");
    let (status, refused) = sim.bulk("POST", &path, Form::Xml, " ".to_owned()).await;
    assert_eq!(
        (status, element(&refused, "exceptionCode")),
        (400, "ClientInputError")
    );
    assert_eq!(
        element(&refused, "exceptionMessage"),
        "Unable to find any data to create batch"
    );
    let batch = sim.json_batch(&job, "Name,Nope\na,b\n".to_owned()).await;
    assert_eq!(
        (&batch["state"], &batch["stateMessage"]),
        (
            &json!("Failed"),
            &json!("InvalidBatch : Field name not found : Nope")
        )
    );
    let aborted = sim
        .bulk(
            "POST",
            &format!("/{job}"),
            Form::Json,
            json!({"state": "Aborted"}).to_string(),
        )
        .await;
    assert_eq!((aborted.0, &aborted.1["state"]), (200, &json!("Aborted")));

    "nonsense".clone_into(&mut sim.token);
    let (status, refused) = sim.bulk("GET", &path, Form::Xml, String::new()).await;
    assert_eq!(
        (status, element(&refused, "exceptionCode")),
        (400, "InvalidSessionId")
    );
    assert_eq!(element(&refused, "exceptionMessage"), "Invalid session id");
}

#[tokio::test]
async fn what_is_made_says_where_it_is() {
    let sim = Sim::start().await;
    let made = |path: String, kind: &'static str, body: String| {
        let url = format!("{}/services/async/60.0/job{path}", sim.org.url());
        let request = sim
            .http
            .post(url)
            .header("X-SFDC-Session", &sim.token)
            .header("content-type", kind)
            .body(body);
        async move {
            let answer = request.send().await.unwrap();
            let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
            let headers = (header("location"), header("content-type"));
            (headers, answer.json::<Value>().await.unwrap())
        }
    };
    let job = json!({"operation": "query", "object": "Account", "contentType": "JSON"});
    let (headers, job) = made(String::new(), "application/json", job.to_string()).await;
    let job = job["id"].as_str().unwrap();
    let place = format!("/services/async/60.0/job/{job}");
    assert_eq!(headers, (place.clone(), "application/json".to_owned()));
    let query = "SELECT Id FROM Account".to_owned();
    let (headers, batch) = made(format!("/{job}/batch"), "application/json", query).await;
    let place = format!("{place}/batch/{}", batch["id"].as_str().unwrap());
    assert_eq!(headers, (place, "application/json".to_owned()));
}

#[tokio::test]
async fn a_job_sees_and_changes_what_its_user_may() {
    let mut sim = Sim::start().await;
    let body = json!({
        "username": "reader@acme.example", "password": "pw", "permissions": ["ApiEnabled"],
        "objects": {"Account": "R"}, "fields": {"Account.Industry": "R"},
    });
    sim.token = user(&sim, body).await.1;
    let query = json!({"operation": "query", "object": "Account", "contentType": "JSON"});
    let job = sim.json_job(query).await;
    for (field, state) in [("Industry", "Completed"), ("Phone", "Failed")] {
        let soql = format!("SELECT Id, {field} FROM Account LIMIT 1");
        let batch = sim.json_batch(&job, soql).await;
        assert_eq!(batch["state"], state, "{batch}");
    }
    let insert = json!({"operation": "insert", "object": "Account", "contentType": "JSON"});
    let job = sim.json_job(insert).await;
    let batch = sim
        .json_batch(&job, json!([{"Name": "mine"}]).to_string())
        .await;
    let result = sim.json_result(&batch).await;
    assert_eq!(result[0]["success"], false, "{result}");
}

#[tokio::test]
async fn calls_run_out_when_a_test_says_so() {
    let sim = Sim::start().await;
    sim.control("faults", json!({"action": "out_of_calls"}))
        .await;
    let job = json!({"operation": "query", "object": "Account", "contentType": "JSON"});
    let (status, refused) = sim.bulk("POST", "", Form::Json, job.to_string()).await;
    assert_eq!(
        (status, &refused["exceptionCode"]),
        (400, &json!("ExceededQuota")),
        "{refused}"
    );
    sim.json_job(job).await;
}
