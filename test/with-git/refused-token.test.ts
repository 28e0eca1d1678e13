import test from 'ava';
import {startDaemon, type TestDaemon} from '../helpers/daemon.ts';
import type {GitHome, Ran} from '../helpers/git-home.ts';
import {gitsWithLfs, type GitWithLfs} from '../helpers/git-lfs.ts';
import {gitPerson} from '../helpers/git-person.ts';
import {gits, type Git} from '../helpers/gits.ts';
import {eraseFor, getFor, passwordIn} from '../helpers/requests.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudForSerial, addContoso} from '../helpers/cloud-for.ts';

const cloud = await cloudForSerial();

const {tenant, app, contoso} = addContoso(cloud);
const fabrikam = cloud.addOrganization('fabrikam', {tenant, members: [app]});
const library = fabrikam.addRepository('shared/library', {files: {a: 'a'}});

const configuration = `integrations:
  azure:
    - credentials:
        - {organizations: [contoso, fabrikam], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}}
orgkey:
  prefetch: false
  sockets: [{name: team, organizations: [contoso, fabrikam]}]
`;

let made = 0;

/** Starts a daemon, and makes a user with their own repository. */
async function world(git: Git) {
  const daemon = await startDaemon({configuration, environment: cloud.environment()});
  const home = await gitPerson(cloud, daemon, git);
  const repository = contoso.addRepository(`web/site-${made++}`, {files: {'index.html': 'hello\n'}});
  contoso.addMember(app);
  return {
    daemon,
    home,
    repository,
    close: async () => {
      contoso.addMember(app);
      home.remove();
      await daemon.close();
    },
  };
}

/** Revokes all tokens that were issued so far. */
function revokeAll(): void {
  for (const {authorization} of cloud.requests.filter({endpoint: 'git'}))
    if (authorization) cloud.revoke(authorization.secret);
}

/** The same command again and again, until it tells why it can't work; at most five times. */
async function untilExplained(
  run: () => Promise<Ran>,
  enough = EXPLAINED,
): Promise<{tries: number; last: Ran}> {
  for (let tries = 1; ; tries++) {
    const last = await run();
    if (tries === 5 || enough.test(last.stderr)) return {tries, last};
  }
}

const EXPLAINED =
  /orgkey: error: contoso: client secret .* \((?:ERR_NOT_ACCEPTED|ERR_REPOSITORY_REJECTED)\)\n/;
const REPAIR = /orgkey: hint: Add the identity to the organization as a user with at least Basic access/;

for (const git of gits) {
  const withGit = testUnless(git.missing, test.serial);
  const titled = (title: string) => `${git.name}: ${title}`;

  withGit(
    titled('a token that a policy ended is replaced, and explained if the next one ends too'),
    async (t) => {
      const {home, repository, close} = await world(git);
      t.teardown(() => {
        contoso.endedTokens = undefined;
        return close();
      });
      await home.succeed(['ls-remote', repository.url]);
      contoso.endedTokens = {at: Number.MAX_SAFE_INTEGER, reason: 'the place is not allowed'};
      const {last} = await untilExplained(
        () => home.git(['ls-remote', repository.url]),
        /ERR_CLAIMS_CHALLENGE/,
      );
      t.regex(
        last.stderr,
        /contoso: client secret .*: a policy of the tenant ended this token.* \(ERR_CLAIMS_CHALLENGE\)/,
      );
      t.regex(last.stderr, /hint: have an admin of the tenant read the sign-in logs .*, not its membership/);
      t.notRegex(last.stderr, REPAIR);
      contoso.endedTokens = undefined;
      await home.succeed(['ls-remote', library.url]);
    },
  );

  withGit(titled('a token that is revoked before a push is replaced, and the push arrives'), async (t) => {
    const {home, repository, close} = await world(git);
    t.teardown(close);
    await home.succeed(['clone', '-q', repository.url, 'site']);
    home.write('site/index.html', 'changed\n');
    await home.succeed(['-C', 'site', 'commit', '-qam', 'change']);
    revokeAll();
    const {code} = await home.git(['-C', 'site', 'push', '-q']);
    t.is(code === 0, git.hasAuthtype, 'git from 2.46 on asks again unseen, an older one fails once');
    await home.succeed(['-C', 'site', 'push', '-q']);
    t.is(await repository.branch(), await home.succeed(['-C', 'site', 'rev-parse', 'HEAD']));
    t.is(cloud.requests.count({endpoint: 'token'}), 2);
  });

  for (const [what, args] of [
    ['a clone', (url: string) => ['clone', '-q', url, 'copy']],
    ['a push', () => ['-C', 'site', 'push', '-q', '--force', 'origin', 'HEAD:refs/heads/other']],
  ] as const) {
    withGit(titled(`${what} by a former member ends, and is explained`), async (t) => {
      const {home, repository, close} = await world(git);
      t.teardown(close);
      await home.succeed(['clone', '-q', repository.url, 'site']);
      contoso.removeMember(app);
      cloud.requests.clear();
      const {tries, last} = await untilExplained(() => home.git(args(repository.url)), REPAIR);
      t.regex(last.stderr, EXPLAINED);
      t.regex(last.stderr, REPAIR);
      t.not(last.code, 0);
      t.true(tries <= 3, `explained at try ${tries}`);
      t.true(cloud.requests.count({endpoint: 'git'}) <= 4 * tries);
      t.is(cloud.requests.count({endpoint: 'token'}), 1, 'one fresh token was tried');

      // while it is explained, nothing more is asked of anybody but the repository
      for (let again = 0; again < 3; again++)
        t.regex((await home.git(args(repository.url))).stderr, EXPLAINED);
      t.is(cloud.requests.count({endpoint: 'token'}), 1);
      await home.succeed(['ls-remote', library.url]);
      t.is(cloud.requests.count({endpoint: 'token'}), 1, 'other organizations have the same token as before');
    });
  }

  for (const service of ['git-upload-pack', 'git-receive-pack']) {
    withGit(titled(`${service} that is always rejected ends with an explanation`), async (t) => {
      const {home, repository, close} = await world(git);
      t.teardown(close);
      await home.succeed(['clone', '-q', repository.url, 'site']);
      cloud.fault({
        endpoint: 'git',
        method: 'POST',
        service,
        status: 401,
        headers: {'www-authenticate': 'Basic realm="https://dev.azure.com/"'},
        times: 'always',
      });
      cloud.requests.clear();
      const args =
        service === 'git-upload-pack'
          ? ['clone', '-q', repository.url, 'copy']
          : ['-C', 'site', 'push', '-q', 'origin', 'HEAD:refs/heads/other'];
      const {tries, last} = await untilExplained(() => home.git(args));
      t.not(last.code, 0);
      t.regex(last.stderr, EXPLAINED);
      t.true(cloud.requests.count({endpoint: 'git'}) <= 6 * tries, `${cloud.requests.length} requests`);
      t.true(cloud.requests.count({endpoint: 'token'}) <= 4);
      t.log(`${tries} tries, ${cloud.requests.count({endpoint: 'git'})} requests`);
    });
  }

  withGit(titled('a scoped socket serves git alone, and a revoked token is replaced'), async (t) => {
    const {home, daemon, repository, close} = await world(git);
    t.teardown(close);
    await inContainer(home, daemon);
    await home.succeed(['clone', '-q', repository.url, 'site']);
    revokeAll();
    await home.git(['-C', 'site', 'fetch']);
    await home.succeed(['-C', 'site', 'fetch']);
    t.is(cloud.requests.count({endpoint: 'token'}), 2);
  });
}

/** As the README configures git in a container that has the scoped socket only. */
async function inContainer(home: GitHome, daemon: TestDaemon): Promise<void> {
  const socket = `${daemon.runtime}/scoped/team/git.sock`;
  await home.succeed(['config', '--global', 'credential.helper', `cache --socket='${socket}'`]);
}

for (const pair of gitsWithLfs) {
  const withLfs = testUnless(pair.missing, test.serial);
  const titled = (title: string) => `${pair.name}: ${title}`;

  withLfs(titled('fetches and pushes large files'), async (t) => {
    const {home, repository, close} = await lfsWorld(pair);
    t.teardown(close);
    await home.succeed(['clone', '-q', repository.url, 'site']);
    t.is(await home.succeed(['-C', 'site', 'show', ':large.bin']), (await pointer(home)).trim());
    home.write('site/large.bin', 'larger\n');
    await home.succeed(['-C', 'site', 'commit', '-qam', 'larger']);
    await home.succeed(['-C', 'site', 'push', '-q']);
    t.is(repository.lfsObjects.size, 2);
    t.is(cloud.requests.count({endpoint: 'token'}), 1);
  });

  withLfs(titled('a revoked token causes no endless loop'), async (t) => {
    const {home, repository, close} = await lfsWorld(pair);
    t.teardown(close);
    await home.succeed([
      '-c',
      'filter.lfs.smudge=',
      '-c',
      'filter.lfs.process=',
      '-c',
      'filter.lfs.required=false',
      'clone',
      '-q',
      repository.url,
      'site',
    ]);
    revokeAll();
    cloud.requests.clear();
    const first = await home.run(pair.program, ['pull'], {cwd: 'site'});
    const requests = cloud.requests.count({endpoint: 'lfs'});
    t.true(requests <= 10, `${requests} requests, ${String(first.code)}: ${first.stderr}`);
    const {code, stderr} = await home.run(pair.program, ['pull'], {cwd: 'site'});
    t.is(code, 0, stderr);
    t.is(cloud.requests.count({endpoint: 'token'}), 1);
  });

  withLfs(titled('large files that are always rejected end with an explanation'), async (t) => {
    const {home, repository, close} = await lfsWorld(pair);
    t.teardown(close);
    cloud.fault({
      endpoint: 'lfs',
      status: 401,
      headers: {'www-authenticate': 'Basic realm="https://dev.azure.com/"'},
      body: {message: 'no'},
      times: 'always',
    });
    const {tries, last} = await untilExplained(() =>
      home.git(['clone', '-q', repository.url, `site-${made++}`]),
    );
    const requests = cloud.requests.count({endpoint: 'lfs'});
    t.regex(last.stderr, EXPLAINED);
    t.true(requests <= 15 * tries, `${requests} requests in ${tries} tries`);
    t.true(cloud.requests.count({endpoint: 'token'}) <= 2);
    await home.succeed(['ls-remote', library.url]);
    t.log(`${tries} tries, ${requests} requests`);
  });
}

async function lfsWorld(pair: GitWithLfs) {
  const {home, daemon, close} = await world(pair.git);
  const repository = contoso.addRepository(`web/large-${made++}`, {lfs: {'large.bin': 'large\n'}});
  await home.succeed(['config', '--global', 'filter.lfs.clean', `'${pair.program}' clean -- %f`]);
  await home.succeed(['config', '--global', 'filter.lfs.smudge', `'${pair.program}' smudge -- %f`]);
  await home.succeed(['config', '--global', 'filter.lfs.process', `'${pair.program}' filter-process`]);
  await home.succeed(['config', '--global', 'filter.lfs.required', 'true']);
  await home.succeed(['config', '--global', 'lfs.locksverify', 'false']);
  await home.succeed(['config', '--global', 'core.hooksPath', `${home.directory}/hooks`]);
  home.write('hooks/pre-push', `#!/bin/sh\nexec '${pair.program}' pre-push "$@"\n`, 0o755);
  return {home, daemon, repository, close};
}

function pointer(home: GitHome): Promise<string> {
  return home.succeed(['-C', 'site', 'cat-file', '-p', 'HEAD:large.bin']);
}

test.serial('a scoped socket can force only one acquisition a minute', async (t) => {
  const {daemon, close} = await world(gits[0] ?? t.fail('there is no git'));
  t.teardown(close);
  const socket = `${daemon.runtime}/scoped/team/git.sock`;
  for (let round = 0; round < 20; round++) {
    const organization = round % 2 === 0 ? 'contoso' : 'fabrikam';
    const password = passwordIn(await daemon.ask(getFor(organization), socket));
    if (password !== '') await daemon.ask(eraseFor(organization, password), socket);
  }
  t.is(cloud.requests.count({endpoint: 'token'}), 2);
  t.not(passwordIn(await daemon.ask(getFor('contoso'))), '', 'other organizations keep their tokens');
  t.is(cloud.requests.count({endpoint: 'token'}), 2);
});
