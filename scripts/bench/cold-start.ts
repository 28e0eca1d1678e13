/** Measures the first answer of a daemon that systemd starts for a request, against an empty Node. */
import {spawn, spawnSync, type ChildProcess} from 'node:child_process';
import {existsSync, mkdirSync} from 'node:fs';
import {once} from 'node:events';
import {setTimeout as wait} from 'node:timers/promises';
import {startCloud} from '../../test/cloud/cloud.ts';
import {Place, patConfiguration, stopChild} from './built-daemon.ts';
import {LoadClient} from './load-client.ts';
import {Skipped, type Group} from './row.ts';
import {inTurns, median, pairedRatio} from './statistics.ts';

const ROUNDS = 15;

/** The time after which a daemon has written its compiled code, in milliseconds; later starts use it. */
const COMPILED_AFTER = 2_500;

export async function measureColdStart(): Promise<Group> {
  if (spawnSync('systemd-socket-activate', ['--version']).status !== 0)
    throw new Skipped('there is no systemd-socket-activate here');
  const client = new LoadClient();
  const cloud = await startCloud();
  const tenant = cloud.addTenant();
  const app = tenant.addApplication();
  cloud.addOrganization('contoso', {tenant, members: [app]});
  const kinds = {
    pat: new Place(),
    entra: new Place(
      patConfiguration.replace(
        /personalAccessToken: \w+/,
        `clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}`,
      ),
    ),
  };
  let waiting: ChildProcess | undefined;
  const ask = async (place: Place) => {
    const {failed, refused, milliseconds} = await client.once({
      socket: place.socket,
      request: place.request(),
      expected: 'credential=',
    });
    if (failed + refused > 0) throw new Error('the first request was not answered');
    return milliseconds;
  };
  const took = {pat: [] as number[], entra: [] as number[]};
  try {
    for (const place of Object.values(kinds)) {
      const first = await holdSocket(place, cloud.environment());
      waiting = first;
      await ask(place);
      await wait(COMPILED_AFTER);
      await stopChild(first);
    }
    const start = (kind: keyof typeof kinds) => async () => {
      waiting = await holdSocket(kinds[kind], cloud.environment());
      took[kind].push(await ask(kinds[kind]));
      await stopChild(waiting);
    };
    const {node} = await inTurns(ROUNDS, {
      node: async () => once(spawn(process.execPath, ['-e', '0'], {stdio: 'ignore'}), 'exit'),
      pat: start('pat'),
      entra: start('entra'),
    });
    const row = (kind: keyof typeof kinds, what: string, atMost: number) => ({
      what: `first answer after a cold start under socket activation, ${what}, against node -e 0`,
      value: pairedRatio(took[kind], node),
      unit: '×',
      target: {atMost},
      note: `${median(took[kind]).toFixed(0)} against ${median(node).toFixed(0)} ms`,
    });
    return {
      rows: [row('pat', 'PAT', 2.5), row('entra', 'Entra', 9)],
      plot: {
        title: 'First answer of a daemon that is not running yet: shorter is better',
        unit: 'ms',
        bars: [
          {name: 'an empty Node (node -e 0)', value: median(node), isOurs: false},
          {name: 'orgkey, personal access token', value: median(took.pat), isOurs: true},
          {name: 'orgkey, token from Entra', value: median(took.entra), isOurs: true},
        ],
      },
    };
  } finally {
    if (waiting !== undefined) await stopChild(waiting);
    await cloud.close();
    for (const place of Object.values(kinds)) place.remove();
  }
}

/** Holds the socket as systemd does; the first connection starts the daemon in that process. */
async function holdSocket(
  place: Place,
  environment: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  mkdirSync(place.runtime, {recursive: true, mode: 0o711});
  const variables = {...place.environment, ...environment};
  const names = Object.keys(variables).map((name) => `--setenv=${name}`);
  const args = ['-l', place.socket, '--fdname=git', ...names, ...place.command];
  const child = spawn('systemd-socket-activate', args, {env: variables, stdio: 'ignore'});
  while (!existsSync(place.socket)) await wait(5);
  return child;
}
