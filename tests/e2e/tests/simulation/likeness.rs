//! The AWS in memory next to the local one: the same requests, drawn at random, must be answered alike. They are those
//! that the catalog, the vault and the functions send, with conditions that hold and conditions that do not.

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, ConditionCheck, KeySchemaElement, KeyType,
    KeysAndAttributes, Put, PutRequest, ScalarAttributeType, TransactWriteItem, WriteRequest,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fastrand::Rng;
use holdfast_e2e::BareAws;

use crate::aws::Aws;

const STEPS: usize = 2_000;
const TABLE: &str = "catalog";
const BUCKET: &str = "vault";

type Item = HashMap<String, AttributeValue>;

pub(crate) async fn run() {
    let local = BareAws::start().await.expect("the local AWS starts");
    let theirs = Clients::of(&local.config()).set_up().await;
    let ours = Clients::of(&Aws::default().config());
    let mut random = Rng::with_seed(1);
    let (mut kept, mut refused) = (0, 0);
    for step in 0..STEPS {
        let seed = random.u64(..);
        let answer = ours.step(&mut Rng::with_seed(seed)).await;
        let expected = theirs.step(&mut Rng::with_seed(seed)).await;
        assert_eq!(answer, expected, "step {step}");
        *if answer.contains("refused") {
            &mut refused
        } else {
            &mut kept
        } += 1;
    }
    assert!(kept > STEPS / 4 && refused > STEPS / 4, "{kept}, {refused}");
}

struct Clients {
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    kms: aws_sdk_kms::Client,
    secrets: aws_sdk_secretsmanager::Client,
    executions: aws_sdk_sfn::Client,
    key: String,
}

impl Clients {
    fn of(config: &SdkConfig) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            s3: aws_sdk_s3::Client::new(config),
            kms: aws_sdk_kms::Client::new(config),
            secrets: aws_sdk_secretsmanager::Client::new(config),
            executions: aws_sdk_sfn::Client::new(config),
            key: "key".to_owned(),
        }
    }

    /// What the deployment makes, and is there in memory from the beginning.
    async fn set_up(mut self) -> Self {
        let mut table = self.dynamodb.create_table().table_name(TABLE);
        for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
            let attribute = AttributeDefinition::builder().attribute_name(name);
            let attribute = attribute.attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder().attribute_name(name);
            table = table
                .attribute_definitions(attribute.build().unwrap())
                .key_schema(key.key_type(kind).build().unwrap());
        }
        let table = table.billing_mode(BillingMode::PayPerRequest);
        table.send().await.unwrap();
        let bucket = self.s3.create_bucket().bucket(BUCKET);
        bucket.send().await.unwrap();
        let key = self.kms.create_key().send().await.unwrap();
        self.key = key.key_metadata.unwrap().key_id;
        self
    }

    /// One request, and what was answered.
    async fn step(&self, random: &mut Rng) -> String {
        match random.u32(0..13) {
            0..3 => self.put(random).await,
            3 => self.get(random).await,
            4 => self.batch(random).await,
            5 => self.query(random).await,
            6..8 => self.transact(random).await,
            8 => self.put_object(random).await,
            9 => self.get_object(random).await,
            10 => self.list(random).await,
            11 => self.write_batch(random).await,
            _ => self.others(random).await,
        }
    }

    async fn put(&self, random: &mut Rng) -> String {
        let item = item(random);
        let (condition, names, values) = condition(random);
        let put = self.dynamodb.put_item().table_name(TABLE);
        let put = put
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(values);
        told(put.send().await.map(|_| "put"))
    }

    async fn get(&self, random: &mut Rng) -> String {
        let get = self.dynamodb.get_item().table_name(TABLE);
        let get = get.set_key(Some(key(random))).consistent_read(true);
        told(get.send().await.map(|answer| answer.item.map(sorted)))
    }

    async fn batch(&self, random: &mut Rng) -> String {
        let mut keys: Vec<Item> = Vec::new();
        for _ in 0..random.u32(1..6) {
            let key = key(random);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let keys = KeysAndAttributes::builder().set_keys(Some(keys));
        let keys = keys.consistent_read(true).build().unwrap();
        let batch = self.dynamodb.batch_get_item().request_items(TABLE, keys);
        told(batch.send().await.map(|answer| {
            let items = answer.responses.unwrap().remove(TABLE).unwrap();
            let mut items: Vec<_> = items
                .into_iter()
                .map(|item| format!("{:?}", sorted(item)))
                .collect();
            items.sort_unstable();
            items
        }))
    }

    async fn write_batch(&self, random: &mut Rng) -> String {
        let mut items: Vec<Item> = Vec::new();
        for _ in 0..random.u32(1..6) {
            let item = item(random);
            let is_same = |other: &Item| ["pk", "sk"].iter().all(|key| other[*key] == item[*key]);
            if !items.iter().any(is_same) {
                items.push(item);
            }
        }
        let requests = items.into_iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        let write = self.dynamodb.batch_write_item();
        let write = write.request_items(TABLE, requests.collect());
        told(write.send().await.map(|answer| {
            assert!(answer.unprocessed_items.is_none_or(|left| left.is_empty()));
            "written"
        }))
    }

    async fn query(&self, random: &mut Rng) -> String {
        let prefix = ["x", "x#", "y"][random.usize(..3)];
        let query = self.dynamodb.query().table_name(TABLE);
        let query = query
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_names("#sk", "sk")
            .expression_attribute_values(":pk", text(pk(random)))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true)
            .scan_index_forward(random.bool())
            .set_limit(random.bool().then(|| random.i32(1..4)));
        let mut pages = query.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(sorted(item.unwrap()));
        }
        format!("{items:?}")
    }

    async fn transact(&self, random: &mut Rng) -> String {
        let mut parts = Vec::new();
        for pk in ["one", "other"] {
            let mut item = item(random);
            item.insert("pk".to_owned(), text(pk));
            let (condition, names, values) = condition(random);
            let put = Put::builder().table_name(TABLE).set_item(Some(item));
            let put = put
                .condition_expression(condition)
                .set_expression_attribute_names(Some(names))
                .set_expression_attribute_values(values);
            parts.push(
                TransactWriteItem::builder()
                    .put(put.build().unwrap())
                    .build(),
            );
        }
        let lease = HashMap::from([
            ("pk".to_owned(), text("lease")),
            ("sk".to_owned(), text("x")),
        ]);
        let check = ConditionCheck::builder()
            .table_name(TABLE)
            .set_key(Some(lease));
        let check = check
            .condition_expression("#outer.#inner = :value")
            .expression_attribute_names("#outer", "holder")
            .expression_attribute_names("#inner", "job")
            .expression_attribute_values(":value", text(job(random)));
        if random.bool() {
            let check = check.build().unwrap();
            parts.push(TransactWriteItem::builder().condition_check(check).build());
        }
        let call = self.dynamodb.transact_write_items();
        let answer = call.set_transact_items(Some(parts)).send().await;
        match answer.map_err(SdkError::into_service_error) {
            Err(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons().iter();
                let codes: Vec<_> = reasons.map(|reason| reason.code()).collect();
                format!("refused: {codes:?}")
            }
            answer => {
                answer.unwrap();
                "written".to_owned()
            }
        }
    }

    async fn put_object(&self, random: &mut Rng) -> String {
        let name = object(random);
        let bytes = vec![random.u8(..); random.usize(1..50)];
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let put = self.s3.put_object().bucket(BUCKET).key(name);
        let put = put
            .if_none_match("*")
            .checksum_sha256(BASE64.encode(digest))
            .body(bytes.into());
        told(put.send().await.map(|_| "created"))
    }

    async fn get_object(&self, random: &mut Rng) -> String {
        let get = self.s3.get_object().bucket(BUCKET).key(object(random));
        let first = random.u32(..60);
        let range = match random.u32(..3) {
            0 => None,
            1 => Some(format!("bytes={first}-{}", first + random.u32(..20))),
            _ => Some(format!("bytes=-{}", random.u32(1..60))),
        };
        let answer = match get.set_range(range).send().await {
            Ok(answer) => answer,
            refused => return told(refused.map(|_| "")),
        };
        let told = format!("{:?} {:?}", answer.content_length, answer.content_range);
        let bytes = answer.body.collect().await.unwrap().to_vec();
        format!("{told} {bytes:?}")
    }

    async fn list(&self, random: &mut Rng) -> String {
        let list = self.s3.list_objects_v2().bucket(BUCKET);
        let list = list
            .prefix(["o/", "p/"][random.usize(..2)])
            .start_after(object(random))
            .max_keys(1);
        told(list.send().await.map(|answer| {
            let names = answer.contents.unwrap_or_default().into_iter();
            names.map(|object| object.key.unwrap()).collect::<Vec<_>>()
        }))
    }

    async fn others(&self, random: &mut Rng) -> String {
        if random.bool() {
            return self.data_key(random).await;
        }
        let secret = self.secrets.get_secret_value().secret_id("nobody's");
        let secret = told(secret.send().await.map(|answer| answer.secret_string));
        let ended = "arn:aws:states:us-east-1:000000000000:execution:simulation:ended";
        let ended = self.executions.describe_execution().execution_arn(ended);
        secret + &told(ended.send().await.map(|answer| answer.status))
    }

    /// Wraps a key for one org and unwraps it for the same or another one.
    async fn data_key(&self, random: &mut Rng) -> String {
        let made = self.kms.generate_data_key().key_id(&self.key);
        let made = made
            .key_spec(aws_sdk_kms::types::DataKeySpec::Aes256)
            .encryption_context("org", "a");
        let made = made.send().await.unwrap();
        let org = ["a", "b"][random.usize(..2)];
        let opened = self.kms.decrypt().encryption_context("org", org);
        let opened = opened
            .set_ciphertext_blob(made.ciphertext_blob)
            .send()
            .await;
        told(opened.map(|opened| opened.plaintext == made.plaintext))
    }
}

/// What was answered, or the code of the refusal.
fn told<T, E, R>(answer: Result<T, SdkError<E, R>>) -> String
where
    T: std::fmt::Debug,
    E: ProvideErrorMetadata,
{
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(SdkError::ServiceError(refusal)) => {
            format!("refused: {}", refusal.err().code().unwrap())
        }
        Err(error) => panic!("no answer: {error}"),
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn pk(random: &mut Rng) -> &'static str {
    ["one", "other", "lease"][random.usize(..3)]
}

fn job(random: &mut Rng) -> &'static str {
    ["first", "second"][random.usize(..2)]
}

fn object(random: &mut Rng) -> String {
    format!("{}/{}", ["o", "p"][random.usize(..2)], random.u32(..30))
}

fn key(random: &mut Rng) -> Item {
    let sk = ["x", "x#1", "x#2", "y", "z"][random.usize(..5)];
    HashMap::from([
        ("pk".to_owned(), text(pk(random))),
        ("sk".to_owned(), text(sk)),
    ])
}

/// Now and then so large that a query takes several pages.
fn item(random: &mut Rng) -> Item {
    let filler = if random.u32(..10) == 0 {
        300_000
    } else {
        random.usize(..9)
    };
    let holder = HashMap::from([("job".to_owned(), text(job(random)))]);
    let mut item = key(random);
    item.insert(
        "version".to_owned(),
        AttributeValue::N(random.u32(1..3).to_string()),
    );
    item.insert("holder".to_owned(), AttributeValue::M(holder));
    item.insert("filler".to_owned(), text(&"x".repeat(filler)));
    item
}

type Condition = (
    &'static str,
    HashMap<String, String>,
    Option<HashMap<String, AttributeValue>>,
);

/// The item is not there, or has a version.
fn condition(random: &mut Rng) -> Condition {
    let named =
        |name: &str, stands_for: &str| HashMap::from([(name.to_owned(), stands_for.to_owned())]);
    if random.u32(..3) == 0 {
        return ("attribute_not_exists(#pk)", named("#pk", "pk"), None);
    }
    let read = AttributeValue::N(random.u32(1..3).to_string());
    let values = HashMap::from([(":read".to_owned(), read)]);
    (
        "#version = :read",
        named("#version", "version"),
        Some(values),
    )
}

fn sorted(item: Item) -> BTreeMap<String, String> {
    let shown = |value| format!("{value:?}");
    item.into_iter()
        .map(|(name, value)| (name, shown(value)))
        .collect()
}
