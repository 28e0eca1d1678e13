import {existsSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SocketSettings} from '../../src/config/configuration.ts';
import {DEFAULT_SETTINGS, NO_CONFIGURATION} from '../../src/config/default-settings.ts';
import {ConfigurationInForce} from '../../src/daemon/supply/configuration-in-force.ts';
import {Daemon} from '../../src/daemon/daemon.ts';
import {GitSockets} from '../../src/daemon/git/git-sockets.ts';
import {TokenCache} from '../../src/token/token-cache.ts';
import {askPath} from '../helpers/daemon.ts';
import {FakeClock} from '../helpers/fake-clock.ts';
import {FakeIssuer} from '../helpers/fake-issuer.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const team: SocketSettings = {name: 'team', organizations: ['contoso'], mode: 0o600, group: undefined};

/** A daemon whose configuration is `wanted`, and whose sockets answer whoever asks with the organizations they are for. */
function startIn(t: ExecutionContext) {
  const directory = scratchDirectory(t);
  const configuration: {wanted: readonly SocketSettings[]} = {wanted: [team]};
  const inForce = new ConfigurationInForce({
    initial: NO_CONFIGURATION,
    now: () => 0,
    load: async () => ({
      kind: 'loaded',
      configuration: {
        ...NO_CONFIGURATION,
        settings: {...DEFAULT_SETTINGS, prefetch: false, sockets: configuration.wanted},
      },
    }),
  });
  const sockets = new GitSockets({
    directory,
    inherited: new Map(),
    serve:
      ({organizations}) =>
      (client) =>
        client.resume().end(`orgkey=1\nproof=proof\nfor=${[...(organizations ?? [])].join()}\n`),
    proofOf: () => 'proof',
  });
  t.teardown(() => sockets.drain());
  const clock = new FakeClock();
  const {acquire} = new FakeIssuer(clock);
  const tokens = new TokenCache({acquire, clock, random: () => 0});
  const logged: string[] = [];
  const log = (_level: string, message: string) => void logged.push(message);
  const daemon = new Daemon({inForce, sockets, tokens, log, manager: 'user'});
  return {daemon, sockets, configuration, logged, path: join(directory, 'scoped/team/git.sock')};
}

test('who reloads at once opens each socket once', async (t) => {
  const {daemon, logged, path} = startIn(t);
  await Promise.all([daemon.reload(), daemon.reload(), daemon.reload()]);
  t.deepEqual(daemon.notices, [], logged.join('\n'));
  t.regex(await askPath(path, ''), /for=contoso/);
});

test('a socket that is withdrawn while it is looked after stays away', async (t) => {
  const {daemon, configuration, logged, path} = startIn(t);
  await daemon.reload();
  rmSync(path);
  const guarded = daemon.guard();
  configuration.wanted = [];
  await daemon.reload();
  await guarded;
  t.false(existsSync(path), logged.join('\n'));
  t.deepEqual(daemon.notices, []);
});

test('a socket that changes while it is looked after is for whom the configuration says', async (t) => {
  const {daemon, configuration, logged, path} = startIn(t);
  await daemon.reload();
  rmSync(path);
  const guarded = daemon.guard();
  configuration.wanted = [{...team, organizations: ['fabrikam']}];
  await daemon.reload();
  await guarded;
  t.regex(await askPath(path, ''), /for=fabrikam/, logged.join('\n'));
  t.deepEqual(daemon.notices, []);
});

for (const [what, act] of [
  ['looked after', (daemon: Daemon) => daemon.guard()],
  ['opened', (daemon: Daemon) => daemon.reload()],
] as const) {
  test(`a daemon that ends while a socket is being ${what} leaves none behind`, async (t) => {
    const {daemon, sockets, configuration, logged, path} = startIn(t);
    configuration.wanted = what === 'opened' ? [] : [team];
    await daemon.reload();
    configuration.wanted = [team];
    rmSync(path, {force: true});
    const acted = act(daemon);
    await sockets.drain();
    await acted;
    t.false(existsSync(path), logged.join('\n'));
  });
}

test('what fails stops nothing that comes after it', async (t) => {
  const {daemon, configuration, path} = startIn(t);
  await daemon.reload();
  const {wanted} = configuration;
  configuration.wanted = [{...team, group: 'no-such-group'}];
  await daemon.reload();
  t.regex(daemon.notices[0]?.message ?? '', /there is no group/);
  configuration.wanted = wanted;
  await daemon.reload();
  t.regex(await askPath(path, ''), /for=contoso/);
});
