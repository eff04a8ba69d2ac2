//! An object of the plan as it is at the moment, with its rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_model::{ErrorCode, Failure, ObjectName, Phase, Target};
use holdfast_plan::formula::Formula;
use holdfast_plan::restore::plan::{Page, page_name};
use holdfast_plan::restore::preflight::{Claims, Rules, key};
use holdfast_plan::restore::run::Waiting;
use holdfast_salesforce::{Client, Columns, Scope};

use crate::check::Run;
use crate::org::known;

/// Unique values that are kept in mind.
const CLAIMS_MAX: usize = 500_000;
/// Characters of fields that rules read; a query for more does not fit into an address, and the rules stay unknown.
const READ_CHARS_MAX: usize = 2_500;

#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) name: ObjectName,
    /// Nothing when it is gone, or hidden from the user.
    pub(crate) target: Option<Target>,
    pub(crate) waiting: Waiting,
    pub(crate) rules: Option<Arc<Rules>>,
    pub(crate) claims: Arc<Claims>,
    /// Active duplicate rules.
    pub(crate) duplicate_rules: Vec<String>,
    /// Active triggers and flows, which may refuse any record.
    pub(crate) automation: Vec<String>,
    /// Fields of the object that its rules read.
    pub(crate) read_by_rules: BTreeSet<String>,
}

impl Object {
    /// Reads only.
    pub(crate) async fn open(run: &Run<'_>, place: usize) -> Result<Self, Failure> {
        let planned = run.plan.objects.get(place).ok_or_else(missing)?;
        let name = planned.turn.object.clone();
        let schema = run.vault.schema(&name, &planned.schema_now).await?;
        let waiting = Waiting::of(&planned.turn, &schema, &run.made_of);
        let ask = async |client: &Client| -> Result<_, Failure> {
            let target = client.describe_target(&name).await?;
            let rules = known(client.validation_rules(&name).await)?;
            Ok((target, rules, Automation::ask(client, &name).await?))
        };
        let (target, rules, automation) = run.lend_for_object(ask).await?;
        let rules = rules.map(|rules| {
            let rules = rules.into_iter().map(|rule| {
                let formula = Formula::parse(&rule.formula).ok();
                (rule.name, formula, rule.field)
            });
            Rules {
                rules: rules.collect(),
                is_blurred: automation.comes_first,
            }
        });
        let claims = match &target {
            Some(target) => claims(run, &name, planned.pages, target, &waiting).await?,
            None => Claims::default(),
        };
        let read_by_rules = read_by(rules.as_ref(), target.as_ref());
        let characters: usize = read_by_rules.iter().map(|field| field.len() + 1).sum();
        let rules = rules.filter(|_| characters <= READ_CHARS_MAX);
        Ok(Self {
            read_by_rules: read_by_rules
                .into_iter()
                .filter(|_| rules.is_some())
                .collect(),
            name,
            target,
            waiting,
            rules: rules.map(Arc::new),
            claims: Arc::new(claims),
            duplicate_rules: automation.duplicate_rules,
            automation: automation.names,
        })
    }
}

/// What else the object does with records that are saved.
#[derive(Debug, Default)]
struct Automation {
    names: Vec<String>,
    /// Whether it may change records before rules look at them.
    comes_first: bool,
    duplicate_rules: Vec<String>,
}

impl Automation {
    /// What the user may not see counts as not there.
    async fn ask(client: &Client, object: &ObjectName) -> Result<Self, Failure> {
        let mut found = Self::default();
        let soql = format!(
            "SELECT DeveloperName FROM DuplicateRule WHERE IsActive = true AND SobjectType = '{object}'"
        );
        for row in texts(client, &soql, &["DeveloperName"]).await? {
            found.duplicate_rules.extend(row);
        }
        let soql = format!(
            "SELECT Name,UsageBeforeInsert,UsageBeforeUpdate FROM ApexTrigger WHERE Status = 'Active' AND TableEnumOrId = '{object}'"
        );
        let columns = ["Name", "UsageBeforeInsert", "UsageBeforeUpdate"];
        let triggers = texts(client, &soql, &columns).await?;
        let soql = format!(
            "SELECT ApiName,TriggerType FROM FlowDefinitionView WHERE IsActive = true AND TriggerObjectOrEvent.QualifiedApiName = '{object}'"
        );
        let flows = texts(client, &soql, &["ApiName", "TriggerType"]).await?;
        for row in triggers.into_iter().chain(flows) {
            let mut row = row.into_iter();
            found.names.extend(row.next());
            found.comes_first |= row.any(|text| text == "true" || text == "RecordBeforeSave");
        }
        Ok(found)
    }
}

/// The rows of a short query, without nulls; none when the user may not ask.
async fn texts(client: &Client, soql: &str, columns: &[&str]) -> Result<Vec<Vec<String>>, Failure> {
    let names: Columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let page = client.query(soql, &names, Scope::Live).next_page().await;
    let Some(Some(page)) = known(page)? else {
        return Ok(Vec::new());
    };
    let row = |row: holdfast_salesforce::Row<'_>| {
        let texts = (0..columns.len()).filter_map(|column| row.value(column).map(str::to_owned));
        texts.collect()
    };
    Ok(page.rows().map(row).collect())
}

/// Fields that the rules read, as the object spells them.
fn read_by(rules: Option<&Rules>, target: Option<&Target>) -> BTreeSet<String> {
    let formulas = rules.into_iter().flat_map(|rules| &rules.rules);
    let formulas = formulas.filter_map(|(_, formula, _)| formula.as_ref());
    let fields = formulas.flat_map(Formula::fields);
    let fields = fields.filter_map(|name| target?.field(name));
    fields.map(|field| field.name.clone()).collect()
}

/// Values of unique fields that the plan gives and takes, in the order of its passes.
async fn claims(
    run: &Run<'_>,
    object: &ObjectName,
    pages: u32,
    target: &Target,
    waiting: &Waiting,
) -> Result<Claims, Failure> {
    let mut claims = Claims::default();
    if !target.fields.iter().any(|field| field.unique) {
        return Ok(claims);
    }
    for phase in [Phase::Update, Phase::Insert] {
        for number in 0..pages {
            let name = page_name(run.job, object, number);
            let page: Option<Page> = run.vault.find_document(&name).await?;
            for record in page.into_iter().flat_map(|page| page.records) {
                let writes = waiting.part(phase, &record.decision.step);
                for write in writes.into_iter().flatten() {
                    let Some(field) = target.field(&write.field).filter(|field| field.unique)
                    else {
                        continue;
                    };
                    if claims.gets.len() + claims.frees.len() >= CLAIMS_MAX {
                        claims.are_incomplete = true;
                        return Ok(claims);
                    }
                    if write.from.is_some() {
                        claims.frees.insert((field.name.clone(), record.id));
                    }
                    if let Some(text) = &write.to {
                        let place = (field.name.clone(), key(field, text));
                        claims.gets.entry(place).or_default().push(record.id);
                    }
                }
            }
        }
    }
    Ok(claims)
}

fn missing() -> Failure {
    Failure::new(
        ErrorCode::Internal,
        "the check is at an object that its plan does not have",
    )
}
