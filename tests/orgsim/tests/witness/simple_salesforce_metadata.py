"""What simple-salesforce sees of the Metadata API and the Tooling API."""

import io
import time
import zipfile

from __main__ import ORG, VERSION, check, connect, same

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


def metadata():
    """A client whose Metadata API is on loopback: that one makes a session of its own, but takes its address."""
    sf = connect()
    sf.metadata_url = f"{ORG}/services/Soap/m/{VERSION}/"
    return sf


def package(files):
    """A zip with these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    out.seek(0)
    return out


def manifest(types):
    """A package.xml of members by type."""
    listed = "".join(
        f"<types>{''.join(f'<members>{member}</members>' for member in members)}<name>{name}</name></types>"
        for name, members in types.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<Package xmlns="{NAMESPACE}">{listed}<version>{VERSION}</version></Package>'
    )


def custom_object(mdapi, name, label):
    """A custom object as the client models it."""
    return mdapi.CustomObject(
        fullName=name,
        label=label,
        pluralLabel=label + "s",
        nameField=mdapi.CustomField(label="Name", type=mdapi.FieldType("Text")),
        deploymentStatus=mdapi.DeploymentStatus("Deployed"),
        sharingModel=mdapi.SharingModel("ReadWrite"),
    )


@check
def the_types_of_metadata_are_described():
    described = metadata().mdapi.describe_metadata()
    types = {found.xmlName: found for found in described.metadataObjects}
    same((types["CustomObject"].directoryName, types["CustomObject"].suffix), ("objects", "object"))
    assert "CustomField" in types["CustomObject"].childXmlNames
    assert types["ApexClass"].metaFile


@check
def components_are_listed():
    mdapi = metadata().mdapi
    query = mdapi._client.get_type("ns0:ListMetadataQuery")(type="CustomObject")
    names = {found.fullName for found in mdapi.list_metadata([query])}
    assert {"Account", "Project__c"} <= names, names


@check
def a_custom_object_is_created_read_updated_and_deleted():
    sf = metadata()
    mdapi = sf.mdapi
    mdapi.CustomObject.create([custom_object(mdapi, "Witness__c", "Witness")])
    read = mdapi.CustomObject.read("Witness__c")
    same((read.fullName, read.label), ("Witness__c", "Witness"))
    made = sf.Witness__c.create({"Name": "a row"})
    same(sf.query("SELECT Name FROM Witness__c")["records"][0]["Name"], "a row")
    read.label = "Bystander"
    mdapi.CustomObject.update(read)
    same(sf.Witness__c.describe()["label"], "Bystander")
    field = mdapi.CustomField(
        fullName="Witness__c.Note__c", label="Note", type=mdapi.FieldType("Text"), length=20
    )
    mdapi.CustomField.create([field])
    same(sf.Witness__c.update(made["id"], {"Note__c": "seen"}), 204)
    same(sf.Witness__c.get(made["id"])["Note__c"], "seen")
    mdapi.CustomObject.delete("Witness__c")
    names = {found["name"] for found in sf.describe()["sobjects"]}
    assert "Witness__c" not in names


@check
def a_component_that_cannot_be_made_is_an_exception():
    mdapi = metadata().mdapi
    broken = custom_object(mdapi, "Not a name", "Broken")
    try:
        mdapi.CustomObject.create([broken])
    except Exception as error:  # pylint: disable=broad-except
        # The client raises a plain Exception with what the answer said.
        same(type(error), Exception)
        assert "Not a name" in str(error), error
    else:
        raise AssertionError("nothing was raised")


@check
def a_zip_is_deployed_and_retrieved():
    sf = metadata()
    rule = (
        f'<CustomObject xmlns="{NAMESPACE}"><validationRules><fullName>Witnessed</fullName><active>true</active>'
        "<errorConditionFormula>Budget__c &lt; -77</errorConditionFormula>"
        "<errorMessage>Seen by a witness</errorMessage></validationRules></CustomObject>"
    )
    archive = package(
        {
            "package.xml": manifest({"ValidationRule": ["Project__c.Witnessed"]}),
            "objects/Project__c.object": rule,
        }
    )
    started = sf.deploy(archive, sandbox=False)
    assert started["asyncId"].startswith("0Af"), started
    while True:
        status = sf.checkDeployStatus(started["asyncId"])
        if status["state"] not in ("Pending", "InProgress", "Queued"):
            break
        time.sleep(0.05)
    same((status["state"], status["deployment_detail"]["errors"]), ("Succeeded", []))
    from simple_salesforce import SalesforceMalformedRequest

    try:
        sf.Project__c.create({"Name": "a", "Budget__c": -78})
    except SalesforceMalformedRequest as error:
        same(
            (error.content[0]["errorCode"], error.content[0]["message"]),
            ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Seen by a witness"),
        )
    else:
        raise AssertionError("the rule does not hold")

    retrieval, _ = sf.mdapi.retrieve("", unpackaged={"ValidationRule": ["Project__c.Witnessed"]})
    while True:
        state, error, _ = sf.mdapi.check_retrieve_status(retrieval)
        if state not in ("Pending", "InProgress", "Queued"):
            break
        time.sleep(0.05)
    same((state, error), ("Succeeded", None))
    _, _, _, content = sf.mdapi.retrieve_zip(retrieval)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert any(name.endswith("package.xml") for name in archive.namelist())
        (name,) = [name for name in archive.namelist() if name.endswith("Project__c.object")]
        assert b"Seen by a witness" in archive.read(name)


@check
def entities_are_read_with_the_tooling_api():
    sf = connect()
    found = sf.toolingexecute(
        "query/?q=SELECT+QualifiedApiName,KeyPrefix+FROM+EntityDefinition+WHERE+QualifiedApiName='Account'"
    )
    same([(row["QualifiedApiName"], row["KeyPrefix"]) for row in found["records"]], [("Account", "001")])
