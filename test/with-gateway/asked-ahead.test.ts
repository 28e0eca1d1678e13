import test from 'ava';
import {GatewayConnection, gatewayHome, sharedGateway} from '../helpers/gateway-world.ts';
import {gits} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';

const [, git] = gits;
if (git === undefined) throw new Error('there is no newer git');
const withSocks = testUnless(git.missing, test.serial);
const gateway = sharedGateway();
test.afterEach.always(() => gateway().cloud.clearFaults());

const FIRST =
  'GET /contoso/web/_git/site/info/refs?service=git-upload-pack HTTP/1.1\r\n' +
  'Host: dev.azure.com.orgkey.invalid\r\nGit-Protocol: version=2\r\n\r\n';

withSocks('refs are asked for once by each git, also if they are asked for ahead', async (t) => {
  const {cloud, site} = gateway();
  const home = gatewayHome(t, gateway(), git);
  const first = await home.succeed(['ls-remote', site.url]);
  cloud.requests.clear();
  for (let round = 0; round < 4; round++) t.is(await home.succeed(['ls-remote', site.url]), first);
  t.is(cloud.requests.count({path: '*/info/refs', status: 200}), 4);
  t.is(cloud.requests.count({path: '*/git-upload-pack', status: 200}), 4);
});

withSocks('the usual question leaves while the first request is unanswered', async (t) => {
  const {cloud, socket} = gateway();
  cloud.requests.clear();
  cloud.fault({endpoint: 'git', path: '*/info/refs', hang: true, times: 'always'});
  const client = new GatewayConnection(socket);
  client.request('dev.azure.com', FIRST);
  const [asked] = await cloud.requests.waitFor({method: 'POST', status: 200});
  t.is(asked?.path, '/contoso/web/_git/site/git-upload-pack');
  client.socket.destroy();
});

withSocks('a client of another protocol version is not asked for ahead', async (t) => {
  const {cloud, site} = gateway();
  const home = gatewayHome(t, gateway(), git);
  cloud.requests.clear();
  await home.succeed(['-c', 'protocol.version=0', 'ls-remote', site.url]);
  t.deepEqual(
    cloud.requests.all.map(({method}) => method),
    ['GET'],
  );
});

withSocks('refs that were asked for ahead are those of that moment', async (t) => {
  const {site} = gateway();
  const home = gatewayHome(t, gateway(), git);
  await home.succeed(['clone', site.url, 'site']);
  for (const name of ['one', 'two', 'three']) {
    await home.succeed(['-C', 'site', 'push', 'origin', `HEAD:refs/heads/agents/${name}`]);
    t.regex(await home.succeed(['ls-remote', site.url]), new RegExp(`refs/heads/agents/${name}$`, 'm'));
  }
});

withSocks('another question than the usual one is asked', async (t) => {
  const {site} = gateway();
  const home = gatewayHome(t, gateway(), git);
  await home.succeed(['ls-remote', site.url]);
  await home.succeed(['ls-remote', site.url]);
  t.regex(
    await home.succeed(['ls-remote', site.url, 'refs/heads/main']),
    /^[0-9a-f]{40}\trefs\/heads\/main$/,
  );
  await home.succeed(['clone', site.url, 'site']);
  t.true(home.has('site/a.txt'));
});

withSocks('git prints why a question that was sent ahead is refused', async (t) => {
  const {cloud, site} = gateway();
  const home = gatewayHome(t, gateway(), git);
  for (let round = 0; round < 2; round++) await home.succeed(['ls-remote', site.url]);
  cloud.fault({endpoint: 'git', method: 'POST', status: 403});
  const {code, stderr} = await home.git(['ls-remote', site.url]);
  t.not(code, 0);
  t.regex(stderr, /remote error: orgkey: .* may not do this in contoso\/web\/site/);
});

withSocks('a token that was rejected in between is not used for the answer', async (t) => {
  const {cloud, site} = gateway();
  const home = gatewayHome(t, gateway(), git);
  for (let round = 0; round < 2; round++) await home.succeed(['ls-remote', site.url]);
  cloud.fault({endpoint: 'git', path: '*/info/refs', status: 401});
  const {code, stderr} = await home.git(['ls-remote', site.url]);
  t.is(code, 0, stderr);
  t.is(stderr, '');
});
