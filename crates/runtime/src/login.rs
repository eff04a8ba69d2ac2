//! Salesforce for a handler: calls are reserved before, settled after, and the login is kept.

use std::time::Duration;

use holdfast_catalog::{Calls, Caps, Settlement, Usage};
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
    /// Reserves some of the org's calls, lends a logged-in client to `work`, and settles what was used.
    ///
    /// # Errors
    /// `API_BUDGET_EXHAUSTED` when the org is at a cap, by Salesforce's own newest count; the job is suspended then. What
    /// `work` fails with.
    pub async fn with_salesforce<T>(
        &self,
        org: &OrgName,
        caps: Caps,
        calls: Calls,
        work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let result = self.within_budget(org, caps, calls, work).await;
        if let Err(failure) = &result
            && failure.code == ErrorCode::ApiBudgetExhausted
        {
            self.catalog().note_suspended(org, now()).await?;
        }
        result
    }

    async fn within_budget<T>(
        &self,
        org: &OrgName,
        caps: Caps,
        calls: Calls,
        work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match self.catalog().reserve_calls(org, calls, caps).await {
            Err(failure) if failure.code == ErrorCode::ApiBudgetExhausted => {
                // The rolling window may have moved on since somebody looked last.
                let look = || Budget::new(CALLS_TO_LOOK, 100);
                self.lend(org, Calls::default(), &look, async |client| {
                    client.limits().await.map(drop)
                })
                .await?;
                self.catalog().reserve_calls(org, calls, caps).await?;
            }
            other => drop(other?),
        }
        let budget = || Budget::new(calls.api, caps.api_percent).with_bulk_jobs(calls.bulk_jobs);
        self.lend(org, calls, &budget, work).await
    }

    async fn lend<T>(
        &self,
        org: &OrgName,
        reserved: Calls,
        budget: &dyn Fn() -> Budget,
        work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let client = match self.client(org, budget).await {
            Ok(client) => client,
            Err(failure) => {
                let unused = Settlement {
                    reserved,
                    ..Settlement::default()
                };
                self.catalog().settle_calls(org, unused, now()).await?;
                return Err(failure);
            }
        };
        let before = client.rotated_refresh_token().await;
        let result = work(&client).await;
        let after = client.rotated_refresh_token().await;
        if let Some(token) = after.filter(|token| before.as_ref() != Some(token)) {
            self.secrets.store_refresh_token(org, &token).await?;
        }
        let at = client.server_time().unwrap_or_else(now);
        let budget = client.budget();
        let usage = |seen: holdfast_salesforce::Usage| Usage {
            used: seen.used.into(),
            max: seen.max.into(),
            at,
        };
        let settlement = Settlement {
            reserved,
            used: Calls {
                api: budget.used(),
                bulk_jobs: budget.bulk_jobs_used(),
            },
            seen: budget.last_seen().map(usage),
            bulk_seen: budget.bulk_jobs_last_seen().map(usage),
        };
        self.catalog().settle_calls(org, settlement, at).await?;
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
