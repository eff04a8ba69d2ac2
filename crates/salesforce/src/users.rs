//! Users that were deactivated: only active ones can be made owners of records (SOAP guide, `INACTIVE_OWNER_OR_USER`).

use std::collections::BTreeSet;

use holdfast_model::{AutomationKind, ErrorCode, Failure, ObjectName, SalesforceId, Switch};

use crate::automation::{Found, automation};
use crate::client::Client;
use crate::write::{Draft, Value};

const IS_ACTIVE: &str = "IsActive";

impl Client {
    /// Of users that are there, whether they are inactive.
    pub(crate) async fn deactivations(
        &self,
        users: &BTreeSet<SalesforceId>,
    ) -> Result<Vec<Found>, Failure> {
        let ids: Vec<_> = users.iter().copied().collect();
        let user = user()?;
        let rows = self.records(&user, &[IS_ACTIVE], &ids).await?.into_iter();
        let found = rows.map(|(id, row)| Found {
            automation: automation(AutomationKind::InactiveOwners, &user, id.to_string()),
            is_on: row.get(IS_ACTIVE).is_some_and(|is| is == "false"),
            is_managed: false,
            id: id.to_string(),
        });
        Ok(found.collect())
    }

    /// Deactivates a user that is switched on, and activates one that is switched off.
    pub(crate) async fn switch_deactivation(
        &self,
        found: &Found,
        switch: Switch,
    ) -> Result<(), Failure> {
        let draft = Draft {
            id: Some(SalesforceId::parse(found.id.as_bytes())?),
            fields: vec![(IS_ACTIVE.to_owned(), Value::Truth(!switch.is_on()))],
        };
        let saved = self.update(&user()?, &[draft]).await?;
        let Some(Err(error)) = saved.into_iter().next() else {
            return Ok(());
        };
        Err(Failure::new(
            ErrorCode::AutomationStaysOn,
            format!("salesforce refused `{}`: {}", found.automation, error.code),
        ))
    }
}

fn user() -> Result<ObjectName, Failure> {
    ObjectName::parse("User")
}
