import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {basename, join} from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '../..');
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', '.cache', 'node_modules', 'dist', 'test']);

const isWanted = (path: string) => !LEFT_OUT.has(basename(path));

/** Packs a checkout with this umask, and returns the hash of the package. */
function hashOfPackage(
  checkout: string,
  umask: string,
  environment: Readonly<Record<string, string>>,
): string {
  const out = mkdtempSync(join(checkout, 'packed-'));
  const script = `umask ${umask} && exec "$0" "$1" "$2"`;
  const args = ['-c', script, process.execPath, join(checkout, 'scripts/pack.ts'), out];
  const tarball = execFileSync('/bin/sh', args, {env: {...process.env, ...environment}, encoding: 'utf8'});
  return createHash('sha256').update(readFileSync(tarball.trimEnd())).digest('hex');
}

test('two checkouts make the same package, whatever their path, umask, locale and time zone', (t) => {
  mkdirSync(join(root, '.cache'), {recursive: true});
  const home = mkdtempSync(join(root, '.cache/reproducible-'));
  t.teardown(() => rmSync(home, {recursive: true, force: true}));
  const makers = [
    ['one', '022', {TZ: 'UTC', LC_ALL: 'C'}],
    ['another/place', '077', {TZ: 'Asia/Tokyo', LC_ALL: 'tr_TR.UTF-8', HOME: home}],
  ] as const;
  const made = makers.map(([place, umask, environment]) => {
    const checkout = join(home, place);
    for (const name of readdirSync(root).filter(isWanted))
      cpSync(join(root, name), join(checkout, name), {recursive: true, filter: isWanted});
    execFileSync('cp', ['-al', join(root, 'node_modules'), join(checkout, 'node_modules')]);
    return hashOfPackage(checkout, umask, environment);
  });
  t.is(made[0], made[1]);
});
