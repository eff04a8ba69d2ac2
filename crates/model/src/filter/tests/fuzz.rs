//! No text crashes anything. Ten million of them, in ten minutes or so:
//! `cargo test -p holdfast-model -- --ignored ten_million_filter_texts`

use std::collections::BTreeMap;

use fastrand::Rng;

use super::org;
use crate::filter::{Calendar, Filter, Parents};

/// Filters of which parts are torn, and a few that no mutation would find.
const SEEDS: [&str; 14] = [
    "Name LIKE 'O\\'H%\\_' AND (Number__c > 1000.50 OR (NOT Day__c = LAST_N_DAYS:30))",
    "Account__r.Owner.Name NOT IN ('a\\u00e9','',null) OR What.Type = 'Case'",
    "At__c >= 2024-01-31T10:15:00+01:00 AND At__c < NEXT_N_FISCAL_QUARTERS:3",
    "Picks__c INCLUDES ('A;B','C') OR Picks__c EXCLUDES ('D')",
    "Id IN ('001D000000K0fXO','001D000000K0fXOIAZ') AND Flag__c != null",
    "Clock__c <= 10:15:00.007Z AND Price__c <> -0.000000000000000001",
    "NOT (Key__c = 'K' OR Key__c LIKE '%_%' OR Owner.Username = 'x')",
    "Day__c IN (TODAY,2026-01-01,N_YEARS_AGO:9999) OR Day__c > NEXT_N_YEARS:9999",
    "Id IN (SELECT Account__c FROM X) AND CALENDAR_YEAR(At__c) = 2024",
    "Price__c > USD5000 AND Name = :x",
    r#"{"and":[{"field":"Name","operator":"like","value":"50\\%"},{"not":{"field":"Flag__c","operator":"=","value":true}}]}"#,
    r#"{"or":[{"field":"Day__c","operator":">","value":{"literal":"LAST_N_DAYS:30"}},{"field":"Number__c","operator":"in","value":[1,2.50,null]}]}"#,
    r#"{"field":"At__c","operator":">=","value":{"literal":"2024-01-31T10:15:00Z"}}"#,
    r#"{"field":"Account__r.Parent.Name","operator":"not in","value":["a","\u0000'\\"]}"#,
];

const TOKENS: [&str; 60] = [
    "(",
    ")",
    ",",
    "'",
    "\\",
    "=",
    "!=",
    "<>",
    "<",
    "<=",
    ">=",
    "%",
    "_",
    ".",
    ":",
    " ",
    "\n",
    "AND",
    "OR",
    "NOT",
    "IN",
    "LIKE",
    "INCLUDES",
    "EXCLUDES",
    "NULL",
    "TRUE",
    "SELECT",
    "TODAY",
    "LAST_N_DAYS:",
    "N_WEEKS_AGO:3",
    "THIS_FISCAL_YEAR",
    "Name",
    "Number__c",
    "Day__c",
    "At__c",
    "Clock__c",
    "Flag__c",
    "Picks__c",
    "Account__r.Name",
    "Account__r",
    "Owner.Name",
    "What.Type",
    "Id",
    "''",
    "'x'",
    "'001D000000K0fXO'",
    "0",
    "9",
    "-",
    "+",
    "1.5",
    "2024-01-31",
    "T10:15:00Z",
    "10:15:00Z",
    "é",
    "😀",
    "\0",
    "{",
    "}",
    "\"literal\"",
];

/// Texts of stored fields, right ones and others.
const CELLS: [&str; 16] = [
    "",
    "x",
    "O'Hara",
    "50%",
    "1.5",
    "3.5E8",
    "-1E400",
    "1E999999999999",
    "true",
    "2024-01-31",
    "2024-01-31T10:15:00.000Z",
    "10:15:00.000Z",
    "A;B;C",
    "001D000000K0fXOIAZ",
    "é\0😀",
    "9999999999999999999",
];

fn text(rng: &mut Rng) -> String {
    match rng.u8(..16) {
        0 => {
            let bytes: Vec<u8> = (0..rng.usize(..80)).map(|_| rng.u8(..)).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        1 => {
            let opening = rng
                .choice([
                    "(",
                    "NOT (",
                    "NOT ",
                    r#"{"not":"#,
                    r#"{"and":["#,
                    "Name IN (",
                    "((Name = 'x') AND (",
                ])
                .unwrap();
            let depth = rng.usize(..200);
            format!(
                "{}{}{}",
                opening.repeat(depth),
                rng.choice(SEEDS).unwrap(),
                ")".repeat(rng.usize(..=depth))
            )
        }
        2..7 => {
            let mut text = String::new();
            for _ in 0..rng.usize(..24) {
                text.push_str(rng.choice(TOKENS).unwrap());
                if rng.bool() {
                    text.push(' ');
                }
            }
            text
        }
        _ => mutated(rng),
    }
}

/// A seed with a few places cut, doubled, swapped for those of another, or overwritten.
fn mutated(rng: &mut Rng) -> String {
    let mut text: Vec<char> = rng.choice(SEEDS).unwrap().chars().collect();
    for _ in 0..rng.usize(..4) {
        let at = rng.usize(..=text.len());
        let end = (at + rng.usize(..12)).min(text.len());
        match rng.u8(..4) {
            0 => drop(text.drain(at..end)),
            1 => {
                let copy = text[at..end].to_vec();
                let to = rng.usize(..=text.len());
                text.splice(to..to, copy);
            }
            2 => {
                let other: Vec<char> = rng.choice(SEEDS).unwrap().chars().collect();
                let from = rng.usize(..other.len());
                text.splice(
                    at..end,
                    other[from..(from + rng.usize(..40)).min(other.len())].to_vec(),
                );
            }
            _ => {
                text.splice(at..end, rng.choice(TOKENS).unwrap().chars());
            }
        }
    }
    text.into_iter().collect()
}

struct Fuzz {
    schemas: org::Schemas,
    calendar: Calendar,
    rng: Rng,
    parsed: u32,
    checked: u32,
}

impl Fuzz {
    fn run(texts: u32, seed: u64) -> Self {
        let mut fuzz = Self {
            schemas: org::schemas(),
            calendar: org::calendar("2026-11-18T10:00:00Z", "Europe/Berlin"),
            rng: Rng::with_seed(seed),
            parsed: 0,
            checked: 0,
        };
        for _ in 0..texts {
            let text = text(&mut fuzz.rng);
            fuzz.feed(&text);
        }
        fuzz
    }

    fn feed(&mut self, text: &str) {
        let soql = Filter::parse(text).inspect_err(|error| assert!(!error.to_string().is_empty()));
        let json = Filter::from_declarative(text);
        for filter in [soql, json].into_iter().flatten() {
            self.parsed += 1;
            assert_eq!(
                Filter::parse(&filter.to_string()).as_ref(),
                Ok(&filter),
                "{text}"
            );
            assert_eq!(
                Filter::from_declarative(&filter.to_declarative()).as_ref(),
                Ok(&filter),
                "{text}"
            );
            let Ok(checked) = filter.check(&org::name("Thing__c"), &self.schemas) else {
                continue;
            };
            self.checked += 1;
            let selection = checked.at(&self.calendar);
            let mut record: BTreeMap<String, Option<String>> = BTreeMap::new();
            for column in selection.columns() {
                record.insert(column.into(), self.rng.choice(CELLS).map(str::to_owned));
            }
            let chosen = selection.matches(&record, &Parents::default());
            let opposite =
                Filter::Not(Box::new(filter)).check(&org::name("Thing__c"), &self.schemas);
            if let Ok(opposite) = opposite {
                assert_ne!(
                    opposite
                        .at(&self.calendar)
                        .matches(&record, &Parents::default()),
                    chosen,
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn texts_of_filters_crash_nothing() {
    let fuzz = Fuzz::run(20_000, 7);
    // Texts that fail at the first character would prove little.
    assert!(
        fuzz.parsed > 2_000 && fuzz.checked > 1_000,
        "{} {}",
        fuzz.parsed,
        fuzz.checked
    );
}

#[test]
#[ignore = "takes minutes"]
fn ten_million_filter_texts_crash_nothing() {
    let fuzz = Fuzz::run(10_000_000, 11);
    println!(
        "{} were filters, {} of them for the object",
        fuzz.parsed, fuzz.checked
    );
}
