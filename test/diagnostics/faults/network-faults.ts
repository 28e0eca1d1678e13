import type {Fault} from '../../cloud/faults.ts';
import type {SeededFault} from '../../helpers/provoke-fault.ts';
import type {SickWorld} from '../../helpers/sick-world.ts';

/** Something on the way breaks for everyone, until a person repairs it there. */
function onTheWay(fault: Fault): Pick<SeededFault, 'seed' | 'mend'> {
  return {
    seed({cloud}) {
      const active = cloud.fault({...fault, times: 'always'});
      return {undo: () => active.clear()};
    },
    mend: (_world, {undo}) => void undo?.(),
  };
}

/** Entra is asked again, because the daemon forgets its tokens. */
function onTheWayToEntra(fault: Fault): Pick<SeededFault, 'seed' | 'mend'> {
  const {seed, mend} = onTheWay(fault);
  return {
    async seed(world) {
      await forget(world);
      return seed(world);
    },
    async mend(world, seeded) {
      await mend?.(world, seeded);
      await forget(world);
      return {};
    },
  };
}

async function forget(world: SickWorld): Promise<void> {
  await world.expect(world.person.run('cache clear'), 'cache clear');
}

const withoutVariables = () => ({environment: {}});

/** The proxy of this shell, for git and for doctor. */
function proxy(address: string): () => {environment: Record<string, string>} {
  return () => ({environment: {https_proxy: address, HTTPS_PROXY: address}});
}

/** What breaks between this machine and Azure DevOps, or Entra. */
export const networkFaults: readonly SeededFault[] = [
  {
    title: 'the proxy wants a login',
    ...onTheWay({endpoint: 'proxy', status: 407}),
    cause: /^the proxy .* makes no connection to dev\.azure\.com, it wants a login/,
  },
  {
    title: 'the proxy denies Azure DevOps',
    ...onTheWay({endpoint: 'proxy', host: 'dev.azure.com', status: 403}),
    cause: /^the proxy .* makes no connection to dev\.azure\.com$/,
  },
  {
    title: 'the proxy never answers',
    ...onTheWay({endpoint: 'proxy', host: 'dev.azure.com', hang: true}),
    cause: /^the proxy .* did not answer in time$/,
  },
  {
    title: 'a firewall cuts the connection at the proxy',
    ...onTheWay({endpoint: 'proxy', host: 'dev.azure.com', reset: true}),
    cause: /^the proxy .* cannot be reached \(ECONNRESET\)/,
  },
  {
    title: 'a firewall cuts the connection behind the handshake',
    ...onTheWay({endpoint: 'azure-devops', reset: true}),
    cause: /the connection to dev\.azure\.com through the proxy .* was cut/,
  },
  {
    title: 'the proxy of the shell is a server that does not proxy',
    seed: ({cloud}) => proxy(cloud.imdsUrl)(),
    cause: /^the proxy .* cannot be reached \(ECONNRESET\)/,
    mend: withoutVariables,
  },
  {
    title: 'the name of the proxy is unknown',
    seed: proxy('http://proxy.invalid:8080'),
    cause: /^the proxy proxy\.invalid:8080 cannot be reached/,
    mend: withoutVariables,
  },
  {
    title: 'the proxy of the shell is for SOCKS, which orgkey does not speak',
    seed: proxy('socks5://127.0.0.1:9'),
    cause: /is not the address of a proxy|the proxy 127\.0\.0\.1:9 cannot be reached/,
    mend: withoutVariables,
  },
  {
    title: 'a proxy inspects TLS with an authority that is unknown here',
    ...onTheWay({endpoint: 'tls', certificate: 'untrusted'}),
    cause: /^the certificate of dev\.azure\.com comes from an authority that is not trusted here/,
  },
  {
    title: "the server's certificate has expired",
    ...onTheWay({endpoint: 'tls', host: 'dev.azure.com', certificate: 'expired'}),
    cause: /^the certificate of dev\.azure\.com is no longer valid/,
  },
  {
    title: 'another server answers in the place of Azure DevOps',
    ...onTheWay({endpoint: 'tls', host: 'dev.azure.com', certificate: 'wrong-name'}),
    cause: /^the certificate does not belong to dev\.azure\.com/,
  },
  {
    title: 'a captive portal shows its page',
    ...onTheWay({
      endpoint: 'azure-devops',
      status: 200,
      body: '<html>\n<p>Welcome to the hotel</p>\n</html>\n',
      headers: {'content-type': 'text/html'},
    }),
    cause: /^a web page answers in the place of Azure DevOps/,
  },
  {
    title: 'a captive portal redirects to its login',
    ...onTheWay({
      endpoint: 'azure-devops',
      status: 302,
      body: '',
      headers: {location: 'http://login.hotel.example/'},
    }),
    cause: /^a redirect to login\.hotel\.example answers in the place of Azure DevOps/,
  },
  {
    title: 'a proxy shows its page for git only',
    ...onTheWay({
      endpoint: 'git',
      status: 200,
      body: '<html>\n<p>Blocked</p>\n</html>\n',
      headers: {'content-type': 'text/html'},
    }),
    cause: /^a web page answers in the place of Azure DevOps/,
  },
  {
    title: 'Azure DevOps is down',
    ...onTheWay({endpoint: 'azure-devops', status: 503}),
    cause: /^it is not available \(HTTP 503\)/,
  },
  {
    title: 'Azure DevOps limits the number of requests',
    ...onTheWay({endpoint: 'azure-devops', status: 429, headers: {'retry-after': '17'}}),
    cause: /^it limits the number of our requests \(HTTP 429\); it asks to wait 17 s/,
  },
  {
    title: 'Entra is down',
    ...onTheWayToEntra({endpoint: 'token', status: 503, body: ''}),
    cause: /^Entra has an internal failure \(HTTP 503\)/,
  },
  {
    title: 'the proxy denies Entra',
    ...onTheWayToEntra({endpoint: 'proxy', host: 'login.microsoftonline.com', status: 403}),
    cause: /^the proxy .* makes no connection to login\.microsoftonline\.com/,
  },
  {
    title: 'a page answers in the place of Entra',
    ...onTheWayToEntra({
      endpoint: 'token',
      status: 200,
      body: '<html>Welcome',
      headers: {'content-type': 'text/html'},
    }),
    cause: /a web page/,
  },
  {
    title: "this machine's clock is wrong",
    seed({cloud}) {
      cloud.clockOffset = -3 * 3_600_000;
      return {undo: () => void (cloud.clockOffset = 0)};
    },
    cause: /clock/,
    mend: (_world, {undo}) => void undo?.(),
    gitWorks: true,
  },
];
