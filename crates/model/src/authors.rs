//! Who changed how many records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::SalesforceId;

/// Users that are counted at the same time.
const USERS_MAX: usize = 16;

/// How many records each user changed.
///
/// Exact for up to 16 users. Of more, whoever made more than a seventeenth of all changes is among them, with a number
/// that is too low by at most that many (J. Misra, D. Gries, "Finding repeated elements", 1982).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Authors(BTreeMap<SalesforceId, u64>);

/// A user, and how many records are theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The user.
    pub user: SalesforceId,
    /// Records, or a few more.
    pub records: u64,
}

impl Authors {
    /// Counts a record that a user changed.
    pub fn note(&mut self, user: SalesforceId) {
        *self.0.entry(user).or_default() += 1;
        self.cut();
    }

    /// Adds those of another block or job.
    pub fn add(&mut self, other: &Self) {
        for (user, records) in &other.0 {
            *self.0.entry(*user).or_default() += records;
        }
        self.cut();
    }

    /// Who changed most.
    pub fn busiest(&self) -> Option<Author> {
        let (user, records) = self
            .0
            .iter()
            .max_by_key(|(user, records)| (**records, std::cmp::Reverse(**user)))?;
        Some(Author {
            user: *user,
            records: *records,
        })
    }

    /// Takes from all as much as the busiest of those that are too many has.
    fn cut(&mut self) {
        if self.0.len() <= USERS_MAX {
            return;
        }
        let mut records: Vec<_> = self.0.values().copied().collect();
        records.sort_unstable_by_key(|records| std::cmp::Reverse(*records));
        let surplus = records.get(USERS_MAX).copied().unwrap_or_default();
        self.0.retain(|_, records| {
            *records -= surplus.min(*records);
            *records > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(number: u64) -> SalesforceId {
        SalesforceId::parse(format!("005D{number:011}").as_bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn whoever_made_many_of_the_changes_is_known(
            blocks in prop::collection::vec(prop::collection::vec((0_u64..40).prop_map(|n| n * n / 40), 0..200), 1..5),
        ) {
            let mut all = Authors::default();
            let mut truth = BTreeMap::<_, u64>::new();
            for block in &blocks {
                let mut authors = Authors::default();
                for number in block {
                    authors.note(user(*number));
                    *truth.entry(user(*number)).or_default() += 1;
                }
                all.add(&authors);
            }
            prop_assert!(all.0.len() <= USERS_MAX);
            let error = truth.values().sum::<u64>() / (USERS_MAX as u64 + 1);
            for (user, records) in &truth {
                let told = all.0.get(user).copied().unwrap_or_default();
                prop_assert!(told <= *records && records - told <= error);
            }
            if truth.len() <= USERS_MAX {
                prop_assert_eq!(&all.0, &truth);
            }
            if let Some(busiest) = all.busiest() {
                prop_assert_eq!(Some(&busiest.records), all.0.values().max());
            }
        }
    }
}
