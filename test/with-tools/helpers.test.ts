import {Ajv2020} from 'ajv/dist/2020.js';
import test, {type ExecutionContext} from 'ava';
import {join} from 'node:path';
import {daemonFor} from '../helpers/daemon.ts';
import {main} from '../helpers/program.ts';
import {auditOf, programs, toolWorld} from '../helpers/tool-world.ts';
import {cloudForSerial, addContoso} from '../helpers/cloud-for.ts';

const cloud = await cloudForSerial();
const {contoso, credential} = addContoso(cloud);
contoso.addFeed('tools');
const credentials = [credential];

const FEED = 'https://pkgs.dev.azure.com/contoso/web/_packaging/tools';
const REQUEST = JSON.stringify({uri: `${FEED}/x`});
const CARGO = `${JSON.stringify({v: 1, registry: {'index-url': `sparse+${FEED}/Cargo/index/`}, kind: 'get', operation: 'read'})}\n`;

/** What Bazel accepts as a request and as an answer. */
const schemas = {
  request: {
    type: 'object',
    required: ['uri'],
    properties: {uri: {type: 'string', minLength: 1}},
  },
  answer: {
    type: 'object',
    additionalProperties: false,
    properties: {
      headers: {
        type: 'object',
        additionalProperties: {type: 'array', items: {type: 'string', pattern: '^[ -~]+$'}},
      },
      expires: {type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`},
    },
  },
} as const;

function conforms(t: ExecutionContext, kind: keyof typeof schemas, text: string): void {
  const ajv = new Ajv2020({strict: true});
  t.true(ajv.validate(schemas[kind], JSON.parse(text)), `${text}: ${ajv.errorsText()}`);
}

test.serial('Bazel gets an answer of its schema, for a feed and for a foreign address', async (t) => {
  const {home} = await toolWorld(t, cloud, credentials);
  conforms(t, 'request', REQUEST);
  const {code, stdout} = await home.run('orgkey-bazel-helper', ['get'], {input: REQUEST});
  t.is(code, 0);
  conforms(t, 'answer', stdout);
  const {headers, expires} = JSON.parse(stdout);
  const [authorization] = headers.Authorization;
  const left = (Date.parse(expires) - Date.now()) / 60_000;
  t.true(left > 8 && left < 90, `${left} minutes`);
  t.is((await cloud.request(`${FEED}/npm/registry/gear`, {headers: {authorization}})).status, 200);
  conforms(
    t,
    'answer',
    (await home.run('orgkey-bazel-helper', ['get'], {input: '{"uri":"https://bcr.bazel.build/x"}'})).stdout,
  );
});

test.serial('ten tools at once cause one request to Entra', async (t) => {
  const {daemon, home} = await toolWorld(t, cloud, credentials);
  const ask = [
    () => home.run('cargo-credential-orgkey', ['--cargo-plugin'], {input: CARGO}),
    () => home.run('keyring', ['get', `${FEED}/pypi/simple/`, 'me']),
    () => home.run('orgkey-bazel-helper', ['get'], {input: REQUEST}),
    () => home.run('orgkey-goauth', [FEED]),
    () => home.run('orgkey-token', ['contoso']),
  ];
  const answers = await Promise.all([...ask, ...ask].map((one) => one()));
  const [given] = answers.map(({stdout}) => /Bearer ([\w.-]+)/.exec(stdout)?.[1]);
  for (const {stdout} of answers) t.true(stdout.includes(given ?? '?'));
  t.is(cloud.requests.count({endpoint: 'token'}), 1);
  await auditOf(daemon, 'bazel', 2);
});

test.serial('a feed of a server gets the token of its collection, and another host none', async (t) => {
  const collection = cloud.addServer('tfs.example.org').addCollection('Main');
  collection.addFeed('tools');
  const pat = collection.addPat().value;
  const daemon = await daemonFor(t, {
    configuration: `integrations: {azure: [{host: tfs.example.org, credentials: [{organizations: [Main], personalAccessToken: ${pat}}]}]}\n`,
    environment: cloud.environment(),
  });
  const {home} = await toolWorld(t, cloud, credentials);
  const ask = (address: string) =>
    home.run('orgkey-token', [address], {environment: {ORGKEY_RUNTIME_DIR: daemon.runtime}});
  const {stdout} = await ask('https://tfs.example.org/tfs/main/web/_packaging/tools/npm/registry/');
  const headers = {authorization: stdout.trimEnd()};
  t.is(
    (await cloud.request('https://tfs.example.org/tfs/Main/_packaging/tools/npm/registry/gear', {headers}))
      .status,
    200,
  );
  for (const address of ['https://tfs.example.org/tfs/Other/', 'https://tfs2.example.org/tfs/Main/'])
    t.like(await ask(address), {code: 1, stdout: ''}, address);
});

for (const [name, words, input, expected] of [
  ['cargo', ['--cargo-plugin'], CARGO, /^\{"v":\[1\]\}\n\{"Ok":.*"token":"Bearer .*\}\n$/],
  ['keyring', ['get', `${FEED}/pypi/simple/`, 'me'], '', /^[\w.-]+\n$/],
  ['bazel', ['get'], REQUEST, /^\{"headers":\{"Authorization":\["Bearer .*\n$/],
  ['goauth', [FEED], '', /^https:.*\nhttps:\/\/pkgs\.dev\.azure\.com\/contoso\n\nAuthorization: Bearer /],
  ['pnpm', ['contoso'], '', /^Bearer .*\n$/],
] as const)
  test.serial(`orgkey helper ${name} speaks like the program with a name of its own`, async (t) => {
    const {home} = await toolWorld(t, cloud, credentials);
    const {code, stdout, stderr} = await home.run(process.execPath, [main, 'helper', name, ...words], {
      input,
    });
    t.deepEqual({code, stderr}, {code: 0, stderr: ''});
    t.regex(stdout, expected);
  });

test.serial('orgkey helper returns the exit code of the program, and knows its names', async (t) => {
  const {home} = await toolWorld(t, cloud, credentials);
  const helper = (...words: readonly string[]) => home.run(process.execPath, [main, 'helper', ...words]);
  t.is((await helper('pnpm')).code, 2);
  t.is((await helper('keyring', 'get', 'pkgs.dev.azure.com', 'me')).code, 1);
  for (const words of [[], ['toString'], ['docker']]) {
    const {code, stdout, stderr} = await helper(...words);
    t.deepEqual({code, stdout}, {code: 2, stdout: ''});
    t.regex(stderr, /^orgkey: error: usage: orgkey helper /);
  }
});

test.serial('a helper of the installed folder is found through a link, as npm makes it', async (t) => {
  const {home} = await toolWorld(t, cloud, credentials);
  await home.run('ln', ['-s', join(programs, 'orgkey-token'), 'token']);
  t.regex((await home.run('./token', ['contoso'])).stdout, /^Bearer /);
});
