import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {BlobStore} from '../cloud/feeds/blob-store.ts';
import type {GitHome, Ran} from '../helpers/git-home.ts';
import {main} from '../helpers/program.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {toolWorld} from '../helpers/tool-world.ts';
import {cloudForSerial, addContoso} from '../helpers/cloud-for.ts';

/** Tools that cannot ask: real npm, Yarn, pip and Maven with the variables of `orgkey exec`. */

const root = join(import.meta.dirname, '../..');
const npm = join(process.execPath, '../../lib/node_modules/npm/bin/npm-cli.js');
const npmOnPath = spawnSync('sh', ['-c', 'command -v npm'], {encoding: 'utf8'}).stdout.trim();
const yarn = join(root, '.cache/yarn/node_modules/@yarnpkg/cli-dist/bin/yarn.js');
const withYarn = testUnless(
  existsSync(yarn) ? undefined : 'there is no Yarn: scripts/test-packages yarn brings it',
  test.serial,
);
const hasMaven = spawnSync('mvn', ['--version']).status === 0;
const withMaven = testUnless(hasMaven ? undefined : 'there is no Maven', test.serial);
const hasPip = /^pip (?:23\.[1-9]|2[4-9])/.test(
  spawnSync('python3', ['-m', 'pip', '--version'], {encoding: 'utf8'}).stdout ?? '',
);
const withPip = testUnless(hasPip ? undefined : 'there is no pip 23.1 or later', test.serial);
const withNpm = testUnless(npmOnPath === '' && !existsSync(npm) ? 'there is no npm' : undefined, test.serial);

const cloud = await cloudForSerial();
const {contoso, credential} = addContoso(cloud);
const fabrikam = cloud.addOrganization('fabrikam');
const feeds = {contoso: contoso.addFeed('tools'), fabrikam: fabrikam.addFeed('tools')};
const credentials = [
  credential,
  `organizations: [fabrikam], personalAccessToken: ${fabrikam.addPat({scopes: ['vso.packaging_write']}).value}`,
];
const ORGANIZATIONS = [
  ['contoso', 'a token of Entra'],
  ['fabrikam', 'a personal access token'],
] as const;
const addressOf = (organization: string) => `https://pkgs.dev.azure.com/${organization}/web/_packaging/tools`;

async function person(t: ExecutionContext): Promise<GitHome> {
  const {home} = await toolWorld(t, cloud, credentials, [join(process.execPath, '..')]);
  return home;
}

function exec(
  home: GitHome,
  organization: string,
  command: readonly string[],
  cwd = 'project',
): Promise<Ran> {
  const words = [main, 'exec', organization, '--feed', 'web/tools', '--', ...command];
  return home.run(process.execPath, words, {
    cwd,
    environment: {CI: '1', npm_config_cache: join(home.directory, 'cache')},
  });
}

/** The blobs of packages are on another host, which must never see a credential. */
function assertBlobsAnonymous(t: ExecutionContext): void {
  t.true(
    cloud.requests.filter({host: BlobStore.host}).every(({authorization}) => authorization === undefined),
  );
}

for (const [organization, credential] of ORGANIZATIONS) {
  withNpm(`npm publishes and installs through sh -c with ${credential}`, async (t) => {
    const home = await person(t);
    const registry = `${addressOf(organization)}/npm/registry/`;
    home.write('project/.npmrc', `registry=${registry}\n`);
    home.write('project/package.json', '{"name": "gear", "version": "2.0.0"}');
    const sh = ['dash', 'sh'].find((name) => spawnSync(name, ['-c', '']).status === 0) ?? 'sh';
    const published = await exec(home, organization, [sh, '-c', 'npm publish']);
    t.is(published.code, 0, published.stderr);
    t.true(feeds[organization].npm.get('gear')?.has('2.0.0'));
    home.write('other/.npmrc', `registry=${registry}\n`);
    home.write('other/package.json', '{"name": "app", "scripts": {"i": "npm install --no-audit gear"}}');
    // a script of npm runs npm again
    const installed = await exec(home, organization, [sh, '-c', 'npm run i'], 'other');
    t.is(installed.code, 0, installed.stderr);
    t.true(home.has('other/node_modules/gear/package.json'));
    assertBlobsAnonymous(t);
  });

  withYarn(`Yarn 4 installs with ${credential}`, async (t) => {
    const home = await person(t);
    const place = addressOf(organization).replace('https:', '');
    home.write(
      'project/.yarnrc.yml',
      [
        'nodeLinker: node-modules',
        'enableTelemetry: false',
        // the feed names no times
        'npmMinimalAgeGate: 0',
        `httpsCaFilePath: ${cloud.caFile}`,
        `httpsProxy: ${cloud.proxyUrl}`,
        `npmRegistryServer: "https:${place}/npm/registry"`,
        'npmRegistries:',
        `  "${place}/npm/registry":`,
        '    npmAlwaysAuth: true',
        '    npmAuthIdent: "orgkey:${ORGKEY_TOKEN-}"',
        '',
      ].join('\n'),
    );
    home.write('project/package.json', '{"name": "app", "dependencies": {"gear": "1.0.0"}}');
    home.write('project/yarn.lock', '');
    feeds[organization].npm.delete('gear');
    const {code, stdout, stderr} = await exec(home, organization, [
      process.execPath,
      yarn,
      'install',
      '--no-immutable',
    ]);
    t.is(code, 0, stdout + stderr);
    t.true(home.has('project/node_modules/gear/package.json'));
    assertBlobsAnonymous(t);
    const refused = await home.run(process.execPath, [yarn, 'install', '--no-immutable', '--check-cache'], {
      cwd: 'project',
    });
    t.not(refused.code, 0, 'without exec it has no token');
  });

  withMaven(`Maven finds a parent in the feed with ${credential}`, async (t) => {
    const home = await person(t);
    const id = 'tools';
    feeds[organization].maven.set(
      'org/gear/parent/1.0/parent-1.0.pom',
      Buffer.from(pom('<groupId>org.gear</groupId><artifactId>parent</artifactId><version>1.0</version>')),
    );
    const [, port = ''] = /:(\d+)$/.exec(cloud.proxyUrl) ?? [];
    home.write(
      'settings.xml',
      `<settings><localRepository>${home.directory}/repository</localRepository>
<proxies><proxy><id>cloud</id><active>true</active><protocol>https</protocol><host>127.0.0.1</host><port>${port}</port></proxy></proxies>
<servers><server><id>${id}</id><username>orgkey</username><password>\${env.ORGKEY_TOKEN}</password></server></servers></settings>`,
    );
    home.write(
      'project/pom.xml',
      pom(`<parent><groupId>org.gear</groupId><artifactId>parent</artifactId><version>1.0</version></parent>
<artifactId>app</artifactId>
<repositories><repository><id>${id}</id><url>${addressOf(organization)}/maven/v1</url></repository></repositories>`),
    );
    execFileSync(
      'keytool',
      [
        '-importcert',
        '-noprompt',
        '-alias',
        'cloud',
        '-file',
        cloud.caFile,
        '-keystore',
        join(home.directory, 'trust'),
        '-storepass',
        'changeit',
      ],
      {stdio: 'ignore'},
    );
    const maven = [
      'mvn',
      '--batch-mode',
      '--settings',
      '../settings.xml',
      'validate',
      '-Djavax.net.ssl.trustStore=../trust',
      '-Djavax.net.ssl.trustStorePassword=changeit',
    ];
    const {code, stdout} = await exec(home, organization, maven);
    t.is(code, 0, stdout);
    assertBlobsAnonymous(t);
    t.false(stdout.includes('ORGKEY'));
  });

  withPip(`pip downloads with ${credential}, and shows none`, async (t) => {
    const home = await person(t);
    home.write('project/setup', '');
    const {stdout, stderr, code} = await exec(home, organization, ['python3', '-m', 'pip', 'config', 'list']);
    t.is(code, 0, stderr);
    t.regex(stdout, /index-url='https:\/\/orgkey@pkgs\.dev\.azure\.com\/\S+\/pypi\/simple\/'/);
    t.false(stdout.includes(':***'), 'there is nothing to hide');
    const wanted = await exec(home, organization, [
      'python3',
      '-m',
      'pip',
      'download',
      '--no-cache-dir',
      'absent',
    ]);
    t.regex(wanted.stderr + wanted.stdout, /No matching distribution/);
    const asked = cloud.requests.filter({path: '*/pypi/simple/absent/'}).map(({status}) => status);
    t.true(asked.includes(404), `the feed let pip in: ${asked.join(' ')}`);
  });
}

function pom(content: string): string {
  return `<project><modelVersion>4.0.0</modelVersion>${content}<packaging>pom</packaging></project>`;
}
