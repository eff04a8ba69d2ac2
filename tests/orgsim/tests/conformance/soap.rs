//! Calls of the SOAP interfaces.

use serde_json::json;

use super::{
    replay::{Made, OLDEST, Replay, no_stand_in},
    world::Call,
};

/// Stands for the name of the object that the recorder masked.
const OBJECT: &str = "Recorded";

impl Replay<'_> {
    /// `/services/Soap/{letter}/{version}/{org}`
    pub(crate) async fn soap(&mut self, parts: &[&str]) -> Made<Call> {
        let [letter, version, rest @ ..] = parts else {
            return Err("path of another kind".to_owned());
        };
        let number = version.strip_suffix(".0").and_then(|v| v.parse().ok());
        let number = number.map_or(OLDEST, |number: u32| number.max(OLDEST));
        let mut target = format!("/services/Soap/{letter}/{number}.0");
        if !rest.is_empty() {
            // Our org's Id is part of its sessions.
            let org = self.world.token.split('!').next().unwrap_or_default();
            target.push('/');
            target.push_str(org);
        }
        let recorded = self.exchange.body.as_deref().unwrap_or_default();
        let mut body = recorded
            .replace("__ACCESS_TOKEN__", &self.world.token)
            .replace("__CUSTOM_OBJECT_NAME__", OBJECT);
        for (name, ours) in [
            ("username", "backup@acme.example"),
            ("password", "demo-password"),
        ] {
            body = with_text(&body, name, ours);
        }
        if self.expects("DEPENDENCY_EXISTS") {
            self.assign_permission_set(&body).await?;
        }
        let mut call = Call::new("POST", target);
        call.content_type = Some("text/xml; charset=UTF-8".to_owned());
        call.headers
            .push(("SOAPAction".to_owned(), "\"\"".to_owned()));
        call.body = Some(body);
        Ok(call)
    }

    /// The recorded user had the permission set that the call deletes.
    async fn assign_permission_set(&mut self, body: &str) -> Made<()> {
        let name = body
            .split("fullNames>")
            .nth(1)
            .and_then(|rest| rest.split('<').next())
            .ok_or_else(no_stand_in)?;
        let found = self
            .world
            .query(&format!(
                "SELECT Id FROM PermissionSet WHERE Name = '{name}'"
            ))
            .await
            .json();
        let set = found["records"][0]["Id"].as_str().ok_or_else(no_stand_in)?;
        let assignment = json!({"PermissionSetId": set, "AssigneeId": self.world.user});
        let made = self.world.create("PermissionSetAssignment", &assignment);
        made.await.map(|_| ()).ok_or_else(no_stand_in)
    }
}

/// The document with another text in the element called `name`.
fn with_text(document: &str, name: &str, text: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = document
        .split_once(&open)
        .and_then(|(before, rest)| Some((before, rest.split_once(&close)?.1)));
    parts.map_or_else(
        || document.to_owned(),
        |(before, after)| format!("{before}{open}{text}{close}{after}"),
    )
}
