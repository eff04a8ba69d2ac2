// What jsforce sees of the partner API and of the Tooling API.

import assert from 'node:assert/strict';

export default function soap(check, { connect, unique }) {
  // Partner

  check('partner_calls_create_update_upsert_delete_and_undelete', async () => {
    const conn = await connect();
    const [made] = await conn.soap.create([{ type: 'Account', Name: unique('soap'), NumberOfEmployees: 3 }]);
    assert.deepEqual([made.success, made.errors], [true, []]);
    const [changed] = await conn.soap.update([{ type: 'Account', Id: made.id, Site: 'x' }]);
    assert.equal(changed.id, made.id);
    const key = unique('soap').replace(' ', '-');
    const rows = [{ type: 'Project__c', External_Key__c: key, Name: 'one' }];
    const [first] = await conn.soap.upsert('External_Key__c', rows);
    const [second] = await conn.soap.upsert('External_Key__c', rows);
    assert.deepEqual([first.created, second.created, second.id], [true, false, first.id]);
    const [refusedRow] = await conn.soap.create([{ type: 'Contact', FirstName: 'nobody' }]);
    assert.equal(refusedRow.success, false);
    assert.equal(refusedRow.errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
    assert.deepEqual(refusedRow.errors[0].fields, ['LastName']);
    const [gone] = await conn.soap.delete([made.id]);
    assert.equal(gone.success, true);
    const [back] = await conn.soap.undelete([made.id]);
    assert.equal(back.success, true);
    assert.equal((await conn.sobject('Account').retrieve(made.id)).Site, 'x');
    await conn.soap.delete([made.id]);
    const [emptied] = await conn.soap.emptyRecycleBin([made.id]);
    assert.equal(emptied.success, true);
    const { totalSize } = await conn.query(`SELECT Id FROM Account WHERE Id = '${made.id}'`, { scanAll: true });
    assert.equal(totalSize, 0);
  });

  check('two_accounts_are_merged', async () => {
    const conn = await connect();
    const [master, loser] = await conn.sobject('Account').create([{ Name: unique('master') }, { Name: unique('loser') }]);
    const contact = await conn.sobject('Contact').create({ LastName: 'Moved', AccountId: loser.id });
    const merged = await conn.soap.merge({
      masterRecord: { type: 'Account', Id: master.id },
      recordToMergeIds: [loser.id],
    });
    assert.deepEqual([merged.success, merged.errors], [true, []]);
    assert.equal((await conn.sobject('Contact').retrieve(contact.id)).AccountId, master.id);
  });

  check('the_server_tells_its_time_and_its_user', async () => {
    const conn = await connect();
    const { timestamp } = await conn.soap.getServerTimestamp();
    assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);
    const user = await conn.soap.getUserInfo();
    assert.equal(user.userName, 'backup@acme.example');
    assert.equal(user.organizationId, conn.userInfo.organizationId);
  });

  check('an_ended_session_is_refreshed_under_a_soap_call', async () => {
    const conn = await connect({ refreshToken: 'demo-refresh-token' });
    conn.accessToken = '00D000000000000!AQnonsense';
    assert.ok((await conn.soap.getServerTimestamp()).timestamp);
  });

  // Tooling

  check('entities_are_read_with_the_tooling_api', async () => {
    const conn = await connect();
    const { records } = await conn.tooling.query(
      "SELECT QualifiedApiName, DataType FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'Project__c'",
    );
    assert.ok(records.some(({ QualifiedApiName }) => QualifiedApiName === 'External_Key__c'));
    const found = await conn.tooling.query("SELECT Id, Name FROM ApexClass LIMIT 1");
    assert.equal(found.done, true);
  });
}
