// What the stock jsforce sees of the simulated org.
//
// `jsforce.mjs --list` prints the names of the checks; without arguments every check runs, and each prints one line
// of JSON: its name, and what went wrong if anything did. Each check stands by itself.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

import bulk from './jsforce_bulk.mjs';
import soap from './jsforce_soap.mjs';

const org = process.env.ORGSIM_URL;
const version = '60.0';
const username = 'backup@acme.example';
const password = 'demo-password';
const app = { clientId: 'holdfast-demo', clientSecret: 'demo-secret', loginUrl: org };

const checks = [];
const check = (name, run) => checks.push({ name, run });

let library;
/** The client, from the folder that it was installed into. */
function jsforce() {
  library ??= createRequire(`${process.env.ORGSIM_NODE_FOLDER}/package.json`)('jsforce');
  return library;
}

/** A connection that logged in with the client credentials of the app. */
async function connect(options = {}) {
  const { Connection, OAuth2 } = jsforce();
  const conn = new Connection({ oauth2: new OAuth2(app), instanceUrl: org, version, ...options });
  await conn.authorize({ grant_type: 'client_credentials' });
  // Looks often, so that short jobs are short.
  conn.bulk.pollInterval = 20;
  conn.bulk2.pollInterval = 20;
  conn.metadata.pollInterval = 20;
  return conn;
}

/** A call of the control interface. */
async function control(path, body = {}) {
  const answer = await fetch(`${org}/__sim/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** The error that the promise ends with. */
async function refused(promise) {
  let answer;
  try {
    answer = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`nothing was thrown, but answered: ${JSON.stringify(answer)}`);
}

let number = 0;
/** A name that no other check uses. */
const unique = (text) => `${text} ${process.pid}-${(number += 1)}`;

// Logging in

check('client_credentials_open_a_session', async () => {
  const conn = await connect();
  assert.equal(conn.instanceUrl, org);
  assert.match(conn.accessToken, /^00D\w{12}!/);
  const { id, organizationId } = conn.userInfo;
  const { records } = await conn.query('SELECT Id FROM Organization');
  assert.equal(records[0].Id, organizationId);
  assert.match(id, /^005/);
});

check('a_wrong_secret_is_refused_by_name', async () => {
  const { Connection, OAuth2 } = jsforce();
  const conn = new Connection({ oauth2: new OAuth2({ ...app, clientSecret: 'wrong' }) });
  const error = await refused(conn.authorize({ grant_type: 'client_credentials' }));
  assert.equal(error.name, 'invalid_client');
  assert.equal(error.message, 'invalid client credentials');
});

check('a_password_logs_in_over_soap', async () => {
  const { Connection } = jsforce();
  const conn = new Connection({ loginUrl: org, version, logLevel: 'NONE' });
  const { id, organizationId } = await conn.login(username, password);
  assert.equal(conn.instanceUrl, org);
  assert.match(id, /^005\w{15}$/);
  assert.match(organizationId, /^00D\w{15}$/);
  await control('tokens/expire');
  assert.equal((await conn.query('SELECT Id FROM Organization')).totalSize, 1);
  const token = conn.accessToken;
  await conn.logout();
  const late = new Connection({ instanceUrl: org, version, accessToken: token });
  assert.equal((await refused(late.query('SELECT Id FROM Account'))).errorCode, 'INVALID_SESSION_ID');
});

check('a_wrong_password_is_an_invalid_login', async () => {
  const { Connection } = jsforce();
  const conn = new Connection({ loginUrl: org, version, logLevel: 'NONE' });
  const error = await refused(conn.login(username, 'wrong'));
  assert.match(error.message, /^INVALID_LOGIN: Invalid username, password, security token; or user locked out\./);
});

check('an_ended_session_is_refreshed_with_the_refresh_token', async () => {
  const { Connection, OAuth2 } = jsforce();
  const conn = new Connection({
    oauth2: new OAuth2(app),
    instanceUrl: org,
    version,
    accessToken: '00D000000000000!AQnonsense',
    refreshToken: 'demo-refresh-token',
  });
  const tokens = [];
  conn.on('refresh', (token) => tokens.push(token));
  const { totalSize } = await conn.query('SELECT Id FROM Organization');
  assert.equal(totalSize, 1);
  assert.equal(tokens.length, 1);
  assert.equal(conn.accessToken, tokens[0]);
});

check('an_ended_session_without_a_refresh_token_is_an_error', async () => {
  const { Connection } = jsforce();
  const conn = new Connection({ instanceUrl: org, version, accessToken: '00D000000000000!AQnonsense' });
  const error = await refused(conn.query('SELECT Id FROM Account'));
  assert.equal(error.errorCode, 'INVALID_SESSION_ID');
  assert.equal(error.message, 'Session expired or invalid');
});

check('identity_and_logout', async () => {
  const conn = await connect();
  const who = await conn.identity();
  assert.equal(who.username, username);
  assert.equal(who.organization_id, conn.userInfo.organizationId);
  const token = conn.accessToken;
  await conn.logout();
  const { Connection } = jsforce();
  const late = new Connection({ instanceUrl: org, version, accessToken: token });
  assert.equal((await refused(late.query('SELECT Id FROM Account'))).errorCode, 'INVALID_SESSION_ID');
});

// Describing

check('describe_global_and_describe', async () => {
  const conn = await connect();
  const { sobjects } = await conn.describeGlobal();
  assert.equal(sobjects.find(({ name }) => name === 'Contact').keyPrefix, '003');
  const { fields, childRelationships } = await conn.describe('Account');
  assert.equal(fields.find(({ name }) => name === 'OwnerId').relationshipName, 'Owner');
  const contacts = childRelationships.find(({ relationshipName }) => relationshipName === 'Contacts');
  assert.equal(contacts.childSObject, 'Contact');
  assert.equal((await refused(conn.describe('Nonsense__c'))).errorCode, 'NOT_FOUND');
});

// Single records and collections

check('a_record_is_created_retrieved_updated_and_destroyed', async () => {
  const conn = await connect();
  const account = conn.sobject('Account');
  const name = unique('Ærø');
  const made = await account.create({ Name: name, AnnualRevenue: 12 });
  assert.deepEqual({ ...made, id: null }, { id: null, success: true, errors: [] });
  const read = await account.retrieve(made.id);
  assert.equal(read.Name, name);
  assert.equal(read.AnnualRevenue, 12);
  assert.deepEqual(await account.update({ Id: made.id, Name: `${name}!` }), { id: made.id, success: true, errors: [] });
  assert.deepEqual(await account.destroy(made.id), { id: made.id, success: true, errors: [] });
  assert.equal((await refused(account.retrieve(made.id))).errorCode, 'ENTITY_IS_DELETED');
  assert.equal((await refused(account.destroy(made.id))).errorCode, 'ENTITY_IS_DELETED');
});

check('a_missing_field_is_named', async () => {
  const conn = await connect();
  const error = await refused(conn.sobject('Contact').create({ FirstName: 'a' }));
  assert.equal(error.errorCode, 'REQUIRED_FIELD_MISSING');
  assert.deepEqual(error.data.fields, ['LastName']);
});

check('collections_are_saved_record_by_record_or_not_at_all', async () => {
  const conn = await connect();
  const name = unique('collection');
  const some = await conn.sobject('Contact').create([{ LastName: name }, { FirstName: 'nobody' }]);
  assert.deepEqual(some.map(({ success }) => success), [true, false]);
  assert.equal(some[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  const none = await conn.sobject('Contact').create([{ LastName: name }, { FirstName: 'nobody' }], { allOrNone: true });
  assert.equal(none[0].errors[0].statusCode, 'ALL_OR_NONE_OPERATION_ROLLED_BACK');
  assert.equal((await conn.query(`SELECT Id FROM Contact WHERE LastName = '${name}'`)).totalSize, 1);
});

check('more_than_two_hundred_records_go_in_several_collections', async () => {
  const conn = await connect();
  const name = unique('many');
  const rows = Array.from({ length: 450 }, (_, at) => ({ Name: name, NumberOfEmployees: at }));
  const made = await conn.sobject('Account').create(rows, { allowRecursive: true });
  assert.equal(made.filter(({ success }) => success).length, 450);
  const ids = made.map(({ id }) => id);
  const changed = await conn.sobject('Account').update(ids.map((Id) => ({ Id, Site: 'x' })), { allowRecursive: true });
  assert.equal(changed.filter(({ success }) => success).length, 450);
  const read = await conn.sobject('Account').retrieve(ids.slice(0, 3), { fields: ['Id', 'Site', 'NumberOfEmployees'] });
  assert.deepEqual(read.map(({ Site, NumberOfEmployees }) => [Site, NumberOfEmployees]), [['x', 0], ['x', 1], ['x', 2]]);
  const gone = await conn.sobject('Account').destroy(ids, { allowRecursive: true });
  assert.equal(gone.filter(({ success }) => success).length, 450);
  assert.equal((await conn.query(`SELECT Id FROM Account WHERE Name = '${name}'`)).totalSize, 0);
});

check('an_upsert_creates_and_then_updates', async () => {
  const conn = await connect();
  const key = unique('key').replace(' ', '-');
  const first = await conn.sobject('Project__c').upsert({ External_Key__c: key, Name: 'one' }, 'External_Key__c');
  assert.equal(first.created, true);
  const both = await conn
    .sobject('Project__c')
    .upsert([{ External_Key__c: key, Name: 'two' }, { External_Key__c: `${key}b`, Name: 'new' }], 'External_Key__c');
  assert.deepEqual(both.map(({ created }) => created), [false, true]);
  assert.equal(both[0].id, first.id);
});

check('a_composite_request_passes_references_on', async () => {
  const conn = await connect();
  const base = `/services/data/v${version}`;
  const { compositeResponse } = await conn.requestPost(`${base}/composite`, {
    allOrNone: true,
    compositeRequest: [
      { method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'a', body: { Name: unique('composite') } },
      { method: 'GET', url: `${base}/sobjects/Account/@{a.id}`, referenceId: 'read' },
    ],
  });
  const [made, read] = compositeResponse;
  assert.deepEqual([made.httpStatusCode, read.httpStatusCode], [201, 200]);
  assert.equal(read.body.Id, made.body.id);
});

check('two_records_of_one_key_are_multiple_choices', async () => {
  const conn = await connect();
  const Email = `twice-${process.pid}@acme.example`;
  await conn.sobject('Contact').create([{ LastName: 'a', Email }, { LastName: 'b', Email }]);
  const error = await refused(conn.sobject('Contact').upsert({ Email, LastName: 'c' }, 'Email'));
  assert.equal(error.errorCode, 'MULTIPLE_CHOICES');
  assert.equal(error.data.length, 2);
});

// Queries

check('a_query_is_fetched_to_its_end', async () => {
  const conn = await connect();
  const { totalSize } = await conn.query('SELECT COUNT() FROM Task');
  const rows = await conn.query('SELECT Id FROM Task', {
    autoFetch: true,
    maxFetch: 100000,
    headers: { 'Sforce-Query-Options': 'batchSize=200' },
  });
  assert.equal(new Set(rows.records.map(({ Id }) => Id)).size, totalSize);
});

check('query_more_goes_on_from_a_locator', async () => {
  const conn = await connect();
  const name = unique('paged');
  for (const rows of [0, 1]) {
    await conn.sobject('Account').create(Array.from({ length: 150 }, () => ({ Name: name, Site: `${rows}` })));
  }
  const soql = `SELECT Id FROM Account WHERE Name = '${name}'`;
  const first = await conn.query(soql, { headers: { 'Sforce-Query-Options': 'batchSize=200' } });
  assert.deepEqual([first.totalSize, first.done, first.records.length], [300, false, 200]);
  const second = await conn.queryMore(first.nextRecordsUrl);
  assert.deepEqual([second.totalSize, second.done, second.records.length], [300, true, 100]);
});

check('find_builds_queries', async () => {
  const conn = await connect();
  const name = unique("O'Neil & Sons");
  await conn.sobject('Account').create([{ Name: name, NumberOfEmployees: 3 }, { Name: name, NumberOfEmployees: 5 }]);
  const found = await conn
    .sobject('Account')
    .find({ Name: name, NumberOfEmployees: { $gt: 3 } }, 'Id, NumberOfEmployees')
    .sort('-CreatedDate')
    .limit(5);
  assert.deepEqual(found.map(({ NumberOfEmployees }) => NumberOfEmployees), [5]);
  assert.equal(await conn.sobject('Account').count({ Name: name }), 2);
});

check('deleted_records_are_read_with_scan_all', async () => {
  const conn = await connect();
  const name = unique('gone');
  const { id } = await conn.sobject('Account').create({ Name: name });
  await conn.sobject('Account').destroy(id);
  const soql = `SELECT Id, IsDeleted FROM Account WHERE Name = '${name}'`;
  assert.equal((await conn.query(soql)).totalSize, 0);
  const { records } = await conn.query(soql, { scanAll: true });
  assert.deepEqual(records.map(({ Id, IsDeleted }) => [Id, IsDeleted]), [[id, true]]);
});

check('a_wrong_query_is_named', async () => {
  const conn = await connect();
  assert.equal((await refused(conn.query('SELECT Nope FROM Account'))).errorCode, 'INVALID_FIELD');
  assert.equal((await refused(conn.query('SELECT Id FROM Nonsense__c'))).errorCode, 'INVALID_TYPE');
  assert.equal((await refused(conn.query('SELECT'))).errorCode, 'MALFORMED_QUERY');
});

// What changed, and what is left

check('updated_and_deleted_records_are_listed', async () => {
  const conn = await connect();
  const [kept, gone] = await conn.sobject('Account').create([{ Name: unique('kept') }, { Name: unique('gone') }]);
  await conn.sobject('Account').destroy(gone.id);
  const start = new Date(Date.now() - 3_600_000);
  const end = new Date(Date.now() + 120_000);
  assert.ok((await conn.sobject('Account').updated(start, end)).ids.includes(kept.id));
  const { deletedRecords } = await conn.sobject('Account').deleted(start, end);
  assert.ok(deletedRecords.some(({ id }) => id === gone.id));
});

check('limits_and_usage_are_told', async () => {
  const conn = await connect();
  const limits = await conn.limits();
  assert.ok(limits.DailyApiRequests.Remaining < limits.DailyApiRequests.Max);
  assert.equal(conn.limitInfo.apiUsage.limit, limits.DailyApiRequests.Max);
});

check('recent_items_are_a_list', async () => {
  const conn = await connect();
  assert.ok(Array.isArray(await conn.sobject('Account').recent()));
});

// The Bulk API

bulk(check, { connect, refused, unique });

// The partner API and the Tooling API

soap(check, { connect, unique });

// The Metadata API

/** The definition of an object that no other check uses. */
function definition() {
  const fullName = `Witness_${process.pid}_${(number += 1)}__c`;
  return {
    fullName,
    label: 'Witness',
    pluralLabel: 'Witnesses',
    nameField: { type: 'Text', label: 'Witness Name' },
    deploymentStatus: 'Deployed',
    sharingModel: 'ReadWrite',
  };
}

check('metadata_describes_and_lists_what_there_is', async () => {
  const conn = await connect();
  const { metadataObjects, partialSaveAllowed } = await conn.metadata.describe(version);
  assert.equal(partialSaveAllowed, true);
  const objects = metadataObjects.find(({ xmlName }) => xmlName === 'CustomObject');
  assert.equal(objects.directoryName, 'objects');
  assert.ok(objects.childXmlNames.includes('CustomField'));
  const listed = await conn.metadata.list([{ type: 'CustomObject' }, { type: 'Profile' }], version);
  const project = listed.find(({ fullName }) => fullName === 'Project__c');
  assert.deepEqual([project.type, project.fileName], ['CustomObject', 'objects/Project__c.object']);
  assert.ok(listed.some(({ type, fullName }) => type === 'Profile' && fullName === 'Admin'));
});

check('metadata_makes_reads_changes_and_deletes_objects_and_fields', async () => {
  const conn = await connect();
  const object = definition();
  assert.deepEqual(await conn.metadata.create('CustomObject', object), {
    errors: [],
    fullName: object.fullName,
    success: true,
  });
  const field = { fullName: `${object.fullName}.Size__c`, label: 'Size', type: 'Number', precision: 6, scale: 2 };
  const upserted = await conn.metadata.upsert('CustomField', [field]);
  assert.deepEqual(upserted, [{ created: true, errors: [], fullName: field.fullName, success: true }]);
  const { id } = await conn.sobject(object.fullName).create({ Name: 'first', Size__c: 12.5 });
  assert.equal((await conn.sobject(object.fullName).retrieve(id)).Size__c, 12.5);

  const read = await conn.metadata.read('CustomObject', object.fullName);
  assert.equal(read.label, 'Witness');
  assert.equal(read.nameField.label, 'Witness Name');
  assert.deepEqual(read.fields.map(({ fullName, type, precision }) => [fullName, type, precision]), [['Size__c', 'Number', 6]]);
  const renamed = await conn.metadata.update('CustomObject', { ...object, label: 'Observer' });
  assert.equal(renamed.success, true);
  assert.equal((await conn.describe(object.fullName)).label, 'Observer');

  const gone = await conn.metadata.delete('CustomField', [field.fullName, `${object.fullName}.Nope__c`]);
  assert.deepEqual(gone.map(({ success }) => success), [true, false]);
  assert.equal(gone[1].errors[0].statusCode, 'INVALID_CROSS_REFERENCE_KEY');
  assert.equal((await refused(conn.query(`SELECT Size__c FROM ${object.fullName}`))).errorCode, 'INVALID_FIELD');
  assert.equal((await conn.metadata.delete('CustomObject', object.fullName)).success, true);
});

check('what_metadata_retrieves_it_deploys_over_soap_and_rest', async () => {
  const conn = await connect();
  const request = {
    apiVersion: version,
    singlePackage: true,
    unpackaged: { types: [{ name: 'CustomObject', members: ['Project__c'] }], version },
  };
  const retrieved = await conn.metadata.retrieve(request).complete();
  assert.deepEqual([retrieved.status, retrieved.success], ['Succeeded', true]);
  assert.ok(retrieved.fileProperties.some(({ fileName }) => fileName === 'objects/Project__c.object'));
  const zip = Buffer.from(retrieved.zipFile, 'base64');
  const options = { rollbackOnError: true, singlePackage: true };
  const soap = await conn.metadata.deploy(zip, options).complete(true);
  assert.deepEqual([soap.status, soap.success, soap.numberComponentErrors], ['Succeeded', true, 0]);
  assert.ok(soap.details.componentSuccesses.some(({ fullName }) => fullName === 'Project__c.Budget__c'));
  const begun = await conn.metadata.deployRest(zip, { ...options, checkOnly: true });
  assert.match(begun.id, /^0Af/);
  let rest;
  do {
    rest = await conn.metadata.checkDeployStatus(begun.id, true, true);
  } while (!rest.done);
  assert.deepEqual([rest.status, rest.checkOnly, rest.numberComponentsTotal], ['Succeeded', true, soap.numberComponentsTotal]);
});

// Searches

check('a_file_goes_up_in_parts_and_comes_down', async () => {
  const conn = await connect();
  const content = Buffer.from(Array.from({ length: 10_000 }, (_, at) => at % 256));
  const made = await conn.sobject('ContentVersion').create(
    { Title: unique('file'), PathOnClient: 'a.bin', VersionData: content.toString('base64') },
    { multipartFileFields: { VersionData: { contentType: 'application/octet-stream', filename: 'a.bin' } } },
  );
  assert.equal(made.success, true);
  const chunks = await conn.sobject('ContentVersion').record(made.id).blob('VersionData').toArray();
  assert.ok(Buffer.concat(chunks).equals(content));
});

check('a_search_finds_names', async () => {
  const conn = await connect();
  const word = `Sansibar${process.pid}`;
  const { id } = await conn.sobject('Account').create({ Name: `${word} Trading` });
  const { searchRecords } = await conn.search(`FIND {${word}} IN ALL FIELDS RETURNING Account(Id, Name)`);
  assert.deepEqual(searchRecords.map(({ Id }) => Id), [id]);
});

// All of them

if (process.argv[2] === '--list') {
  for (const { name } of checks) console.log(name);
} else {
  for (const { name, run } of checks) {
    let error = null;
    try {
      await run();
    } catch (thrown) {
      error = thrown.stack ?? String(thrown);
    }
    console.log(JSON.stringify({ name, error }));
  }
  // Clients keep their connections open.
  process.exit(0);
}
