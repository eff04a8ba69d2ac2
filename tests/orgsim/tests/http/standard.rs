//! Rules of single standard objects: files, activities, prices, campaigns, and what else follows from a field.

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

#[tokio::test]
async fn an_opportunity_is_worth_what_its_line_items_are() {
    let sim = Sim::start().await;
    let list = sim.price_list().await;
    let deal = sim.deal(json!({"Amount": 5})).await;
    let record = sim.read("Opportunity", &deal).await;
    assert_eq!(
        (&record["Probability"], &record["ExpectedRevenue"]),
        (&json!(50.0), &json!(2.5))
    );
    assert_eq!(
        (&record["FiscalYear"], &record["Fiscal"]),
        (&json!(2026), &json!("2026 4"))
    );

    let item = json!({"OpportunityId": deal, "PricebookEntryId": list.entry, "Quantity": 3, "UnitPrice": 11.25});
    let item = sim.create("OpportunityLineItem", item).await;
    let line = sim.read("OpportunityLineItem", &item).await;
    assert_eq!(
        (&line["TotalPrice"], &line["ListPrice"]),
        (&json!(33.75), &json!(12.5))
    );
    assert_eq!(
        (&line["Name"], &line["ProductCode"]),
        (&json!("Deal Anvil"), &json!("A-1"))
    );
    assert_eq!(line["Product2Id"], json!(list.product));
    let record = sim.read("Opportunity", &deal).await;
    assert_eq!(
        record["Pricebook2Id"],
        json!(list.book),
        "the first item brings the price book"
    );
    assert_eq!(
        (&record["Amount"], &record["ExpectedRevenue"]),
        (&json!(33.75), &json!(16.88))
    );
    assert_eq!(record["HasOpportunityLineItem"], true);
    sim.change(
        "Opportunity",
        &deal,
        json!({"Amount": 1, "NextStep": "sign"}),
    )
    .await;
    let record = sim.read("Opportunity", &deal).await;
    assert_eq!(
        (&record["Amount"], &record["NextStep"]),
        (&json!(33.75), &json!("sign"))
    );
    let empty = json!({"Pricebook2Id": null});
    assert_eq!(
        sim.change_refused("Opportunity", &deal, empty).await,
        "FIELD_INTEGRITY_EXCEPTION"
    );

    let total = json!({"OpportunityId": deal, "PricebookEntryId": list.entry, "Quantity": 4, "TotalPrice": 10});
    let total = sim.create("OpportunityLineItem", total).await;
    assert_eq!(
        sim.read("OpportunityLineItem", &total).await["UnitPrice"],
        2.5
    );
    assert_eq!(sim.read("Opportunity", &deal).await["Amount"], 43.75);
    sim.change("OpportunityLineItem", &item, json!({"Quantity": 1}))
        .await;
    assert_eq!(sim.read("Opportunity", &deal).await["Amount"], 21.25);
    let both = json!({"UnitPrice": 1, "TotalPrice": 2});
    assert_eq!(
        sim.change_refused("OpportunityLineItem", &item, both).await,
        "INVALID_FIELD"
    );
    assert_eq!(sim.remove("OpportunityLineItem", &item).await.0, 204);
    assert_eq!(sim.read("Opportunity", &deal).await["Amount"], 10.0);
    sim.control(
        "undelete",
        json!({"object": "OpportunityLineItem", "ids": [item]}),
    )
    .await;
    assert_eq!(sim.read("Opportunity", &deal).await["Amount"], 21.25);
}

#[tokio::test]
async fn a_line_item_names_a_price_of_the_book_and_one_amount() {
    let sim = Sim::start().await;
    let list = sim.price_list().await;
    let deal = sim.deal(json!({"Pricebook2Id": list.book})).await;
    for (body, code, part) in [
        (
            json!({"Quantity": 1, "UnitPrice": 1}),
            "FIELD_INTEGRITY_EXCEPTION",
            "versions 3.0 and higher must specify pricebook entry id",
        ),
        (
            json!({"PricebookEntryId": list.entry, "Quantity": 1}),
            "REQUIRED_FIELD_MISSING",
            "TotalPrice",
        ),
        (
            json!({"PricebookEntryId": list.entry, "UnitPrice": 1}),
            "REQUIRED_FIELD_MISSING",
            "Quantity",
        ),
        (
            json!({"PricebookEntryId": list.entry, "Quantity": 1, "UnitPrice": 1, "TotalPrice": 1}),
            "FIELD_INTEGRITY_EXCEPTION",
            "TotalPrice, UnitPrice",
        ),
        (
            json!({"PricebookEntryId": list.basis, "Quantity": 1, "UnitPrice": 1}),
            "FIELD_INTEGRITY_EXCEPTION",
            "pricebook entry is in a different pricebook than the one assigned to the opportunity",
        ),
    ] {
        let mut item = body.clone();
        item["OpportunityId"] = json!(deal);
        let refused = sim.refused("OpportunityLineItem", item).await;
        assert_eq!(refused.0, code, "{body}");
        assert!(refused.1.contains(part), "{body}: {}", refused.1);
    }
}

#[tokio::test]
async fn a_price_in_use_is_archived_instead_of_deleted() {
    let sim = Sim::start().await;
    let list = sim.price_list().await;
    let follows = sim
        .create(
            "Pricebook2",
            json!({"Name": "Like standard", "IsActive": true}),
        )
        .await;
    let follows =
        json!({"Pricebook2Id": follows, "Product2Id": list.product, "UseStandardPrice": true});
    let follows = sim.create("PricebookEntry", follows).await;
    assert_eq!(
        sim.read("PricebookEntry", &follows).await["UnitPrice"],
        10.0
    );
    sim.change("PricebookEntry", &list.basis, json!({"UnitPrice": 9}))
        .await;
    assert_eq!(sim.read("PricebookEntry", &follows).await["UnitPrice"], 9.0);
    let own = json!({"UnitPrice": 1});
    assert_eq!(
        sim.change_refused("PricebookEntry", &follows, own).await,
        "FIELD_INTEGRITY_EXCEPTION"
    );

    let deal = sim.deal(json!({})).await;
    let item = json!({"OpportunityId": deal, "PricebookEntryId": list.entry, "Quantity": 1, "UnitPrice": 1});
    sim.create("OpportunityLineItem", item.clone()).await;
    assert_eq!(sim.remove("PricebookEntry", &list.entry).await.0, 204);
    let entry = sim.read("PricebookEntry", &list.entry).await;
    assert_eq!(
        (&entry["IsArchived"], &entry["IsActive"]),
        (&json!(true), &json!(false))
    );
    let refused = sim.refused("OpportunityLineItem", item).await;
    assert!(refused.1.contains("inactivated"), "{}", refused.1);
    assert_eq!(sim.remove("PricebookEntry", &follows).await.0, 204);
    assert_eq!(
        sim.json(&format!("/sobjects/PricebookEntry/{follows}"))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn an_order_is_activated_with_products_and_then_stays() {
    let sim = Sim::start().await;
    let list = sim.price_list().await;
    let account = sim.create("Account", json!({"Name": "Acme"})).await;
    let order = json!({"AccountId": account, "EffectiveDate": "2026-12-01", "Status": "Draft", "Pricebook2Id": list.book});
    let mut active = order.clone();
    active["Status"] = json!("Activated");
    assert_eq!(sim.refused("Order", active).await.0, "FAILED_ACTIVATION");
    let order = sim.create("Order", order).await;
    let activate = json!({"Status": "Activated"});
    assert_eq!(
        sim.change_refused("Order", &order, activate.clone()).await,
        "FAILED_ACTIVATION"
    );
    let item =
        json!({"OrderId": order, "PricebookEntryId": list.entry, "Quantity": 2, "UnitPrice": 12});
    let made = sim.create("OrderItem", item.clone()).await;
    assert_eq!(sim.read("OrderItem", &made).await["TotalPrice"], 24.0);
    assert_eq!(sim.read("Order", &order).await["TotalAmount"], 24.0);
    sim.change("Order", &order, activate).await;
    let record = sim.read("Order", &order).await;
    assert_eq!(
        (&record["StatusCode"], &record["ActivatedDate"]),
        (&json!("Activated"), &record["LastModifiedDate"])
    );
    assert_eq!(
        sim.refused("OrderItem", item).await.0,
        "FIELD_INTEGRITY_EXCEPTION"
    );
    assert_eq!(sim.remove("OrderItem", &made).await.0, 400);
    assert_eq!(
        sim.remove("Order", &order).await.1[0]["errorCode"],
        "DELETE_FAILED"
    );
    assert_eq!(
        sim.remove("Account", &account).await.1[0]["errorCode"],
        "DELETE_FAILED"
    );
    sim.change("Order", &order, json!({"Status": "Draft"}))
        .await;
    assert_eq!(sim.remove("Account", &account).await.0, 204);
    assert_eq!(
        sim.json(&format!("/sobjects/OrderItem/{made}")).await.0,
        404
    );
}

#[tokio::test]
async fn a_quote_adds_up_its_lines() {
    let sim = Sim::start().await;
    let list = sim.price_list().await;
    let account = sim.create("Account", json!({"Name": "Acme"})).await;
    let deal = sim
        .deal(json!({"AccountId": account, "Pricebook2Id": list.book}))
        .await;
    let quote = json!({"Name": "Q", "OpportunityId": deal, "Tax": 5});
    let quote = sim.create("Quote", quote).await;
    let record = sim.read("Quote", &quote).await;
    assert_eq!(
        (&record["AccountId"], &record["Pricebook2Id"]),
        (&json!(account), &json!(list.book))
    );
    let line = json!({"QuoteId": quote, "PricebookEntryId": list.entry, "Quantity": 2, "UnitPrice": 50, "Discount": 10});
    let line = sim.create("QuoteLineItem", line).await;
    assert_eq!(sim.read("QuoteLineItem", &line).await["TotalPrice"], 90.0);
    let record = sim.read("Quote", &quote).await;
    for (field, value) in [
        ("Subtotal", json!(100.0)),
        ("TotalPrice", json!(90.0)),
        ("GrandTotal", json!(95.0)),
        ("Discount", json!(10.0)),
        ("LineItemCount", json!(1)),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
}

#[tokio::test]
async fn a_contract_begins_as_a_draft_and_ends_with_its_term() {
    let sim = Sim::start().await;
    let account = sim.create("Account", json!({"Name": "Acme"})).await;
    let contract = json!({"AccountId": account, "StartDate": "2026-01-31", "ContractTerm": 1});
    let mut active = contract.clone();
    active["Status"] = json!("Activated");
    assert_eq!(sim.refused("Contract", active).await.0, "FAILED_ACTIVATION");
    let contract = sim.create("Contract", contract).await;
    assert_eq!(
        sim.read("Contract", &contract).await["EndDate"],
        "2026-02-27"
    );
    sim.change("Contract", &contract, json!({"Status": "Activated"}))
        .await;
    let record = sim.read("Contract", &contract).await;
    assert_eq!(
        (&record["StatusCode"], &record["ActivatedById"]),
        (&json!("Activated"), &record["OwnerId"])
    );
    assert_eq!(
        sim.remove("Account", &account).await.1[0]["errorCode"],
        "DELETE_FAILED"
    );
}

#[tokio::test]
async fn a_member_belongs_to_a_campaign_once_with_one_of_its_statuses() {
    let sim = Sim::start().await;
    let campaign = sim.create("Campaign", json!({"Name": "Spring"})).await;
    let statuses = format!(
        "SELECT Label, IsDefault, HasResponded FROM CampaignMemberStatus WHERE CampaignId = '{campaign}' ORDER BY SortOrder"
    );
    let labels: Vec<Value> = sim
        .records(&statuses)
        .await
        .iter()
        .map(|status| json!([status["Label"], status["IsDefault"], status["HasResponded"]]))
        .collect();
    assert_eq!(
        labels,
        [
            json!(["Sent", true, false]),
            json!(["Responded", false, true])
        ]
    );

    let lead = sim
        .create("Lead", json!({"LastName": "Lee", "Company": "Lee Ltd"}))
        .await;
    let contact = sim
        .create("Contact", json!({"LastName": "Ng", "FirstName": "Ann"}))
        .await;
    let member = json!({"CampaignId": campaign, "LeadId": lead, "Status": "Nonsense"});
    let member = sim.create("CampaignMember", member).await;
    let record = sim.read("CampaignMember", &member).await;
    assert_eq!(
        (&record["Status"], &record["HasResponded"]),
        (&json!("Sent"), &json!(false))
    );
    assert_eq!(
        (&record["CompanyOrAccount"], &record["Type"]),
        (&json!("Lee Ltd"), &json!("Lead"))
    );
    let again = sim
        .refused(
            "CampaignMember",
            json!({"CampaignId": campaign, "LeadId": lead}),
        )
        .await;
    assert_eq!(
        (again.0.as_str(), again.1.as_str()),
        ("DUPLICATE_VALUE", "Already a campaign member.")
    );
    let nobody = sim
        .refused("CampaignMember", json!({"CampaignId": campaign}))
        .await;
    assert_eq!(nobody.0, "REQUIRED_FIELD_MISSING");
    let both = json!({"CampaignId": campaign, "LeadId": lead, "ContactId": contact, "Status": "Responded"});
    let both = sim.create("CampaignMember", both).await;
    let record = sim.read("CampaignMember", &both).await;
    assert_eq!(
        (&record["LeadId"], &record["LeadOrContactId"]),
        (&Value::Null, &json!(contact))
    );
    assert_eq!(record["Name"], "Ann Ng");

    let counts = async |leads: u64, contacts: u64, responses: u64| {
        let record = sim.read("Campaign", &campaign).await;
        let found = ["NumberOfLeads", "NumberOfContacts", "NumberOfResponses"]
            .map(|field| record[field].as_u64().unwrap());
        assert_eq!(found, [leads, contacts, responses]);
    };
    counts(1, 1, 1).await;
    sim.change("CampaignMember", &member, json!({"Status": "Responded"}))
        .await;
    counts(1, 1, 2).await;
    assert_eq!(sim.remove("Contact", &contact).await.0, 204);
    counts(1, 0, 1).await;
    sim.control("undelete", json!({"object": "Contact", "ids": [contact]}))
        .await;
    counts(1, 1, 2).await;
    assert_eq!(sim.remove("Campaign", &campaign).await.0, 204);
    sim.control("undelete", json!({"object": "Campaign", "ids": [campaign]}))
        .await;
    counts(1, 1, 2).await;
}

#[tokio::test]
async fn a_stage_decides_and_leaves_a_trail() {
    let sim = Sim::start().await;
    let campaign = sim.create("Campaign", json!({"Name": "Spring"})).await;
    let contact = sim.create("Contact", json!({"LastName": "Ng"})).await;
    let deal = sim
        .deal(json!({"Amount": 100, "CampaignId": campaign, "ContactId": contact}))
        .await;
    sim.change("Opportunity", &deal, json!({"StageName": "Closed Won"}))
        .await;
    let record = sim.read("Opportunity", &deal).await;
    for (field, value) in [
        ("Probability", json!(100.0)),
        ("IsClosed", json!(true)),
        ("IsWon", json!(true)),
        ("ForecastCategory", json!("Closed")),
        ("ForecastCategoryName", json!("Closed")),
        ("ExpectedRevenue", json!(100.0)),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    let trail = format!(
        "SELECT StageName, Amount FROM OpportunityHistory WHERE OpportunityId = '{deal}' ORDER BY Id"
    );
    let trail = sim.records(&trail).await;
    let stages: Vec<&Value> = trail.iter().map(|row| &row["StageName"]).collect();
    assert_eq!(stages, ["Value Proposition", "Closed Won"]);
    sim.change("Opportunity", &deal, json!({"NextStep": "none"}))
        .await;
    let rows = format!("SELECT COUNT() FROM OpportunityHistory WHERE OpportunityId = '{deal}'");
    assert_eq!(sim.count(&rows).await, 2);
    let sums = sim.read("Campaign", &campaign).await;
    assert_eq!(
        (
            &sums["NumberOfWonOpportunities"],
            &sums["AmountWonOpportunities"]
        ),
        (&json!(1), &json!(100.0))
    );

    let role =
        format!("SELECT Id, IsPrimary FROM OpportunityContactRole WHERE OpportunityId = '{deal}'");
    let role = sim.records(&role).await;
    assert_eq!(role[0]["IsPrimary"], true);
    let second = sim.create("Contact", json!({"LastName": "Okafor"})).await;
    let first = json!({"OpportunityId": deal, "ContactId": second, "IsPrimary": true});
    sim.create("OpportunityContactRole", first).await;
    let former = sim
        .read("OpportunityContactRole", role[0]["Id"].as_str().unwrap())
        .await;
    assert_eq!(former["IsPrimary"], false);
    assert_eq!(
        sim.read("Opportunity", &deal).await["ContactId"],
        json!(second)
    );
}

#[tokio::test]
async fn an_account_goes_with_what_is_open_and_stays_for_what_is_not() {
    let sim = Sim::start().await;
    let account = sim.create("Account", json!({"Name": "Acme"})).await;
    let contact = sim
        .create(
            "Contact",
            json!({"LastName": "Ng", "Salutation": "Ms.", "AccountId": account}),
        )
        .await;
    let case = sim.create("Case", json!({"ContactId": contact})).await;
    let record = sim.read("Case", &case).await;
    assert_eq!(
        record["AccountId"],
        json!(account),
        "a case belongs to its contact's account"
    );
    let number = record["CaseNumber"].as_str().unwrap();
    for (object, id, name) in [
        ("Account", &account, "Acme"),
        ("Contact", &contact, "Ms. Ng"),
    ] {
        let (status, answer) = sim.remove(object, id).await;
        assert_eq!(
            (status, &answer[0]["errorCode"]),
            (400, &json!("DELETE_FAILED"))
        );
        let text = format!(
            "Your attempt to delete {name} could not be completed because it is associated with the following cases.: {number}\n"
        );
        assert_eq!(answer[0]["message"], json!(text));
    }
    sim.change("Case", &case, json!({"Status": "Closed"})).await;
    let record = sim.read("Case", &case).await;
    assert_eq!(
        (&record["IsClosed"], &record["ClosedDate"]),
        (&json!(true), &record["LastModifiedDate"])
    );
    assert_eq!(sim.remove("Case", &case).await.0, 204);

    let deal = sim
        .deal(json!({"AccountId": account, "StageName": "Closed Won"}))
        .await;
    let (_, answer) = sim.remove("Account", &account).await;
    let text = answer[0]["message"].as_str().unwrap();
    assert!(
        text.contains("some opportunities in that account were closed won"),
        "{text}"
    );
    sim.change("Opportunity", &deal, json!({"StageName": "Prospecting"}))
        .await;
    let asset = sim
        .create("Asset", json!({"Name": "Drill", "AccountId": account}))
        .await;
    let draft = sim.create("Contract", json!({"AccountId": account})).await;
    assert_eq!(sim.remove("Account", &account).await.0, 204);
    for (object, id) in [
        ("Opportunity", &deal),
        ("Asset", &asset),
        ("Contract", &draft),
        ("Contact", &contact),
    ] {
        assert_eq!(
            sim.json(&format!("/sobjects/{object}/{id}")).await.0,
            404,
            "{object}"
        );
    }
    let alone = sim.refused("Asset", json!({"Name": "Drill"})).await;
    assert_eq!(alone.1, "Every asset needs an account, a contact, or both.");
}

#[tokio::test]
async fn no_record_is_its_own_ancestor() {
    let sim = Sim::start().await;
    let top = sim.create("Account", json!({"Name": "Top"})).await;
    let middle = sim
        .create("Account", json!({"Name": "Middle", "ParentId": top}))
        .await;
    let code = sim
        .change_refused("Account", &top, json!({"ParentId": middle}))
        .await;
    assert_eq!(code, "CIRCULAR_DEPENDENCY");
    let owner = sim
        .create("Asset", json!({"Name": "Root", "AccountId": top}))
        .await;
    let part = sim
        .create(
            "Asset",
            json!({"Name": "Part", "AccountId": top, "ParentId": owner}),
        )
        .await;
    let record = sim.read("Asset", &part).await;
    assert_eq!(
        (&record["RootAssetId"], &record["AssetLevel"]),
        (&json!(owner), &json!(2))
    );
}

#[tokio::test]
async fn tracked_changes_are_written_down() {
    let sim = Sim::start().await;
    let account = sim.create("Account", json!({"Name": "Old"})).await;
    sim.change("Account", &account, json!({"Name": "New", "Site": "HQ"}))
        .await;
    let users = sim
        .records("SELECT Id, Name FROM User WHERE IsActive = true ORDER BY Id")
        .await;
    let (first, second) = (&users[0], &users[1]);
    sim.change("Account", &account, json!({"OwnerId": second["Id"]}))
        .await;
    let rows = format!(
        "SELECT Field, DataType, OldValue, NewValue FROM AccountHistory WHERE AccountId = '{account}' ORDER BY Id"
    );
    let rows: Vec<Value> = sim
        .records(&rows)
        .await
        .iter()
        .map(|row| {
            json!([
                row["Field"],
                row["DataType"],
                row["OldValue"],
                row["NewValue"]
            ])
        })
        .collect();
    assert_eq!(
        rows,
        [
            json!(["created", "Text", null, null]),
            json!(["Name", "Text", "Old", "New"]),
            json!(["OwnerId", "Text", first["Name"], second["Name"]]),
            json!(["OwnerId", "EntityId", first["Id"], second["Id"]]),
        ]
    );
}

#[tokio::test]
async fn two_users_do_not_share_a_name() {
    let sim = Sim::start().await;
    let profile = sim.records("SELECT Id FROM Profile LIMIT 1").await[0]["Id"].clone();
    let user = json!({
        "Username": "Zoe@acme.example", "LastName": "Ng", "Email": "zoe@acme.example", "Alias": "zng",
        "TimeZoneSidKey": "UTC", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US", "ProfileId": profile
    });
    let id = sim.create("User", user.clone()).await;
    let record = sim.read("User", &id).await;
    assert_eq!(
        (&record["IsActive"], &record["CommunityNickname"]),
        (&json!(true), &json!("Zoe"))
    );
    let mut twin = user;
    twin["Username"] = json!("zoe@ACME.example");
    let (code, _, fields) = sim.refused("User", twin).await;
    assert_eq!(
        (code.as_str(), fields),
        ("DUPLICATE_USERNAME", json!(["Username"]))
    );
    assert_eq!(sim.remove("User", &id).await.0, 400);
}
