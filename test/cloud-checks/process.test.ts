import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync} from 'node:fs';
import {createInterface} from 'node:readline/promises';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const program = fileURLToPath(new URL('../cloud/main.ts', import.meta.url));

type Addresses = {control: string; ca: string; proxy: string; environment: Record<string, string>};

const child = spawn(process.execPath, [program, '--until-stdin-closes'], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const lines = createInterface(child.stdout);
const [line] = (await once(lines, 'line')) as [string];
const cloud = JSON.parse(line) as Addresses;

test.after.always(() => void child.kill('SIGKILL'));
const check = test.serial;

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${cloud.control}${path}`, {
    method,
    ...(body ? {body: JSON.stringify(body)} : {}),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

check('the first line has all addresses', (t) => {
  t.regex(cloud.control, /^http:\/\/127\.0\.0\.1:\d+$/);
  t.is(cloud.environment['https_proxy'], cloud.proxy);
  t.is(cloud.environment['NODE_EXTRA_CA_CERTS'], cloud.ca);
  t.true(existsSync(cloud.ca));
});

check('a world is added, used, broken and read back', async (t) => {
  const world = (await call('POST', '/world', {
    tenants: [
      {
        name: 'Contoso',
        managedIdentities: [{name: 'machine', kind: 'system-assigned'}],
        applications: [{name: 'app', trusts: ['machine']}],
        users: [{name: 'Ada'}],
      },
    ],
    organizations: [
      {
        name: 'contoso',
        tenant: 'Contoso',
        members: ['app', {name: 'Ada', contribute: false}],
        pats: [{}],
        repositories: [{name: 'project/app', files: {'a.txt': 'a'}}],
      },
    ],
  })) as {
    applications: {app: {clientId: string; tenantId: string; secret: string}};
    organizations: {contoso: {pats: string[]; repositories: Record<string, string>}};
  };
  t.is(world.organizations.contoso.pats.length, 1);
  t.is(
    world.organizations.contoso.repositories['project/app'],
    'https://dev.azure.com/contoso/project/_git/app',
  );
  const {token} = (await call('POST', '/tokens', {application: world.applications.app.clientId})) as {
    token: string;
  };
  const git = async (): Promise<number> => {
    const args = [
      '-c',
      `http.extraHeader=Authorization: Bearer ${token}`,
      'ls-remote',
      'https://dev.azure.com/contoso/project/_git/app',
    ];
    const env = {
      PATH: process.env['PATH'],
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      ...cloud.environment,
    };
    const [status] = (await once(spawn('git', args, {env, stdio: 'ignore'}), 'close')) as [number];
    return status;
  };
  t.is(await git(), 0);
  await call('POST', '/faults', {endpoint: 'git', status: 500, times: 'always'});
  t.not(await git(), 0);
  await call('DELETE', '/faults');
  t.is(await git(), 0);
  const records = (await call('GET', '/requests?endpoint=git&status=500')) as unknown[];
  t.is(records.length, 1);
  const reason = 'LocationPolicy';
  for (const [policy, end, status] of [
    [{endedTokens: {at: Date.now() + 60_000, reason}}, {endedTokens: null}, 401],
    [{throttledUntil: Date.now() + 60_000}, {throttledUntil: 0}, 429],
    [{unauthenticated: 203, closed: {'project/app': true}}, {closed: {'project/app': false}}, 203],
  ] as const) {
    await call('DELETE', '/requests');
    await call('POST', '/policies', {organization: 'contoso', ...policy});
    t.not(await git(), 0, JSON.stringify(policy));
    const refused = (await call('GET', `/requests?status=${status}`)) as unknown[];
    t.true(refused.length > 0, JSON.stringify(policy));
    await call('POST', '/policies', {organization: 'contoso', ...end});
    t.is(await git(), 0, JSON.stringify(end));
  }
  await call('POST', '/policies', {tenant: 'Contoso', federation: {forbidden: true}});
  await t.throwsAsync(call('POST', '/policies', {tenant: 'nobody', federation: {}}), {message: /no tenant/});
  await call('POST', '/revoke', {secret: token});
  t.not(await git(), 0);
  await call('POST', '/commit', {organization: 'contoso', repository: 'project/app', files: {'b.txt': 'b'}});
  await t.throwsAsync(call('POST', '/nothing'), {message: /no such request/});
});

check('it ends with its parent process, and leaves nothing', async (t) => {
  const ended = once(child, 'close');
  child.stdin.end();
  t.deepEqual(await ended, [0, null]);
  t.false(existsSync(cloud.ca));
});
