import test from 'ava';
import {readFileSync, statSync} from 'node:fs';
import * as fc from '../helpers/any.ts';
import {Redactor} from '../../src/diagnostics/redact.ts';
import {patientOf} from '../helpers/doctor.ts';

/** Every form in which a canary could appear in a report. */
function formsOf(canary: string): string[] {
  const bytes = Buffer.from(canary);
  const shifted = ['', 'a', 'ab'].map((before) =>
    Buffer.from(before + canary)
      .toString('base64')
      // the characters at both ends depend on the neighbors
      .slice(before === '' ? 0 : 4, -4),
  );
  return [canary, encodeURIComponent(canary), bytes.toString('hex'), bytes.toString('base64url'), ...shifted];
}

test('a report holds the facts, and no secret in any form', async (t) => {
  const canaries = {
    pat: 'canarypat'.padEnd(52, 'q'),
    clientSecret: 'canary~secret/with+signs=8Q~',
    extraHeader: 'canary-extra-header-value',
    helper: 'canary-in-a-helper',
    remote: 'canary-in-a-remote',
    rewrite: 'canary-in-insteadof',
    proxy: 'canary%40proxy-login',
    variable: 'canary-in-a-variable',
    sshCommand: 'canary-in-ssh-command',
    unknownKey: 'canary-of-http-key',
  };
  const {daemon, person, cloud} = await patientOf(t, (cloud) => {
    const tenant = cloud.addTenant();
    const app = tenant.addApplication({secret: canaries.clientSecret});
    const contoso = cloud.addOrganization('contoso', {tenant, members: [app]});
    contoso.addRepository('web/site', {files: {a: 'a'}});
    const fabrikam = cloud.addOrganization('fabrikam', {tenant});
    fabrikam.addPat({value: canaries.pat});
    return {
      credentials: [
        `{organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${canaries.clientSecret}", tenantId: ${tenant.id}}`,
        `{organizations: [fabrikam], personalAccessToken: "${canaries.pat}"}`,
      ].join(', '),
    };
  });
  const settings: readonly [string, string][] = [
    ['http.https://dev.azure.com/contoso.extraHeader', `AUTHORIZATION: bearer ${canaries.extraHeader}`],
    ['http.https://dev.azure.com/contoso.cookieFile', canaries.unknownKey],
    ['credential.helper', `!f() { echo password=${canaries.helper}; }; f`],
    [`url.https://me:${canaries.rewrite}@dev.azure.com/x/.insteadOf`, 'https://dev.azure.com/x/'],
    ['core.sshCommand', `sshpass -p ${canaries.sshCommand} ssh`],
    ['http.proxy', `http://me:${canaries.proxy}@proxy.example:3128`],
  ];
  for (const [key, value] of settings) await person.git(['config', '--global', key, value]);
  await person.git(['init', '-q', 'site']);
  await person.git([
    '-C',
    'site',
    'remote',
    'add',
    'origin',
    `https://me:${canaries.remote}@dev.azure.com/contoso/web/_git/site`,
  ]);
  const file = person.path('report.json');
  const options = {
    directory: person.path('site'),
    environment: {
      DEPLOY_TOKEN: canaries.variable,
      HTTP_PROXY: `http://me:${canaries.proxy}@proxy.example:3128`,
    },
  };
  const {stderr, stdout} = await person.run('doctor', ['--bundle', file], options);
  t.regex(stderr, /wrote .*report\.json: .*no secrets, but names of organizations, hosts and paths/);
  t.is(statSync(file).mode & 0o777, 0o600);
  const text = readFileSync(file, 'utf8');

  const tokens = cloud.requests
    .filter(({authorization}) => authorization?.scheme === 'bearer')
    .map(({authorization}) => authorization?.secret ?? '');
  t.true(tokens.length > 0);
  for (const canary of [...Object.values(canaries), ...tokens])
    for (const form of formsOf(canary)) {
      t.false(text.includes(form), `${canary} in the report: ${form}`);
      t.false(stdout.includes(form), `${canary} on the terminal: ${form}`);
    }
  t.false(text.includes(person.home), 'home is ~');
  const report = JSON.parse(text);
  t.is(report.schemaVersion, 1);
  t.true(report.diagnostics.length > 10);
  t.is(report.status.pid, daemon.process.pid);
  t.true(report.logs.length > 0);
  t.deepEqual(
    report.configuration.credentials.map(({kind}: {kind: string}) => kind),
    ['client-secret', 'pat'],
  );
  t.true(
    report.git.some(
      ({key, value}: {key: string; value: string}) => key.endsWith('.usehttppath') && value === 'true',
    ),
  );
  t.true(report.git.some(({value}: {value: string}) => value.includes('git-credential-orgkey')));

  const again = await person.run('doctor', ['--bundle', file], options);
  t.is(again.code, 2);
  t.regex(again.stderr, /report\.json already exists/);
  t.is(readFileSync(file, 'utf8'), text, 'the existing file is kept');
});

test('a secret is replaced in any context, and other text stays', (t) => {
  fc.assert(
    fc.property(
      fc.string({minLength: 8, maxLength: 40}).filter((secret) => secret.trim().length >= 8),
      fc.string(),
      fc.string(),
      (secret, before, after) => {
        const redactor = new Redactor([secret]);
        return !redactor.text(`${before}${secret}${after}`).replaceAll('[redacted]', '').includes(secret);
      },
    ),
  );
  const redactor = new Redactor(['short', 'canary-secret']);
  const jwt = `eyJhbGciOiJub25lIn0.${Buffer.from('{"sub":"canary"}').toString('base64url')}.sig`;
  const rows: readonly [text: string, expected: string][] = [
    ['short words stay', 'short words stay'],
    ['a canary-secret b', 'a [redacted] b'],
    [Buffer.from(':canary-secret').toString('base64'), 'Om[redacted]'],
    [Buffer.from('me:canary-secret\n').toString('base64'), 'bWU6[redacted]o='],
    [`token ${jwt}!`, 'token [redacted]!'],
    ['https://me:word@host/path', 'https://[redacted]@host/path'],
    [String.raw`at http://corp\me:wo/r@d@host:1 ok`, 'at http://[redacted]@host:1 ok'],
    ['https://host/path?token=word ok', 'https://host/path?[redacted] ok'],
    ['Authorization: Bearer abcdefghijklmnopqrstuvwxyz', 'Authorization: Bearer [redacted]'],
    ['basic only; from 2.46 on Bearer tokens', 'basic only; from 2.46 on Bearer tokens'],
    [`pat ${'a2'.repeat(26)}`, 'pat [redacted]'],
    ['9f000000-0000-0000-0000-000000000000', '9f000000-0000-0000-0000-000000000000'],
    ['/home/me/.gitconfig', '/home/me/.gitconfig'],
  ];
  for (const [text, expected] of rows) t.is(redactor.text(text), expected);
  t.deepEqual(redactor.value({a: ['canary-secret', 1, null], 'canary-secret': true}), {
    a: ['[redacted]', 1, null],
    '[redacted]': true,
  });
});
