/** Measures git through a gateway, against git with the same credential in a header of its own. */
import {randomFillSync} from 'node:crypto';
import {readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {startCloud} from '../../test/cloud/cloud.ts';
import {GitHome} from '../../test/helpers/git-home.ts';
import {gits} from '../../test/helpers/gits.ts';
import {BuiltDaemon, Place, patConfiguration} from './built-daemon.ts';
import {LoadClient} from './load-client.ts';
import {Skipped, type Group, type Row} from './row.ts';
import {inTurns, median, pairedRatio} from './statistics.ts';

const SUBMODULES = 50;
/** In bytes. */
const LARGE = 100 * 1024 * 1024;
/** In milliseconds, of everything that crosses the network: handshakes, questions and answers. */
const ROUND_TRIP = 20;

export async function measureGateway(): Promise<Group> {
  const git = gits.findLast(({missing}) => missing === undefined);
  if (git?.hasAuthtype !== true)
    throw new Skipped('there is no git ≥ 2.47: scripts/test-packages newer-git brings one');
  const cloud = await startCloud();
  const contoso = cloud.addOrganization('contoso', {tenant: cloud.addTenant()});
  const pat = contoso.addPat();
  const place = new Place(
    `${patConfiguration.replace(/personalAccessToken: \w+/, `personalAccessToken: "${pat.value}"`)}orgkey:
  gateways: [{name: bench, repositories: [contoso/*/*]}]
`,
  );
  const restarted = async (before?: BuiltDaemon) => {
    await before?.stop();
    return BuiltDaemon.start(place, cloud.environment());
  };
  let daemon = await restarted();
  const base = {...cloud.environment(), PATH: `${git.path}:${process.env['PATH'] ?? ''}`};
  // all that a client of the gateway has
  const homes = {gateway: new GitHome({PATH: base.PATH}), header: new GitHome(base)};
  try {
    const directory = join(place.runtime, 'gateways/bench');
    const lines = readFileSync(join(directory, 'gitconfig'), 'utf8');
    homes.gateway.write('.gitconfig', lines.replaceAll('/run/orgkey/', `${directory}/`));
    const basic = Buffer.from(`:${pat.value}`).toString('base64');
    const header = ['http.https://dev.azure.com/contoso.extraHeader', `Authorization: Basic ${basic}`];
    await homes.header.succeed(['config', '--global', '--add', ...header]);

    const small = contoso.addRepository('web/small', {files: {'a.txt': 'a'}});
    const site = contoso.addRepository('web/site', {
      files: {'b.txt': 'b'},
      submodules: Array.from({length: SUBMODULES}, (_, at) => ({path: `part-${at}`, url: small.url})),
    });
    const large = contoso.addRepository('web/large', {
      files: {'noise.bin': randomFillSync(Buffer.alloc(LARGE))},
    });
    const both = (...args: readonly string[]) => ({
      gateway: () => run(homes.gateway, args),
      header: () => run(homes.header, args),
    });
    await Promise.all(Object.values(both('ls-remote', small.url)).map((ask) => ask()));
    const near = await inTurns(12, both('ls-remote', small.url));
    // connections keep the distance that they began with
    cloud.roundTrip = ROUND_TRIP;
    daemon = await restarted(daemon);
    for (let at = 0; at < 3; at++) await homes.gateway.succeed(['ls-remote', small.url]);
    const far = await inTurns(8, both('ls-remote', small.url));
    cloud.roundTrip = 0;
    daemon = await restarted(daemon);
    const modules = ['clone', '-q', '--recurse-submodules', '--jobs', '8', site.url, 'clone'];
    const many = await inTurns(2, both(...modules));
    const whole = await inTurns(3, both('clone', '-q', '--bare', large.url, 'clone'));
    const crowd = await measureCrowd({daemon, place, home: homes.gateway, url: large.url});
    return {
      rows: [
        ratio('git ls-remote', near, 'ms', 0.6),
        ratio(`git ls-remote, ${ROUND_TRIP} ms away,`, far, 'ms', 0.4),
        ratio(`clone with ${SUBMODULES} HTTPS submodules, --jobs 8,`, many, 's', 0.7),
        ratio(`clone of ${LARGE / 1024 / 1024} MB`, whole, 's', 1.1),
        ...crowd,
      ],
      plot: {
        title: 'git ls-remote: shorter is better',
        unit: 'ms',
        bars: [
          {name: 'through a gateway', value: median(near.gateway), isOurs: true},
          {name: 'git with a header', value: median(near.header), isOurs: false},
        ],
      },
    };
  } finally {
    for (const home of Object.values(homes)) home.remove();
    await daemon.stop();
    await cloud.close();
    place.remove();
  }
}

async function run(home: GitHome, args: readonly string[]): Promise<void> {
  await home.succeed(args);
  rmSync(join(home.directory, 'clone'), {recursive: true, force: true});
}

type Took = Readonly<Record<'gateway' | 'header', readonly number[]>>;

function ratio(what: string, {gateway, header}: Took, unit: 'ms' | 's', atMost: number): Row {
  const shown = (all: readonly number[]) => (median(all) / (unit === 's' ? 1000 : 1)).toFixed(2);
  return {
    what: `${what} through a gateway, against http.extraHeader`,
    value: pairedRatio(gateway, header),
    unit: '×',
    target: {atMost},
    note: `${shown(gateway)} against ${shown(header)} ${unit}`,
  };
}

/** The daemon while it carries eight large clones: its memory, and how fast it answers a helper. */
async function measureCrowd({
  daemon,
  place,
  home,
  url,
}: {
  readonly daemon: BuiltDaemon;
  readonly place: Place;
  readonly home: GitHome;
  readonly url: string;
}): Promise<readonly Row[]> {
  const client = new LoadClient();
  const question = {socket: place.socket, request: place.request(), expected: 'credential='};
  const idle = daemon.memory;
  const state = {hasEnded: false};
  let peak = idle;
  const clones = Array.from({length: 8}, async (_, at) => {
    await home.succeed(['clone', '-q', '--bare', url, `crowd-${at}`]);
    rmSync(join(home.directory, `crowd-${at}`), {recursive: true, force: true});
  });
  const all = Promise.all(clones).finally(() => (state.hasEnded = true));
  const answers: number[] = [];
  while (!state.hasEnded) {
    answers.push((await client.load(question, 1, 200)).p99);
    peak = Math.max(peak, daemon.memory);
  }
  await all;
  return [
    {
      what: `more memory while 8 clones of ${LARGE / 1024 / 1024} MB are carried`,
      value: peak - idle,
      unit: 'MB',
      target: {atMost: 32},
      note: `${idle.toFixed(1)} before, ${peak.toFixed(1)} at most`,
    },
    {
      what: 'p99 of a credential request meanwhile',
      value: median(answers),
      unit: 'ms',
      target: {atMost: 15},
    },
  ];
}
