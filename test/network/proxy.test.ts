import test from 'ava';
import {brokenProxyIn, completeAddress, proxyFor, withoutProxy} from '../../src/network/proxy.ts';

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

for (const [address, complete, isBroken] of [
  ['http://p:3128', 'http://p:3128', false],
  ['https://p', 'https://p', false],
  ['p:3128', 'http://p:3128', false],
  ['127.0.0.1:3128', 'http://127.0.0.1:3128', false],
  ['socks5://p', 'socks5://p', true],
  ['http://', 'http://', true],
  ['not a proxy', 'http://not a proxy', true],
] as const) {
  test(`a proxy as written: ${address}`, (t) => {
    t.is(completeAddress(address), complete);
    t.is(brokenProxyIn({HTTPS_PROXY: address}), isBroken ? 'HTTPS_PROXY' : undefined);
  });
}
