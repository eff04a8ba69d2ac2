//! What an administrator does in a simulated org, by the Metadata API.

use anyhow::{Context as _, ensure};
use reqwest::Client;
use serde_json::Value;

/// The namespace of its calls (Metadata API guide).
const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";

/// Somebody who is logged in.
#[expect(missing_debug_implementations, reason = "it holds a token")]
pub struct Administrator<'a> {
    http: &'a Client,
    url: &'a str,
    token: String,
}

impl<'a> Administrator<'a> {
    /// As the integration user.
    pub async fn log_in(http: &'a Client, url: &'a str) -> anyhow::Result<Self> {
        let form =
            "grant_type=client_credentials&client_id=holdfast-demo&client_secret=demo-secret";
        let request = http.post(format!("{url}/services/oauth2/token"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form).send().await?.text().await?;
        let answer: Value = serde_json::from_str(&answer)?;
        let token = answer.get("access_token").and_then(Value::as_str);
        let token = token.context("no token")?;
        Ok(Self {
            http,
            url,
            token: token.to_owned(),
        })
    }

    /// The access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A call of the Metadata API; says how often it succeeded, which is once at least.
    pub async fn metadata(&self, call: &str) -> anyhow::Result<usize> {
        let token = &self.token;
        let envelope = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><e:Header xmlns=\"{NAMESPACE}\"><SessionHeader>\
             <sessionId>{token}</sessionId></SessionHeader></e:Header><e:Body xmlns=\"{NAMESPACE}\">{call}</e:Body></e:Envelope>"
        );
        let request = self.http.post(format!("{}/services/Soap/m/60.0", self.url));
        let request = request.header("content-type", "text/xml");
        let request = request.header("soapaction", "\"\"").body(envelope);
        let text = request.send().await?.text().await?;
        let made = text.matches("<success>true</success>").count();
        ensure!(made > 0, "{text}");
        Ok(made)
    }

    /// Makes custom objects whose records have a name.
    pub async fn make_objects<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> anyhow::Result<usize> {
        let components = names
            .into_iter()
            .map(|name| component(name, "<type>Text</type>", "ReadWrite"));
        let components: String = components.collect();
        self.metadata(&format!("<createMetadata>{components}</createMetadata>"))
            .await
    }

    /// Makes a custom object with these fields, which refer to nothing that is made later.
    pub async fn make_object(&self, name: &str, fields: &[(&str, &str)]) -> anyhow::Result<()> {
        let is_detail = fields.iter().any(|(_, body)| body.contains("MasterDetail"));
        self.make_bare_object(name, "<type>Text</type>", is_detail)
            .await?;
        for (field, body) in fields {
            let call = field_call("createMetadata", name, field, body);
            self.metadata(&call).await?;
        }
        Ok(())
    }

    /// Makes a custom object whose name is of this kind, to which fields are added later.
    pub async fn make_bare_object(
        &self,
        name: &str,
        name_field: &str,
        is_detail: bool,
    ) -> anyhow::Result<()> {
        let sharing = if is_detail {
            "ControlledByParent"
        } else {
            "ReadWrite"
        };
        let component = component(name, name_field, sharing);
        let call = format!("<createMetadata>{component}</createMetadata>");
        self.metadata(&call).await.map(drop)
    }
}

/// A call that makes or changes a field.
pub fn field_call(call: &str, object: &str, name: &str, body: &str) -> String {
    format!(
        "<{call}><metadata xsi:type=\"CustomField\"><fullName>{object}.{name}</fullName><label>{name}</label>{body}</metadata></{call}>"
    )
}

fn component(name: &str, name_field: &str, sharing: &str) -> String {
    let label = name.trim_end_matches("__c");
    format!(
        "<metadata xsi:type=\"CustomObject\"><fullName>{name}</fullName><label>{label}</label><pluralLabel>{label}</pluralLabel>\
         <nameField>{name_field}<label>Name</label></nameField><deploymentStatus>Deployed</deploymentStatus>\
         <sharingModel>{sharing}</sharingModel></metadata>"
    )
}
