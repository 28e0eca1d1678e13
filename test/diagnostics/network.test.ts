import test from 'ava';
import {patientOf} from '../helpers/doctor.ts';
import type {Cloud} from '../cloud/cloud.ts';
import type {Fault} from '../cloud/faults.ts';

function onePat(cloud: Cloud) {
  const pat = cloud.addOrganization('contoso').addPat();
  return {credentials: `{organizations: [contoso], personalAccessToken: "${pat.value}"}`};
}

const failures: readonly [title: string, fault: Fault, expected: RegExp][] = [
  [
    'a proxy that requires a login',
    {endpoint: 'proxy', status: 407},
    /^failed: the proxy .* wants a login → Put the login into HTTPS_PROXY: /,
  ],
  [
    'a proxy that refuses the connection',
    {endpoint: 'proxy', status: 403},
    /^failed: the proxy .* makes no connection to dev\.azure\.com → Have the proxy allow/,
  ],
  [
    'an expired certificate',
    {endpoint: 'tls', certificate: 'expired'},
    /^failed: the certificate of dev\.azure\.com is no longer valid → Check this machine's clock/,
  ],
  [
    'a certificate of an unknown authority',
    {endpoint: 'tls', certificate: 'untrusted'},
    /^failed: the certificate of dev\.azure\.com comes from an authority that is not trusted here .*, but maybe by git, which reads (\S+) → export NODE_EXTRA_CA_CERTS=\1/,
  ],
  [
    'a certificate of another host',
    {endpoint: 'tls', certificate: 'wrong-name'},
    /^failed: the certificate does not belong to dev\.azure\.com → Another server answers/,
  ],
  [
    'a connection that is cut',
    {endpoint: 'azure-devops', reset: true},
    /^failed: the connection to dev\.azure\.com .*was cut/,
  ],
];

for (const [title, fault, expected] of failures)
  test(`doctor explains ${title}`, async (t) => {
    const {cloud, examine} = await patientOf(t, onePat);
    cloud.fault({...fault, times: 'always'});
    const {code, of} = await examine(['contoso']);
    t.is(code, 1);
    t.regex(of('network', 'dev.azure.com'), expected);
    const served = cloud.requests.filter(({authorization}) => authorization !== undefined);
    if (fault.endpoint !== 'azure-devops') t.is(served.length, 0, 'no token was sent');
  });

test('a login of a proxy is used, and an invalid address is reported', async (t) => {
  const {cloud, examine} = await patientOf(t, onePat);
  const login = cloud.proxyUrl.replace('://', '://me:p%40ss@');
  const {of} = await examine(['contoso'], {environment: {https_proxy: login, HTTPS_PROXY: login}});
  t.regex(of('network', 'dev.azure.com'), /^ok: reached through the proxy 127\.0\.0\.1:\d+$/);
  t.regex(of('contoso', 'sign-in'), /^ok/);
  const broken = await examine(['contoso'], {
    environment: {https_proxy: 'socks5://proxy:1080', HTTPS_PROXY: ''},
  });
  t.regex(
    broken.of('network', 'proxy'),
    /^failed: https_proxy is not the address of a proxy → Set https_proxy to http:\/\/proxy:port\.$/,
  );
  const gone = await examine(['contoso'], {
    environment: {https_proxy: 'http://127.0.0.1:1', HTTPS_PROXY: ''},
  });
  t.regex(
    gone.of('network', 'dev.azure.com'),
    /^failed: the proxy 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/,
  );
  const missing = await examine(['contoso'], {environment: {NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem'}});
  t.regex(
    missing.of('network', 'authorities'),
    /^failed: cannot read \/nowhere\/ca\.pem, which NODE_EXTRA_CA_CERTS names/,
  );
});

test('a login that must be escaped is explained, and never shown', async (t) => {
  const {cloud, examine} = await patientOf(t, onePat);
  for (const login of [String.raw`corp\ann:sesame`, 'ann:ses%ame', 'ann:ses#ame', 'ann:ses/ame']) {
    const https_proxy = cloud.proxyUrl.replace('://', `://${login}@`);
    const {code, of, diagnostics} = await examine(['contoso'], {environment: {https_proxy, HTTPS_PROXY: ''}});
    t.is(code, 1);
    t.regex(
      of('network', 'proxy'),
      /^failed: the login in https_proxy has a character .* → Write \\ as %5C, # as %23, \/ as %2F, .* % as %25/,
    );
    t.notRegex(JSON.stringify(diagnostics), /sesame|ses.ame/);
  }
});
