//! Files that are uploaded, in JSON and in parts of their own.

use serde_json::{Value, json};

use crate::sim::{Answer, Sim, answer, code};

const BOUNDARY: &str = "boundary_string";

/// A part with its head.
fn part(head: &str, body: &[u8]) -> Vec<u8> {
    [
        format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes(),
        body,
        b"\r\n",
    ]
    .concat()
}

fn fields(name: &str, fields: &Value) -> Vec<u8> {
    let head = format!(
        "Content-Disposition: form-data; name=\"{name}\";\r\nContent-Type: application/json"
    );
    part(&head, fields.to_string().as_bytes())
}

fn file(name: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "Content-Type: application/pdf\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.pdf\""
    );
    part(&head, body)
}

impl Sim {
    async fn upload(&self, method: reqwest::Method, path: &str, parts: &[Vec<u8>]) -> Answer {
        let body = [parts.concat(), format!("--{BOUNDARY}--").into_bytes()].concat();
        let request = self
            .http
            .request(method, self.url(path))
            .bearer_auth(&self.token)
            .header(
                "content-type",
                format!("multipart/form-data; boundary=\"{BOUNDARY}\""),
            )
            .body(body);
        answer(request.send().await.unwrap()).await
    }

    async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.bytes().await.unwrap().to_vec()
    }

    async fn folder(&self) -> Value {
        self.records("SELECT FolderId FROM Document LIMIT 1").await[0]["FolderId"].clone()
    }
}

#[tokio::test]
async fn bytes_in_a_part_of_their_own_come_back_as_they_were() {
    let sim = Sim::start().await;
    let bytes: Vec<u8> = (0..=255_u8).cycle().take(100_000).collect();
    let account = sim.records("SELECT Id FROM Account LIMIT 1").await[0]["Id"].clone();
    let folder = sim.folder().await;
    let document = sim.records("SELECT Id FROM ContentDocument LIMIT 1").await[0]["Id"].clone();
    for (object, entity, field, size, values) in [
        (
            "ContentVersion",
            "entity_content",
            "VersionData",
            "ContentSize",
            json!({"Title": "a", "PathOnClient": "a.pdf", "ContentDocumentId": document}),
        ),
        (
            "Attachment",
            "entity_attachment",
            "Body",
            "BodyLength",
            json!({"Name": "a.pdf", "ParentId": account}),
        ),
        (
            "Document",
            "entity_document",
            "Body",
            "BodyLength",
            json!({"Name": "a", "FolderId": folder}),
        ),
    ] {
        let parts = [fields(entity, &values), file(field, &bytes)];
        let (status, body) = sim
            .upload(
                reqwest::Method::POST,
                &format!("/sobjects/{object}"),
                &parts,
            )
            .await;
        assert_eq!(status, 201, "{object}: {body}");
        let id = body["id"].as_str().unwrap();
        let (_, record) = sim.json(&format!("/sobjects/{object}/{id}")).await;
        assert_eq!(record[size], 100_000, "{object}");
        let place = record[field].as_str().unwrap();
        assert_eq!(sim.bytes(place).await, bytes, "{object}");
    }
}

#[tokio::test]
async fn a_file_can_be_replaced_and_taken_back() {
    let sim = Sim::start().await;
    let folder = sim.folder().await;
    let made = [
        fields("entity_document", &json!({"Name": "a", "FolderId": folder})),
        file("Body", b"one"),
    ];
    let (status, body) = sim
        .upload(reqwest::Method::POST, "/sobjects/Document", &made)
        .await;
    assert_eq!(status, 201, "{body}");
    let path = format!("/sobjects/Document/{}", body["id"].as_str().unwrap());
    let change = [
        fields("entity_content", &json!({"Name": "b"})),
        file("Body", b"two!"),
    ];
    assert_eq!(
        sim.upload(reqwest::Method::PATCH, &path, &change).await.0,
        204
    );
    assert_eq!(sim.bytes(&format!("{path}/Body")).await, b"two!");
    let (_, record) = sim.json(&path).await;
    assert_eq!(
        (&record["Name"], &record["BodyLength"]),
        (&json!("b"), &json!(4))
    );
}

#[tokio::test]
async fn a_collection_names_the_parts_of_its_files() {
    let sim = Sim::start().await;
    let folder = sim.folder().await;
    let record = |part: &str, alias: &str| {
        json!({
            "attributes": {"type": "Document", "binaryPartName": part, "binaryPartNameAlias": alias},
            "Name": part,
            "FolderId": folder,
        })
    };
    let records = json!({"allOrNone": false, "records": [
        record("first", "Body"),
        record("second", "Body"),
        record("third", "Body"),
        record("first", "Name"),
    ]});
    let parts = [
        fields("collection", &records),
        file("second", b"22"),
        file("first", b"1"),
    ];
    let (status, body) = sim
        .upload(reqwest::Method::POST, "/composite/sobjects", &parts)
        .await;
    assert_eq!(status, 200, "{body}");
    for (place, bytes) in [(0, b"1".as_slice()), (1, b"22")] {
        let id = body[place]["id"].as_str().unwrap();
        assert_eq!(
            sim.bytes(&format!("/sobjects/Document/{id}/Body")).await,
            bytes
        );
    }
    assert_eq!(body[2]["success"], false, "there is no such part");
    assert_eq!(body[3]["success"], false, "a name is no file");
}

#[tokio::test]
async fn a_broken_upload_says_what_is_missing() {
    let sim = Sim::start().await;
    let path = "/sobjects/Attachment";
    let only_bytes = sim
        .upload(reqwest::Method::POST, path, &[file("Body", b"x")])
        .await;
    assert_eq!(
        only_bytes.1,
        json!([{"message": "Multipart message must include a non-binary part", "errorCode": "INVALID_MULTIPART_REQUEST"}])
    );
    let parts = [fields("entity", &json!({"Name": "a"})), file("Name", b"x")];
    assert_eq!(
        code(&sim.upload(reqwest::Method::POST, path, &parts).await),
        (400, "INVALID_FIELD")
    );
    let request = sim.http.post(sim.url(path)).bearer_auth(&sim.token);
    let request = request
        .header("content-type", "multipart/form-data; boundary=x")
        .body("--x\r\n");
    let endless = answer(request.send().await.unwrap()).await;
    assert_eq!(code(&endless), (400, "INVALID_MULTIPART_REQUEST"));
}

#[tokio::test]
async fn text_has_a_smaller_limit_than_parts() {
    let sim = Sim::start().await;
    let megabytes = |count: usize| vec![b'A'; count * 1024 * 1024];
    let folder = sim.folder().await;
    let text =
        json!({"Name": "a", "FolderId": folder, "Body": String::from_utf8(megabytes(51)).unwrap()});
    // The org may close the connection before the whole body has gone out.
    let request = reqwest::Client::new()
        .post(sim.url("/sobjects/Document"))
        .bearer_auth(&sim.token);
    if let Ok(response) = request.json(&text).send().await {
        assert_eq!(
            code(&answer(response).await),
            (413, "EXCEEDED_MAX_SIZE_REQUEST")
        );
    }
    assert_eq!(
        sim.count("SELECT count() FROM Document WHERE Name = 'a'")
            .await,
        0
    );
    let parts = [
        fields("entity_document", &json!({"Name": "a", "FolderId": folder})),
        file("Body", &megabytes(51)),
    ];
    assert_eq!(
        sim.upload(reqwest::Method::POST, "/sobjects/Document", &parts)
            .await
            .0,
        201
    );
}

#[tokio::test]
async fn a_download_can_go_on_where_it_stopped_when_the_org_serves_parts() {
    let sim = Sim::start().await;
    let version = sim.records("SELECT Id, VersionData, ContentSize FROM ContentVersion WHERE ContentSize > 100 LIMIT 1").await;
    let id = version[0]["Id"].as_str().unwrap();
    let path = version[0]["VersionData"].as_str().unwrap();
    let size = version[0]["ContentSize"].as_u64().unwrap();
    let whole = sim.bytes(path).await;
    let part = async |path: &str| {
        let request = sim.http.get(sim.url(path)).bearer_auth(&sim.token);
        let response = request.header("range", "bytes=40-").send().await.unwrap();
        let status = response.status().as_u16();
        let place = response
            .headers()
            .get("content-range")
            .map(|place| place.to_str().unwrap().to_owned());
        (status, place, response.bytes().await.unwrap())
    };
    assert_eq!(
        part(path).await,
        (200, None, whole.clone().into()),
        "the API need not"
    );
    sim.control("settings", json!({"serve_ranges": true})).await;
    let place = Some(format!("bytes 40-{}/{size}", size - 1));
    let rest: Vec<u8> = whole[40..].to_vec();
    assert_eq!(part(path).await, (206, place.clone(), rest.clone().into()));
    let servlet = format!(
        "{}/sfc/servlet.shepherd/version/download/{id}",
        sim.org.url()
    );
    let request = sim
        .http
        .get(&servlet)
        .header("cookie", format!("a=b; sid={}", sim.token));
    let response = request.header("range", "bytes=40-").send().await.unwrap();
    assert_eq!(response.status(), 206);
    assert_eq!(response.bytes().await.unwrap(), rest);
    assert_eq!(sim.http.get(&servlet).send().await.unwrap().status(), 401);
}
