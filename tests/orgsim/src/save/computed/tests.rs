//! Whatever is done to details in whatever order, their masters' summaries and formulas agree with them.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use crate::{
    generate::{Volume, generate},
    rules::Rules,
    save::{Caller, Save, Values},
    schema::Schema,
    store::{Store, Visible, row::text},
};

const NOW_MS: i64 = 1_795_000_000_000;
const INVOICES: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Add {
        invoice: usize,
        quantity: i64,
        price: i64,
        delivered: bool,
    },
    Change {
        line: usize,
        quantity: i64,
        delivered: bool,
    },
    Delete {
        line: usize,
    },
    Undelete {
        line: usize,
    },
    Purge {
        line: usize,
    },
    DeleteInvoice {
        invoice: usize,
    },
    UndeleteInvoice {
        invoice: usize,
    },
    TakeBack(Box<Step>),
}

fn step() -> impl Strategy<Value = Step> {
    let line = 0..12_usize;
    let invoice = 0..INVOICES;
    let quantity = -5_000..5_000_i64;
    let plain = prop_oneof![
        4 => (invoice.clone(), quantity.clone(), 0..100_000_i64, any::<bool>())
            .prop_map(|(invoice, quantity, price, delivered)| Step::Add { invoice, quantity, price, delivered }),
        3 => (line.clone(), quantity, any::<bool>())
            .prop_map(|(line, quantity, delivered)| Step::Change { line, quantity, delivered }),
        2 => line.clone().prop_map(|line| Step::Delete { line }),
        2 => line.clone().prop_map(|line| Step::Undelete { line }),
        1 => line.prop_map(|line| Step::Purge { line }),
        1 => invoice.clone().prop_map(|invoice| Step::DeleteInvoice { invoice }),
        1 => invoice.prop_map(|invoice| Step::UndeleteInvoice { invoice }),
    ];
    plain.prop_flat_map(|step| {
        let undone = Step::TakeBack(Box::new(step.clone()));
        prop_oneof![5 => Just(step), 1 => Just(undone)]
    })
}

struct Org {
    schema: Schema,
    store: Store,
    caller: Caller,
    rules: Arc<Rules>,
    invoice: usize,
    line: usize,
}

impl Org {
    fn new() -> Self {
        let schema = Schema::load().unwrap();
        let volume = Volume {
            records: 0,
            objects: BTreeMap::new(),
            seed: 1,
            username: "user@acme.example".to_owned(),
        };
        let store = generate(&schema, &volume, NOW_MS).unwrap();
        let user = schema.find("User").unwrap().1.mint.id(0);
        let mut rules = Rules::default();
        rules.refresh(&schema, 1);
        let mut org = Self {
            caller: Caller::plain(String::from_utf8(user.to_vec()).unwrap()),
            rules: Arc::new(rules),
            invoice: schema.find("Invoice__c").unwrap().0,
            line: schema.find("Invoice_Line__c").unwrap().0,
            schema,
            store,
        };
        for _ in 0..INVOICES {
            let at = org.invoice;
            org.save(|save| save.create(at, &values(&[("Name", "\"i\""), ("Discount__c", "20")])))
                .unwrap();
        }
        org
    }

    fn save<T>(&mut self, run: impl FnOnce(&mut Save<'_>) -> T) -> T {
        run(&mut Save {
            schema: &self.schema,
            store: &mut self.store,
            caller: &self.caller,
            stamp_ms: NOW_MS,
            now_ms: NOW_MS,
            visible: Visible::Now,
            rules: Arc::clone(&self.rules),
        })
    }

    fn run(&mut self, step: &Step) {
        let (invoices, lines) = (self.invoice, self.line);
        // What the rules of deleting refuse is refused; the sums must agree all the same.
        match step {
            Step::Add {
                invoice,
                quantity,
                price,
                delivered,
            } => {
                let id = self.schema.object(invoices).unwrap().mint.id(*invoice);
                let id = format!("\"{}\"", String::from_utf8(id.to_vec()).unwrap());
                let values = values(&[
                    ("Invoice__c", &id),
                    ("Quantity__c", &cents(*quantity)),
                    ("Price__c", &cents(*price)),
                    ("Delivered__c", &delivered.to_string()),
                ]);
                let _ = self.save(|save| save.create(lines, &values));
            }
            Step::Change {
                line,
                quantity,
                delivered,
            } => {
                let values = values(&[
                    ("Quantity__c", &cents(*quantity)),
                    ("Delivered__c", &delivered.to_string()),
                ]);
                let _ = self.save(|save| save.update((lines, *line), &values));
            }
            Step::Delete { line } => {
                let _ = self.save(|save| save.delete((lines, *line)));
            }
            Step::Undelete { line } => {
                let _ = self.save(|save| save.undelete((lines, *line)));
            }
            Step::Purge { line } => {
                let _ = self.save(|save| save.hard_delete((lines, *line)));
            }
            Step::DeleteInvoice { invoice } => {
                let _ = self.save(|save| save.delete((invoices, *invoice)));
            }
            Step::UndeleteInvoice { invoice } => {
                let _ = self.save(|save| save.undelete((invoices, *invoice)));
            }
            Step::TakeBack(step) => {
                self.store.begin();
                self.run(step);
                self.store.roll_back();
            }
        }
    }

    fn number(&self, at: usize, slot: usize, field: &str) -> Option<Decimal> {
        let row = self.store.slot(at, slot)?.row.as_ref()?;
        let (number, _) = self.schema.object(at).unwrap().field(field).unwrap();
        text(row, number).map(|text| text.parse().unwrap())
    }

    fn check(&self) {
        for invoice in 0..INVOICES {
            if self.store.slot(self.invoice, invoice).unwrap().deleted {
                continue;
            }
            let (mut total, mut count, mut open, mut dearest) = (Decimal::ZERO, 0, 0, None);
            let id = self.schema.object(self.invoice).unwrap().mint.id(invoice);
            let line = self.schema.object(self.line).unwrap();
            let field = |name: &str| line.field(name).unwrap().0;
            for (slot, found) in self
                .store
                .table(self.line)
                .unwrap()
                .slots()
                .iter()
                .enumerate()
            {
                let Some(row) = found.row.as_ref().filter(|_| !found.deleted) else {
                    continue;
                };
                if text(row, field("Invoice__c")).unwrap().as_bytes() != id {
                    continue;
                }
                let price = self.number(self.line, slot, "Price__c").unwrap();
                let amount = self.number(self.line, slot, "Quantity__c").unwrap() * price;
                let half = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
                let amount = amount.round_dp_with_strategy(2, half);
                assert_eq!(self.number(self.line, slot, "Amount__c"), Some(amount));
                total += amount;
                count += 1;
                open += i32::from(text(row, field("Delivered__c")) == Some("false"));
                dearest = dearest.max(Some(price));
            }
            let found = |name: &str| self.number(self.invoice, invoice, name);
            assert_eq!(found("Total__c"), Some(total));
            assert_eq!(found("Lines__c"), Some(count.into()));
            assert_eq!(found("Open_Lines__c"), Some(open.into()));
            assert_eq!(found("Dearest__c"), dearest);
            let net = total * Decimal::new(8, 1);
            let half = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
            assert_eq!(found("Net__c"), Some(net.round_dp_with_strategy(2, half)));
        }
    }
}

fn cents(number: i64) -> String {
    Decimal::new(number, 2).to_string()
}

fn values(values: &[(&str, &str)]) -> Values {
    let each = values.iter();
    each.map(|(name, json)| {
        (
            (*name).to_owned(),
            RawValue::from_string((*json).to_owned()).unwrap(),
        )
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn summaries_equal_their_details_whatever_was_done(steps in prop::collection::vec(step(), 1..40)) {
        let mut org = Org::new();
        for step in &steps {
            org.run(step);
            org.check();
        }
    }
}
