//! Learns what the org consists of: which objects there are, how each can be read, and what their fields are.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_catalog::{Calls, Catalog, ObjectFacts, ObjectItem};
use holdfast_model::{Failure, JobId, ObjectName, OrgName, Transport};
use holdfast_runtime::{Deadline, Environment, now};
use holdfast_salesforce::{Client, ObjectList, ObjectSummary};
use holdfast_vault::Vault;
use serde::{Deserialize, Serialize};

/// Calls that asking for the list of objects takes, with room for repeats.
const CALLS_FOR_LIST: u64 = 5;
/// Describes under way at once; each answer is held whole.
const AT_ONCE: usize = 6;

/// Why an object is not read that could be.
const EXCLUDED: &str = "excluded in the settings of the org";

/// What the state machine passes.
#[derive(Debug, Deserialize)]
pub struct Input {
    org: OrgName,
    job: JobId,
}

/// What the org consists of.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Whether anything was described; otherwise nothing changed since it was last.
    described: bool,
    /// Objects that a backup reads.
    readable: usize,
    /// Objects that it does not read, each with its reason in the catalog.
    unreadable: usize,
}

/// A repeat describes again what changed; the date of the description is written last.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input { org, job } = input;
    let catalog = environment.catalog();
    catalog.assert_lease(&org, &job).await?;
    let item = catalog.org(&org).await?;
    let caps = item.settings.caps();
    let list = environment
        .with_salesforce(&org, caps, Calls::api(CALLS_FOR_LIST), async |client| {
            // Corrects the API budget by Salesforce's own count before the job begins to spend it.
            client.limits().await?;
            client
                .describe_global(item.described_as_of.as_deref())
                .await
        })
        .await?;
    let described = match list {
        ObjectList::NotModified => false,
        ObjectList::Modified {
            objects,
            last_modified,
        } => {
            let room_for_repeats = objects.len() as u64 / 10 + CALLS_FOR_LIST;
            let calls = objects.len() as u64 + room_for_repeats;
            let excluded = item.settings.exclude_objects.into_iter().collect();
            let description = Description::of(environment, &org, excluded).await?;
            environment
                .with_salesforce(&org, caps, Calls::api(calls), async |client| {
                    description.update(client, objects).await
                })
                .await?;
            catalog
                .set_described_as_of(&org, last_modified.as_deref())
                .await?;
            true
        }
    };
    let objects = catalog.objects(&org).await?;
    let readable = objects.iter().filter(|object| object.is_readable()).count();
    Ok(Output {
        described,
        readable,
        unreadable: objects.len() - readable,
    })
}

/// What the catalog and the vault know, to be brought up to date.
struct Description<'a> {
    catalog: &'a Catalog,
    vault: Vault,
    org: &'a OrgName,
    known: BTreeMap<ObjectName, ObjectItem>,
    /// Not described: nothing of them is read.
    excluded: BTreeSet<ObjectName>,
}

impl<'a> Description<'a> {
    async fn of(
        environment: &'a Environment,
        org: &'a OrgName,
        excluded: BTreeSet<ObjectName>,
    ) -> Result<Self, Failure> {
        let catalog = environment.catalog();
        let objects = catalog.objects(org).await?;
        Ok(Self {
            catalog,
            vault: environment.vault(org).await?,
            org,
            known: objects
                .into_iter()
                .map(|item| (item.object.clone(), item))
                .collect(),
            excluded,
        })
    }

    async fn update(&self, client: &Client, objects: Vec<ObjectSummary>) -> Result<(), Failure> {
        let visible: BTreeSet<_> = objects.iter().map(|object| object.name.clone()).collect();
        stream::iter(objects)
            .map(|object| self.update_object(client, object))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        for (name, item) in &self.known {
            if let Some(facts) = item.facts.as_ref().filter(|_| !visible.contains(name)) {
                let reason = "no longer visible to the integration user".to_owned();
                self.note(
                    name,
                    &ObjectFacts {
                        transport: Transport::Unsupported { reason },
                        ..facts.clone()
                    },
                )
                .await?;
            }
        }
        Ok(())
    }

    async fn update_object(&self, client: &Client, object: ObjectSummary) -> Result<(), Failure> {
        let excluded = || self.excluded.contains(&object.name).then_some(EXCLUDED);
        if let Some(reason) = object.unsupported().or_else(excluded) {
            let facts = ObjectFacts {
                schema: None,
                label: object.label,
                cursor_field: None,
                transport: Transport::Unsupported {
                    reason: reason.to_owned(),
                },
                replicateable: false,
                calculated: false,
            };
            return self.note(&object.name, &facts).await;
        }
        let schema = client.describe(&object.name).await?.schema()?;
        let facts = ObjectFacts::of(&schema, object.replicateable);
        let known = self.known.get(&schema.name);
        let former = known.and_then(|item| item.facts.as_ref()?.schema.as_ref());
        if former != facts.schema.as_ref() {
            self.vault.put_schema(&schema).await?;
        }
        if let Some(former) = former.filter(|former| Some(*former) != facts.schema.as_ref())
            && schema.gained_fields(&self.vault.schema(&schema.name, former).await?)
        {
            // Before the facts: a repeat after a crash still sees what was gained.
            let at = client.server_time().unwrap_or_else(now);
            self.catalog
                .begin_refresh(self.org, &schema.name, at)
                .await?;
        }
        self.note(&schema.name, &facts).await
    }

    async fn note(&self, object: &ObjectName, facts: &ObjectFacts) -> Result<(), Failure> {
        let known = self.known.get(object).and_then(|item| item.facts.as_ref());
        if known != Some(facts) {
            self.catalog
                .put_object_facts(self.org, object, facts)
                .await?;
        }
        Ok(())
    }
}
