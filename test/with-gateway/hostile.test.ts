import {array, assert, asyncProperty, boolean, constantFrom, nat, oneof, tuple, uint8Array} from 'fast-check';
import test from 'ava';
import {
  askGateway,
  getRequest,
  GatewayConnection,
  sharedGateway,
  type GatewayWorld,
} from '../helpers/gateway-world.ts';

const gateway = sharedGateway();
test.afterEach.always(() => gateway().cloud.clearFaults());
const REFS = '/contoso/web/_git/site/info/refs?service=git-upload-pack';

/** Everything that Azure DevOps was asked for, outside the rule of the gateway. */
function outside({cloud}: GatewayWorld) {
  return cloud.requests.filter(
    ({endpoint, repository}) => endpoint === 'git' && repository?.toLowerCase() !== 'web/site',
  );
}

test.serial('a request in the same packet as the handshake is answered', async (t) => {
  const answer = await askGateway(gateway(), getRequest(REFS));
  t.regex(answer, /^HTTP\/1\.1 200 /);
  t.true(answer.includes('# service=git-upload-pack'));
  t.notRegex(answer, /^(?:set-cookie|www-authenticate|authorization|x-vss-[\w-]*|x-tfs-[\w-]*|server):/im);
});

const ambiguous: readonly (readonly [what: string, text: string])[] = [
  ['a length and chunks', post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
  ['two lengths', post('Content-Length: 4\r\nContent-Length: 5\r\n', '0000')],
  ['two equal lengths', post('Content-Length: 4\r\nContent-Length: 4\r\n', '0000')],
  ['two hosts', getRequest(REFS, 'dev.azure.com', 'Host: dev.azure.com.orgkey.invalid\r\n')],
  ['another host than its connection', getRequest(REFS, 'contoso.visualstudio.com')],
  ['the real host', `GET ${REFS} HTTP/1.1\r\nHost: dev.azure.com\r\nConnection: close\r\n\r\n`],
  ['an absolute address', getRequest(`http://dev.azure.com.orgkey.invalid${REFS}`)],
  ['an absolute address elsewhere', getRequest('http://evil.example/contoso/web/_git/site/info/refs')],
  ['an encoded slash', getRequest('/contoso/web%2f_git/site/info/refs?service=git-upload-pack')],
  ['an encoded way up', getRequest('/contoso/web/%2e%2e/hr/_git/salaries/info/refs?service=git-upload-pack')],
  ['a way up', getRequest('/contoso/web/../hr/_git/salaries/info/refs?service=git-upload-pack')],
  ['a path that is encoded twice', getRequest('/contoso/web/_git/site%252f..%252fsalaries/info/refs')],
  ['a backslash', getRequest('/contoso/web/_git\\site/info/refs?service=git-upload-pack')],
  ['a second service', getRequest(`${REFS}&service=git-receive-pack`)],
  ['an interface that is not of git', getRequest('/contoso/_apis/projects')],
  ['the sources of a push', post('', '', '/contoso/web/_git/site/git-upload-archive')],
  ['a folded header', getRequest(REFS, 'dev.azure.com', 'X-A: b\r\n c: d\r\n')],
  ['a space in front of the colon', getRequest(REFS, 'dev.azure.com', 'Content-Length : 4\r\n')],
  ['a method that is not known', getRequest(REFS).replace('GET', 'TRACE')],
  ['a tunnel', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n'],
  ['1,000 headers', getRequest(REFS, 'dev.azure.com', 'X-A: b\r\n'.repeat(5000))],
  ['a chunk that is not one', post('Transfer-Encoding: chunked\r\n', 'zz\r\n0000\r\n0\r\n\r\n')],
];

/** The head of a GET request that leaves its connection open. */
function kept(target: string): string {
  return getRequest(target).replace('Connection: close\r\n', '');
}

function post(headers: string, body: string, path = '/contoso/web/_git/site/git-upload-pack'): string {
  return `POST ${path} HTTP/1.1\r\nHost: dev.azure.com.orgkey.invalid\r\nConnection: close\r\n${headers}\r\n${body}`;
}

for (const [what, text] of ambiguous)
  test.serial(`a request with ${what} gets nothing`, async (t) => {
    const world = gateway();
    world.cloud.requests.clear();
    const answer = await askGateway(world, text);
    t.notRegex(answer, /^HTTP\/1\.1 2/);
    t.is(world.cloud.requests.count({endpoint: 'git', status: 200}), 0);
    t.deepEqual(outside(world), []);
  });

const segment = constantFrom(
  'contoso',
  'CONTOSO',
  'web',
  'hr',
  '_git',
  'site',
  'salaries',
  '..',
  '.',
  '',
  '%2e%2e',
  '%2f',
  '_full',
  '_optimized',
  'DefaultCollection',
  'v3',
  'info',
  'refs',
  '_apis',
  '%5c',
  '%00',
  'salaries%20',
  'web;x',
);
const path = tuple(array(segment, {minLength: 1, maxLength: 6}), boolean()).map(
  ([parts, isGit]) => `/${parts.join('/')}${isGit ? '/info/refs?service=git-upload-pack' : ''}`,
);
const host = constantFrom('dev.azure.com', 'contoso.visualstudio.com', 'ssh.dev.azure.com');

test.serial('1,000 generated requests reach nothing outside the rule', async (t) => {
  const world = gateway();
  world.cloud.requests.clear();
  await assert(
    asyncProperty(host, path, async (name, target) => {
      const answer = await askGateway(world, getRequest(target, name), name);
      return !answer.includes('salaries\0') && outside(world).length === 0;
    }),
    {numRuns: 1000},
  );
  t.deepEqual(outside(world), []);
});

test.serial('1,000 generated handshakes open nothing', async (t) => {
  const world = gateway();
  world.cloud.requests.clear();
  const bytes = oneof(
    uint8Array({maxLength: 40}),
    tuple(uint8Array({minLength: 1, maxLength: 30}), nat(65_535)).map(([name, port]) =>
      Uint8Array.of(5, 1, 0, 5, 1, 0, 3, name.length, ...name, port >> 8, port & 255),
    ),
  );
  await assert(
    asyncProperty(bytes, async (sent) => {
      const connection = new GatewayConnection(world.socket);
      connection.socket.end(sent);
      await connection.answer();
      // never the reply that opens the way
      return !connection.received.includes(Buffer.of(5, 0, 0, 1));
    }),
    {numRuns: 1000},
  );
  t.is(world.cloud.requests.count({endpoint: 'git'}), 0);
});

test.serial('a client that disappears ends its request, and the next one is served', async (t) => {
  const world = gateway();
  world.cloud.requests.clear();
  const fault = world.cloud.fault({endpoint: 'git', hang: true});
  const connection = new GatewayConnection(world.socket);
  connection.request('dev.azure.com', getRequest(REFS));
  await world.cloud.requests.waitFor({endpoint: 'git'});
  connection.socket.destroy();
  fault.clear();
  t.regex(await askGateway(world, getRequest(REFS)), /^HTTP\/1\.1 200 /);
});

test.serial('what follows a denied body is never taken for a request', async (t) => {
  const world = gateway();
  world.cloud.requests.clear();
  const inner = getRequest(REFS);
  const path = '/contoso/hr/_git/salaries/git-upload-pack';
  const answer = await askGateway(
    world,
    post(`Content-Length: ${inner.length + 1000}\r\n`, inner, path).replace('Connection: close\r\n', ''),
  );
  t.is(answer.match(/^HTTP\/1\.1 /gm)?.length, 1);
  t.is(world.cloud.requests.count({endpoint: 'git'}), 0);
});

test.serial('requests over one connection are each checked', async (t) => {
  const world = gateway();
  world.cloud.requests.clear();
  const salaries = REFS.replace('web/_git/site', 'hr/_git/salaries');
  const answer = await askGateway(world, `${kept(REFS)}${kept(REFS)}${getRequest(salaries)}`);
  t.deepEqual(answer.match(/^HTTP\/1\.1 \d+/gm), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 403']);
  t.deepEqual(outside(world), []);
});

test.serial('an answer that is shorter than it says ends the connection of the client', async (t) => {
  const world = gateway();
  world.cloud.fault({endpoint: 'git', truncate: 20});
  const connection = new GatewayConnection(world.socket);
  connection.request('dev.azure.com', getRequest(REFS).replace('Connection: close\r\n', ''));
  const answer = await connection.answer();
  t.false(answer.endsWith('0\r\n\r\n'), 'a cut answer does not look whole');
});

test.serial('a connection that the server closed while it was idle costs no request', async (t) => {
  const world = gateway();
  await askGateway(world, getRequest(REFS));
  world.cloud.requests.clear();
  world.cloud.fault({endpoint: 'git', reset: true});
  t.regex(await askGateway(world, getRequest(REFS)), /^HTTP\/1\.1 200 /);
  t.is(world.cloud.requests.count({endpoint: 'git'}), 2);
});

for (const location of [
  'http://dev.azure.com/contoso/web/_git/site/info/refs?service=git-upload-pack',
  'https://x:y@dev.azure.com/contoso/web/_git/site/info/refs?service=git-upload-pack',
  'https://dev.azure.com:8443/contoso/web/_git/site/info/refs?service=git-upload-pack',
  'https://dev.azure.com/fabrikam/web/_git/site/info/refs?service=git-upload-pack',
  'https://dev.azure.com/contoso/web/_git/%2e%2e/hr/_git/salaries/info/refs',
  '//evil.example/contoso/web/_git/site/info/refs',
  '/contoso/hr/_git/salaries/info/refs?service=git-upload-pack',
  'https://dev.azure.com/contoso/web/_git/site/git-receive-pack',
  'file:///etc/passwd',
])
  test.serial(`a redirect to ${location} is not followed, and not shown`, async (t) => {
    const world = gateway();
    world.cloud.requests.clear();
    world.cloud.fault({endpoint: 'git', status: 307, headers: {location}});
    const answer = await askGateway(world, getRequest(REFS));
    t.regex(answer, /^HTTP\/1\.1 502 /);
    t.notRegex(answer, /^location:/im);
    t.is(world.cloud.requests.count({endpoint: 'git'}), 1);
  });
