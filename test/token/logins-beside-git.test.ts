import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, mkdirSync} from 'node:fs';
import {connect, createServer} from 'node:net';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import type {ExecutionContext} from 'ava';
import * as fc from '../helpers/any.ts';
import {serveConnection} from '../../src/daemon/git/connection.ts';
import {StoredLogins} from '../../src/login/stored-logins.ts';
import {FakeClock} from '../helpers/fake-clock.ts';
import {World} from '../helpers/fake-respond.ts';
import {gits, type Git} from '../helpers/gits.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {tether} from '../helpers/tether.ts';
import {testUnless} from '../helpers/test-unless.ts';

// The same requests go to git's own cache daemon and to ours, each on a socket of its own, and the answers are the
// same. What differs, on purpose:
// - ours begins with the line orgkey=1, and says `capability[]=authtype` only where it gives a header;
// - a header is given to those only who announce that they take it;
// - only https is answered, and only requests that name protocol and host;
// - an authtype without a credential, and the other way round, is not a login;
// - of several logins that fit, the one that was stored first is served: git's order changes when one is dropped;
// - git before 2.46 drops one login only, whatever its password, and knows neither headers nor refresh tokens.

type Operation = 'get' | 'store' | 'erase';

interface Asked {
  readonly operation: Operation;
  readonly lines: readonly string[];
}

/** Asks over a socket as git's client does; the lines of the answer. */
async function ask(
  socket: string,
  action: string,
  timeout: number,
  lines: readonly string[],
): Promise<string[]> {
  const connection = connect(socket);
  connection.end([`action=${action}`, `timeout=${timeout}`, ...lines].map((line) => `${line}\n`).join(''));
  const answer = await text(connection);
  return answer
    .split('\n')
    .filter((line) => line !== '' && line !== 'orgkey=1' && line !== 'capability[]=authtype');
}

class Pair {
  readonly #ours: string;
  readonly #gits: string;

  private constructor(ours: string, gits: string) {
    this.#ours = ours;
    this.#gits = gits;
  }

  static async start(t: ExecutionContext, git: Git): Promise<Pair> {
    const directory = scratchDirectory(t);
    const [ours, theirs] = [join(directory, 'ours'), join(directory, 'git', 'socket')];
    mkdirSync(join(directory, 'git'), {mode: 0o700});
    await serveOurs(t, ours);
    const daemon = spawn(join(execPathOf(git), 'git-credential-cache--daemon'), [theirs], {
      env: {HOME: directory, PATH: process.env['PATH']},
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    tether(daemon);
    t.teardown(() => daemon.kill());
    // it says ok once it listens
    await once(daemon.stdout, 'data');
    return new Pair(ours, theirs);
  }

  get sockets() {
    return {ours: this.#ours, git: this.#gits};
  }

  async ours({operation, lines}: Asked, timeout = 900): Promise<string[]> {
    return operation === 'store'
      ? ask(this.#ours, 'get', timeout, ['operation=store', ...lines])
      : ask(this.#ours, operation, timeout, lines);
  }

  async git({operation, lines}: Asked, timeout = 900): Promise<string[]> {
    return ask(this.#gits, operation, timeout, lines);
  }
}

function execPathOf({path}: Git): string {
  return execFileSync(join(path, 'git'), ['--exec-path'], {encoding: 'utf8'}).trim();
}

async function serveOurs(t: ExecutionContext, path: string): Promise<void> {
  const logins = new StoredLogins({
    clock: new FakeClock(),
    archive: undefined,
    failed: (_, error) => t.fail(String(error)),
  });
  const identity = {kind: 'stored', key: 'stored', persist: false} as const;
  const world = new World([{identity, host: '*', organizations: [], place: 'test'}], {logins});
  const server = createServer({allowHalfOpen: true}, (socket) =>
    serveConnection(socket, async (bytes) => {
      const answer = Buffer.from(await world.ask(bytes), 'latin1');
      t.deepEqual(world.surprises, []);
      return new Uint8Array(answer);
    }),
  );
  server.listen(path);
  await once(server, 'listening');
  chmodSync(path, 0o600);
  t.teardown(() => server.close());
}

const HEADERS = 'capability[]=authtype';

const table: readonly (readonly [string, readonly string[], {readonly newer?: true}?])[] = [
  ['nothing is stored', ['get host=a']],
  ['host', ['store host=a username=u password=p', 'get host=a', 'get host=b', 'get host=A', 'get host=a:80']],
  [
    'user name',
    [
      'store host=a username=u password=p',
      'get host=a username=u',
      'get host=a username=U',
      'get host=a username=',
    ],
  ],
  [
    'an empty user name',
    ['store host=a username= password=p', 'get host=a', 'get host=a username=', 'get host=a username=u'],
  ],
  ['an empty password', ['store host=a username=u password=', 'get host=a']],
  [
    'path',
    [
      'store host=a path=x username=u password=p',
      'get host=a',
      'get host=a path=x',
      'get host=a path=y',
      'get host=a path=',
    ],
  ],
  ['no path', ['store host=a username=u password=p', 'get host=a path=x', 'get host=a path=']],
  [
    'an empty path',
    ['store host=a path= username=u password=p', 'get host=a', 'get host=a path=', 'get host=a path=x'],
  ],
  [
    'a login without a path replaces those with one',
    [
      'store host=a path=x username=u password=p',
      'store host=a username=u password=q',
      'get host=a path=x',
      'get host=a',
    ],
  ],
  [
    'and not the other way round',
    [
      'store host=a username=u password=p',
      'store host=a path=x username=u password=q',
      'get host=a path=x',
      'get host=a',
    ],
  ],
  [
    'overwriting',
    [
      'store host=a username=u password=p',
      'store host=a username=u password=q',
      'get host=a',
      'get host=a username=u',
    ],
  ],
  [
    'several users',
    [
      'store host=a username=u password=p',
      'store host=a username=v password=q',
      'get host=a',
      'get host=a username=v',
      'get host=a username=u',
    ],
  ],
  [
    'without a user name it is not a login',
    ['store host=a username=u password=p', 'store host=a password=q', 'get host=a'],
  ],
  ['without a password it is not a login', ['store host=a username=u', 'get host=a']],
  [
    'erase by user',
    [
      'store host=a username=u password=p',
      'store host=a username=v password=q',
      'erase host=a username=u',
      'get host=a username=u',
      'get host=a username=v',
    ],
  ],
  [
    'erase by host',
    [
      'store host=a username=u password=p',
      'store host=a username=v password=q',
      'store host=b username=u password=p',
      'erase host=a',
      'get host=a',
      'get host=b',
    ],
    {newer: true},
  ],
  [
    'erase the very one',
    ['store host=a username=u password=p', 'erase host=a username=u password=p', 'get host=a'],
  ],
  [
    'erase another password',
    ['store host=a username=u password=p', 'erase host=a username=u password=q', 'get host=a'],
    {newer: true},
  ],
  ['erase another path', ['store host=a path=x username=u password=p', 'erase host=a path=y', 'get host=a']],
  [
    'erase what is not there',
    ['erase host=a username=u', 'store host=a username=u password=p', 'erase host=b', 'get host=a'],
  ],
  [
    'expiry',
    ['store host=a username=u password=p password_expiry_utc=99999999999', 'get host=a'],
    {newer: true},
  ],
  [
    'an expiry in the past: git looks at it itself',
    ['store host=a username=u password=p password_expiry_utc=1', 'get host=a'],
    {newer: true},
  ],
  [
    'an invalid expiry',
    ['store host=a username=u password=p password_expiry_utc=soon', 'get host=a'],
    {newer: true},
  ],
  [
    'a refresh token',
    [
      'store host=a username=u password=p oauth_refresh_token=r',
      'get host=a',
      'store host=a username=u password=p',
      'get host=a',
    ],
    {newer: true},
  ],
  [
    'a header',
    [`store ${HEADERS} host=a authtype=Bearer credential=t`, `get ${HEADERS} host=a`],
    {newer: true},
  ],
  [
    'a header of a user',
    [
      `store ${HEADERS} host=a username=u authtype=Bearer credential=t`,
      `get ${HEADERS} host=a`,
      `get ${HEADERS} host=a username=u`,
      `get ${HEADERS} host=a username=v`,
    ],
    {newer: true},
  ],
  [
    'a header and a password',
    [`store ${HEADERS} host=a username=u password=p authtype=Bearer credential=t`, `get ${HEADERS} host=a`],
    {newer: true},
  ],
  [
    'erase a header',
    [
      `store ${HEADERS} host=a authtype=Bearer credential=t`,
      `erase ${HEADERS} host=a authtype=Bearer credential=s`,
      `get ${HEADERS} host=a`,
      `erase ${HEADERS} host=a authtype=Bearer credential=t`,
      `get ${HEADERS} host=a`,
    ],
    {newer: true},
  ],
  [
    'a header with a state',
    [
      `store ${HEADERS} capability[]=state host=a authtype=Bearer credential=t state[]=s`,
      `get ${HEADERS} capability[]=state host=a`,
    ],
    {newer: true},
  ],
  ['ephemeral', ['store host=a username=u password=p ephemeral=1', 'get host=a'], {newer: true}],
  ['not ephemeral', ['store host=a username=u password=p ephemeral=0', 'get host=a'], {newer: true}],
  ['unknown lines', ['store host=a username=u password=p wwwauth[]=Basic foo=bar', 'get host=a foo=bar']],
  ['values with equals signs', ['store host=a username=u=v password=p=q=', 'get host=a username=u=v']],
  [
    'letters beyond ASCII',
    ['store host=a username=ü password=п', 'get host=a username=ü', 'get host=a username=u'],
  ],
];

for (const git of gits) {
  const differential = testUnless(git.missing);

  for (const [what, requests, {newer = false} = {}] of table) {
    if (newer && !git.hasAuthtype) continue;
    differential(`${git.name}: the same answers: ${what}`, async (t) => {
      const pair = await Pair.start(t, git);
      for (const request of requests) {
        const asked = askedFrom(request);
        t.deepEqual(await pair.ours(asked), await pair.git(asked), request);
      }
    });
  }

  differential(`${git.name}: the same answers: a timeout of nothing`, async (t) => {
    const pair = await Pair.start(t, git);
    const [store, get] = [askedFrom('store host=a username=u password=p'), askedFrom('get host=a')];
    for (const timeout of [900, 0, 900, -1]) {
      await Promise.all([pair.ours(store, timeout), pair.git(store, timeout)]);
      t.deepEqual(await pair.ours(get), await pair.git(get), `timeout ${timeout}`);
    }
  });

  differential(`${git.name}: the same answers by git’s own client`, async (t) => {
    const {sockets} = await Pair.start(t, git);
    const login = 'host=a\nusername=u\npassword=p\n';
    await runClient(git, sockets.git, 'store', login);
    // our helper script sends a store so: git's client, asked to store, may start a daemon
    t.is(await runClient(git, sockets.ours, 'get', `operation=store\n${login}`), 'orgkey=1\n');
    for (const [action, input] of [
      ['get', 'host=a\n'],
      ['get', 'host=b\n'],
      ['erase', login],
      ['get', 'host=a\n'],
    ] as const) {
      const ours = await runClient(git, sockets.ours, action, input);
      const gits = await runClient(git, sockets.git, action, input);
      t.is(ours.replace('orgkey=1\n', ''), gits.replace('capability[]=authtype\n', ''), `${action} ${input}`);
    }
  });

  differential(`${git.name}: the same answers to whatever sequence of requests`, async (t) => {
    t.timeout(170_000);
    const pair = await Pair.start(t, git);
    let sequences = 0;
    let gets = 0;
    let served = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRequest(git.hasAuthtype), {minLength: 8, maxLength: 30}),
        async (requests) => {
          // hosts of its own for each sequence: neither is restarted
          const suffix = `.${++sequences}.example`;
          for (const request of requests) {
            const asked = askedFrom(request.replace(/host=(\S+)/, `host=$1${suffix}`));
            const [ours, gits] = [await pair.ours(asked), await pair.git(asked)];
            if (asked.operation !== 'get') continue;
            gets++;
            if (gits.length > 0) served++;
            if (ours.join('\n') === gits.join('\n')) continue;
            await isFreeChoice(pair, asked, ours, gits, t);
          }
        },
      ),
      {numRuns: 250},
    );
    t.log(`${sequences} sequences, ${gets} gets, ${served} of them served`);
    t.true(served > 30);
  });
}

async function runClient({path}: Git, socket: string, action: string, input: string): Promise<string> {
  const client = spawn(join(path, 'git'), ['credential-cache', `--socket=${socket}`, action], {
    env: {HOME: '/nonexistent', PATH: process.env['PATH']},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  client.stdin.end(`protocol=https\n${input}`);
  return text(client.stdout);
}

/** `get host=a username=u`; the protocol is always the same. */
function askedFrom(request: string): Asked {
  const [operation, ...lines] = request.split(' ');
  if (operation !== 'get' && operation !== 'store' && operation !== 'erase') throw new Error(request);
  return {operation, lines: ['protocol=https', ...lines]};
}

/** Several logins fit, and each of the two served another one of them: then each has the other's too. */
async function isFreeChoice(pair: Pair, asked: Asked, ours: string[], gits: string[], t: ExecutionContext) {
  t.true(ours.length > 0 && gits.length > 0, `${asked.lines.join()}: ${ours.join()} ${gits.join()}`);
  // one login at most has the same user name and the same path
  t.false(
    asked.lines.some((line) => line.startsWith('username=')) &&
      asked.lines.some((line) => line.startsWith('path=')),
  );
  for (const [mine, other] of [
    [ours, 'git'],
    [gits, 'ours'],
  ] as const) {
    const user = mine.find((line) => line.startsWith('username='));
    // without a user name it can't be asked for alone
    if (user === undefined || asked.lines.includes(user)) continue;
    const answer = await pair[other]({...asked, lines: [...asked.lines, user]});
    t.is(
      answer.find((line) => line.startsWith('username=')),
      user,
    );
  }
}

const maybe = (values: fc.Arbitrary<string>) => fc.option(values, {nil: ''});
const line = (...parts: fc.Arbitrary<string>[]) =>
  fc.tuple(...parts).map((words) => words.filter((word) => word !== '').join(' '));

/** Few values, so that requests meet. */
function anyRequest(newer: boolean): fc.Arbitrary<string> {
  const host = fc.constantFrom('host=a', 'host=b');
  const user = fc.constantFrom('username=u', 'username=v', 'username=');
  const path = fc.oneof(
    {weight: 3, arbitrary: fc.constant('')},
    {weight: 1, arbitrary: fc.constantFrom('path=x', 'path=y', 'path=')},
  );
  const password = fc.constantFrom('password=p', 'password=q', 'password=');
  const header = fc.constantFrom('authtype=Bearer credential=t', 'authtype=Basic credential=s');

  const more = maybe(
    fc.constantFrom('password_expiry_utc=99999999999', 'oauth_refresh_token=r', 'ephemeral=1'),
  );
  const store = fc.constant('store');
  const get = fc.constant('get');
  const erase = fc.constant('erase');
  const both = fc.constant(HEADERS);
  return newer
    ? fc.oneof(
        {weight: 4, arbitrary: line(store, host, path, user, password, more)},
        {weight: 1, arbitrary: line(store, both, host, path, maybe(user), header, more)},
        {weight: 1, arbitrary: line(store, host, maybe(user), maybe(password))},
        {weight: 6, arbitrary: line(get, both, host, path, maybe(user))},
        {weight: 2, arbitrary: line(erase, both, host, path, maybe(user), maybe(password))},
        {weight: 1, arbitrary: line(erase, both, host, path, maybe(user), header)},
      )
    : fc.oneof(
        {weight: 4, arbitrary: line(store, host, user, password)},
        {weight: 1, arbitrary: line(store, host, user)},
        {weight: 6, arbitrary: line(get, host, path, maybe(user))},
        {weight: 2, arbitrary: line(erase, host, user)},
      );
}
