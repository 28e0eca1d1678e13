import test from 'ava';
import {leaksIn} from '../helpers/canary.ts';
import {sharedGateway} from '../helpers/gateway-world.ts';
import {runClient, whyNoPodman} from '../helpers/podman.ts';
import {testUnless} from '../helpers/test-unless.ts';

const inContainers = testUnless(whyNoPodman(), test.serial);
const gateway = sharedGateway({
  rule: 'repositories: [contoso/web/*], push: ["refs/heads/agents/*"], mode: "0666"',
});

/** The one line that docs/recipes/containers.md asks for. */
const ONE_LINE = 'git config --global --add include.path /run/orgkey/gitconfig';

/** Every file that is not the image's, every variable and command line. It cannot list /run/orgkey. */
const WHOLE_VIEW = `env; tar -c -f - /tmp /home; cat /run/orgkey/gitconfig /run/orgkey/git-credential-orgkey
  cat /proc/*/environ /proc/*/cmdline /proc/*/mountinfo /proc/net/unix`;

inContainers(
  'through a gateway, a container clones and pushes with git, one mount and one line',
  async (t) => {
    const world = gateway();
    const {status, stderr} = await runClient(
      `set -ex; ${ONE_LINE}; cd
     git clone --quiet ${world.site.url} site; cd site
     git commit --quiet --allow-empty --message x
     git push --quiet origin HEAD:refs/heads/agents/in-podman
     ! git push origin HEAD:refs/heads/main
     ! git ls-remote ${world.salaries.url}
     ! touch /run/orgkey/new
     ! rm /run/orgkey/gateway.sock`,
      {mounted: world.directory},
    );
    t.is(status, 0, stderr);
    t.regex(stderr, /\[remote rejected\] HEAD -> main \(orgkey: not among the refs/);
    t.regex(stderr, /remote: orgkey: .*contoso\/hr\/salaries/);
    t.regex(stderr, /rm: cannot remove.*Read-only file system/);
  },
);

inContainers('with a gateway, nothing that a container can see holds a secret', async (t) => {
  const world = gateway();
  world.cloud.requests.clear();
  const {stdout, stderr} = await runClient(
    `export GIT_TRACE_CURL=1 GIT_TRACE_PACKET=1 GIT_TRACE_REDACT=0; ${ONE_LINE}; cd
     git clone ${world.site.url} site && git -C site push origin HEAD:refs/heads/agents/seen
     git ls-remote ${world.salaries.url}
     printf 'protocol=https\\nhost=dev.azure.com\\npath=contoso\\n\\n' | git credential fill
     ${WHOLE_VIEW}`,
    {mounted: world.directory},
  );
  t.true(stdout.includes('gateway.sock') && stdout.includes('site/.git'));
  // git cuts what it traces into lines
  const traffic = stderr.replaceAll(/\n\S+ http\.c:\d+ +[<=>]+ (?:Recv|Send) data: /g, '');
  t.true(traffic.includes('agents/seen'));
  const tokens = world.cloud.requests
    .filter({endpoint: 'git'})
    .flatMap(({authorization}) => authorization?.secret ?? []);
  t.true(tokens.length > 0);
  const secrets = {
    ...Object.fromEntries(tokens.map((token, at) => [`token ${at}`, token])),
    app: world.secret,
  };
  t.deepEqual(leaksIn(stdout, secrets), []);
  t.deepEqual(leaksIn(traffic, secrets), []);
});
