import test, {type ExecutionContext} from 'ava';
import {startCloud, type Cloud} from '../cloud/cloud.ts';
import {Person} from '../helpers/command-line.ts';
import {startDaemon} from '../helpers/daemon.ts';
import {gitPerson} from '../helpers/git-person.ts';
import {gits, type Git} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';

const cloud: Cloud = await startCloud();
test.after.always(() => cloud.close());
test.afterEach.always(() => cloud.clearFaults());

const tenant = cloud.addTenant();
const app = tenant.addApplication();
const contoso = cloud.addOrganization('contoso', {tenant, members: [app]});
const site = contoso.addRepository('web/site', {files: {a: 'a'}});
const secret = contoso.addRepository('web/secret', {files: {a: 'a'}});
const fabrikam = cloud.addOrganization('fabrikam', {tenant});
const library = fabrikam.addRepository('shared/library', {files: {a: 'a'}});
const pat = fabrikam.addPat();
const APP = `organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}`;
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
  const daemon = await startDaemon({configuration, environment: cloud.environment()});
  t.teardown(() => daemon.close());
  const home = await gitPerson(cloud, daemon, git);
  t.teardown(() => home.remove());
  return {daemon, home, orgkey: new Person(t, daemon.environment)};
}
