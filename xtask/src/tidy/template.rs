//! The template: least privilege, state that outlives the stack, and names that agree everywhere.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};

use super::{Finding, list, members, text};

pub(super) const PATH: &str = "infra/template.yaml";

/// Types whose loss would lose backups.
const STATE: [&str; 5] = [
    "AWS::DynamoDB::Table",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
];

/// A state machine of the template.
pub(super) struct Machine {
    /// Relative to the checkout.
    pub(super) path: String,
    pub(super) substitutions: BTreeSet<String>,
}

/// Reads the template into JSON, with the short tags (`!Ref x`) in their long form (`{"Ref": x}`).
pub(super) fn parse(yaml: &str) -> anyhow::Result<Value> {
    let documents = Yaml::load_from_str(yaml).context("the template is not YAML")?;
    let document = documents.first().context("the template is empty")?;
    Ok(json(document))
}

fn json(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Mapping(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), json(value)));
            Value::Object(fields.collect())
        }
        Yaml::Sequence(values) => values.iter().map(json).collect(),
        Yaml::Tagged(tag, inner) => {
            let long = match tag.suffix.as_str() {
                short @ ("Ref" | "Condition") => short.to_owned(),
                short => format!("Fn::{short}"),
            };
            Value::Object(Map::from_iter([(long, json(inner))]))
        }
        Yaml::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::FloatingPoint(value)) => Value::from(value.into_inner()),
        Yaml::Value(Scalar::String(value)) | Yaml::Representation(value, ..) => {
            Value::from(value.as_ref())
        }
        Yaml::Value(Scalar::Null) | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    }
}

/// The state machines that the template deploys.
pub(super) fn machines(template: &Value) -> Vec<Machine> {
    resources(template, "AWS::Serverless::StateMachine")
        .map(|(_, machine)| Machine {
            path: text(machine, "/Properties/DefinitionUri")
                .trim_start_matches("../")
                .to_owned(),
            substitutions: members(machine, "/Properties/DefinitionSubstitutions")
                .map(|(name, _)| name.clone())
                .collect(),
        })
        .collect()
}

/// Every file of `statemachines/` is deployed.
pub(super) fn check_machine_files(template: &Value, files: &[String]) -> Vec<Finding> {
    let deployed: Vec<_> = machines(template)
        .into_iter()
        .map(|machine| machine.path)
        .collect();
    let paths = files
        .iter()
        .map(|name| format!("statemachines/{name}.asl.json"));
    paths
        .filter(|path| !deployed.contains(path))
        .map(|path| Finding::new(path, "is in no template"))
        .collect()
}

/// The variables that the template sets are the settings that the functions read.
pub(super) fn check_settings(template: &Value, settings: &str) -> Vec<Finding> {
    let set: BTreeSet<&str> = members(template, "/Globals/Function/Environment/Variables")
        .map(|(name, _)| name.as_str())
        .collect();
    let read: BTreeSet<&str> = settings
        .split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
        .filter(|word| word.starts_with("HOLDFAST_"))
        .collect();
    let differing = set.symmetric_difference(&read);
    differing
        .map(|name| {
            Finding::new(
                PATH,
                format!("`{name}` is set here or read in crates/runtime, but not both"),
            )
        })
        .collect()
}

/// Checks functions, roles and state. `folders` are those of `functions/`, `programs` what they build.
pub(super) fn check(template: &Value, folders: &[String], programs: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if folders != programs {
        findings.push(Finding::new(
            "functions",
            format!("folders and programs differ: {folders:?} and {programs:?}"),
        ));
    }
    findings.extend(check_functions(template, folders));
    findings.extend(check_roles(template));
    findings.extend(check_state(template));
    findings.extend(check_vault(template));
    findings
}

fn check_functions(template: &Value, folders: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut deployed = BTreeSet::new();
    let mut roles: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, function) in resources(template, "AWS::Serverless::Function") {
        let folder = text(function, "/Properties/FunctionName/Fn::Sub")
            .trim_start_matches("${AWS::StackName}-");
        deployed.insert(folder);
        if !folders.iter().any(|known| known == folder) {
            findings.push(finding(name, format!("functions/{folder} does not exist")));
        }
        if text(function, "/Properties/CodeUri")
            != format!("../target/lambda/{folder}/bootstrap.zip")
        {
            findings.push(finding(
                name,
                "its CodeUri is not what `cargo xtask package` makes",
            ));
        }
        if function.pointer("/Metadata/SkipBuild") != Some(&Value::Bool(true)) {
            findings.push(finding(
                name,
                "must say SkipBuild: it is built once, by cargo",
            ));
        }
        let role = text(function, "/Properties/Role/Fn::GetAtt").trim_end_matches(".Arn");
        if text(template, &format!("/Resources/{role}/Type")) != "AWS::IAM::Role" {
            findings.push(finding(name, "has no role of this template"));
        }
        if let Some(other) = roles.insert(role, name) {
            findings.push(finding(name, format!("shares its role with `{other}`")));
        }
        let log = format!("/aws/lambda/${{AWS::StackName}}-{folder}");
        if !resources(template, "AWS::Logs::LogGroup")
            .any(|(_, group)| text(group, "/Properties/LogGroupName/Fn::Sub") == log)
        {
            findings.push(finding(name, "has no log group of its own"));
        }
    }
    let missing = folders
        .iter()
        .filter(|folder| !deployed.contains(folder.as_str()));
    findings.extend(
        missing.map(|folder| Finding::new(format!("functions/{folder}"), "is not in the template")),
    );
    findings
}

/// Named actions on named resources.
fn check_roles(template: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, role) in resources(template, "AWS::IAM::Role") {
        if role.pointer("/Properties/ManagedPolicyArns").is_some() {
            findings.push(finding(name, "uses a managed policy; name the actions"));
        }
        for policy in list(role.pointer("/Properties/Policies")) {
            let statements = list(policy.pointer("/PolicyDocument/Statement"));
            let resources = statements
                .iter()
                .flat_map(|statement| list(statement.get("Resource")));
            if resources.into_iter().any(|resource| resource == "*") {
                findings.push(finding(name, "has a statement on every resource"));
            }
        }
    }
    for (name, resource) in members(template, "/Resources") {
        for action in allowed_actions(resource) {
            if action.contains('*') {
                findings.push(finding(
                    name,
                    format!("allows `{action}`; name the actions"),
                ));
            }
        }
        for inline in ["/Properties/Policies", "/Properties/ManagedPolicyArns"] {
            if text(resource, "/Type").starts_with("AWS::Serverless::")
                && resource.pointer(inline).is_some()
            {
                findings.push(finding(
                    name,
                    "lets SAM make its role; give it one of its own",
                ));
            }
        }
    }
    findings
}

/// Every action of every `Allow` statement, at any depth.
fn allowed_actions(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let own = (text(value, "/Effect") == "Allow").then(|| list(fields.get("Action")));
            let own = own.into_iter().flatten().filter_map(Value::as_str);
            own.chain(fields.values().flat_map(allowed_actions))
                .collect()
        }
        Value::Array(values) => values.iter().flat_map(allowed_actions).collect(),
        _ => Vec::new(),
    }
}

fn check_state(template: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, resource) in members(template, "/Resources") {
        let is_state = STATE.contains(&text(resource, "/Type"));
        if is_state
            && ["DeletionPolicy", "UpdateReplacePolicy"]
                .iter()
                .any(|policy| text(resource, &format!("/{policy}")) != "Retain")
        {
            findings.push(finding(name, "would be lost with the stack: DeletionPolicy and UpdateReplacePolicy must be Retain"));
        }
    }
    for (name, key) in resources(template, "AWS::KMS::Key") {
        findings.extend(demand(
            name,
            key,
            "/Properties/EnableKeyRotation",
            &Value::Bool(true),
        ));
    }
    for (name, table) in resources(template, "AWS::DynamoDB::Table") {
        let recovery = "/Properties/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled";
        findings.extend(demand(name, table, recovery, &Value::Bool(true)));
    }
    findings
}

fn check_vault(template: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, bucket) in resources(template, "AWS::S3::Bucket") {
        findings.extend(demand(
            name,
            bucket,
            "/Properties/VersioningConfiguration/Status",
            &Value::from("Enabled"),
        ));
        for block in [
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        ] {
            let pointer = format!("/Properties/PublicAccessBlockConfiguration/{block}");
            findings.extend(demand(name, bucket, &pointer, &Value::Bool(true)));
        }
        let encryption = "/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/SSEAlgorithm";
        findings.extend(demand(name, bucket, encryption, &Value::from("aws:kms")));
        let is_tls_only = resources(template, "AWS::S3::BucketPolicy")
            .filter(|(_, policy)| text(policy, "/Properties/Bucket/Ref") == name)
            .flat_map(|(_, policy)| list(policy.pointer("/Properties/PolicyDocument/Statement")))
            .any(|statement| {
                text(statement, "/Effect") == "Deny"
                    && text(statement, "/Condition/Bool/aws:SecureTransport") == "false"
            });
        if !is_tls_only {
            findings.push(finding(
                name,
                "answers without TLS: no bucket policy denies it",
            ));
        }
    }
    findings
}

fn demand(name: &str, resource: &Value, pointer: &str, expected: &Value) -> Option<Finding> {
    (resource.pointer(pointer) != Some(expected))
        .then(|| finding(name, format!("`{pointer}` must be {expected}")))
}

fn resources<'a>(
    template: &'a Value,
    kind: &'a str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    members(template, "/Resources").filter(move |(_, resource)| text(resource, "/Type") == kind)
}

fn finding(resource: &str, message: impl Into<String>) -> Finding {
    Finding::new(format!("{PATH}: {resource}"), message)
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
