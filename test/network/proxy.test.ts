import test from 'ava';
import {
  brokenProxyIn,
  completeAddress,
  proxyAddress,
  proxyFor,
  withoutProxy,
} from '../../src/network/proxy.ts';

const proxied = test.macro({
  title: (_, url: string, variables: Record<string, string>, expected: string | undefined) =>
    `${JSON.stringify(variables)}: ${url} goes ${expected === undefined ? 'straight' : `through ${expected}`}`,
  exec: (t, url: string, variables: Record<string, string>, expected: string | undefined) =>
    t.is(proxyFor(url, variables), expected),
});

const entra = 'https://login.microsoftonline.com/x';
const imds = 'http://169.254.169.254/metadata';

test(proxied, entra, {}, undefined);
test(proxied, entra, {HTTPS_PROXY: 'http://p:3128'}, 'p:3128');
test(proxied, entra, {https_proxy: 'http://low:1', HTTPS_PROXY: 'http://high:1'}, 'low:1');
test(proxied, entra, {HTTP_PROXY: 'http://p:3128'}, undefined);
test(proxied, imds, {HTTP_PROXY: 'http://p:3128'}, 'p:3128');
test(proxied, imds, {HTTP_PROXY: 'http://p:3128', NO_PROXY: '169.254.169.254'}, undefined);
test(proxied, entra, {HTTPS_PROXY: 'p:3128'}, 'p:3128');
test(proxied, entra, {HTTPS_PROXY: 'http://ada:sesame@p:3128'}, 'p:3128');
test(proxied, entra, {HTTPS_PROXY: ''}, undefined);
test(proxied, entra, {https_proxy: '', HTTPS_PROXY: 'http://high:1'}, undefined);
test(proxied, entra, {HTTPS_PROXY: 'http://p', no_proxy: '', NO_PROXY: '*'}, 'p');
test(proxied, entra, {HTTPS_PROXY: 'http://p', NO_PROXY: 'login.microsoftonline.com.'}, undefined);
test(
  proxied,
  'https://login.microsoftonline.com./x',
  {HTTPS_PROXY: 'http://p', NO_PROXY: 'microsoftonline.com'},
  undefined,
);
test(proxied, entra, {HTTPS_PROXY: 'http://p', NO_PROXY: '*'}, undefined);
test(proxied, entra, {HTTPS_PROXY: 'http://p', NO_PROXY: '.microsoftonline.com'}, undefined);
test(proxied, entra, {HTTPS_PROXY: 'http://p', NO_PROXY: '*.microsoftonline.com'}, undefined);
test(proxied, entra, {HTTPS_PROXY: 'http://p', NO_PROXY: 'a, Login.MicrosoftOnline.com'}, undefined);
test(proxied, entra, {HTTPS_PROXY: 'http://p', NO_PROXY: 'login.microsoftonline.com:443'}, undefined);
test(proxied, entra, {HTTPS_PROXY: 'http://p', NO_PROXY: 'login.microsoftonline.com:8443'}, 'p');
test(proxied, entra, {HTTPS_PROXY: 'http://p', NO_PROXY: 'online.com'}, 'p');
test(proxied, entra, {HTTPS_PROXY: 'http://p', NO_PROXY: 'microsoftonline.com'}, undefined);
test(proxied, entra, {HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8 :443 .'}, 'p');
test(proxied, 'https://10.1.2.3/', {HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8'}, undefined);
test(proxied, 'https://11.1.2.3/', {HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8,11.0.0.0/99,x/y'}, 'p');
test(proxied, 'https://10.1.2.3/', {HTTPS_PROXY: 'http://p', NO_PROXY: '2.3'}, 'p');
test(proxied, 'https://[fd00::1]/', {HTTPS_PROXY: 'http://p', NO_PROXY: 'fd00::/8'}, undefined);
test(proxied, 'https://[fd00::1]/', {HTTPS_PROXY: 'http://p', NO_PROXY: 'fd00::1'}, undefined);
test(proxied, 'https://[fd00::1]:8443/', {HTTPS_PROXY: 'http://p', NO_PROXY: '[fd00::1]:8443'}, undefined);
test(proxied, 'https://[fd00::1]/', {HTTPS_PROXY: 'http://p', NO_PROXY: '[fd00::1]:8443'}, 'p');
test(proxied, 'https://[fd00::1]/', {HTTPS_PROXY: 'http://p', NO_PROXY: '[fd00::1]'}, undefined);
test(proxied, 'https://[fd00::1]/', {HTTPS_PROXY: 'http://p', NO_PROXY: 'FD00:0:0::0:1'}, undefined);
test(proxied, 'https://[fd00::2]/', {HTTPS_PROXY: 'http://p', NO_PROXY: 'fd00::1'}, 'p');
test(proxied, 'https://10.1.2.3:8443/', {HTTPS_PROXY: 'http://p', NO_PROXY: '10.1.2.3:443'}, 'p');

for (const [list, expected] of [
  [undefined, '169.254.169.254'],
  ['', '169.254.169.254'],
  ['a b', 'a,b,169.254.169.254'],
  ['a,169.254.169.254', 'a,169.254.169.254'],
  ['*', '*'],
] as const) {
  test(`the metadata service is never behind a proxy: ${String(list)}`, (t) =>
    t.is(withoutProxy(list), expected));
}

for (const [address, complete] of [
  ['http://p:3128', 'http://p:3128'],
  ['p:3128', 'http://p:3128'],
  ['127.0.0.1:3128', 'http://127.0.0.1:3128'],
  ['socks5://p', 'socks5://p'],
] as const)
  test(`a proxy gets a scheme if it has none: ${address}`, (t) => t.is(completeAddress(address), complete));

for (const [address, expected] of [
  ['http://p:3128', {kind: 'http', host: 'p', port: 3128, login: undefined}],
  ['https://p', {kind: 'https', host: 'p', port: 443, login: undefined}],
  ['p', {kind: 'http', host: 'p', port: 80, login: undefined}],
  ['p:3128/', {kind: 'http', host: 'p', port: 3128, login: undefined}],
  ['[::1]:3128', {kind: 'http', host: '::1', port: 3128, login: undefined}],
  ['http://ann:p@ss@p:3128', {kind: 'http', host: 'p', port: 3128, login: 'ann:p@ss'}],
  ['http://ann:p ss@p', {kind: 'http', host: 'p', port: 80, login: 'ann:p ss'}],
  ['http://ann:pä@p', {kind: 'http', host: 'p', port: 80, login: 'ann:pä'}],
  ['http://ann:a:b@p', {kind: 'http', host: 'p', port: 80, login: 'ann:a:b'}],
  ['http://corp%5Cann:p%23%2F%25ss@p', {kind: 'http', host: 'p', port: 80, login: 'corp\\ann:p#/%ss'}],
] as const)
  test(`a proxy as written: ${address}`, (t) => {
    t.deepEqual(proxyAddress(entra, {HTTPS_PROXY: address}), expected);
    t.is(brokenProxyIn({HTTPS_PROXY: address}), undefined);
  });

for (const address of ['socks5://p', 'http://', 'not a proxy', 'http://p:99999', 'file:///p', 'http://a b/'])
  test(`no proxy: ${address}`, (t) => {
    const {code, message} = brokenProxyIn({HTTPS_PROXY: address}) ?? {};
    t.is(code, 'ERR_PROXY_ADDRESS');
    t.is(message, 'HTTPS_PROXY is not the address of a proxy');
    t.throws(() => proxyAddress(entra, {HTTPS_PROXY: address}), {code: 'ERR_PROXY_ADDRESS'});
  });

for (const login of [
  String.raw`corp\ann:sesame`,
  'ann:ses%ame',
  'ann:ses#ame',
  'ann:ses/ame',
  'ann:ses?ame',
  'ann:%',
  'ann:%FF',
  '12/sesame',
])
  test(`the login ${login} must be escaped`, (t) => {
    const variables = {https_proxy: `http://${login}@p:3128`};
    const {code, message = '', hint = ''} = brokenProxyIn(variables) ?? {};
    t.is(code, 'ERR_PROXY_ADDRESS');
    t.is(message, 'the login in https_proxy has a character that must be escaped');
    t.regex(hint, /^Write \\ as %5C, # as %23, \/ as %2F, \? as %3F and % as %25 in https_proxy/);
    t.notRegex(`${message}${hint}`, /ame|ann/);
    t.throws(() => proxyAddress(entra, variables), {code: 'ERR_PROXY_ADDRESS'});
  });
