//! The validation rules of an object (Tooling guide, `ValidationRule`).

use holdfast_model::{Failure, ObjectName, SalesforceId};
use serde::Deserialize;

use crate::call::Call;
use crate::client::Client;
use crate::rows::damaged;

/// Active rules that an object can have (Salesforce features and edition allocations: 500).
const RULES_MAX: usize = 1_000;

/// A rule that refuses records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationRule {
    /// API name.
    pub name: String,
    /// The record is refused when this holds.
    pub formula: String,
    /// The field at fault, if the rule names one.
    pub field: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    validation_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    error_condition_formula: String,
    #[serde(default)]
    error_display_field: Option<String>,
}

impl Client {
    /// The active rules of an object. One call, and one for each rule: a query shows the formula of one row only.
    ///
    /// # Errors
    /// `SALESFORCE_DENIED` and the like when the user may not see the setup.
    pub async fn validation_rules(
        &self,
        object: &ObjectName,
    ) -> Result<Vec<ValidationRule>, Failure> {
        let soql = format!(
            "SELECT Id, ValidationName FROM ValidationRule WHERE Active = true AND EntityDefinition.QualifiedApiName = '{object}'"
        );
        let listed: Vec<Listed> = self.tooling(&soql).await?;
        if listed.len() > RULES_MAX {
            return Err(damaged("an object has more rules than an object can have"));
        }
        let mut rules = Vec::with_capacity(listed.len());
        for Listed {
            id,
            validation_name,
        } in listed
        {
            let id = SalesforceId::parse(id.as_bytes())?;
            let call = Call::get(self.path(&format!("tooling/sobjects/ValidationRule/{id}")));
            let Record { metadata } = self.json(&call).await?;
            rules.push(ValidationRule {
                name: validation_name,
                formula: metadata.error_condition_formula,
                field: metadata.error_display_field,
            });
        }
        Ok(rules)
    }
}
