//! What goes in comes out, to the last character.

use serde_json::{Value, json};

use crate::world::{World, is_same, small};

pub(crate) async fn numbers_text_and_times_survive_to_the_last_character(world: &World) {
    let texts = [
        "plain",
        "comma, \"quote\" and 'apostrophe'",
        "line\nbreak",
        "carriage\r\nreturn",
        "cr\ralone",
        "tab\tand  spaces",
        "\u{1F469}\u{200D}\u{1F680} emoji",
        "ÄÖÜ ß 日本語 العربية",
        "#N/A",
        "null",
        "\"",
        "\"\"",
        ",",
        "\u{1}\u{7f}\u{feff}bom",
        "=1+1",
        "\\n \\u0000",
        "a\u{0}b",
    ];
    let serials = [
        "123456789012345678",
        "-999999999999999999",
        "0",
        "1",
        "100000000000000000",
    ];
    let amounts = [
        "12345678901234.56",
        "-0.01",
        "0.1",
        "99999999999999.99",
        "7",
    ];
    // Read by Bulk in one org and by REST in the other.
    for (name, bulk_rows_min) in [("values-bulk", 0), ("values-rest", 1_000_000)] {
        let org = world
            .connect(name, small(51), json!({"bulk_rows_min": bulk_rows_min}))
            .await;
        let notes: Vec<Value> = texts.iter().map(|text| json!({"Note__c": text})).collect();
        let notes = org
            .control("create", json!({"object": "Big__c", "records": notes}))
            .await;
        let measurements: Vec<Value> = serials
            .iter()
            .zip(amounts)
            .map(|(serial, amount)| {
                json!({"Serial__c": serial, "Value__c": amount, "Taken_At__c": "2024-02-29T23:59:59.007Z", "Asset__c": null})
            })
            .collect();
        let measurements = org
            .control(
                "create",
                json!({"object": "Measurement__c", "records": measurements}),
            )
            .await;
        org.advance_clock(60).await;
        let job = org.backup().await;
        assert_eq!(job.status, holdfast_catalog::JobStatus::Succeeded);
        org.assert_stored_is_true().await;

        let read = async |object: &str, id: &Value| {
            let answer = org
                .invoke(
                    "read-record",
                    json!({"org": name, "object": object, "id": id}),
                )
                .await
                .unwrap();
            assert_eq!(answer["versions_stored"], 1);
            answer["versions"][0]["fields"].clone()
        };
        for (id, text) in notes["ids"].as_array().unwrap().iter().zip(texts) {
            assert_eq!(read("Big__c", id).await["Note__c"], json!(text));
        }
        for (place, id) in measurements["ids"].as_array().unwrap().iter().enumerate() {
            let fields = read("Measurement__c", id).await;
            for (field, expected) in [("Serial__c", serials[place]), ("Value__c", amounts[place])] {
                let text = fields[field].as_str().unwrap().to_owned();
                assert!(
                    is_same(Some(&text), Some(&expected.to_owned())),
                    "{text} is not {expected}"
                );
            }
            assert_eq!(fields["Asset__c"], Value::Null);
            let taken = fields["Taken_At__c"].as_str().unwrap();
            assert!(taken.starts_with("2024-02-29T23:59:59.007"), "{taken}");
        }
    }
}
