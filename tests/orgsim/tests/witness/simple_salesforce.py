"""What the stock simple-salesforce sees of the simulated org.

`simple_salesforce.py --list` prints the names of the checks; without arguments every check runs, and each prints one
line of JSON: its name, and what went wrong if anything did. Each check stands by itself.

The client always speaks https to hosts below salesforce.com or to a given instance. A `requests` session takes
adapters by prefix, so the session that it is given sends all of these to the org on loopback.
"""

import json
import os
import sys
import traceback

CHECKS = []


def check(function):
    """Adds a check under the function's name."""
    CHECKS.append(function)
    return function


def main():
    """Runs every check."""
    if sys.argv[1:] == ["--list"]:
        print("\n".join(function.__name__ for function in CHECKS))
        return
    for function in CHECKS:
        error = None
        try:
            function()
        except Exception:  # pylint: disable=broad-except
            error = traceback.format_exc()
        print(json.dumps({"name": function.__name__, "error": error}), flush=True)


ORG = os.environ.get("ORGSIM_URL", "")
HOST = ORG.removeprefix("http://")
VERSION = "60.0"
USERNAME = "backup@acme.example"
PASSWORD = "demo-password"
KEY, SECRET = "holdfast-demo", "demo-secret"


def session():
    """A session whose https calls go to the org, whatever host they name."""
    import requests
    from requests.adapters import HTTPAdapter

    class Loopback(HTTPAdapter):
        """Sends what is meant for a Salesforce host to the org."""

        def send(self, request, **options):  # pylint: disable=arguments-differ
            request.url = ORG + request.path_url
            return super().send(request, **options)

    made = requests.Session()
    made.mount("https://", Loopback())
    return made


def connect(**options):
    """A client that logged in with the client credentials of the app."""
    from simple_salesforce import Salesforce

    given = {"consumer_key": KEY, "consumer_secret": SECRET, "domain": "acme.my"}
    given.update(options)
    return Salesforce(session=session(), version=VERSION, **given)


def control(path, body=None):
    """A call of the control interface."""
    import requests

    answer = requests.post(f"{ORG}/__sim/{path}", json=body or {}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def same(actual, expected):
    """Fails with both values."""
    assert actual == expected, f"{actual!r} is not {expected!r}"


def raised(kind, call):
    """The exception of this very class that the call raises."""
    try:
        found = call()
    except kind as error:
        same(type(error), kind)
        return error
    raise AssertionError(f"nothing was raised, but answered: {found!r}")


def unique(text):
    """A name that no other check uses."""
    unique.number = getattr(unique, "number", 0) + 1
    return f"{text} {os.getpid()}-{unique.number}"


# Logging in


@check
def client_credentials_open_a_session():
    sf = connect()
    same(sf.auth_type, "client-credentials")
    same(sf.sf_instance, HOST)
    assert sf.session_id.startswith("00D")
    assert "!" in sf.session_id


@check
def a_wrong_secret_is_an_authentication_failure():
    from simple_salesforce import SalesforceAuthenticationFailed

    error = raised(SalesforceAuthenticationFailed, lambda: connect(consumer_secret="wrong"))
    same((error.code, error.auth_message), ("invalid_client", "invalid client credentials"))


@check
def a_password_and_a_security_token_log_in_over_soap():
    sf = connect(username=USERNAME, password=PASSWORD, security_token="", consumer_key=None, consumer_secret=None)
    same((sf.auth_type, sf.sf_instance), ("password", HOST))
    same(sf.query("SELECT Id FROM Organization")["totalSize"], 1)
    control("tokens/expire")
    same(sf.query("SELECT Id FROM Organization")["totalSize"], 1)


@check
def a_password_and_an_organization_log_in_over_soap():
    organization = connect().query("SELECT Id FROM Organization")["records"][0]["Id"]
    sf = connect(
        username=USERNAME, password=PASSWORD, organizationId=organization, consumer_key=None, consumer_secret=None
    )
    same(sf.auth_type, "ipfilter")
    assert sf.limits()


@check
def a_wrong_password_is_an_invalid_login():
    from simple_salesforce import SalesforceAuthenticationFailed

    error = raised(
        SalesforceAuthenticationFailed,
        lambda: connect(
            username=USERNAME, password="wrong", security_token="", consumer_key=None, consumer_secret=None
        ),
    )
    same(error.code, "INVALID_LOGIN")
    same(
        error.auth_message,
        "Invalid username, password, security token; or user locked out.",
    )


@check
def a_session_id_and_an_instance_are_enough():
    sid = connect().session_id
    sf = connect(session_id=sid, instance_url=f"https://{HOST}", consumer_key=None, consumer_secret=None)
    same(sf.auth_type, "direct")
    same(sf.query("SELECT Id FROM Organization")["totalSize"], 1)


@check
def a_signed_assertion_opens_a_session():
    sf = connect(
        username=USERNAME,
        consumer_secret=None,
        privatekey=os.environ["ORGSIM_JWT_KEY"],
        domain="login",
        instance_url=None,
    )
    same(sf.auth_type, "jwt-bearer")
    same(sf.query("SELECT Username FROM User WHERE Username = '" + USERNAME + "'")["totalSize"], 1)


@check
def an_assertion_for_another_user_is_refused():
    from simple_salesforce import SalesforceAuthenticationFailed

    error = raised(
        SalesforceAuthenticationFailed,
        lambda: connect(
            username="nobody@acme.example",
            consumer_secret=None,
            privatekey=os.environ["ORGSIM_JWT_KEY"],
            domain="login",
        ),
    )
    same(error.code, "invalid_grant")


@check
def an_expired_session_is_renewed_by_itself():
    sf = connect()
    before = sf.session_id
    control("tokens/expire")
    same(sf.query("SELECT Id FROM Organization")["totalSize"], 1)
    assert sf.session_id != before
    control("tokens/expire")
    same(len(sf.Organization.describe()["fields"]) > 10, True)


@check
def a_given_session_that_ended_is_an_expired_session():
    from simple_salesforce import SalesforceExpiredSession

    sf = connect(
        session_id="00D000000000000!AQnonsense", instance=HOST, consumer_key=None, consumer_secret=None
    )
    error = raised(SalesforceExpiredSession, lambda: sf.query("SELECT Id FROM Account"))
    same(error.status, 401)
    same(error.content, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])


# Describing


@check
def describe_global_lists_the_objects():
    objects = {found["name"]: found for found in connect().describe()["sobjects"]}
    same(objects["Account"]["keyPrefix"], "001")
    same(objects["Account"]["custom"], False)
    same(objects["Project__c"]["custom"], True)
    same(objects["Account"]["urls"]["describe"], f"/services/data/v{VERSION}/sobjects/Account/describe")


@check
def an_object_is_described_with_its_fields():
    sf = connect()
    fields = {field["name"]: field for field in sf.Contact.describe()["fields"]}
    same(fields["AccountId"]["referenceTo"], ["Account"])
    same(fields["LastName"]["nillable"], False)
    about = sf.Contact.metadata()
    same(about["objectDescribe"]["name"], "Contact")
    assert isinstance(about["recentItems"], list)


@check
def an_unknown_object_is_not_found():
    from simple_salesforce import SalesforceResourceNotFound

    error = raised(SalesforceResourceNotFound, lambda: connect().Nonsense__c.describe())
    same(error.content[0]["errorCode"], "NOT_FOUND")


# Single records


@check
def a_record_is_created_read_updated_and_deleted():
    from simple_salesforce import SalesforceResourceNotFound

    sf = connect()
    name = unique("Ærø & Søn")
    made = sf.Account.create({"Name": name, "NumberOfEmployees": 7, "AnnualRevenue": 1234})
    same((made["success"], made["errors"]), (True, []))
    read = sf.Account.get(made["id"])
    same((read["Name"], read["NumberOfEmployees"], read["AnnualRevenue"]), (name, 7, 1234))
    same(read["attributes"]["type"], "Account")
    same(sf.Account.update(made["id"], {"Name": name + "!", "AnnualRevenue": None}), 204)
    read = sf.Account.get(made["id"], params={"fields": "Name,AnnualRevenue"})
    same((read["Name"], read["AnnualRevenue"], "Website" in read), (name + "!", None, False))
    same(sf.Account.delete(made["id"]), 204)
    error = raised(SalesforceResourceNotFound, lambda: sf.Account.get(made["id"]))
    same(error.status, 404)
    error = raised(SalesforceResourceNotFound, lambda: sf.Account.delete(made["id"]))
    same(error.content[0]["errorCode"], "ENTITY_IS_DELETED")


@check
def an_external_id_names_a_record():
    from urllib.parse import quote

    sf = connect()
    key = unique("key/ß").replace(" ", "-")
    path = "External_Key__c/" + quote(key, safe="")
    made = sf.Project__c.upsert(path, {"Name": "one"}, raw_response=True)
    same((made.status_code, made.json()["created"]), (201, True))
    same(sf.Project__c.upsert(path, {"Name": "two"}), 200)
    found = sf.Project__c.get_by_custom_id("External_Key__c", key)
    same((found["Id"], found["Name"]), (made.json()["id"], "two"))


@check
def two_records_of_one_key_are_more_than_one():
    from simple_salesforce import SalesforceMoreThanOneRecord

    sf = connect()
    email = f"twice-{os.getpid()}@acme.example"
    for _ in range(2):
        sf.Contact.create({"LastName": "Twice", "Email": email})
    error = raised(SalesforceMoreThanOneRecord, lambda: sf.Contact.upsert(f"Email/{email}", {"LastName": "x"}))
    same(len(error.content), 2)
    assert error.content[0].startswith(f"/services/data/v{VERSION}/sobjects/Contact/003")


@check
def a_missing_field_is_a_malformed_request():
    from simple_salesforce import SalesforceMalformedRequest

    error = raised(SalesforceMalformedRequest, lambda: connect().Contact.create({"FirstName": "a"}))
    same(
        error.content,
        [
            {
                "message": "Required fields are missing: [LastName]",
                "errorCode": "REQUIRED_FIELD_MISSING",
                "fields": ["LastName"],
            }
        ],
    )


@check
def an_unknown_field_is_a_malformed_request():
    from simple_salesforce import SalesforceMalformedRequest

    error = raised(SalesforceMalformedRequest, lambda: connect().Account.create({"Name": "a", "Nope__c": 1}))
    same(error.content[0]["errorCode"], "INVALID_FIELD")
    assert error.content[0]["message"].startswith("No such column 'Nope__c' on sobject of type Account")


# Queries


@check
def a_query_is_read_to_its_end_page_by_page():
    sf = connect()
    total = sf.query("SELECT COUNT() FROM Task")["totalSize"]
    page = sf.query("SELECT Id FROM Task", headers={"Sforce-Query-Options": "batchSize=200"})
    same((page["totalSize"], page["done"], len(page["records"])), (total, total <= 200, min(total, 200)))
    rows = list(sf.query_all_iter("SELECT Id FROM Task", headers={"Sforce-Query-Options": "batchSize=200"}))
    same(len({row["Id"] for row in rows}), total)
    if not page["done"]:
        locator = page["nextRecordsUrl"].rsplit("/", 1)[1]
        same(sf.query_more(locator)["records"][0]["Id"], rows[200]["Id"])


@check
def deleted_records_are_read_when_asked_for():
    sf = connect()
    name = unique("deleted")
    made = [sf.Account.create({"Name": name})["id"] for _ in range(3)]
    sf.Account.delete(made[0])
    soql = f"SELECT Id, IsDeleted FROM Account WHERE Name = '{name}'"
    same(sf.query_all(soql)["totalSize"], 2)
    rows = sf.query_all(soql, include_deleted=True)["records"]
    same(sorted(row["IsDeleted"] for row in rows), [False, False, True])


@check
def parents_and_groups_are_read():
    sf = connect()
    row = sf.query("SELECT Id, Account.Name, Owner.Username FROM Contact WHERE AccountId != NULL LIMIT 1")["records"][0]
    same(row["Account"]["attributes"]["type"], "Account")
    assert "@" in row["Owner"]["Username"]
    groups = sf.query("SELECT StageName, COUNT(Id) n FROM Opportunity GROUP BY StageName")["records"]
    total = sf.query("SELECT COUNT() FROM Opportunity")["totalSize"]
    same(sum(group["n"] for group in groups), total)


@check
def a_wrong_query_says_where():
    from simple_salesforce import SalesforceMalformedRequest

    error = raised(SalesforceMalformedRequest, lambda: connect().query("SELECT Id, Nope FROM Account"))
    same(error.content[0]["errorCode"], "INVALID_FIELD")
    assert "ERROR at Row:1:Column:12" in error.content[0]["message"], error.content
    error = raised(SalesforceMalformedRequest, lambda: connect().query("SELECT FROM Account"))
    same(error.content[0]["errorCode"], "MALFORMED_QUERY")


@check
def quoted_values_are_escaped_by_the_client():
    from simple_salesforce.format import format_soql

    sf = connect()
    name = unique("O'Neil \\ \"Sons\"\n%_")
    sf.Account.create({"Name": name})
    same(sf.query(format_soql("SELECT Id FROM Account WHERE Name = {}", name))["totalSize"], 1)
    name = unique("100%_of 'it'")
    sf.Account.create({"Name": name})
    sf.Account.create({"Name": name.replace("%", "x")})
    like = format_soql("SELECT Id FROM Account WHERE Name LIKE '{:like}%'", name[:-1])
    same(sf.query(like)["totalSize"], 1)


# What changed, and what is left


@check
def updated_and_deleted_records_are_listed():
    from datetime import datetime, timedelta, timezone

    sf = connect()
    made = sf.Account.create({"Name": unique("listed")})["id"]
    gone = sf.Account.create({"Name": unique("gone")})["id"]
    sf.Account.delete(gone)
    now = datetime.now(timezone.utc)
    start, end = now - timedelta(hours=1), now + timedelta(minutes=2)
    updated = sf.Account.updated(start, end)
    assert made in updated["ids"], updated
    assert updated["latestDateCovered"].endswith("+0000")
    deleted = sf.Account.deleted(start, end)
    assert gone in [record["id"] for record in deleted["deletedRecords"]], deleted


@check
def limits_and_usage_are_told():
    sf = connect()
    limits = sf.limits()
    day = limits["DailyApiRequests"]
    assert 0 < day["Remaining"] < day["Max"]
    usage = sf.api_usage["api-usage"]
    same(usage.total, day["Max"])
    assert usage.used > 0


# Plain calls


@check
def a_collection_is_saved_record_by_record():
    sf = connect()
    name = unique("collection")
    body = {
        "allOrNone": False,
        "records": [
            {"attributes": {"type": "Account"}, "Name": name},
            {"attributes": {"type": "Contact"}, "FirstName": "nobody"},
        ],
    }
    first, second = sf.restful("composite/sobjects", method="POST", json=body)
    same((first["success"], second["success"]), (True, False))
    same(second["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING")
    gone = sf.restful("composite/sobjects", params={"ids": first["id"]}, method="DELETE")
    same(gone[0]["success"], True)


@check
def a_composite_request_is_one_transaction():
    sf = connect()
    name = unique("composite")
    base = f"/services/data/v{VERSION}"

    def body(contact):
        return {
            "allOrNone": True,
            "compositeRequest": [
                {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "a", "body": {"Name": name}},
                {
                    "method": "POST",
                    "url": f"{base}/sobjects/Contact",
                    "referenceId": "c",
                    "body": {"AccountId": "@{a.id}", **contact},
                },
            ],
        }

    failed = sf.restful("composite", method="POST", json=body({}))["compositeResponse"]
    same([part["httpStatusCode"] for part in failed], [400, 400])
    same(failed[0]["body"][0]["errorCode"], "PROCESSING_HALTED")
    same(sf.query(f"SELECT Id FROM Account WHERE Name = '{name}'")["totalSize"], 0)
    made = sf.restful("composite", method="POST", json=body({"LastName": "x"}))["compositeResponse"]
    same([part["httpStatusCode"] for part in made], [201, 201])
    same(sf.Contact.get(made[1]["body"]["id"])["AccountId"], made[0]["body"]["id"])


@check
def the_user_of_the_session_is_told():
    sf = connect()
    who = sf.oauth2("userinfo")
    same(who["preferred_username"], USERNAME)
    same(who["organization_id"], sf.query("SELECT Id FROM Organization")["records"][0]["Id"])


@check
def a_file_is_uploaded_and_downloaded():
    import tempfile
    from base64 import b64encode
    from pathlib import Path

    sf = connect()
    content = bytes(range(256)) * 40
    title = unique("file")
    body = {"Title": title, "PathOnClient": "a.bin", "VersionData": b64encode(content).decode()}
    made = sf.ContentVersion.create(body)
    same(sf.ContentVersion.get_base64(made["id"], "VersionData"), content)
    found = sf.query(f"SELECT ContentSize, ContentDocumentId FROM ContentVersion WHERE Id = '{made['id']}'")["records"][0]
    same(found["ContentSize"], len(content))
    assert found["ContentDocumentId"].startswith("069")
    account = sf.Account.create({"Name": title})["id"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "note.txt")
        path.write_bytes(b"hello")
        attachment = sf.Attachment.create({"Name": "a", "ParentId": account, "Body": b64encode(b"x").decode()})["id"]
        same(sf.Attachment.update_base64(attachment, str(path)), 204)
    same(sf.Attachment.get_base64(attachment), b"hello")


@check
def a_search_finds_names():
    sf = connect()
    word = f"Zanzibar{os.getpid()}"
    account = sf.Account.create({"Name": f"{word} Trading"})["id"]
    found = sf.search(f"FIND {{{word}}} IN ALL FIELDS RETURNING Account(Id, Name)")["searchRecords"]
    same([(row["Id"], row["Name"]) for row in found], [(account, f"{word} Trading")])
    assert account in [row["Id"] for row in sf.quick_search(word)["searchRecords"]]


if __name__ == "__main__":
    # Behind the libraries: this folder has a file of the library's name.
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))
    for more in ("simple_salesforce_bulk", "simple_salesforce_metadata"):
        __import__(more)
    main()
