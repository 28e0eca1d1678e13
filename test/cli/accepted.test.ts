import test, {type ExecutionContext} from 'ava';
import {Person, type Outcome, type RunOptions} from '../helpers/command-line.ts';
import {daemonFor} from '../helpers/daemon.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

const cloud = await cloudForFile();

const tenant = cloud.addTenant();
const other = cloud.addTenant();
const app = tenant.addApplication();
const outsider = tenant.addApplication();
const foreign = other.addApplication();
const ada = tenant.addUser({name: 'Ada'});
const publicApp = tenant.addApplication({public: true});
const contoso = cloud.addOrganization('contoso', {tenant, members: [app, ada]});
contoso.addRepository('web/site');
const fabrikam = cloud.addOrganization('fabrikam', {tenant});
fabrikam.addRepository('shared/library');
const good = fabrikam.addPat();
const expired = fabrikam.addPat({expired: true});

async function withDaemon(t: ExecutionContext, credentials: readonly string[]): Promise<Person> {
  const daemon = await daemonFor(t, {
    configuration: `integrations: {azure: [{credentials: [${credentials.join(', ')}]}]}\n`,
    environment: cloud.environment(),
  });
  return new Person(t, {...daemon.environment, ...cloud.environment(), ORGKEY_CONFIG: daemon.configFile});
}

function application({clientId, secret}: {clientId: string; secret: string}, of = tenant): string {
  return `clientId: ${clientId}, tenantId: ${of.id}, clientSecret: "${secret}"`;
}

interface Row {
  readonly title: string;
  readonly credential: string;
  readonly code: number;
  readonly outcome: string;
  readonly says: RegExp;
}

const rows: readonly Row[] = [
  {
    title: 'a member',
    credential: `organizations: [contoso], ${application(app)}`,
    code: 0,
    outcome: 'accepted',
    says: /^✓ contoso: client secret \w{8}…: signed in as .+, token for \d+ min\n$/,
  },
  {
    title: 'a valid personal access token',
    credential: `organizations: [fabrikam], personalAccessToken: "${good.value}"`,
    code: 0,
    outcome: 'accepted',
    says: /^✓ fabrikam: personal access token: signed in as Pat Owner\n$/,
  },
  {
    title: 'a wrong personal access token',
    credential: 'organizations: [fabrikam], personalAccessToken: canary-wrong',
    code: 4,
    outcome: 'rejected',
    says: /^✗ fabrikam: [^]*repair: /,
  },
  {
    title: 'an expired personal access token',
    credential: `organizations: [fabrikam], personalAccessToken: "${expired.value}"`,
    code: 4,
    outcome: 'rejected',
    says: /^✗ fabrikam: .*expired/,
  },
  {
    title: 'an identity that is not a member',
    credential: `organizations: [contoso], ${application(outsider)}`,
    code: 4,
    outcome: 'rejected',
    says: /^✗ contoso: /,
  },
  {
    title: 'an organization that does not exist',
    credential: `organizations: [contosso], ${application(app)}`,
    code: 1,
    outcome: 'rejected',
    says: /^✗ contosso: .*: no organization has that name/,
  },
  {
    title: 'an identity of another tenant',
    credential: `organizations: [contoso], ${application(foreign, other)}`,
    code: 4,
    outcome: 'rejected',
    says: /^✗ contoso: .*: the organization is connected to /,
  },
  {
    title: 'an application that the tenant does not know',
    credential: `organizations: [contoso], ${application(foreign)}`,
    code: 4,
    outcome: 'failed',
    says: /^✗ contoso: .*AADSTS700016[^]*\/adminconsent\?client_id=/,
  },
];

for (const {title, credential, code, outcome, says} of rows)
  test.serial(`org test says whether Azure DevOps accepts a credential: ${title}`, async (t) => {
    const person = await withDaemon(t, [`{${credential}}`]);
    const shown = await person.run('org test');
    t.is(shown.code, code, shown.stdout + shown.stderr);
    t.regex(shown.stdout, says);
    t.false(shown.stdout.includes('canary'));
    const json = await person.run('org test', ['--json']);
    t.is(json.code, code);
    const {organizations} = JSON.parse(json.stdout) as {organizations: {outcome: string}[]};
    t.is(organizations[0]?.outcome, outcome);
    const status = await person.run('status');
    t.is(status.code, outcome === 'accepted' ? 0 : 1, status.stdout);
    t.is(status.stdout.includes('everything is well'), outcome === 'accepted');
  });

for (const command of ['org test', 'doctor contoso'])
  test.serial(`status fails from ${command} on, until an identity is a member`, async (t) => {
    const late = tenant.addApplication();
    const person = await withDaemon(t, [`{organizations: [contoso], ${application(late)}}`]);
    t.is((await person.run('status')).code, 0);
    t.not((await person.run(command)).code, 0);
    const {code, stdout} = await person.run('status');
    t.is(code, 1);
    t.regex(stdout, /ERR_NOT_ACCEPTED[^]*repair: run: orgkey doctor contoso\n/);
    contoso.addMember(late);
    await person.run(command);
    t.like(await person.run('status'), {code: 0});
  });

function applicationFlags({clientId}: {clientId: string}, file = 'secret'): string[] {
  return ['--client-id', clientId, '--tenant-id', tenant.id, '--client-secret-file', file];
}

test.serial('setup asks Azure DevOps, and exits with 4 for an identity that is not a member', async (t) => {
  const person = new Person(t, cloud.environment());
  person.write('secret', app.secret);
  const first = await person.run('setup', [
    '--organization',
    'contoso',
    '--service',
    'plain',
    ...applicationFlags(app),
  ]);
  t.is(first.code, 0, first.stderr);
  t.regex(first.stderr, /✓ contoso: .*signed in as /);
  person.write('other-secret', outsider.secret);
  const second = await person.run('org add', ['contoso', ...applicationFlags(outsider, 'other-secret')]);
  t.is(second.code, 4, second.stderr);
  t.regex(second.stderr, /✗ contoso: /);
});

test.serial('setup names the sign-in as the next step and succeeds', async (t) => {
  const person = new Person(t, cloud.environment());
  const argv = ['--organization', 'contoso', '--sign-in', 'browser', '--client-id', publicApp.clientId];
  const {code, stderr} = await person.run('setup', [...argv, '--tenant-id', tenant.id, '--service', 'plain']);
  t.is(code, 0, stderr);
  t.regex(stderr, /\nnext: orgkey login contoso\n$/);
  t.notRegex(stderr, /✗/);

  const refused = await person.git(['ls-remote', 'https://dev.azure.com/contoso/web/_git/site'], {
    environment: {GIT_TERMINAL_PROMPT: '0'},
  });
  t.regex(refused.stderr, /^orgkey: hint: run: orgkey login contoso$/m);
  t.notRegex(refused.stderr, /orgkey doctor/);

  const signedIn = await browse(person, 'login https://dev.azure.com/contoso/web');
  t.is(signedIn.code, 0, signedIn.stderr);
  t.regex(signedIn.stderr, new RegExp(`application: ${publicApp.clientId}\n`));
  t.regex(signedIn.stderr, /waiting for you to sign in; Ctrl-C to stop\n/);
  t.regex(signedIn.stderr, /✓ contoso: .*signed in as Ada/);
});

async function browse(person: Person, command: string, options: RunOptions = {}): Promise<Outcome> {
  let visit: Promise<unknown> | undefined;
  const outcome = await person.run(command, [], {
    ...options,
    onStderr(text) {
      const url = /sign in with the browser: (\S+)\n/.exec(text)?.[1];
      if (url !== undefined) visit ??= cloud.browse(url, ada);
    },
  });
  await visit;
  return outcome;
}

test.serial('over SSH without a display, login offers a code', async (t) => {
  const person = await withDaemon(t, [
    `{organizations: [contoso], signIn: browser, clientId: ${publicApp.clientId}, tenantId: ${tenant.id}}`,
  ]);
  const ssh = {SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22'};
  const {stderr} = await browse(person, 'login contoso', {environment: ssh});
  t.regex(stderr, /orgkey login contoso --device-code/);
});

test.serial('login --device-code signs in with a code, whatever is configured', async (t) => {
  const person = await withDaemon(t, [
    `{organizations: [contoso], signIn: browser, clientId: ${publicApp.clientId}, tenantId: ${tenant.id}}`,
  ]);
  let isEntered = false;
  const {code, stdout, stderr} = await person.run('login contoso --device-code --json', [], {
    onStderr(text) {
      const typed = /open (\S+) and enter (\S+)\n/.exec(text);
      if (typed === null || isEntered) return;
      isEntered = true;
      cloud.entra.approveDevice(typed[2] ?? '', ada);
    },
  });
  t.is(code, 0, stderr);
  const {organizations} = JSON.parse(stdout) as {organizations: {outcome: string; user: string}[]};
  t.like(organizations[0], {outcome: 'accepted', user: 'Ada'});
});

test.serial('login --paste says whether Azure DevOps accepts the token', async (t) => {
  const person = new Person(t, cloud.environment());
  const path = person.write('.config/orgkey/secrets/fabrikam', expired.value);
  person.configure(
    `integrations: {azure: [{credentials: [{organizations: [fabrikam], personalAccessToken: {$file: ${path}}}]}]}\n`,
  );
  t.is((await person.run('setup', ['--service', 'plain'])).code, 4);
  const wrong = await person.run('login fabrikam --paste', [], {input: 'canary-wrong\n'});
  t.is(wrong.code, 4, wrong.stderr);
  t.regex(wrong.stderr, /✗ fabrikam: /);
  t.false(wrong.stderr.includes('canary'));
  const right = await person.run('login fabrikam --paste', [], {input: `${good.value}\n`});
  t.is(right.code, 0, right.stderr);
  t.regex(right.stderr, /https:\/\/dev\.azure\.com\/fabrikam\/_usersSettings\/tokens/);
  t.regex(right.stderr, /✓ fabrikam: .*signed in as Pat Owner/);
});
