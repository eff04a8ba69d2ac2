//! Prices, line items, orders, quotes and contracts.

use serde_json::json;

use crate::sim::Sim;

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
