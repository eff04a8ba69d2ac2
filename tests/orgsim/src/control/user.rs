//! Users that log in, with what they may do. All of it is rows that the API shows and changes too; only passwords are
//! not.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::to_raw_value};

use super::ControlError;
use crate::{
    api::write::save_at_once,
    org::Org,
    permission::permissionable,
    save::{Caller, Save, Values},
    store::{Changes, Visible},
    user::Secret,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    username: String,
    password: Option<String>,
    security_token: Option<String>,
    /// Name of a profile, which is made when there is none; its own name is the user's.
    profile: Option<String>,
    /// System permissions: names of fields without `Permissions`.
    #[serde(default)]
    permissions: Vec<String>,
    /// Letters of `CRUD` by object.
    #[serde(default)]
    objects: BTreeMap<String, String>,
    /// `R` or `RU` by `Object.Field`; `Object.*` is every field that can be hidden.
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

/// `POST /__sim/users`
pub(crate) async fn put(
    State(org): State<Arc<Org>>,
    body: Bytes,
) -> Result<Json<Value>, ControlError> {
    let request: Request = serde_json::from_slice(&body)
        .map_err(|error| ControlError(format!("not understood: {error}")))?;
    let known = org.user_named(&request.username);
    let administrator = Caller::plain(org.user_id());
    let (user, profile, set) = {
        let mut store = org.store.write();
        let mut setup = Setup(save_at_once(&org, &mut store, &administrator));
        let name = request.profile.as_ref().unwrap_or(&request.username);
        let profile = match setup.named("Profile", name) {
            Some(profile) => profile,
            None => setup.create(
                "Profile",
                json!({"Name": name, "UserLicenseId": setup.license()}),
            )?,
        };
        let set = setup.owned_set(&profile)?;
        let grants = request.permissions.iter();
        setup.flags(
            "PermissionSet",
            &set,
            grants.map(|name| format!("Permissions{name}")),
        )?;
        setup.objects(&set, &request.objects)?;
        setup.fields(&set, &request.fields)?;
        let user = match known {
            Some(user) => {
                setup.update("User", &user, json!({"ProfileId": profile}))?;
                user
            }
            None => setup.create("User", new_user(&request.username, &profile))?,
        };
        (user, profile, set)
    };
    if let Some(password) = request.password {
        let secret = Secret {
            password,
            security_token: request.security_token,
        };
        org.logins.write().set(user.clone(), secret);
    }
    Ok(Json(
        json!({"user_id": user, "profile_id": profile, "permission_set_id": set}),
    ))
}

fn new_user(username: &str, profile: &str) -> Value {
    let name = username.split('@').next().unwrap_or_default();
    let short: String = name.chars().take(8).collect();
    let nickname: String = name.chars().take(40).collect();
    json!({
        "Username": username,
        "Email": username,
        "LastName": nickname,
        "Alias": short,
        "CommunityNickname": nickname,
        "IsActive": true,
        "ProfileId": profile,
        "TimeZoneSidKey": "UTC",
        "LocaleSidKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US",
    })
}

/// Setup records, saved by an administrator.
struct Setup<'a>(Save<'a>);

impl Setup<'_> {
    /// The Id of the live record of `object` with this name.
    fn named(&mut self, object: &str, name: &str) -> Option<String> {
        let (at, object) = self.0.schema.find(object)?;
        let (field, _) = object.field("Name")?;
        let slots = self.0.store.with_value(at, field, name.as_bytes());
        let slot = slots
            .into_iter()
            .find(|slot| self.0.live((at, *slot)).is_ok())?;
        Some(String::from_utf8_lossy(&object.mint.id(slot)).into_owned())
    }

    fn license(&self) -> String {
        let license = self.0.schema.find("UserLicense");
        let id = license
            .map(|(_, object)| object.mint.id(0))
            .unwrap_or_default();
        String::from_utf8_lossy(&id).into_owned()
    }

    fn create(&mut self, object: &str, values: Value) -> Result<String, ControlError> {
        let (at, declared) = find(&self.0, object)?;
        let slot = self.0.create(at, &raw(values))?;
        Ok(String::from_utf8_lossy(&declared.mint.id(slot)).into_owned())
    }

    fn update(&mut self, object: &str, id: &str, values: Value) -> Result<(), ControlError> {
        let record = self.record(object, id)?;
        Ok(self.0.update(record, &raw(values))?)
    }

    /// The permission set that stands for a profile.
    fn owned_set(&mut self, profile: &str) -> Result<String, ControlError> {
        // Its name is the profile's Id on the platform as well, behind an X.
        let name = format!("X{profile}");
        if let Some(set) = self.named("PermissionSet", &name) {
            return Ok(set);
        }
        let set = self.create("PermissionSet", json!({"Name": name, "Label": name}))?;
        let (_, declared) = find(&self.0, "PermissionSet")?;
        let mut changes = Changes::new();
        for (field, value) in [
            ("IsOwnedByProfile", "true"),
            ("ProfileId", profile),
            ("Type", "Profile"),
        ] {
            if let Some((number, _)) = declared.field(field) {
                changes.insert(number, Some(value.to_owned()));
            }
        }
        let record = self.record("PermissionSet", &set)?;
        let now = self.0.now_ms;
        self.0.store.change(record, &changes, Visible::Now, now);
        Ok(set)
    }

    fn flags(
        &mut self,
        object: &str,
        id: &str,
        names: impl Iterator<Item = String>,
    ) -> Result<(), ControlError> {
        let values: Map<String, Value> = names.map(|name| (name, Value::Bool(true))).collect();
        if values.is_empty() {
            return Ok(());
        }
        self.update(object, id, Value::Object(values))
    }

    fn objects(
        &mut self,
        set: &str,
        objects: &BTreeMap<String, String>,
    ) -> Result<(), ControlError> {
        for (object, letters) in objects {
            let name = find(&self.0, object)?.1.name.clone();
            let may = |letter: char| letters.contains(letter);
            let values = json!({
                "ParentId": set,
                "SobjectType": name,
                "PermissionsCreate": may('C'),
                "PermissionsRead": may('R'),
                "PermissionsEdit": may('U'),
                "PermissionsDelete": may('D'),
                "PermissionsViewAllRecords": false,
                "PermissionsModifyAllRecords": false,
            });
            self.create("ObjectPermissions", values)?;
        }
        Ok(())
    }

    fn fields(&mut self, set: &str, fields: &BTreeMap<String, String>) -> Result<(), ControlError> {
        for (path, letters) in fields {
            let (object, wanted) = path
                .split_once('.')
                .ok_or_else(|| ControlError(format!("not Object.Field: `{path}`")))?;
            let object = find(&self.0, object)?.1;
            let fitting = object.fields.iter().filter(|field| {
                wanted == "*" && permissionable(object, field)
                    || field.name.eq_ignore_ascii_case(wanted)
            });
            let names: Vec<String> = fitting.map(|field| field.name.clone()).collect();
            if names.is_empty() {
                return Err(ControlError(format!("no such field: `{path}`")));
            }
            let object = object.name.clone();
            for field in names {
                let values = json!({
                    "ParentId": set,
                    "SobjectType": object,
                    "Field": format!("{object}.{field}"),
                    "PermissionsRead": letters.contains('R'),
                    "PermissionsEdit": letters.contains('U'),
                });
                self.create("FieldPermissions", values)?;
            }
        }
        Ok(())
    }

    fn record(&self, object: &str, id: &str) -> Result<(usize, usize), ControlError> {
        let parsed = crate::id::parse(id);
        let record = parsed.and_then(|id| self.0.schema.locate(&id));
        record.ok_or_else(|| ControlError(format!("no such {object}: `{id}`")))
    }
}

fn find<'a>(
    save: &Save<'a>,
    name: &str,
) -> Result<(usize, &'a crate::schema::Object), ControlError> {
    let found = save.schema.find(name);
    found.ok_or_else(|| ControlError(format!("no such object: `{name}`")))
}

fn raw(values: Value) -> Values {
    let Value::Object(values) = values else {
        return Values::new();
    };
    let pairs = values.into_iter();
    pairs
        .filter_map(|(name, value)| Some((name, to_raw_value(&value).ok()?)))
        .collect()
}
