//! Connected orgs.

use holdfast_model::{ErrorCode, Failure, OrgName, SalesforceId, Stamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Catalog, Settings,
    keys::{Key, Range},
    record::Record,
    table::Change,
};

/// A connected org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgItem {
    /// Its name here.
    pub org: OrgName,
    /// Which Salesforce organization it is, and how it is reached.
    pub connection: Connection,
    /// What its owner set.
    pub settings: Settings,
    /// When it was connected last.
    pub connected_at: Stamp,
    /// `Last-Modified` of the description that the objects in the catalog reflect, exactly as Salesforce sent it;
    /// goes back as `If-Modified-Since`.
    pub described_as_of: Option<String>,
    /// All deletions that Salesforce's delete log tells of before this moment are in the vault. Set before anything
    /// is read: what went earlier was never seen.
    #[serde(default)]
    pub deletes_covered: Option<Stamp>,
    /// When it was last asked which objects changed, those too that did not for long.
    #[serde(default)]
    pub polled_all_at: Option<Stamp>,
    /// Changes of this item.
    pub version: u64,
}

/// What a login told about the org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Id of the organization, `00D…`.
    pub organization_id: SalesforceId,
    /// Address of its instance, e.g. `https://acme.my.salesforce.com`.
    pub instance_url: String,
    /// The integration user.
    pub username: String,
    /// API version that is used, e.g. `66.0`.
    pub api_version: String,
}

impl Record for OrgItem {
    const NAME: &'static str = "org";

    fn key(&self) -> Key {
        Key::org(&self.org)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn version_mut(&mut self) -> &mut u64 {
        &mut self.version
    }
}

impl Catalog {
    /// Connects an org, or connects it again. Settings that are not given stay as they are (at first, the defaults).
    ///
    /// # Errors
    /// `ORG_MISMATCH` when the name belongs to another organization; `SETTING_INVALID`.
    pub async fn connect_org(
        &self,
        org: &OrgName,
        connection: &Connection,
        settings: Option<&Value>,
        at: Stamp,
    ) -> Result<OrgItem, Failure> {
        let unset = Value::Object(serde_json::Map::new());
        let changes = settings.unwrap_or(&unset);
        self.table
            .update(Key::org(org), |item: Option<OrgItem>| {
                let Some(item) = item else {
                    return Ok(Change::Write(OrgItem {
                        org: org.clone(),
                        connection: connection.clone(),
                        settings: Settings::parse(changes)?,
                        connected_at: at,
                        described_as_of: None,
                        deletes_covered: None,
                        polled_all_at: None,
                        version: 0,
                    }));
                };
                if item.connection.organization_id != connection.organization_id {
                    return Err(Failure::new(
                        ErrorCode::OrgMismatch,
                        format!(
                            "`{org}` is connected to another organization: `{}`",
                            item.connection.organization_id.as_str()
                        ),
                    ));
                }
                let settings = item.settings.clone().changed_by(changes)?;
                // What was excluded was not described; the next job has to look at everything.
                let same = settings.exclude_objects == item.settings.exclude_objects;
                Ok(Change::Write(OrgItem {
                    connection: connection.clone(),
                    settings,
                    connected_at: at,
                    described_as_of: item.described_as_of.filter(|_| same),
                    ..item
                }))
            })
            .await
    }

    /// The org of that name.
    ///
    /// # Errors
    /// `ORG_UNKNOWN`.
    pub async fn org(&self, org: &OrgName) -> Result<OrgItem, Failure> {
        self.table
            .get(Key::org(org))
            .await?
            .ok_or_else(|| unknown(org))
    }

    /// All connected orgs, by name.
    pub async fn orgs(&self) -> Result<Vec<OrgItem>, Failure> {
        self.table.list(Range::orgs()).await
    }

    /// Notes which description of the org the objects in the catalog reflect; to be called when all of them do.
    ///
    /// # Errors
    /// `ORG_UNKNOWN`.
    pub async fn set_described_as_of(
        &self,
        org: &OrgName,
        last_modified: Option<&str>,
    ) -> Result<OrgItem, Failure> {
        self.table
            .update(Key::org(org), |item: Option<OrgItem>| {
                let item = item.ok_or_else(|| unknown(org))?;
                if item.described_as_of.as_deref() == last_modified {
                    return Ok(Change::Keep(item));
                }
                Ok(Change::Write(OrgItem {
                    described_as_of: last_modified.map(str::to_owned),
                    ..item
                }))
            })
            .await
    }

    /// Notes from when on deletions matter, unless that is known; to be called before anything is read.
    ///
    /// # Errors
    /// `ORG_UNKNOWN`.
    pub async fn begin_deletes(&self, org: &OrgName, from: Stamp) -> Result<OrgItem, Failure> {
        self.move_deletes(org, |known| known.is_none().then_some(from))
            .await
    }

    /// Notes up to when deletions are in the vault; to be called when they are. Never moves back.
    ///
    /// # Errors
    /// `ORG_UNKNOWN`.
    pub async fn set_deletes_covered(
        &self,
        org: &OrgName,
        covered: Stamp,
    ) -> Result<OrgItem, Failure> {
        self.move_deletes(org, |known| (known < Some(covered)).then_some(covered))
            .await
    }

    /// Notes that it was asked of all objects whether they changed.
    ///
    /// # Errors
    /// `ORG_UNKNOWN`.
    pub async fn set_polled_all_at(&self, org: &OrgName, at: Stamp) -> Result<OrgItem, Failure> {
        self.table
            .update(Key::org(org), |item: Option<OrgItem>| {
                let item = item.ok_or_else(|| unknown(org))?;
                Ok(Change::Write(OrgItem {
                    polled_all_at: Some(at),
                    ..item
                }))
            })
            .await
    }

    /// Makes the next job ask of all objects whether they changed, also of those that did not for long.
    ///
    /// # Errors
    /// `ORG_UNKNOWN`.
    pub async fn ask_all_anew(&self, org: &OrgName) -> Result<OrgItem, Failure> {
        self.table
            .update(Key::org(org), |item: Option<OrgItem>| {
                let item = item.ok_or_else(|| unknown(org))?;
                if item.polled_all_at.is_none() {
                    return Ok(Change::Keep(item));
                }
                Ok(Change::Write(OrgItem {
                    polled_all_at: None,
                    ..item
                }))
            })
            .await
    }

    async fn move_deletes(
        &self,
        org: &OrgName,
        to: impl Fn(Option<Stamp>) -> Option<Stamp> + Send + Sync,
    ) -> Result<OrgItem, Failure> {
        self.table
            .update(Key::org(org), |item: Option<OrgItem>| {
                let item = item.ok_or_else(|| unknown(org))?;
                Ok(match to(item.deletes_covered) {
                    None => Change::Keep(item),
                    moved => Change::Write(OrgItem {
                        deletes_covered: moved,
                        ..item
                    }),
                })
            })
            .await
    }
}

fn unknown(org: &OrgName) -> Failure {
    Failure::new(
        ErrorCode::OrgUnknown,
        format!("no org of this name is connected: `{org}`"),
    )
}
