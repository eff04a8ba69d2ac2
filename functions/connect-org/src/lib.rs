//! Connects an org: checks the credentials in its secret, makes its key, and writes it into the catalog.

use holdfast_catalog::{Calls, Connection, Settings};
use holdfast_model::{ErrorCode, Failure, OrgName, SalesforceId};
use holdfast_runtime::{Deadline, Environment, now};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Calls that connecting makes, with room for repeats.
const CALLS: u64 = 8;

/// What the administrator passes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The name that the org gets here; its credentials are the secret `holdfast/orgs/<org>`.
    org: OrgName,
    /// Settings that shall differ from what they are, or from the defaults.
    #[serde(default)]
    settings: Option<Value>,
}

/// What was connected.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    organization_id: SalesforceId,
    instance_url: String,
    username: String,
    settings: Settings,
}

/// Nothing is written before the settings are sound and the credentials have worked. A repeat changes the settings
/// that are given; another organization under a name in use is refused.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input { org, settings } = input;
    let catalog = environment.catalog();
    let former = match catalog.org(&org).await {
        Err(failure) if failure.code == ErrorCode::OrgUnknown => Settings::default(),
        org => org?.settings,
    };
    let new = match &settings {
        Some(changes) => former.changed_by(changes)?,
        None => former,
    };
    let connection = environment
        .with_salesforce(&org, new.caps(), Calls::api(CALLS), async |client| {
            // Also proves that the user may ask for what every job asks for.
            client.limits().await?;
            let identity = client.identity().await?;
            Ok(Connection {
                organization_id: SalesforceId::parse(identity.organization_id.as_bytes())?,
                instance_url: identity.instance_url,
                username: identity.username,
                api_version: client.api_version().as_str().to_owned(),
            })
        })
        .await?;
    environment.create_vault(&org).await?;
    let item = catalog
        .connect_org(&org, &connection, settings.as_ref(), now())
        .await?;
    Ok(Output {
        org,
        organization_id: item.connection.organization_id,
        instance_url: item.connection.instance_url,
        username: item.connection.username,
        settings: item.settings,
    })
}
