import {mkdirSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import {Chromium, findChromium, type Page} from '../helpers/chromium.ts';
import {Person, type Outcome} from '../helpers/command-line.ts';
import {daemonFor} from '../helpers/daemon.ts';
import {issuerAddress} from '../helpers/issuer-address.ts';
import {testUnless} from '../helpers/test-unless.ts';

/** `orgkey login` with a real browser at the other end. `$ORGKEY_SCREENSHOTS`: a directory for what it showed last. */

const program = findChromium();
const withBrowser = testUnless(
  program === undefined ? 'Chromium is missing: scripts/test-packages chromium brings it' : undefined,
  test.serial,
);

const cloud = await startCloud();
const tenant = cloud.addTenant();
const ada = tenant.addUser({name: 'Ada'});
const bob = tenant.addUser({name: 'Bob'});
const app = tenant.addApplication({public: true});
cloud.addOrganization('contoso', {tenant, members: [ada, bob]});
const browser = program !== undefined ? Chromium.start({proxy: cloud.proxyUrl}) : undefined;
test.after.always(async () => {
  await browser?.close();
  await cloud.close();
});
// ava runs no hook if every test is skipped, and the file would not end
if (program === undefined) void cloud.close();
test.afterEach.always(() => cloud.clearFaults());

interface Visit {
  readonly page: Page;
  /** Where it waits for the browser. */
  readonly redirect: string;
}

/** Runs `orgkey login`, and does in the browser what the person does with the address that it prints. */
async function login(t: ExecutionContext, act: (visit: Visit) => Promise<void>): Promise<Outcome> {
  const daemon = await daemonFor(t, {
    configuration: `integrations: {azure: [{credentials: [{organizations: [contoso], signIn: browser, clientId: ${app.clientId}, tenantId: ${tenant.id}}]}]}\n`,
    environment: cloud.environment(),
  });
  const person = new Person(t, {
    ...daemon.environment,
    ...cloud.environment(),
    ORGKEY_CONFIG: daemon.configFile,
  });
  let acted: Promise<void> | undefined;
  let redirect = '';
  const outcome = await person.run('login contoso', [], {
    onStderr(text) {
      const address = /sign in with the browser: (\S+)\n/.exec(text)?.[1];
      if (address === undefined || browser === undefined || acted !== undefined) return;
      const url = new URL(address);
      redirect = url.origin;
      acted = browser.open(address).then((page) => act({page, redirect}));
      // If what the person expects does not happen, they give up
      acted.catch(async () => {
        const issuer = new URL(await issuerAddress(address));
        await fetch(`${redirect}/?error=access_denied&state=${issuer.searchParams.get('state')}`);
      });
    },
  });
  await acted;
  t.false(await isHeard(redirect), 'the port is closed');
  return outcome;
}

async function ends(t: ExecutionContext, page: Page, words: readonly string[]): Promise<void> {
  for (const text of words) await page.shows(text);
  const address = new URL(await page.address());
  t.is(address.search, '', 'no code is left in the history');
  const directory = process.env['ORGKEY_SCREENSHOTS'];
  if (!directory) return;
  mkdirSync(directory, {recursive: true});
  const name = t.title.replaceAll(/[^a-z]+/gi, '-').toLowerCase();
  writeFileSync(join(directory, `${name}.png`), await page.screenshot());
}

withBrowser(`signed in`, async (t) => {
  const {code, stderr} = await login(t, async ({page}) => {
    t.regex(await page.text(), /Pick an account/);
    await page.evaluate(`document.querySelector('[value="${bob.userPrincipalName}"]').click()`);
    await page.press('Sign in');
    await ends(t, page, ['You are signed in', `as ${bob.userPrincipalName}`, 'This page can be closed.']);
  });
  t.is(code, 0, stderr);
  t.true(stderr.includes(`signed in as ${bob.userPrincipalName}\n`));
  t.regex(stderr, /✓ contoso: .*: signed in as Bob, token for \d+ min/);
});

withBrowser(`declined`, async (t) => {
  const {code, stderr} = await login(t, async ({page}) => {
    await page.press('Cancel');
    await ends(t, page, ['You are not signed in', 'The terminal says why.']);
  });
  t.is(code, 4);
  t.regex(stderr, /^orgkey: error: the user declined \(AADSTS65004\)$/m);
  t.regex(stderr, /^orgkey: hint: Start the sign-in again: orgkey login contoso\.$/m);
});

withBrowser(`the tokens of another sign-in`, async (t) => {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: `https://login.microsoftonline.com/${tenant.id}/v2.0`,
    aud: app.clientId,
    sub: 'another',
    iat: now,
    exp: now + 3600,
    tid: tenant.id,
    nonce: 'another',
  };
  const parts = [{alg: 'RS256'}, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const idToken = `${parts.join('.')}.c2lnbmF0dXJl`;
  const {code, stderr} = await login(t, async ({page}) => {
    cloud.fault({endpoint: 'token', set: {id_token: idToken}});
    await page.press('Sign in');
    await ends(t, page, ['You are not signed in', 'could not be completed']);
  });
  t.not(code, 0);
  t.regex(stderr, /^orgkey: error: the issuer answered with the tokens of another sign-in \(ERR_NONCE\)$/m);
});

withBrowser(`an address that another page made up; the sign-in goes on`, async (t) => {
  const {code, stderr} = await login(t, async ({page, redirect}) => {
    const astray = await browser?.open(`${redirect}/?state=guessed&code=stolen`);
    t.regex((await astray?.text()) ?? '', /This is not the sign-in that was started\./);
    await page.press('Sign in');
    await ends(t, page, ['You are signed in']);
  });
  t.is(code, 0, stderr);
});

/** Whether anybody listens at such an address. */
function isHeard(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({host: '127.0.0.1', port: Number(new URL(address).port)});
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
