import test from 'ava';
import {startCloud} from '../cloud/cloud.ts';
import {helper, startDaemon, daemonFor} from '../helpers/daemon.ts';
import {homeFor} from '../helpers/git-home.ts';
import {gitPerson} from '../helpers/git-person.ts';
import {gits, type Git} from '../helpers/gits.ts';
import {helperValue} from '../../src/git/setting.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {addContoso} from '../helpers/cloud-for.ts';

/** Two organizations with an identity each, a daemon that knows both, and a user whose git asks it. */
async function world(git: Git) {
  const cloud = await startCloud();
  const {tenant, app, contoso, credential} = addContoso(cloud);
  const fabrikam = cloud.addOrganization('fabrikam', {tenant});
  const pat = fabrikam.addPat();
  const configuration = `integrations:
  azure:
    - credentials:
        - {${credential}}
        - {organizations: [fabrikam], personalAccessToken: "${pat.value}"}
`;
  const daemon = await startDaemon({configuration, environment: cloud.environment()});
  const home = await gitPerson(cloud, daemon, git);
  return {
    cloud,
    tenant,
    app,
    contoso,
    fabrikam,
    pat,
    daemon,
    home,
    close: async () => {
      home.remove();
      await daemon.close();
      await cloud.close();
    },
  };
}

for (const git of gits) {
  const withGit = testUnless(git.missing, test.serial);
  const titled = (title: string) => `${git.name}: ${title}`;

  withGit(
    titled('clones a private repository with a submodule of another organization, each with its identity'),
    async (t) => {
      const {cloud, contoso, fabrikam, pat, home, close} = await world(git);
      t.teardown(close);
      const library = fabrikam.addRepository('shared/library', {files: {'library.txt': 'from fabrikam\n'}});
      const site = contoso.addRepository('web/site', {
        files: {'index.html': 'from contoso\n'},
        submodules: [{path: 'library', url: library.url}],
      });

      await home.succeed(['clone', '--recurse-submodules', site.url, 'site']);
      t.is(await home.succeed(['-C', 'site/library', 'rev-parse', 'HEAD']), await library.ready());
      await home.succeed(['-C', 'site', 'fetch', '--recurse-submodules']);

      t.is(cloud.requests.count({endpoint: 'token'}), 1, 'one token serves the clone and the fetch');
      const served = cloud.requests.filter(
        (request) => request.endpoint === 'git' && request.authorization !== undefined,
      );
      t.true(served.length > 0);
      for (const {organization, authorization, status} of served) {
        t.is(status, 200);
        t.is(authorization?.scheme, git.hasAuthtype && organization === 'contoso' ? 'bearer' : 'basic');
        t.is(authorization?.secret === pat.value, organization === 'fabrikam');
      }
    },
  );

  withGit(titled('keeps the user name of the URL, if git sends it'), async (t) => {
    const {cloud, fabrikam, home, close} = await world(git);
    t.teardown(close);
    const library = fabrikam.addRepository('shared/library', {files: {a: 'a'}});
    await home.succeed(['ls-remote', library.url.replace('https://', 'https://fabrikam@')]);
    const [served] = cloud.requests.filter({endpoint: 'git', status: 200});
    // Later ones drop it after the first answer, before they ask
    const [, minor = 0] = /^git 2\.(\d+)/.exec(git.name) ?? [];
    t.is(served?.authorization?.username, Number(minor) < 55 ? 'fabrikam' : 'orgkey');
  });

  withGit(titled('hands nothing to other hosts, to http and to submodules that point there'), async (t) => {
    const {cloud, contoso, home, close} = await world(git);
    t.teardown(close);
    const trap = contoso.addRepository('web/trap', {
      files: {a: 'a'},
      submodules: [{path: 'evil', url: 'https://dev.azure.com.evil.example/contoso/web/_git/site'}],
    });
    cloud.addOtherHost('dev.azure.com.evil.example');
    const {code} = await home.git(['clone', '--recurse-submodules', trap.url, 'trap']);
    t.not(code, 0);
    const elsewhere = cloud.requests.filter(({host}) => host.includes('evil'));
    t.true(elsewhere.length > 0, 'git did go there');
    t.true(elsewhere.every(({authorization}) => authorization === undefined));

    for (const attributes of [
      'protocol=http\nhost=dev.azure.com\npath=contoso/web/_git/site',
      'protocol=https\nhost=dev.azure.com.evil.example\npath=contoso/web/_git/site',
      'protocol=https\nhost=github.com\npath=contoso/site',
    ]) {
      const {stdout} = await home.fill(`${attributes}\n\n`);
      t.notRegex(stdout, /password|credential/);
    }
  });

  withGit(titled('reports why a configured organization fails, and does not prompt'), async (t) => {
    const {cloud, app, contoso, home, daemon, close} = await world(git);
    t.teardown(close);
    const site = contoso.addRepository('web/site', {files: {a: 'a'}});
    daemon.configure(`integrations:
  azure:
    - credentials:
        - {organizations: [contoso], clientId: ${app.clientId}, clientSecret: wrong-secret, tenantId: ${contoso.tenantId}}
`);
    daemon.process.kill('SIGHUP');
    await daemon.says(/1 credential\b/);
    // whatever would ask for a password leaves a trace
    const asked = home.write('askpass', '#!/bin/sh\ntouch "$HOME/asked"; echo secret\n', 0o755);
    const {code, stderr} = await home.git(['clone', site.url], {environment: {GIT_ASKPASS: asked}});
    t.not(code, 0);
    t.regex(stderr, /orgkey: error: contoso: client secret .*AADSTS7000215/);
    t.regex(stderr, /orgkey: hint: .*secret/);
    t.regex(stderr, /orgkey: hint: run: orgkey doctor contoso/);
    t.regex(stderr, /told us to quit/);
    t.false(home.has('asked'));
    t.is(cloud.requests.count({endpoint: 'git', status: 200}), 0);
  });

  withGit(titled('leaves an organization without configuration to the next helper'), async (t) => {
    const {cloud, home, tenant, close} = await world(git);
    t.teardown(close);
    const stranger = cloud.addOrganization('stranger', {tenant});
    const pat = stranger.addPat();
    const repository = stranger.addRepository('web/site', {files: {a: 'a'}});
    const next = home.write(
      'next-helper',
      `#!/bin/sh\n[ "$1" = get ] && printf 'username=me\\npassword=${pat.value}\\n'\n`,
      0o755,
    );
    await home.succeed(['config', '--global', '--add', 'credential.helper', `!'${next}'`]);
    await home.succeed(['ls-remote', repository.url]);
    const [served] = cloud.requests.filter({endpoint: 'git', status: 200});
    t.is(served?.authorization?.secret, pat.value);
  });

  withGit(titled('a token that was revoked is replaced'), async (t) => {
    const {cloud, contoso, home, close} = await world(git);
    t.teardown(close);
    const site = contoso.addRepository('web/site', {files: {a: 'a'}});
    await home.succeed(['ls-remote', site.url]);
    const [first] = cloud.requests.filter({endpoint: 'git', status: 200});
    cloud.revoke(first?.authorization?.secret ?? '');

    const {code} = await home.git(['ls-remote', site.url]);
    t.is(code === 0, git.hasAuthtype, 'git from 2.46 on asks again unseen, an older one fails once');
    await home.succeed(['ls-remote', site.url]);
    t.is(cloud.requests.count({endpoint: 'token'}), 2);
  });

  withGit(titled('a killed daemon does not make git hang, and a new one takes over'), async (t) => {
    const {cloud, contoso, home, daemon, close} = await world(git);
    t.teardown(close);
    const site = contoso.addRepository('web/site', {files: {a: 'a'}});
    const hang = cloud.fault({endpoint: 'token', hang: true, times: 'always'});
    const waiting = home.git(['ls-remote', site.url]);
    await cloud.requests.waitFor({endpoint: 'token'});
    await daemon.stop('SIGKILL');
    const {code, stderr} = await waiting;
    t.not(code, 0);
    t.regex(stderr, /orgkey: hint: start it: orgkey service start/);
    hang.clear();

    await daemonFor(t, {directory: daemon.directory, environment: cloud.environment()});
    await home.succeed(['ls-remote', site.url]);
  });
}

test.serial('with the daemon down, what git stores starts no daemon of git on our path', async (t) => {
  const daemon = await daemonFor(t, {configuration: 'integrations: {azure: []}\n'});
  const home = homeFor(t, daemon.environment);
  await home.succeed(['config', '--global', 'credential.helper', helperValue(helper)]);
  await daemon.stop('SIGKILL');
  const store = 'protocol=https\nhost=dev.azure.com\npath=contoso/x\nusername=me\npassword=secret\n\n';
  await home.run('git', ['credential', 'approve'], {input: store});
  const {stdout} = await home.run('ps', ['-eo', 'args']);
  t.false(stdout.includes(`credential-cache--daemon ${daemon.runtime}`));

  // Nor if a user points git's own client at our socket
  await home.run('sh', [
    '-c',
    `printf '${store.replaceAll('\n', '\\n')}' | git credential-cache --socket='${daemon.socket}' store`,
  ]);
  const next = await daemonFor(t, {directory: daemon.directory});
  t.regex(await next.ask('action=hello\ntimeout=0\n'), /^orgkey=1\nversion=/);
});
