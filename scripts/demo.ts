// usage: node scripts/demo.ts [--keep] [--record]
// Runs what the README promises, against the test cloud. See scripts/demo.
import {execFile} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {parseArgs, promisify} from 'node:util';
import {makePrivateKey} from '../src/ssh/key/private-key.ts';
import {startCloud} from '../test/cloud/cloud.ts';
import {browserProgram} from '../test/helpers/browser-program.ts';

const {values} = parseArgs({
  options: {keep: {type: 'boolean', default: false}, record: {type: 'boolean', default: false}},
});
const root = resolve(import.meta.dirname, '..');
const home = mkdtempSync(join(tmpdir(), 'orgkey-demo-'));
const dist = join(root, 'dist');
const AZURE_CLI = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
/** The commands that the picture in the README shows. */
const PICTURED = /^(?:git clone|orgkey status|orgkey which) ?/;
const session: {command: string; output: string}[] = [];

say(`Node ${process.version}, ${(await run('git', ['--version'])).trim()}, everything below ${home}`);
say('building orgkey ...');
await run(process.execPath, [join(root, 'scripts/build.ts')]);

const cloud = await startCloud();
try {
  await demonstrate();
} finally {
  await run(
    process.execPath,
    [join(dist, 'orgkey.cjs'), 'uninstall', '--purge', '--yes'],
    environment(),
  ).catch(report);
  await cloud.close();
  rmSync(home, {recursive: true, force: true});
  say('cleaned up: the daemon is stopped and git is configured as before');
}

async function demonstrate(): Promise<void> {
  const tenant = cloud.addTenant();
  const app = tenant.addApplication();
  const contoso = cloud.addOrganization('contoso', {tenant, members: [app]});
  const fabrikam = cloud.addOrganization('fabrikam', {tenant});
  const pat = fabrikam.addPat();
  const ann = tenant.addUser({name: 'Ann'});
  // the public client that orgkey signs users in with
  tenant.addApplication({clientId: AZURE_CLI, public: true, multitenant: true});
  const litware = cloud.addOrganization('litware', {tenant, members: [ann]});
  const tools = litware.addRepository('web/tools', {files: {'tools.txt': 'of litware\n'}});
  const library = fabrikam.addRepository('shared/library', {files: {'library.txt': 'from fabrikam\n'}});
  const firmware = contoso.addRepository('web/firmware', {files: {'firmware.txt': 'over ssh\n'}});
  const site = contoso.addRepository('web/site', {
    files: {'index.html': '<h1>contoso</h1>\n'},
    submodules: [
      {path: 'library', url: library.url},
      {path: 'firmware', url: 'git@ssh.dev.azure.com:v3/contoso/web/firmware'},
    ],
  });
  await Promise.all([site.ready(), firmware.ready()]);
  say(`a cloud is up: Entra, and Azure DevOps with the organizations contoso and fabrikam`);

  mkdirSync(join(home, '.config/orgkey'), {recursive: true, mode: 0o700});
  const secret = (name: string, value: string) =>
    writeFileSync(join(home, '.config/orgkey', name), value, {mode: 0o600});
  secret('contoso.secret', app.secret);
  secret('fabrikam.pat', pat.value);
  const {secret: privateKey, key} = await makePrivateKey();
  secret('contoso.key', privateKey.revealText());
  contoso.addSshKey(key.publicLine('demo'));
  writeFileSync(
    join(home, '.config/orgkey/config.yaml'),
    `integrations:
  azure:
    - credentials:
        - organizations: [contoso]      # a service principal
          clientId: ${app.clientId}
          clientSecret: {$file: contoso.secret}
          tenantId: ${tenant.id}
        - organizations: [fabrikam]     # a personal access token
          personalAccessToken: {$file: fabrikam.pat}
orgkey:
  submodules:
    - organizations: [contoso]          # an SSH key, for submodules only
      privateKey: {$file: contoso.key}
      knownHosts: '${cloud.knownHosts().split('\n')[0]}'
`,
    {mode: 0o600},
  );
  await show('orgkey setup --service plain', [join(dist, 'orgkey.cjs'), 'setup', '--service', 'plain']);

  await git(['clone', '--recurse-submodules', site.url]);
  say(
    'cloned contoso/web/site, a submodule of fabrikam and one over ssh: two identities, one key, no questions',
  );
  const before = cloud.requests.count({endpoint: 'token'});
  await git(['-C', join(home, 'site'), 'fetch', '--recurse-submodules']);
  const asked = cloud.requests.count({endpoint: 'token'}) - before;
  say(`fetched again: ${asked} requests to Entra, ${before} since the start`);
  for (const {authorization, organization} of cloud.requests.filter({endpoint: 'git', status: 200})) {
    if (authorization === undefined)
      throw new Error(`a private repository of ${organization} was served without a credential`);
  }
  await git(['ls-remote', 'git@ssh.dev.azure.com:v3/contoso/web/firmware']).then(
    () => Promise.reject(new Error('the submodule key served a top-level repository')),
    () => say('the same repository as a top-level one: not served, the key is for submodules only'),
  );
  await show('orgkey status', [join(dist, 'orgkey.cjs'), 'status']);
  await show(`orgkey which ${site.url}`, [join(dist, 'orgkey.cjs'), 'which', site.url]);
  if (values.record)
    writeFileSync(join(root, 'docs/session.json'), `${JSON.stringify(session, undefined, 2)}\n`);
  if (values.keep) await play({site: site.url, tools: tools.url}, (url) => cloud.browse(url, ann));
}

/** Keeps everything up until Ctrl-C. */
async function play(
  urls: {readonly site: string; readonly tools: string},
  signIn: (url: string) => Promise<unknown>,
): Promise<void> {
  const browser = await browserProgram(home, signIn);
  const variables = Object.entries({
    ...cloud.environment(),
    HOME: home,
    ...directories(),
    BROWSER: browser.path,
  });
  const file = join(home, 'environment');
  writeFileSync(file, variables.map(([name, value]) => `export ${name}='${value}'\n`).join(''));
  const orgkey = join(import.meta.dirname, 'orgkey');
  say('it stays up: in another terminal, run');
  for (const line of [
    `. ${file}`,
    `git ls-remote ${urls.site}`,
    `${orgkey} status`,
    `${orgkey} org test`,
    `${orgkey} doctor`,
    `${orgkey} org add litware --sign-in browser`,
    `git ls-remote ${urls.tools}`,
  ])
    say(`  ${line}`);
  say('the browser belongs to Ann, who signs in at once; orgkey itself is not on the PATH');
  say('Ctrl-C ends it');
  const alive = setInterval(() => undefined, 60_000);
  await new Promise((end) => process.once('SIGINT', end).once('SIGTERM', end));
  clearInterval(alive);
  browser.close();
}

async function git(args: string[]): Promise<void> {
  await print(`git ${args.join(' ')}`, 'git', args);
}

async function show(command: string, args: string[]): Promise<void> {
  await print(command, process.execPath, args);
}

async function print(command: string, program: string, args: string[]): Promise<void> {
  say(`$ ${command}`);
  const output = await run(program, args, environment());
  if (PICTURED.test(command)) session.push({command, output: output.replaceAll(home, '~')});
  process.stderr.write(output);
}

/** Leaves out the user's own configuration, and puts the cloud in place of the network. */
function environment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    ...directories(),
    ...cloud.environment(),
  };
}

function directories(): Record<string, string> {
  return {ORGKEY_RUNTIME_DIR: join(home, 'run'), ORGKEY_STATE_DIR: join(home, 'state')};
}

async function run(program: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  try {
    const {stdout, stderr} = await promisify(execFile)(program, args, {env, cwd: home, maxBuffer: 1 << 26});
    return stderr + stdout;
  } catch (error) {
    const {stderr = '', stdout = ''} = error as {stderr?: string; stdout?: string};
    throw new Error(`${program} ${args.join(' ')} failed:\n${stderr}${stdout}`, {cause: error});
  }
}

function say(text: string): void {
  process.stderr.write(`demo: ${text}\n`);
}

function report(error: unknown): void {
  say(error instanceof Error ? error.message : String(error));
}
