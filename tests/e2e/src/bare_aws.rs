//! The local AWS alone, for tests that need no org and no function.

use aws_config::SdkConfig;

use crate::local_aws::LocalAws;
use crate::run::Run;
use crate::stack::config;

/// A local AWS with nothing deployed on it; it ends when it is dropped. Its folder goes with a later run.
#[derive(Debug)]
pub struct BareAws {
    aws: LocalAws,
    _run: Run,
}

impl BareAws {
    /// Starts it.
    pub async fn start() -> anyhow::Result<Self> {
        let run = Run::create()?;
        let aws = LocalAws::start(run.folder()).await?;
        Ok(Self { aws, _run: run })
    }

    /// How to reach it with an AWS SDK.
    pub fn config(&self) -> SdkConfig {
        config(&self.aws.endpoint)
    }
}
