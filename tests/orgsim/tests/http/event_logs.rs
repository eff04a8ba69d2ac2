//! `EventLogFile`: what was called, told later.

use serde_json::json;

use crate::{metadata::soap, sim::Sim};

const FILES: &str = "SELECT Id, EventType, Interval, Sequence, LogDate, LogFile, LogFileLength, LogFileFieldNames \
                     FROM EventLogFile ORDER BY EventType, Interval";

/// An org at half past ten, with event monitoring.
async fn monitored() -> Sim {
    let mut sim = Sim::start().await;
    sim.control(
        "settings",
        json!({"event_monitoring": true, "session_seconds": 1_000_000}),
    )
    .await;
    sim.control("clock", json!({"set": "2026-11-03T10:30:00Z"}))
        .await;
    sim.log_in().await;
    sim
}

#[tokio::test]
async fn calls_of_an_hour_are_in_files_three_hours_later() {
    let sim = monitored().await;
    sim.json("/limits").await;
    sim.json("/sobjects/Account/001000000000000AAA").await;
    let list = "<listMetadata><queries><type>CustomObject</type></queries></listMetadata>";
    assert_eq!(soap(&sim, "", list).await.0, 200);
    sim.control("clock", json!({"set": "2026-11-03T13:59:00Z"}))
        .await;
    assert_eq!(sim.records(FILES).await.len(), 0, "not yet");
    sim.control("clock", json!({"set": "2026-11-03T14:00:01Z"}))
        .await;
    let files = sim.records(FILES).await;
    let kinds: Vec<&str> = files
        .iter()
        .map(|file| file["EventType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["API", "Login", "RestApi"]);
    for file in &files {
        assert_eq!(file["Interval"], "Hourly");
        assert_eq!(file["Sequence"], 1);
        assert_eq!(file["LogDate"], "2026-11-03T10:00:00.000+0000");
    }
    let rest = &files[2];
    let path = rest["LogFile"].as_str().unwrap();
    assert_eq!(
        path,
        format!(
            "/services/data/v60.0/sobjects/EventLogFile/{}/LogFile",
            rest["Id"].as_str().unwrap()
        )
    );
    let response = sim.get(path).await;
    assert_eq!(response.headers()["content-type"], "text/csv");
    let body = response.bytes().await.unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a short file")]
    let length = body.len() as f64;
    assert_eq!(rest["LogFileLength"].as_f64(), Some(length));
    let text = String::from_utf8(body.to_vec()).unwrap();
    // Every cell is in quotes, and none of these holds one.
    let mut lines = text.lines().map(|line| {
        let cells = line.trim_matches('"').split("\",\"");
        cells.map(str::to_owned).collect::<Vec<String>>()
    });
    let columns = lines.next().unwrap();
    assert_eq!(rest["LogFileFieldNames"], columns.join(","));
    let rows: Vec<Vec<String>> = lines.collect();
    let cell = |row: usize, name: &str| {
        let at = columns.iter().position(|column| column == name).unwrap();
        rows[row][at].clone()
    };
    assert_eq!(rows.len(), 2);
    assert_eq!(cell(0, "URI"), "/services/data/v60.0/limits");
    assert_eq!(cell(0, "STATUS_CODE"), "200");
    assert_eq!(cell(1, "STATUS_CODE"), "404");
    assert_eq!(cell(1, "METHOD"), "GET");
    assert!(cell(0, "TIMESTAMP").starts_with("2026110310"));
    let user = cell(0, "USER_ID_DERIVED");
    assert_eq!(user.get(..15).unwrap(), cell(0, "USER_ID"));
    assert_eq!(
        sim.json("/services/oauth2/userinfo").await.1["user_id"],
        json!(user)
    );
}

#[tokio::test]
async fn a_day_has_a_file_of_its_own_the_next_morning() {
    let sim = monitored().await;
    sim.json("/limits").await;
    sim.control("clock", json!({"set": "2026-11-04T03:00:01Z"}))
        .await;
    let files = sim
        .records("SELECT Interval, Sequence, LogDate FROM EventLogFile WHERE EventType = 'RestApi' ORDER BY Interval")
        .await;
    assert_eq!(files.len(), 2);
    assert_eq!(files[0]["Interval"], "Daily");
    assert_eq!(files[0]["Sequence"], 0);
    assert_eq!(files[0]["LogDate"], "2026-11-03T00:00:00.000+0000");
    assert_eq!(files[1]["Interval"], "Hourly");
}

#[tokio::test]
async fn without_event_monitoring_there_are_no_files() {
    let sim = monitored().await;
    sim.control("settings", json!({"event_monitoring": false}))
        .await;
    sim.json("/limits").await;
    sim.control("clock", json!({"set": "2026-11-04T12:00:00Z"}))
        .await;
    let rest = "SELECT COUNT() FROM EventLogFile WHERE EventType = 'RestApi'";
    assert_eq!(sim.count(rest).await, 0);
}
