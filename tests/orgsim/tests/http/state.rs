//! What survives the end of the process.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use holdfast_orgsim::{Config, StartError, start};
use reqwest::Client;
use serde_json::{Value, json};

use crate::sim::{Sim, answer, code};

/// An org in a process of its own, which can be killed.
struct Process {
    child: Child,
    url: String,
    http: Client,
    token: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// Starts an org in `folder` and logs in, unless a session is given.
    async fn start(folder: &Path, token: Option<&str>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_orgsim"))
            .args(["--records", "500", "--bulk-delay-ms", "0", "--state"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        let mut process = Self {
            child,
            url,
            http: Client::new(),
            token: token.unwrap_or_default().to_owned(),
        };
        if token.is_none() {
            let form = [
                ("grant_type", "client_credentials"),
                ("client_id", "holdfast-demo"),
                ("client_secret", "demo-secret"),
            ];
            let url = format!("{}/services/oauth2/token", process.url);
            let granted = answer(process.http.post(url).form(&form).send().await.unwrap()).await;
            granted.1["access_token"]
                .as_str()
                .unwrap()
                .clone_into(&mut process.token);
        }
        process
    }

    /// Ends the process as `kill -9` does.
    fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Option<(u16, Value)> {
        let root = if path.starts_with("/__sim") {
            ""
        } else {
            "/services/data/v60.0"
        };
        let url = format!("{}{root}{path}", self.url);
        let request = self.http.request(method.parse().unwrap(), url);
        let request = request.bearer_auth(&self.token).json(&body);
        Some(answer(request.send().await.ok()?).await)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, json!({})).await.unwrap()
    }

    async fn query(&self, soql: &str) -> Value {
        let url = format!("{}/services/data/v60.0/queryAll", self.url);
        let request = self.http.get(url).query(&[("q", soql)]);
        answer(request.bearer_auth(&self.token).send().await.unwrap())
            .await
            .1
    }
}

#[tokio::test]
async fn a_killed_org_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = Process::start(folder.path(), None).await;
    let token = before.token.clone();
    let made = async |object: &str, body: Value| {
        let path = format!("/sobjects/{object}");
        let (status, made) = before.call("POST", &path, body).await.unwrap();
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let account = made("Account", json!({"Name": "Kept"})).await;
    let gone = made("Account", json!({"Name": "Gone"})).await;
    let contact = made("Contact", json!({"LastName": "Child", "AccountId": gone})).await;
    let project = made("Project__c", json!({"Name": "P", "Account__c": gone})).await;
    let record = json!({"Name": "b.txt", "ParentId": account, "Body": "aGVsbG8="});
    let body = json!({"object": "Attachment", "records": [record]});
    let stored = before.call("POST", "/__sim/create", body).await.unwrap().1;
    let attachment = stored["ids"][0].as_str().unwrap();
    let path = format!("/sobjects/Account/{account}");
    before.call("PATCH", &path, json!({"Site": "HQ"})).await;
    before
        .call("DELETE", &format!("/sobjects/Account/{gone}"), json!({}))
        .await;
    before
        .call("POST", "/__sim/clock", json!({"advance_seconds": 3_600}))
        .await;
    let late = json!({"object": "Case", "records": [{"Subject": "late"}], "held": true});
    before.call("POST", "/__sim/create", late).await;
    let truth = async |org: &Process| {
        let dumps = ["Account", "Contact", "Project__c", "Attachment", "Case"];
        let mut all = Vec::new();
        for object in dumps {
            all.push(org.get(&format!("/__sim/dump/{object}?fields=*")).await.1);
        }
        all.push(
            org.get(&format!("/__sim/history/Account/{account}"))
                .await
                .1,
        );
        all
    };
    let dumped = truth(&before).await;
    let used = before.get("/__sim/state").await.1["calls_used"].clone();
    let clock = before.get("/__sim/clock").await.1["now"].clone();
    before.kill();

    let after = Process::start(folder.path(), Some(&token)).await;
    assert_eq!(truth(&after).await, dumped);
    let state = after.get("/__sim/state").await.1;
    assert_eq!(state["calls_used"], used, "the meter goes on");
    assert_eq!(state["pending"], 1);
    assert!(state["now"].as_str() >= clock.as_str(), "the clock goes on");
    let (status, read) = after.get(&format!("/sobjects/Account/{account}")).await;
    assert_eq!((status, &read["Site"]), (200, &json!("HQ")));
    let url = format!(
        "{}/services/data/v60.0/sobjects/Attachment/{attachment}/Body",
        after.url
    );
    let body = after
        .http
        .get(url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(body.text().await.unwrap(), "hello");

    // What the deletion did is remembered as well: the child comes back, and the lookup is filled again.
    let back = json!({"object": "Account", "ids": [gone]});
    after.call("POST", "/__sim/undelete", back).await;
    let (status, child) = after.get(&format!("/sobjects/Contact/{contact}")).await;
    assert_eq!(
        (status, child["AccountId"].as_str()),
        (200, Some(gone.as_str()))
    );
    let (_, lookup) = after.get(&format!("/sobjects/Project__c/{project}")).await;
    assert_eq!(lookup["Account__c"].as_str(), Some(gone.as_str()));
    let (_, next) = after
        .call("POST", "/sobjects/Account", json!({"Name": "Next"}))
        .await
        .unwrap();
    assert!(next["id"].as_str().unwrap() > gone.as_str(), "no Id twice");
    let committed = after
        .call("POST", "/__sim/commit", json!({}))
        .await
        .unwrap();
    assert_eq!(committed.1["committed"], 1);
}

#[tokio::test]
async fn a_collection_is_there_as_a_whole_or_not_at_all_when_the_org_is_killed_under_it() {
    const ROWS: usize = 100;
    let folder = tempfile::tempdir().unwrap();
    let mut org = Process::start(folder.path(), None).await;
    let token = org.token.clone();
    let collection = |name: String| {
        let attributes = json!({"type": "Account"});
        let record = |_| json!({"attributes": attributes, "Name": name});
        json!({"allOrNone": true, "records": (0..ROWS).map(record).collect::<Vec<_>>()})
    };
    let mut told = Vec::new();
    for round in 0..3 {
        let call = async |number: usize| {
            let name = format!("r{round}n{number}");
            let answer = org
                .call("POST", "/composite/sobjects", collection(name.clone()))
                .await?;
            Some((name, answer))
        };
        // The first answer ends the org, whatever the others are in the middle of.
        let calls: Vec<_> = (0..6).map(|number| Box::pin(call(number))).collect();
        let (first, _, others) = futures_util::future::select_all(calls).await;
        let pid = org.child.id().to_string();
        let killed = Command::new("kill").args(["-9", &pid]).status().unwrap();
        assert!(killed.success());
        let late = futures_util::future::join_all(others).await;
        let answers = std::iter::once(first).chain(late).flatten();
        told.extend(
            answers
                .filter(|(_, (status, _))| *status == 200)
                .map(|(name, (_, body))| (name, body[ROWS - 1]["id"].clone())),
        );
        org.kill();
        org = Process::start(folder.path(), Some(&token)).await;
        let groups = org
            .query("SELECT Name, COUNT(Id) n FROM Account WHERE Name LIKE 'r%n_' GROUP BY Name")
            .await;
        let groups = groups["records"].as_array().unwrap().clone();
        let whole = groups.iter().filter(|group| group["n"] == ROWS);
        assert_eq!(whole.count(), groups.len(), "{groups:?}");
        for (name, id) in &told {
            assert!(groups.iter().any(|group| group["Name"] == **name), "{name}");
            let path = format!("/sobjects/Account/{}", id.as_str().unwrap());
            assert_eq!(org.get(&path).await.1["Name"], **name);
        }
    }
    assert!(told.len() >= 3, "each round was told of one at least");
}

#[tokio::test]
async fn a_load_that_a_kill_interrupted_goes_on_and_saves_no_row_twice() {
    const ROWS: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let mut org = Process::start(folder.path(), None).await;
    let token = org.token.clone();
    let job = json!({"object": "Big__c", "operation": "insert", "lineEnding": "LF"});
    let (_, job) = org.call("POST", "/jobs/ingest", job).await.unwrap();
    let path = format!("/jobs/ingest/{}", job["id"].as_str().unwrap());
    let rows = (0..ROWS).map(|row| format!("{row},n{row}\n"));
    let csv = format!("Amount__c,Note__c\n{}", rows.collect::<String>());
    let url = format!("{}/services/data/v60.0{path}/batches", org.url);
    let put = org.http.put(url).bearer_auth(&token).body(csv);
    let put = put.header("content-type", "text/csv").send().await.unwrap();
    assert_eq!(put.status(), 201);
    let complete = json!({"state": "UploadComplete"});
    org.call("PATCH", &path, complete).await.unwrap();
    let processed = async |org: &Process| {
        let info = org.get(&path).await.1;
        let state = info["state"].as_str().unwrap().to_owned();
        (state, info["numberRecordsProcessed"].as_u64().unwrap())
    };
    let told = loop {
        match processed(&org).await {
            (_, 0) => tokio::task::yield_now().await,
            (state, told) => {
                assert_eq!(state, "InProgress", "it must end in the middle of the work");
                break told;
            }
        }
    };
    org.kill();

    org = Process::start(folder.path(), Some(&token)).await;
    let (_, again) = processed(&org).await;
    assert!(again >= told, "{again} rows now, {told} before");
    loop {
        match processed(&org).await {
            (state, done) if state == "JobComplete" => {
                assert_eq!(done, ROWS as u64);
                break;
            }
            (state, _) => assert_ne!(state, "Failed"),
        }
    }
    let url = format!("{}/services/data/v60.0{path}/successfulResults", org.url);
    let results = org.http.get(url).bearer_auth(&token).send().await.unwrap();
    let results = results.text().await.unwrap();
    assert_eq!(results.lines().count(), ROWS + 1);
    let found = org
        .query("SELECT COUNT_DISTINCT(Note__c) n, COUNT(Id) c FROM Big__c")
        .await;
    let found = &found["records"][0];
    assert_eq!((&found["n"], &found["c"]), (&json!(ROWS), &json!(ROWS)));
}

/// An org that keeps its state in `folder`.
async fn kept(folder: &Path) -> Sim {
    Sim::with(Config {
        records: 3_000,
        objects: [("Account".to_owned(), 300), ("Big__c".to_owned(), 700)].into(),
        state: Some(folder.to_path_buf()),
        ..Config::default()
    })
    .await
}

impl Sim {
    /// Ends the org as if it had been killed; the next call waits until it is back.
    async fn restart(&self) {
        let request = self.http.post(self.url("/__sim/restart"));
        assert!(request.send().await.is_err(), "nobody is left to answer");
    }
}

#[tokio::test]
async fn a_restart_drops_connections_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let sim = kept(folder.path()).await;
    let (_, first) = sim.query("SELECT Id FROM Big__c").await;
    let pages = format!("/jobs/query/{}/results?maxRecords=1000", {
        let job = sim.run_job("query", "SELECT Id, Code__c FROM Big__c").await;
        job["id"].as_str().unwrap().to_owned()
    });
    let rows = sim.get(&pages).await.text().await.unwrap();
    let wide = sim
        .http
        .get(sim.url("/query"))
        .query(&[("q", "SELECT Id, Code__c FROM Big__c")])
        .header("Sforce-Query-Options", "batchSize=200");
    let wide = answer(wide.bearer_auth(&sim.token).send().await.unwrap())
        .await
        .1;
    let next = wide["nextRecordsUrl"].as_str().unwrap().to_owned();
    let page = sim.json(&next).await;
    assert_eq!(page.0, 200);
    let families = sim
        .http
        .get(sim.url("/query"))
        .query(&[("q", "SELECT Id, (SELECT Id FROM Contacts) FROM Account")])
        .header("Sforce-Query-Options", "batchSize=200");
    let families = answer(families.bearer_auth(&sim.token).send().await.unwrap()).await;
    let further = families.1["nextRecordsUrl"].as_str().unwrap().to_owned();
    let children = sim.json(&further).await;
    let listed = children.1["records"].as_array().unwrap();
    assert!(listed.iter().any(|parent| parent["Contacts"].is_object()));
    sim.control("settings", json!({"page_rows": 77})).await;

    sim.restart().await;
    assert_eq!(sim.query("SELECT Id FROM Big__c").await.1, first);
    assert_eq!(sim.get(&pages).await.text().await.unwrap(), rows);
    assert_eq!(sim.json(&next).await, page, "the locator is still open");
    assert_eq!(sim.json(&further).await, children, "with the children");
    let settings = sim.json("/__sim/settings").await.1;
    assert_eq!(settings["page_rows"], 77);

    sim.control("tokens/expire", json!({})).await;
    sim.restart().await;
    let refused = sim.query("SELECT Id FROM Big__c").await;
    assert_eq!(code(&refused), (401, "INVALID_SESSION_ID"));
}

#[tokio::test]
async fn a_query_job_that_a_restart_interrupted_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let sim = kept(folder.path()).await;
    sim.control("settings", json!({"bulk_delay_ms": 3_600_000}))
        .await;
    let query = json!({"operation": "query", "query": "SELECT Id FROM Contact"});
    let (_, job) = sim.create_job(query).await;
    let id = job["id"].as_str().unwrap();
    sim.control("settings", json!({"bulk_delay_ms": 0})).await;
    assert_eq!(
        sim.json(&format!("/jobs/query/{id}")).await.1["state"],
        "UploadComplete"
    );
    sim.restart().await;
    let ended = sim.ended(id).await;
    assert_eq!(ended["state"], "JobComplete");
    let total = sim.count("SELECT COUNT() FROM Contact").await;
    assert_eq!(ended["numberRecordsProcessed"], total);
}

#[tokio::test]
async fn a_transaction_that_was_taken_back_leaves_nothing_but_taken_ids() {
    let folder = tempfile::tempdir().unwrap();
    let sim = kept(folder.path()).await;
    let records = json!([
        {"attributes": {"type": "Account"}, "Name": "lost"},
        {"attributes": {"type": "Contact"}, "FirstName": "nobody"},
    ]);
    let body = json!({"allOrNone": true, "records": records});
    let (_, lost) = sim.call("POST", "/composite/sobjects", body).await;
    assert_eq!(
        lost[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    let (_, kept) = sim
        .call("POST", "/sobjects/Account", json!({"Name": "kept"}))
        .await;
    sim.restart().await;
    assert_eq!(
        sim.count("SELECT COUNT() FROM Account WHERE Name IN ('lost', 'kept')")
            .await,
        1
    );
    let (_, next) = sim
        .call("POST", "/sobjects/Account", json!({"Name": "next"}))
        .await;
    assert!(next["id"].as_str() > kept["id"].as_str());
}

#[tokio::test]
async fn a_folder_of_another_org_or_of_a_running_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = |records: usize| Config {
        records,
        state: Some(folder.path().to_path_buf()),
        ..Config::default()
    };
    let first = start(config(300)).await.unwrap();
    assert!(matches!(
        start(config(300)).await,
        Err(StartError::State(_))
    ));
    drop(first);
    // The threads of the first one end in the background.
    let refused = loop {
        let refused = start(config(400)).await.unwrap_err();
        if !format!("{refused:?}").contains("InUse") {
            break refused;
        }
    };
    assert!(format!("{refused:?}").contains("Other"), "{refused:?}");
    let people = Config {
        person_accounts: true,
        ..config(300)
    };
    let refused = start(people).await.unwrap_err();
    assert!(format!("{refused:?}").contains("Other"), "{refused:?}");
    start(config(300)).await.unwrap();
}

#[tokio::test]
async fn half_a_piece_at_the_end_of_the_log_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut org = Process::start(folder.path(), None).await;
    let token = org.token.clone();
    let one = json!({"Name": "one"});
    org.call("POST", "/sobjects/Account", one).await.unwrap();
    org.kill();
    let log = folder.path().join("org.log");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.extend_from_slice(b"R\xff\x00\x00\x00\x00\x00\x00\x00half");
    std::fs::write(&log, bytes).unwrap();
    let two = json!({"Name": "two"});
    for _ in 0..2 {
        org = Process::start(folder.path(), Some(&token)).await;
        org.call("POST", "/sobjects/Account", two.clone())
            .await
            .unwrap();
        org.kill();
    }
    org = Process::start(folder.path(), Some(&token)).await;
    let found = org
        .query("SELECT Id FROM Account WHERE Name IN ('one', 'two')")
        .await;
    assert_eq!(found["totalSize"], 3);
}
