import test, {type ExecutionContext} from 'ava';
import {gits} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {gatewayHome, startGateway} from '../helpers/gateway-world.ts';

/** Git reaches a SOCKS proxy on a Unix socket from 2.47 on. */
const git = gits.at(-1);
if (git === undefined) throw new Error('there is no newer git');
const withSocks = testUnless(git.missing, test);

/** A client that has git, and nothing of orgkey's but the directory of a gateway. */
const world = async (t: ExecutionContext, rule: string) => {
  const started = await startGateway(t, {rule});
  return {...started, home: gatewayHome(t, started, git), url: started.site.url};
};

withSocks('a client without any credential clones, and pushes what the rule allows', async (t) => {
  const {home, url} = await world(t, 'repositories: [contoso/web/*], push: ["refs/heads/agents/*"]');
  await home.succeed(['clone', url, 'site']);
  await home.succeed(['-C', 'site', 'commit', '--allow-empty', '--message', 'x']);
  await home.succeed(['-C', 'site', 'push', 'origin', 'HEAD:refs/heads/agents/x']);
  const {code, stderr} = await home.git([
    '-C',
    'site',
    'push',
    'origin',
    'HEAD:refs/heads/main',
    'HEAD:refs/heads/agents/y',
  ]);
  t.is(code, 1);
  t.regex(stderr, /\[remote rejected\] HEAD -> main \(orgkey: not among the refs/);
  t.regex(stderr, /\[remote rejected\] HEAD -> agents\/y \(orgkey: not sent/);
  t.notRegex(await home.succeed(['ls-remote', url]), /agents\/y/);
});
