//! The Metadata API, which is SOAP: components of a type, whole components, and deployments (Metadata API guide).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_model::Failure;
use quick_xml::de::from_str;
use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::call::{Answer, Call};
use crate::client::Client;
use crate::refusal::cut;
use crate::rows::damaged;
use crate::soap::METADATA;

/// Components that one call reads or changes.
pub(crate) const COMPONENTS_PER_CALL: usize = 10;
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const RECORD: &str = "records";

/// A component in a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileProperties {
    pub(crate) full_name: String,
    #[serde(default)]
    pub(crate) manageable_state: Option<String>,
}

/// How a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployment {
    /// It waits for its turn, or is at work.
    Running,
    /// It is in force.
    Done,
    /// Nothing of it is, for this first reason in Salesforce's words.
    Failed(String),
}

#[derive(Deserialize)]
struct Envelope<T> {
    #[serde(rename = "Body")]
    body: Body<T>,
}

#[derive(Deserialize)]
struct Body<T> {
    #[serde(rename = "$value")]
    response: Response<T>,
}

#[derive(Deserialize)]
struct Response<T> {
    #[serde(default = "Vec::new")]
    result: Vec<T>,
}

#[derive(Deserialize)]
struct AsyncResult {
    id: String,
}

#[derive(Deserialize)]
struct SaveResult {
    success: bool,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status_code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeployResult {
    done: bool,
    success: bool,
    status: String,
    #[serde(default)]
    error_message: String,
    details: Option<DeployDetails>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeployDetails {
    #[serde(default)]
    component_failures: Vec<ComponentFailure>,
    run_test_result: Option<RunTestResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ComponentFailure {
    #[serde(default)]
    full_name: String,
    #[serde(default)]
    problem: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunTestResult {
    #[serde(default)]
    failures: Vec<TestFailure>,
    #[serde(default)]
    code_coverage_warnings: Vec<TestFailure>,
}

#[derive(Deserialize)]
struct TestFailure {
    #[serde(default)]
    name: String,
    #[serde(default)]
    message: String,
}

impl Client {
    /// The components of a type.
    pub(crate) async fn list_metadata(&self, kind: &str) -> Result<Vec<FileProperties>, Failure> {
        let version = self.api_version().as_str().trim_start_matches('v');
        let operation = format!(
            "<listMetadata xmlns=\"{METADATA}\"><queries><type>{kind}</type></queries>\
             <asOfVersion>{version}</asOfVersion></listMetadata>"
        );
        self.metadata(operation).await
    }

    /// Components of a type as XML, those that there are; at most [`COMPONENTS_PER_CALL`].
    pub(crate) async fn read_metadata(
        &self,
        kind: &str,
        names: &[&str],
    ) -> Result<Vec<Record>, Failure> {
        let mut operation = format!("<readMetadata xmlns=\"{METADATA}\"><type>{kind}</type>");
        for name in names {
            // Into a text: it cannot fail.
            let _ = write!(operation, "<fullNames>{}</fullNames>", escape(*name));
        }
        operation.push_str("</readMetadata>");
        let read = |answer: Answer| {
            let text = std::str::from_utf8(&answer.body).ok();
            let records = text.and_then(|text| records(text).ok());
            records.ok_or_else(|| shapeless().into())
        };
        Ok(self.ask(&self.metadata_call(operation), read).await?)
    }

    /// Makes a component of a type what the record says. Twice is as good as once.
    ///
    /// # Errors
    /// Those of a call; what Salesforce says when it refuses the component, as it is, beside them.
    pub(crate) async fn update_metadata(
        &self,
        kind: &str,
        record: &Record,
    ) -> Result<Result<(), String>, Failure> {
        let operation = format!(
            "<updateMetadata xmlns=\"{METADATA}\" xmlns:xsi=\"{INSTANCE}\"><metadata xsi:type=\"{kind}\">{}</metadata>\
             </updateMetadata>",
            record.0
        );
        let results: Vec<SaveResult> = self.metadata(operation).await?;
        let result = results.into_iter().next().ok_or_else(shapeless)?;
        let first = result.errors.into_iter().next();
        let why = first.map_or_else(String::new, |first| {
            format!("{}: {}", cut(&first.status_code), cut(&first.message))
        });
        Ok(if result.success { Ok(()) } else { Err(why) })
    }

    /// Sends a package and gives the Id of the deployment, which waits for its turn behind those that were sent before. All of it
    /// comes into force or nothing. Which tests run is up to the org: those of its own code in production, none elsewhere.
    pub(crate) async fn deploy(&self, package: &[u8]) -> Result<String, Failure> {
        let operation = format!(
            "<deploy xmlns=\"{METADATA}\"><ZipFile>{}</ZipFile><DeployOptions><allowMissingFiles>false</allowMissingFiles>\
             <autoUpdatePackage>false</autoUpdatePackage><checkOnly>false</checkOnly><ignoreWarnings>true</ignoreWarnings>\
             <performRetrieve>false</performRetrieve><purgeOnDelete>false</purgeOnDelete><rollbackOnError>true</rollbackOnError>\
             <singlePackage>true</singlePackage></DeployOptions></deploy>",
            STANDARD.encode(package)
        );
        let results: Vec<AsyncResult> = self.metadata(operation).await?;
        let result = results.into_iter().next().ok_or_else(shapeless)?;
        Ok(result.id)
    }

    /// How a deployment stands.
    pub async fn deployment(&self, id: &str) -> Result<Deployment, Failure> {
        let id = escape(id);
        let operation = format!(
            "<checkDeployStatus xmlns=\"{METADATA}\"><asyncProcessId>{id}</asyncProcessId>\
             <includeDetails>true</includeDetails></checkDeployStatus>"
        );
        let results: Vec<DeployResult> = self.metadata(operation).await?;
        let result = results.into_iter().next().ok_or_else(shapeless)?;
        Ok(match (result.done, result.success) {
            (false, _) => Deployment::Running,
            (true, true) => Deployment::Done,
            (true, false) => Deployment::Failed(result.reason()),
        })
    }

    async fn metadata<T: DeserializeOwned>(&self, operation: String) -> Result<Vec<T>, Failure> {
        let read = |answer: Answer| {
            let text = std::str::from_utf8(&answer.body).ok();
            let envelope: Option<Envelope<T>> = text.and_then(|text| from_str(text).ok());
            let envelope = envelope.ok_or_else(shapeless)?;
            Ok(envelope.body.response.result)
        };
        Ok(self.ask(&self.metadata_call(operation), read).await?)
    }

    fn metadata_call(&self, operation: String) -> Call<'static> {
        let version = self.api_version().as_str().trim_start_matches('v');
        Call::soap(format!("/services/Soap/m/{version}"), METADATA, operation)
    }
}

impl DeployResult {
    fn reason(self) -> String {
        let Self {
            status,
            error_message,
            details,
            ..
        } = self;
        let (components, tests) = details.map_or_else(Default::default, |details| {
            (details.component_failures, details.run_test_result)
        });
        let component = components
            .into_iter()
            .next()
            .map(|failure| format!("{}: {}", failure.full_name, failure.problem));
        let test = tests.and_then(|tests| {
            let mut all = tests
                .failures
                .into_iter()
                .chain(tests.code_coverage_warnings);
            all.next()
                .map(|failure| format!("{}: {}", failure.name, failure.message))
        });
        let general = (!error_message.is_empty()).then_some(error_message);
        cut(&component.or(test).or(general).unwrap_or(status))
    }
}

/// A component as XML: the elements inside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record(String);

impl Record {
    /// The text of an element of the component itself, not of its parts.
    pub(crate) fn get(&self, element: &str) -> Option<String> {
        let mut text = None;
        self.each(element, |found| {
            text = Some(found.to_owned());
            None
        });
        text
    }

    /// The component with another text in an element; everything else stays as it came.
    #[must_use]
    pub(crate) fn with(&self, element: &str, text: &str) -> Self {
        Self(self.each(element, |_| Some(text.to_owned())))
    }

    /// Copies it; texts of an element of its own are shown, and may be replaced.
    fn each(&self, element: &str, mut change: impl FnMut(&str) -> Option<String>) -> String {
        let mut reader = Reader::from_str(&self.0);
        let mut writer = Writer::new(Vec::new());
        let (mut depth, mut is_inside) = (0_usize, false);
        loop {
            let event = match reader.read_event() {
                Err(_) | Ok(Event::Eof) => break,
                Ok(event) => event,
            };
            let mut changed = None;
            match &event {
                Event::Start(start) => {
                    is_inside = depth == 0 && is_named(start, element);
                    depth += 1;
                }
                Event::End(_) => {
                    depth = depth.saturating_sub(1);
                    is_inside = false;
                }
                Event::Text(text) if is_inside => {
                    changed = change(text);
                }
                _ => {}
            }
            // Into memory: it cannot fail.
            let _ = match changed {
                Some(text) => writer.write_event(Event::Text(BytesText::new(&text))),
                None => writer.write_event(event),
            };
        }
        String::from_utf8(writer.into_inner()).unwrap_or_default()
    }
}

fn is_named(start: &BytesStart<'_>, element: &str) -> bool {
    start.local_name().as_ref() == element
}

/// The components of an answer; those that are not there are empty elements.
fn records(answer: &str) -> Result<Vec<Record>, quick_xml::Error> {
    let mut reader = Reader::from_str(answer);
    let mut records = Vec::new();
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(records),
            Event::Start(start) if is_named(&start, RECORD) => {
                let inside = reader.read_text(start.name())?;
                if !inside.trim().is_empty() {
                    records.push(Record(inside.to_string()));
                }
            }
            _ => {}
        }
    }
}

fn shapeless() -> Failure {
    damaged("an answer of the metadata api does not have its documented shape")
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><readMetadataResponse><result><records xsi:type="DuplicateRule"><fullName>Lead.A</fullName><alertText>a &amp; b</alertText><duplicateRuleFilter xsi:nil="true"/><part><isActive>deep</isActive></part><isActive>true</isActive></records><records xsi:nil="true"/></result></readMetadataResponse></soapenv:Body></soapenv:Envelope>"#;

    #[test]
    fn a_component_is_changed_in_one_element_and_no_other() {
        let records = records(READ).unwrap();
        assert_eq!(records.len(), 1, "what is not there is left out");
        assert_eq!(records[0].get("isActive").unwrap(), "true");
        assert_eq!(records[0].get("fullName").unwrap(), "Lead.A");
        assert_eq!(records[0].get("nothing"), None);
        let off = records[0].with("isActive", "false");
        let expected = records[0]
            .0
            .replace("<isActive>true</isActive>", "<isActive>false</isActive>");
        assert_eq!(off.0, expected);
    }

    fn result(inside: &str) -> DeployResult {
        let text = format!("<result>{inside}</result>");
        from_str(&text).unwrap()
    }

    #[test]
    fn a_deployment_that_failed_says_why() {
        let failed = "<done>true</done><status>Failed</status><success>false</success>";
        let told = |details: &str| result(&format!("{failed}{details}")).reason();
        assert_eq!(told(""), "Failed");
        assert_eq!(told("<errorMessage>no zip</errorMessage>"), "no zip");
        assert_eq!(
            told(
                "<details><componentFailures><fullName>T</fullName><problem>unexpected token</problem></componentFailures></details>"
            ),
            "T: unexpected token"
        );
        assert_eq!(
            told(
                "<details><runTestResult><failures><name>TTest</name><message>assertion failed</message></failures></runTestResult></details>"
            ),
            "TTest: assertion failed"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_refused_or_read(text in "[<>/a-zA-Z:=\"& ]{0,120}") {
            let _ = records(&text);
            let _ = Record(text.clone()).with("isActive", "false");
            let _ = from_str::<Envelope<DeployResult>>(&text);
        }
    }
}
