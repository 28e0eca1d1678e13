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
    ],
  });
  const home = gatewayHome(t, world, git);
  await home.succeed(['clone', '--recurse-submodules', url, 'whole']);
  t.true(home.has('whole/by-https/part.txt'));
  t.true(home.has('whole/by-ssh/part.txt'));
});

withSocks('1,000 refs are pushed in one push', async (t) => {
  const home = gatewayHome(t, gateway(), git);
  await home.succeed(['clone', gateway().site.url, 'site']);
  const refs = Array.from({length: 1000}, (_, at) => `HEAD:refs/heads/agents/many/${at}`);
  await home.succeed(['-C', 'site', 'push', '--quiet', 'origin', ...refs]);
  const found = await home.succeed(['-C', 'site', 'ls-remote', 'origin', 'refs/heads/agents/many/*']);
  t.is(found.split('\n').length, 1000);
});
