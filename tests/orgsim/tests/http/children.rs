//! Sub-selects: children below the records of a query.

use serde_json::{Value, json};

use crate::{
    sim::{Sim, answer, code},
    soap::soap,
    users::user,
};

/// An account with three contacts, of which the last is deleted; and one without any. Their Ids.
async fn family(sim: &Sim) -> (String, String) {
    let made = async |object: &str, values: Value| {
        let request = sim.http.post(sim.url(&format!("/sobjects/{object}")));
        let request = request.bearer_auth(&sim.token).json(&values);
        let (status, made) = answer(request.send().await.unwrap()).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let parent = made("Account", json!({"Name": "children of it"})).await;
    let childless = made("Account", json!({"Name": "children of none"})).await;
    let mut last = String::new();
    for name in ["Anna", "Berta", "Clara"] {
        let values = json!({"LastName": name, "Title": "child", "AccountId": parent});
        last = made("Contact", values).await;
    }
    let gone = sim.control("delete", json!({"object": "Contact", "ids": [last]}));
    gone.await;
    (parent, childless)
}

fn last_names(record: &Value) -> Vec<&str> {
    let children = record["Contacts"]["records"].as_array().unwrap();
    children
        .iter()
        .map(|child| child["LastName"].as_str().unwrap())
        .collect()
}

const OF_THE_FAMILY: &str = "FROM Account WHERE Name LIKE 'children of %' ORDER BY Name";

#[tokio::test]
async fn children_stand_below_their_parents() {
    let sim = Sim::start().await;
    let (parent, _) = family(&sim).await;
    let soql =
        format!("SELECT Name, (SELECT LastName, Account.Name FROM contacts), Id {OF_THE_FAMILY}");
    let (status, page) = sim.query(&soql).await;
    assert_eq!(status, 200, "{page}");
    let [with, without] = page["records"].as_array().unwrap().as_slice() else {
        panic!("{page}")
    };
    assert_eq!(with["Id"], json!(parent));
    let names: Vec<_> = with.as_object().unwrap().keys().collect();
    assert!(names.contains(&&"Contacts".to_owned()), "{names:?}");
    let children = &with["Contacts"];
    assert_eq!(children["totalSize"], 2);
    assert_eq!(children["done"], true);
    assert_eq!(last_names(with), ["Anna", "Berta"]);
    let child = &children["records"][0];
    assert_eq!(child["attributes"]["type"], "Contact");
    let url = child["attributes"]["url"].as_str().unwrap();
    assert!(
        url.starts_with("/services/data/v60.0/sobjects/Contact/003"),
        "{url}"
    );
    assert_eq!(child["Account"]["Name"], "children of it");
    assert_eq!(without["Contacts"], Value::Null);
    assert!(without.as_object().unwrap().contains_key("Contacts"));
}

#[tokio::test]
async fn the_select_list_decides_where_the_children_stand() {
    let sim = Sim::start().await;
    family(&sim).await;
    let soql = format!(
        "SELECT Owner.Name, Phone, (SELECT LastName FROM Contacts), Fax, (SELECT Id FROM Opportunities), Owner.Id {OF_THE_FAMILY}"
    );
    let request = sim.http.get(sim.url("/query")).query(&[("q", &soql)]);
    let text = request.bearer_auth(&sim.token).send().await.unwrap();
    let text = text.text().await.unwrap();
    let place = |name: &str| text.find(&format!("\"{name}\":")).unwrap();
    let order = ["Owner", "Phone", "Contacts", "Fax", "Opportunities"].map(place);
    assert!(order.is_sorted(), "{text}");
}

#[tokio::test]
async fn a_sub_select_filters_orders_and_limits_the_children_of_each_parent() {
    let sim = Sim::start().await;
    family(&sim).await;
    for (clauses, expected) in [
        ("WHERE LastName = 'Berta'", vec!["Berta"]),
        ("ORDER BY LastName DESC", vec!["Berta", "Anna"]),
        ("ORDER BY LastName DESC LIMIT 1", vec!["Berta"]),
    ] {
        let soql = format!("SELECT Id, (SELECT LastName FROM Contacts {clauses}) {OF_THE_FAMILY}");
        let records = sim.records(&soql).await;
        assert_eq!(last_names(&records[0]), expected, "{clauses}");
    }
    // The limit is each parent's own.
    let every = sim
        .records("SELECT Id, (SELECT Id, AccountId FROM Contacts LIMIT 1) FROM Account")
        .await;
    let lists = every.iter().filter(|record| !record["Contacts"].is_null());
    let mut parents = 0;
    for record in lists {
        assert_eq!(record["Contacts"]["totalSize"], 1);
        assert_eq!(
            record["Contacts"]["records"][0]["AccountId"], record["Id"],
            "its own child"
        );
        parents += 1;
    }
    let having = sim
        .query("SELECT AccountId FROM Contact WHERE AccountId != null AND Account.IsDeleted = false GROUP BY AccountId")
        .await;
    assert_eq!(having.1["totalSize"], parents);
    let skipped = format!(
        "SELECT Id, (SELECT LastName FROM Contacts ORDER BY LastName OFFSET 1) {OF_THE_FAMILY} LIMIT 1"
    );
    assert_eq!(last_names(&sim.records(&skipped).await[0]), ["Berta"]);
}

#[tokio::test]
async fn deleted_children_are_seen_by_query_all_only() {
    let sim = Sim::start().await;
    family(&sim).await;
    let soql =
        format!("SELECT Id, (SELECT LastName FROM Contacts ORDER BY LastName) {OF_THE_FAMILY}");
    let request = sim.http.get(sim.url("/queryAll")).query(&[("q", &soql)]);
    let (_, all) = answer(request.bearer_auth(&sim.token).send().await.unwrap()).await;
    assert_eq!(
        last_names(&all["records"][0]),
        ["Anna", "Berta", "Clara"],
        "the Recycle Bin"
    );
    assert_eq!(
        last_names(&sim.records(&soql).await[0]),
        ["Anna", "Berta"],
        "live children"
    );
}

#[tokio::test]
async fn relationships_are_named_as_describe_names_them() {
    let sim = Sim::start().await;
    family(&sim).await;
    let (_, described) = sim.json("/sobjects/Account/describe").await;
    let relationships = described["childRelationships"].as_array().unwrap();
    let mut asked = Vec::new();
    for relationship in relationships {
        let child = relationship["childSObject"].as_str().unwrap();
        let Some(name) = relationship["relationshipName"].as_str() else {
            continue;
        };
        let (_, child) = sim.json(&format!("/sobjects/{child}/describe")).await;
        let soql = format!("SELECT Id, (SELECT Id FROM {name}) {OF_THE_FAMILY}");
        let expected = if child["queryable"] == true { 200 } else { 400 };
        assert_eq!(sim.query(&soql).await.0, expected, "{name}");
        if expected == 200 {
            asked.push(format!("(SELECT Id FROM {name})"));
        }
    }
    for (count, status) in [(20, 200), (21, 400)] {
        let list = asked[..count].join(", ");
        let answer = sim.query(&format!("SELECT {list} {OF_THE_FAMILY}")).await;
        assert_eq!(answer.0, status, "{count}: {}", answer.1);
    }
    assert!(
        relationships
            .iter()
            .any(|known| known["relationshipName"] == "Projects__r")
    );
    // The parent's name or alias may stand before the relationship, the child's before a field.
    for soql in [
        "SELECT Account.Name, (SELECT Contact.LastName FROM Account.Contacts) FROM Account LIMIT 1",
        "SELECT a.Name, (SELECT c.LastName FROM a.Contacts c) FROM Account a LIMIT 1",
        "SELECT (SELECT Id FROM Contacts) FROM Account LIMIT 1",
    ] {
        assert_eq!(sim.query(soql).await.0, 200, "{soql}");
    }
}

#[tokio::test]
async fn what_a_sub_select_cannot_do_is_refused() {
    let sim = Sim::start().await;
    for (list, refusal, text) in [
        (
            "(SELECT Id FROM Kontakte)",
            "INVALID_FIELD",
            "Didn't understand relationship 'Kontakte' in FROM part of query call. If you are attempting to use a custom \
             relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or \
             the describe call for the appropriate names.",
        ),
        (
            "(SELECT Id FROM Contact)",
            "INVALID_FIELD",
            "Didn't understand relationship 'Contact'",
        ),
        (
            "(SELECT Nope FROM Contacts)",
            "INVALID_FIELD",
            "No such column 'Nope' on entity 'Contact'",
        ),
        (
            "(SELECT Id, (SELECT Id FROM Cases) FROM Contacts)",
            "MALFORMED_QUERY",
            "more than 1 level away from the root entity object",
        ),
        (
            "(SELECT Id FROM Contacts), (SELECT Name FROM Contacts)",
            "MALFORMED_QUERY",
            "Cannot follow the same aggregate relationship twice: Contacts",
        ),
        (
            "(SELECT COUNT() FROM Contacts)",
            "MALFORMED_QUERY",
            "aggregate functions",
        ),
        (
            "(SELECT Id FROM Contacts OFFSET 1)",
            "MALFORMED_QUERY",
            "OFFSET",
        ),
        (
            "(SELECT Id FROM Contacts",
            "MALFORMED_QUERY",
            "unexpected token",
        ),
    ] {
        let soql = format!("SELECT Name, {list} FROM Account");
        let refused = sim.query(&soql).await;
        assert_eq!(code(&refused), (400, refusal), "{soql}: {}", refused.1);
        let message = refused.1[0]["message"].as_str().unwrap();
        assert!(message.contains(text), "{soql}: {message}");
    }
    let deep = "(SELECT Id, ".repeat(400);
    let refused = sim.query(&format!("SELECT Id, {deep} FROM Account")).await;
    assert_eq!(code(&refused), (400, "QUERY_TOO_COMPLICATED"));
    let job = sim
        .create_job(json!({"operation": "query", "query": "SELECT Id, (SELECT Id FROM Contacts) FROM Account"}))
        .await;
    assert_eq!(code(&job), (400, "FEATURENOTENABLED"));
    let computed = "SELECT DurableId, (SELECT DurableId FROM Fields) FROM EntityDefinition WHERE QualifiedApiName = 'Account'";
    assert_eq!(
        code(&sim.query(computed).await),
        (400, "INVALID_FIELD"),
        "computed objects describe no children"
    );
}

#[tokio::test]
async fn children_show_what_the_user_may_read_of_them() {
    let sim = Sim::start().await;
    family(&sim).await;
    let (_, token) = user(
        &sim,
        json!({
            "username": "reader@acme.example", "password": "pw",
            "objects": {"Account": "R", "Contact": "R"},
            "fields": {"Account.*": "R", "Contact.AccountId": "R", "Contact.LastName": "R"},
        }),
    )
    .await;
    let asks = async |children: &str| {
        let soql = format!("SELECT Id, {children} {OF_THE_FAMILY}");
        let request = sim.http.get(sim.url("/query")).query(&[("q", &soql)]);
        answer(request.bearer_auth(&token).send().await.unwrap()).await
    };
    let (status, page) = asks("(SELECT LastName FROM Contacts ORDER BY LastName)").await;
    assert_eq!(status, 200, "{page}");
    assert_eq!(last_names(&page["records"][0]), ["Anna", "Berta"]);
    let hidden_field = asks("(SELECT Title FROM Contacts)").await;
    assert_eq!(code(&hidden_field), (400, "INVALID_FIELD"));
    let filtered = asks("(SELECT LastName FROM Contacts WHERE Title = 'child')").await;
    assert_eq!(code(&filtered), (400, "INVALID_FIELD"));
    let hidden_object = asks("(SELECT Id FROM Opportunities)").await;
    assert_eq!(code(&hidden_object), (400, "INVALID_FIELD"));
    let text = hidden_object.1[0]["message"].as_str().unwrap();
    assert!(
        text.contains("Didn't understand relationship 'Opportunities'"),
        "{text}"
    );
}

#[tokio::test]
async fn soap_shows_children_as_query_results() {
    let sim = Sim::start().await;
    let (parent, _) = family(&sim).await;
    let soql = format!(
        "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName LIMIT 1) {OF_THE_FAMILY}"
    );
    let body = format!("<query><queryString>{soql}</queryString></query>");
    let path = "/services/Soap/u/60.0";
    let (status, page) = soap(&sim, path, Some(&sim.token), "", &body).await;
    assert_eq!(status, 200, "{page}");
    assert!(
        page.contains(
            "<sf:Contacts xsi:type=\"QueryResult\"><done>true</done><queryLocator xsi:nil=\"true\"/>\
             <records xsi:type=\"sf:sObject\"><sf:type>Contact</sf:type><sf:Id xsi:nil=\"true\"/>\
             <sf:LastName>Anna</sf:LastName></records><size>1</size></sf:Contacts>"
        ),
        "{parent}: {page}"
    );
    assert!(page.contains("<sf:Contacts xsi:nil=\"true\"/>"), "{page}");
}
