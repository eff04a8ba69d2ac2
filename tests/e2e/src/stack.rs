//! The stack: what tests and the demo hold on to.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sfn::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sfn::types::ExecutionStatus;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::deploy;
use crate::group::is_group_gone;
use crate::local_aws::{ACCOUNT, LocalAws, REGION};
use crate::orgsim::OrgSim;
use crate::run::Run;
use crate::worker::Worker;

/// Longer than any job of a test takes, also on a busy machine.
const EXECUTION_TIMEOUT: Duration = Duration::from_mins(20);
const POLL: Duration = Duration::from_millis(100);

/// How a stack is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of the deployed stack.
    pub stack: String,
    /// Arguments for `orgsim` beside its address, such as `--records 1000 --seed 7`.
    pub orgsim: Vec<String>,
}

impl Options {
    /// A stack called `holdfast` with an org of so many records.
    pub fn with_records(records: u64) -> Self {
        let orgsim = ["--records", &records.to_string(), "--seed", "1"]
            .map(str::to_owned)
            .into();
        Self {
            stack: "holdfast".to_owned(),
            orgsim,
        }
    }
}

/// Where a running stack is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Addresses {
    /// The name of the deployed stack.
    pub stack: String,
    /// The local AWS.
    pub endpoint: String,
    /// The simulated org.
    pub orgsim: String,
    /// The folder of the run: logs, and the objects of S3.
    pub folder: PathBuf,
    /// The process group of the local AWS, with the functions' processes.
    pub aws_group: u32,
    /// The process group of the simulator.
    pub orgsim_group: u32,
}

impl Addresses {
    /// Whether anything of the stack still runs.
    pub fn is_alive(&self) -> bool {
        !(is_group_gone(self.aws_group) && is_group_gone(self.orgsim_group))
    }
}

/// A running stack.
#[derive(Debug)]
pub struct Stack {
    addresses: Addresses,
    /// Clients with dummy credentials for the local AWS.
    pub s3: aws_sdk_s3::Client,
    /// Step Functions.
    pub sfn: aws_sdk_sfn::Client,
    /// Lambda.
    pub lambda: aws_sdk_lambda::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// The catalog's table.
    pub table: String,
    /// The vault's bucket.
    pub bucket: String,
    /// The ARN of the KMS key.
    pub key: String,
    owned: Option<Owned>,
}

/// What ends with the stack, in this order.
#[derive(Debug)]
struct Owned {
    aws: LocalAws,
    orgsim: OrgSim,
    run: Run,
}

/// A started execution of the backup machine.
#[derive(Debug, Clone)]
pub struct Execution {
    /// Its name, which is the id of the job.
    pub job: String,
    /// Its ARN.
    pub arn: String,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`.
    pub status: String,
    /// What the machine answered, or null.
    pub output: Value,
    /// The name of the error, or nothing.
    pub error: String,
    /// What the error says, or nothing.
    pub cause: String,
}

/// A function answered with an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct FunctionError {
    /// The class, as the state machine sees it, or `Invoke` when the call itself failed.
    pub kind: String,
    /// `CODE: message`.
    pub message: String,
}

impl Stack {
    /// Starts the local AWS and the simulator, and deploys the template.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let run = Run::create()?;
        let folder = run.folder().to_path_buf();
        let layout = spawn_blocking({
            let folder = folder.clone();
            move || deploy::lay_out(&folder)
        });
        let aws = LocalAws::start(&folder).await?;
        let s3 = s3_client(&aws.endpoint);
        s3.create_bucket()
            .bucket(deploy::UPLOADS)
            .send()
            .await
            .context("cannot create the bucket for uploads")?;
        layout.await??;
        let deployment = spawn_blocking({
            let (folder, stack, endpoint) =
                (folder.clone(), options.stack.clone(), aws.endpoint.clone());
            move || deploy::deploy(&folder, &stack, &endpoint)
        });
        let orgsim = OrgSim::start(&folder, &options.orgsim).await?;
        deployment.await??;

        let mut stack = Self::attach(Addresses {
            stack: options.stack,
            endpoint: aws.endpoint.clone(),
            orgsim: orgsim.url.clone(),
            folder,
            aws_group: aws.group.id(),
            orgsim_group: orgsim.group.id(),
        })
        .await?;
        stack.owned = Some(Owned { aws, orgsim, run });
        Ok(stack)
    }

    /// The one stack that all tests of a process share; it ends with the process. Tests keep apart by the names
    /// of their orgs, and start simulators of their own with [`Stack::start_org`].
    pub async fn shared() -> anyhow::Result<Self> {
        static SHARED: OnceCell<Stack> = OnceCell::const_new();
        let shared = SHARED
            .get_or_try_init(|| Self::start(Options::with_records(1_000)))
            .await?;
        // Clients belong to the runtime that made them, and every test has its own.
        Self::attach(shared.addresses.clone()).await
    }

    /// Takes hold of a stack that another process started and will end.
    pub async fn attach(addresses: Addresses) -> anyhow::Result<Self> {
        let config = config(&addresses.endpoint);
        let lambda = aws_sdk_lambda::Client::new(&config);
        let function = format!("{}-begin-job", addresses.stack);
        let deployed = lambda
            .get_function_configuration()
            .function_name(function)
            .send()
            .await;
        let deployed = deployed.context("the functions are not deployed")?;
        let variables = deployed
            .environment
            .and_then(|environment| environment.variables)
            .unwrap_or_default();
        let variable = |name: &str| {
            variables
                .get(name)
                .cloned()
                .with_context(|| format!("the template sets no {name}"))
        };
        Ok(Self {
            s3: s3_client(&addresses.endpoint),
            sfn: aws_sdk_sfn::Client::new(&config),
            lambda,
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            table: variable("HOLDFAST_TABLE")?,
            bucket: variable("HOLDFAST_BUCKET")?,
            key: variable("HOLDFAST_KEY_ID")?,
            addresses,
            owned: None,
        })
    }

    /// Where everything is.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The address of the simulated org.
    pub fn orgsim(&self) -> &str {
        &self.addresses.orgsim
    }

    /// Starts one more org, with these arguments for `orgsim`; it ends when it is dropped.
    pub async fn start_org(&self, arguments: &[&str]) -> anyhow::Result<OrgSim> {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        OrgSim::start(&self.addresses.folder, &arguments).await
    }

    /// How to reach the local AWS with an AWS SDK.
    pub fn config(&self) -> SdkConfig {
        config(&self.addresses.endpoint)
    }

    /// Stores the Salesforce credentials of an org.
    pub async fn put_secret(&self, org: &str, credentials: &Value) -> anyhow::Result<()> {
        let name = format!("holdfast/orgs/{org}");
        let text = credentials.to_string();
        let created = self
            .secrets
            .create_secret()
            .name(&name)
            .secret_string(&text)
            .send()
            .await;
        match created.map_err(aws_sdk_secretsmanager::Error::from) {
            Err(aws_sdk_secretsmanager::Error::ResourceExistsException(_)) => {
                let stored = self
                    .secrets
                    .put_secret_value()
                    .secret_id(&name)
                    .secret_string(&text)
                    .send()
                    .await;
                stored.map(|_| ()).context("cannot store the credentials")
            }
            created => created.map(|_| ()).context("cannot store the credentials"),
        }
    }

    /// Calls a function, by the name of its folder.
    pub async fn invoke(&self, function: &str, input: &Value) -> Result<Value, FunctionError> {
        let failed = |message: String| FunctionError {
            kind: "Invoke".to_owned(),
            message,
        };
        let call = self
            .lambda
            .invoke()
            .function_name(self.deployed(function))
            .payload(Blob::new(input.to_string()));
        let answer = call
            .send()
            .await
            .map_err(|error| failed(aws_sdk_lambda::Error::from(error).to_string()))?;
        let payload = answer.payload.unwrap_or_else(|| Blob::new(""));
        let output: Value =
            serde_json::from_slice(payload.as_ref()).map_err(|error| failed(error.to_string()))?;
        if answer.function_error.is_none() {
            return Ok(output);
        }
        let field = |name: &str| {
            output
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Err(FunctionError {
            kind: field("errorType"),
            message: field("errorMessage"),
        })
    }

    /// Starts a backup of an org.
    pub async fn start_backup(&self, org: &str) -> anyhow::Result<Execution> {
        let millis = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        self.start_backup_as(org, &format!("backup-{millis}")).await
    }

    /// Starts a backup of an org as the job of this name. A name is used once.
    pub async fn start_backup_as(&self, org: &str, job: &str) -> anyhow::Result<Execution> {
        self.start_job(&json!({ "org": org }), job).await
    }

    /// Starts a job with this request, under this name. A name is used once.
    pub async fn start_job(&self, request: &Value, job: &str) -> anyhow::Result<Execution> {
        self.start_machine("backup", request, job).await
    }

    /// Starts a compare with this request, under this name. A name is used once.
    pub async fn start_compare(&self, request: &Value, job: &str) -> anyhow::Result<Execution> {
        self.start_machine("compare", request, job).await
    }

    /// Starts the plan of a restore with this request, under this name. A name is used once.
    pub async fn start_restore_plan(
        &self,
        request: &Value,
        job: &str,
    ) -> anyhow::Result<Execution> {
        self.start_machine("plan-restore", request, job).await
    }

    /// Starts the run of a planned restore with this request, under this name. A name is used once.
    pub async fn start_restore(&self, request: &Value, job: &str) -> anyhow::Result<Execution> {
        self.start_machine("restore", request, job).await
    }

    /// Starts the sweep of automation that is off, under this name. A name is used once.
    pub async fn start_quiet_sweep(&self, name: &str) -> anyhow::Result<Execution> {
        self.start_machine("quiet-sweep", &json!({}), name).await
    }

    async fn start_machine(
        &self,
        machine: &str,
        request: &Value,
        job: &str,
    ) -> anyhow::Result<Execution> {
        let machine = format!(
            "arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{}-{machine}",
            self.addresses.stack
        );
        let start = self
            .sfn
            .start_execution()
            .state_machine_arn(machine)
            .name(job);
        let started = start
            .input(request.to_string())
            .send()
            .await
            .context("cannot start the job")?;
        Ok(Execution {
            job: job.to_owned(),
            arn: started.execution_arn,
        })
    }

    /// How an execution ended, or nothing while it runs.
    pub async fn outcome(&self, execution: &Execution) -> anyhow::Result<Option<Outcome>> {
        let described = self
            .sfn
            .describe_execution()
            .execution_arn(&execution.arn)
            .send()
            .await;
        let described = described.context("cannot describe the execution")?;
        if described.status == ExecutionStatus::Running {
            return Ok(None);
        }
        Ok(Some(Outcome {
            status: described.status.as_str().to_owned(),
            output: described
                .output
                .map_or(Ok(Value::Null), |text| serde_json::from_str(&text))?,
            error: described.error.unwrap_or_default(),
            cause: described.cause.unwrap_or_default(),
        }))
    }

    /// Waits until an execution has ended.
    pub async fn wait(&self, execution: &Execution) -> anyhow::Result<Outcome> {
        let end = Instant::now() + EXECUTION_TIMEOUT;
        while Instant::now() < end {
            if let Some(outcome) = self.outcome(execution).await? {
                return Ok(outcome);
            }
            tokio::time::sleep(POLL).await;
        }
        bail!(
            "the execution `{}` still runs after {} s",
            execution.job,
            EXECUTION_TIMEOUT.as_secs()
        )
    }

    /// Allows so many calls of a function at once; as many as come, without a number.
    pub async fn allow_calls(&self, function: &str, at_once: Option<i32>) -> anyhow::Result<()> {
        let function = self.deployed(function);
        if let Some(at_once) = at_once {
            let limit = self.lambda.put_function_concurrency();
            let limit = limit.function_name(function);
            let limited = limit.reserved_concurrent_executions(at_once).send().await;
            limited.map(drop).context("cannot limit the calls")
        } else {
            let limit = self.lambda.delete_function_concurrency();
            let unlimited = limit.function_name(function).send().await;
            unlimited
                .map(drop)
                .context("cannot lift the limit of calls")
        }
    }

    /// The processes that run a function now.
    pub fn workers(&self, function: &str) -> Vec<Worker> {
        Worker::of(self.addresses.aws_group, &self.deployed(function))
    }

    fn deployed(&self, function: &str) -> String {
        format!("{}-{function}", self.addresses.stack)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Some(Owned { aws, orgsim, run }) = self.owned.take() {
            drop((aws, orgsim));
            // A failed test leaves its logs and objects for a look at them.
            if !thread::panicking() {
                run.remove();
            }
        }
    }
}

pub(crate) fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn s3_client(endpoint: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&config(endpoint))
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}
