import {linkSync, lstatSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {giveAccess} from '../../src/files/give-access.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless, whyNotLinux} from '../helpers/test-unless.ts';

const onLinux = testUnless(whyNotLinux);

onLinux('a socket gets its mode, and a link or a file in its place changes nothing', async (t) => {
  const directory = scratchDirectory(t);
  const [path, secret] = [join(directory, 'git.sock'), join(directory, 'secret')];
  writeFileSync(secret, 'secret', {mode: 0o600});
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => void server.close());
  giveAccess(path, {mode: 0o660, group: process.getgid?.()});
  t.is(lstatSync(path).mode & 0o777, 0o660);
  renameSync(path, join(directory, 'moved.sock'));
  for (const place of [symlinkSync, linkSync]) {
    place(secret, path);
    t.throws(() => giveAccess(path, {mode: 0o666, group: undefined}), {message: /was replaced/}, place.name);
    t.is(statSync(secret).mode & 0o777, 0o600);
    rmSync(path);
  }
  symlinkSync(join(directory, 'moved.sock'), path);
  t.throws(() => giveAccess(path, {mode: 0o666, group: undefined}));
  t.is(lstatSync(join(directory, 'moved.sock')).mode & 0o777, 0o660, 'not through a link to a socket either');
});
