import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {type Cloud} from '../cloud/cloud.ts';
import {type TestDaemon, daemonFor} from '../helpers/daemon.ts';
import {type GitHome, homeFor} from '../helpers/git-home.ts';
import {gits} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudFor} from '../helpers/cloud-for.ts';

/** Git reaches a SOCKS proxy on a Unix socket from 2.47 on. */
const git = gits.at(-1);
const withSocks = testUnless(git?.missing, test);

interface World {
  readonly cloud: Cloud;
  readonly daemon: TestDaemon;
  readonly home: GitHome;
  readonly url: string;
}

/** A client that has git, and nothing of orgkey's but the directory of a gateway. */
async function world(t: ExecutionContext, gateway: string): Promise<World> {
  const cloud = await cloudFor(t);
  const tenant = cloud.addTenant();
  const app = tenant.addApplication();
  const contoso = cloud.addOrganization('contoso', {tenant, members: [app]});
  const {url} = contoso.addRepository('web/site', {files: {'a.txt': 'hello\n'}});
  contoso.addRepository('hr/salaries', {files: {'a.txt': 'secret\n'}});
  const configuration = `integrations:
  azure:
    - credentials:
        - {organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}
orgkey:
  gateways:
    - {name: agents, ${gateway}}
`;
  const daemon = await daemonFor(t, {configuration, environment: cloud.environment()});
  const home = homeFor(t, {PATH: `${git?.path ?? ''}:${process.env['PATH'] ?? ''}`});
  const directory = join(daemon.runtime, 'gateways/agents');
  home.write(
    '.gitconfig',
    readFileSync(join(directory, 'gitconfig'), 'utf8').replaceAll('/run/orgkey/', `${directory}/`),
  );
  await home.succeed(['config', '--global', 'user.name', 'Agent']);
  await home.succeed(['config', '--global', 'user.email', 'agent@example.org']);
  return {cloud, daemon, home, url};
}

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
