import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {sharedGateway} from '../helpers/gateway-world.ts';
import {gits} from '../helpers/gits.ts';
import {whyNotContained} from '../helpers/run-contained.ts';
import {runContainer} from '../helpers/run-container.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';

const [, git] = gits;
const contained = testUnless(whyNotContained() ?? git?.missing, test.serial);
const gateway = sharedGateway({
  rule: 'repositories: [contoso/web/*], push: ["refs/heads/agents/*"], mode: "0666"',
  settings: '  sockets:\n    - {name: team, organizations: [contoso], mode: "0666"}\n',
});

function run(t: ExecutionContext, script: string, sockets: string) {
  const wrapper = readFileSync(join(git?.path ?? '', 'git'), 'latin1');
  // the wrapper of the newer git names the directory that has the program
  const programs = [join(git?.path ?? '', '..'), ...(/^dir='(.+)'$/m.exec(wrapper)?.slice(1) ?? [])];
  return runContainer(script, {
    root: join(scratchDirectory(t), 'root'),
    sockets,
    programs,
    environment: {
      PATH: `${git?.path ?? ''}:/usr/bin:/bin`,
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: 'Agent',
      GIT_AUTHOR_EMAIL: 'agent@example.org',
      GIT_COMMITTER_NAME: 'Agent',
      GIT_COMMITTER_EMAIL: 'agent@example.org',
    },
  });
}

/** Everything that a process in the container can read and that is not a program. It cannot list /run/orgkey. */
const WHOLE_VIEW = `env; tar -c -f - /home /tmp /etc; cat /run/orgkey/gitconfig /run/orgkey/git-credential-orgkey
  cat /proc/*/environ /proc/*/cmdline`;

contained('a container with git, one mount and one variable clones and pushes', async (t) => {
  const world = gateway();
  const {status, stderr} = await run(
    t,
    `set -e; export GIT_CONFIG_SYSTEM=/run/orgkey/gitconfig; cd
     git clone --quiet ${world.site.url} site; cd site
     git commit --quiet --allow-empty --message x
     git push --quiet origin HEAD:refs/heads/agents/contained
     ! git push origin HEAD:refs/heads/main
     ! git ls-remote ${world.salaries.url}
     ! touch /run/orgkey/new`,
    world.directory,
  );
  t.is(status, 0, stderr);
  t.regex(stderr, /\[remote rejected\] HEAD -> main \(orgkey: not among the refs/);
  t.regex(stderr, /remote: orgkey: .*contoso\/hr\/salaries/);
});

contained('the whole view of a container holds no secret', async (t) => {
  const world = gateway();
  world.cloud.requests.clear();
  const {status, stdout, stderr} = await run(
    t,
    `export GIT_CONFIG_SYSTEM=/run/orgkey/gitconfig GIT_TRACE_CURL=1 GIT_TRACE_PACKET=1 GIT_TRACE_REDACT=0; cd
     git clone ${world.site.url} site && git -C site push origin HEAD:refs/heads/agents/view
     git ls-remote ${world.salaries.url}; printf 'protocol=https\\nhost=dev.azure.com\\npath=contoso\\n' | git credential fill
     ${WHOLE_VIEW}`,
    world.directory,
  );
  t.true(stdout.includes('gateway.sock') && stdout.includes('site/.git'), String(status));
  // git cuts what it traces into lines
  const traffic = stderr.replaceAll(/\n\S+ http\.c:\d+ +[<=>]+ (?:Recv|Send) data: /g, '');
  t.true(traffic.includes('agents/view'));
  const tokens = world.cloud.requests
    .filter({endpoint: 'git'})
    .flatMap(({authorization}) => authorization?.secret ?? []);
  t.true(tokens.length > 0);
  for (const secret of [...new Set(tokens), world.secret])
    for (const form of [secret, Buffer.from(secret).toString('base64').slice(4, 40)]) {
      t.false(stdout.includes(form));
      t.false(traffic.includes(form));
    }
});

contained('the gitconfig of a scoped socket is all that a container needs', async (t) => {
  const world = gateway();
  const {status, stdout, stderr} = await run(
    t,
    `export GIT_CONFIG_SYSTEM=/run/orgkey/gitconfig
     printf 'protocol=https\\nhost=dev.azure.com\\npath=contoso/web/_git/site\\n' | git credential fill
     git config --get-urlmatch credential.useHttpPath https://dev.azure.com`,
    join(world.daemon.runtime, 'scoped/team'),
  );
  t.is(status, 0, stderr);
  t.regex(stdout.toString(), /^(?:password|credential)=\S+$/m);
});
