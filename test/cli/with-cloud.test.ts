import test, {type ExecutionContext} from 'ava';
import {daemonFor} from '../helpers/daemon.ts';
import {Person} from '../helpers/command-line.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

const cloud = await cloudForFile();

const tenant = cloud.addTenant();
const ada = tenant.addUser({name: 'Ada'});
const app = tenant.addApplication();
const publicApp = tenant.addApplication({public: true});
cloud.addOrganization('contoso', {tenant, members: [app, ada]});

function withDaemon(t: ExecutionContext, credential: string): Promise<Person> {
  return withCredentials(t, [`{organizations: [contoso], ${credential}}`]);
}

async function withCredentials(t: ExecutionContext, credentials: readonly string[]): Promise<Person> {
  const daemon = await daemonFor(t, {
    configuration: `integrations: {azure: [{credentials: [${credentials.join(', ')}]}]}\n`,
    environment: cloud.environment(),
  });
  return new Person(t, {...cloud.environment(), ...daemon.environment, ORGKEY_CONFIG: daemon.configFile});
}

const application = `clientId: ${app.clientId}, tenantId: ${tenant.id}`;

test.serial('an application gets a token, a header and an expiry', async (t) => {
  const person = await withDaemon(t, `${application}, clientSecret: "${app.secret}"`);
  const header = await person.run('token contoso --header');
  t.regex(header.stdout, /^Authorization: Bearer eyJ[\w.-]+\n$/, header.stderr);
  const json = JSON.parse((await person.run('token contoso --json')).stdout) as Record<string, unknown>;
  t.is(json['form'], 'access-token');
  t.is(json['username'], app.clientId);
  t.true(Date.parse(json['expiresAt'] as string) > Date.now());
  t.regex((await person.run('status')).stdout, /\ncontoso +client secret \w{8}… +ok, \d+ min +0\n/);
  t.regex(
    (await person.run('org test')).stdout,
    /^✓ contoso: client secret \w{8}…: signed in as .+, token for \d+ min\n/,
  );
  const vault = await person.run('token contoso --resource https://vault.azure.net --json');
  t.is(vault.code, 0, vault.stderr);
  const explained = await person.run('which contoso');
  t.true(explained.stdout.includes(`tenant         ${tenant.id}\n`));
});

test.serial('a secret that Entra rejects exits with 4, the reason and the repair', async (t) => {
  const person = await withDaemon(t, `${application}, clientSecret: canary-wrong`);
  for (const command of ['token contoso', 'org test', 'exec contoso -- true']) {
    const {code, stdout, stderr} = await person.run(command);
    t.is(code, 4, stderr);
    const said = command === 'org test' ? stdout : stderr;
    t.is(stdout + stderr, said);
    t.regex(said, /AADSTS7000215/);
    t.regex(said, /hint:|repair:/);
    t.false(said.includes('canary'));
  }
  const {code, stdout} = await person.run('status');
  t.is(code, 1);
  t.regex(stdout, /\ncontoso .* failed .*AADSTS7000215\n/);
  t.regex(stdout, /\nerror: [^]*\n {2}repair: /);
});

test.serial('a broken organization decides the exit code, not a rejected one', async (t) => {
  const refused = `{organizations: [refused], ${application}, clientSecret: wrong}`;
  const broken = '{organizations: [broken], personalAccessToken: {$command: [/bin/false]}}';
  for (const credentials of [
    [refused, broken],
    [broken, refused],
  ]) {
    const person = await withCredentials(t, credentials);
    const {code, stdout} = await person.run('org test');
    t.is(code, 1, stdout);
    t.regex(stdout, /✗ refused: .*AADSTS/);
  }
});

test.serial('a user signs in with the browser, and out again', async (t) => {
  const person = await withDaemon(
    t,
    `signIn: browser, clientId: ${publicApp.clientId}, issuer: "${tenant.issuer}"`,
  );
  const before = await person.run('token contoso');
  t.is(before.code, 4, before.stderr);
  t.regex(before.stderr, /hint: run: orgkey login contoso\n/);

  let visit: Promise<unknown> | undefined;
  const signedIn = await person.run('login contoso', [], {
    onStderr(text) {
      const url = /sign in with the browser: (\S+)\n/.exec(text)?.[1];
      if (url !== undefined) visit ??= cloud.browse(url, ada);
    },
  });
  await visit;
  t.is(signedIn.code, 0, signedIn.stderr);
  t.true(signedIn.stderr.includes(`signed in as ${ada.userPrincipalName}\n`));
  t.regex(signedIn.stderr, /✓ contoso: sign in \w{8}…: signed in as Ada, token for \d+ min\n/);
  t.regex((await person.run('token contoso')).stdout, /^eyJ/);

  t.regex((await person.run('logout contoso')).stderr, /contoso: signed out/);
  t.regex((await person.run('logout contoso')).stderr, /contoso: not signed in/);
  t.is((await person.run('token contoso')).code, 4);
});

test.serial('a declined sign-in exits with 4', async (t) => {
  const person = await withDaemon(
    t,
    `signIn: browser, clientId: ${publicApp.clientId}, issuer: "${tenant.issuer}"`,
  );
  let visit: Promise<unknown> | undefined;
  const {code, stderr} = await person.run('login contoso', [], {
    onStderr(text) {
      const url = /sign in with the browser: (\S+)\n/.exec(text)?.[1];
      if (url !== undefined) visit ??= cloud.browse(url, ada, {decline: true});
    },
  });
  await visit;
  t.is(code, 4, stderr);
  t.regex(stderr, /^orgkey: error: /m);
});

test.serial('login fails for an identity without interactive sign-in', async (t) => {
  const person = await withDaemon(t, 'personalAccessToken: x');
  const {code, stderr} = await person.run('login contoso');
  t.is(code, 1);
  t.regex(stderr, /\(ERR_NOT_SIGN_IN\)/);
});
