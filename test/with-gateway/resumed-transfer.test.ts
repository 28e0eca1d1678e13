import {createHash} from 'node:crypto';
import test from 'ava';
import {askGateway, sharedGateway} from '../helpers/gateway-world.ts';

const gateway = sharedGateway();
const content = Buffer.from('0123456789');
const oid = createHash('sha256').update(content).digest('hex');
const HOST = 'Host: dev.azure.com.orgkey.invalid\r\nConnection: close\r\n';

test.serial('a download of Git LFS that was cut goes on where it ended', async (t) => {
  const world = gateway();
  await world.contoso.addRepository('web/art', {lfs: {'picture.bin': content}}).ready();
  const batch = JSON.stringify({operation: 'download', objects: [{oid, size: content.length}]});
  const offer = await askGateway(
    world,
    `POST /contoso/web/_git/art/info/lfs/objects/batch HTTP/1.1\r\n${HOST}` +
      `Content-Type: application/vnd.git-lfs+json\r\nContent-Length: ${batch.length}\r\n\r\n${batch}`,
  );
  const [, path = ''] = /"href":"http:\/\/dev\.azure\.com\.orgkey\.invalid([^"]+)"/.exec(offer) ?? [];
  const ask = (range: string) => askGateway(world, `GET ${path} HTTP/1.1\r\n${HOST}Range: ${range}\r\n\r\n`);

  const headers = {'content-range': 'bytes 4-9/10'};
  world.cloud.fault({endpoint: 'lfs', method: 'GET', status: 206, headers, body: '456789'});
  const rest = await ask('bytes=4-9');
  t.regex(rest, /^HTTP\/1\.1 206 /);
  t.regex(rest, /^content-range: bytes 4-9\/10\r$/im);
  t.true(rest.includes('456789'));
  t.is(world.cloud.requests.filter({endpoint: 'lfs', method: 'GET'}).at(-1)?.headers['range'], 'bytes=4-9');

  // a server that knows no ranges sends the whole
  const whole = await ask('bytes=4-');
  t.regex(whole, /^HTTP\/1\.1 200 /);
  t.true(whole.includes('0123456789'));

  await ask('bytes=0-1,4-5');
  t.is(world.cloud.requests.filter({endpoint: 'lfs', method: 'GET'}).at(-1)?.headers['range'], undefined);
});
