import {existsSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SocketSettings} from '../../src/config/configuration.ts';
import {defaultSettings, NO_CONFIGURATION} from '../../src/config/default-settings.ts';
import {GitSockets} from '../../src/daemon/git/git-sockets.ts';
import {GrantPlaces} from '../../src/daemon/git/grant-places.ts';
import {SocketGuard} from '../../src/daemon/socket-guard.ts';
import {askPath} from '../helpers/daemon.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const team: SocketSettings = {
  name: 'team',
  organizations: ['contoso'],
  mode: 0o600,
  group: undefined,
  gateway: undefined,
};

/** A guard whose configuration has the sockets `wanted`. They answer with the organizations that they serve. */
function guardIn(t: ExecutionContext, wanted: readonly SocketSettings[] = [team]) {
  const directory = scratchDirectory(t);
  const configured = {wanted};
  const inForce = {
    get configuration() {
      return {...NO_CONFIGURATION, settings: {...defaultSettings(), sockets: configured.wanted}};
    },
  };
  const sockets = new GitSockets({
    directory,
    inherited: new Map(),
    places: new GrantPlaces(directory),
    serve:
      ({organizations}) =>
      (client) =>
        client.resume().end(`orgkey=1\nproof=proof\nfor=${[...(organizations ?? [])].join()}\n`),
    proofOf: () => 'proof',
  });
  t.teardown(() => sockets.drain());
  const logged: string[] = [];
  const log = (_level: string, message: string) => void logged.push(message);
  const guard = new SocketGuard({inForce, sockets, log, manager: 'user'});
  return {guard, sockets, configured, logged, path: join(directory, 'scoped/team/git.sock')};
}

test('simultaneous calls open each socket once', async (t) => {
  const {guard, logged, path} = guardIn(t);
  await Promise.all([guard.followConfiguration(), guard.followConfiguration(), guard.followConfiguration()]);
  t.deepEqual(guard.notices, [], logged.join('\n'));
  t.regex(await askPath(path, ''), /for=contoso/);
});

test('a socket that the configuration drops during a check stays away', async (t) => {
  const {guard, configured, logged, path} = guardIn(t);
  await guard.followConfiguration();
  rmSync(path);
  const checked = guard.check();
  configured.wanted = [];
  await guard.followConfiguration();
  await checked;
  t.false(existsSync(path), logged.join('\n'));
  t.deepEqual(guard.notices, []);
});

test('a socket that changes during a check has the new organizations', async (t) => {
  const {guard, configured, logged, path} = guardIn(t);
  await guard.followConfiguration();
  rmSync(path);
  const checked = guard.check();
  configured.wanted = [{...team, organizations: ['fabrikam']}];
  await guard.followConfiguration();
  await checked;
  t.regex(await askPath(path, ''), /for=fabrikam/, logged.join('\n'));
  t.deepEqual(guard.notices, []);
});

for (const [what, initial, act] of [
  ['checked', [team], (guard: SocketGuard) => guard.check()],
  ['opened', [], (guard: SocketGuard) => guard.followConfiguration()],
] as const) {
  test(`a daemon that ends while a socket is ${what} leaves none behind`, async (t) => {
    const {guard, sockets, configured, logged, path} = guardIn(t, initial);
    await guard.followConfiguration();
    configured.wanted = [team];
    rmSync(path, {force: true});
    const acted = act(guard);
    await sockets.drain();
    await acted;
    t.false(existsSync(path), logged.join('\n'));
  });
}

test('a socket that fails opens once its settings are repaired', async (t) => {
  const {guard, configured, path} = guardIn(t, [{...team, group: 'no-such-group'}]);
  await guard.followConfiguration();
  t.regex(guard.notices[0]?.message ?? '', /the group no-such-group does not exist/);
  configured.wanted = [team];
  await guard.followConfiguration();
  t.regex(await askPath(path, ''), /for=contoso/);
  t.deepEqual(guard.notices, []);
});
