//! One kind of obstacle: what is lost, and what is put into the way of getting it back.

use serde_json::{Value, json};

use crate::preflight::text;
use crate::world::Org;

/// Records of each kind.
pub(super) const RECORDS: usize = 6;

/// Records with the same in their way.
pub(super) struct Case {
    pub(super) kind: &'static str,
    pub(super) object: String,
    pub(super) ids: Vec<String>,
    pub(super) loss: Loss,
    pub(super) acts: Vec<Act>,
}

/// How records are damaged.
pub(super) enum Loss {
    /// Gone for good.
    Gone,
    /// Into the Recycle Bin.
    Binned,
    /// Other values.
    Changed(Value),
    /// Other values, and into the Recycle Bin.
    ChangedAndBinned(Value),
    /// They were not there then.
    CreatedSince,
}

/// What is done after the compare.
pub(super) enum Act {
    /// A call of the control interface.
    Control(&'static str, Value),
    /// A call of the Metadata API.
    Metadata(String),
    /// Somebody holds them.
    Lock,
    /// Records of this object refer to them by this field.
    Refer(&'static str, &'static str),
}

impl Case {
    pub(super) async fn lose(&mut self, org: &Org<'_>) {
        if matches!(self.loss, Loss::CreatedSince) {
            self.ids = make_records(org, &self.object, each(|_| json!({}))).await;
        }
        let named = json!({"object": self.object, "ids": self.ids});
        if let Loss::Changed(set) | Loss::ChangedAndBinned(set) = &self.loss {
            let mut update = named.clone();
            update["set"] = set.clone();
            org.control("update", update).await;
        }
        match self.loss {
            Loss::Gone => drop(org.control("hard-delete", named).await),
            Loss::Binned | Loss::ChangedAndBinned(_) => drop(org.control("delete", named).await),
            Loss::Changed(_) | Loss::CreatedSince => {}
        }
    }

    pub(super) async fn obstruct(&self, org: &Org<'_>) {
        for act in &self.acts {
            match act {
                Act::Control(path, body) => drop(org.control(path, body.clone()).await),
                Act::Metadata(call) => drop(org.metadata(call).await),
                Act::Lock => {
                    let held = json!({"object": self.object, "ids": self.ids});
                    org.control("locks", held).await;
                }
                Act::Refer(object, field) => {
                    let mut records = each(|_| json!({}));
                    for (record, id) in records.iter_mut().zip(&self.ids) {
                        record[field] = json!(id);
                    }
                    make_records(org, object, records).await;
                }
            }
        }
    }
}

/// Makes a custom object with these fields.
pub(super) async fn make_object(org: &Org<'_>, object: &str, fields: &[(&str, &str)]) {
    let administrator = org.administrator().await;
    administrator.make_object(object, fields).await.unwrap();
}

/// Makes records as these say, ours unless they say whose; their Ids.
pub(super) async fn make_records(
    org: &Org<'_>,
    object: &str,
    mut records: Vec<Value>,
) -> Vec<String> {
    // A detail belongs to whom its master belongs to.
    if object.ends_with("__c") && !object.ends_with("Detail__c") {
        let me = org.state().await["user_id"].clone();
        for record in &mut records {
            if record.get("OwnerId").is_none() {
                record["OwnerId"] = me.clone();
            }
        }
    }
    let made = json!({"object": object, "records": records});
    let made = org.control("create", made).await;
    made["ids"].as_array().unwrap().iter().map(text).collect()
}

/// As many records as there are of each kind.
pub(super) fn each(record: impl Fn(usize) -> Value) -> Vec<Value> {
    let record = |number| {
        let mut record = record(number);
        record["Name"] = json!(format!("Record {number}"));
        record
    };
    (0..RECORDS).map(record).collect()
}
