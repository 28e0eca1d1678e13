import {createHash} from 'node:crypto';
import {join} from 'node:path';

import test from 'ava';

import {startCloud} from '../cloud/cloud.ts';
import {startDaemon} from '../helpers/daemon.ts';
import {HeldTransfer} from '../helpers/mux-client.ts';
import {getFor, passwordIn} from '../helpers/requests.ts';
import {testKey} from '../helpers/submodule-world.ts';

const RELAYS = 10;
const REQUESTS = 1000;
const AT_ONCE = 50;
/** In bytes; much more than all buffers on the way hold. */
const SIZE = 8 * 1024 * 1024;

test('ten transfers are under way while a thousand requests are answered, each with its own credential', async (t) => {
  const cloud = await startCloud();
  t.teardown(() => cloud.close());
  const contoso = cloud.addOrganization('contoso');
  const {key, privateKey} = await testKey();
  contoso.addSshKey(key.publicLine('test'));
  contoso.addRepository('Web/big', {size: SIZE});
  await contoso.repository('Web', 'big')?.ready();
  const pats = new Map(
    Array.from({length: 20}, (_, at) => {
      const name = `organization-${at}`;
      return [name, cloud.addOrganization(name).addPat().value];
    }),
  );
  const credentials = [...pats].map(
    ([name, pat]) => `        - {organizations: [${name}], personalAccessToken: ${pat}}\n`,
  );
  const daemon = await startDaemon({
    configuration: `integrations:
  azure:
    - credentials:
${credentials.join('')}orgkey:
  submodules:
    - organizations: [contoso]
      knownHosts: ${JSON.stringify(cloud.knownHosts())}
      privateKey: ${JSON.stringify(privateKey)}
`,
    environment: cloud.environment(),
  });
  t.teardown(() => daemon.close());

  const command = "git-upload-pack 'v3/contoso/Web/big'";
  const transfers = await Promise.all(
    Array.from({length: RELAYS}, async () => {
      const answer = await daemon.get({
        operation: 'grant',
        destination: 'git@ssh.dev.azure.com',
        port: '',
        command,
        directory: '/proc/0/missing',
      });
      const socket = /^socket=(.*)$/m.exec(answer)?.[1] ?? t.fail(answer);
      return HeldTransfer.start(join(daemon.runtime, socket), command);
    }),
  );

  const names = [...pats.keys()];
  let answered = 0;
  const ask = async (number: number): Promise<void> => {
    const name = names[number % names.length] ?? '';
    t.is(passwordIn(await daemon.ask(getFor(name))), pats.get(name) ?? '', `${number}: ${name}`);
    answered += 1;
  };
  for (let from = 0; from < REQUESTS; from += AT_ONCE)
    await Promise.all(Array.from({length: AT_ONCE}, (_, at) => ask(from + at)));
  t.is(answered, REQUESTS);
  // none of them had ended when the last answer was there
  t.is(transfers.filter(({ended}) => !ended).length, RELAYS);
  t.deepEqual([...cloud.sshRequests].filter(({kind}) => kind === 'exec').length, RELAYS);

  for (const transfer of transfers) {
    const pack = await transfer.finish();
    t.true(pack.length > SIZE);
    // git's packs end with their own hash
    t.deepEqual(createHash('sha1').update(pack.subarray(0, -20)).digest(), pack.subarray(-20));
  }
  t.is(await daemon.stop(), 0);
});
