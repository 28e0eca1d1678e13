import {execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {acquirersOf} from '../helpers/acquirers-of.ts';
import {leaksIn} from '../helpers/canary.ts';
import {Person} from '../helpers/command-line.ts';
import {daemonFor} from '../helpers/daemon.ts';
import {gitPerson} from '../helpers/git-person.ts';
import {gits} from '../helpers/gits.ts';
import {claimsIn, eraseFor, getFor, passwordIn} from '../helpers/requests.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {cloudFor} from '../helpers/cloud-for.ts';

test('every form of a secret is found in a text', (t) => {
  const secret = 'C4nary+/&= ~é';
  for (const before of ['', 'a', 'ab', 'abc', 'user:']) {
    const bytes = Buffer.from(`${before}${secret} and more`);
    for (const text of [
      bytes.toString(),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      bytes.toString('hex'),
      encodeURIComponent(bytes.toString()),
      JSON.stringify({text: bytes.toString()}),
    ])
      t.deepEqual(leaksIn(text, {secret}), ['secret'], text);
  }
  t.deepEqual(leaksIn('something else', {secret}), []);
});

test('secrets appear only where they must', async (t) => {
  const cloud = await cloudFor(t);
  const directory = scratchDirectory(t);
  const file = (name: string, text: string, mode = 0o600) => {
    writeFileSync(join(directory, name), text, {mode});
    return join(directory, name);
  };
  /** Returns a line in the middle of a key, which no other key has. */
  const lineOf = (pem: string) => pem.split('\n').at(-5) ?? t.fail('no key');

  // ── a secret of every kind ──
  const tenant = cloud.addTenant();
  const trusted = tenant.addApplication();
  const secretive = tenant.addApplication({secret: 'Canary~secret/of+the=app&1'});
  const plainKey = await cloud.createClientCertificate();
  const certified = tenant.addApplication({secret: false, certificates: [plainKey.certificate]});
  const sealedFile = file('sealed.pem', plainKey.pem);
  const password = 'canary-password-of-the-certificate';
  const sealed = `${plainKey.certificate}${openssl('pkey', '-in', sealedFile, '-aes256', '-passout', `pass:${password}`)}`;
  const sshKey = openssl('genrsa', '-traditional', '2048');
  const job = cloud.addGithubJob();
  const hub = tenant.addApplication({secret: false, federatedCredentials: [job.credential]});
  const cluster = cloud.addIssuer('https://cluster.example');
  const assertion = cluster.token({subject: 'canary-subject'});
  const pod = tenant.addApplication({
    secret: false,
    federatedCredentials: [{issuer: cluster.url, subject: 'canary-subject'}],
  });
  const machine = cloud.addManagedIdentity({tenant});
  const ada = tenant.addUser({name: 'Ada'});
  const client = tenant.addApplication({public: true});
  const organizations = [
    ['secretive', secretive],
    ['certified', certified],
    ['sealed', certified],
    ['hub', hub],
    ['pod', pod],
    ['machine', machine],
    ['person', ada],
    ['refused', trusted],
  ] as const;
  for (const [name, member] of organizations) cloud.addOrganization(name, {tenant, members: [member]});
  const printed = cloud.addOrganization('printed', {tenant}).addPat();
  const variable = cloud.addOrganization('variable', {tenant}).addPat();
  const written = cloud.addOrganization('written', {tenant}).addPat();
  const wrong = 'Canary+wrong/secret~of=refused&2';
  const typed = 'canary-typed-at-the-prompt';
  const proxyPassword = 'canary-password-of-the-proxy';
  const storeKey = 'canary-key-of-the-store-0123456789abcdef';
  const appService = cloud.appServiceEnvironment();
  const credentials = join(directory, 'credentials');
  mkdirSync(credentials, {mode: 0o700});
  file('credentials/orgkey-store-key', storeKey, 0o400);

  const configuration = `integrations:
  azure:
    - credentials:
${line('secretive', `clientId: ${secretive.clientId}, clientSecret: "${secretive.secret}", tenantId: ${tenant.id}`)}${line(
    'certified',
    `clientId: ${certified.clientId}, clientCertificate: {$file: ${file('plain.pem', plainKey.pem)}}, tenantId: ${tenant.id}`,
  )}${line(
    'sealed',
    `clientId: ${certified.clientId}, clientCertificate: {$file: ${file('sealed.pem', sealed)}}, clientCertificatePassword: ${password}, tenantId: ${tenant.id}`,
  )}${line('hub', `clientId: ${hub.clientId}, tenantId: ${tenant.id}, oidc: github-actions`)}${line(
    'pod',
    `clientId: ${pod.clientId}, tenantId: ${tenant.id}, federatedTokenFile: ${file('assertion', assertion)}`,
  )}${line('machine', `clientId: ${machine.clientId}`)}${line(
    'person',
    `signIn: browser, tenantId: ${tenant.id}, clientId: ${client.clientId}`,
  )}${line('refused', `clientId: ${trusted.clientId}, clientSecret: "${wrong}", tenantId: ${tenant.id}`)}${line(
    'printed',
    `personalAccessToken: {$command: [cat, ${file('printed', printed.value)}]}`,
  )}${line('variable', 'personalAccessToken: {$env: CANARY_VARIABLE}')}${line(
    'written',
    `personalAccessToken: ${written.value}`,
  )}${line('typed', 'stored: true, persist: true')}orgkey:
  prefetch: false
  submodules: [{organizations: [written], privateKey: {$file: ${file('ssh-key', sshKey)}}}]
`;
  const proxied = Object.fromEntries(
    Object.entries(cloud.environment()).map(([name, value]) => [
      name,
      /^https_proxy$/i.test(name) ? value.replace('//', `//ada:${proxyPassword}@`) : value,
    ]),
  );
  const secrets: Record<string, string> = {
    'client secret': secretive.secret,
    'key of a certificate': lineOf(plainKey.pem),
    'encrypted key': lineOf(sealed),
    'password of a key': password,
    'ssh key': lineOf(sshKey),
    'request token of a job': job.environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN,
    assertion: assertion.slice(-60),
    'identity header': appService['IDENTITY_HEADER'] ?? t.fail(),
    'printed by a program': printed.value,
    'in a variable': variable.value,
    'in the configuration': written.value,
    'refused by Entra': wrong,
    'typed at the prompt': typed,
    'password of a proxy': proxyPassword,
    'key of the store': storeKey,
  };
  const seen: Record<string, string> = {};
  const daemon = await daemonFor(t, {
    directory,
    configuration,
    environment: {
      ...proxied,
      ...appService,
      ...job.environment,
      CANARY_VARIABLE: variable.value,
      CREDENTIALS_DIRECTORY: credentials,
    },
  });
  const [git] = gits;
  if (git === undefined) return t.fail();
  const home = await gitPerson(cloud, daemon, git);
  t.teardown(() => home.remove());

  // ── every kind is used; Entra's answer that repeats our secret is not shown ──
  const bytes = Buffer.from(wrong);
  cloud.fault({
    endpoint: 'token',
    client: trusted.clientId,
    times: 'always',
    status: 400,
    body: {
      error: 'invalid_client',
      error_description: `no ${wrong} ${encodeURIComponent(wrong)} ${bytes.toString('base64')} ${bytes.toString('base64url')}`,
    },
  });
  const login = await daemon.call('login', {organization: 'person'}, (event) => {
    if (event.event === 'login' && 'openUrl' in event) void cloud.browse(event.openUrl, ada);
  });
  t.is(login.kind, 'signed-in');
  seen['what login says'] = JSON.stringify(login);
  await daemon.ask(
    `${getFor('typed').replace('timeout=900\n', 'timeout=900\noperation=store\n')}username=ada\npassword=${typed}\n`,
  );
  const names = [...organizations.map(([name]) => name), 'printed', 'variable', 'written', 'typed'];
  for (const name of names) {
    const answer = await daemon.ask(getFor(name));
    const token = passwordIn(answer);
    if (name === 'refused') seen['error text'] = answer;
    else {
      t.not(token, '', `${name}: ${answer}`);
      if (claimsIn(token)['exp'] !== undefined) secrets[`token of ${name}`] = token.slice(-60);
      seen[`rest of the answer for ${name}`] = answer.replaceAll(token, '');
    }
    await daemon.ask(eraseFor(name, `${secretive.secret}${written.value}`));
  }
  for (const {form} of cloud.requests.filter({endpoint: 'token'})) {
    if (form['refresh_token']) secrets['refresh token'] = form['refresh_token'];
    if (form['code']) secrets['code of a sign-in'] = form['code'];
  }
  t.truthy(secrets['refresh token']);

  // ── children, while they run ──
  await daemon.call('clear', undefined);
  const hang = cloud.fault({endpoint: 'token', hang: true, times: 'always'});
  const waiting = ['secretive', 'sealed', 'pod', 'person'].map((name) => daemon.ask(getFor(name)));
  await cloud.requests.waitFor(({endpoint, status}) => endpoint === 'token' && status === undefined, 4);
  const children = acquirersOf(daemon);
  t.true(children.length >= 4);
  for (const child of children) {
    const variables = readFileSync(`/proc/${child}/environ`, 'utf8');
    // a child needs the proxy with its password
    seen[`environment of ${child}`] = variables.replaceAll(/https_proxy=[^\0]*/gi, '');
    seen[`arguments of ${child}`] = readFileSync(`/proc/${child}/cmdline`, 'utf8');
  }
  seen['ps'] = execFileSync('ps', ['-eo', 'args'], {encoding: 'utf8'});
  hang.clear();
  for (const answer of await Promise.all(waiting))
    seen['answer in time'] = `${seen['answer in time'] ?? ''}${answer}`;

  // ── git, and a configuration that holds its secrets in wrong places ──
  seen['git'] = (await home.git(['ls-remote', 'https://dev.azure.com/refused/web/_git/site'])).stderr;
  daemon.configure(
    configuration
      .replace('clientSecret:', 'clientSecrets:')
      .replace('personalAccessToken: {$env: CANARY_VARIABLE}', 'organisations: ${CANARY_VARIABLE}')
      .concat(`${written.value}: ${wrong}\n`),
  );
  seen['problems'] = JSON.stringify(await daemon.call('reload', undefined));
  seen['status with problems'] = JSON.stringify(await daemon.status());
  daemon.configure(configuration);
  await daemon.call('reload', undefined);

  // ── what users see ──
  const person = new Person(t, {
    ...proxied,
    ...daemon.environment,
    ORGKEY_CONFIG: daemon.configFile,
    CANARY_VARIABLE: variable.value,
  });
  const bundle = join(directory, 'bundle.json');
  for (const argv of [
    ['status'],
    ['status', '--json'],
    ['doctor', 'refused'],
    ['doctor', '--json', '--bundle', bundle],
    ['which', 'https://dev.azure.com/secretive/web/_git/site'],
    ['config', 'check'],
    ['config', 'show'],
    ['org', 'list', '--json'],
    ['logs'],
    ['logs', '--audit'],
    ['metrics'],
    ['ssh-key', 'list'],
    ['token', 'refused'],
  ]) {
    const [command = '', ...rest] = argv;
    const {stdout, stderr} = await person.run(command, rest);
    t.not(stdout + stderr, '', argv.join(' '));
    seen[argv.join(' ')] = stdout + stderr;
  }
  seen['bundle'] = readFileSync(bundle, 'utf8');

  // ── what stays on the disk, and what was logged at debug level until the end ──
  t.is(await daemon.stop(), 0);
  const state = join(directory, 'state');
  for (const entry of readdirSync(state, {recursive: true, withFileTypes: true})) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) seen[path] = readFileSync(path, 'latin1');
  }
  t.true(
    Object.keys(seen).some((place) => place.endsWith('.secret')),
    'entries of the store, encrypted',
  );
  t.true(Object.keys(seen).some((place) => place.endsWith('audit.jsonl')));
  seen['log'] = daemon.stderr;
  seen['stdout'] = daemon.stdout;

  t.log(`${Object.keys(secrets).length} secrets, ${Object.keys(seen).length} places`);
  for (const [place, text] of Object.entries(seen)) t.deepEqual(leaksIn(text, secrets), [], place);
});

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']});
}

/** Returns a credential of the configuration. */
function line(organization: string, fields: string): string {
  return `        - {organizations: [${organization}], ${fields}}\n`;
}
