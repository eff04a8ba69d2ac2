use super::*;

fn store() -> (Schema, Store, usize) {
    let schema = Schema::load().unwrap();
    let store = Store::new(&schema);
    let object = schema.find("Case").unwrap().0;
    (schema, store, object)
}

fn row(schema: &Schema, object: usize, subject: &str, stamp: &str) -> Row {
    let mut writer = RowWriter::default();
    for field in &schema.objects[object].fields {
        match field.name.as_str() {
            "Subject" => writer.value(subject.as_bytes()),
            "SystemModstamp" => writer.value(stamp.as_bytes()),
            "IsDeleted" => writer.value(b"false"),
            _ => writer.null(),
        }
    }
    writer.finish()
}

#[test]
fn a_late_commit_is_invisible_until_its_time() {
    let (schema, mut store, object) = store();
    let late = row(&schema, object, "late", "2026-01-01T00:00:00.000Z");
    let slot = store
        .insert(object, late, Visible::At(5_000), 1_000)
        .unwrap();
    assert_eq!(store.count(object, true), 0);
    assert!(!store.commit_due(4_999));
    assert!(store.commit_due(5_000));
    assert_eq!(store.commit(5_000, false), 1);
    assert_eq!(
        store.slot(object, slot).unwrap().stamp_ms,
        1_767_225_600_000
    );
}

#[test]
fn every_version_that_was_visible_is_remembered() {
    let (schema, mut store, object) = store();
    let first = row(&schema, object, "one", "2026-01-01T00:00:00.000Z");
    let slot = store.insert(object, first, Visible::Now, 1).unwrap();
    let subject = schema.objects[object].field("Subject").unwrap().0;
    let changes = Changes::from([(subject, Some("two".to_owned()))]);
    assert!(store.change((object, slot), &changes, Visible::Now, 2));
    assert!(store.change((object, slot), &changes, Visible::Held, 3));
    assert!(store.remove(object, slot, 4));
    assert!(!store.remove(object, slot, 5));
    let seen: Vec<_> = store
        .versions(object, slot)
        .into_iter()
        .map(|v| {
            (
                v.visible_ms,
                v.row
                    .and_then(|row| row::text(&row, subject).map(str::to_owned)),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (1, Some("one".to_owned())),
            (2, Some("two".to_owned())),
            (4, None)
        ]
    );
    assert_eq!(store.pending(), 1);
    store.commit(6, true);
    assert!(
        store.slot(object, slot).unwrap().row.is_none(),
        "gone is gone"
    );
}

#[test]
fn records_that_are_older_than_a_field_read_null_and_unchecked() {
    let (mut schema, mut store, object) = store();
    let old = row(&schema, object, "old", "2026-01-01T00:00:00.000Z");
    store.insert(object, old, Visible::Now, 1_000);
    for line in [
        "Note__c string(10)",
        "Flag__c boolean",
        "Later__c string(10)",
    ] {
        let field = crate::schema::field(line).unwrap();
        schema.put_field(object, field).unwrap();
    }
    store.widen(&schema);
    let number = |name: &str| schema.object(object).unwrap().field(name).unwrap().0;
    let value = |store: &Store, name: &str| {
        let row = store.slot(object, 0).unwrap().row.clone().unwrap();
        cell(&row, number(name)).map(<[u8]>::to_vec)
    };
    assert_eq!(value(&store, "Subject").as_deref(), Some(&b"old"[..]));
    assert_eq!(value(&store, "Note__c"), None);
    assert_eq!(value(&store, "Flag__c").as_deref(), Some(&b"false"[..]));
    let changes = Changes::from([(number("Later__c"), Some("x".to_owned()))]);
    assert!(store.change((object, 0), &changes, Visible::Now, 2_000));
    assert_eq!(value(&store, "Later__c").as_deref(), Some(&b"x"[..]));
    assert_eq!(value(&store, "Flag__c").as_deref(), Some(&b"false"[..]));
}

impl Store {
    /// The references that wait for a deleted record to come back.
    pub(crate) fn cleared_by(&self, deleted: (usize, usize)) -> &[Reference] {
        self.cleared.get(&deleted).map_or(&[], Vec::as_slice)
    }
}
