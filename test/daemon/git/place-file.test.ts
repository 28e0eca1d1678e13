import {spawnSync, type SpawnSyncReturns} from 'node:child_process';
import {chmodSync, chownSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {placeFile} from '../../../src/daemon/git/place-file.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';
import {testUnless, whyNotRoot} from '../../helpers/test-unless.ts';

const uid = 12_345;
const module = join(import.meta.dirname, '../../../src/daemon/git/place-file.ts');

test('a file for clients replaces a link, and not what the link leads to', (t) => {
  const directory = scratchDirectory(t);
  const [path, secret] = [join(directory, 'gitconfig'), join(directory, 'secret')];
  writeFileSync(secret, 'secret', {mode: 0o600});
  symlinkSync(secret, path);
  symlinkSync(secret, `${path}.new`);
  placeFile(path, 'text', 0o644);
  t.is(readFileSync(path, 'utf8'), 'text');
  t.is(statSync(path).mode & 0o777, 0o644);
  t.is(readFileSync(secret, 'utf8'), 'secret');
});

// root is not held by modes
testUnless(whyNotRoot)(
  'in a directory of another user, a file is written to, and a link is not followed',
  (t) => {
    const directory = scratchDirectory(t);
    const outside = scratchDirectory(t);
    const [file, link] = [join(directory, 'file'), join(directory, 'link')];
    const secret = join(outside, 'secret');
    for (const path of [file, secret]) {
      writeFileSync(path, 'old');
      chownSync(path, uid, uid);
    }
    symlinkSync(secret, link);
    for (const path of [directory, outside]) chmodSync(path, 0o755);
    t.is(place(file).status, 0, place(file).stderr);
    t.is(readFileSync(file, 'utf8'), 'new');
    t.not(place(link).status, 0);
    t.is(readFileSync(secret, 'utf8'), 'old');
  },
);

/** Places a file as a user whom modes hold. */
function place(path: string): SpawnSyncReturns<string> {
  const code = `(await import('${module}')).placeFile('${path}', 'new', 0o644)`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    uid,
    gid: uid,
    encoding: 'utf8',
    env: {NODE_NO_WARNINGS: '1'},
  });
}
