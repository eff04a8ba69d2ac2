use holdfast_orgsim::{Config, Credentials};
use serde_json::json;

use crate::sim::Sim;

const PARTNER: &str = "/services/Soap/u/60.0";

/// A SOAP call: status and body.
pub(crate) async fn soap(
    sim: &Sim,
    path: &str,
    session: Option<&str>,
    headers: &str,
    body: &str,
) -> (u16, String) {
    let session = session.map_or_else(String::new, |session| {
        format!("<SessionHeader><sessionId>{session}</sessionId></SessionHeader>")
    });
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"urn:partner.soap.sforce.com\">\
         <env:Header>{session}{headers}</env:Header><env:Body>{body}</env:Body></env:Envelope>"
    );
    let request = sim
        .http
        .post(sim.url(path))
        .header("Content-Type", "text/xml; charset=UTF-8")
        .header("SOAPAction", "\"\"")
        .body(envelope);
    let response = request.send().await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "text/xml; charset=utf-8"
    );
    (response.status().as_u16(), response.text().await.unwrap())
}

/// The text between the first `<tag>` and its end.
pub(crate) fn between<'a>(xml: &'a str, tag: &str) -> &'a str {
    let rest = xml
        .split_once(&format!("<{tag}>"))
        .map_or("", |(_, rest)| rest);
    rest.split_once(&format!("</{tag}>"))
        .map_or("", |(text, _)| text)
}

fn login(username: &str, password: &str) -> String {
    format!("<login><username>{username}</username><password>{password}</password></login>")
}

#[tokio::test]
async fn a_login_answers_with_session_and_addresses() {
    let sim = Sim::start().await;
    let body = login("BACKUP@acme.example", "demo-password");
    let (status, answer) = soap(&sim, PARTNER, None, "", &body).await;
    assert_eq!(status, 200, "{answer}");
    let session = between(&answer, "sessionId");
    let org = session.split_once('!').unwrap().0;
    assert_eq!(
        between(&answer, "serverUrl"),
        format!("{}{PARTNER}/{org}", sim.org.url())
    );
    assert!(
        between(&answer, "metadataServerUrl").ends_with(&format!("/services/Soap/m/60.0/{org}"))
    );
    assert_eq!(between(&answer, "userName"), "backup@acme.example");
    assert!(answer.contains("<userDefaultCurrencyIsoCode xsi:nil=\"true\"/>"));
    assert!(
        !answer.contains("LimitInfoHeader"),
        "a login is not charged for"
    );

    let rest = sim.http.get(sim.url("/limits")).bearer_auth(session).send();
    assert_eq!(
        rest.await.unwrap().status(),
        200,
        "one session for all interfaces"
    );
    let (_, info) = soap(
        &sim,
        &format!("{PARTNER}/{org}"),
        Some(session),
        "",
        "<getUserInfo/>",
    )
    .await;
    assert_eq!(between(&info, "userId"), between(&answer, "userId"));
    let (status, out) = soap(&sim, PARTNER, Some(session), "", "<logout/>").await;
    assert_eq!(status, 200);
    assert!(out.contains("<logoutResponse/>"));
    let (status, dead) = soap(&sim, PARTNER, Some(session), "", "<getUserInfo/>").await;
    assert_eq!(status, 500);
    assert_eq!(between(&dead, "faultcode"), "sf:INVALID_SESSION_ID");
    assert_eq!(
        between(&dead, "sf:exceptionMessage"),
        "Invalid Session ID found in SessionHeader: Illegal Session"
    );
}

#[tokio::test]
async fn a_wrong_password_or_a_missing_token_is_a_login_fault() {
    let credentials = Credentials {
        security_token: Some("T0K".to_owned()),
        ..Credentials::default()
    };
    let sim = Sim::with(Config {
        credentials,
        ..Config::default()
    })
    .await;
    for (password, code) in [
        ("wrong", "INVALID_LOGIN"),
        ("demo-password", "LOGIN_MUST_USE_SECURITY_TOKEN"),
    ] {
        let body = login("backup@acme.example", password);
        let (status, answer) = soap(&sim, PARTNER, None, "", &body).await;
        assert_eq!(status, 500);
        assert_eq!(between(&answer, "faultcode"), format!("sf:{code}"));
        assert!(
            answer.contains("<sf:LoginFault xsi:type=\"sf:LoginFault\">"),
            "{answer}"
        );
        assert!(answer.contains("xmlns:sf=\"urn:fault.partner.soap.sforce.com\""));
    }
    let body = login("backup@acme.example", "demo-passwordT0K");
    assert_eq!(soap(&sim, PARTNER, None, "", &body).await.0, 200);
}

#[tokio::test]
async fn a_call_that_is_not_understood_is_the_clients_fault() {
    let sim = Sim::start().await;
    let (status, answer) = soap(&sim, PARTNER, Some(&sim.token), "", "<fly/>").await;
    assert_eq!(status, 500);
    assert_eq!(between(&answer, "faultcode"), "soapenv:Client");
    assert_eq!(
        between(&answer, "faultstring"),
        "No operation available for request {urn:partner.soap.sforce.com}fly, please check the WSDL for the service."
    );
    let (_, answer) = soap(&sim, PARTNER, Some(&sim.token), "", "<a>&b;</a>").await;
    assert_eq!(between(&answer, "faultcode"), "soapenv:Client");
    let (_, answer) = soap(
        &sim,
        "/services/Soap/u/9.0",
        Some(&sim.token),
        "",
        "<getUserInfo/>",
    )
    .await;
    assert_eq!(between(&answer, "faultcode"), "sf:UNSUPPORTED_API_VERSION");
}

#[tokio::test]
async fn soap_calls_count_against_the_same_limit() {
    let sim = Sim::start().await;
    let timestamp = "<getServerTimestamp/>";
    let (_, first) = soap(&sim, PARTNER, Some(&sim.token), "", timestamp).await;
    let used: usize = between(&first, "current").parse().unwrap();
    let (_, limits) = sim.json("/limits").await;
    assert_eq!(
        limits["DailyApiRequests"]["Remaining"],
        json!(5_000_000 - used - 1)
    );
    sim.control("settings", json!({"daily_api_requests": used + 1}))
        .await;
    let (status, refused) = soap(&sim, PARTNER, Some(&sim.token), "", timestamp).await;
    assert_eq!(status, 500);
    assert_eq!(between(&refused, "faultcode"), "sf:REQUEST_LIMIT_EXCEEDED");
    assert_eq!(
        between(&refused, "sf:exceptionMessage"),
        "TotalRequests Limit exceeded."
    );
}
