//! What a restore would do, that it says so before anything is written, and that it does it.

use holdfast_catalog::{JobItem, JobStatus};
use holdfast_model::SalesforceId;
use serde_json::{Value, json};

use crate::world::{Org, Record, World, small};

impl Org<'_> {
    pub(crate) async fn plan_restore(&self, request: Value, name: &str) -> JobItem {
        let stack = self.world.stack().await;
        let execution = stack.start_restore_plan(&request, name).await.unwrap();
        self.finish(&execution).await
    }

    pub(crate) async fn planned(&self, job: &JobItem, more: Value) -> Value {
        let mut input = json!({"org": self.name, "job": job.job});
        let more = more.as_object().unwrap().clone();
        input.as_object_mut().unwrap().extend(more);
        self.invoke("read-restore", input).await.unwrap()
    }

    pub(crate) async fn restore(&self, request: Value, name: &str) -> JobItem {
        let stack = self.world.stack().await;
        let execution = stack.start_restore(&request, name).await.unwrap();
        self.finish(&execution).await
    }

    /// Compares the org as it is with how it was.
    pub(crate) async fn compare_with(&self, then: &Value, name: &str) -> JobItem {
        let request = json!({"left": {"org": self.name, "at": then}, "right": {"org": self.name}});
        let compare = self.compare(request, name).await;
        assert_eq!(compare.status, JobStatus::Succeeded);
        compare
    }

    /// Why a plan is refused.
    async fn refused(&self, request: Value, name: &str) -> String {
        let stack = self.world.stack().await;
        let execution = stack.start_restore_plan(&request, name).await.unwrap();
        let outcome = self.wait(&execution).await;
        assert_eq!(outcome.status, "FAILED");
        outcome.cause
    }
}

/// What a plan says of an object, and its place.
fn object<'v>(overview: &'v Value, name: &str) -> (usize, &'v Value) {
    let mut objects = overview["objects"].as_array().unwrap().iter().enumerate();
    objects
        .find(|(_, object)| object["object"] == name)
        .unwrap_or_else(|| panic!("{name}: {overview}"))
}

/// What was damaged, and the compare that found it.
pub(crate) struct Damage {
    account: Value,
    contacts: Value,
    then: Value,
    pub(crate) compare: JobItem,
}

/// An account is overwritten, two contacts lie in the Recycle Bin, one is gone, and a lead is new.
pub(crate) async fn damage(org: &Org<'_>) -> Damage {
    let account = json!({"object": "Account", "records": [{"Name": "Nordwind"}]});
    let account = org.control("create", account).await["ids"][0].clone();
    let contact = |last: &str| json!({"LastName": last, "AccountId": account});
    let records: Vec<_> = ["Adler", "Berg", "Clausen"].map(contact).into();
    let contacts = json!({"object": "Contact", "records": records});
    let contacts = org.control("create", contacts).await["ids"].clone();
    org.advance_clock(600).await;
    let then = org.clock().await;
    org.advance_clock(60).await;
    org.backup().await;
    org.advance_clock(600).await;

    for (path, body) in [
        (
            "update",
            json!({"object": "Account", "ids": [account], "set": {"Name": "Overwritten"}}),
        ),
        (
            "update",
            json!({"object": "Contact", "ids": [contacts[0]], "set": {"LastName": "Lost"}}),
        ),
        (
            "delete",
            json!({"object": "Contact", "ids": [contacts[0], contacts[1]]}),
        ),
        (
            "hard-delete",
            json!({"object": "Contact", "ids": [contacts[2]]}),
        ),
        (
            "create",
            json!({"object": "Lead", "records": [{"LastName": "New", "Company": "New"}]}),
        ),
    ] {
        org.control(path, body).await;
    }
    org.advance_clock(600).await;
    let compare = org
        .compare_with(&then, &format!("{}-compare", org.name))
        .await;
    Damage {
        account,
        contacts,
        then,
        compare,
    }
}

pub(crate) async fn a_restore_is_planned_from_a_compare(world: &World) {
    let org = world.connect("restored", small(85), json!({})).await;
    let damage = damage(&org).await;
    let Damage {
        account,
        contacts,
        compare,
        ..
    } = &damage;
    let writes = org.live("Account").await;

    let request = json!({"org": org.name, "compare": compare.job, "mode": "rollback"});
    let job = org.plan_restore(request, "restored-plan").await;
    assert_eq!(job.status, JobStatus::Succeeded);
    let overview = org.planned(&job, json!({})).await;
    assert_eq!(overview["is_ready"], true);
    let (accounts_at, accounts) = object(&overview, "Account");
    let (contacts_at, told) = object(&overview, "Contact");
    assert!(accounts_at < contacts_at, "parents first");
    assert_eq!(accounts["counts"]["update"], 1);
    assert_eq!(accounts["waiting"], json!(["ParentId"]));
    let counts = &told["counts"];
    assert_eq!(
        [
            &counts["undelete"],
            &counts["undelete_and_update"],
            &counts["insert"]
        ],
        [&json!(2), &json!(1), &json!(1)]
    );
    assert_eq!(object(&overview, "Lead").1["counts"]["delete"], 1);

    let updates = org
        .planned(&job, json!({"object": "Account", "steps": ["update"]}))
        .await;
    let update = &updates["records"][0];
    assert_eq!((&update["id"], &update["is"]), (account, &json!("update")));
    let name = json!({"field": "Name", "from": "Overwritten", "to": "Nordwind"});
    assert_eq!(update["fields"], json!([name]), "nothing else is written");
    let undeletes = org
        .planned(&job, json!({"object": "Contact", "id": contacts[0]}))
        .await;
    let fields = undeletes["records"][0]["fields"]
        .as_array()
        .unwrap()
        .clone();
    let last = json!({"field": "LastName", "from": "Lost", "to": "Adler"});
    assert!(fields.contains(&last), "{fields:?}");
    let inserts = org
        .planned(&job, json!({"object": "Contact", "steps": ["insert"]}))
        .await;
    assert_eq!(inserts["records"][0]["id"], contacts[2]);
    let fields = inserts["records"][0]["fields"].as_array().unwrap().clone();
    assert!(fields.contains(&json!({"field": "AccountId", "to": account})));

    assert_narrowed(&org, &damage).await;
    assert_eq!(org.live("Account").await, writes, "a plan writes nothing");
}

/// Some fields of some records, and nothing that was created since; what there is not is refused by name.
async fn assert_narrowed(org: &Org<'_>, damage: &Damage) {
    let Damage {
        contacts, compare, ..
    } = damage;
    let some = json!({"Contact": {"ids": [contacts[0], contacts[2]], "fields": ["LastName"]}});
    let request =
        json!({"org": org.name, "compare": compare.job, "mode": "bypass", "objects": some});
    let job = org.plan_restore(request, "restored-some").await;
    let overview = org.planned(&job, json!({})).await;
    assert_eq!(overview["objects"].as_array().unwrap().len(), 1);
    assert_eq!(overview["left_out"], json!([]));
    let counts = &object(&overview, "Contact").1["counts"];
    assert_eq!(
        (&counts["undelete"], &counts["insert"]),
        (&json!(1), &json!(1))
    );

    let request = json!({"org": org.name, "compare": compare.job, "mode": "duplicate", "objects": {"Account": {}}});
    let job = org.plan_restore(request, "restored-copy").await;
    let left_out = org.planned(&job, json!({})).await["left_out"].clone();
    let people = json!({
        "object": "Contact", "lookup": "AccountId", "parent": "Account", "went_along": true, "gone": 3
    });
    assert_eq!(left_out, json!([people]), "children that are gone are told");
    let copies = org.planned(&job, json!({"object": "Account"})).await;
    let fields = copies["records"][0]["fields"].as_array().unwrap().clone();
    let text = |name: &str| {
        let mut named = fields.iter().filter(|field| field["field"] == name);
        named.next().unwrap()["to"].as_str().unwrap().to_owned()
    };
    let name = text("Name");
    let suffix = name.strip_prefix("Nordwind").unwrap();
    assert!(suffix.len() == 14 && suffix.bytes().all(|digit| digit.is_ascii_digit()));
    assert!(text("OwnerId").starts_with("005"), "a copy is whole");

    let unknown = json!({"org": org.name, "compare": compare.job, "mode": "replace", "objects": {"Nothing__c": {}}});
    assert!(
        org.refused(unknown, "restored-unknown")
            .await
            .contains("Nothing__c")
    );
    let field = json!({"Contact": {"fields": ["Colour__c"]}});
    let field =
        json!({"org": org.name, "compare": compare.job, "mode": "replace", "objects": field});
    assert!(
        org.refused(field, "restored-field")
            .await
            .contains("Colour__c")
    );
    let other = json!({"org": org.name, "compare": job.job, "mode": "replace"});
    assert!(
        org.refused(other, "restored-other")
            .await
            .contains("`compare`")
    );
}

/// Records that are made have new Ids, and are not made twice: neither when the answer to the request is lost, nor by a second run.
pub(crate) async fn a_planned_restore_is_run_and_read_back(world: &World) {
    let settings = json!({"restore_settle_seconds": 1});
    let org = world.connect("repaired", small(86), settings).await;
    let Damage {
        account,
        contacts,
        then,
        compare,
    } = damage(&org).await;
    let request = json!({"org": org.name, "compare": compare.job, "mode": "rollback"});
    let plan = org.plan_restore(request, "repaired-plan").await;

    let stack = world.stack().await;
    let unsaid = json!({"org": org.name, "plan": plan.job});
    let execution = stack
        .start_restore(&unsaid, "repaired-unsaid")
        .await
        .unwrap();
    let refused = org.wait(&execution).await;
    assert_eq!(refused.status, "FAILED");
    assert!(
        refused.cause.contains("deletes `1` records"),
        "{}",
        refused.cause
    );
    assert_eq!(org.job(&execution).await.status, JobStatus::Failed);

    let lost = json!({"match": {"method": "POST", "path_contains": "composite/sobjects", "nth": 3}, "times": 1, "action": {"cut_after_bytes": 3}});
    org.control("faults", lost).await;
    let request = json!({"org": org.name, "plan": plan.job, "delete": 1});
    let job = org.restore(request, "repaired-run").await;
    let overview = org.planned(&job, json!({})).await;
    assert_eq!(
        (job.status, &job.error),
        (JobStatus::Succeeded, &None),
        "{overview}"
    );
    let counts = &overview["counts"];
    let told = [
        "undeleted",
        "updated",
        "inserted",
        "deleted",
        "equal",
        "different",
    ]
    .map(|count| &counts[count]);
    assert_eq!(
        told,
        [2, 2, 1, 1, 4, 0].map(|count| json!(count)).each_ref(),
        "{overview}"
    );
    assert_eq!(counts["lookups"]["different"], 0);

    let accounts = org.live("Account").await;
    let id = |id: &Value| SalesforceId::parse(id.as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(accounts[&id(&account)]["Name"], "Nordwind");
    let people = org.live("Contact").await;
    assert_eq!(people[&id(&contacts[0])]["LastName"], "Adler");
    assert_eq!(people[&id(&contacts[1])]["LastName"], "Berg");
    let is_clausen = |person: &&Record| {
        person["LastName"] == "Clausen" && person["AccountId"] == account.as_str().unwrap()
    };
    assert_eq!(people.values().filter(is_clausen).count(), 1);
    assert!(
        org.live("Lead")
            .await
            .values()
            .all(|lead| lead["LastName"] != "New")
    );

    assert_repeated(&org, &then, people.len()).await;
}

/// What was made anew differs by its Id, and is found again.
async fn assert_repeated(org: &Org<'_>, then: &Value, people: usize) {
    org.advance_clock(600).await;
    let compare = org.compare_with(then, "repaired-again").await;
    let request = json!({"org": org.name, "compare": compare.job, "mode": "replace"});
    let plan = org.plan_restore(request, "repaired-plan-again").await;
    let overview = org.planned(&plan, json!({})).await;
    let (_, told) = object(&overview, "Contact");
    assert_eq!(
        (&told["counts"]["insert"], &told["counts"]["update"]),
        (&json!(1), &json!(0))
    );
    let request = json!({"org": org.name, "plan": plan.job});
    let job = org.restore(request, "repaired-run-again").await;
    assert_eq!(job.status, JobStatus::Succeeded, "{:?}", job.error);
    assert_eq!(org.live("Contact").await.len(), people);
}

/// Salesforce fills lookups again when their record comes back: those that led there at the snapshot, and those that were led there
/// since. The latter are emptied again, also where nothing else is to be done.
pub(crate) async fn lookups_that_were_empty_stay_so(world: &World) {
    let org = world.connect("relinked", small(92), json!({})).await;
    let make = async |object, record| {
        let made = json!({"object": object, "records": [record]});
        org.control("create", made).await["ids"][0].clone()
    };
    let parent = make("Account", json!({"Name": "Parent"})).await;
    let led = make("Account", json!({"Name": "Led", "ParentId": parent})).await;
    let free = make("Account", json!({"Name": "Free", "ParentId": null})).await;
    let project = make("Project__c", json!({"Name": "Free", "Account__c": null})).await;
    org.advance_clock(600).await;
    let then = org.clock().await;
    org.advance_clock(60).await;
    org.backup().await;
    org.advance_clock(600).await;
    for (path, body) in [
        (
            "update",
            json!({"object": "Account", "ids": [free], "set": {"ParentId": parent}}),
        ),
        (
            "update",
            json!({"object": "Project__c", "ids": [project], "set": {"Account__c": parent}}),
        ),
        ("delete", json!({"object": "Account", "ids": [parent]})),
    ] {
        org.control(path, body).await;
    }
    org.advance_clock(600).await;
    let compare = org.compare_with(&then, "relinked-compare").await;
    let request = json!({"org": org.name, "compare": compare.job, "mode": "replace"});
    let plan = org.plan_restore(request, "relinked-plan").await;
    let request = json!({"org": org.name, "plan": plan.job});
    let job = org.restore(request, "relinked-run").await;
    assert_eq!(job.status, JobStatus::Succeeded, "{:?}", job.error);

    let id = |id: &Value| SalesforceId::parse(id.as_str().unwrap().as_bytes()).unwrap();
    let accounts = org.live("Account").await;
    let parent_of = |account| accounts[&id(account)].get("ParentId").map(String::as_str);
    assert_eq!(parent_of(&led), parent.as_str());
    assert_eq!(parent_of(&free), None);
    let projects = org.live("Project__c").await;
    assert_eq!(projects[&id(&project)].get("Account__c"), None);
}

/// Of two accounts with the same damage one is asked for, which itself is as it was.
pub(crate) async fn children_are_taken_along_when_asked_for(world: &World) {
    let org = world.connect("children", small(93), json!({})).await;
    let make = async |object, record| {
        let made = json!({"object": object, "records": [record]});
        org.control("create", made).await["ids"][0].clone()
    };
    let mut families = Vec::new();
    for name in ["Asked", "Not"] {
        let account = make("Account", json!({"Name": name})).await;
        let kept = make("Contact", json!({"LastName": "Kept", "AccountId": account})).await;
        let case = make("Case", json!({"Subject": name, "AccountId": account})).await;
        let comment = json!({"CommentBody": name, "ParentId": case});
        let comment = make("CaseComment", comment).await;
        families.push([account, kept, case, comment]);
    }
    org.advance_clock(600).await;
    let then = org.clock().await;
    org.advance_clock(60).await;
    org.backup().await;
    org.advance_clock(600).await;
    for [_, kept, case, _] in &families {
        let overwrite = json!({"object": "Contact", "ids": [kept], "set": {"LastName": "Lost"}});
        org.control("update", overwrite).await;
        let purge = json!({"object": "Case", "ids": [case]});
        org.control("hard-delete", purge).await;
    }
    org.advance_clock(600).await;
    let compare = org.compare_with(&then, "children-compare").await;
    let [account, kept, case, comment] = &families[0];
    let asked = json!({"Account": {"ids": [account], "children": true}});
    let request =
        json!({"org": org.name, "compare": compare.job, "mode": "replace", "objects": asked});
    let plan = org.plan_restore(request, "children-plan").await;
    let overview = org.planned(&plan, json!({})).await;
    assert_eq!(overview["left_out"], json!([]));
    for (name, id, step) in [
        ("Contact", kept, "update"),
        ("Case", case, "insert"),
        ("CaseComment", comment, "insert"),
    ] {
        let told = org.planned(&plan, json!({"object": name})).await;
        let records = told["records"].as_array().unwrap();
        let records: Vec<_> = records.iter().map(|one| (&one["id"], &one["is"])).collect();
        assert_eq!(records, [(id, &json!(step))], "{name}");
    }
    assert_eq!(overview["objects"].as_array().unwrap().len(), 3);

    let cases = json!({"Case": {"ids": [case]}});
    let request =
        json!({"org": org.name, "compare": compare.job, "mode": "replace", "objects": cases});
    let plan = org.plan_restore(request, "children-left-out").await;
    let overview = org.planned(&plan, json!({})).await;
    let comments = json!({
        "object": "CaseComment", "lookup": "ParentId", "parent": "Case", "went_along": true, "gone": 2
    });
    assert_eq!(overview["left_out"], json!([comments]));
}
