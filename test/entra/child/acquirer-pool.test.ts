import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {AcquirerPool, type Errand} from '../../../src/entra/child/acquirer-pool.ts';
import {advise} from '../../../src/entra/advice.ts';
import {jobFrom, messageOf} from '../../../src/entra/job.ts';
import {decodeMessage, encodeMessage} from '../../../src/entra/message.ts';
import {otherVersion} from '../../../src/entra/failure.ts';
import {clock, type PoolParts} from '../../helpers/acquiring.ts';

const directory = mkdtempSync(join(tmpdir(), 'orgkey-pool-'));
test.after.always(() => rmSync(directory, {recursive: true}));

let programs = 0;

/** A program in the place of the acquirer; `job` is what came on stdin, as text, and `done` ends with a result. */
function program(body: string): string {
  const path = join(directory, `program-${String((programs += 1))}.mjs`);
  writeFileSync(
    path,
    `import {appendFileSync, readFileSync} from 'node:fs';
     const job = readFileSync(0, 'latin1');
     const write = (text) => new Promise((resolve) => process.stdout.write(text, resolve));
     const done = (head, text = '') =>
       write(JSON.stringify({kind: 'done', ...head, secrets: {accessToken: Buffer.byteLength(text)}}) + '\\n' + text);
     ${body}`,
  );
  return path;
}

/** As an update does: the new file comes beside the old one, and then into its place. */
function place(path: string, body: string): void {
  const fresh = program(body);
  renameSync(fresh, path);
}

function poolOf(body: string, parts: Partial<PoolParts> = {}): AcquirerPool {
  return new AcquirerPool({environment: {}, clock, program: program(body), ...parts});
}

function errand(parts: Partial<Errand> = {}): Errand {
  return {
    job: {task: 'refresh', fields: {}, secrets: {refreshToken: Buffer.from('CANARY-secret')}},
    endpoint: 'issuer.example',
    ...parts,
  };
}

async function codeOf(pool: AcquirerPool, asked = errand()): Promise<string> {
  const outcome = await pool.run(asked);
  if (outcome.kind === 'done') return 'done';
  const {code, message} = advise(outcome.failure, {kind: 'client-secret'});
  return `${code}: ${message}`;
}

test('an acquirer starts with the way out and nothing else', async (t) => {
  const surroundings = {
    PATH: '/usr/bin',
    HOME: '/home/ada',
    NODE_OPTIONS: '--require /evil.js',
    NODE_PATH: '/evil',
    LD_PRELOAD: '/evil.so',
    AZURE_CLIENT_ID: 'CANARY-client',
    AZURE_TENANT_ID: 'CANARY-tenant',
    AZURE_CLIENT_SECRET: 'CANARY-secret',
    AZURE_FEDERATED_TOKEN_FILE: 'CANARY-file',
    AZURE_AUTHORITY_HOST: 'https://evil.example',
    AZURE_REGIONAL_AUTHORITY_NAME: 'westeurope',
    ARM_CLIENT_SECRET: 'CANARY-arm',
    SYSTEM_ACCESSTOKEN: 'CANARY-system',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'CANARY-actions',
    IDENTITY_HEADER: 'CANARY-identity',
    MSI_SECRET: 'CANARY-msi',
    IDENTITY_ENDPOINT: 'http://127.0.0.1:1/',
    HTTPS_PROXY: 'proxy.example:3128',
    HTTP_PROXY: 'http://proxy.example:3128',
    NO_PROXY: 'localhost',
    NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    SSLKEYLOGFILE: '/tmp/keys',
  };
  const pool = poolOf(
    'await done({environment: {...process.env}, argv: process.argv.slice(2), options: process.execArgv})',
    {
      environment: surroundings,
      compileCache: join(directory, 'cache'),
    },
  );
  const outcome = await pool.run(errand());
  if (outcome.kind === 'failed') return t.fail(JSON.stringify(outcome.failure));
  const {environment, argv, options} = outcome.message.head;
  t.deepEqual(environment, {
    HTTPS_PROXY: 'http://proxy.example:3128',
    HTTP_PROXY: 'http://proxy.example:3128',
    NO_PROXY: 'localhost,169.254.169.254',
    no_proxy: 'localhost,169.254.169.254',
    NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
    NODE_USE_ENV_PROXY: '1',
    NODE_COMPILE_CACHE: join(directory, 'cache'),
  });
  t.deepEqual(argv, []);
  t.deepEqual(options, ['--disable-sigusr1', '--disable-proto=delete', '--report-exclude-env']);
});

test('the job comes on stdin, and its secrets are overwritten afterwards', async (t) => {
  const pool = poolOf('await done({heard: job.includes("CANARY-secret")}, "token")');
  const asked = errand();
  const outcome = await pool.run(asked);
  t.like(outcome, {kind: 'done', message: {head: {heard: true}}});
  t.deepEqual(
    [...(asked.job.secrets['refreshToken'] ?? [])],
    Array.from({length: 13}, () => 0),
  );
});

const endings: readonly [title: string, body: string, expected: string, parts?: Partial<PoolParts>][] = [
  ['ends without a word', '', 'ERR_UNEXPECTED: unexpected failure (the acquirer ended without a result)'],
  [
    'fails with a reason',
    'throw new TypeError("no such thing")',
    'ERR_UNEXPECTED: unexpected failure (the acquirer ended without a result: TypeError: no such thing)',
  ],
  [
    'fails and complains with the secret',
    'throw new Error("CANARY-secret is bad")',
    'ERR_UNEXPECTED: unexpected failure (the acquirer ended without a result)',
  ],
  [
    'writes no message',
    'await write("hello\\n")',
    'ERR_UNEXPECTED: unexpected failure (the acquirer ended without a result)',
  ],
  [
    'writes half a message',
    `await write('{"kind":"done","secrets":{"accessToken":9}}\\nhalf')`,
    'ERR_UNEXPECTED: unexpected failure (the acquirer ended without a result)',
  ],
  [
    'writes more than its message',
    `await done({}, "token"); await write("more")`,
    'ERR_UNEXPECTED: unexpected failure (the acquirer ended without a result)',
  ],
  [
    'writes for ever',
    `for (;;) await write("x".repeat(65536))`,
    'ERR_ACQUIRER_OUTPUT: the acquirer sent more than a token',
  ],
  [
    'is killed',
    'process.kill(process.pid, "SIGKILL")',
    'ERR_ACQUIRER_KILLED: the acquirer was ended by SIGKILL',
  ],
  [
    'is killed after its result, before its end',
    'await done({}, "token"); process.kill(process.pid, "SIGKILL")',
    'ERR_ACQUIRER_KILLED: the acquirer was ended by SIGKILL',
  ],
  [
    'never ends',
    'setInterval(() => {}, 1000)',
    'ERR_TIMEOUT: the issuer did not answer within 1 s',
    {limits: {life: 600}},
  ],
  [
    'sends an invalid failure',
    `await write('{"kind":"failed","failure":7,"secrets":{}}\\n')`,
    'ERR_UNEXPECTED: unexpected failure (the acquirer sent no reason)',
  ],
];

for (const [title, body, expected, parts] of endings) {
  test(`an acquirer that ${title}`, async (t) => {
    t.is(await codeOf(poolOf(body, parts)), expected);
  });
}

test('an acquirer whose program is missing', async (t) => {
  const pool = new AcquirerPool({environment: {}, clock, program: join(directory, 'missing.mjs')});
  t.is(
    await codeOf(pool),
    `ERR_UNEXPECTED: unexpected failure (the acquirer ended without a result: Error: Cannot find module '${join(directory, 'missing.mjs')}')`,
  );
});

const works = 'await done({}, "token");';

for (const [title, during, afterwards] of [
  ['is taken away, and another one comes', undefined, works],
  ['comes in parts', "await import('./part-that-comes-later.mjs');", works],
  ['is empty at first', '', works],
] as const) {
  test(`an update: the acquirer ${title}`, async (t) => {
    const path = program('');
    let looks = 0;
    const pool = new AcquirerPool({
      environment: {},
      clock,
      program: path,
      after(milliseconds) {
        // while it waits for the update, the update goes on
        if (milliseconds < 1000 && ++looks === 2) place(path, afterwards);
        return AbortSignal.timeout(Math.min(milliseconds, 10));
      },
    });
    rmSync(path);
    if (during !== undefined) place(path, during);
    t.is(await codeOf(pool), 'done');
    t.is(looks, 2);
  });
}

test('an update: the same program is not tried twice where nothing was updated', async (t) => {
  const log = join(directory, 'tries');
  const pool = poolOf(`appendFileSync(${JSON.stringify(log)}, 'x'); await import('./nowhere.mjs');`);
  t.regex(await codeOf(pool), /^ERR_UNEXPECTED: .*Cannot find module/);
  t.is(readFileSync(log, 'utf8'), 'x');
});

test('an update whose acquirer does not understand the daemon from before says so', async (t) => {
  const {head, secrets} = messageOf({...errand().job, time: 0});
  const other = Number(head['format']) + 1;
  t.false(Number.isNaN(other));
  t.is(
    t.throws(() => jobFrom({head: {...head, format: other}, secrets}))?.message,
    otherVersion.kind === 'local' ? otherVersion.detail : '',
  );

  const acquirer = spawn(process.execPath, [
    join(import.meta.dirname, '../../../src/entra/child/acquirer.ts'),
  ]);
  acquirer.stdin.end(encodeMessage({head: {...head, format: other}, secrets}));
  const answer = decodeMessage(Buffer.concat(await acquirer.stdout.toArray()));
  t.deepEqual(answer?.head, {kind: 'failed', failure: otherVersion});
});

test('only so many at once, and fewer for one endpoint', async (t) => {
  const log = join(directory, 'log');
  const pool = poolOf(
    `const {endpoint} = JSON.parse(job.split('\\n')[0]).fields;
     appendFileSync(${JSON.stringify(log)}, '+' + endpoint + '\\n');
     await new Promise((resolve) => setTimeout(resolve, 30));
     appendFileSync(${JSON.stringify(log)}, '-' + endpoint + '\\n');
     await done({})`,
    {limits: {processes: 3, processesPerEndpoint: 2}},
  );
  const asks = Array.from({length: 12}, (_, at) => {
    const endpoint = at % 3 === 0 ? 'b' : 'a';
    return pool.run(errand({endpoint, job: {task: 'refresh', fields: {endpoint}, secrets: {}}}));
  });
  for (const outcome of await Promise.all(asks)) t.is(outcome.kind, 'done');
  const running = {a: 0, b: 0};
  for (const line of readFileSync(log, 'utf8').trim().split('\n')) {
    const endpoint = line[1] === 'a' ? 'a' : 'b';
    running[endpoint] += line.startsWith('+') ? 1 : -1;
    t.true(running.a <= 2 && running.b <= 2 && running.a + running.b <= 3, JSON.stringify(running));
  }
});

test('the newest caller is served first, and one that waits too long gets a reason', async (t) => {
  const impatience: AbortController[] = [];
  const after = () => {
    const controller = new AbortController();
    impatience.push(controller);
    return controller.signal;
  };
  const pool = poolOf('await done({})', {limits: {processes: 1}, after});
  const order: string[] = [];
  const ask = async (name: string) => {
    const outcome = await pool.run(errand());
    order.push(
      `${name} ${outcome.kind === 'failed' && outcome.failure.kind === 'local' ? outcome.failure.code : outcome.kind}`,
    );
  };
  const all = [ask('first'), ask('second'), ask('third'), ask('fourth')];
  impatience[1]?.abort();
  await Promise.all(all);
  t.deepEqual(order, ['third ERR_BUSY', 'first done', 'fourth done', 'second done']);
});

test('with little time left, what waited gets what is left of it', async (t) => {
  let now = 0;
  const pool = poolOf('await done({time: JSON.parse(job.split("\\n")[0]).time})', {
    clock: {uptime: () => now},
    limits: {processes: 1},
    observe: () => (now = 6000),
  });
  const first = pool.run(errand());
  const second = pool.run(errand());
  t.like(await first, {kind: 'done', message: {head: {time: 7600}}});
  t.like(await second, {kind: 'done', message: {head: {time: 3600}}});
});

test('times with fractions are times too', async (t) => {
  const pool = poolOf('await done({})', {limits: {processes: 1, life: 7000.7}});
  t.deepEqual(
    (await Promise.all([1.1, 2.2, 3.3].map((spent) => pool.run(errand({spent}))))).map(({kind}) => kind),
    ['done', 'done', 'done'],
  );
});

test('cancelled: the acquirer is ended', async (t) => {
  const giveUp = new AbortController();
  const pool = poolOf('await write(JSON.stringify({event: "login"}) + "\\n"); setInterval(() => {}, 1000)');
  const outcome = codeOf(pool, errand({signal: giveUp.signal, onEvent: () => giveUp.abort()}));
  t.is(await outcome, 'ERR_CANCELLED: sign-in cancelled');
});

test('cancelled before it began: none is started', async (t) => {
  const pool = poolOf('await done({})');
  t.is(await codeOf(pool, errand({signal: AbortSignal.abort()})), 'ERR_CANCELLED: sign-in cancelled');
});

test('closed: those that run are ended, those that wait are sent away, none is started', async (t) => {
  const pool = poolOf('await write(JSON.stringify({event: "login"}) + "\\n"); setInterval(() => {}, 1000)', {
    limits: {processes: 1},
  });
  const {promise: running, resolve} = Promise.withResolvers<void>();
  const one = codeOf(pool, errand({onEvent: () => resolve()}));
  const two = codeOf(pool);
  await running;
  pool.close();
  t.is(await one, 'ERR_ACQUIRER_KILLED: the acquirer was ended by SIGKILL');
  const busy = 'ERR_BUSY: too many tokens are being acquired at the same time';
  t.is(await two, busy);
  t.is(await codeOf(pool), busy);
});

test('events arrive in order, however they are cut into chunks', async (t) => {
  const events = Array.from({length: 20}, (_, at) => ({event: 'login', at}));
  const pool = poolOf(
    `const text = ${JSON.stringify(events.map((event) => `${JSON.stringify(event)}\n`).join(''))};
     for (let at = 0; at < text.length; at += 7) await write(text.slice(at, at + 7));
     await done({}, "token")`,
  );
  const told: unknown[] = [];
  const outcome = await pool.run(errand({onEvent: (event) => told.push(event)}));
  t.is(outcome.kind, 'done');
  t.deepEqual(told, events);
});
