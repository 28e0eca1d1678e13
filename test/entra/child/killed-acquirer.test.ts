import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {refreshTokenName} from '../../../src/entra/sign-in/refresh-tokens.ts';
import {acquiringFrom, type Keyless} from '../../helpers/acquiring.ts';
import {cloudFor} from '../../helpers/cloud-for.ts';

const acquirer = fileURLToPath(new URL('../../../src/entra/child/acquirer.ts', import.meta.url));
/** Acquisitions. If the first acquirer is killed, a second one is started, and killed as well. */
const TIMES = 50;

/** The acquirer, and a process that kills it at a moment that differs each time. */
const killed = `import {spawn} from 'node:child_process';
const delay = ((process.pid * 7919) % 400) / 1000;
spawn('/bin/sh', ['-c', 'sleep ' + delay + '; kill -9 ' + process.pid], {stdio: 'ignore', detached: true}).unref();
await import(${JSON.stringify(acquirer)});
`;

test('an acquirer that is killed again and again reports it and keeps the sign-in', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'orgkey-killed-'));
  t.teardown(() => rmSync(directory, {recursive: true}));
  const program = join(directory, 'killed.mjs');
  writeFileSync(program, killed);
  const cloud = await cloudFor(t);
  const tenant = cloud.addTenant();
  const user = tenant.addUser();
  const app = tenant.addApplication({public: true});
  const identity = {
    kind: 'sign-in',
    method: 'browser',
    issuer: tenant.issuer,
    clientId: app.clientId,
    clientSecret: undefined,
    scopes: [],
  } as const satisfies Keyless;
  const mortal = acquiringFrom(cloud, {program, limits: {total: 600_000}});
  mortal.refreshTokens.held.set(
    refreshTokenName({...identity, scopes: []}),
    cloud.entra.createRefreshToken(app, user),
  );

  const endings: Record<string, number> = {};
  const one = async () => {
    const acquired = await mortal.acquire(identity);
    const ending = acquired.kind === 'token' ? 'token' : acquired.failure.code;
    endings[ending] = (endings[ending] ?? 0) + 1;
  };
  let begun = 0;
  const worker = async () => {
    for (; begun < TIMES;) {
      begun += 1;
      await one();
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  const {token = 0, ERR_ACQUIRER_KILLED: deaths = 0, ...others} = endings;
  t.log(`${String(token)} tokens, ${String(deaths)} deaths`);
  t.deepEqual(others, {});
  t.is(token + deaths, TIMES);
  t.true(deaths > 0);

  const [kept = ''] = mortal.refreshTokens.held.values();
  const immortal = acquiringFrom(cloud);
  immortal.refreshTokens.held.set(refreshTokenName({...identity, scopes: []}), kept);
  t.is((await immortal.acquire(identity)).kind, 'token');
});
