//! AWS in memory, as far as the functions use it, so that a round costs milliseconds.
//!
//! It stands where the requests of the SDK would leave the process: all of the product runs as it is. Conditions are
//! judged and applied in one step. Whatever it was not made for is a panic, never a guess; `likeness` compares it with
//! the local AWS that everything else runs on.

mod dynamodb;
mod kms;
mod s3;
mod secrets;

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde::Serialize;
use serde_json::{Value, json};

use crate::aws::dynamodb::Table;
use crate::aws::kms::DataKeys;
use crate::aws::s3::Bucket;
use crate::aws::secrets::Secrets;

/// One account with one table, one bucket and one key, whatever they are called.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aws(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    table: Table,
    bucket: Bucket,
    keys: DataKeys,
    secrets: Secrets,
}

/// The JSON of an answer.
type Answer = Result<Vec<u8>, Refusal>;

/// An error as the JSON protocols write it.
struct Refusal(Value);

impl Refusal {
    fn new(kind: &str) -> Self {
        Self(json!({"__type": kind, "message": kind}))
    }
}

impl Aws {
    /// Stores the Salesforce credentials of an org.
    pub(crate) fn put_secret(&self, org: &str, credentials: &Value) {
        let mut state = self.0.lock().unwrap();
        state
            .secrets
            .put(format!("holdfast/orgs/{org}"), credentials.to_string());
    }

    /// How to reach it with an AWS SDK. Nothing listens at the address; it lets S3 name the bucket in the path.
    pub(crate) fn config(&self) -> SdkConfig {
        let credentials = Credentials::new("local", "local", None, None, "local");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .endpoint_url("http://127.0.0.1:1")
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(SharedHttpClient::new(self.clone()))
            .build()
    }

    async fn answer(&self, mut request: HttpRequest) -> HttpResponse {
        let body = ByteStream::new(request.take_body()).collect().await;
        let body = body.unwrap().into_bytes();
        let mut state = self.0.lock().unwrap();
        let Some(target) = request.headers().get("x-amz-target") else {
            return state.bucket.answer(&request, body);
        };
        let (service, action) = target.split_once('.').unwrap();
        let input: Value = serde_json::from_slice(&body).unwrap();
        let answer = match service {
            "DynamoDB_20120810" => state.table.answer(action, &input),
            "TrentService" => state.keys.answer(action, &input),
            "secretsmanager" => state.secrets.answer(action, &input),
            // No execution of the simulation is running when somebody else asks for its lease.
            "AWSStepFunctions" => Err(Refusal::new("ExecutionDoesNotExist")),
            _ => panic!("the simulation has no {service}"),
        };
        let (status, body) = match answer {
            Ok(output) => (200, output),
            Err(Refusal(error)) => (400, error.to_string().into_bytes()),
        };
        response(status, SdkBody::from(body))
    }
}

fn text(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap()
}

fn response(status: u16, body: SdkBody) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), body)
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let aws = self.clone();
        HttpConnectorFuture::new(async move { Ok(aws.answer(request).await) })
    }
}

impl HttpClient for Aws {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
