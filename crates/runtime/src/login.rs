//! Salesforce for a handler: calls are reserved before, settled after, and the login is kept.

use std::time::Duration;

use holdfast_catalog::Usage;
use holdfast_model::{ErrorCode, Failure, OrgName};
use holdfast_salesforce::{Budget, Client, Settings};

use crate::Environment;
use crate::function::now;
use crate::secret::Secret;

/// Enough to ask `/limits` when the budget looks used up.
const CALLS_TO_LOOK: u64 = 3;
/// How often a refused refresh token is looked up again, with growing pauses: about five seconds in all.
const LOOKS_FOR_ROTATION: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);

impl Environment {
    /// Reserves `calls` of the org's API calls, lends a logged-in client to `work`, and settles what was used.
    ///
    /// # Errors
    /// `API_BUDGET_EXHAUSTED` when the org is at its cap, by Salesforce's own newest count; what `work` fails with.
    pub async fn with_salesforce<T>(
        &self,
        org: &OrgName,
        cap_percent: u8,
        calls: u64,
        work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match self.catalog().reserve_calls(org, calls, cap_percent).await {
            Err(failure) if failure.code == ErrorCode::ApiBudgetExhausted => {
                // The rolling window may have moved on since somebody looked last.
                self.lend(
                    org,
                    0,
                    &|| Budget::new(CALLS_TO_LOOK, 100),
                    async |client| client.limits().await.map(drop),
                )
                .await?;
                self.catalog()
                    .reserve_calls(org, calls, cap_percent)
                    .await?;
            }
            other => drop(other?),
        }
        self.lend(org, calls, &|| Budget::new(calls, cap_percent), work)
            .await
    }

    async fn lend<T>(
        &self,
        org: &OrgName,
        reserved: u64,
        budget: &dyn Fn() -> Budget,
        work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let client = match self.client(org, budget).await {
            Ok(client) => client,
            Err(failure) => {
                self.catalog().settle_calls(org, reserved, 0, None).await?;
                return Err(failure);
            }
        };
        let before = client.rotated_refresh_token().await;
        let result = work(&client).await;
        let after = client.rotated_refresh_token().await;
        if let Some(token) = after.filter(|token| before.as_ref() != Some(token)) {
            self.secrets.store_refresh_token(org, &token).await?;
        }
        let usage = client.budget().last_seen().map(|seen| Usage {
            used: seen.used.into(),
            max: seen.max.into(),
            at: client.server_time().unwrap_or_else(now),
        });
        self.catalog()
            .settle_calls(org, reserved, client.budget().used(), usage)
            .await?;
        if result.is_ok() {
            self.clients.lock().await.insert(org.clone(), client);
        }
        result
    }

    /// The login of a former invocation, or a new one.
    async fn client(&self, org: &OrgName, budget: &dyn Fn() -> Budget) -> Result<Client, Failure> {
        if let Some(client) = self.clients.lock().await.remove(org) {
            return Ok(client.with_budget(budget()));
        }
        let mut secret = self.secrets.of(org).await?;
        let mut refused = 0;
        let client = loop {
            match connect(&secret, budget()).await {
                // Another process may be about to store the refresh token that replaced the one read here.
                Err(failure) if failure.code == ErrorCode::LoginRefused && secret.may_rotate() => {
                    refused += 1;
                    if refused > LOOKS_FOR_ROTATION {
                        return Err(failure);
                    }
                    tokio::time::sleep(PAUSE * refused).await;
                    secret = self.secrets.of(org).await?;
                }
                other => break other?,
            }
        };
        if let Some(token) = client.rotated_refresh_token().await {
            self.secrets.store_refresh_token(org, &token).await?;
        }
        Ok(client)
    }
}

async fn connect(secret: &Secret, budget: Budget) -> Result<Client, Failure> {
    Client::connect(secret.credentials()?, Settings::default(), budget).await
}
