//! `SetupAuditTrail`: who changed what in the setup. A row belongs to the transaction of the change, and goes with it
//! when it is taken back.
//!
//! Source: Object Reference, `SetupAuditTrail` (`PermSetCreate` and its text); names of other actions as tools that
//! read the trail list them (`createduser`, `PermSetAssign`, `changedApexClass` and their like).

use super::{Caller, Save, delete::Record};
use crate::{
    org::Org,
    schema::Object,
    store::{
        Visible,
        row::{Row, text},
    },
};

/// One change of the setup that is not a record.
#[derive(Clone, Debug)]
pub(crate) struct SetupChange {
    action: String,
    section: &'static str,
    display: String,
}

impl SetupChange {
    /// Something was done (`created`, `changed`, `deleted`, …) to the component `name` of a type of the Metadata API.
    pub(crate) fn of(verb: &str, kind: &str, name: &str) -> Self {
        let custom = name
            .split_once('.')
            .is_some_and(|(owner, _)| owner.ends_with("__c"));
        // What belongs to a custom object is named apart from what belongs to a standard one.
        let suffix = if custom { "Custom" } else { "" };
        let (action, section) = match kind {
            "CustomField" => (format!("{verb}CF{suffix}"), "Customize Objects"),
            "RecordType" => (format!("{verb}RecordType{suffix}"), "Customize Objects"),
            "ValidationRule" => (format!("{verb}Validation{suffix}"), "Validation Rules"),
            "CustomObject" => (format!("{verb}CustomObject"), "Custom Objects"),
            "ApexClass" | "ApexTrigger" | "ApexPage" | "ApexComponent" => {
                (format!("{verb}{kind}"), "Apex Code")
            }
            "AuraDefinitionBundle" => (format!("{verb}AuraComponent"), "Lightning Components"),
            "LightningComponentBundle" => (
                format!("{verb}LightningWebComponent"),
                "Lightning Components",
            ),
            "Profile" | "Group" | "Queue" => (
                format!("{verb}{}", kind.to_ascii_lowercase()),
                "Manage Users",
            ),
            "PermissionSet" => (
                match verb {
                    "deleted" => "PermSetDelete",
                    _ => "PermSetCreate",
                }
                .to_owned(),
                "Manage Users",
            ),
            _ => (format!("{verb}{kind}"), "Customize"),
        };
        let mut letters = verb.chars();
        let capital = letters.next().map(|first| first.to_ascii_uppercase());
        let verb: String = capital.into_iter().chain(letters).collect();
        Self {
            action,
            section,
            display: format!("{verb} {kind} {name}"),
        }
    }

    fn about_users(action: &str, display: String) -> Self {
        Self {
            action: action.to_owned(),
            section: "Manage Users",
            display,
        }
    }
}

impl Org {
    /// Writes down what `user` changed. Not to be called by who holds the store.
    pub(crate) fn note_setup(&self, user: &str, changes: &[SetupChange]) {
        if changes.is_empty() {
            return;
        }
        let caller = Caller::plain(user.to_owned());
        let mut store = self.store.write();
        let mut save = Save {
            schema: &self.schema,
            store: &mut store,
            caller: &caller,
            stamp_ms: self.clock.now_second_ms(),
            now_ms: self.clock.now_ms(),
            visible: Visible::Now,
            rules: self.rules_in_force(),
        };
        for change in changes {
            save.trace(change);
        }
    }
}

impl Save<'_> {
    /// A user, a permission set or an assignment was made or changed.
    pub(super) fn setup_changed(&mut self, object: &Object, record: Record, before: Option<&Row>) {
        let changes = match object.name.as_str() {
            "User" => self.user_changed(record, object, before),
            "PermissionSet" => self.permission_set_changed(record, object, before),
            _ if before.is_none() => self.assignment(record, "PermSetAssign", "assigned to"),
            _ => Vec::new(),
        };
        for change in changes {
            self.trace(&change);
        }
    }

    /// A permission set or an assignment has gone.
    pub(super) fn setup_removed(&mut self, record: Record) {
        let name = self.schema.object(record.0).map(|object| &object.name);
        let changes = match name.map(String::as_str) {
            Some("PermissionSet") => {
                let label = self.value(record, "Label").unwrap_or_default();
                let display = format!("Deleted permission set {label}");
                vec![SetupChange::about_users("PermSetDelete", display)]
            }
            _ => self.assignment(record, "PermSetUnassign", "unassigned from"),
        };
        for change in changes {
            self.trace(&change);
        }
    }

    fn user_changed(
        &self,
        record: Record,
        object: &Object,
        before: Option<&Row>,
    ) -> Vec<SetupChange> {
        let name = self.value(record, "Name").unwrap_or_default();
        let Some(before) = before else {
            let display = format!("Created new user {name}");
            return vec![SetupChange::about_users("createduser", display)];
        };
        let moved = |field: &str| {
            let old = object
                .field(field)
                .and_then(|(number, _)| text(before, number));
            let new = self.value(record, field);
            (old != new.as_deref()).then_some((old.map(str::to_owned), new))
        };
        let mut changes = Vec::new();
        match moved("IsActive") {
            Some((_, Some(new))) if new == "true" => changes.push(SetupChange::about_users(
                "activateduser",
                format!("Activated user {name}"),
            )),
            Some(_) => changes.push(SetupChange::about_users(
                "deactivateduser",
                format!("Deactivated user {name}"),
            )),
            None => {}
        }
        if let Some((old, new)) = moved("ProfileId") {
            let profile = |id: Option<String>| self.value_of(id.as_deref(), "Name");
            let (old, new) = (profile(old), profile(new));
            let display = format!(
                "Changed profile for user {name} from {} to {}",
                old.unwrap_or_default(),
                new.unwrap_or_default()
            );
            changes.push(SetupChange::about_users("changedprofileforuser", display));
        }
        changes
    }

    fn permission_set_changed(
        &self,
        record: Record,
        object: &Object,
        before: Option<&Row>,
    ) -> Vec<SetupChange> {
        let label = self.value(record, "Label").unwrap_or_default();
        // The one behind a profile is not seen in the setup; its name begins with the profile's Id.
        if label.starts_with("X00e") {
            return Vec::new();
        }
        let Some(before) = before else {
            let license = self.value(record, "LicenseId");
            let license = self.value_of(license.as_deref(), "Name");
            let license = license.map_or_else(
                || "no license".to_owned(),
                |name| format!("user license {name}"),
            );
            let display = format!("Created permission set {label}: with {license}");
            return vec![SetupChange::about_users("PermSetCreate", display)];
        };
        let Some(after) = self.last_row(record) else {
            return Vec::new();
        };
        let flags = object.fields.iter().enumerate();
        let moved = flags.filter_map(|(number, field)| {
            let permission = field.name.strip_prefix("Permissions")?;
            let new = text(&after, number);
            (text(before, number) != new).then(|| {
                let on = new == Some("true");
                let (action, from, to) = if on {
                    ("PermSetEnableUserPerm", "disabled", "enabled")
                } else {
                    ("PermSetDisableUserPerm", "enabled", "disabled")
                };
                let display = format!(
                    "Changed permission set {label}: {permission} was changed from {from} to {to}"
                );
                SetupChange::about_users(action, display)
            })
        });
        moved.collect()
    }

    fn assignment(&self, record: Record, action: &str, what: &str) -> Vec<SetupChange> {
        let set = self.value(record, "PermissionSetId");
        let label = self
            .value_of(set.as_deref(), "Label")
            .filter(|label| !label.starts_with("X00e"));
        let user = self.value(record, "AssigneeId");
        let name = self.value_of(user.as_deref(), "Name").unwrap_or_default();
        let display = label.map(|label| {
            let user = user.as_deref().and_then(|id| id.get(..15));
            let user = user.unwrap_or_default();
            format!("Permission set {label}: {what} user {name} (UserID: [{user}])")
        });
        display
            .map(|display| SetupChange::about_users(action, display))
            .into_iter()
            .collect()
    }

    fn trace(&mut self, change: &SetupChange) {
        let Some((_, object)) = self.schema.find("SetupAuditTrail") else {
            return;
        };
        // No longer than describe says.
        let cut = |name: &str, value: &str| {
            let length = object.field(name).map_or(0, |(_, field)| field.length);
            Some(value.chars().take(length).collect::<String>())
        };
        let values = [
            ("Action", cut("Action", &change.action)),
            ("Section", cut("Section", change.section)),
            ("Display", cut("Display", &change.display)),
        ];
        self.add("SetupAuditTrail", &values);
    }
}
