import type {Socket} from 'node:net';
import test from 'ava';
import {withCredentials} from '../helpers/git-world.ts';
import {listenOnLoopback} from '../helpers/listen-on-loopback.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

/** Proxies and servers that are there and do not work: git's real helper prints a reason before it gives up. */

const cloud = await cloudForFile();
const tenant = cloud.addTenant();
const app = tenant.addApplication();
cloud.addOrganization('contoso', {tenant, members: [app]});
const credential = `organizations: [contoso], clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}`;

const ESTABLISHED = 'HTTP/1.1 200 OK\r\n\r\n';

const broken: readonly (readonly [what: string, serve: (socket: Socket) => void, reason: RegExp])[] = [
  [
    'a proxy that never answers',
    () => undefined,
    /the proxy 127\.0\.0\.1:\d+ did not answer in time \(ERR_PROXY_SILENT\)$/,
  ],
  [
    'a proxy that answers half a line',
    (socket) => void socket.once('data', () => socket.write('HTTP/1.1 20')),
    /the proxy 127\.0\.0\.1:\d+ did not answer in time \(ERR_PROXY_SILENT\)$/,
  ],
  [
    'a proxy that hangs up',
    (socket) => void socket.once('data', () => socket.destroy()),
    /the proxy 127\.0\.0\.1:\d+ cannot be reached \(ECONNRESET\) \(ERR_PROXY_UNREACHABLE\)$/,
  ],
  [
    'a server that never answers the TLS greeting',
    (socket) => void socket.once('data', () => socket.write(ESTABLISHED)),
    /login\.microsoftonline\.com through the proxy 127\.0\.0\.1:\d+ did not answer in time \(ERR_TIMEOUT\)$/,
  ],
  [
    'a server that ends in the middle of the TLS greeting',
    (socket) =>
      void socket.once('data', () => {
        socket.write(ESTABLISHED);
        socket.once('data', () => socket.end(Buffer.of(22, 3, 3, 0, 90, 2, 0)));
      }),
    /the connection to login\.microsoftonline\.com through the proxy .* was cut \(ECONNRESET\) \(ERR_CONNECTION_LOST\)$/,
  ],
  [
    'a server that does not speak TLS',
    (socket) =>
      void socket.once('data', () => {
        socket.write(ESTABLISHED);
        socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      }),
    /no secure connection to login\.microsoftonline\.com can be made \(.*\) \(ERR_TLS\)$/,
  ],
];

for (const [what, serve, reason] of broken)
  test.serial(`git prints a reason beside ${what}`, async (t) => {
    const port = await listenOnLoopback(t, serve);
    const proxy = `http://ada:sesame@127.0.0.1:${port}`;
    const {home, daemon} = await withCredentials(t, cloud, [credential], {
      environment: {HTTPS_PROXY: proxy, https_proxy: proxy},
    });
    const {code, stdout, stderr} = await home.fill(
      'protocol=https\nhost=dev.azure.com\npath=contoso/web/_git/site\n\n',
    );
    t.not(code, 0);
    t.is(stdout, '');
    const [error = '', hint = ''] = stderr.split('\n');
    t.regex(error, /^orgkey: error: contoso: /);
    t.regex(error, reason);
    t.regex(hint, /^orgkey: hint: /);
    t.notRegex(`${stderr}${daemon.stderr}`, /sesame/);
  });

for (const login of [String.raw`corp\ann:sesame`, 'ann:ses%ame', 'ann:ses#ame', 'ann:ses/ame'])
  test.serial(`git prints how to write the login ${login} of a proxy, and not the login`, async (t) => {
    const HTTPS_PROXY = `http://${login}@127.0.0.1:9`;
    const {home, daemon} = await withCredentials(t, cloud, [credential], {
      environment: {HTTPS_PROXY, https_proxy: HTTPS_PROXY},
    });
    const {stderr} = await home.fill('protocol=https\nhost=dev.azure.com\npath=contoso/web/_git/site\n\n');
    const [error = '', hint = ''] = stderr.split('\n');
    t.regex(error, /: the login in https_proxy has a character that must be escaped \(ERR_PROXY_ADDRESS\)$/);
    t.regex(
      hint,
      /^orgkey: hint: Write \\ as %5C, # as %23, \/ as %2F, \? as %3F and % as %25 in https_proxy/,
    );
    const everything = `${stderr}${daemon.stderr}${JSON.stringify(await daemon.status())}`;
    t.notRegex(everything, /sesame|ses.ame/);
  });

test.serial('a token that lives is served although the proxy died', async (t) => {
  const {home, daemon} = await withCredentials(t, cloud, [credential]);
  const request = 'protocol=https\nhost=dev.azure.com\npath=contoso/web/_git/site\n\n';
  const {stdout} = await home.fill(request);
  t.regex(stdout, /^password=./m);
  cloud.fault({endpoint: 'proxy', hang: true, times: 'always'});
  t.is((await home.fill(request)).stdout, stdout);
  cloud.clearFaults();
  t.is(daemon.process.exitCode, null);
});
