import test, {type ExecutionContext} from 'ava';
import type {Lock} from '../../src/control/control-protocol.ts';
import {Person} from '../helpers/command-line.ts';
import {daemonFor} from '../helpers/daemon.ts';
import {gitPerson} from '../helpers/git-person.ts';
import {gits, type Git} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudForFile, addContoso} from '../helpers/cloud-for.ts';

const cloud = await cloudForFile();
test.afterEach.always(() => cloud.clearFaults());

const {tenant, contoso, credential} = addContoso(cloud);
const site = contoso.addRepository('web/site', {files: {a: 'a'}});
const secret = contoso.addRepository('web/secret', {files: {a: 'a'}});
const fabrikam = cloud.addOrganization('fabrikam', {tenant});
const library = fabrikam.addRepository('shared/library', {files: {a: 'a'}});
const pat = fabrikam.addPat();
const APP = credential;
const PAT = `organizations: [fabrikam], personalAccessToken: "${pat.value}"`;

/** Tests share the cloud and its faults. */
for (const git of gits) {
  const withGit = testUnless(git.missing, test.serial);
  const titled = (title: string) => `${git.name}: ${title}`;

  withGit(titled('a repository that rejects the credential does not lock its organization'), async (t) => {
    const {home, orgkey} = await world(t, git);
    cloud.fault({endpoint: 'git', path: '/contoso/web/_git/secret*', status: 401, times: 'always'});
    t.is((await home.git(['ls-remote', site.url])).code, 0);
    for (let times = 0; times < 4; times++) {
      t.is((await home.git(['ls-remote', secret.url])).code, 128);
      t.is((await home.git(['ls-remote', site.url])).code, 0, `after ${times + 1} rejections`);
    }
    t.regex((await home.git(['ls-remote', secret.url])).stderr, /ERR_REPOSITORY_REJECTED/);
    const status = await orgkey.run('status');
    t.is(status.code, 0, status.stdout);
    t.regex(
      status.stdout,
      /contoso\/web\/_git\/secret: no credential until \S+Z, because Azure DevOps rejected it; other repositories are served/,
    );
    const [lock, ...others] = await locksOf(orgkey, secret.url);
    t.like(lock, {organization: 'contoso', path: 'contoso/web/_git/secret', covers: 'repository'});
    const left = Date.parse(lock?.until ?? '') - Date.now();
    t.true(left > 0 && left <= 60_000, String(left));
    t.deepEqual(others, []);
    t.deepEqual(await locksOf(orgkey, site.url), []);
    t.is((await locksOf(orgkey, 'contoso')).length, 1);
    t.regex(
      (await orgkey.run('which', [secret.url])).stdout,
      /^rejected +contoso\/web\/_git\/secret: no credential until/m,
    );
    t.is((await orgkey.run('cache', ['clear'])).code, 0);
    t.deepEqual(await locksOf(orgkey, secret.url), []);
  });

  withGit(titled('a tool that rejects good credentials takes them from no one'), async (t) => {
    const {home} = await world(t, git);
    for (const url of [site.url, library.url, site.url, library.url, site.url, library.url]) {
      const filled = await home.fill(`url=${url}\n\n`);
      await home.run('git', ['credential', 'reject'], {input: filled.stdout});
      const {code, stderr} = await home.git(['ls-remote', url]);
      t.is(code, 0, stderr);
    }
  });

  withGit(
    titled('the first rejection of a credential is visible to git’s user and to operators'),
    async (t) => {
      const {daemon, home, orgkey} = await world(t, git);
      cloud.fault({endpoint: 'azure-devops', organization: 'fabrikam', status: 401, times: 'always'});
      const {code, stderr} = await home.git(['ls-remote', library.url]);
      t.is(code, 128);
      t.regex(stderr, /orgkey: error: fabrikam: personal access token: .*\(ERR_NOT_ACCEPTED\)/);
      t.regex(stderr, /orgkey: hint: run: orgkey doctor fabrikam/);
      await daemon.says(/"level":"warn".*reject(?:s|ed) the credential/);
      const status = await orgkey.run('status');
      t.is(status.code, 1);
      t.regex(status.stdout, /fabrikam.*ERR_NOT_ACCEPTED/);
      const locks = await locksOf(orgkey, library.url);
      // only a git that asks again made Azure DevOps confirm it
      t.deepEqual(
        locks.map(({covers, path}) => [covers, path]),
        git.hasAuthtype ? [['organization', 'fabrikam/shared/_git/library']] : [],
      );
      cloud.clearFaults();
      // the organization itself confirmed the rejection to a git that asks again, and gets no token for a minute
      if (git.hasAuthtype) t.is((await orgkey.run('cache', ['clear'])).code, 0);
      t.is((await home.git(['ls-remote', library.url])).code, 0);
      if (!git.hasAuthtype) await daemon.says(/fabrikam: Azure DevOps accepts the credential again/);
      t.is((await orgkey.run('status')).code, 0);
    },
  );
}

async function world(t: ExecutionContext, git: Git) {
  const configuration = `integrations:\n  azure:\n    - credentials:\n        - {${APP}}\n        - {${PAT}}\n`;
  const daemon = await daemonFor(t, {configuration, environment: cloud.environment()});
  const home = await gitPerson(cloud, daemon, git);
  t.teardown(() => home.remove());
  return {daemon, home, orgkey: new Person(t, {...daemon.environment, ORGKEY_CONFIG: daemon.configFile})};
}

/** Returns the rejections in force for a remote. */
async function locksOf(orgkey: Person, remote: string): Promise<readonly Lock[]> {
  const {stdout, stderr} = await orgkey.run('which', [remote, '--json']);
  if (stdout === '') throw new Error(stderr);
  const {locks}: {locks: readonly Lock[]} = JSON.parse(stdout);
  return locks;
}
