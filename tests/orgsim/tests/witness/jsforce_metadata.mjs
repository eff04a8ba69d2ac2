// What jsforce sees of the Metadata API.

import assert from 'node:assert/strict';

export default function metadata(check, { connect, refused, version }) {
  // Metadata

  check('types_of_metadata_are_described', async () => {
    const { metadataObjects, organizationNamespace } = await (await connect()).metadata.describe();
    const type = metadataObjects.find(({ xmlName }) => xmlName === 'CustomObject');
    assert.deepEqual([type.directoryName, type.suffix, type.inFolder, type.metaFile], ['objects', 'object', false, false]);
    assert.ok(type.childXmlNames.includes('ValidationRule'));
    assert.ok(!organizationNamespace);
  });

  check('components_are_listed', async () => {
    const conn = await connect();
    const listed = await conn.metadata.list([{ type: 'CustomObject' }]);
    const project = listed.find(({ fullName }) => fullName === 'Project__c');
    assert.deepEqual([project.type, project.fileName], ['CustomObject', 'objects/Project__c.object']);
  });

  check('a_custom_object_is_created_read_upserted_and_deleted', async () => {
    const conn = await connect();
    const fullName = 'Spectator__c';
    const object = {
      fullName,
      label: 'Spectator',
      pluralLabel: 'Spectators',
      nameField: { type: 'Text', label: 'Name' },
      deploymentStatus: 'Deployed',
      sharingModel: 'ReadWrite',
    };
    const [made] = await conn.metadata.create('CustomObject', [object]);
    assert.deepEqual([made.fullName, made.success], [fullName, true]);
    const [read] = await conn.metadata.read('CustomObject', [fullName]);
    assert.deepEqual([read.fullName, read.label, read.nameField.type], [fullName, 'Spectator', 'Text']);
    const field = { fullName: `${fullName}.Seat__c`, label: 'Seat', type: 'Number', precision: 5, scale: 0 };
    const [upserted] = await conn.metadata.upsert('CustomField', [field]);
    assert.deepEqual([upserted.success, upserted.created], [true, true]);
    const { id } = await conn.sobject(fullName).create({ Name: 'a', Seat__c: 7 });
    assert.equal((await conn.sobject(fullName).retrieve(id)).Seat__c, 7);
    const [again] = await conn.metadata.create('CustomObject', [object]);
    assert.equal(again.success, false);
    assert.equal(again.errors[0].statusCode, 'DUPLICATE_DEVELOPER_NAME');
    const [gone] = await conn.metadata.delete('CustomObject', [fullName]);
    assert.equal(gone.success, true);
    assert.equal((await refused(conn.describe(fullName))).errorCode, 'NOT_FOUND');
  });

  check('a_retrieved_zip_can_be_deployed_again', async () => {
    const conn = await connect();
    const request = {
      apiVersion: version,
      singlePackage: true,
      unpackaged: { types: [{ members: ['Project__c'], name: 'CustomObject' }], version },
    };
    const retrieved = await conn.metadata.retrieve(request).complete();
    assert.equal(retrieved.status, 'Succeeded');
    assert.ok(retrieved.fileProperties.some(({ fullName }) => fullName === 'Project__c'));
    const zip = Buffer.from(retrieved.zipFile, 'base64');
    assert.equal(zip.subarray(0, 2).toString(), 'PK');
    const deployed = await conn.metadata.deploy(zip, { singlePackage: true, rollbackOnError: true }).complete(true);
    assert.deepEqual([deployed.status, deployed.success, deployed.numberComponentErrors], ['Succeeded', true, 0]);
    const over = await conn.metadata.deployRest(zip, { singlePackage: true, rollbackOnError: true });
    assert.match(over.id, /^0Af/);
  });
}
