//! The system's own checks of a record, before any rule of the customer's.

use super::{SaveError, history::settable};
use crate::schema::{Field, Kind, Object, Trait};

/// Every field that the caller names can be written; `audit`: who and when too.
pub(super) fn writable(
    object: &Object,
    named: &[usize],
    creates: bool,
    audit: bool,
) -> Result<(), SaveError> {
    let fields = || named.iter().filter_map(|number| object.fields.get(*number));
    if creates && fields().any(|field| field.kind == Kind::Id) {
        return Err(SaveError::of(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "cannot specify Id in an insert call",
            "Id",
        ));
    }
    let refused: Vec<String> = fields()
        .filter(|field| {
            !(if creates {
                field.createable(object) || audit && settable(object, field)
            } else {
                field.updateable(object)
            })
        })
        .map(|field| field.name.clone())
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(not_writable(refused))
}

/// Fields that the caller may not write.
pub(super) fn not_writable(refused: Vec<String>) -> SaveError {
    SaveError {
        code: "INVALID_FIELD_FOR_INSERT_UPDATE",
        message: format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
            refused.join(", ")
        ),
        fields: refused,
        ..SaveError::new("", "")
    }
}

/// Every field that must have a value has one.
pub(super) fn required(
    object: &Object,
    has_value: impl Fn(usize) -> bool,
) -> Result<(), SaveError> {
    let fields = object.fields.iter().enumerate();
    let missing: Vec<&str> = fields
        .filter(|(number, field)| {
            field.is(Trait::Required) && field.createable(object) && !has_value(*number)
        })
        .map(|(_, field)| field.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(SaveError::missing(&missing))
}

/// A value keeps to its field's length and list.
pub(super) fn fits(field: &Field, text: &str) -> Result<(), SaveError> {
    let picks = matches!(field.kind, Kind::Picklist | Kind::MultiPicklist);
    if picks && field.is(Trait::Strict) {
        let bad = text
            .split(';')
            .find(|pick| !field.values.iter().any(|value| value == pick));
        if let Some(bad) = bad {
            return Err(SaveError::of(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                format!(
                    "{}: bad value for restricted picklist field: {bad}",
                    field.label()
                ),
                &field.name,
            ));
        }
    }
    // The platform counts UTF-16 units.
    let limited = field.kind.textual() && field.length > 0;
    if limited && text.encode_utf16().count() > field.length {
        return Err(SaveError::of(
            "STRING_TOO_LONG",
            format!(
                "{}: data value too large: {text} (max length={})",
                field.label(),
                field.length
            ),
            &field.name,
        ));
    }
    let no_address = !text.contains('@') || text.contains(char::is_whitespace);
    if field.kind == Kind::Email && no_address {
        return Err(SaveError::of(
            "INVALID_EMAIL_ADDRESS",
            format!("{}: invalid email address: {text}", field.label()),
            &field.name,
        ));
    }
    Ok(())
}

/// A number in plain decimal, rounded to the field's scale; nothing for what is no number.
pub(super) fn number(field: &Field, text: &str) -> Result<Option<String>, SaveError> {
    let Some(number) = plain(text, field.scale) else {
        return Ok(None);
    };
    let digits = number.trim_start_matches('-');
    let whole = digits.split('.').next().unwrap_or_default();
    let most = if field.kind == Kind::Int {
        field.length.max(1)
    } else {
        field.precision.max(field.scale) - field.scale
    };
    if whole.trim_start_matches('0').len() > most {
        return Err(SaveError::of(
            "NUMBER_OUTSIDE_VALID_RANGE",
            format!(
                "{}: value outside of valid range on numeric field: {text}",
                field.label()
            ),
            &field.name,
        ));
    }
    Ok(Some(if field.kind == Kind::Int {
        number.split('.').next().unwrap_or_default().to_owned()
    } else {
        number
    }))
}

/// Plain decimal with one digit after the point or more, half rounded away from zero.
fn plain(text: &str, scale: usize) -> Option<String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let negative = mantissa.starts_with('-');
    let unsigned = mantissa.trim_start_matches(['-', '+']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) || exponent.abs() > 60 {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let lead = usize::try_from(-point).unwrap_or(0);
    let mut padded = vec![b'0'; lead + 1];
    padded.append(&mut digits);
    let point = usize::try_from(point).unwrap_or(0) + 1;
    while padded.len() < point + scale + 1 {
        padded.push(b'0');
    }
    let up = padded
        .get(point + scale)
        .is_some_and(|digit| *digit >= b'5');
    padded.truncate(point + scale);
    if up {
        for digit in padded.iter_mut().rev() {
            if *digit == b'9' {
                *digit = b'0';
            } else {
                *digit += 1;
                break;
            }
        }
    }
    let text = String::from_utf8(padded).ok()?;
    let (whole, fraction) = text.split_at_checked(point)?;
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    let zero = whole == "0" && fraction == "0";
    let sign = if negative && !zero { "-" } else { "" };
    Some(format!("{sign}{whole}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_plain_decimals_of_their_scale() {
        for (text, scale, expected) in [
            ("5", 2, Some("5.0")),
            ("1e3", 0, Some("1000.0")),
            ("-0.005", 2, Some("-0.01")),
            ("9.995", 2, Some("10.0")),
            ("0.004", 2, Some("0.0")),
            ("-0.0", 2, Some("0.0")),
            ("123456789012345678", 0, Some("123456789012345678.0")),
            ("12345678901234.56", 2, Some("12345678901234.56")),
            ("2.5e-1", 4, Some("0.25")),
            ("", 2, None),
            ("abc", 2, None),
            ("1.2.3", 2, None),
        ] {
            assert_eq!(plain(text, scale).as_deref(), expected, "{text}");
        }
    }
}
