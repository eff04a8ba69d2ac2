//! Deterministic rows that look like those of an org.

use std::fmt::Write as _;

use holdfast_model::{FieldSchema, ObjectName, ObjectSchema, Transport};

/// Name and describe type.
pub(crate) const COLUMNS: [(&str, &str); 20] = [
    ("Id", "id"),
    ("IsDeleted", "boolean"),
    ("SystemModstamp", "datetime"),
    ("Name", "string"),
    ("Street", "textarea"),
    ("City", "string"),
    ("PostalCode", "string"),
    ("Country", "string"),
    ("Phone", "phone"),
    ("Email", "email"),
    ("OwnerId", "reference"),
    ("AccountId", "reference"),
    ("CreatedDate", "datetime"),
    ("LastModifiedById", "reference"),
    ("Status", "picklist"),
    ("Amount", "currency"),
    ("Description", "textarea"),
    ("Score", "double"),
    ("Consent", "boolean"),
    ("ExternalId", "string"),
];

const CITIES: [&str; 8] = [
    "Berlin",
    "São Paulo",
    "München",
    "Leeds",
    "Oslo",
    "Kraków",
    "Lyon",
    "Porto",
];

const WORDS: [&str; 16] = [
    "call", "back", "about", "the", "contract", "and", "send", "an", "offer", "next", "week",
    "pricing", "urgent", "budget", "approved", "by",
];

const STATUS: [&str; 4] = [
    "New",
    "Working",
    "Closed - Converted",
    "Closed - Not Converted",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// The row of a number, if the side has it; into texts that are used again.
pub(crate) fn row(number: u32, side: Side, texts: &mut [String; 20]) -> bool {
    let is_there = !matches!((number % 1_000, side), (13, Side::Right) | (17, Side::Left));
    let changed = number % 100 == 7 && side == Side::Right;
    let mix = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (a, b) = (mix >> 40, mix >> 20 & 0xf_ffff);
    for text in &mut *texts {
        text.clear();
    }
    let pick =
        |list: &'static [&'static str], at: u64| list[usize::try_from(at).unwrap() % list.len()];
    let second = 1_600_000_000 + b * 60 + if changed { 99_999_999 } else { 0 };
    let stamp = |seconds: u64| {
        holdfast_model::Stamp::from_millis(i64::try_from(seconds).unwrap() * 1_000).to_string()
    };
    let _ = write!(texts[0], "{}", id("00Q", number));
    texts[1].push_str("false");
    texts[2] = stamp(second);
    let _ = write!(texts[3], "Lead {a} {}", pick(&CITIES, b));
    let _ = write!(texts[4], "{} {} street", a % 900, pick(&WORDS, a));
    texts[5].push_str(pick(&CITIES, a));
    let _ = write!(texts[6], "{:05}", b % 100_000);
    texts[7].push_str("Germany");
    let _ = write!(texts[8], "+49 {a} {}", b % 10_000);
    let _ = write!(texts[9], "lead.{number}@example.com");
    let _ = write!(texts[10], "{}", id("005", number % 300));
    let _ = write!(
        texts[11],
        "{}",
        id("001", u32::try_from(a).unwrap() % 900_000)
    );
    texts[12] = stamp(1_500_000_000 + b * 60);
    let _ = write!(texts[13], "{}", id("005", number % 7));
    texts[14].push_str(if changed {
        "Archived"
    } else {
        pick(&STATUS, a)
    });
    let _ = write!(texts[15], "{}.{:02}", a, b % 100);
    for at in 0..8 {
        texts[16].push_str(pick(&WORDS, mix >> (at * 7)));
        texts[16].push(' ');
    }
    let _ = write!(texts[17], "{}", b % 1_000);
    texts[18].push_str(if a % 2 == 0 { "true" } else { "false" });
    let _ = write!(texts[19], "EXT-{mix:016x}");
    is_there
}

fn id(prefix: &str, number: u32) -> holdfast_model::SalesforceId {
    holdfast_model::SalesforceId::parse(format!("{prefix}D0000{number:07}").as_bytes()).unwrap()
}

pub(crate) fn schema() -> ObjectSchema {
    ObjectSchema {
        name: ObjectName::parse("Lead").unwrap(),
        label: "Lead".into(),
        key_prefix: Some("00Q".into()),
        associate_entity_type: None,
        associate_parent_entity: None,
        comes_back_with_parent: false,
        transport: Transport::Bulk,
        cursor_field: Some("SystemModstamp".into()),
        fields: COLUMNS
            .iter()
            .map(|(name, kind)| field(name, kind))
            .collect(),
        children: Vec::new(),
    }
}

fn field(name: &str, field_type: &str) -> FieldSchema {
    FieldSchema {
        name: name.into(),
        field_type: field_type.into(),
        nillable: true,
        createable: true,
        updateable: true,
        filterable: true,
        ..FieldSchema::default()
    }
}
