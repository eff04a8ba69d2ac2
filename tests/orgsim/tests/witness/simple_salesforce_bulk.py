"""What simple-salesforce sees of the Bulk API, both versions of it."""

import csv

from __main__ import check, connect, control, raised, same, unique


def rows(text):
    """The rows of a CSV text."""
    return list(csv.DictReader(text.splitlines(keepends=True)))


# Bulk API 2.0


@check
def a_bulk_query_is_read_page_by_page():
    sf = connect()
    total = sf.query("SELECT COUNT() FROM Task")["totalSize"]
    pages = list(sf.bulk2.Task.query("SELECT Id, Subject FROM Task", max_records=100, wait=0.05))
    found = [row for page in pages for row in rows(page)]
    same((len(found), len({row["Id"] for row in found})), (total, total))
    assert len(pages) == (total + 99) // 100


@check
def a_bulk_query_of_deleted_records_is_read():
    sf = connect()
    name = unique("bulk deleted")
    sf.Account.delete(sf.Account.create({"Name": name})["id"])
    soql = f"SELECT Id, IsDeleted FROM Account WHERE Name = '{name}'"
    page = "".join(sf.bulk2.Account.query_all(soql, wait=0.05))
    same(page.splitlines()[0], '"Id","IsDeleted"')
    assert page.splitlines()[1].endswith(',"true"')


@check
def a_bulk_query_is_downloaded_to_a_file():
    import tempfile

    sf = connect()
    with tempfile.TemporaryDirectory() as folder:
        found = sf.bulk2.User.download("SELECT Id FROM User", path=folder, wait=0.05)
        total = sf.query("SELECT COUNT() FROM User")["totalSize"]
        same(sum(page["number_of_records"] for page in found), total)


@check
def a_bulk_query_that_cannot_run_is_a_malformed_request():
    from simple_salesforce import SalesforceMalformedRequest

    sf = connect()
    error = raised(
        SalesforceMalformedRequest, lambda: list(sf.bulk2.Account.query("SELECT Nope FROM Account", wait=0.05))
    )
    same(error.content[0]["errorCode"], "INVALID_FIELD")


@check
def records_are_inserted_updated_upserted_and_deleted_in_bulk():
    sf = connect()
    bulk = sf.bulk2.Project__c
    key = unique("bulk").replace(" ", "-")
    data = [{"Name": f"{key} {at}", "External_Key__c": f"{key}-{at}", "Budget__c": str(at)} for at in range(450)]
    data[7]["Budget__c"] = "many"
    (done,) = bulk.insert(records=data, wait=0.05)
    same((done["numberRecordsProcessed"], done["numberRecordsFailed"]), (450, 1))
    results = bulk.get_all_ingest_records(done["job_id"])
    same([len(results[kind]) for kind in ("successfulRecords", "failedRecords", "unprocessedRecords")], [449, 1, 0])
    failed = results["failedRecords"][0]
    assert failed["sf__Error"].startswith("INVALID_FIELD:Failed to deserialize field at col "), failed
    same((failed["sf__Id"], failed["External_Key__c"]), ("", f"{key}-7"))
    ids = {row["External_Key__c"]: row["sf__Id"] for row in results["successfulRecords"]}
    same({row["sf__Created"] for row in results["successfulRecords"]}, {"true"})
    stored = sf.query_all(f"SELECT Id, External_Key__c FROM Project__c WHERE External_Key__c LIKE '{key}%'")
    same({row["External_Key__c"]: row["Id"] for row in stored["records"]}, ids)

    some = list(ids.values())
    (done,) = bulk.update(records=[{"Id": some[0], "Name": "changed"}, {"Id": some[1], "Budget__c": "#N/A"}], wait=0.05)
    same((done["numberRecordsProcessed"], done["numberRecordsFailed"]), (2, 0))
    same(sf.Project__c.get(some[0])["Name"], "changed")
    same(sf.Project__c.get(some[1])["Budget__c"], None)

    both = [{"External_Key__c": f"{key}-0", "Name": "again"}, {"External_Key__c": f"{key}-new", "Name": "new"}]
    (done,) = bulk.upsert(records=both, external_id_field="External_Key__c", wait=0.05)
    created = {row["External_Key__c"]: row["sf__Created"] for row in rows(bulk.get_successful_records(done["job_id"]))}
    same(created, {f"{key}-0": "false", f"{key}-new": "true"})

    (done,) = bulk.delete(records=[{"Id": id} for id in some[:100]], wait=0.05)
    same((done["numberRecordsProcessed"], done["numberRecordsFailed"]), (100, 0))
    left = sf.query(f"SELECT COUNT() FROM Project__c WHERE External_Key__c LIKE '{key}%'")["totalSize"]
    same(left, 350)


@check
def unusual_delimiters_and_values_survive_a_bulk_insert():
    from simple_salesforce.bulk2 import ColumnDelimiter, LineEnding

    sf = connect()
    name = unique('Ærø; "x"')
    data = [{"Name": name, "Summary__c": "one\ntwo; three"}]
    (done,) = sf.bulk2.Project__c.insert(
        records=data, column_delimiter=ColumnDelimiter.SEMICOLON, line_ending=LineEnding.CRLF, wait=0.05
    )
    same((done["numberRecordsProcessed"], done["numberRecordsFailed"]), (1, 0))
    from simple_salesforce.format import format_soql

    found = sf.query(format_soql("SELECT Summary__c FROM Project__c WHERE Name = {}", name))["records"]
    same([row["Summary__c"] for row in found], ["one\ntwo; three"])


# Bulk API 1.0


@check
def records_go_through_the_older_bulk_api():
    sf = connect()
    bulk = sf.bulk.Project__c
    key = unique("older").replace(" ", "-")
    data = [{"Name": f"{key} {at}", "External_Key__c": f"{key}-{at}"} for at in range(5)]
    made = bulk.insert(data)
    same([(row["success"], row["created"], row["errors"]) for row in made], [(True, True, [])] * 5)
    changed = bulk.update([{"Id": made[0]["id"], "Name": "changed"}])
    same([(row["id"], row["success"], row["created"]) for row in changed], [(made[0]["id"], True, False)])
    both = bulk.upsert([{"External_Key__c": f"{key}-0"}, {"External_Key__c": f"{key}-n", "Name": "n"}], "External_Key__c")
    same([row["created"] for row in both], [False, True])
    refused = bulk.insert([{"External_Key__c": f"{key}-0", "Name": "twice"}])
    same((refused[0]["success"], refused[0]["errors"][0]["statusCode"]), (False, "DUPLICATE_VALUE"))
    gone = bulk.delete([{"Id": made[1]["id"]}])
    same([row["success"] for row in gone], [True])
    soql = f"SELECT Id, Name, IsDeleted FROM Project__c WHERE External_Key__c LIKE '{key}%'"
    found = bulk.query(soql)
    same((len(found), {row["IsDeleted"] for row in found}), (5, {False}))
    assert "attributes" in found[0]
    same(len(bulk.query_all(soql)), 6)


@check
def an_unknown_object_is_refused_by_the_older_bulk_api():
    from simple_salesforce import SalesforceMalformedRequest

    error = raised(SalesforceMalformedRequest, lambda: connect().bulk.Nonsense__c.insert([{"Name": "a"}]))
    same(error.content["exceptionCode"], "InvalidJob")
    assert error.content["exceptionMessage"].startswith("Unable to find object: Nonsense__c"), error.content


@check
def an_ended_session_is_refused_by_the_older_bulk_api():
    from simple_salesforce import SalesforceError

    sf = connect()
    bulk = sf.bulk
    control("tokens/expire")
    error = raised_any(SalesforceError, lambda: bulk.Account.insert([{"Name": "a"}]))
    same(error.content["exceptionCode"], "InvalidSessionId")


def raised_any(kind, call):
    """The exception of this class, or of one below it, that the call raises."""
    try:
        found = call()
    except kind as error:
        return error
    raise AssertionError(f"nothing was raised, but answered: {found!r}")
