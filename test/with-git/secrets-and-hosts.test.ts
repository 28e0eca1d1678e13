import {renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {Organization, Pat} from '../cloud/organizations.ts';
import {Person} from '../helpers/command-line.ts';
import type {TestDaemon} from '../helpers/daemon.ts';
import type {GitHome} from '../helpers/git-home.ts';
import {gitPerson} from '../helpers/git-person.ts';
import {gitWorld, withCredentials} from '../helpers/git-world.ts';
import {gits} from '../helpers/gits.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudForSerial} from '../helpers/cloud-for.ts';

/** Sources of secrets, secrets that change, typed passwords, and every kind of host. */

const cloud = await cloudForSerial();

const tenant = cloud.addTenant();
const machine = cloud.addManagedIdentity({tenant, kind: 'system-assigned', name: 'the machine'});
const contoso = cloud.addOrganization('contoso', {tenant});
const site = contoso.addRepository('web/site', {files: {a: 'a'}});
const retries = gits[0]?.hasAuthtype === true;

function servedWith(organization: string): (string | undefined)[] {
  return cloud.requests
    .filter({endpoint: 'git', organization, status: 200})
    .map(({authorization}) => authorization?.secret);
}

// ── sources of secrets ──

/** A source of the secret, and how its owner puts another one there. */
interface Source {
  readonly source: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly replace: (secret: string) => void;
  /** How the new one comes into force: the daemon sees the change, or asks again when the old one is refused. */
  readonly comes: 'by itself' | 'when the old one is refused';
}

const sources: Readonly<Record<string, (directory: string, secret: string) => Source>> = {
  $file: (directory, secret) => {
    const file = put(directory, 'pat', secret);
    return {source: `{$file: ${file}}`, replace: (next) => put(directory, 'pat', next), comes: 'by itself'};
  },
  $credential: (directory, secret) => {
    put(directory, 'contoso-pat', secret);
    return {
      source: '{$credential: contoso-pat}',
      environment: {CREDENTIALS_DIRECTORY: directory},
      replace: (next) => put(directory, 'contoso-pat', next),
      comes: 'by itself',
    };
  },
  $command: (directory, secret) => {
    const file = put(directory, 'pat', secret);
    return {
      source: `{$command: [cat, ${file}]}`,
      replace: (next) => put(directory, 'pat', next),
      comes: 'when the old one is refused',
    };
  },
  $keyring: (directory, secret) => {
    // what secret-tool does, for the one entry
    const file = put(directory, 'entry', secret);
    const script = `#!/bin/sh\n[ "$*" = 'lookup service orgkey username contoso-pat' ] && exec cat '${file}'\nexit 1\n`;
    writeFileSync(join(directory, 'secret-tool'), script, {mode: 0o755});
    return {
      source: '{$keyring: contoso-pat}',
      environment: {PATH: `${directory}:${process.env['PATH'] ?? ''}`},
      replace: (next) => put(directory, 'entry', next),
      comes: 'when the old one is refused',
    };
  },
  $keyVault: (_directory, secret) => {
    const vault = cloud.addVault('contoso-vault', {secrets: {pat: secret}, readers: [machine]});
    return {
      source: '{$keyVault: {vault: contoso-vault, secret: pat}}',
      replace: (next) => vault.secrets.set('pat', next),
      comes: 'when the old one is refused',
    };
  },
};

for (const [name, arrange] of Object.entries(sources)) {
  test.serial(`${name}: the secret is used, and another one without a restart`, async (t) => {
    const old = contoso.addPat();
    const {source, environment = {}, replace, comes} = arrange(scratchDirectory(t), old.value);
    const {home, daemon} = await withCredentials(
      t,
      cloud,
      [`organizations: [contoso], personalAccessToken: ${source}`],
      {environment},
    );
    await home.succeed(['ls-remote', site.url]);
    t.is(servedWith('contoso').at(-1), old.value);

    const next = contoso.addPat();
    cloud.revoke(old);
    const loads = loadsOf(daemon);
    replace(next.value);
    if (comes === 'by itself') await daemon.says(new RegExp(`(?:1 credential\\b[^]*){${loads + 1}}`));
    // a git that cannot ask again fails once
    else if (!retries) t.not((await home.git(['ls-remote', site.url])).code, 0);
    await home.succeed(['ls-remote', site.url]);
    t.is(servedWith('contoso').at(-1), next.value);
    for (const {value} of [old, next]) t.false(daemon.stderr.includes(value));
  });
}

test.serial('$env: the secret is used', async (t) => {
  const app = tenant.addApplication();
  contoso.addMember(app);
  const {home} = await withCredentials(
    t,
    cloud,
    [
      `organizations: [contoso], clientId: ${app.clientId}, tenantId: ${tenant.id}, clientSecret: {$env: CANARY}`,
    ],
    {environment: {CANARY: app.secret}},
  );
  await home.succeed(['ls-remote', site.url]);
  t.is(cloud.requests.filter({endpoint: 'token'})[0]?.form['client_secret'], app.secret);
});

const unreadable: readonly (readonly [title: string, source: string, error: RegExp, hint: RegExp])[] = [
  [
    '$command: a program that fails',
    "{$command: [sh, -c, 'echo canary; echo canary >&2; exit 3']}",
    /the program of \$command failed: exit code 3 \(ERR_SECRET_COMMAND\)$/m,
    /^orgkey: hint: Run it by hand/m,
  ],
  [
    '$command: no such program',
    '{$command: [no-such-program]}',
    /the program of \$command cannot be started \(ENOENT\) \(ERR_SECRET_COMMAND\)$/m,
    /^orgkey: hint: Write its absolute path/m,
  ],
  [
    '$keyring: no such entry',
    '{$keyring: no-such-entry}',
    /the keyring .*no such entry.* \(ERR_SECRET_KEYRING\)$/m,
    /^orgkey: hint: .*secret-tool/m,
  ],
  [
    '$keyVault: no such secret',
    '{$keyVault: {vault: empty-vault, secret: nothing}}',
    /the vault has no such secret \(.*\)$/m,
    /^orgkey: hint: Check vault and secret/m,
  ],
  [
    '$keyVault: one that the machine may not read',
    '{$keyVault: {vault: locked-vault, secret: pat}}',
    /the vault rejects the machine's managed identity \(HTTP 403: .*\) \(.*\)$/m,
    /^orgkey: hint: Give the identity the role 'Key Vault Secrets User'/m,
  ],
];
cloud.addVault('empty-vault', {readers: [machine]});
cloud.addVault('locked-vault', {secrets: {pat: 'canary'}});

test.serial('a secret that cannot be read is reported with its repair', async (t) => {
  const {home, daemon} = await withCredentials(
    t,
    cloud,
    unreadable.map(([, source], at) => `organizations: [o-${at}], personalAccessToken: ${source}`),
  );
  for (const [at, [title, , error, hint]] of unreadable.entries()) {
    const {stderr} = await home.fill(`protocol=https\nhost=dev.azure.com\npath=o-${at}/p/_git/r\n\n`);
    t.regex(stderr, error, title);
    t.regex(stderr, hint, title);
    t.regex(stderr, /told us to quit/, title);
    t.false(stderr.includes('canary'), title);
  }
  t.false(daemon.stderr.includes('canary'));
});

// ── personal access tokens ──

const spoiled: readonly (readonly [title: string, spoil: (pat: Pat) => void])[] = [
  ['one that was revoked', (pat) => cloud.revoke(pat)],
  [
    'one that has expired',
    (pat) => {
      pat.expired = true;
    },
  ],
];

for (const [title, spoil] of spoiled) {
  test.serial(`personal access token: ${title}`, async (t) => {
    const pat = contoso.addPat();
    const {home} = await withCredentials(t, cloud, [
      `organizations: [contoso], personalAccessToken: "${pat.value}"`,
    ]);
    await home.succeed(['ls-remote', site.url]);
    spoil(pat);
    await home.git(['ls-remote', site.url]);
    const {code, stderr} = await home.git(['ls-remote', site.url]);
    t.not(code, 0);
    t.regex(
      stderr,
      /^orgkey: error: contoso: personal access token: Azure DevOps rejects the credential.* \(ERR_NOT_ACCEPTED\)$/m,
    );
    t.regex(stderr, /^orgkey: hint: Replace the personal access token/m);
    t.regex(stderr, /told us to quit/);
    t.false(home.has('asked'));
  });
}

test.serial('an outage of Azure DevOps does not count against the token', async (t) => {
  const pat = contoso.addPat();
  const {home} = await withCredentials(t, cloud, [
    `organizations: [contoso], personalAccessToken: "${pat.value}"`,
  ]);
  cloud.fault({endpoint: 'git', status: 503, times: 'always'});
  const {code, stderr} = await home.git(['ls-remote', site.url]);
  t.not(code, 0);
  t.regex(stderr, /503/);
  cloud.clearFaults();
  await home.succeed(['ls-remote', site.url]);
});

// ── what people type ──

test.serial('a typed password is served until it is rejected, also after a restart', async (t) => {
  const pat = contoso.addPat();
  const {home, daemon} = await withCredentials(t, cloud, [
    'organizations: [contoso], stored: true, persist: true',
  ]);
  const typing = typist(home);
  typing.types('wrong');
  t.not((await home.git(['ls-remote', site.url])).code, 0);
  typing.types(pat.value);
  await home.succeed(['ls-remote', site.url]);
  t.true(typing.wasAsked(), 'what was refused is not kept');
  await home.succeed(['ls-remote', site.url]);
  t.false(typing.wasAsked());

  t.is(await daemon.stop(), 0);
  const next = await gitWorld(t, cloud, {directory: daemon.directory});
  await next.home.succeed(['ls-remote', site.url]);
  t.false(next.home.has('asked'));
  cloud.revoke(pat);
  t.not((await next.home.git(['ls-remote', site.url])).code, 0);
  const again = await next.home.git(['ls-remote', site.url]);
  t.true(next.home.has('asked'), again.stderr);
});

// ── hosts ──

test.serial('every host of an organization is served, old and new', async (t) => {
  const app = tenant.addApplication();
  contoso.addMember(app);
  contoso.addFeed('packages');
  const {home} = await withCredentials(t, cloud, [
    `organizations: [contoso], clientId: ${app.clientId}, tenantId: ${tenant.id}, clientSecret: "${app.secret}"`,
  ]);
  await home.succeed(['ls-remote', site.url]);
  await home.succeed(['ls-remote', 'https://contoso.visualstudio.com/web/_git/site']);
  await home.succeed(['ls-remote', 'https://contoso.visualstudio.com/DefaultCollection/web/_git/site']);
  const token = servedWith('contoso')[0];
  t.is(new Set(servedWith('contoso')).size, 1);

  for (const [host, path] of [
    ['pkgs.dev.azure.com', 'contoso/_packaging/packages/nuget/v3/index.json'],
    ['contoso.pkgs.visualstudio.com', '_packaging/packages/nuget/v3/index.json'],
  ] as const) {
    const {stdout} = await home.fill(`protocol=https\nhost=${host}\npath=${path}\n\n`);
    const password = /^password=(.*)$/m.exec(stdout)?.[1];
    t.is(password, token, host);
    const headers = {authorization: `Basic ${Buffer.from(`any:${password ?? ''}`).toString('base64')}`};
    t.is((await cloud.request(`https://${host}/${path}`, {headers})).status, 200, host);
  }
  t.is(cloud.requests.count({endpoint: 'token'}), 1);
});

test.serial('servers on premises get tokens by collection, and typed passwords', async (t) => {
  const tfs = cloud.addServer('tfs.example.org');
  const plain = cloud.addServer('azure.example.org', {virtualDirectory: ''});
  const team = tfs.addCollection('Team Projects');
  const other = tfs.addCollection('Other');
  const main = plain.addCollection('DefaultCollection');
  const devops = cloud.addServer('ado.example.org', {virtualDirectory: 'DevOps'}).addCollection('Main');
  const repositories = [team, other, devops, main].map((collection) =>
    collection.addRepository('web/site', {files: {a: 'a'}}),
  );
  const pats = [team, other, devops, main].map((collection: Organization) => collection.addPat().value);
  const {home} = await gitWorld(t, cloud, {
    configuration: `integrations:
  azure:
    - host: tfs.example.org
      credentials:
        - {organizations: [team projects], personalAccessToken: "${pats[0] ?? ''}"}
        - {personalAccessToken: "${pats[1] ?? ''}"}
    - host: ado.example.org/DevOps
      credentials: [{organizations: [Main], personalAccessToken: "${pats[2] ?? ''}"}]
    - host: azure.example.org
      credentials: [{stored: true}]
`,
  });
  const typing = typist(home);
  typing.types(pats[3] ?? '');
  for (const [at, {url}] of repositories.entries()) {
    await home.succeed(['ls-remote', url]);
    t.is(typing.wasAsked(), at === 3, url);
    await home.succeed(['ls-remote', url]);
    t.false(typing.wasAsked(), url);
  }
  const served = cloud.requests.filter({endpoint: 'git', status: 200});
  t.deepEqual([...new Set(served.map(({authorization}) => authorization?.secret))], pats);
});

const newer = gits.findLast(({hasAuthtype}) => hasAuthtype);

// an older git hands password and method to curl, which prefers NTLM to Basic, with orgkey or without
testUnless(newer?.missing, test.serial)(
  'a server that offers NTLM first gets the token unchanged (git ≥ 2.46)',
  async (t) => {
    const server = cloud.addServer('ntlm.example.org', {negotiate: true});
    const collection = server.addCollection('DefaultCollection');
    const {url} = collection.addRepository('web/site', {files: {a: 'a'}});
    const configuration = `integrations:
  azure:
    - host: ntlm.example.org
      credentials: [{personalAccessToken: "${collection.addPat().value}"}]
`;
    const {daemon} = await gitWorld(t, cloud, {configuration});
    const home = await gitPerson(cloud, daemon, newer);
    t.teardown(() => home.remove());
    await home.succeed(['ls-remote', url]);
    t.is(cloud.requests.filter({endpoint: 'git', status: 200})[0]?.authorization?.scheme, 'basic');
  },
);

const older = gits.find(({hasAuthtype}) => !hasAuthtype);

testUnless(older?.missing, test.serial)(
  'git before 2.46 loses to NTLM at such a server, and config check names it',
  async (t) => {
    const collection = cloud.addServer('old-ntlm.example.org', {negotiate: true}).addCollection('Main');
    const {url} = collection.addRepository('web/site', {files: {a: 'a'}});
    const configuration = `integrations:
  azure:
    - host: old-ntlm.example.org
      credentials: [{personalAccessToken: "${collection.addPat().value}"}]
`;
    const {daemon} = await gitWorld(t, cloud, {configuration});
    const home = await gitPerson(cloud, daemon, older);
    t.teardown(() => home.remove());
    t.not((await home.git(['ls-remote', url])).code, 0);
    t.is(cloud.requests.count({endpoint: 'git', status: 200}), 0);
    const person = new Person(t, {PATH: `${older?.path ?? ''}:${process.env['PATH'] ?? ''}`});
    person.configure(configuration);
    const checked = await person.run('config check');
    t.regex(`${checked.stdout}${checked.stderr}`, /git older than 2\.46 prefers NTLM or Negotiate/);
  },
);

/** Who answers git's question for a password from now on. */
function typist(home: GitHome) {
  return {
    types: (password: string) =>
      home.write(
        'askpass',
        `#!/bin/sh\ntouch "$HOME/asked"\ncase $1 in Username*) echo ada ;; *) echo '${password}' ;; esac\n`,
        0o755,
      ),
    /** Since it was asked for last. */
    wasAsked: (): boolean => {
      const was = home.has('asked');
      if (was) rmSync(join(home.directory, 'asked'));
      return was;
    },
  };
}

function put(directory: string, name: string, secret: string): string {
  const path = join(directory, name);
  writeFileSync(`${path}.new`, `${secret}\n`, {mode: 0o600});
  renameSync(`${path}.new`, path);
  return path;
}

function loadsOf({stderr}: TestDaemon): number {
  return stderr.split(/1 credential\b/).length - 1;
}
