//! What is asked about the records of a page, in as few calls as it takes.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::MadeAs;
use holdfast_model::{Failure, ObjectName, Phase, SalesforceId, Target, TargetField};
use holdfast_plan::restore::Row;
use holdfast_plan::restore::preflight::{Facts, Standing, key};
use holdfast_salesforce::{Client, Records as Rows, Scope};

use crate::check::Run;
use crate::object::Object;
use crate::org::known;
use crate::page::{Is, Planned};

/// The questions.
pub(crate) struct Asked<'a> {
    object: &'a Object,
    target: &'a Target,
    /// Records that are there, and change.
    live: Vec<SalesforceId>,
    /// Records that come out of the Recycle Bin.
    back: Vec<SalesforceId>,
    /// Records that a run made before, and their new Ids: those that are still there are not made again.
    made: BTreeMap<SalesforceId, SalesforceId>,
    /// Records that go.
    goes: Vec<SalesforceId>,
    /// Records that are referred to, by object.
    referred: BTreeMap<ObjectName, BTreeSet<SalesforceId>>,
    /// Values that no two records may share, by field.
    unique: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Asked<'a> {
    pub(crate) fn about(
        object: &'a Object,
        target: &'a Target,
        planned: &[Planned],
        made: BTreeMap<SalesforceId, SalesforceId>,
        run: &Run<'_>,
    ) -> Self {
        let of = |phase: Phase| {
            let planned = planned
                .iter()
                .filter(move |one| one.passes.iter().any(|(of, _)| *of == phase));
            planned.filter(|one| !one.is.is_made())
        };
        let live = of(Phase::Update)
            .chain(of(Phase::Link))
            .filter(|one| one.is != Is::Back);
        let back = planned.iter().filter(|one| one.is == Is::Back);
        let mut asked = Self {
            object,
            target,
            live: live.map(|one| one.id).collect(),
            back: back.map(|one| one.id).collect(),
            made,
            goes: of(Phase::Delete).map(|one| one.id).collect(),
            referred: BTreeMap::new(),
            unique: BTreeMap::new(),
        };
        for write in planned
            .iter()
            .flat_map(|one| &one.passes)
            .flat_map(|(_, writes)| writes)
        {
            let (Some(field), Some(text)) = (target.field(&write.field), &write.to) else {
                continue;
            };
            if field.unique {
                asked
                    .unique
                    .entry(field.name.clone())
                    .or_default()
                    .insert(text.clone());
            }
            if field.is_reference() {
                asked.refer(text, &field.reference_to, run);
            }
        }
        asked
    }

    fn refer(&mut self, text: &str, to: &[String], run: &Run<'_>) {
        let Ok(id) = SalesforceId::parse(text.as_bytes()) else {
            return;
        };
        let objects = id
            .as_str()
            .get(..3)
            .and_then(|prefix| run.org_facts.objects.get(prefix));
        let mut to = to
            .iter()
            .filter(|to| objects.is_some_and(|objects| objects.contains(*to)));
        if let Some(object) = to.next().and_then(|to| ObjectName::parse(to.as_str()).ok()) {
            self.referred.entry(object).or_default().insert(id);
        }
    }

    /// Calls that the answers take at most, about: the smallest question holds some fifty values.
    pub(crate) fn calls(&self) -> u64 {
        let referred: usize = self.referred.values().map(BTreeSet::len).sum();
        let unique: usize = self.unique.values().map(BTreeSet::len).sum();
        let children = self
            .target
            .children
            .iter()
            .filter(|child| child.restricted_delete);
        let goes = self.goes.len() * children.count();
        // What a record in the Recycle Bin refers to is asked for, too.
        let back = self.back.len() * 3;
        let values = self.made.len() + self.live.len() + back + goes + 2 * referred + unique;
        60 + (values / 50) as u64
    }

    /// Asks. Of what the user may not see nothing is said.
    pub(crate) async fn answer(
        mut self,
        client: &Client,
        run: &Run<'_>,
    ) -> Result<(Facts, Rows), Failure> {
        let mut facts = Facts {
            keeps_inactive_owners: run.org_facts.keeps_inactive_owners,
            fates_are_incomplete: run.fates.are_incomplete,
            objects: run.org_facts.objects.clone(),
            now_ms: run.org_facts.at.millis(),
            ..Facts::default()
        };
        let mut rows = self.live_rows(client).await?;
        for (id, (is_deleted, row)) in self.deleted_rows(client).await? {
            let standing = if is_deleted {
                Standing::InRecycleBin
            } else {
                Standing::Live
            };
            facts.standing.insert(id, standing);
            for field in self.masters() {
                if let Some(text) = row.get(&field.name) {
                    self.refer(text, &field.reference_to, run);
                }
            }
            rows.insert(id, row);
        }
        for id in &self.back {
            facts.standing.entry(*id).or_insert(Standing::Gone);
        }
        let new: Vec<_> = self.made.values().copied().collect();
        let there = client.records(&self.target.name, &[], &new).await?;
        let again = self.made.iter().filter(|(_, new)| there.contains_key(new));
        facts
            .standing
            .extend(again.map(|(id, _)| (*id, Standing::Live)));
        for (object, ids) in &self.referred {
            standing(client, run, object, ids, &mut facts).await?;
        }
        self.holders(client, &mut facts).await?;
        self.locked(client, run, &mut facts).await?;
        self.kept(client, run, &mut facts).await?;
        let values = self.unique.iter().flat_map(|(field, values)| {
            let declared = self.target.field(field);
            values
                .iter()
                .filter_map(move |text| Some((field.clone(), key(declared?, text))))
        });
        let claimants = values.filter_map(|place| self.object.claims.gets.get(&place)?.first());
        let about = self.referred.values().flatten().chain(claimants);
        let fates = about.filter_map(|id| Some((*id, *run.fates.of.get(id)?)));
        facts.fates = fates.collect();
        Ok((facts, rows))
    }

    /// Lookups without which a record does not come back.
    fn masters(&self) -> impl Iterator<Item = &'a TargetField> + use<'a> {
        let fields = self.target.fields.iter();
        fields.filter(|field| field.is_reference() && (!field.nillable || field.cascade_delete))
    }

    /// Fields whose values are looked at.
    fn columns(&self) -> Vec<&str> {
        let mut columns: BTreeSet<_> = self
            .object
            .read_by_rules
            .iter()
            .map(String::as_str)
            .collect();
        if self.target.name.as_str() == "Lead" && self.target.field("IsConverted").is_some() {
            columns.insert("IsConverted");
        }
        columns.into_iter().collect()
    }

    async fn live_rows(&self, client: &Client) -> Result<Rows, Failure> {
        let (name, columns) = (&self.target.name, self.columns());
        if columns.is_empty() {
            return Ok(Rows::new());
        }
        if self.target.has_archive() {
            return client
                .records_and_archived(name, &columns, &self.live)
                .await;
        }
        client.records(name, &columns, &self.live).await
    }

    async fn deleted_rows(
        &self,
        client: &Client,
    ) -> Result<BTreeMap<SalesforceId, (bool, Row)>, Failure> {
        let mut columns = self.columns();
        columns.extend(
            ["IsDeleted"]
                .iter()
                .filter(|_| self.target.field("IsDeleted").is_some()),
        );
        let masters: Vec<_> = self.masters().map(|field| field.name.as_str()).collect();
        columns.extend(
            masters
                .iter()
                .filter(|name| !self.object.read_by_rules.contains(**name)),
        );
        let ids: Vec<_> = self.back.iter().map(SalesforceId::as_str).collect();
        let name = &self.target.name;
        let rows = client.records_with(name, &columns, ("Id", &ids), Scope::All);
        let rows = known(rows.await)?;
        let rows = rows.unwrap_or_default().into_iter().map(|(id, mut row)| {
            let is_deleted = row.remove("IsDeleted").is_some_and(|is| is == "true");
            (id, (is_deleted, row))
        });
        Ok(rows.collect())
    }

    /// Who has unique values that are to be written.
    async fn holders(&self, client: &Client, facts: &mut Facts) -> Result<(), Failure> {
        for (field, values) in &self.unique {
            let Some(declared) = self.target.field(field) else {
                continue;
            };
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            let columns = [field.as_str()];
            let name = &self.target.name;
            let rows = client.records_with(name, &columns, (field, &values), Scope::Live);
            let rows = known(rows.await)?;
            for (id, row) in rows.unwrap_or_default() {
                if let Some(text) = row.get(field) {
                    let place = (field.clone(), key(declared, text));
                    facts.holders.entry(place).or_default().insert(id);
                }
            }
        }
        Ok(())
    }

    /// Records in an approval process.
    async fn locked(
        &self,
        client: &Client,
        run: &Run<'_>,
        facts: &mut Facts,
    ) -> Result<(), Failure> {
        if !run.org_facts.has_approvals || run.org_facts.modifies_all || self.live.is_empty() {
            return Ok(());
        }
        let Ok(object) = ObjectName::parse("ProcessInstance") else {
            return Ok(());
        };
        let ids: Vec<_> = self.live.iter().map(SalesforceId::as_str).collect();
        let columns = ["TargetObjectId", "Status"];
        let among = ("TargetObjectId", ids.as_slice());
        let rows = client.records_with(&object, &columns, among, Scope::Live);
        let rows = known(rows.await)?;
        for row in rows.unwrap_or_default().into_values() {
            let is_pending = row.get("Status").is_some_and(|status| status == "Pending");
            if let Some(id) = row.get("TargetObjectId").filter(|_| is_pending) {
                facts.locked.insert(SalesforceId::parse(id.as_bytes())?);
            }
        }
        Ok(())
    }

    /// Records that others keep from being deleted, unless those go before.
    async fn kept(&self, client: &Client, run: &Run<'_>, facts: &mut Facts) -> Result<(), Failure> {
        let ids: Vec<_> = self.goes.iter().map(SalesforceId::as_str).collect();
        let children = self
            .target
            .children
            .iter()
            .filter(|child| child.restricted_delete);
        for child in children {
            let Ok(object) = ObjectName::parse(child.child.as_str()) else {
                continue;
            };
            let columns = [child.field.as_str()];
            let among = (child.field.as_str(), ids.as_slice());
            let rows = client.records_with(&object, &columns, among, Scope::Live);
            let rows = known(rows.await)?;
            for (id, row) in rows.unwrap_or_default() {
                if let Some(parent) = row
                    .get(&child.field)
                    .filter(|_| !run.fates.goes.contains(&id))
                {
                    facts
                        .keeping
                        .insert(SalesforceId::parse(parent.as_bytes())?);
                }
            }
        }
        Ok(())
    }
}

/// How records stand that are referred to; those that took the place of others count for them.
async fn standing(
    client: &Client,
    run: &Run<'_>,
    object: &ObjectName,
    ids: &BTreeSet<SalesforceId>,
    facts: &mut Facts,
) -> Result<(), Failure> {
    let is_user = object.as_str() == "User";
    let columns: &[&str] = if is_user { &["IsActive"] } else { &[] };
    let list: Vec<_> = ids.iter().copied().collect();
    let Some(live) = known(client.records(object, columns, &list).await)? else {
        return Ok(());
    };
    for (id, row) in &live {
        facts.standing.insert(*id, Standing::Live);
        if is_user && row.get("IsActive").is_some_and(|is| is == "false") {
            facts.inactive_users.insert(*id);
        }
    }
    let absent: Vec<_> = ids
        .iter()
        .copied()
        .filter(|id| !live.contains_key(id))
        .collect();
    let catalog = run.environment.catalog();
    let made = catalog
        .made(run.org, run.job, MadeAs::Itself, absent.iter().copied())
        .await?;
    let new: Vec<_> = made.values().copied().collect();
    let remade = client.records(object, &[], &new).await?;
    let texts: Vec<_> = absent.iter().map(SalesforceId::as_str).collect();
    let deleted = client.records_with(object, &[], ("Id", &texts), Scope::All);
    let Some(deleted) = known(deleted.await)? else {
        return Ok(());
    };
    for id in absent {
        let standing = match made.get(&id) {
            Some(new) if remade.contains_key(new) => Standing::Live,
            _ if deleted.contains_key(&id) => Standing::InRecycleBin,
            _ => Standing::Gone,
        };
        facts.standing.insert(id, standing);
    }
    Ok(())
}
