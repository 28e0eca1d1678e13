import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {readTrustedHosts} from '../../../src/ssh/host/trusted-hosts.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

test('what was compared for the machine counts beside what a person compared', async (t) => {
  const [own, machine, empty, broken] = ['own', 'machine', 'empty', 'broken'].map((name) =>
    join(scratchDirectory(t), name),
  ) as [string, string, string, string];
  for (const directory of [own, machine, empty, broken]) mkdirSync(directory);
  writeFileSync(join(own, 'known_hosts'), 'a ssh-ed25519 A');
  writeFileSync(join(machine, 'known_hosts'), 'b ssh-ed25519 B\n');
  mkdirSync(join(broken, 'known_hosts'));
  t.deepEqual(await readTrustedHosts([own, machine]), {
    text: 'a ssh-ed25519 A\nb ssh-ed25519 B\n',
    isWhole: true,
  });
  t.true((await readTrustedHosts([empty])).isWhole);
  const {text, isWhole} = await readTrustedHosts([broken, machine]);
  t.true(text.includes('b ssh-ed25519 B'));
  t.false(isWhole);
});
