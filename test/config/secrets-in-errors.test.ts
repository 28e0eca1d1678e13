import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {inspect} from 'node:util';
import test from 'ava';
import * as fc from '../helpers/any.ts';
import {loadConfiguration} from '../../src/config/load-configuration.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {problemsOf} from '../helpers/load-text.ts';

/** As issuers make them: long, letters and digits; some with what YAML, URLs and shells treat as special. */
const canary = fc
  .tuple(
    fc.stringMatching(/^[A-Za-z0-9]{24,40}$/).filter((text) => /\d/.test(text)),
    fc.constantFrom(
      '',
      '~',
      '#',
      ' #',
      ': ',
      '{',
      '}',
      '"',
      "'",
      '%',
      '*',
      '&',
      '!',
      '@',
      '`',
      '\\',
      '|',
      '>',
      '\n',
      '\t',
      '${',
      '}',
    ),
    fc.stringMatching(/^[A-Za-z0-9]{24,40}$/).filter((text) => /\d/.test(text)),
  )
  .map(([head, special, tail]) => ({parts: [head, tail], text: `${head}${special}${tail}`}));

const GUID = '11111111-1111-4111-8111-111111111111';

/** Places of a secret, right or wrong; `%` is the secret. Each configuration has something wrong as well. */
const places = [
  '- {clientId: x, clientSecret: %, tenantId: y}',
  '- personalAccessToken: %\n  unknown: 1',
  '- personalAccessToken: [%]',
  '- personalAccessToken: {%}',
  '- personalAccessToken: {%: 1}',
  '- personalAccessToken: {$env: %}',
  '- personalAccessToken: {$file: %}',
  '- personalAccessToken: {$file: /run/secrets/%}',
  '- personalAccessToken: {$%: x}',
  '- personalAccessToken: {$command: %}',
  '- personalAccessToken: {$command: [echo, %], x: 1}',
  '- personalAccessToken: {$credential: %}',
  '- personalAccessToken: {$keyring: %, x: 1}',
  '- personalAccessToken: {$keyVault: {vault: %, secret: x}}',
  '- personalAccessToken: {$keyVault: %}',
  '- personalAccessToken: {$include: %}',
  '- personalAccessToken: ${%}',
  '- personalAccessToken: a${%}b',
  '- personalAccessToken: *%',
  '- personalAccessToken: &% x',
  '- personalAccessToken: !% x\n  x: 1',
  '- personalAccessToken: @%',
  '- personalAccessToken: "%',
  "- personalAccessToken: '%",
  '- personalAccessToken:%',
  '- personalAccessToken %',
  '- personalAccessToken: >%\n  x: 1',
  '- %',
  '- %: %',
  '- {%}',
  '- personalAccesToken: %',
  '- token: %',
  '- clientId: %',
  '- clientId: %\n  clientSecret: %\n  tenantId: %',
  `- clientId: ${GUID}\n  clientCertificate: %\n  tenantId: ${GUID}`,
  `- clientId: ${GUID}\n  federatedTokenFile: %`,
  `- clientId: ${GUID}\n  tenantId: ${GUID}\n  oidc: %`,
  '- signIn: %',
  '- signIn: browser\n  issuer: %',
  '- signIn: browser\n  issuer: "https://%@x.example/?%"',
  '- signIn: browser\n  scopes: ["% x", %]',
  '- environment: %',
  '- stored: %',
  '- azureCli: %',
  '- organizations: [%, "% x"]\n  personalAccessToken: x\n  y: 1',
  '- organizations: %\n  personalAccessToken: x',
  '- clientId: ${FROM_VARIABLE}\n  tenantId: {$env: FROM_VARIABLE}\n  clientSecret: {$env: FROM_VARIABLE}',
  '- organizations: ["${FROM_VARIABLE} x", "${FROM_VARIABLE}", "${FROM_VARIABLE}"]\n  azureCli: ${FROM_VARIABLE}',
  '- clientId: {$file: secret}\n  tenantId: {$file: secret}\n  clientSecret: {$file: secret}',
] as const;

const tops = [
  'integrations:\n  azure:\n    - host: dev.azure.com\n      credentials:\n        $\n',
  'integrations:\n  azure:\n    - host: %\n      token: %\n      credential: {clientSecret: %}\n      credentials:\n        $\n',
  'integrations:\n  azure:\n    - host: https://%/\n      %: %\n      credentials:\n        $\norgkey:\n  onFailure: %\n  %: 1\n',
  'orgkey:\n  submodules: [{organizations: [a], privateKey: "%", x: 1}]\n  idleExit: %\nintegrations:\n  azure:\n    - credentials:\n        $\n',
  'orgkey: %\nintegrations:\n  azure:\n    - host: x.example\n      credentials:\n        $\n  \t x\n',
] as const;

function encodings(text: string): string[] {
  const bytes = Buffer.from(text);
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text),
    bytes.toString('base64').replace(/=+$/, '').slice(1, -1),
    bytes.toString('base64url').slice(1, -1),
    bytes.toString('hex'),
  ];
}

test('no error and no warning of a bad configuration holds a secret', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'config.yaml');
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      canary,
      fc.constantFrom(...places),
      fc.constantFrom(...tops),
      async (secret, place, top) => {
        const credential = place.split('\n').join('\n          ');
        const text = top.replaceAll('$\n', () => `${credential}\n`).replaceAll('%', () => secret.text);
        writeFileSync(file, text, {mode: 0o600});
        writeFileSync(join(directory, 'secret'), secret.text, {mode: 0o600});
        const environment = {FROM_VARIABLE: secret.text, ARM_CLIENT_SECRET: secret.text};
        const loaded = await loadConfiguration({file, environment, key: new Uint8Array(32)});
        const problems = problemsOf(loaded);
        if (problems.length > 0) refused += 1;
        const told =
          JSON.stringify(problems) +
          inspect(problems, {depth: 9}) +
          (loaded.kind === 'loaded' ? JSON.stringify(loaded.configuration.warnings) : '');
        for (const part of secret.parts)
          for (const encoded of encodings(part))
            if (told.includes(encoded)) throw new Error(`told: ${told}\nof: ${text}`);
      },
    ),
    {numRuns: 2000},
  );
  t.true(refused > 1000, `only ${refused} were refused`);
});

test('no error of Terraform’s variables holds a secret', async (t) => {
  const names = [
    'AZDO_PERSONAL_ACCESS_TOKEN',
    'AZDO_ORG_SERVICE_URL',
    'ARM_CLIENT_ID',
    'ARM_CLIENT_ID_FILE_PATH',
    'ARM_TENANT_ID',
    'ARM_CLIENT_SECRET',
    'ARM_CLIENT_SECRET_FILE_PATH',
    'ARM_CLIENT_CERTIFICATE_PATH',
    'ARM_CLIENT_CERTIFICATE',
    'ARM_OIDC_TOKEN',
    'ARM_OIDC_REQUEST_TOKEN',
    'ARM_OIDC_REQUEST_URL',
    'ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID',
    'ARM_USE_OIDC',
    'ARM_USE_MSI',
  ];
  await t.notThrowsAsync(
    fc.assert(
      fc.asyncProperty(
        canary,
        fc.subarray(names, {minLength: 1}),
        fc.boolean(),
        async (secret, set, sound) => {
          const ids = sound ? {ARM_CLIENT_ID: GUID, ARM_TENANT_ID: GUID, ARM_USE_OIDC: 'true'} : {};
          const environment = {...Object.fromEntries(set.map((name) => [name, secret.text])), ...ids};
          const loaded = await loadConfiguration({file: undefined, environment, key: new Uint8Array(32)});
          const told = inspect(loaded, {depth: 9});
          if (loaded.kind === 'loaded') return;
          for (const part of secret.parts)
            for (const encoded of encodings(part))
              // what is watched is a path, whatever it looks like
              if (JSON.stringify(loaded.problems).includes(encoded)) throw new Error(`told: ${told}`);
        },
      ),
      {numRuns: 1000},
    ),
  );
});

test('a configuration that was taken does not print its secrets', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'config.yaml');
  writeFileSync(
    file,
    `integrations:\n  azure:\n    - credentials:\n        - {clientId: ${GUID}, tenantId: ${GUID}, clientSecret: hunter2}\norgkey:\n  submodules: [{organizations: [a], privateKey: hunter2}]\n`,
    {mode: 0o600},
  );
  const loaded = await loadConfiguration({file, environment: {}, key: new Uint8Array(32)});
  t.is(loaded.kind, 'loaded');
  t.notRegex(inspect(loaded, {depth: 99, showHidden: true}), /hunter2/);
  t.notRegex(JSON.stringify(loaded), /hunter2/);
});
