//! Cursors.

use holdfast_catalog::ObjectFacts;
use holdfast_model::{ObjectName, Transport};

use crate::{account, at, block, covered, held, local, org, window};

#[tokio::test]
async fn a_describe_leaves_the_cursor_alone() {
    let catalog = held("objects").await;
    let facts = |schema: &str| ObjectFacts {
        schema: Some(schema.to_owned()),
        label: "Account".to_owned(),
        cursor_field: Some("SystemModstamp".to_owned()),
        transport: Transport::Rest {
            reason: "not supported by Bulk".to_owned(),
        },
        replicateable: true,
        calculated: false,
    };
    let (org, object) = (org(), account());
    catalog
        .put_object_facts(&org, &object, &facts("one"))
        .await
        .unwrap();
    let item = catalog
        .open_block(&block(0, window(None, 10)))
        .await
        .unwrap();
    catalog
        .commit_block(&item, window(None, 10), at(1))
        .await
        .unwrap();
    catalog
        .put_object_facts(&org, &object, &facts("two"))
        .await
        .unwrap();
    let stored = catalog.object(&org, &object).await.unwrap().unwrap();
    assert_eq!(stored.coverage, covered(&[window(None, 10)]));
    assert_eq!(stored.facts, Some(facts("two")));
    assert_eq!(catalog.objects(&org).await.unwrap(), vec![stored]);
}

#[tokio::test]
async fn all_objects_are_listed_when_they_fill_many_pages() {
    let catalog = local::catalog("objects-paged").await;
    let facts = ObjectFacts {
        schema: Some("s".repeat(64)),
        cursor_field: None,
        label: "l".repeat(300_000),
        transport: Transport::Bulk,
        replicateable: false,
        calculated: false,
    };
    for number in 0..9 {
        let object = ObjectName::parse(format!("Thing{number}__c")).unwrap();
        catalog
            .put_object_facts(&org(), &object, &facts)
            .await
            .unwrap();
    }
    let objects = catalog.objects(&org()).await.unwrap();
    let names: Vec<_> = objects.iter().map(|o| o.object.to_string()).collect();
    let expected: Vec<_> = (0..9).map(|number| format!("Thing{number}__c")).collect();
    assert_eq!(names, expected);
}
