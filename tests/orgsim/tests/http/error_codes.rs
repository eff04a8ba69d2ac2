//! Errors whose bodies were recorded, each brought about by the call that brings it about.

use reqwest::Method;
use serde_json::{Value, json};

use crate::sim::{Answer, Sim, answer};

/// A call, and what is known of the answer: status, code, text and the names of fields.
struct Case {
    call: (Method, String, Value),
    status: u16,
    code: &'static str,
    text: &'static str,
    fields: Option<&'static [&'static str]>,
}

fn case(
    call: (Method, &str, Value),
    (status, code): (u16, &'static str),
    text: &'static str,
    fields: Option<&'static [&'static str]>,
) -> Case {
    Case {
        call: (call.0, call.1.to_owned(), call.2),
        status,
        code,
        text,
        fields,
    }
}

impl Sim {
    async fn sent(&self, method: &Method, path: &str, body: &Value) -> Answer {
        let mut request = self
            .http
            .request(method.clone(), self.url(path))
            .bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(body);
        }
        answer(request.send().await.unwrap()).await
    }
}

fn query(soql: &str) -> String {
    let q: String = soql.replace(' ', "+").replace('\'', "%27");
    format!("/query?q={q}")
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[tokio::test]
async fn single_calls_fail_with_the_recorded_code_and_text() {
    let sim = Sim::start().await;
    let project = sim.records("SELECT Id FROM Project__c LIMIT 1").await[0]["Id"].clone();
    let project = format!("/sobjects/Project__c/{}", project.as_str().unwrap());
    let gone = sim
        .sent(
            &Method::POST,
            "/sobjects/Region__c",
            &json!({"Name": "Gone"}),
        )
        .await;
    let gone = format!("/sobjects/Region__c/{}", gone.1["id"].as_str().unwrap());
    assert_eq!(sim.sent(&Method::DELETE, &gone, &Value::Null).await.0, 204);
    let cases = [
        case(
            (Method::DELETE, &gone, Value::Null),
            (404, "ENTITY_IS_DELETED"),
            "entity is deleted",
            Some(&[]),
        ),
        case(
            (Method::PATCH, &project, json!({"Color__c": "red"})),
            (400, "INVALID_FIELD"),
            "No such column 'Color__c' on sobject of type Project__c",
            None,
        ),
        case(
            (
                Method::GET,
                &query("SELECT Bacon__c FROM Account LIMIT 2"),
                Value::Null,
            ),
            (400, "INVALID_FIELD"),
            "\nSELECT Bacon__c FROM Account LIMIT 2\n       ^\nERROR at Row:1:Column:8\nNo such column 'Bacon__c' on entity \
             'Account'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field \
             name. Please reference your WSDL or the describe call for the appropriate names.",
            None,
        ),
        case(
            (
                Method::POST,
                "/sobjects/Project__c",
                json!({"Stage__c": "Amazing"}),
            ),
            (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
            "Stage: bad value for restricted picklist field: Amazing",
            Some(&["Stage__c"]),
        ),
        case(
            (
                Method::GET,
                &query("SELECT Id FROM Contact WHERE (Id = 'somethingwonky')"),
                Value::Null,
            ),
            (400, "INVALID_QUERY_FILTER_OPERATOR"),
            "\nSELECT Id FROM Contact WHERE (Id = 'somethingwonky')\n                              ^\nERROR at \
             Row:1:Column:31\ninvalid ID field: somethingwonky",
            None,
        ),
        case(
            (
                Method::GET,
                &query("select count() from XYZZY"),
                Value::Null,
            ),
            (400, "INVALID_TYPE"),
            "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\nsObject type 'XYZZY' is not \
             supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. \
             Please reference your WSDL or the describe call for the appropriate names.",
            None,
        ),
        case(
            (Method::GET, &query("SELEKT Name FROM Account"), Value::Null),
            (400, "MALFORMED_QUERY"),
            "unexpected token: SELEKT",
            None,
        ),
        case(
            (
                Method::PATCH,
                "/sobjects/Project__c/invalid_id",
                json!({"Name": "x"}),
            ),
            (404, "NOT_FOUND"),
            "Provided external ID field does not exist or is not accessible: invalid_id",
            None,
        ),
        case(
            (
                Method::PATCH,
                "/sobjects/Project__c/a00B000000FSjVUIB1",
                json!({"Name": "x"}),
            ),
            (400, "MALFORMED_ID"),
            "Record ID: id value of incorrect type: a00B000000FSjVUIB1",
            Some(&["Id"]),
        ),
        case(
            (
                Method::POST,
                "/sobjects/PlayingCard__c",
                json!({"Name": "x"}),
            ),
            (404, "NOT_FOUND"),
            "The requested resource does not exist",
            None,
        ),
        case(
            (Method::POST, "/sobjects/Account", json!({})),
            (400, "REQUIRED_FIELD_MISSING"),
            "Required fields are missing: [Name]",
            Some(&["Name"]),
        ),
    ];
    for case in cases {
        let (method, path, body) = &case.call;
        let (status, body) = sim.sent(method, path, body).await;
        assert_eq!(status, case.status, "{path}: {body}");
        assert_eq!(body[0]["errorCode"], case.code, "{path}");
        assert_eq!(body[0]["message"], case.text, "{path}");
        let fields = body[0].get("fields");
        assert_eq!(
            fields,
            case.fields.map(|names| json!(names)).as_ref(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_session_that_ended_is_a_401_with_the_recorded_text() {
    let mut sim = Sim::start().await;
    sim.token = "00D000000000000!ended".to_owned();
    let (status, body) = sim.sent(&Method::GET, "/limits", &Value::Null).await;
    assert_eq!(status, 401);
    let recorded =
        json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]);
    assert_eq!(body, recorded);
}

#[tokio::test]
async fn records_of_a_collection_fail_with_the_recorded_code_and_text() {
    let sim = Sim::start().await;
    let lead = sim
        .records("SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1")
        .await[0]["Id"]
        .clone();
    let typed = |name: &str, id: Value, rest: Value| {
        let mut record = json!({"attributes": {"type": name}, "id": id});
        record
            .as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        record
    };
    let unknown = typed("Account", json!("001Hf0zzzzzzzzz"), json!({"Name": "x"}));
    let cases = [
        (
            (Method::PATCH, "/composite/sobjects", unknown),
            json!({"statusCode": "INVALID_CROSS_REFERENCE_KEY", "message": "invalid cross reference id", "fields": []}),
        ),
        (
            (
                Method::PATCH,
                "/composite/sobjects",
                typed("Lead", lead, json!({"Company": "x"})),
            ),
            json!({"statusCode": "CANNOT_UPDATE_CONVERTED_LEAD", "message": "cannot reference converted lead", "fields": []}),
        ),
        (
            (
                Method::PATCH,
                "/composite/sobjects/Account/Id",
                json!({"Id": "001000000000000000", "Name": "x"}),
            ),
            json!({
                "statusCode": "JSON_PARSER_ERROR",
                "message": "Nested object for polymorphic foreign key must have an attributes field before any other fields.",
                "fields": [],
            }),
        ),
        (
            (
                Method::POST,
                "/composite/sobjects",
                json!({"attributes": {"type": "Account"}, "Name": null}),
            ),
            json!({"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Name]", "fields": ["Name"]}),
        ),
    ];
    for ((method, path, record), error) in cases {
        let body = json!({"allOrNone": false, "records": [record]});
        let (status, results) = sim.sent(&method, path, &body).await;
        assert_eq!(status, 200, "{results}");
        assert_eq!(results[0]["success"], false);
        assert_eq!(results[0]["errors"], json!([error]), "{path}");
        assert!(results[0].get("id").is_none(), "a failure carries no Id");
    }
}

#[tokio::test]
async fn an_unknown_client_is_refused_with_the_recorded_text() {
    let sim = Sim::start().await;
    let url = format!("{}/services/oauth2/token", sim.org.url());
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "nobody"),
        ("client_secret", "x"),
    ];
    let (status, body) = answer(sim.http.post(url).form(&form).send().await.unwrap()).await;
    assert_eq!(status, 400);
    let recorded =
        json!({"error": "invalid_client_id", "error_description": "client identifier invalid"});
    assert_eq!(body, recorded);
}
