//! Roll-up summary fields as metadata, both ways.
//!
//! Source: Metadata API Developer Guide (`CustomField`, the fields that begin with `summary`).

use super::problem::Problem;
use crate::{
    schema::{Field, Kind, Object, Schema, Trait},
    soap::Element,
};

/// Adds what a roll-up is worked out from. A condition is a formula here, which metadata does not know: it is left out.
pub(crate) fn describe(out: &mut Element, roll_up: &str) {
    let mut parts = roll_up.split(':');
    let operation = parts.next().unwrap_or_default().to_lowercase();
    let mut path = parts.next().unwrap_or_default().split('.');
    let (detail, reference) = (
        path.next().unwrap_or_default(),
        path.next().unwrap_or_default(),
    );
    out.maybe(
        "summarizedField",
        path.next().map(|field| format!("{detail}.{field}")),
    )
    .put("summaryForeignKey", format!("{detail}.{reference}"))
    .put("summaryOperation", operation);
}

/// Makes `field` of `object` a roll-up as `content` says; what `old` was worked out from stays when it does not say.
pub(crate) fn read(
    schema: &Schema,
    object: &Object,
    content: &Element,
    old: Option<&Field>,
    field: &mut Field,
) -> Result<(), Problem> {
    field.traits.push(Trait::ReadOnly);
    let mut same = Element::default();
    let old = old.filter(|old| old.roll_up.is_some());
    if let Some(roll_up) = old.and_then(|old| old.roll_up.as_deref()) {
        describe(&mut same, roll_up);
    }
    let said = |name: &str| content.given(name).or_else(|| same.given(name));
    let must = |name: &str| {
        said(name).ok_or_else(|| {
            Problem::integrity(format!(
                "Must specify '{name}' for a CustomField of type Summary"
            ))
        })
    };
    let key = must("summaryForeignKey")?;
    let unknown = |name: &str| Problem::reference("summaryForeignKey", "CustomField", name);
    let (detail, reference) = key.split_once('.').ok_or_else(|| unknown(key))?;
    let (_, detail) = schema.find(detail).ok_or_else(|| unknown(key))?;
    let (_, reference) = detail.field(reference).ok_or_else(|| unknown(key))?;
    let master = reference.targets.first().and_then(|at| schema.object(*at));
    if reference.master.is_none() || master.is_none_or(|master| master.name != object.name) {
        return Err(Problem::integrity(format!(
            "{key} is not a master-detail relationship to {}",
            object.name
        )));
    }
    let operation = must("summaryOperation")?.to_uppercase();
    if !["COUNT", "SUM", "MIN", "MAX"].contains(&operation.as_str()) {
        return Err(Problem::invalid(
            "summaryOperation",
            &operation.to_lowercase(),
        ));
    }
    let mut text = format!("{operation}:{}.{}", detail.name, reference.name);
    if operation == "COUNT" {
        (field.kind, field.precision, field.scale) = (Kind::Double, 18, 0);
    } else {
        let name = must("summarizedField")?;
        let source = name.split_once('.').and_then(|(_, own)| detail.field(own));
        let (_, source) =
            source.ok_or_else(|| Problem::reference("summarizedField", "CustomField", name))?;
        (field.kind, field.precision, field.scale) = (source.kind, source.precision, source.scale);
        text.push('.');
        text.push_str(&source.name);
    }
    let filters: Vec<String> = content
        .all("summaryFilterItems")
        .map(|item| condition(detail, item))
        .collect::<Result<_, _>>()?;
    field.roll_up = Some(
        match (filters.as_slice(), old.and_then(|old| old.roll_up.as_ref())) {
            ([], Some(old)) if old.starts_with(&format!("{text}:")) => old.clone(),
            ([], _) => text,
            // The place between the colons is what the notation keeps for a field.
            (filters, _) => format!("{text}::AND({})", filters.join(",")),
        },
    );
    Ok(())
}

/// One filter as a formula about the detail.
fn condition(detail: &Object, item: &Element) -> Result<String, Problem> {
    let name = item
        .given("field")
        .ok_or_else(|| Problem::missing("field"))?;
    let own = name.split_once('.').map_or(name, |(_, own)| own);
    let (_, field) = detail
        .field(own)
        .ok_or_else(|| Problem::reference("summaryFilterItems", "CustomField", name))?;
    let value = item.given("value").unwrap_or_default();
    let operation = item.given("operation").unwrap_or_default();
    let quoted = format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    let symbol = match operation {
        "equals" => "=",
        "notEqual" => "<>",
        "greaterThan" => ">",
        "lessThan" => "<",
        "greaterOrEqual" => ">=",
        "lessOrEqual" => "<=",
        other => return Err(Problem::invalid("operation", other)),
    };
    let equal = match field.kind {
        Kind::Boolean if value.eq_ignore_ascii_case("true") => field.name.clone(),
        Kind::Boolean => format!("NOT({})", field.name),
        Kind::Picklist => format!("ISPICKVAL({},{quoted})", field.name),
        kind if kind.numeric() => {
            let number: f64 = value
                .parse()
                .map_err(|_| Problem::invalid("value", value))?;
            return Ok(format!("{}{symbol}{number}", field.name));
        }
        _ => return Ok(format!("{}{symbol}{quoted}", field.name)),
    };
    match operation {
        "equals" => Ok(equal),
        "notEqual" => Ok(format!("NOT({equal})")),
        other => Err(Problem::invalid("operation", other)),
    }
}
