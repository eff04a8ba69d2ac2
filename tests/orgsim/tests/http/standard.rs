//! Rules of single standard objects: files, activities, prices, campaigns, and what else follows from a field.

mod prices;
mod sales;

use serde_json::{Value, json};

use crate::sim::Sim;

impl Sim {
    /// Makes a record that must be refused; code, text and fields.
    async fn refused(&self, object: &str, body: Value) -> (String, String, Value) {
        let path = format!("/sobjects/{object}");
        let (status, answer) = self.call("POST", &path, body.clone()).await;
        assert_eq!(status, 400, "{object} {body}: {answer}");
        let text = |key: &str| answer[0][key].as_str().unwrap().to_owned();
        (
            text("errorCode"),
            text("message"),
            answer[0]["fields"].clone(),
        )
    }

    /// A change that must be accepted.
    async fn change(&self, object: &str, id: &str, body: Value) {
        let path = format!("/sobjects/{object}/{id}");
        let (status, answer) = self.call("PATCH", &path, body).await;
        assert_eq!(status, 204, "{answer}");
    }

    /// A change that must be refused; its code.
    async fn change_refused(&self, object: &str, id: &str, body: Value) -> String {
        let path = format!("/sobjects/{object}/{id}");
        let (status, answer) = self.call("PATCH", &path, body).await;
        assert_eq!(status, 400, "{answer}");
        answer[0]["errorCode"].as_str().unwrap().to_owned()
    }

    async fn remove(&self, object: &str, id: &str) -> (u16, Value) {
        let path = format!("/sobjects/{object}/{id}");
        self.call("DELETE", &path, Value::Null).await
    }

    async fn file(&self, more: Value) -> (String, String) {
        let mut body = json!({"PathOnClient": "dir/report.final.pdf", "VersionData": "aGVsbG8="});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let version = self.create("ContentVersion", body).await;
        let document = self.read("ContentVersion", &version).await["ContentDocumentId"].clone();
        (version, document.as_str().unwrap().to_owned())
    }

    /// A price book, a product, its standard price and its price in the book.
    async fn price_list(&self) -> PriceList {
        let standard = self
            .records("SELECT Id, IsStandard FROM Pricebook2 ORDER BY Id")
            .await;
        let marked = standard.iter().find(|book| book["IsStandard"] == true);
        let standard = marked.unwrap_or(&standard[0])["Id"].clone();
        let book = json!({"Name": "Retail", "IsActive": true});
        let book = self.create("Pricebook2", book).await;
        let product = json!({"Name": "Anvil", "ProductCode": "A-1", "IsActive": true});
        let product = self.create("Product2", product).await;
        let price = json!({"Pricebook2Id": book, "Product2Id": product, "UnitPrice": 12.5, "IsActive": true});
        let refused = self.refused("PricebookEntry", price.clone()).await;
        assert_eq!(refused.0, "STANDARD_PRICE_NOT_DEFINED");
        let basis = json!({"Pricebook2Id": standard, "Product2Id": product, "UnitPrice": 10, "IsActive": true});
        let basis = self.create("PricebookEntry", basis).await;
        let entry = self.create("PricebookEntry", price.clone()).await;
        let again = self.refused("PricebookEntry", price).await;
        assert_eq!(
            again.1,
            "This price definition already exists in this price book"
        );
        PriceList {
            book,
            product,
            basis,
            entry,
        }
    }

    async fn deal(&self, more: Value) -> String {
        let mut body =
            json!({"Name": "Deal", "StageName": "Value Proposition", "CloseDate": "2026-11-30"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.create("Opportunity", body).await
    }
}

struct PriceList {
    book: String,
    product: String,
    basis: String,
    entry: String,
}

#[tokio::test]
async fn a_first_version_makes_a_document_and_links_it() {
    let sim = Sim::start().await;
    let account = sim.create("Account", json!({"Name": "Acme"})).await;
    let before = sim.count("SELECT COUNT() FROM ContentDocument").await;
    let (version, document) = sim.file(json!({"FirstPublishLocationId": account})).await;
    assert_eq!(
        sim.count("SELECT COUNT() FROM ContentDocument").await,
        before + 1
    );

    let first = sim.read("ContentVersion", &version).await;
    for (field, value) in [
        ("Title", json!("report.final")),
        ("FileExtension", json!("pdf")),
        ("FileType", json!("PDF")),
        ("ContentSize", json!(5)),
        ("VersionNumber", json!("1")),
        ("IsLatest", json!(true)),
        ("Checksum", json!("5d41402abc4b2a76b9719d911017c592")),
    ] {
        assert_eq!(first[field], value, "{field}");
    }
    let file = sim.read("ContentDocument", &document).await;
    assert_eq!(file["LatestPublishedVersionId"], json!(version));
    assert_eq!(
        (&file["Title"], &file["ContentSize"]),
        (&json!("report.final"), &json!(5))
    );
    let links = format!(
        "SELECT LinkedEntityId, ShareType FROM ContentDocumentLink WHERE ContentDocumentId = '{document}' ORDER BY ShareType"
    );
    let links = sim.records(&links).await;
    assert_eq!(links.len(), 2);
    assert_eq!(
        (&links[0]["LinkedEntityId"], &links[0]["ShareType"]),
        (&file["OwnerId"], &json!("I"))
    );
    assert_eq!(
        (&links[1]["LinkedEntityId"], &links[1]["ShareType"]),
        (&json!(account), &json!("V"))
    );

    let (code, _, fields) = sim
        .refused("ContentVersion", json!({"Title": "no file"}))
        .await;
    assert_eq!(code, "REQUIRED_FIELD_MISSING");
    assert_eq!(fields, json!(["PathOnClient", "VersionData"]));
    assert_eq!(
        sim.count("SELECT COUNT() FROM ContentDocument").await,
        before + 1
    );
}

#[tokio::test]
async fn a_second_version_takes_the_place_of_the_first() {
    let sim = Sim::start().await;
    let (first, document) = sim.file(json!({"Title": "Plan"})).await;
    let body = json!({"ContentDocumentId": document, "PathOnClient": "plan.txt", "Title": "Plan B", "VersionData": "aGVsbG8h"});
    let second = sim.create("ContentVersion", body).await;
    assert_eq!(sim.read("ContentVersion", &first).await["IsLatest"], false);
    let version = sim.read("ContentVersion", &second).await;
    assert_eq!(
        (&version["IsLatest"], &version["VersionNumber"]),
        (&json!(true), &json!("2"))
    );
    let file = sim.read("ContentDocument", &document).await;
    assert_eq!(file["LatestPublishedVersionId"], json!(second));
    assert_eq!(
        (&file["Title"], &file["FileType"]),
        (&json!("Plan B"), &json!("TEXT"))
    );
    let links =
        format!("SELECT COUNT() FROM ContentDocumentLink WHERE ContentDocumentId = '{document}'");
    assert_eq!(sim.count(&links).await, 1);
    let old = json!({"Title": "no"});
    assert_eq!(
        sim.change_refused("ContentVersion", &first, old).await,
        "FIELD_INTEGRITY_EXCEPTION"
    );
    sim.change("ContentDocument", &document, json!({"Title": "Plan C"}))
        .await;
    assert_eq!(sim.read("ContentVersion", &second).await["Title"], "Plan C");
}

#[tokio::test]
async fn a_document_takes_its_versions_and_links_along_and_brings_them_back() {
    let sim = Sim::start().await;
    let account = sim.create("Account", json!({"Name": "Acme"})).await;
    let (version, document) = sim.file(json!({})).await;
    let link = json!({"ContentDocumentId": document, "LinkedEntityId": account});
    let made = sim.create("ContentDocumentLink", link.clone()).await;
    let record = sim.read("ContentDocumentLink", &made).await;
    assert_eq!(
        (&record["ShareType"], &record["Visibility"]),
        (&json!("V"), &json!("AllUsers"))
    );
    let (code, text, fields) = sim.refused("ContentDocumentLink", link).await;
    assert_eq!(code, "DUPLICATE_VALUE");
    assert_eq!(
        text,
        format!(
            "Document with ID: {document} is already linked with the entity with ID: {account}"
        )
    );
    assert_eq!(fields, json!(["LinkedEntityId"]));

    let own = format!(
        "SELECT Id FROM ContentDocumentLink WHERE ContentDocumentId = '{document}' AND ShareType = 'I'"
    );
    let own = sim.records(&own).await[0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (status, answer) = sim.remove("ContentDocumentLink", &own).await;
    assert_eq!(
        (status, &answer[0]["errorCode"]),
        (400, &json!("FIELD_INTEGRITY_EXCEPTION"))
    );
    let (status, _) = sim.remove("ContentVersion", &version).await;
    assert_eq!(status, 400, "a version goes with its document only");

    assert_eq!(sim.remove("ContentDocument", &document).await.0, 204);
    for (object, id) in [
        ("ContentVersion", &version),
        ("ContentDocumentLink", &made),
        ("ContentDocumentLink", &own),
    ] {
        assert_eq!(
            sim.json(&format!("/sobjects/{object}/{id}")).await.0,
            404,
            "{object}"
        );
    }
    sim.control(
        "undelete",
        json!({"object": "ContentDocument", "ids": [document]}),
    )
    .await;
    assert_eq!(sim.read("ContentVersion", &version).await["IsLatest"], true);
    assert_eq!(
        sim.read("ContentDocumentLink", &made).await["LinkedEntityId"],
        json!(account)
    );
    assert_eq!(sim.remove("Account", &account).await.0, 204);
    assert_eq!(
        sim.json(&format!("/sobjects/ContentDocumentLink/{made}"))
            .await
            .0,
        404
    );
    assert_eq!(
        sim.read("ContentDocument", &document).await["IsDeleted"],
        false
    );
}

#[tokio::test]
async fn an_attachment_needs_its_body_and_its_parent() {
    let sim = Sim::start().await;
    let account = sim.create("Account", json!({"Name": "Acme"})).await;
    let whole = json!({"ParentId": account, "Name": "a.txt", "Body": "aGVsbG8="});
    let attachment = sim.create("Attachment", whole).await;
    assert_eq!(sim.read("Attachment", &attachment).await["BodyLength"], 5);
    let empty = json!({"ParentId": account, "Name": "a.txt"});
    assert_eq!(sim.refused("Attachment", empty).await.2, json!(["Body"]));
    let alone = json!({"Name": "a.txt", "Body": "aGVsbG8="});
    assert_eq!(
        sim.refused("Attachment", alone).await.2,
        json!(["ParentId"])
    );
    let path = format!("/sobjects/Attachment/{attachment}");
    let other = sim.create("Account", json!({"Name": "B"})).await;
    let (status, _) = sim.call("PATCH", &path, json!({"ParentId": other})).await;
    assert_eq!(status, 400, "an attachment stays where it is");
}

#[tokio::test]
async fn an_activity_finds_its_account_and_is_closed_by_its_status() {
    let sim = Sim::start().await;
    let account = sim.create("Account", json!({"Name": "Acme"})).await;
    let contact = sim
        .create("Contact", json!({"LastName": "Ng", "AccountId": account}))
        .await;
    let lead = sim
        .create("Lead", json!({"LastName": "Lee", "Company": "L"}))
        .await;
    let task = sim
        .create("Task", json!({"Subject": "Call", "WhoId": contact}))
        .await;
    let record = sim.read("Task", &task).await;
    assert_eq!(record["AccountId"], json!(account));
    assert_eq!(
        (&record["IsClosed"], &record["CompletedDateTime"]),
        (&json!(false), &Value::Null)
    );
    sim.change(
        "Task",
        &task,
        json!({"Status": "Completed", "Priority": "High"}),
    )
    .await;
    let record = sim.read("Task", &task).await;
    assert_eq!(
        (&record["IsClosed"], &record["IsHighPriority"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(record["CompletedDateTime"], record["LastModifiedDate"]);
    sim.change("Task", &task, json!({"Status": "Deferred", "WhoId": lead}))
        .await;
    let record = sim.read("Task", &task).await;
    assert_eq!(
        (&record["IsClosed"], &record["CompletedDateTime"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(record["AccountId"], Value::Null);

    let both = json!({"Subject": "x", "WhoId": lead, "WhatId": account});
    let (code, _, fields) = sim.refused("Task", both).await;
    assert_eq!(
        (code.as_str(), fields),
        ("FIELD_INTEGRITY_EXCEPTION", json!(["WhoId", "WhatId"]))
    );
    let wrong = json!({"Subject": "x", "WhoId": account});
    assert_eq!(sim.refused("Task", wrong).await.0, "MALFORMED_ID");
    let deal = sim.deal(json!({"AccountId": account})).await;
    let task = sim
        .create("Task", json!({"Subject": "x", "WhatId": deal}))
        .await;
    assert_eq!(sim.read("Task", &task).await["AccountId"], json!(account));
    assert_eq!(sim.remove("Opportunity", &deal).await.0, 204);
    assert_eq!(sim.json(&format!("/sobjects/Task/{task}")).await.0, 404);
}

#[tokio::test]
async fn start_end_and_length_of_an_event_agree() {
    let sim = Sim::start().await;
    let event = json!({"Subject": "Meet", "StartDateTime": "2026-12-01T09:30:00Z", "DurationInMinutes": 45});
    let event = sim.create("Event", event).await;
    let record = sim.read("Event", &event).await;
    assert_eq!(record["EndDateTime"], "2026-12-01T10:15:00.000+0000");
    assert_eq!(record["ActivityDateTime"], record["StartDateTime"]);
    assert_eq!(
        (&record["ActivityDate"], &record["EndDate"]),
        (&json!("2026-12-01"), &json!("2026-12-01"))
    );
    sim.change(
        "Event",
        &event,
        json!({"StartDateTime": "2026-12-02T09:00:00Z"}),
    )
    .await;
    assert_eq!(
        sim.read("Event", &event).await["EndDateTime"],
        "2026-12-02T09:45:00.000+0000"
    );
    sim.change(
        "Event",
        &event,
        json!({"EndDateTime": "2026-12-02T10:00:00Z"}),
    )
    .await;
    assert_eq!(sim.read("Event", &event).await["DurationInMinutes"], 60);

    let whole = json!({"Subject": "Fair", "IsAllDayEvent": true, "ActivityDate": "2026-12-03"});
    let whole = sim.create("Event", whole).await;
    let record = sim.read("Event", &whole).await;
    assert_eq!(record["StartDateTime"], "2026-12-03T00:00:00.000+0000");
    assert_eq!(
        (&record["DurationInMinutes"], &record["ActivityDateTime"]),
        (&json!(1440), &Value::Null)
    );

    for (body, fields) in [
        (
            json!({"Subject": "x"}),
            json!(["DurationInMinutes", "ActivityDateTime"]),
        ),
        (
            json!({"Subject": "x", "StartDateTime": "2026-12-01T09:30:00Z"}),
            json!(["DurationInMinutes"]),
        ),
        (
            json!({"Subject": "x", "StartDateTime": "2026-12-01T09:30:00Z", "DurationInMinutes": 20161}),
            json!(["DurationInMinutes"]),
        ),
        (
            json!({"Subject": "x", "StartDateTime": "2026-12-01T09:30:00Z", "EndDateTime": "2026-12-01T09:00:00Z"}),
            json!(["DurationInMinutes"]),
        ),
        (
            json!({"Subject": "x", "StartDateTime": "2026-12-01T09:30:00Z", "DurationInMinutes": 30, "EndDateTime": "2026-12-01T09:45:00Z"}),
            json!(["DurationInMinutes", "EndDateTime"]),
        ),
    ] {
        assert_eq!(sim.refused("Event", body.clone()).await.2, fields, "{body}");
    }
}
