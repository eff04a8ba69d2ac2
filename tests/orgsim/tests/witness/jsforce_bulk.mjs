// What jsforce sees of the Bulk API, both versions of it.

import assert from 'node:assert/strict';

export default function bulk(check, { connect, refused, unique }) {
  // Bulk API 2.0

  check('a_bulk_query_streams_its_records', async () => {
    const conn = await connect();
    const { totalSize } = await conn.query('SELECT COUNT() FROM Task');
    const stream = await conn.bulk2.query('SELECT Id, Subject FROM Task', { pollInterval: 20 });
    const rows = await stream.toArray();
    assert.equal(new Set(rows.map(({ Id }) => Id)).size, totalSize);
  });

  check('a_bulk_query_of_deleted_records_streams_them', async () => {
    const conn = await connect();
    const name = unique('bulk gone');
    const { id } = await conn.sobject('Account').create({ Name: name });
    await conn.sobject('Account').destroy(id);
    const soql = `SELECT Id, IsDeleted FROM Account WHERE Name = '${name}'`;
    const rows = await (await conn.bulk2.query(soql, { scanAll: true, pollInterval: 20 })).toArray();
    assert.deepEqual(rows.map(({ Id, IsDeleted }) => [Id, IsDeleted]), [[id, 'true']]);
  });

  check('a_bulk_query_that_cannot_run_is_named', async () => {
    const conn = await connect();
    assert.equal((await refused(conn.bulk2.query('SELECT Nope FROM Account'))).errorCode, 'INVALID_FIELD');
  });

  check('bulk2_loads_insert_update_upsert_and_delete', async () => {
    const conn = await connect();
    const key = unique('bulk2').replace(' ', '-');
    const input = Array.from({ length: 250 }, (_, at) => ({ Name: `${key} ${at}`, External_Key__c: `${key}-${at}` }));
    input.push({ Name: 'x'.repeat(81), External_Key__c: `${key}-bad` });
    const load = (operation, rows, more = {}) =>
      conn.bulk2.loadAndWaitForResults({ object: 'Project__c', operation, input: rows, pollInterval: 20, ...more });
    const made = await load('insert', input);
    assert.deepEqual([made.successfulResults.length, made.failedResults.length], [250, 1]);
    assert.deepEqual(made.unprocessedRecords, []);
    assert.equal(made.successfulResults[0].sf__Created, 'true');
    assert.match(made.failedResults[0].sf__Error, /^STRING_TOO_LONG:/);
    const ids = made.successfulResults.map(({ sf__Id }) => sf__Id);
    const changed = await load('update', [{ Id: ids[0], Name: 'changed' }, { Id: ids[1], Name: 'too' }]);
    assert.equal(changed.successfulResults.length, 2);
    assert.equal((await conn.sobject('Project__c').retrieve(ids[0])).Name, 'changed');
    const both = await load(
      'upsert',
      [{ External_Key__c: `${key}-0`, Name: 'again' }, { External_Key__c: `${key}-new`, Name: 'new' }],
      { externalIdFieldName: 'External_Key__c' },
    );
    assert.deepEqual(both.successfulResults.map(({ sf__Created }) => sf__Created).sort(), ['false', 'true']);
    const gone = await load('delete', ids.slice(0, 200).map((Id) => ({ Id })));
    assert.equal(gone.successfulResults.length, 200);
    const left = await conn.query(`SELECT COUNT() FROM Project__c WHERE External_Key__c LIKE '${key}%'`);
    assert.equal(left.totalSize, 51);
  });

  check('a_bulk2_job_is_aborted_and_deleted', async () => {
    const conn = await connect();
    const job = conn.bulk2.createJob({ object: 'Account', operation: 'insert' });
    const opened = await job.open();
    assert.equal(opened.state, 'Open');
    await job.uploadData([{ Name: unique('aborted') }]);
    await job.abort();
    assert.equal((await job.check()).state, 'Aborted');
    await job.delete();
    assert.equal((await refused(job.check())).errorCode, 'NOT_FOUND');
  });

  // Bulk API 1.0

  check('older_loads_insert_update_upsert_and_delete', async () => {
    const conn = await connect();
    const key = unique('bulk1').replace(' ', '-');
    const rows = Array.from({ length: 5 }, (_, at) => ({ Name: `${key} ${at}`, External_Key__c: `${key}-${at}` }));
    const made = await conn.bulk.load('Project__c', 'insert', rows);
    assert.deepEqual(made.map(({ success, errors }) => [success, errors]), Array(5).fill([true, []]));
    const changed = await conn.bulk.load('Project__c', 'update', [{ Id: made[0].id, Name: 'changed' }]);
    assert.deepEqual(changed, [{ id: made[0].id, success: true, created: false, errors: [] }]);
    assert.equal((await conn.sobject('Project__c').retrieve(made[0].id)).Name, 'changed');
    const both = await conn.bulk.load('Project__c', 'upsert', { extIdField: 'External_Key__c' }, [
      { External_Key__c: `${key}-0`, Name: 'again' },
      { External_Key__c: `${key}-new`, Name: 'new' },
    ]);
    assert.equal(both[0].id, made[0].id);
    assert.equal(both[1].success, true);
    const twice = await conn.bulk.load('Project__c', 'insert', [{ Name: 'a', External_Key__c: `${key}-0` }]);
    assert.equal(twice[0].success, false);
    assert.match(twice[0].errors[0], /^DUPLICATE_VALUE:/);
    const gone = await conn.bulk.load('Project__c', 'delete', [{ Id: made[1].id }]);
    assert.deepEqual(gone.map(({ success }) => success), [true]);
  });

  check('an_older_query_streams_its_records', async () => {
    const conn = await connect();
    const { totalSize } = await conn.query('SELECT COUNT() FROM Contact');
    const rows = await (await conn.bulk.query('SELECT Id, LastName FROM Contact')).toArray();
    assert.equal(new Set(rows.map(({ Id }) => Id)).size, totalSize);
  });

  check('an_older_job_for_an_unknown_object_is_named', async () => {
    const conn = await connect();
    const error = await refused(conn.bulk.createJob('Nonsense__c', 'insert').open());
    assert.equal(error.errorCode, 'InvalidJob');
    assert.match(error.message, /^Unable to find object: Nonsense__c/);
  });
}
