//! The template of the checkout passes; each way of weakening it is found.

use super::*;

const TEMPLATE: &str = include_str!("../../../infra/template.yaml");

fn folders() -> Vec<String> {
    xtask::place::functions().unwrap()
}

/// The findings after one text of the template was replaced, wherever it stands.
#[track_caller]
fn findings_after(old: &str, new: &str) -> Vec<String> {
    assert!(
        TEMPLATE.contains(old),
        "the template does not contain `{old}`"
    );
    let template = parse(&TEMPLATE.replace(old, new)).unwrap();
    check(&template, &folders(), &folders())
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[track_caller]
fn refused(old: &str, new: &str, expected: &str) {
    let findings = findings_after(old, new);
    assert!(
        findings.iter().any(|finding| finding.contains(expected)),
        "expected `{expected}`, got {findings:?}"
    );
}

#[test]
fn the_template_passes() {
    assert_eq!(check(&parse(TEMPLATE).unwrap(), &folders(), &folders()), []);
}

#[test]
fn a_wildcard_action_is_refused_and_a_wildcard_denial_is_not() {
    refused("- dynamodb:GetItem", "- dynamodb:*", "allows `dynamodb:*`");
    refused("s3:PutObject", "s3:Put*", "allows `s3:Put*`");
    assert!(
        TEMPLATE.contains("Action: \"s3:*\""),
        "the denial of plain HTTP is the one wildcard"
    );
}

#[test]
fn a_statement_on_every_resource_is_refused() {
    refused(
        "Resource: !GetAtt Catalog.Arn",
        "Resource: \"*\"",
        "every resource",
    );
}

#[test]
fn a_shared_or_missing_role_is_refused() {
    refused(
        "Role: !GetAtt FailJobRole.Arn",
        "Role: !GetAtt BeginJobRole.Arn",
        "shares its role",
    );
    refused(
        "Role: !GetAtt FailJobRole.Arn",
        "Role: !GetAtt Catalog.Arn",
        "no role of this template",
    );
    refused(
        "Role: !GetAtt FailJobRole.Arn",
        "Policies: [AmazonS3FullAccess]",
        "lets SAM make its role",
    );
}

#[test]
fn state_that_the_stack_would_delete_is_refused() {
    refused(
        "DeletionPolicy: Retain",
        "DeletionPolicy: Delete",
        "would be lost with the stack",
    );
    refused(
        "UpdateReplacePolicy: Retain",
        "UpdateReplacePolicy: Delete",
        "would be lost with the stack",
    );
    refused(
        "PointInTimeRecoveryEnabled: true",
        "PointInTimeRecoveryEnabled: false",
        "PointInTimeRecoveryEnabled",
    );
    refused(
        "EnableKeyRotation: true",
        "EnableKeyRotation: false",
        "EnableKeyRotation",
    );
}

#[test]
fn a_vault_that_is_open_or_forgets_is_refused() {
    refused(
        "Status: Enabled\n      Public",
        "Status: Suspended\n      Public",
        "VersioningConfiguration",
    );
    refused(
        "BlockPublicPolicy: true",
        "BlockPublicPolicy: false",
        "BlockPublicPolicy",
    );
    refused(
        "SSEAlgorithm: aws:kms",
        "SSEAlgorithm: AES256",
        "SSEAlgorithm",
    );
    refused(
        "aws:SecureTransport: \"false\"",
        "aws:SecureTransport: \"true\"",
        "without TLS",
    );
}

#[test]
fn functions_template_and_programs_must_agree() {
    refused(
        "${AWS::StackName}-fail-job",
        "${AWS::StackName}-gail-job",
        "functions/gail-job does not exist",
    );
    refused(
        "${AWS::StackName}-fail-job",
        "${AWS::StackName}-gail-job",
        "functions/fail-job: is not in the template",
    );
    refused(
        "lambda/fail-job/bootstrap.zip",
        "lambda/fail-job/",
        "its CodeUri",
    );
    refused("SkipBuild: true", "SkipBuild: false", "SkipBuild");
    let template = parse(TEMPLATE).unwrap();
    assert_eq!(check(&template, &folders(), &folders()[1..]).len(), 1);
}

#[test]
fn settings_that_only_one_side_knows_are_found() {
    let template = parse(TEMPLATE).unwrap();
    let all = "HOLDFAST_TABLE HOLDFAST_BUCKET HOLDFAST_KEY_ID HOLDFAST_SEGMENT_BYTES";
    assert_eq!(check_settings(&template, all), []);
    assert_eq!(
        check_settings(&template, "HOLDFAST_TABLE HOLDFAST_BUCKET HOLDFAST_KEY_ID").len(),
        1
    );
    assert_eq!(
        check_settings(&template, &format!("{all} HOLDFAST_NEW")).len(),
        1
    );
}

#[test]
fn a_machine_that_nothing_deploys_is_found() {
    let template = parse(TEMPLATE).unwrap();
    assert_eq!(check_machine_files(&template, &["backup".to_owned()]), []);
    assert_eq!(
        check_machine_files(&template, &["backup".to_owned(), "sync".to_owned()]).len(),
        1
    );
}

#[test]
fn short_tags_are_read_in_their_long_form() {
    let template = parse("a: !Sub x\nb: !GetAtt Y.Arn\nc: !Ref Z\nd: !If [A, 1, true]\n").unwrap();
    let expected = serde_json::json!({
        "a": { "Fn::Sub": "x" }, "b": { "Fn::GetAtt": "Y.Arn" }, "c": { "Ref": "Z" }, "d": { "Fn::If": ["A", 1, true] }
    });
    assert_eq!(template, expected);
}
