//! The Metadata API over SOAP and REST: components one by one and as packages, and what they do to the org.

mod component;
mod effect;
mod package;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{Cursor, Read as _, Write as _},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use holdfast_orgsim::Config;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::sim::Sim;

const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";
const OBJECT: &str = "<deploymentStatus>Deployed</deploymentStatus><label>Shop</label>\
    <nameField><label>Shop name</label><type>Text</type></nameField>\
    <pluralLabel>Shops</pluralLabel><sharingModel>ReadWrite</sharingModel>";

/// A call of the Metadata API: HTTP status and body.
pub(crate) async fn soap(sim: &Sim, headers: &str, body: &str) -> (u16, String) {
    soap_as(sim, &sim.token, headers, body).await
}

/// The same in a session of the test's choice.
pub(crate) async fn soap_as(sim: &Sim, token: &str, headers: &str, body: &str) -> (u16, String) {
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <e:Header xmlns=\"{NAMESPACE}\"><SessionHeader><sessionId>{token}</sessionId></SessionHeader>{headers}</e:Header>\
         <e:Body xmlns=\"{NAMESPACE}\">{body}</e:Body></e:Envelope>"
    );
    let request = sim.http.post(sim.url("/services/Soap/m/60.0"));
    let request = request
        .header("Content-Type", "text/xml")
        .header("SOAPAction", "\"\"");
    let response = request.body(envelope).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// A call that must succeed; what is inside the answer to the operation.
async fn call(sim: &Sim, body: &str) -> String {
    let (status, text) = soap(sim, "", body).await;
    assert_eq!(status, 200, "{body}: {text}");
    text
}

/// The texts of every element called `name`.
fn all<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let pieces = text.split(open.as_str()).skip(1);
    pieces
        .filter_map(|piece| piece.split(close.as_str()).next())
        .collect()
}

fn one<'t>(text: &'t str, name: &str) -> &'t str {
    let first = all(text, name).first().copied();
    assert!(first.is_some(), "no {name} in {text}");
    first.unwrap()
}

fn field(owner: &str, name: &str, rest: &str) -> String {
    format!(
        "<metadata xsi:type=\"CustomField\"><fullName>{owner}.{name}</fullName><label>{name}</label>{rest}</metadata>"
    )
}

async fn create_shop(sim: &Sim) {
    let body = format!(
        "<createMetadata><metadata xsi:type=\"CustomObject\"><fullName>Shop__c</fullName>{OBJECT}</metadata></createMetadata>"
    );
    let text = call(sim, &body).await;
    assert!(
        text.contains("<result><fullName>Shop__c</fullName><success>true</success></result>"),
        "{text}"
    );
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn unzip(packed: &[u8]) -> BTreeMap<String, String> {
    let mut archive = ZipArchive::new(Cursor::new(packed)).unwrap();
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut content = String::new();
        file.read_to_string(&mut content).unwrap();
        files.insert(name, content);
    }
    files
}

fn manifest(types: &[(&str, &[&str])]) -> String {
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Package xmlns=\"{NAMESPACE}\">");
    for (name, members) in types {
        text.push_str("<types>");
        for member in *members {
            write!(text, "<members>{member}</members>").unwrap();
        }
        write!(text, "<name>{name}</name></types>").unwrap();
    }
    text + "<version>60.0</version></Package>"
}

async fn begin_deploy(sim: &Sim, files: &[(&str, &str)], options: &str) -> String {
    let packed = STANDARD.encode(zip(files));
    let body = format!(
        "<deploy><ZipFile>{packed}</ZipFile><DeployOptions>{options}<singlePackage>true</singlePackage></DeployOptions></deploy>"
    );
    let text = call(sim, &body).await;
    assert_eq!(
        (one(&text, "done"), one(&text, "state")),
        ("false", "Queued")
    );
    let id = one(&text, "id").to_owned();
    assert!(id.starts_with("0Af") && id.len() == 18);
    id
}

/// The result of a deployment that has ended, and the states it was in.
async fn deployed(sim: &Sim, id: &str) -> (String, Vec<String>) {
    let mut states: Vec<String> = Vec::new();
    loop {
        let body = format!(
            "<checkDeployStatus><asyncProcessId>{id}</asyncProcessId><includeDetails>true</includeDetails></checkDeployStatus>"
        );
        let text = call(sim, &body).await;
        let state = one(&text, "status").to_owned();
        if states.last() != Some(&state) {
            states.push(state);
        }
        if one(&text, "done") == "true" {
            return (text, states);
        }
        tokio::task::yield_now().await;
    }
}

async fn deploy(sim: &Sim, files: &[(&str, &str)], options: &str) -> String {
    let id = begin_deploy(sim, files, options).await;
    deployed(sim, &id).await.0
}

async fn begin_retrieve(sim: &Sim, types: &str) -> String {
    let body = format!(
        "<retrieve><retrieveRequest><apiVersion>60.0</apiVersion><singlePackage>true</singlePackage>\
         <unpackaged>{types}<version>60.0</version></unpackaged></retrieveRequest></retrieve>"
    );
    let text = call(sim, &body).await;
    assert_eq!(one(&text, "state"), "Queued");
    one(&text, "id").to_owned()
}

async fn retrieved(sim: &Sim, id: &str) -> String {
    loop {
        let body = format!(
            "<checkRetrieveStatus><asyncProcessId>{id}</asyncProcessId><includeZip>true</includeZip></checkRetrieveStatus>"
        );
        let text = call(sim, &body).await;
        if one(&text, "done") == "true" {
            return text;
        }
        tokio::task::yield_now().await;
    }
}

async fn retrieve(sim: &Sim, types: &str) -> (String, BTreeMap<String, String>) {
    let id = begin_retrieve(sim, types).await;
    let text = retrieved(sim, &id).await;
    let packed = STANDARD.decode(one(&text, "zipFile")).unwrap();
    (text, unzip(&packed))
}

async fn quick() -> Sim {
    Sim::with(Config {
        records: 1_000,
        bulk_delay: std::time::Duration::ZERO,
        ..Config::default()
    })
    .await
}
