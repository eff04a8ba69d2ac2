//! Which numbers of a job are a sign of an accident or an attack (docs/SIGNALS.md).

use holdfast_model::{Authors, Changes, Entropy, ObjectName, Signal, Thresholds};

/// Less text tells nothing.
const TEXT_BYTES_MIN: u64 = 8 << 10;

/// What a job captured of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The object.
    pub object: ObjectName,
    /// What became of its records.
    pub changes: Changes,
    /// Records that were live before; nothing when that is not known.
    pub live_before: Option<u64>,
    /// Who changed, deleted or restored them.
    pub authors: Authors,
    /// Text that earlier jobs captured.
    pub text_before: Entropy,
    /// Text that this one captured.
    pub text: Entropy,
}

/// The signals of a job, those about most records first.
pub fn signals(measured: &[Measured], thresholds: Thresholds) -> Vec<Signal> {
    let of_objects = measured
        .iter()
        .flat_map(|measured| of_object(measured, thresholds));
    let mut signals: Vec<_> = of_objects.chain(one_author(measured, thresholds)).collect();
    signals.sort_by_key(|signal| std::cmp::Reverse(records(signal)));
    signals
}

fn of_object(measured: &Measured, thresholds: Thresholds) -> impl Iterator<Item = Signal> + use<> {
    let Measured {
        object, changes, ..
    } = measured;
    let of = measured.live_before.unwrap_or_default();
    let by = measured.authors.busiest();
    let is_many = |records, percent| is_share(records, of, percent, thresholds.records_min);
    let deleted = is_many(changes.deleted, thresholds.deleted_percent);
    let deleted = deleted.then(|| Signal::ManyDeleted {
        object: object.clone(),
        records: changes.deleted,
        of,
        by,
    });
    let modified = is_many(changes.modified, thresholds.modified_percent);
    let modified = modified.then(|| Signal::ManyModified {
        object: object.clone(),
        records: changes.modified,
        of,
        by,
    });
    let noise = noise(measured, thresholds).map(|(before, now)| Signal::TextBecameNoise {
        object: object.clone(),
        before,
        now,
        by,
    });
    [deleted, modified, noise].into_iter().flatten()
}

/// What text said per byte before, and what it says now, if that is much more.
fn noise(measured: &Measured, thresholds: Thresholds) -> Option<(u32, u32)> {
    let Measured {
        text_before, text, ..
    } = measured;
    let before = text_before.centibits()?;
    let now = text.centibits()?;
    let enough = text_before.bytes.min(text.bytes) >= TEXT_BYTES_MIN;
    let jumped = now.saturating_sub(before) >= thresholds.entropy_centibits;
    (enough && jumped && thresholds.entropy_centibits > 0).then_some((before, now))
}

fn one_author(measured: &[Measured], thresholds: Thresholds) -> Option<Signal> {
    let mut authors = Authors::default();
    let mut of: u64 = 0;
    for measured in measured {
        authors.add(&measured.authors);
        of = of.saturating_add(measured.live_before.unwrap_or_default());
    }
    let busiest = authors.busiest()?;
    let is_many = is_share(
        busiest.records,
        of,
        thresholds.author_percent,
        thresholds.records_min,
    );
    is_many.then_some(Signal::OneAuthor {
        user: busiest.user,
        records: busiest.records,
        of,
    })
}

/// Whether so many of so many are a share of that size; a percentage of 0 is never reached.
fn is_share(records: u64, of: u64, percent: u8, records_min: u64) -> bool {
    let share = u128::from(records) * 100 >= u128::from(of) * u128::from(percent);
    percent > 0 && of > 0 && records >= records_min && share
}

/// How many records a signal is about; 0 for text.
fn records(signal: &Signal) -> u64 {
    match signal {
        Signal::ManyDeleted { records, .. }
        | Signal::ManyModified { records, .. }
        | Signal::OneAuthor { records, .. } => *records,
        Signal::TextBecameNoise { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use holdfast_model::SalesforceId;

    use super::*;

    const THRESHOLDS: Thresholds = Thresholds {
        records_min: 10,
        deleted_percent: 10,
        modified_percent: 50,
        author_percent: 20,
        entropy_centibits: 100,
    };

    fn text(centibits: u64) -> Entropy {
        Entropy {
            bytes: 80_000,
            compressed: centibits * 100,
        }
    }

    /// Of 100 live records.
    fn measured(object: &str, deleted: u64, modified: u64) -> Measured {
        Measured {
            object: ObjectName::parse(object).unwrap(),
            changes: Changes {
                deleted,
                modified,
                ..Changes::default()
            },
            live_before: Some(100),
            authors: Authors::default(),
            text_before: Entropy::default(),
            text: Entropy::default(),
        }
    }

    fn kinds(signals: &[Signal]) -> Vec<&'static str> {
        let kind = |signal: &Signal| match signal {
            Signal::ManyDeleted { .. } => "deleted",
            Signal::ManyModified { .. } => "modified",
            Signal::TextBecameNoise { .. } => "noise",
            Signal::OneAuthor { .. } => "author",
        };
        signals.iter().map(kind).collect()
    }

    #[test]
    fn a_share_of_the_live_records_is_a_signal_and_one_less_is_none() {
        let kinds_of =
            |deleted, modified| kinds(&signals(&[measured("A", deleted, modified)], THRESHOLDS));
        assert!(kinds_of(9, 49).is_empty());
        assert_eq!(kinds_of(10, 49), ["deleted"]);
        assert_eq!(kinds_of(9, 50), ["modified"]);
        assert_eq!(kinds_of(10, 50), ["modified", "deleted"]);
    }

    #[test]
    fn few_records_an_unknown_number_and_a_threshold_of_none_raise_nothing() {
        let all = measured("A", 100, 100);
        let unknown = Measured {
            live_before: None,
            ..all.clone()
        };
        assert!(signals(&[unknown], THRESHOLDS).is_empty());
        let few = Measured {
            live_before: Some(9),
            ..measured("A", 9, 9)
        };
        assert!(signals(&[few], THRESHOLDS).is_empty());
        let never = Thresholds {
            deleted_percent: 0,
            modified_percent: 0,
            author_percent: 0,
            entropy_centibits: 0,
            ..THRESHOLDS
        };
        let noisy = Measured {
            text_before: text(400),
            text: text(800),
            ..all
        };
        assert!(signals(&[noisy], never).is_empty());
    }

    #[test]
    fn text_that_says_much_more_than_before_is_a_signal() {
        let of = |before, now| {
            let measured = Measured {
                text_before: before,
                text: now,
                ..measured("A", 0, 1)
            };
            kinds(&signals(&[measured], THRESHOLDS)).len()
        };
        assert_eq!(of(text(400), text(500)), 1);
        assert_eq!(of(text(400), text(499)), 0);
        assert_eq!(of(text(600), text(300)), 0);
        assert_eq!(of(Entropy::default(), text(600)), 0);
        let little = Entropy {
            bytes: TEXT_BYTES_MIN - 1,
            compressed: TEXT_BYTES_MIN - 1,
        };
        assert_eq!(of(text(400), little), 0);
    }

    #[test]
    fn one_user_is_a_signal_by_the_share_of_all_records_of_the_org() {
        let user = |last| SalesforceId::parse(format!("005D0000000000{last}").as_bytes()).unwrap();
        let by = |object, of: &[(u8, u64)]| {
            let mut measured = measured(object, 0, 0);
            for (number, records) in of {
                for _ in 0..*records {
                    measured.authors.note(user(*number));
                }
            }
            measured
        };
        let few = [by("A", &[(1, 20), (2, 30)]), by("B", &[(1, 19)])];
        assert!(signals(&few, THRESHOLDS).is_empty());
        let many = [by("A", &[(1, 20), (2, 30)]), by("B", &[(1, 20)])];
        let expected = Signal::OneAuthor {
            user: user(1),
            records: 40,
            of: 200,
        };
        assert_eq!(signals(&many, THRESHOLDS), [expected]);
    }
}
