//! The clients of a function, built once per process.

use std::collections::HashMap;

use aws_config::{BehaviorVersion, SdkConfig};
use holdfast_catalog::Catalog;
use holdfast_model::{Failure, OrgName};
use holdfast_salesforce::Client;
use holdfast_vault::Vault;
use tokio::sync::Mutex;

use crate::Settings;
use crate::function::now;
use crate::secret::Secrets;

/// What a handler works with. Vaults and logins stay open between the invocations of a process.
pub struct Environment {
    settings: Settings,
    catalog: Catalog,
    s3: aws_sdk_s3::Client,
    kms: aws_sdk_kms::Client,
    executions: aws_sdk_sfn::Client,
    pub(crate) secrets: Secrets,
    vaults: Mutex<HashMap<OrgName, Vault>>,
    /// Taken out while in use.
    pub(crate) clients: Mutex<HashMap<OrgName, Client>>,
}

impl Environment {
    /// Reads settings, region and credentials of the process.
    pub async fn load() -> Result<Self, Failure> {
        let settings = Settings::from_environment()?;
        let aws = aws_config::load_defaults(BehaviorVersion::latest()).await;
        Ok(Self::new(settings, &aws))
    }

    /// Clients for a deployment.
    pub fn new(settings: Settings, aws: &SdkConfig) -> Self {
        Self {
            catalog: Catalog::new(aws_sdk_dynamodb::Client::new(aws), &settings.table),
            s3: aws_sdk_s3::Client::new(aws),
            kms: aws_sdk_kms::Client::new(aws),
            executions: aws_sdk_sfn::Client::new(aws),
            secrets: Secrets::new(aws_sdk_secretsmanager::Client::new(aws)),
            vaults: Mutex::default(),
            clients: Mutex::default(),
            settings,
        }
    }

    /// Settings of the deployment.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The catalog.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The vault of a connected org; its key is unwrapped once per process.
    pub async fn vault(&self, org: &OrgName) -> Result<Vault, Failure> {
        let mut vaults = self.vaults.lock().await;
        if let Some(vault) = vaults.get(org) {
            return Ok(vault.clone());
        }
        let secret = self.secrets.of(org).await?;
        let vault = Vault::open(
            &self.s3,
            &self.kms,
            &self.settings.bucket,
            org,
            secret.customer_key()?.as_ref(),
        )
        .await?;
        vaults.insert(org.clone(), vault.clone());
        Ok(vault)
    }

    /// Makes the key of an org, unless it has one already.
    pub async fn create_vault(&self, org: &OrgName) -> Result<(), Failure> {
        let secret = self.secrets.of(org).await?;
        let key = secret.customer_key()?;
        Vault::create(
            &self.s3,
            &self.kms,
            &self.settings.bucket,
            &self.settings.key_id,
            org,
            key.as_ref(),
            now(),
        )
        .await?;
        Ok(())
    }

    pub(crate) fn executions(&self) -> &aws_sdk_sfn::Client {
        &self.executions
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
