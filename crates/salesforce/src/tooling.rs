//! The Tooling API: setup as rows, and the `Metadata` of a single one (Tooling API guide, REST Resources).

use holdfast_model::{ErrorCode, Failure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::client::Client;
use crate::rows::damaged;

/// Where further pages are; an address elsewhere would carry the token away.
const NEXT_PREFIX: &str = "/services/data/";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    total_size: usize,
    done: bool,
    next_records_url: Option<String>,
    records: Vec<T>,
}

/// What is said of a component as a whole, names as Salesforce has them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Component {
    /// All of it; null for who may not see it.
    pub(crate) metadata: Option<Map<String, Value>>,
    /// The source of Apex.
    #[serde(default)]
    pub(crate) body: Option<String>,
}

impl Client {
    /// All rows of a query of the Tooling API. Fewer than it counts itself are an error: what is not told is not switched.
    pub(crate) async fn tooling<T: DeserializeOwned>(&self, soql: &str) -> Result<Vec<T>, Failure> {
        let mut rows = Vec::new();
        let mut call = Call::get(self.path("tooling/query")).query("q", soql);
        loop {
            let page: Page<T> = self.json(&call).await?;
            rows.extend(page.records);
            match page.next_records_url.filter(|_| !page.done) {
                Some(next) if next.starts_with(NEXT_PREFIX) => call = Call::get(next),
                Some(_) => return Err(damaged("address of the next page is malformed")),
                None if rows.len() == page.total_size => return Ok(rows),
                None => {
                    let message = format!(
                        "`{}` rows came, the query has `{}`",
                        rows.len(),
                        page.total_size
                    );
                    return Err(Failure::new(ErrorCode::CountMismatch, message));
                }
            }
        }
    }

    /// A component as a whole.
    pub(crate) async fn component(&self, object: &str, id: &str) -> Result<Component, Failure> {
        let call = Call::get(self.path(&format!("tooling/sobjects/{object}/{id}")));
        Ok(self.json(&call).await?)
    }

    /// Makes a component what its `Metadata` says, which must be whole: what it leaves out is emptied.
    pub(crate) async fn set_metadata(
        &self,
        object: &str,
        id: &str,
        metadata: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let path = self.path(&format!("tooling/sobjects/{object}/{id}"));
        let call = Call::patch(path, &json!({ "Metadata": metadata }));
        Ok(self.ask(&call, |_| Ok(())).await?)
    }
}
