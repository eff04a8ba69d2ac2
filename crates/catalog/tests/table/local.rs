//! A local AWS for this test program, and in it a table of its own for each test.

use std::{
    env,
    fs::{self, File},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use holdfast_catalog::Catalog;

const START_TIMEOUT: Duration = Duration::from_mins(1);

/// Ends the whole process group when the pipe from us closes: when we exit, however that happens.
const GUARD: &str = r#""$@" </dev/null & cat >/dev/null; kill -KILL 0"#;

/// A catalog over a new table. No two tests may give the same name.
pub(crate) async fn catalog(name: &str) -> Catalog {
    let client = client();
    let mut table = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder()
            .attribute_name(attribute)
            .key_type(kind);
        table = table
            .attribute_definitions(definition.build().unwrap())
            .key_schema(key.build().unwrap());
    }
    table.send().await.unwrap();
    Catalog::new(client, name)
}

/// A client of the local AWS, which starts with the first one.
pub(crate) fn client() -> Client {
    static RUNNING: OnceLock<(u16, Child)> = OnceLock::new();
    let (port, _) = RUNNING.get_or_init(start);
    client_of(&format!("http://127.0.0.1:{port}"))
}

/// A client of whatever answers there.
pub(crate) fn client_of(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
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
    let log = folder.join("catalog-tests.log");
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
