//! Compares one object as far as one call goes, a page of differences after the other.

mod difference;
mod sides;

use holdfast_catalog::{Catalog, ComparisonItem, ComparisonProgress, ComparisonState, JobStatus};
use holdfast_model::{ErrorCode, Failure, JobId, ObjectName, OrgName, SalesforceId};
use holdfast_plan::compare::{Difference, Line, Page, Plan, page_name, plan_name};
use holdfast_runtime::{Deadline, Environment};
use holdfast_vault::{Found, Put, Totals, Vault};
use serde::Serialize;

use crate::difference::difference;
use crate::sides::Sides;

/// Text of a page: a reader opens one at a time.
const PAGE_BYTES: usize = 4 << 20;

/// Whether to call again.
#[derive(Debug, Serialize)]
pub struct Output {
    outcome: Outcome,
    org: OrgName,
    job: JobId,
    object: ObjectName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Time was nearly up.
    More,
    /// The object is compared, or the job has ended.
    Done,
}

/// A repeat goes on behind the last page that is known.
pub async fn handle(
    environment: &Environment,
    deadline: Deadline,
    input: Line,
) -> Result<Output, Failure> {
    let Line { org, job, object } = input;
    let outcome = compare(environment, deadline, &org, &job, &object).await?;
    Ok(Output {
        outcome,
        org,
        job,
        object,
    })
}

async fn compare(
    environment: &Environment,
    deadline: Deadline,
    org: &OrgName,
    job: &JobId,
    object: &ObjectName,
) -> Result<Outcome, Failure> {
    let catalog = environment.catalog();
    if !is_running(catalog, org, job).await? {
        return Ok(Outcome::Done);
    }
    let item = catalog.open_comparison(org, job, object).await?;
    if item.state != ComparisonState::Open {
        return Ok(Outcome::Done);
    }
    let vault = environment.vault(org).await?;
    let plan: Plan = vault.document(&plan_name(job)).await?;
    let sides = Sides::open(environment, &plan, object).await?;
    let mut pages = Pages {
        catalog,
        vault,
        until: item.progress.after,
        item,
        differences: Vec::new(),
        bytes: 0,
        told: Totals::default(),
    };
    if sides.is_one_sided() {
        return pages.count(&sides).await;
    }
    let mut pairs = sides.pairs(pages.item.progress.after);
    loop {
        let found = pairs.next().await?;
        let at_end = matches!(found, Found::End);
        match found {
            Found::Pair(pair) => {
                pages.until = Some(pair.id);
                pages.add(difference(sides.fields(), &pair));
            }
            Found::Reached(id) => pages.until = Some(id),
            Found::End => pages.until = None,
        }
        let in_a_hurry = deadline.is_near();
        if at_end || in_a_hurry || pages.bytes >= PAGE_BYTES {
            match pages.flush(pairs.totals(), at_end).await? {
                Flushed::Ours if at_end => return Ok(Outcome::Done),
                Flushed::Ours if in_a_hurry => return Ok(Outcome::More),
                Flushed::Ours => {}
                Flushed::Another => return Ok(Outcome::More),
                Flushed::Cancelled => return Ok(Outcome::Done),
            }
        }
    }
}

async fn is_running(catalog: &Catalog, org: &OrgName, job: &JobId) -> Result<bool, Failure> {
    Ok(catalog.job(org, job).await?.status == JobStatus::Running)
}

/// What is found, on its way into the vault.
struct Pages<'a> {
    catalog: &'a Catalog,
    vault: Vault,
    item: ComparisonItem,
    /// Since the last page.
    differences: Vec<Difference>,
    bytes: usize,
    /// The last record that was looked at; nothing at the end.
    until: Option<SalesforceId>,
    /// Totals at the last page of this call.
    told: Totals,
}

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flushed {
    Ours,
    /// A call that was killed had written this page, up to another record. It counts.
    Another,
    /// The job is over.
    Cancelled,
}

impl Pages<'_> {
    fn add(&mut self, difference: Option<Difference>) {
        self.bytes += difference.as_ref().map_or(0, Difference::bytes);
        self.differences.extend(difference);
    }

    /// Order of durability: the page is in the bucket before the catalog hears of it.
    async fn flush(&mut self, totals: Totals, at_end: bool) -> Result<Flushed, Failure> {
        if !is_running(self.catalog, &self.item.org, &self.item.job).await? {
            return Ok(Flushed::Cancelled);
        }
        let page = Page {
            after: self.item.progress.after,
            until: self.until,
            records: (totals.left - self.told.left, totals.right - self.told.right),
            differences: std::mem::take(&mut self.differences),
        };
        self.bytes = 0;
        self.told = totals;
        if page.differences.is_empty() {
            self.save(&page, 0, at_end).await?;
            return Ok(Flushed::Ours);
        }
        let number = self.item.progress.pages;
        let name = page_name(&self.item.job, &self.item.object, number);
        if self.vault.put_document(&name, &page).await? == Put::Created {
            self.save(&page, 1, at_end).await?;
            return Ok(Flushed::Ours);
        }
        let there: Page = self.vault.document(&name).await?;
        if there.after != self.item.progress.after {
            return Err(Failure::new(
                ErrorCode::Internal,
                format!("page does not follow the one before it: `{number}`"),
            ));
        }
        self.save(&there, 1, there.until.is_none()).await?;
        Ok(Flushed::Another)
    }

    async fn save(&mut self, page: &Page, pages: u32, is_done: bool) -> Result<(), Failure> {
        let mut progress = self.item.progress.clone();
        progress.after = page.until;
        progress.pages += pages;
        difference::count(&mut progress.counts, page);
        self.item = self
            .catalog
            .save_comparison(&self.item, progress, is_done)
            .await?;
        Ok(())
    }

    /// What only one side has is all different, and is counted, not copied.
    async fn count(&mut self, sides: &Sides) -> Result<Outcome, Failure> {
        let mut progress = ComparisonProgress::default();
        let (left, right) = sides.count().await?;
        progress.counts.left = left;
        progress.counts.only_left = left;
        progress.counts.right = right;
        progress.counts.only_right = right;
        self.catalog
            .save_comparison(&self.item, progress, true)
            .await?;
        Ok(Outcome::Done)
    }
}
