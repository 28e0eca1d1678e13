import test from 'ava';

import {chooseRoute} from '../../../src/ssh/grant/choose-route.ts';

const azure = {host: 'ssh.dev.azure.com', port: 22};

/** A short text for a route; the login is shown on purpose. */
function routeOf(environment: Record<string, string>, to = azure, command?: string): string {
  const choice = chooseRoute(to, command, environment);
  if (choice.kind === 'unusable') return `unusable: ${choice.reason}`;
  const {route} = choice;
  switch (route.kind) {
    case 'direct':
      return 'direct';
    case 'command':
      return route.command;
    case 'http':
    case 'socks5':
      return [
        route.kind === 'http' && route.tls ? 'https' : route.kind,
        `${route.host}:${route.port}`,
        ...(route.login === undefined ? [] : [route.login.revealText()]),
      ].join(' ');
  }
}

const table: readonly (readonly [environment: Record<string, string>, expected: string])[] = [
  [{}, 'direct'],
  [{HTTPS_PROXY: ''}, 'direct'],
  [{HTTPS_PROXY: 'http://proxy:3128'}, 'http proxy:3128'],
  [{HTTPS_PROXY: 'http://proxy:3128/'}, 'http proxy:3128'],
  [{HTTPS_PROXY: 'proxy:3128'}, 'http proxy:3128'],
  [{HTTPS_PROXY: 'http://proxy'}, 'http proxy:80'],
  [{HTTPS_PROXY: 'https://proxy'}, 'https proxy:443'],
  [{HTTPS_PROXY: 'http://[::1]:3128'}, 'http ::1:3128'],
  [{HTTPS_PROXY: 'http://us%40er:p%3Ass@proxy:3128'}, 'http proxy:3128 us@er:p:ss'],
  [{https_proxy: 'http://lower:1', HTTPS_PROXY: 'http://upper:2'}, 'http lower:1'],
  [{HTTP_PROXY: 'http://second:1'}, 'http second:1'],
  [{HTTP_PROXY: 'http://second:1', HTTPS_PROXY: 'http://first:1'}, 'http first:1'],
  [{ALL_PROXY: 'socks5://socks:1080'}, 'socks5 socks:1080'],
  [{ALL_PROXY: 'socks5h://user:pw@socks'}, 'socks5 socks:1080 user:pw'],
  [{ALL_PROXY: 'http://proxy:3128'}, 'http proxy:3128'],
  [{ALL_PROXY: 'socks4://old'}, 'unusable: ALL_PROXY is not the address of a proxy'],
  [{HTTPS_PROXY: 'http://a b/'}, 'unusable: HTTPS_PROXY is not the address of a proxy'],
  [{HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'ssh.dev.azure.com'}, 'direct'],
  [{HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'localhost, .azure.com'}, 'direct'],
  [{HTTPS_PROXY: 'http://proxy:3128', no_proxy: '*.azure.com'}, 'direct'],
  [{HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'azure.com:22'}, 'direct'],
  [{HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '*'}, 'direct'],
  [{HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'azure.com:443'}, 'http proxy:3128'],
  [{HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'evilazure.com, dev.azure.co, .'}, 'http proxy:3128'],
  [{ALL_PROXY: 'socks5://socks', NO_PROXY: 'azure.com'}, 'direct'],
];

for (const [environment, expected] of table)
  test(`${JSON.stringify(environment)} → ${expected}`, (t) => {
    t.is(routeOf(environment), expected);
  });

test('a proxy command wins over every variable, with its tokens filled in', (t) => {
  const environment = {HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '*'};
  t.is(routeOf(environment, azure, 'nc -x proxy %h %p 100%%'), 'nc -x proxy ssh.dev.azure.com 22 100%');
  t.regex(routeOf({}, azure, 'nc %r@%h'), /^unusable: ssh\.proxyCommand has a %/);
  t.regex(routeOf({}, azure, 'nc %'), /^unusable/);
});

test('a login cannot be printed', (t) => {
  const choice = chooseRoute(azure, undefined, {HTTPS_PROXY: 'http://user:hunter2@proxy'});
  t.false(JSON.stringify(choice).includes('hunter2'));
});
