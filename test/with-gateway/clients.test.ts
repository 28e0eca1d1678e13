import {randomBytes} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {gatewayHome, sharedGateway} from '../helpers/gateway-world.ts';
import {gits} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';

const [, git] = gits;
if (git === undefined) throw new Error('there is no newer git');
const withSocks = testUnless(git.missing, test.serial);
const gateway = sharedGateway();

for (const version of ['0', '1', '2'])
  withSocks(`protocol version ${version} clones and fetches`, async (t) => {
    const home = gatewayHome(t, gateway(), git);
    await home.succeed(['config', '--global', 'protocol.version', version]);
    await home.succeed(['clone', gateway().site.url, 'site']);
    await home.succeed(['-C', 'site', 'fetch']);
    t.true(home.has('site/a.txt'));
  });

for (const [what, options] of [
  ['a shallow clone', ['--depth', '1']],
  ['a partial clone fetches what it lacks', ['--filter=blob:none']],
  ['a mirror', ['--mirror']],
] as const)
  withSocks(`${what} works`, async (t) => {
    const home = gatewayHome(t, gateway(), git);
    await home.succeed(['clone', ...options, gateway().site.url, 'site']);
    t.is(await home.succeed(['-C', 'site', 'show', 'HEAD:a.txt']), 'hello');
  });

withSocks('submodules by HTTPS and SSH addresses are cloned without any key', async (t) => {
  const world = gateway();
  world.contoso.addRepository('web/part', {files: {'part.txt': 'part\n'}});
  const {url} = world.contoso.addRepository('web/whole', {
    files: {'a.txt': 'a\n'},
    submodules: [
      {path: 'by-https', url: 'https://contoso@dev.azure.com/contoso/web/_git/part'},
      {path: 'by-ssh', url: 'git@ssh.dev.azure.com:v3/contoso/web/part'},
      {path: 'by-url', url: 'ssh://git@ssh.dev.azure.com:22/v3/contoso/web/part'},
      {path: 'by-old-ssh', url: 'contoso@vs-ssh.visualstudio.com:v3/contoso/web/part'},
      {path: 'by-old-url', url: 'ssh://contoso@vs-ssh.visualstudio.com/v3/contoso/web/part'},
    ],
  });
  const home = gatewayHome(t, world, git);
  await home.succeed(['clone', '--recurse-submodules', url, 'whole']);
  for (const path of ['by-https', 'by-ssh', 'by-url', 'by-old-ssh', 'by-old-url'])
    t.true(home.has(`whole/${path}/part.txt`), path);
  for (const start of ['contoso@vs-ssh.visualstudio.com:', 'ssh://contoso@vs-ssh.visualstudio.com:22/'])
    t.regex(
      await home.succeed(['ls-remote', `${start}DefaultCollection/web/_ssh/part`]),
      /refs\/heads\/main/,
    );
});

withSocks('1,000 refs are pushed in one push', async (t) => {
  const home = gatewayHome(t, gateway(), git);
  await home.succeed(['clone', gateway().site.url, 'site']);
  const refs = Array.from({length: 1000}, (_, at) => `HEAD:refs/heads/agents/many/${at}`);
  await home.succeed(['-C', 'site', 'push', '--quiet', 'origin', ...refs]);
  const found = await home.succeed(['-C', 'site', 'ls-remote', 'origin', 'refs/heads/agents/many/*']);
  t.is(found.split('\n').length, 1000);
});

withSocks('a mirror push is denied whole if the rule denies one of its refs', async (t) => {
  const {url} = gateway().contoso.addRepository('web/mirrored', {files: {'a.txt': 'a\n'}});
  const home = gatewayHome(t, gateway(), git);
  await home.succeed(['clone', '--bare', url, 'own']);
  const inOwn = (...args: readonly string[]) => home.git(['-C', 'own', ...args]);
  const push = () => inOwn('push', '--mirror', url);
  await inOwn('update-ref', 'refs/heads/agents/mine', 'HEAD');
  await inOwn('update-ref', 'refs/heads/other', 'HEAD');
  const mixed = await push();
  t.is(mixed.code, 1);
  t.regex(mixed.stderr, /\[remote rejected\] other -> other \(orgkey: not among the refs/);
  t.notRegex(await home.succeed(['ls-remote', url]), /agents\/mine/);

  await inOwn('update-ref', '-d', 'refs/heads/other');
  t.is((await push()).code, 0);
  await inOwn('update-ref', '-d', 'refs/heads/agents/mine');
  const deleting = await push();
  t.is(deleting.code, 1);
  t.regex(
    deleting.stderr,
    /\[remote rejected\] agents\/mine \(orgkey: this gateway does not allow deletions/,
  );
  t.regex(await home.succeed(['ls-remote', url]), /agents\/mine/);
});

withSocks('a push of 20 MB in chunks arrives whole', async (t) => {
  const home = gatewayHome(t, gateway(), git);
  await home.succeed(['clone', gateway().site.url, 'site']);
  home.write('site/large', randomBytes(20 * 1024 * 1024).toString('latin1'));
  const before = readFileSync(join(home.directory, 'site/large'));
  await home.succeed(['-C', 'site', 'add', 'large']);
  await home.succeed(['-C', 'site', 'commit', '--quiet', '--message', 'large']);
  await home.succeed(['-C', 'site', 'push', '--quiet', 'origin', 'HEAD:refs/heads/agents/large']);
  const options = ['--quiet', '--depth', '1', '--branch', 'agents/large'];
  await home.succeed(['clone', ...options, gateway().site.url, 'again']);
  t.true(readFileSync(join(home.directory, 'again/large')).equals(before));
});

withSocks('nothing that a client has or was sent holds a token', async (t) => {
  const world = gateway();
  const home = gatewayHome(t, world, git);
  const {stderr} = await home.git(['clone', world.site.url, 'site'], {
    environment: {GIT_TRACE_CURL: '1', GIT_TRACE_PACKET: '1', GIT_TRACE_REDACT: '0'},
  });
  const secrets = new Set(
    world.cloud.requests
      .filter(({endpoint}) => endpoint === 'git')
      .flatMap(({authorization}) => authorization?.secret ?? []),
  );
  t.is(secrets.size, 1);
  const files = [home.directory, world.directory].flatMap((directory) =>
    readdirSync(directory, {recursive: true, withFileTypes: true})
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')),
  );
  for (const secret of secrets)
    for (const text of [stderr, ...files]) {
      t.false(text.includes(secret));
      t.false(text.includes(Buffer.from(secret).toString('base64').slice(4, 40)));
    }
});

withSocks('each carried request is one line of the audit, with repository, refs and bytes', async (t) => {
  const world = gateway();
  const home = gatewayHome(t, world, git);
  await home.succeed(['clone', world.site.url, 'site']);
  await home.succeed(['-C', 'site', 'push', 'origin', 'HEAD:refs/heads/agents/audited']);
  t.not((await home.git(['ls-remote', world.salaries.url])).code, 0);
  await world.daemon.stop();
  const lines = readFileSync(join(world.daemon.directory, 'state/audit.gateway-agents.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event":"carry"'));
  const push = lines.find((line) => line.includes('refs/heads/agents/audited')) ?? '';
  t.regex(push, /"outcome":"carried"/);
  t.regex(push, /"path":"contoso\/web\/site"/);
  t.regex(push, /"sent":[1-9]/);
  t.true(lines.some((line) => line.includes('"outcome":"denied"')));
});
