//! Deterministic rows that look like the contacts of an org, as Bulk API 2.0 prints them.

use std::fmt::Write as _;

use holdfast_model::{SalesforceId, Stamp};

/// Name and describe type.
pub(crate) const FIELDS: [(&str, &str); 30] = [
    ("Id", "id"),
    ("IsDeleted", "boolean"),
    ("AccountId", "reference"),
    ("LastName", "string"),
    ("FirstName", "string"),
    ("Salutation", "picklist"),
    ("Name", "string"),
    ("MailingStreet", "textarea"),
    ("MailingCity", "string"),
    ("MailingPostalCode", "string"),
    ("MailingCountry", "string"),
    ("Phone", "phone"),
    ("MobilePhone", "phone"),
    ("Email", "email"),
    ("Title", "string"),
    ("Department", "string"),
    ("LeadSource", "picklist"),
    ("Birthdate", "date"),
    ("Description", "textarea"),
    ("OwnerId", "reference"),
    ("CreatedDate", "datetime"),
    ("CreatedById", "reference"),
    ("LastModifiedDate", "datetime"),
    ("LastModifiedById", "reference"),
    ("SystemModstamp", "datetime"),
    ("External_Id__c", "string"),
    ("Score__c", "double"),
    ("Revenue__c", "currency"),
    ("Consent__c", "boolean"),
    ("Last_Contact__c", "datetime"),
];

const FIRST: [&str; 16] = [
    "Anna",
    "José",
    "Łukasz",
    "Mei",
    "Fatima",
    "John",
    "Zoë",
    "Øystein",
    "Priya",
    "Omar",
    "Grace",
    "Björn",
    "Chloé",
    "Nguyễn",
    "Mary Jane",
    "Dmitri",
];
const LAST: [&str; 16] = [
    "Müller",
    "O'Neill",
    "García",
    "Smith",
    "Nakamura",
    "Jensen",
    "Kowalska",
    "Ibrahim",
    "van der Berg",
    "李",
    "Rossi",
    "Novák",
    "Sørensen",
    "Patel",
    "Öztürk",
    "Brown",
];
const CITIES: [&str; 12] = [
    "Berlin",
    "São Paulo",
    "München",
    "New York",
    "København",
    "Zürich",
    "東京",
    "Austin",
    "Lyon",
    "Kraków",
    "Oslo",
    "Leeds",
];
const WORDS: [&str; 24] = [
    "renewal",
    "call",
    "asked",
    "about",
    "the",
    "contract",
    "and",
    "will",
    "send",
    "an",
    "offer",
    "next",
    "week",
    "pricing",
    "\"\"urgent\"\"",
    "follow-up",
    "demo",
    "😀",
    "budget,",
    "approved",
    "größer",
    "by",
    "finance",
    "team",
];
const SOURCES: [&str; 6] = [
    "Web",
    "Phone Inquiry",
    "Partner Referral",
    "Purchased List",
    "Other",
    "",
];
const TITLES: [&str; 8] = [
    "CEO",
    "CFO",
    "VP Sales",
    "Engineer",
    "Head of Procurement",
    "Consultant",
    "Assistant",
    "",
];

/// CSV of about `bytes`, with a header, every value quoted, lines ended by LF; the same for the same `bytes`.
pub(crate) fn csv(bytes: usize) -> Vec<u8> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut csv = String::with_capacity(bytes + (1 << 20));
    for (column, (name, _)) in FIELDS.iter().enumerate() {
        let _ = write!(csv, "{}\"{name}\"", if column == 0 { "" } else { "," });
    }
    csv.push('\n');
    let mut row = 0;
    while csv.len() < bytes {
        push_row(&mut csv, &mut random, row);
        row += 1;
    }
    csv.into_bytes()
}

fn push_row(csv: &mut String, random: &mut Random, row: u64) {
    let first = random.pick(&FIRST);
    let last = random.pick(&LAST);
    let created = 1_400_000_000 + row * 37 + random.below(30);
    let modified = created + random.below(100_000_000);
    // Every fifth row was touched by one mass update.
    let stamp = if row.is_multiple_of(5) {
        1_700_000_000
    } else {
        modified
    };
    let owners = 40;
    let mut description = String::new();
    let words = if random.below(200) == 0 {
        2_000
    } else {
        random.below(40)
    };
    for word in 0..words {
        description.push_str(match (word, word % 12) {
            (0, _) => "",
            (_, 0) => ".\n",
            _ => " ",
        });
        description.push_str(random.pick(&WORDS));
    }
    let values = [
        id("003", row),
        "false".into(),
        id("001", random.below(row / 4 + 1)),
        last.into(),
        first.into(),
        ["Mr.", "Ms.", "Dr.", ""][random.index(4)].into(),
        format!("{first} {last}"),
        format!(
            "{} {} St\nFloor {}",
            1 + random.below(999),
            random.pick(&LAST),
            random.below(20)
        ),
        random.pick(&CITIES).into(),
        format!("{:05}", random.below(100_000)),
        "Germany".into(),
        format!("+49 30 {:08}", random.below(100_000_000)),
        if random.below(3) == 0 {
            format!("+1 (555) {:07}", random.below(10_000_000))
        } else {
            String::new()
        },
        format!(
            "user{row}.{}@example{}.com",
            random.below(1_000),
            random.below(50)
        ),
        random.pick(&TITLES).into(),
        if random.below(2) == 0 {
            "Sales, EMEA".into()
        } else {
            String::new()
        },
        random.pick(&SOURCES).into(),
        if random.below(2) == 0 {
            format!(
                "19{}-0{}-1{}",
                50 + random.below(50),
                1 + random.below(9),
                random.below(10)
            )
        } else {
            String::new()
        },
        description,
        id("005", random.below(owners)),
        stamp_text(created),
        id("005", random.below(owners)),
        stamp_text(modified),
        id("005", random.below(owners)),
        stamp_text(stamp),
        format!("EXT-{:010}", random.below(10_000_000_000)),
        format!("{}.{}", random.below(100), random.below(10)),
        if random.below(3) == 0 {
            format!("{}.{:02}", random.below(10_000_000), random.below(100))
        } else {
            String::new()
        },
        ["true", "false"][random.index(2)].into(),
        if random.below(2) == 0 {
            stamp_text(modified - random.below(1_000_000))
        } else {
            String::new()
        },
    ];
    for (column, value) in values.iter().enumerate() {
        let _ = write!(csv, "{}\"{value}\"", if column == 0 { "" } else { "," });
    }
    csv.push('\n');
}

fn stamp_text(seconds: u64) -> String {
    Stamp::from_millis(seconds.cast_signed() * 1000).to_string()
}

/// The `number`th id with this prefix.
fn id(prefix: &str, number: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = *b"0035g000000000000";
    text[..3].copy_from_slice(prefix.as_bytes());
    let mut rest = number;
    for digit in text[7..15].iter_mut().rev() {
        *digit = DIGITS[usize::try_from(rest % 62).unwrap_or(0)];
        rest /= 62;
    }
    SalesforceId::parse(&text[..15]).map_or_else(|_| String::new(), Into::into)
}

/// `SplitMix64`: small, fast and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).unwrap_or(0)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.index(from.len())]
    }
}
