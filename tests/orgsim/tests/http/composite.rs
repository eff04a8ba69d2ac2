//! Several calls in one.

use serde_json::{Value, json};

use crate::sim::{Sim, answer, code};

/// A part of a composite request.
fn part(method: &str, path: &str, id: &str, body: Value) -> Value {
    let mut part = json!({
        "method": method,
        "url": format!("/services/data/v60.0{path}"),
        "referenceId": id,
    });
    if !body.is_null() {
        part["body"] = body;
    }
    part
}

async fn composite(sim: &Sim, all_or_none: bool, parts: Value) -> Vec<Value> {
    let request = json!({"allOrNone": all_or_none, "compositeRequest": parts});
    let (status, body) = sim.call("POST", "/composite", request).await;
    assert_eq!(status, 200, "{body}");
    body["compositeResponse"].as_array().unwrap().clone()
}

fn statuses(parts: &[Value]) -> Vec<u64> {
    let status = |part: &Value| part["httpStatusCode"].as_u64().unwrap();
    parts.iter().map(status).collect()
}

const ROLLED_BACK: &str =
    "The transaction was rolled back since another operation in the same transaction failed.";

#[tokio::test]
async fn later_parts_use_what_earlier_ones_answered() {
    let sim = Sim::start().await;
    let parts = json!([
        part(
            "POST",
            "/sobjects/Account/",
            "acme",
            json!({"Name": "Acme \"1\"", "NumberOfEmployees": 7})
        ),
        part(
            "GET",
            "/sobjects/Account/@{acme.id}?fields=Id,NumberOfEmployees",
            "read",
            Value::Null
        ),
        part(
            "POST",
            "/sobjects/Contact",
            "ann",
            json!({"LastName": "of @{acme.id}", "AccountId": "@{read.Id}"})
        ),
        part(
            "GET",
            "/query/?q=SELECT Id, Account.Name, Account.NumberOfEmployees FROM Contact WHERE Id = '@{ann.id}'",
            "q",
            Value::Null
        ),
        part(
            "PATCH",
            "/sobjects/Account/@{acme.id}",
            "change",
            json!({
                "Description": "@{q.records[0].Account.Name}",
                "NumberOfEmployees": "@{q.records[0].Account.NumberOfEmployees}",
            })
        ),
        part(
            "DELETE",
            "/sobjects/Contact/@{q.records[0].Id}",
            "gone",
            Value::Null
        ),
    ]);
    let done = composite(&sim, false, parts).await;
    assert_eq!(statuses(&done), [201, 200, 201, 200, 204, 204], "{done:?}");
    let id = done[0]["body"]["id"].as_str().unwrap();
    assert_eq!(
        done[0],
        json!({
            "body": {"id": id, "success": true, "errors": []},
            "httpHeaders": {"Location": format!("/services/data/v60.0/sobjects/Account/{id}")},
            "httpStatusCode": 201,
            "referenceId": "acme",
        })
    );
    assert_eq!(done[4]["body"], Value::Null);
    assert_eq!(done[3]["httpHeaders"], json!({}));
    let (_, account) = sim.json(&format!("/sobjects/Account/{id}")).await;
    assert_eq!(account["Description"], "Acme \"1\"");
    assert_eq!(account["NumberOfEmployees"], 7);
    let contact = done[2]["body"]["id"].as_str().unwrap();
    assert_eq!(
        sim.json(&format!("/sobjects/Contact/{contact}")).await.0,
        404
    );
}

#[tokio::test]
async fn without_all_or_none_only_the_dependants_of_a_failure_halt() {
    let sim = Sim::start().await;
    let parts = json!([
        part(
            "POST",
            "/sobjects/Contact",
            "bad",
            json!({"FirstName": "no last name"})
        ),
        part("GET", "/sobjects/Contact/@{bad.id}", "child", Value::Null),
        part(
            "GET",
            "/sobjects/Account/@{child.id}",
            "grandchild",
            Value::Null
        ),
        part(
            "GET",
            "/query?q=SELECT+Id+FROM+Account+WHERE+Name='nobody'",
            "none",
            Value::Null
        ),
        part(
            "GET",
            "/sobjects/Account/@{none.records[0].Id}",
            "lost",
            Value::Null
        ),
        part("GET", "/sobjects/Foo", "unknown", Value::Null),
        part(
            "POST",
            "/sobjects/Account",
            "good",
            json!({"Name": "stays"})
        ),
    ]);
    let done = composite(&sim, false, parts).await;
    assert_eq!(statuses(&done), [400, 400, 400, 200, 400, 404, 201]);
    assert_eq!(done[0]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
    let halted = |at: usize| {
        assert_eq!(done[at]["body"][0]["errorCode"], "PROCESSING_HALTED");
        done[at]["body"][0]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        halted(1),
        "Execution halted as previous operation (bad) was not successful."
    );
    assert_eq!(
        halted(2),
        "Execution halted as previous operation (child) was not successful."
    );
    assert_eq!(
        halted(4),
        "Invalid reference specified. No value for none.records[0].Id found in none. Provided referenceId \
         ('none.records[0].Id') must start with a letter or a number, and it can contain only letters, numbers and \
         underscores ('_')."
    );
    assert_eq!(
        done[5]["body"][0]["message"],
        "The requested resource does not exist"
    );
    assert_eq!(
        sim.count("SELECT count() FROM Account WHERE Name = 'stays'")
            .await,
        1
    );
}

#[tokio::test]
async fn with_all_or_none_one_failure_takes_everything_back() {
    let sim = Sim::start().await;
    let victim = sim
        .records("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")
        .await[0]["Id"]
        .clone();
    let victim = victim.as_str().unwrap();
    let parts = json!([
        part(
            "POST",
            "/sobjects/Account",
            "acme",
            json!({"Name": "never was"})
        ),
        part(
            "DELETE",
            &format!("/sobjects/Lead/{victim}"),
            "victim",
            Value::Null
        ),
        part(
            "POST",
            "/composite/sobjects",
            "some",
            json!({"allOrNone": false, "records": [
                {"attributes": {"type": "Account"}, "Name": "never was"},
                {"attributes": {"type": "Account"}},
            ]})
        ),
        part(
            "POST",
            "/sobjects/Account",
            "after",
            json!({"Name": "never was"})
        ),
    ]);
    let done = composite(&sim, true, parts).await;
    assert_eq!(statuses(&done), [400, 400, 200, 400]);
    for at in [0, 1, 3] {
        assert_eq!(
            done[at]["body"],
            json!([{"errorCode": "PROCESSING_HALTED", "message": ROLLED_BACK}])
        );
    }
    assert_eq!(
        done[2]["body"][0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    assert_eq!(
        done[2]["body"][1]["errors"][0]["statusCode"],
        "REQUIRED_FIELD_MISSING"
    );
    assert_eq!(
        sim.count("SELECT count() FROM Account WHERE Name = 'never was'")
            .await,
        0
    );
    assert_eq!(sim.json(&format!("/sobjects/Lead/{victim}")).await.0, 200);
}

#[tokio::test]
async fn calls_of_others_are_not_taken_back_with_a_transaction() {
    let sim = Sim::start().await;
    let url = sim.url("/composite");
    let own = json!({"allOrNone": true, "compositeRequest": [
        part("POST", "/sobjects/Account", "one", json!({"Name": "mine"})),
        part("POST", "/sobjects/Contact", "two", json!({})),
    ]});
    for _ in 0..20 {
        let transaction = sim
            .http
            .post(&url)
            .bearer_auth(&sim.token)
            .json(&own)
            .send();
        let other = sim.call("POST", "/sobjects/Account", json!({"Name": "theirs"}));
        let (taken_back, other) = tokio::join!(transaction, other);
        assert_eq!(taken_back.unwrap().status(), 200);
        assert_eq!(other.0, 201);
    }
    assert_eq!(
        sim.count("SELECT count() FROM Account WHERE Name = 'theirs'")
            .await,
        20
    );
    assert_eq!(
        sim.count("SELECT count() FROM Account WHERE Name = 'mine'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_composite_request_has_limits_and_is_one_call() {
    let sim = Sim::start().await;
    let query = |at: usize| {
        part(
            "GET",
            "/query?q=SELECT Id FROM Account LIMIT 1",
            &format!("q{at}"),
            Value::Null,
        )
    };
    let five: Vec<Value> = (0..5).map(query).collect();
    let before = sim.json("/__sim/state").await.1["calls_used"]
        .as_u64()
        .unwrap();
    assert_eq!(
        statuses(&composite(&sim, false, json!(five)).await),
        [200; 5]
    );
    let after = sim.json("/__sim/state").await.1["calls_used"]
        .as_u64()
        .unwrap();
    assert_eq!(after - before, 1);

    let six: Vec<Value> = (0..6).map(query).collect();
    let refused = composite(&sim, false, json!(six)).await;
    assert_eq!(refused[0]["body"][0]["errorCode"], "LIMIT_EXCEEDED");
    let many: Vec<Value> = (0..26)
        .map(|at| part("GET", "/limits", &format!("l{at}"), Value::Null))
        .collect();
    let refused = composite(&sim, false, json!(many)).await;
    assert_eq!(
        refused,
        [json!({
            "body": [{"errorCode": "LIMIT_EXCEEDED", "message": "The request can’t contain more than 25 operations."}],
            "httpHeaders": {},
            "httpStatusCode": 400,
            "referenceId": null,
        })]
    );
    let bad_name = json!({"compositeRequest": [part("GET", "/limits", "not-good", Value::Null)]});
    assert_eq!(
        code(&sim.call("POST", "/composite", bad_name).await),
        (400, "JSON_PARSER_ERROR")
    );
    let nested = json!([part(
        "POST",
        "/composite/batch",
        "inner",
        json!({"batchRequests": []})
    )]);
    assert_eq!(statuses(&composite(&sim, false, nested).await), [404]);
    assert_eq!(
        code(
            &sim.call("POST", "/composite", json!({"compositeRequest": 1}))
                .await
        ),
        (400, "JSON_PARSER_ERROR")
    );
}

#[tokio::test]
async fn a_part_can_be_conditional() {
    let sim = Sim::start().await;
    let whole = sim.get("/sobjects/Account/describe").await;
    let changed = whole.headers()["last-modified"]
        .to_str()
        .unwrap()
        .to_owned();
    let mut asked = part("GET", "/sobjects/Account/describe", "d", Value::Null);
    asked["httpHeaders"] = json!({"If-Modified-Since": changed});
    let done = composite(&sim, false, json!([asked])).await;
    assert_eq!(done[0]["httpStatusCode"], 304);
    assert_eq!(done[0]["body"], Value::Null);
    assert_eq!(done[0]["httpHeaders"]["Last-Modified"], changed);
    asked["httpHeaders"] = json!({"Authorization": "Bearer x"});
    let refused = json!({"compositeRequest": [asked]});
    assert_eq!(sim.call("POST", "/composite", refused).await.0, 400);
}

#[tokio::test]
async fn a_batch_runs_on_unless_it_is_told_to_halt() {
    let sim = Sim::start().await;
    let batch = |halt: bool| {
        json!({"haltOnError": halt, "batchRequests": [
            {"method": "GET", "url": "v60.0/limits"},
            {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {}},
            {"method": "POST", "url": "/services/data/v60.0/sobjects/Account", "richInput": {"Name": "batched"}},
        ]})
    };
    let before = sim.json("/__sim/state").await.1["calls_used"]
        .as_u64()
        .unwrap();
    let (status, body) = sim.call("POST", "/composite/batch", batch(false)).await;
    let after = sim.json("/__sim/state").await.1["calls_used"]
        .as_u64()
        .unwrap();
    assert_eq!(after - before, 3, "each part is a call");
    assert_eq!((status, &body["hasErrors"]), (200, &json!(true)));
    assert!(body["results"][0]["result"]["DailyApiRequests"]["Max"].is_u64());
    assert_eq!(body["results"][1]["statusCode"], 400);
    assert_eq!(body["results"][2]["statusCode"], 201);

    let (_, body) = sim.call("POST", "/composite/batch", batch(true)).await;
    assert_eq!(body["results"][2]["statusCode"], 412);
    assert_eq!(
        body["results"][2]["result"][0]["errorCode"],
        "BATCH_PROCESSING_HALTED"
    );
    assert_eq!(
        sim.count("SELECT count() FROM Account WHERE Name = 'batched'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_tree_makes_parents_before_their_children() {
    let sim = Sim::start().await;
    let tree = json!({"records": [
        {
            "attributes": {"type": "Account", "referenceId": "a1"}, "Name": "tree",
            "Contacts": {"records": [
                {"attributes": {"type": "Contact", "referenceId": "c1"}, "LastName": "Leaf"},
                {"attributes": {"type": "Contact", "referenceId": "c2"}, "LastName": "Twig"},
            ]},
            "ChildAccounts": {"records": [{
                "attributes": {"type": "Account", "referenceId": "a11"}, "Name": "branch",
                "Contacts": {"records": [{"attributes": {"type": "Contact", "referenceId": "c3"}, "LastName": "Bud"}]},
            }]},
        },
        {"attributes": {"type": "Account", "referenceId": "a2"}, "Name": "tree"},
    ]});
    let (status, body) = sim
        .call("POST", "/composite/tree/Account", tree.clone())
        .await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(body["hasErrors"], false);
    let mut references: Vec<&str> = body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["referenceId"].as_str().unwrap())
        .collect();
    references.sort_unstable();
    assert_eq!(references, ["a1", "a11", "a2", "c1", "c2", "c3"]);
    let leaves = sim
        .records("SELECT LastName, Account.Name, Account.Parent.Name FROM Contact WHERE LastName IN ('Leaf', 'Twig', 'Bud') ORDER BY LastName")
        .await;
    assert_eq!(leaves[0]["Account"]["Name"], "branch");
    assert_eq!(leaves[0]["Account"]["Parent"]["Name"], "tree");
    assert_eq!(leaves[1]["Account"]["Name"], "tree");

    let mut bad = tree;
    bad["records"][0]["Contacts"]["records"][1] =
        json!({"attributes": {"type": "Contact", "referenceId": "c2"}});
    let (status, body) = sim
        .call("POST", "/composite/tree/Account", bad.clone())
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        json!({"hasErrors": true, "results": [{
            "referenceId": "c2",
            "errors": [{
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [LastName]",
                "fields": ["LastName"],
            }],
        }]})
    );
    bad["records"][1]["attributes"]["referenceId"] = json!("c1");
    let (status, body) = sim.call("POST", "/composite/tree/Account", bad).await;
    assert_eq!(
        (status, body["results"].as_array().unwrap().len()),
        (400, 2)
    );
    assert_eq!(
        body["results"][0]["errors"][0]["message"],
        "Duplicate ReferenceId provided in the request."
    );
    assert_eq!(
        sim.count("SELECT count() FROM Account WHERE Name = 'tree'")
            .await,
        2
    );
}

#[tokio::test]
async fn trees_that_are_too_large_or_too_deep_are_refused() {
    let sim = Sim::start().await;
    let record = |at: usize| json!({"attributes": {"type": "Account", "referenceId": format!("r{at}")}, "Name": "x"});
    let many: Vec<Value> = (0..201).map(record).collect();
    let (status, body) = sim
        .call("POST", "/composite/tree/Account", json!({"records": many}))
        .await;
    assert_eq!(
        (status, body[0]["errorCode"].as_str()),
        (400, Some("INVALID_INPUT"))
    );
    let deep = |levels: usize| {
        (0..levels).fold(Value::Null, |below, at| {
            let mut own = record(at);
            if !below.is_null() {
                own["ChildAccounts"] = json!({"records": [below]});
            }
            own
        })
    };
    let five = json!({"records": [deep(5)]});
    assert_eq!(
        sim.call("POST", "/composite/tree/Account", five).await.0,
        201
    );
    let six = json!({"records": [deep(6)]});
    assert_eq!(
        sim.call("POST", "/composite/tree/Account", six).await.0,
        400
    );
    let nameless = json!({"records": [{"attributes": {"type": "Account"}, "Name": "x"}]});
    assert_eq!(
        sim.call("POST", "/composite/tree/Account", nameless)
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn every_graph_stands_or_falls_alone() {
    let sim = Sim::start().await;
    let graph = |id: &str, name: &str, contact: Value| {
        json!({"graphId": id, "compositeRequest": [
            part("POST", "/sobjects/Account/", "account", json!({"Name": name})),
            part("POST", "/sobjects/Contact/", "contact", contact),
        ]})
    };
    let graphs = json!({"graphs": [
        graph("good", "grows", json!({"LastName": "Ng", "AccountId": "@{account.id}"})),
        graph("bad", "withers", json!({"AccountId": "@{account.id}"})),
    ]});
    let (status, body) = sim.call("POST", "/composite/graph", graphs).await;
    assert_eq!(status, 200, "{body}");
    let [good, bad] = [&body["graphs"][0], &body["graphs"][1]];
    assert_eq!(
        (&good["graphId"], &good["isSuccessful"]),
        (&json!("good"), &json!(true))
    );
    assert_eq!(
        good["graphResponse"]["compositeResponse"][1]["httpStatusCode"],
        201
    );
    assert_eq!(
        (&bad["graphId"], &bad["isSuccessful"]),
        (&json!("bad"), &json!(false))
    );
    let parts = &bad["graphResponse"]["compositeResponse"];
    assert_eq!(parts[0]["body"][0]["message"], ROLLED_BACK);
    assert_eq!(parts[1]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(
        sim.count("SELECT count() FROM Account WHERE Name = 'grows'")
            .await,
        1
    );
    assert_eq!(
        sim.count("SELECT count() FROM Account WHERE Name = 'withers'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_graph_has_limits() {
    let sim = Sim::start().await;
    let account = |at: usize| {
        part(
            "POST",
            "/sobjects/Account",
            &format!("a{at}"),
            json!({"Name": "g"}),
        )
    };
    let nodes = |count: usize| (0..count).map(account).collect::<Vec<_>>();
    let graphs = |count: usize, size: usize| {
        let one = |at: usize| json!({"graphId": at.to_string(), "compositeRequest": nodes(size)});
        json!({"graphs": (0..count).map(one).collect::<Vec<_>>()})
    };
    for refused in [
        graphs(76, 1),
        graphs(1, 501),
        json!({"graphs": [{"graphId": "1", "compositeRequest": [part("GET", "/query?q=SELECT Id FROM Account", "q", Value::Null)]}]}),
        json!({"graphs": [{"graphId": "1", "compositeRequest": (0..16).map(|at: usize| {
            let parent = at.checked_sub(1).map(|above| format!("@{{a{above}.id}}"));
            part("POST", "/sobjects/Account", &format!("a{at}"), json!({"Name": "g", "ParentId": parent}))
        }).collect::<Vec<_>>()}]}),
    ] {
        assert_eq!(sim.call("POST", "/composite/graph", refused).await.0, 400);
    }
    assert_eq!(
        sim.count("SELECT count() FROM Account WHERE Name = 'g'")
            .await,
        0
    );
    let (status, body) = sim.call("POST", "/composite/graph", graphs(2, 250)).await;
    assert_eq!(status, 200);
    assert_eq!(body["graphs"][1]["isSuccessful"], true);
    let old = sim
        .http
        .post(sim.url("/services/data/v49.0/composite/graph"));
    let old = old
        .bearer_auth(&sim.token)
        .json(&graphs(1, 1))
        .send()
        .await
        .unwrap();
    assert_eq!(code(&answer(old).await), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn the_composite_resources_are_listed() {
    let sim = Sim::start().await;
    let (status, body) = sim.json("/composite").await;
    assert_eq!(status, 200);
    assert_eq!(body["tree"], "/services/data/v60.0/composite/tree");
    assert_eq!(body.as_object().unwrap().len(), 4);
}
