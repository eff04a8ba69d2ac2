//! The two sides of an object: its segments, its fields, and what a filter chooses of it.

use holdfast_model::filter::Filter;
use holdfast_model::{
    ErrorCode, Failure, ObjectName, ObjectSchema, SalesforceId, SegmentEntry, Stamp,
};
use holdfast_plan::ComparedFields;
use holdfast_plan::compare::{Plan, PlannedObject, Which, schemas};
use holdfast_runtime::Environment;
use holdfast_vault::{Choice, Fields, Pairs, Vault};

/// Later than any stamp: a live side shows all that is captured.
const END_OF_TIME: Stamp = Stamp::from_millis(253_402_300_799_999);

/// Both sides of one object.
pub(crate) struct Sides {
    left: Side,
    right: Side,
    fields: ComparedFields,
}

struct Side {
    vault: Vault,
    as_of: Stamp,
    /// Nothing when the side has no such object.
    schema: Option<ObjectSchema>,
    segments: Vec<SegmentEntry>,
    choice: Option<Choice>,
}

impl Sides {
    /// Reads what is needed of both orgs.
    pub(crate) async fn open(
        environment: &Environment,
        plan: &Plan,
        object: &ObjectName,
    ) -> Result<Self, Failure> {
        let planned = plan.object(object).ok_or_else(|| {
            Failure::new(
                ErrorCode::InputInvalid,
                format!("input: `object` is not in the plan of the job: `{object}`"),
            )
        })?;
        let request = &plan.request;
        let left = open(environment, plan, planned, Which::Left).await?;
        let right = open(environment, plan, planned, Which::Right).await?;
        let fields =
            ComparedFields::of(left.schema.as_ref(), right.schema.as_ref(), &request.ignore);
        Ok(Self {
            left,
            right,
            fields,
        })
    }

    /// The fields that count.
    pub(crate) fn fields(&self) -> &ComparedFields {
        &self.fields
    }

    /// Whether one side has no such object.
    pub(crate) fn is_one_sided(&self) -> bool {
        self.left.schema.is_none() || self.right.schema.is_none()
    }

    /// What differs behind a record.
    pub(crate) fn pairs(&self, after: Option<SalesforceId>) -> Pairs {
        let side = |side: &Side, fields: Vec<String>| {
            let opened = side.vault.side(side.segments.clone(), side.as_of, fields);
            match &side.choice {
                Some(choice) => opened.only(choice.clone()),
                None => opened,
            }
        };
        let left = side(&self.left, self.fields.left().map(str::to_owned).collect());
        let right = side(
            &self.right,
            self.fields.right().map(str::to_owned).collect(),
        );
        Pairs::new(left, right, after)
    }

    /// Live records of each side.
    pub(crate) async fn count(&self) -> Result<(u64, u64), Failure> {
        Ok((count(&self.left).await?, count(&self.right).await?))
    }
}

async fn count(side: &Side) -> Result<u64, Failure> {
    if side.schema.is_none() {
        return Ok(0);
    }
    let live = holdfast_vault::Filter::Live;
    let scan = side
        .vault
        .scan(&side.segments, side.as_of, Fields::Named(&[]), live);
    match &side.choice {
        Some(choice) => scan.only(choice).count().await,
        None => scan.count().await,
    }
}

async fn open(
    environment: &Environment,
    plan: &Plan,
    object: &PlannedObject,
    which: Which,
) -> Result<Side, Failure> {
    let moment = plan.request.moment(which);
    let vault = environment.vault(&moment.org).await?;
    let catalog = environment.catalog();
    let as_of = moment.at.unwrap_or(END_OF_TIME);
    let Some(planned) = object.side(which) else {
        return Ok(Side {
            vault,
            as_of,
            schema: None,
            segments: Vec::new(),
            choice: None,
        });
    };
    let name = &object.object;
    let schema = vault.schema(name, &planned.schema).await?;
    let choice = match plan.request.filters.get(name) {
        None => None,
        Some(text) => {
            let filter = Filter::parse(text)?;
            Some(choose(environment, plan, which, name, &filter).await?)
        }
    };
    Ok(Side {
        segments: catalog.segments(&moment.org, name).await?,
        vault,
        as_of,
        schema: Some(schema),
        choice,
    })
}

async fn choose(
    environment: &Environment,
    plan: &Plan,
    which: Which,
    object: &ObjectName,
    filter: &Filter,
) -> Result<Choice, Failure> {
    let moment = plan.request.moment(which);
    let vault = environment.vault(&moment.org).await?;
    let schemas = vault.schemas(schemas(&plan.objects, which)).await?;
    let now = moment.at.unwrap_or(plan.planned_at);
    let calendar = plan.request.calendar.at(now)?;
    let selection = filter.check(object, &schemas)?.at(&calendar);
    let as_of = moment.at.unwrap_or(END_OF_TIME);
    environment.choose(&moment.org, selection, as_of).await
}
