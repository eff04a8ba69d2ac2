//! A local AWS for this test program, and in it a bucket of its own for each test.

use std::env;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use holdfast_model::{Failure, OrgName, Stamp};
use holdfast_vault::{CustomerKey, Vault};

const START_TIMEOUT: Duration = Duration::from_mins(1);

/// Ends the whole process group when the pipe from us closes: when we exit, however that happens.
const GUARD: &str = r#""$@" </dev/null & cat >/dev/null; kill -KILL 0"#;

/// A bucket, a KMS key, and clients for both.
pub(crate) struct Local {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) bucket: String,
    pub(crate) kms_key: String,
}

impl Local {
    /// No two tests may give the same name.
    pub(crate) async fn new(bucket: &str) -> Self {
        static RUNNING: OnceLock<(u16, Child)> = OnceLock::new();
        let (port, _) = RUNNING.get_or_init(start);
        let endpoint = format!("http://127.0.0.1:{port}");
        let credentials = Credentials::new("local", "local", None, None, "local");
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials.clone())
            .endpoint_url(&endpoint)
            .force_path_style(true)
            .build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        s3.create_bucket().bucket(bucket).send().await.unwrap();
        let kms = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .endpoint_url(&endpoint)
            .build();
        let kms = aws_sdk_kms::Client::from_conf(kms);
        let key = kms
            .create_key()
            .send()
            .await
            .unwrap()
            .key_metadata
            .unwrap()
            .key_id;
        Self {
            s3,
            kms,
            bucket: bucket.to_owned(),
            kms_key: key,
        }
    }

    pub(crate) async fn create(
        &self,
        org: &str,
        customer: Option<&CustomerKey>,
    ) -> Result<Vault, Failure> {
        let org = OrgName::parse(org).unwrap();
        let now = Stamp::from_millis(1_700_000_000_000);
        Vault::create(
            &self.s3,
            &self.kms,
            &self.bucket,
            &self.kms_key,
            &org,
            customer,
            now,
        )
        .await
    }

    pub(crate) async fn open(
        &self,
        org: &str,
        customer: Option<&CustomerKey>,
    ) -> Result<Vault, Failure> {
        Vault::open(
            &self.s3,
            &self.kms,
            &self.bucket,
            &OrgName::parse(org).unwrap(),
            customer,
        )
        .await
    }

    /// What an attacker with the bucket can do.
    pub(crate) async fn overwrite(&self, path: &str, bytes: Vec<u8>) {
        self.s3
            .put_object()
            .bucket(&self.bucket)
            .key(path)
            .body(bytes.into())
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn read(&self, path: &str) -> Vec<u8> {
        let object = self
            .s3
            .get_object()
            .bucket(&self.bucket)
            .key(path)
            .send()
            .await
            .unwrap();
        object.body.collect().await.unwrap().to_vec()
    }

    pub(crate) async fn delete(&self, path: &str) {
        self.s3
            .delete_object()
            .bucket(&self.bucket)
            .key(path)
            .send()
            .await
            .unwrap();
    }
}

fn start() -> (u16, Child) {
    let program = env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap(); // <target>/debug/deps/<program>
    let python = target.join("venv/local/bin/python");
    assert!(
        python.exists(),
        "run `cargo xtask tidy` once; it installs the local AWS into the target folder"
    );
    let folder = target.join("local");
    fs::create_dir_all(&folder).unwrap();
    let log = folder.join("vault-tests.log");
    let output = File::create(&log).unwrap();

    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let child = Command::new("/bin/sh")
        .args(["-c", GUARD, "guard"])
        .arg(python)
        .args(["-m", "ministack"])
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("DOCKER_HOST", "unix:///nonexistent")
        .env("IOT_MTLS_ENABLED", "0") // its listener has a fixed port, which others may hold
        .current_dir(&folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let end = Instant::now() + START_TIMEOUT;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            Instant::now() < end,
            "the local AWS does not start; see {}",
            log.display()
        );
        thread::sleep(Duration::from_millis(50));
    }
    (port, child)
}
