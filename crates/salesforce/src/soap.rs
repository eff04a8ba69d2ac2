//! What has no other interface than SOAP: records that come out of the Recycle Bin (SOAP guide, `undelete()`).

use std::fmt::Write as _;

use holdfast_model::{Failure, SalesforceId};
use quick_xml::de::from_str;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::call::Call;
use crate::client::Client;
use crate::rows::damaged;
use crate::write::{Outcome, Saved, outcomes};

const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const PARTNER: &str = "urn:partner.soap.sforce.com";
/// The namespace of the Metadata API.
pub(crate) const METADATA: &str = "http://soap.sforce.com/2006/04/metadata";

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Body")]
    body: Body,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "undeleteResponse")]
    answer: Answer,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    result: Vec<Outcome>,
}

#[derive(Deserialize)]
struct FaultEnvelope {
    #[serde(rename = "Body")]
    body: FaultBody,
}

#[derive(Deserialize)]
struct FaultBody {
    #[serde(rename = "Fault")]
    fault: Fault,
}

/// Why SOAP refused a call.
#[derive(Deserialize)]
pub(crate) struct Fault {
    /// With its prefix, e.g. `sf:INVALID_SESSION_ID`.
    #[serde(rename = "faultcode")]
    pub(crate) code: String,
    #[serde(rename = "faultstring", default)]
    pub(crate) message: String,
}

impl Fault {
    /// The fault in a body, if it is one.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let envelope: FaultEnvelope = from_str(std::str::from_utf8(body).ok()?).ok()?;
        Some(envelope.body.fault)
    }
}

impl Client {
    /// Takes records out of the Recycle Bin, up to 200, with their Ids and with the children that went with them; an outcome
    /// for each, in their order. Twice is as good as once: the second outcome says that it is not there.
    pub async fn undelete(&self, ids: &[SalesforceId]) -> Result<Vec<Saved>, Failure> {
        let version = self.api_version().as_str().trim_start_matches('v');
        let mut operation = format!("<undelete xmlns=\"{PARTNER}\">");
        for id in ids {
            // Letters and digits.
            let _ = write!(operation, "<ids>{id}</ids>");
        }
        operation.push_str("</undelete>");
        let call = Call::soap(format!("/services/Soap/u/{version}"), PARTNER, operation);
        let read = |answer: crate::call::Answer| {
            let text = std::str::from_utf8(&answer.body).ok();
            let envelope: Option<Envelope> = text.and_then(|text| from_str(text).ok());
            envelope.ok_or_else(|| {
                damaged("an answer of undelete does not have its documented shape").into()
            })
        };
        let envelope = self.ask(&call, read).await?;
        outcomes(ids.len(), envelope.body.answer.result)
    }
}

/// The envelope of an operation. A token has no characters that XML would mistake (RFC 6750); if one had, it is escaped.
pub(crate) fn envelope(token: &str, namespace: &str, operation: &str) -> String {
    let token = Zeroizing::new(quick_xml::escape::escape(token).into_owned());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"{ENVELOPE}\"><e:Header>\
         <SessionHeader xmlns=\"{namespace}\"><sessionId>{}</sessionId></SessionHeader></e:Header>\
         <e:Body>{operation}</e:Body></e:Envelope>",
        token.as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_of_an_undelete_are_told_apart() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><undeleteResponse><result><id>001D000000K0fXOIAZ</id><success>true</success></result><result><errors><message>entity is not in the recycle bin</message><statusCode>UNDELETE_FAILED</statusCode></errors><id xsi:nil="true"/><success>false</success></result></undeleteResponse></soapenv:Body></soapenv:Envelope>"#;
        let envelope: Envelope = from_str(text).unwrap();
        let saved = outcomes(2, envelope.body.answer.result).unwrap();
        assert!(saved[0].is_ok());
        assert_eq!(saved[1].as_ref().unwrap_err().code, "UNDELETE_FAILED");
    }

    #[test]
    fn a_fault_says_what_it_is() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>INVALID_SESSION_ID: Invalid Session ID found in SessionHeader</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>"#;
        let fault = Fault::read(text.as_bytes()).unwrap();
        assert_eq!(fault.code, "sf:INVALID_SESSION_ID");
        assert!(Fault::read(b"<html><body>Maintenance</body></html>").is_none());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_refused_or_read(text in "[<>/a-zA-Z:=\"& ]{0,120}") {
            let _ = Fault::read(text.as_bytes());
            let _ = from_str::<Envelope>(&text);
        }
    }

    #[test]
    fn a_token_stays_inside_its_element() {
        assert!(envelope("a<b&c", PARTNER, "<x/>").contains("<sessionId>a&lt;b&amp;c</sessionId>"));
    }
}
