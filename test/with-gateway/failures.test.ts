import test from 'ava';
import type {Fault} from '../cloud/faults.ts';
import {gatewayHome, sharedGateway} from '../helpers/gateway-world.ts';
import {gits} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';

const [, git] = gits;
if (git === undefined) throw new Error('there is no newer git');
const withSocks = testUnless(git.missing, test.serial);
const gateway = sharedGateway();
test.afterEach.always(() => gateway().cloud.clearFaults());
test.beforeEach(() => gateway().cloud.requests.clear());

const explained: readonly (readonly [what: string, fault: Fault, lines: RegExp])[] = [
  ['403', {status: 403}, /remote: orgkey: .* may not do this in contoso\/web\/site.*ERR_FORBIDDEN/],
  ['404', {status: 404}, /remote: orgkey: contoso\/web\/site does not exist.*ERR_NO_REPOSITORY/],
  [
    '429',
    {status: 429, headers: {'retry-after': '17'}},
    /ERR_THROTTLED[^]*remote: hint: try again in 17 seconds/,
  ],
  ['500', {status: 500}, /Azure DevOps failed with HTTP 500.*ERR_SERVER[^]*remote: hint: try again later; /],
  [
    '502 with a time',
    {status: 502, headers: {'retry-after': '9'}},
    /ERR_SERVER[^]*remote: hint: try again in 9 seconds; status\.dev\.azure\.com/,
  ],
  [
    '429 with a time that cannot be meant',
    {status: 429, headers: {'retry-after': '999999999'}},
    /ERR_THROTTLED[^]*remote: hint: try again later$/m,
  ],
  [
    'a redirect to another host',
    {status: 302, headers: {location: 'https://evil.example/contoso/web/_git/site/info/refs'}},
    /ERR_NOT_ACCEPTED/,
  ],
  [
    'a redirect to a repository outside the rule',
    {
      status: 307,
      headers: {
        location: 'https://dev.azure.com/contoso/hr/_git/salaries/info/refs?service=git-upload-pack',
      },
    },
    /ERR_REDIRECTED/,
  ],
  ['a reset', {reset: true, times: 'always'}, /cannot be reached/],
];

// the first one: later ones have open connections
withSocks('git prints the reason and a hint beside a proxy that never answers', async (t) => {
  const world = gateway();
  const home = gatewayHome(t, world, git);
  world.cloud.fault({endpoint: 'proxy', hang: true, times: 'always'});
  const {code, stderr} = await home.git(['ls-remote', world.site.url]);
  t.not(code, 0);
  t.regex(
    stderr,
    /remote: orgkey: dev\.azure\.com cannot be reached: the proxy 127\.0\.0\.1:\d+ did not answer in time \(ERR_PROXY_SILENT\)/,
  );
  t.regex(stderr, /remote: hint: Check HTTPS_PROXY/);
});

for (const [what, fault, lines] of explained)
  withSocks(`git prints the reason and a hint after ${what}`, async (t) => {
    const world = gateway();
    const home = gatewayHome(t, world, git);
    world.cloud.fault({endpoint: 'git', path: '*/info/refs', ...fault});
    const {code, stderr} = await home.git(['ls-remote', world.site.url]);
    t.not(code, 0);
    t.regex(stderr, lines);
    t.regex(stderr, /remote: hint: /);
    t.deepEqual(
      world.cloud.requests.filter({repository: 'hr/salaries'}),
      [],
      'nothing outside the rule was asked for',
    );
  });

withSocks('a rejected token is replaced once, and git notices nothing', async (t) => {
  const world = gateway();
  const home = gatewayHome(t, world, git);
  world.cloud.fault({endpoint: 'git', path: '*/info/refs', status: 401});
  const {code, stderr} = await home.git(['ls-remote', world.site.url]);
  t.is(code, 0, stderr);
  t.is(stderr, '');
  t.is(world.cloud.requests.count({path: '*/info/refs'}), 2);
});

withSocks('a fetch that Azure DevOps refuses prints the reason', async (t) => {
  const world = gateway();
  const home = gatewayHome(t, world, git);
  world.cloud.fault({endpoint: 'git', method: 'POST', status: 403});
  const {code, stderr} = await home.git(['clone', world.site.url, 'site']);
  t.not(code, 0);
  t.regex(stderr, /remote error: orgkey: .* may not do this in contoso\/web\/site/);
});

withSocks('a push that Azure DevOps refuses is reported for each ref, small or in chunks', async (t) => {
  const world = gateway();
  const home = gatewayHome(t, world, git);
  await home.succeed(['clone', world.site.url, 'site']);
  await home.succeed(['-C', 'site', 'commit', '--allow-empty', '--message', 'x']);
  for (const size of ['1m', '1']) {
    world.cloud.fault({endpoint: 'git', method: 'POST', service: 'git-receive-pack', status: 403});
    const {code, stderr} = await home.git([
      '-c',
      `http.postBuffer=${size}`,
      '-C',
      'site',
      'push',
      'origin',
      'HEAD:refs/heads/agents/a',
    ]);
    t.not(code, 0);
    t.regex(stderr, /remote: hint: ask an administrator/);
    t.regex(stderr, /! \[remote rejected\] HEAD -> agents\/a \(orgkey: .* may not do this/);
  }
});

withSocks('an answer that is cut makes git fail', async (t) => {
  const world = gateway();
  const home = gatewayHome(t, world, git);
  world.cloud.fault({endpoint: 'git', method: 'POST', truncate: 20, times: 'always'});
  const {code} = await home.git(['clone', world.site.url, 'site']);
  t.not(code, 0);
  world.cloud.clearFaults();
  t.is((await home.git(['clone', world.site.url, 'again'])).code, 0);
});

withSocks('only the allowed headers and one Host without a port reach Azure DevOps', async (t) => {
  const world = gateway();
  const home = gatewayHome(t, world, git);
  await home.succeed([
    '-c',
    'http.extraHeader=Cookie: a=b',
    '-c',
    'http.extraHeader=Authorization: Basic eDp5',
    '-c',
    'http.extraHeader=X-Forwarded-For: 10.0.0.1',
    'clone',
    world.site.url,
    'site',
  ]);
  const allowed = new Set([
    'accept',
    'accept-encoding',
    'accept-language',
    'authorization',
    'connection',
    'content-encoding',
    'content-length',
    'content-type',
    'git-protocol',
    'host',
    'transfer-encoding',
    'user-agent',
  ]);
  const requests = world.cloud.requests.filter({endpoint: 'git'});
  t.true(requests.length >= 2);
  for (const {headers, authorization} of requests) {
    t.deepEqual(
      Object.keys(headers).filter((name) => !allowed.has(name)),
      [],
    );
    t.is(headers['host'], 'dev.azure.com');
    t.is(authorization?.scheme, 'bearer');
  }
});

// from here on the organization gets no token for a while
withSocks('git prints the reason and a hint after two rejections', async (t) => {
  const world = gateway();
  const home = gatewayHome(t, world, git);
  world.cloud.fault({endpoint: 'git', path: '*/info/refs', status: 401, times: 'always'});
  const {code, stderr} = await home.git(['ls-remote', world.site.url]);
  t.not(code, 0);
  t.regex(stderr, /remote: orgkey: .*ERR_(?:NOT_ACCEPTED|REPOSITORY_REJECTED).*\nremote: hint: /);
});
