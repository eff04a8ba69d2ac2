//! S3: one bucket. Names are made of letters that a path and XML show as they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::Headers;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use crate::aws::response;

const CHECKSUM: &str = "x-amz-checksum-sha256";

#[derive(Debug, Default)]
pub(crate) struct Bucket(BTreeMap<String, Bytes>);

impl Bucket {
    pub(super) fn answer(&mut self, request: &HttpRequest, body: Bytes) -> HttpResponse {
        let url = reqwest::Url::parse(request.uri()).unwrap();
        assert!(!url.path().contains('%'), "{}", url.path());
        let path = url.path().trim_start_matches('/');
        let name = path.split_once('/').map_or("", |(_bucket, name)| name);
        let headers = request.headers();
        match request.method() {
            "PUT" => self.put(name, headers, body),
            "GET" if name.is_empty() => self.list(&url),
            "GET" => self.get(name, headers),
            method => panic!("the simulation has no {method} of S3"),
        }
    }

    fn put(&mut self, name: &str, headers: &Headers, body: Bytes) -> HttpResponse {
        if headers.get(CHECKSUM) != Some(&checksum(&body)) {
            return refusal(400, "BadDigest");
        }
        if headers.get("if-none-match") == Some("*") && self.0.contains_key(name) {
            return refusal(412, "PreconditionFailed");
        }
        self.0.insert(name.to_owned(), body);
        response(200, SdkBody::empty())
    }

    fn get(&self, name: &str, headers: &Headers) -> HttpResponse {
        let Some(object) = self.0.get(name) else {
            return refusal(404, "NoSuchKey");
        };
        let Some(range) = headers.get("range") else {
            let mut answer = response(200, SdkBody::from(object.clone()));
            answer
                .headers_mut()
                .insert("content-length", object.len().to_string());
            answer.headers_mut().insert(CHECKSUM, checksum(object));
            return answer;
        };
        let total = object.len();
        let Range { start, end } = within(range, total);
        if start >= end {
            return refusal(416, "InvalidRange");
        }
        let mut answer = response(206, SdkBody::from(object.slice(start..end)));
        let headers = answer.headers_mut();
        headers.insert("content-length", (end - start).to_string());
        headers.insert(
            "content-range",
            format!("bytes {start}-{}/{total}", end - 1),
        );
        answer
    }

    fn list(&self, url: &reqwest::Url) -> HttpResponse {
        let query: BTreeMap<_, _> = url.query_pairs().collect();
        let asked = |name: &str| query.get(name).map_or("", AsRef::as_ref);
        let most: usize = asked("max-keys").parse().unwrap();
        let names = self.0.keys().filter(|name| {
            name.starts_with(asked("prefix")) && name.as_str() > asked("start-after")
        });
        let mut xml = "<ListBucketResult>".to_owned();
        for name in names.take(most) {
            write!(xml, "<Contents><Key>{name}</Key></Contents>").unwrap();
        }
        xml.push_str("</ListBucketResult>");
        response(200, SdkBody::from(xml))
    }
}

/// The bytes that a header `range` asks for; `bytes=3-8`, or the last ones as `bytes=-8`.
fn within(range: &str, total: usize) -> Range<usize> {
    let (first, last) = range
        .strip_prefix("bytes=")
        .unwrap()
        .split_once('-')
        .unwrap();
    let last: usize = last.parse().unwrap();
    match first {
        "" => total.saturating_sub(last)..total,
        first => first.parse().unwrap()..total.min(last + 1),
    }
}

fn checksum(bytes: &[u8]) -> String {
    BASE64.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

fn refusal(status: u16, code: &str) -> HttpResponse {
    response(
        status,
        SdkBody::from(format!("<Error><Code>{code}</Code></Error>")),
    )
}
